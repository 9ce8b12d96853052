`default_nettype none

// A read-only memory filled from a hex file, the read registered; it holds `data_o` while `en_i` is 0.
// A memory of one row is a constant behind a register.
module lrtc_rom #(
    parameter integer Width = 8,
    parameter integer Depth = 2,
    parameter         File  = ""
) (
    input  wire                                         clk_i,
    input  wire                                         en_i,
    input  wire [((Depth > 1) ? $clog2(Depth) : 1)-1:0] addr_i,
    output wire [Width-1:0]                             data_o
);
    logic [Width-1:0] mem[0:Depth-1];
    logic [Width-1:0] data_q;

    assign data_o = data_q;

    generate
        if (File != "") begin : gen_contents  // synthesis reads a module once with its defaults
            initial $readmemh(File, mem);
        end else begin : gen_zeros
            integer row;
            initial for (row = 0; row < Depth; row = row + 1) mem[row] = '0;
        end
        if (Depth > 1) begin : gen_rows
            always_ff @(posedge clk_i) if (en_i) data_q <= mem[addr_i];
        end else begin : gen_row
            wire unused = &{1'b0, addr_i};
            always_ff @(posedge clk_i) if (en_i) data_q <= mem[0];
        end
    endgenerate
endmodule

`default_nettype wire
