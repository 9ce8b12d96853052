`default_nettype none

// A memory with one write and one read port, the read registered; it holds `rd_data_o` while `rd_en_i` is 0.
// Reading the address that is being written returns either word: the user avoids it.
module lrtc_ram #(
    parameter integer Width = 8,
    parameter integer Depth = 2
) (
    input  wire                     clk_i,
    input  wire                     wr_en_i,
    input  wire [$clog2(Depth)-1:0] wr_addr_i,
    input  wire [Width-1:0]         wr_data_i,
    input  wire                     rd_en_i,
    input  wire [$clog2(Depth)-1:0] rd_addr_i,
    output wire [Width-1:0]         rd_data_o
);
    (* no_rw_check *)  // Yosys: no bypass for that case
    logic [Width-1:0] mem[0:Depth-1];
    logic [Width-1:0] rd_data_q;

    assign rd_data_o = rd_data_q;

    always_ff @(posedge clk_i) begin
        if (wr_en_i) mem[wr_addr_i] <= wr_data_i;
        if (rd_en_i) rd_data_q <= mem[rd_addr_i];
    end
endmodule

`default_nettype wire
