`default_nettype none

// Several streams that move together become one; `in_data_i` is made of the data of all of them. Latency 1.
// A stream's ready waits for valid of the others, never for its own.
module lrtc_join #(
    parameter integer Streams = 2,
    parameter integer Width   = 8
) (
    input  wire               clk_i,
    input  wire               rst_ni,
    input  wire [Streams-1:0] in_valid_i,
    output wire [Streams-1:0] in_ready_o,
    input  wire [  Width-1:0] in_data_i,
    output wire               out_valid_o,
    input  wire               out_ready_i,
    output wire [  Width-1:0] out_data_o
);
    logic out_valid_q;
    logic [Width-1:0] data_q;

    wire out_free = !out_valid_q || out_ready_i;

    assign out_valid_o = out_valid_q;
    assign out_data_o  = data_q;

    genvar s;
    generate
        for (s = 0; s < Streams; s = s + 1) begin : gen_ready
            localparam [Streams-1:0] Self = Streams'(1) << s;
            assign in_ready_o[s] = out_free && (&(in_valid_i | Self));
        end
    endgenerate

    always_ff @(posedge clk_i) begin
        if (!rst_ni) out_valid_q <= 1'b0;
        else if (out_free) out_valid_q <= &in_valid_i;
    end

    always_ff @(posedge clk_i) if (out_free) data_q <= in_data_i;
endmodule

`default_nettype wire
