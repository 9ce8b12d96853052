// Elements leave in order, none lost, none twice, stable while stalled, whatever both sides do and whenever reset comes: the
// element number `chosen`, any number, is followed from its arrival to its departure. `held_i` is what the module stores,
// oldest first, `count_i` how much of it is real: both come from the module's registers, so that one step of induction
// proves this for any number of cycles. Numbers are counted modulo 64; a module holds less.
module follow #(
    parameter integer Width = 2,  // of an element
    parameter integer Takes = 1,  // elements of an input beat
    parameter integer Gives = 1,  // of an output beat
    parameter integer Room = 2,  // elements that the module can hold
    parameter integer Late = 0,  // cycles that a whole output beat may lie in the module before it is offered
    parameter integer Open = 1  // whether it takes a beat whenever it is empty
) (
    input wire clk_i,
    input wire rst_ni,
    input wire in_valid_i,
    input wire in_ready_i,
    input wire [Takes*Width-1:0] in_data_i,
    input wire out_valid_i,
    input wire out_ready_i,
    input wire [Gives*Width-1:0] out_data_i,
    input wire [Room*Width-1:0] held_i,
    input wire [5:0] count_i,
    input wire sound_i  // what else holds of the module's registers
);
  (* anyconst *)reg [5:0] chosen;
  reg [5:0] taken, given;
  reg [Width-1:0] saved;
  reg stalled;
  reg [Gives*Width-1:0] before;
  reg [2:0] late;
  wire take = in_valid_i && in_ready_i;
  wire give = out_valid_i && out_ready_i;
  wire [5:0] place = chosen - given;
  integer k;

  always @(posedge clk_i) begin
    stalled <= rst_ni && out_valid_i && !out_ready_i;
    before  <= out_data_i;
    if (!rst_ni) begin
      taken <= 0;
      given <= 0;
      late  <= 0;
    end else begin
      if (take) taken <= taken + Takes;
      if (give) given <= given + Gives;
      late <= (count_i >= Gives && !out_valid_i) ? late + 1 : 0;
      for (k = 0; k < Takes; k = k + 1) if (take && taken + k == {1'b0, chosen}) saved <= in_data_i[k*Width+:Width];
      for (k = 0; k < Takes; k = k + 1) if (take && taken + k == {1'b1, chosen}) saved <= in_data_i[k*Width+:Width];
      assert (sound_i);
      assert (count_i == taken - given);
      assert (count_i <= Room);
      for (k = 0; k < Room; k = k + 1) if (place == k && place < count_i) assert (held_i[k*Width+:Width] == saved);
      if (out_valid_i) begin
        assert (count_i >= Gives);
        for (k = 0; k < Gives; k = k + 1) if (place == k) assert (out_data_i[k*Width+:Width] == saved);
      end
      if (stalled) assert (out_valid_i && out_data_i == before);
      assert (late <= Late);
      if (Open != 0 && count_i == 0) assert (in_ready_i);
    end
  end
endmodule
