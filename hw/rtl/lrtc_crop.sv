`default_nettype none

// Pixels in raster order → those inside the margins. Latency 1; a dropped pixel never waits.
module lrtc_crop #(
    parameter integer PixelBits = 1,
    parameter integer Height    = 4,
    parameter integer Width     = 4,
    parameter integer Top       = 0,
    parameter integer Bottom    = 0,
    parameter integer Left      = 0,
    parameter integer Right     = 0
) (
    input  wire                 clk_i,
    input  wire                 rst_ni,
    input  wire                 in_valid_i,
    output wire                 in_ready_o,
    input  wire [PixelBits-1:0] in_data_i,
    output wire                 out_valid_o,
    input  wire                 out_ready_i,
    output wire [PixelBits-1:0] out_data_o
);
    localparam integer YBits = (Height > 1) ? $clog2(Height) : 1;
    localparam integer XBits = (Width > 1) ? $clog2(Width) : 1;

    generate
        if (Top + Bottom >= Height || Left + Right >= Width) begin : gen_illegal
            initial $fatal(1, "lrtc_crop: nothing is left of the image");
        end
    endgenerate

    logic out_valid_q;
    logic [YBits-1:0] y_q;
    logic [XBits-1:0] x_q;
    logic [PixelBits-1:0] out_data_q;

    wire signed [31:0] y = {{(32 - YBits) {1'b0}}, y_q};
    wire signed [31:0] x = {{(32 - XBits) {1'b0}}, x_q};
    wire keep = y >= Top && y < Height - Bottom && x >= Left && x < Width - Right;
    wire last_x = x == Width - 1;
    wire out_free = !out_valid_q || out_ready_i;
    wire take = in_valid_i && in_ready_o;

    assign in_ready_o  = out_free || !keep;
    assign out_valid_o = out_valid_q;
    assign out_data_o  = out_data_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            out_valid_q <= 1'b0;
            y_q         <= '0;
            x_q         <= '0;
        end else begin
            if (out_free) out_valid_q <= in_valid_i && keep;
            if (take) begin
                x_q <= last_x ? '0 : x_q + 1'b1;
                if (last_x) y_q <= (y == Height - 1) ? '0 : y_q + 1'b1;
            end
        end
    end

    always_ff @(posedge clk_i) if (out_free && keep) out_data_q <= in_data_i;
endmodule

`default_nettype wire
