// Arithmetic modules beside what they are meant to compute, written as sums over lanes in 32-bit integers.
module prove_popcount #(
    parameter integer Width = 8
) (
    input wire [Width-1:0] bits_i
);
  wire [$clog2(Width + 1)-1:0] count;
  integer want, i;
  lrtc_popcount #(.Width(Width)) dut (.bits_i(bits_i), .count_o(count));
  always @* begin
    want = 0;
    for (i = 0; i < Width; i = i + 1) if (bits_i[i]) want = want + 1;
    assert (want == 32'(count));
  end
endmodule

module prove_dot #(
    parameter integer Lanes = 4,
    parameter integer Groups = 1,
    parameter integer InBits = 1,
    parameter integer InKind = 1,
    parameter integer WeightKind = 0,
    parameter integer WeightBits = 1,
    parameter integer AccBits = 8,
    parameter integer HasPad = 1,
    parameter integer Raw = 0
) (
    input wire [Lanes*InBits-1:0] in_data_i,
    input wire [Groups-1:0] group_valid_i,
    input wire [Lanes*((WeightKind == 0) ? 1 : (WeightKind == 1) ? 2 : WeightBits)-1:0] weight_i
);
  wire [AccBits-1:0] dot;
  integer want, x, w, i;
  lrtc_dot #(
      .Lanes(Lanes), .Groups(Groups), .InBits(InBits), .InKind(InKind), .WeightKind(WeightKind), .WeightBits(WeightBits),
      .AccBits(AccBits), .HasPad(HasPad), .Raw(Raw)
  ) dut (.in_data_i(in_data_i), .group_valid_i(group_valid_i), .weight_i(weight_i), .dot_o(dot));
  always @* begin
    want = 0;
    for (i = 0; i < Lanes; i = i + 1) begin
      x = 32'(in_data_i[i*InBits+:InBits]);
      if (InKind == 1) x = 2 * x - 1;
      if (InKind == 2 && in_data_i[(i+1)*InBits-1]) x = x - (1 << InBits);
      if (WeightKind == 0) w = weight_i[i] ? 1 : -1;
      if (WeightKind == 1) w = !weight_i[i] ? 0 : weight_i[Lanes+i] ? -1 : 1;
      if (WeightKind == 2) begin
        w = 32'(weight_i[i*WeightBits+:WeightBits]);
        if (weight_i[(i+1)*WeightBits-1]) w = w - (1 << WeightBits);
      end
      if (HasPad == 0 || group_valid_i[i/(Lanes/Groups)]) want = want + w * x + ((Raw != 0) ? 1 : 0);
    end
    assert (AccBits'(want) == dot);
  end
endmodule

// Rows of constants are any constants here, instead of a file.
module lrtc_rom #(
    parameter integer Width = 8,
    parameter integer Depth = 1,
    parameter File = ""
) (
    input  wire clk_i,
    input  wire en_i,
    input  wire [((Depth > 1) ? $clog2(Depth) : 1)-1:0] addr_i,
    output wire [Width-1:0] data_o
);
  (* anyconst *)reg [Width-1:0] row;
  assign data_o = row;
endmodule

