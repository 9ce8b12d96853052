`default_nettype none

// `Count` elements in the order of nested counters, counter a of Counts[a] steps of Strides[a] elements, counter 0 the fastest:
// wires.
module lrtc_permute #(
    parameter integer               Count   = 4,
    parameter integer               Width   = 1,
    parameter integer               Axes    = 2,
    parameter         [Axes*32-1:0] Counts  = {32'd2, 32'd2},
    parameter         [Axes*32-1:0] Strides = {32'd1, 32'd2}
) (
    input  wire [Count*Width-1:0] in_data_i,
    output wire [Count*Width-1:0] out_data_o
);
    function automatic integer source(input integer place);
        integer i, rest;
        source = 0;
        rest = place;
        for (i = 0; i < Axes; i = i + 1) begin
            source = source + (rest % Counts[i*32+:32]) * Strides[i*32+:32];
            rest = rest / Counts[i*32+:32];
        end
    endfunction

    genvar k;
    generate
        for (k = 0; k < Count; k = k + 1) begin : gen_element
            localparam integer From = source(k);
            assign out_data_o[k*Width+:Width] = in_data_i[From*Width+:Width];
        end
    endgenerate
endmodule

`default_nettype wire
