// The modules that only store and move beats, each beside `follow`. Wires called p_… are joined to registers by the test.
`define CLOCK \
  input wire clk_i, input wire rst_i, input wire in_valid_i, input wire out_ready_i
`define RESET \
  reg started = 0; \
  always @(posedge clk_i) started <= 1; \
  wire rst_n = started && !rst_i; \
  wire in_ready, out_valid;
`define PORTS \
  .clk_i(clk_i), .rst_ni(rst_n), .in_valid_i(in_valid_i), .in_ready_o(in_ready), .in_data_i(in_data_i), \
  .out_valid_o(out_valid), .out_ready_i(out_ready_i), .out_data_o(out_data)
`define FOLLOW \
  .clk_i(clk_i), .rst_ni(rst_n), .in_valid_i(in_valid_i), .in_ready_i(in_ready), \
  .out_valid_i(out_valid), .out_ready_i(out_ready_i)

module prove_skid_buffer #(
    parameter integer Width = 2
) (
    `CLOCK,
    input wire [Width-1:0] in_data_i
);
  `RESET
  wire p_valid, p_free;
  wire [Width-1:0] out_data, p_out, p_skid;
  lrtc_skid_buffer #(.Width(Width)) dut (`PORTS);
  follow #(.Width(Width), .Room(2)) check (
      `FOLLOW, .in_data_i(in_data_i), .out_data_i(out_data), .held_i({p_skid, p_out}),
      .count_i(6'(p_valid) + 6'(!p_free)), .sound_i(p_free || p_valid));
endmodule

module prove_fifo #(
    parameter integer Width = 2,
    parameter integer Depth = 2
) (
    `CLOCK,
    input wire [Width-1:0] in_data_i
);
  `RESET
  localparam integer AddrBits = $clog2(Depth);
  wire p_valid, p_ready;
  wire [AddrBits-1:0] p_write, p_read;
  wire [$clog2(Depth + 1)-1:0] p_level;
  wire [Width-1:0] out_data, p_out;
  wire [Depth*Width-1:0] p_memory;
  reg [(Depth+1)*Width-1:0] held;
  integer k;
  always @* begin
    held = 0;
    for (k = 0; k < Depth; k = k + 1)
      held[(k+32'(p_valid))*Width+:Width] = p_memory[((32'(p_read)+k)%Depth)*Width+:Width];
    if (p_valid) held[Width-1:0] = p_out;
  end
  lrtc_fifo #(.Width(Width), .Depth(Depth)) dut (`PORTS);
  follow #(.Width(Width), .Room(Depth + 1), .Late(1)) check (
      `FOLLOW, .in_data_i(in_data_i), .out_data_i(out_data), .held_i(held), .count_i(6'(p_valid) + 6'(p_level)),
      .sound_i(p_level <= Depth && p_ready == (p_level != Depth) && p_write < Depth && p_read < Depth &&
               (32'(p_read) + 32'(p_level)) % Depth == 32'(p_write)));
endmodule

module prove_upsize #(
    parameter integer Width = 2,
    parameter integer Ratio = 2
) (
    `CLOCK,
    input wire [Width-1:0] in_data_i
);
  `RESET
  wire [Ratio*Width-1:0] out_data, p_data;
  wire [$clog2(Ratio)-1:0] p_count;
  wire p_valid;
  lrtc_upsize #(.Width(Width), .Ratio(Ratio)) dut (`PORTS);
  follow #(.Width(Width), .Gives(Ratio), .Room(Ratio)) check (
      `FOLLOW, .in_data_i(in_data_i), .out_data_i(out_data),
      .held_i(p_valid ? p_data : p_data >> ((Ratio - 32'(p_count)) * Width)),
      .count_i(p_valid ? 6'(Ratio) : 6'(p_count)), .sound_i(p_count < Ratio && (!p_valid || p_count == 0)));
endmodule

module prove_downsize #(
    parameter integer Width = 2,
    parameter integer Ratio = 2
) (
    `CLOCK,
    input wire [Ratio*Width-1:0] in_data_i
);
  `RESET
  wire [Width-1:0] out_data;
  wire [Ratio*Width-1:0] p_data;
  wire [$clog2(Ratio)-1:0] p_count;
  wire p_valid;
  lrtc_downsize #(.Width(Width), .Ratio(Ratio)) dut (`PORTS);
  follow #(.Width(Width), .Takes(Ratio), .Room(Ratio)) check (
      `FOLLOW, .in_data_i(in_data_i), .out_data_i(out_data), .held_i(p_data),
      .count_i(p_valid ? 6'(Ratio) - 6'(p_count) : 6'd0), .sound_i(p_count < Ratio && (p_valid || p_count == 0)));
endmodule

module prove_frame_last #(
    parameter integer Width = 2,
    parameter integer Beats = 3
) (
    `CLOCK,
    input wire [Width-1:0] in_data_i
);
  `RESET
  wire [Width-1:0] out_data, p_out;
  wire p_valid, last;
  wire [((Beats > 1) ? $clog2(Beats) : 1)-1:0] p_count;
  reg [7:0] number;  // of the beat that comes next, in its frame
  reg expected;
  lrtc_frame_last #(.Width(Width), .Beats(Beats)) dut (`PORTS, .out_last_o(last));
  follow #(.Width(Width), .Room(1)) check (
      `FOLLOW, .in_data_i(in_data_i), .out_data_i(out_data), .held_i(p_out), .count_i(6'(p_valid)), .sound_i(Beats == 1 || 8'(p_count) == number));
  always @(posedge clk_i) begin
    if (!rst_n) number <= 0;
    else begin
      if (in_valid_i && in_ready) begin
        number   <= (number == Beats - 1) ? 0 : number + 1;
        expected <= number == Beats - 1;
      end
      assert (number < Beats);
      if (out_valid) assert (last == expected);
    end
  end
endmodule

// Reader r of a fork: its beats are those that came, each once.
module prove_fork #(
    parameter integer Width = 2,
    parameter integer Readers = 2,
    parameter integer Reader = 0
) (
    input wire clk_i,
    input wire rst_i,
    input wire in_valid_i,
    input wire [Readers-1:0] ready_i,
    input wire [Width-1:0] in_data_i
);
  reg started = 0;
  always @(posedge clk_i) started <= 1;
  wire rst_n = started && !rst_i;
  wire in_ready;
  wire [Readers-1:0] valid;
  wire [Width-1:0] out_data, p_data;
  lrtc_fork #(.Width(Width), .Readers(Readers)) dut (
      .clk_i(clk_i), .rst_ni(rst_n), .in_valid_i(in_valid_i), .in_ready_o(in_ready), .in_data_i(in_data_i),
      .out_valid_o(valid), .out_ready_i(ready_i), .out_data_o(out_data));
  follow #(.Width(Width), .Room(1), .Open(0)) check (
      .clk_i(clk_i), .rst_ni(rst_n), .in_valid_i(in_valid_i), .in_ready_i(in_ready), .in_data_i(in_data_i),
      .out_valid_i(valid[Reader]), .out_ready_i(ready_i[Reader]), .out_data_i(out_data), .held_i(p_data),
      .count_i(6'(valid[Reader])), .sound_i(1'b1));
endmodule

// Two streams that become one: both move in the same cycle, and what leaves is what they held then.
module prove_join #(
    parameter integer Width = 2
) (
    input wire clk_i,
    input wire rst_i,
    input wire [1:0] valid_i,
    input wire out_ready_i,
    input wire [2*Width-1:0] in_data_i
);
  reg started = 0;
  always @(posedge clk_i) started <= 1;
  wire rst_n = started && !rst_i;
  wire [1:0] ready;
  wire out_valid;
  wire [2*Width-1:0] out_data, p_data;
  wire [1:0] take = valid_i & ready;
  lrtc_join #(.Streams(2), .Width(2 * Width)) dut (
      .clk_i(clk_i), .rst_ni(rst_n), .in_valid_i(valid_i), .in_ready_o(ready), .in_data_i(in_data_i),
      .out_valid_o(out_valid), .out_ready_i(out_ready_i), .out_data_o(out_data));
  follow #(.Width(2 * Width), .Room(1), .Open(0)) check (
      .clk_i(clk_i), .rst_ni(rst_n), .in_valid_i(take[0]), .in_ready_i(take[0]), .in_data_i(in_data_i),
      .out_valid_i(out_valid), .out_ready_i(out_ready_i), .out_data_i(out_data), .held_i(p_data),
      .count_i(6'(out_valid)), .sound_i(1'b1));
  always @(posedge clk_i) if (rst_n) assert (take == 2'b00 || take == 2'b11);
endmodule
