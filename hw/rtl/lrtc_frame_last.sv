`default_nettype none

// A register stage that adds `out_last_o`: 1 beside the last of every `Beats` beats. Latency 1.
module lrtc_frame_last #(
    parameter integer Width = 8,
    parameter integer Beats = 1
) (
    input  wire             clk_i,
    input  wire             rst_ni,
    input  wire             in_valid_i,
    output wire             in_ready_o,
    input  wire [Width-1:0] in_data_i,
    output wire             out_valid_o,
    input  wire             out_ready_i,
    output wire [Width-1:0] out_data_o,
    output wire             out_last_o
);
    logic             out_valid_q, out_last_q;
    logic [Width-1:0] out_data_q;
    logic             last;

    wire take = in_valid_i && in_ready_o;

    assign in_ready_o  = !out_valid_q || out_ready_i;
    assign out_valid_o = out_valid_q;
    assign out_data_o  = out_data_q;
    assign out_last_o  = out_last_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) out_valid_q <= 1'b0;
        else if (in_ready_o) out_valid_q <= in_valid_i;
    end

    always_ff @(posedge clk_i) begin
        if (take) begin
            out_data_q <= in_data_i;
            out_last_q <= last;
        end
    end

    generate
        if (Beats > 1) begin : gen_count
            localparam integer CountBits = $clog2(Beats);
            logic [CountBits-1:0] count_q;
            assign last = count_q == CountBits'(Beats - 1);
            always_ff @(posedge clk_i) begin
                if (!rst_ni) count_q <= '0;
                else if (take) count_q <= last ? '0 : count_q + 1'b1;
            end
        end else begin : gen_every
            assign last = 1'b1;
        end
    endgenerate
endmodule

`default_nettype wire
