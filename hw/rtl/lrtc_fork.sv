`default_nettype none

// One stream to several readers, each with its own handshake; a beat makes room when the last of them has taken it.
// Latency 1, and a beat every cycle while all take it at once.
module lrtc_fork #(
    parameter integer Width   = 8,
    parameter integer Readers = 2
) (
    input  wire               clk_i,
    input  wire               rst_ni,
    input  wire               in_valid_i,
    output wire               in_ready_o,
    input  wire [  Width-1:0] in_data_i,
    output wire [Readers-1:0] out_valid_o,
    input  wire [Readers-1:0] out_ready_i,
    output wire [  Width-1:0] out_data_o
);
    logic [Readers-1:0] waiting_q;  // readers that have not taken the beat yet
    logic [Width-1:0] data_q;

    assign in_ready_o  = (waiting_q & ~out_ready_i) == '0;
    assign out_valid_o = waiting_q;
    assign out_data_o  = data_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) waiting_q <= '0;
        else if (in_ready_o) waiting_q <= {Readers{in_valid_i}};
        else waiting_q <= waiting_q & ~out_ready_i;
    end

    always_ff @(posedge clk_i) if (in_ready_o) data_q <= in_data_i;
endmodule

`default_nettype wire
