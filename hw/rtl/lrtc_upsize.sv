`default_nettype none

// Packs `Ratio` beats of `Width` bits into one, the first at the LSBs. Latency 1 from the last of them,
// and an input beat every cycle while the output is taken at once.
module lrtc_upsize #(
    parameter integer Width = 8,
    parameter integer Ratio = 2
) (
    input  wire                   clk_i,
    input  wire                   rst_ni,
    input  wire                   in_valid_i,
    output wire                   in_ready_o,
    input  wire [Width-1:0]       in_data_i,
    output wire                   out_valid_o,
    input  wire                   out_ready_i,
    output wire [Ratio*Width-1:0] out_data_o
);
    logic                   out_valid_q;
    logic [Ratio*Width-1:0] data_q;
    logic                   last;

    wire take = in_valid_i && in_ready_o;

    assign in_ready_o  = !out_valid_q || out_ready_i;
    assign out_valid_o = out_valid_q;
    assign out_data_o  = data_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) out_valid_q <= 1'b0;
        else if (in_ready_o) out_valid_q <= take && last;
    end

    generate
        if (Ratio > 1) begin : gen_pack
            localparam integer CountBits = $clog2(Ratio);
            logic [CountBits-1:0] count_q;
            assign last = count_q == CountBits'(Ratio - 1);
            always_ff @(posedge clk_i) begin
                if (!rst_ni) count_q <= '0;
                else if (take) count_q <= last ? '0 : count_q + 1'b1;
            end
            always_ff @(posedge clk_i) if (take) data_q <= {in_data_i, data_q[Ratio*Width-1:Width]};
        end else begin : gen_pass
            assign last = 1'b1;
            always_ff @(posedge clk_i) if (take) data_q <= in_data_i;
        end
    endgenerate
endmodule

`default_nettype wire
