`default_nettype none

// `Count` signed values, one a beat, → the index of the largest; the lowest index wins a tie. Latency 1 from the last value;
// the next frame is taken while the result waits.
module lrtc_argmax #(
    parameter integer Count = 2,
    parameter integer Width = 8
) (
    input  wire                                         clk_i,
    input  wire                                         rst_ni,
    input  wire                                         in_valid_i,
    output wire                                         in_ready_o,
    input  wire [Width-1:0]                             in_data_i,
    output wire                                         out_valid_o,
    input  wire                                         out_ready_i,
    output wire [((Count > 1) ? $clog2(Count) : 1)-1:0] out_data_o
);
    localparam integer IndexBits = (Count > 1) ? $clog2(Count) : 1;

    logic out_valid_q;
    logic [IndexBits-1:0] index_q, best_index_q, out_index_q;
    logic signed [Width-1:0] best_q;

    wire signed [Width-1:0] value = in_data_i;
    wire last = index_q == IndexBits'(Count - 1);
    wire better = index_q == 0 || value > best_q;
    wire [IndexBits-1:0] best_index = better ? index_q : best_index_q;
    wire take = in_valid_i && in_ready_o;
    wire out_free = !out_valid_q || out_ready_i;

    assign in_ready_o  = !last || out_free;
    assign out_valid_o = out_valid_q;
    assign out_data_o  = out_index_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            out_valid_q <= 1'b0;
            index_q     <= '0;
        end else begin
            if (out_free) out_valid_q <= take && last;
            if (take) index_q <= last ? '0 : index_q + 1'b1;
        end
    end

    always_ff @(posedge clk_i) begin
        if (take && better) begin
            best_q       <= value;
            best_index_q <= index_q;
        end
        if (take && last) out_index_q <= best_index;
    end
endmodule

`default_nettype wire
