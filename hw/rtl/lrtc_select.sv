`default_nettype none

// Elements in another order, some left out, some several times: wires. Element k of the output is element
// `Index[k*IndexBits +: IndexBits]` of the input.
module lrtc_select #(
    parameter integer                       InCount   = 1,
    parameter integer                       Count     = 1,
    parameter integer                       Width     = 1,
    parameter integer                       IndexBits = 1,
    parameter         [Count*IndexBits-1:0] Index     = '0
) (
    /* verilator lint_off UNUSEDSIGNAL */  // elements that are left out
    input  wire [InCount*Width-1:0] in_data_i,
    /* verilator lint_on UNUSEDSIGNAL */
    output wire [  Count*Width-1:0] out_data_o
);
    genvar k;
    generate
        for (k = 0; k < Count; k = k + 1) begin : gen_element
            localparam [IndexBits-1:0] From = Index[k*IndexBits+:IndexBits];
            assign out_data_o[k*Width+:Width] = in_data_i[From*Width+:Width];
        end
    endgenerate
endmodule

`default_nettype wire
