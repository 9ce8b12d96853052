`default_nettype none

// Whether numbers are 0 or more, without a clock: the ±1 elements of a threshold that accumulators start from.
module lrtc_sign #(
    parameter integer Count = 1,
    parameter integer Width = 8
) (
    /* verilator lint_off UNUSEDSIGNAL */  // all but the signs
    input  wire [Count*Width-1:0] in_data_i,
    /* verilator lint_on UNUSEDSIGNAL */
    output wire [Count-1:0] out_data_o
);
    genvar k;
    generate
        for (k = 0; k < Count; k = k + 1) begin : gen_number
            assign out_data_o[k] = !in_data_i[(k+1)*Width-1];
        end
    endgenerate
endmodule

`default_nettype wire
