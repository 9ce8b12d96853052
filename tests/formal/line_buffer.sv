// Tap (ky, kx) of the window at (oy, ox), any of them: it is the pixel that belongs there, or marked as padding, for the
// first cycles after a reset, whatever both sides do.
module prove_line_buffer #(
    parameter integer Height = 3,
    parameter integer Width = 3,
    parameter integer Kernel = 2,
    parameter integer Stride = 1,
    parameter integer Pad = 0,
    parameter integer Dilation = 1
) (
    input wire clk_i,
    input wire in_valid_i,
    input wire out_ready_i,
    input wire [1:0] in_data_i
);
  localparam integer Span = (Kernel - 1) * Dilation + 1;
  localparam integer Rows = (Height + 2 * Pad - Span) / Stride + 1;
  localparam integer Columns = (Width + 2 * Pad - Span) / Stride + 1;
  localparam integer Taps = Kernel * Kernel;
  reg started = 0;
  always @(posedge clk_i) started <= 1;
  wire in_ready, out_valid;
  wire [Taps*2-1:0] out_data;
  wire [Taps-1:0] tap_valid;
  lrtc_line_buffer #(
      .PixelBits(2), .Height(Height), .Width(Width), .KernelH(Kernel), .KernelW(Kernel), .StrideH(Stride),
      .StrideW(Stride), .PadTop(Pad), .PadBottom(Pad), .PadLeft(Pad), .PadRight(Pad), .DilationH(Dilation),
      .DilationW(Dilation)
  ) dut (
      .clk_i(clk_i), .rst_ni(started), .in_valid_i(in_valid_i), .in_ready_o(in_ready), .in_data_i(in_data_i),
      .out_valid_o(out_valid), .out_ready_i(out_ready_i), .out_data_o(out_data), .out_border_o(tap_valid));

  (* anyconst *)reg [4:0] oy, ox;
  (* anyconst *)reg [2:0] ky, kx;
  wire signed [31:0] y = 32'(oy) * Stride + 32'(ky) * Dilation - Pad;
  wire signed [31:0] x = 32'(ox) * Stride + 32'(kx) * Dilation - Pad;
  wire inside = y >= 0 && y < Height && x >= 0 && x < Width;
  wire [31:0] tap = 32'(ky) * Kernel + 32'(kx);

  reg [7:0] pixel, window, frame_in, frame_out;  // numbers of the next pixel and window in their frames
  reg [1:0] saved[0:1];  // the wanted pixel of this frame and of the one before
  reg came;
  reg stalled;
  reg [Taps*3-1:0] before;
  wire mine = out_valid && 32'(window) == 32'(oy) * Columns + 32'(ox);

  always @(posedge clk_i) begin
    assume (32'(oy) < Rows && 32'(ox) < Columns && 32'(ky) < Kernel && 32'(kx) < Kernel);
    stalled <= started && out_valid && !out_ready_i;
    before  <= {tap_valid, out_data};
    if (!started) begin
      pixel <= 0;
      window <= 0;
      frame_in <= 0;
      frame_out <= 0;
      came <= 0;
    end else begin
      if (in_valid_i && in_ready) begin
        pixel <= (32'(pixel) == Height * Width - 1) ? 0 : pixel + 1;
        if (32'(pixel) == Height * Width - 1) frame_in <= frame_in + 1;
        if (inside && 32'(pixel) == y * Width + x) begin
          saved[frame_in[0]] <= in_data_i;
          came <= 1;
        end
      end
      if (out_valid && out_ready_i) begin
        window <= (32'(window) == Rows * Columns - 1) ? 0 : window + 1;
        if (32'(window) == Rows * Columns - 1) frame_out <= frame_out + 1;
      end
      if (mine) begin
        assert (tap_valid[tap] == inside);
        if (inside) assert (came && out_data[tap*2+:2] == saved[frame_out[0]]);
        else assert (out_data[tap*2+:2] == 0);
      end
      if (stalled) assert (out_valid && {tap_valid, out_data} == before);
    end
  end
endmodule