module prove_threshold #(
    parameter integer AccBits = 4,
    parameter integer Levels = 1,
    parameter integer OutBits = 1,
    parameter integer Low = 0
) (
    input wire clk_i,
    input wire rst_i,
    input wire in_valid_i,
    input wire out_ready_i,
    input wire [AccBits-1:0] in_data_i
);
  localparam integer LevelBits = AccBits + 1;
  reg started = 0;
  always @(posedge clk_i) started <= 1;
  wire rst_n = started && !rst_i;
  wire in_ready, out_valid, p_acc_valid, p_out_valid;
  wire [OutBits-1:0] out_data, p_out;
  wire [AccBits-1:0] p_acc;
  wire [Levels*LevelBits:0] p_row;
  lrtc_threshold #(.AccBits(AccBits), .Levels(Levels), .OutBits(OutBits), .Low(Low)) dut (
      .clk_i(clk_i), .rst_ni(rst_n), .in_valid_i(in_valid_i), .in_ready_o(in_ready), .in_data_i(in_data_i),
      .out_valid_o(out_valid), .out_ready_i(out_ready_i), .out_data_o(out_data));

  function [OutBits-1:0] code(input [AccBits-1:0] acc, input [Levels*LevelBits:0] row);
    integer i, n, a, level;
    begin
      n = 0;
      a = acc[AccBits-1] ? 32'(acc) - (1 << AccBits) : 32'(acc);
      for (i = 0; i < Levels; i = i + 1) begin
        level = 32'(row[i*LevelBits+:LevelBits]);
        if (row[(i+1)*LevelBits-1]) level = level - (1 << LevelBits);
        if (a >= level) n = n + 1;
      end
      code = OutBits'(Low + (row[Levels*LevelBits] ? Levels - n : n));
    end
  endfunction

  reg rising;
  integer j;
  always @* begin
    rising = 1;
    for (j = 1; j < Levels; j = j + 1)
      if ($signed(p_row[j*LevelBits+:LevelBits]) < $signed(p_row[(j-1)*LevelBits+:LevelBits])) rising = 0;
    assume (rising);
  end
  wire [OutBits-1:0] behind = code(p_acc, p_row);
  follow #(.Width(OutBits), .Room(2), .Late(1)) check (
      .clk_i(clk_i), .rst_ni(rst_n), .in_valid_i(in_valid_i), .in_ready_i(in_ready), .in_data_i(code(in_data_i, p_row)),
      .out_valid_i(out_valid), .out_ready_i(out_ready_i), .out_data_i(out_data),
      .held_i(p_out_valid ? {behind, p_out} : {behind, behind}),
      .count_i(6'(p_acc_valid) + 6'(p_out_valid)), .sound_i(1'b1));
endmodule

module prove_maxpool #(
    parameter integer Taps = 4,
    parameter integer Bits = 1,
    parameter integer Signed = 0,
    parameter integer Least = 0
) (
    input wire clk_i,
    input wire rst_i,
    input wire in_valid_i,
    input wire out_ready_i,
    input wire [Taps*Bits-1:0] in_data_i,
    input wire [Taps-1:0] tap_valid_i
);
  reg started = 0;
  always @(posedge clk_i) started <= 1;
  wire rst_n = started && !rst_i;
  wire in_ready, out_valid;
  wire [Bits-1:0] out_data, p_out;
  lrtc_maxpool #(.Channels(1), .Taps(Taps), .Bits(Bits), .Signed(Signed), .MinMask(Least != 0)) dut (
      .clk_i(clk_i), .rst_ni(rst_n), .in_valid_i(in_valid_i), .in_ready_o(in_ready), .in_data_i(in_data_i),
      .in_tap_valid_i(tap_valid_i), .out_valid_o(out_valid), .out_ready_i(out_ready_i), .out_data_o(out_data));
  integer best, now, i;
  always @* begin
    best = 0;
    for (i = Taps - 1; i >= 0; i = i - 1)
      if (tap_valid_i[i]) begin
        best = 32'(in_data_i[i*Bits+:Bits]);
        if (Signed != 0 && in_data_i[(i+1)*Bits-1]) best = best - (1 << Bits);
      end
    for (i = 0; i < Taps; i = i + 1) begin
      now = 32'(in_data_i[i*Bits+:Bits]);
      if (Signed != 0 && in_data_i[(i+1)*Bits-1]) now = now - (1 << Bits);
      if (tap_valid_i[i] && ((Least != 0) ? now < best : now > best)) best = now;
    end
    assume (tap_valid_i != 0);
  end
  follow #(.Width(Bits), .Room(1)) check (
      .clk_i(clk_i), .rst_ni(rst_n), .in_valid_i(in_valid_i), .in_ready_i(in_ready), .in_data_i(Bits'(best)),
      .out_valid_i(out_valid), .out_ready_i(out_ready_i), .out_data_i(out_data), .held_i(p_out),
      .count_i(6'(out_valid)), .sound_i(1'b1));
endmodule

// Behind a pipeline of as many levels that carries the index which a loop over the values finds.
module prove_argmax #(
    parameter integer Count = 3,
    parameter integer Width = 2,
    parameter integer Signed = 1,
    parameter integer Levels = 2
) (
    input wire clk_i,
    input wire rst_i,
    input wire in_valid_i,
    input wire out_ready_i,
    input wire [Count*Width-1:0] in_data_i
);
  reg started = 0;
  always @(posedge clk_i) started <= 1;
  wire rst_n = started && !rst_i;
  wire in_ready, out_valid;
  wire [$clog2(Count)-1:0] out_data;
  lrtc_argmax #(.Count(Count), .Width(Width), .Signed(Signed)) dut (
      .clk_i(clk_i), .rst_ni(rst_n), .in_valid_i(in_valid_i), .in_ready_o(in_ready), .in_data_i(in_data_i),
      .out_valid_o(out_valid), .out_ready_i(out_ready_i), .out_data_o(out_data));
  integer best, place, now, i;
  always @* begin
    best = -(1 << Width);
    place = 0;
    for (i = 0; i < Count; i = i + 1) begin
      now = 32'(in_data_i[i*Width+:Width]);
      if (Signed != 0 && in_data_i[(i+1)*Width-1]) now = now - (1 << Width);
      if (now > best) begin
        best = now;
        place = i;
      end
    end
  end
  reg [Levels-1:0] full = 0;
  reg [Levels*8-1:0] places;
  reg [Levels:0] move;
  integer l;
  always @* begin
    move[Levels] = out_ready_i;
    for (l = Levels - 1; l >= 0; l = l - 1) move[l] = !full[l] || move[l+1];
  end
  always @(posedge clk_i) begin
    for (l = 0; l < Levels; l = l + 1)
      if (move[l]) begin
        full[l] <= (l == 0) ? in_valid_i : full[(l==0)?0 : l-1];
        places[l*8+:8] <= (l == 0) ? 8'(place) : places[((l==0)?0 : l-1)*8+:8];
      end
    if (!rst_n) full <= 0;
    if (rst_n) begin
      assert (in_ready == move[0]);
      assert (out_valid == full[Levels-1]);
      if (out_valid) assert (8'(out_data) == places[(Levels-1)*8+:8]);
    end
  end
endmodule
