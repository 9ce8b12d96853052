`default_nettype none

// An lrtc_rom whose rows can be written, a word of 32 bits at a time, by `reload_i` = {write, address of a word, word}: bits
// [32k+31:32k] of row r are at word Base + (r << WordBits) + k. It begins as `File` says. Nothing is read while it is written.
module lrtc_reload #(
    parameter integer Width    = 8,
    parameter integer Depth    = 2,
    parameter         File     = "",
    parameter integer Base     = 0,  // a multiple of the words that it spans
    parameter integer AddrBits = 4
) (
    input  wire                                         clk_i,
    input  wire                                         en_i,
    input  wire [((Depth > 1) ? $clog2(Depth) : 1)-1:0] addr_i,
    output wire [Width-1:0]                             data_o,
    input  wire [AddrBits+32:0]                         reload_i
);
    localparam integer Words = (Width + 31) / 32;
    localparam integer WordBits = $clog2(Words);
    localparam integer RowBits = $clog2(Depth);
    localparam integer SpanBits = WordBits + RowBits;

    generate
        if (SpanBits > AddrBits || Base % (1 << SpanBits) != 0) begin : gen_illegal
            initial $fatal(1, "lrtc_reload: Base must be a multiple of the words that the memory spans");
        end
    endgenerate

    (* no_rw_check *)
    logic [Width-1:0] mem[0:Depth-1];
    logic [Width-1:0] data_q;
    wire [AddrBits-1:0] place = reload_i[32+:AddrBits];
    wire hit = reload_i[AddrBits+32] && (place >> SpanBits) == AddrBits'(Base >> SpanBits);
    wire [((Depth > 1) ? RowBits : 1)-1:0] row;

    assign data_o = data_q;

    generate
        if (File != "") begin : gen_contents  // synthesis reads a module once with its defaults
            initial $readmemh(File, mem);
        end else begin : gen_zeros
            integer k;
            initial for (k = 0; k < Depth; k = k + 1) mem[k] = '0;
        end
        if (Depth > 1) begin : gen_rows
            assign row = place[WordBits+:RowBits];
            always_ff @(posedge clk_i) if (en_i) data_q <= mem[addr_i];
        end else begin : gen_row
            wire unused = &{1'b0, addr_i};
            assign row = 1'b0;
            always_ff @(posedge clk_i) if (en_i) data_q <= mem[0];
        end
    endgenerate

    genvar w;
    generate
        for (w = 0; w < Words; w = w + 1) begin : gen_word
            localparam integer Bits = (Width - 32 * w < 32) ? Width - 32 * w : 32;
            wire mine;
            if (Words > 1) begin : gen_one
                assign mine = place[WordBits-1:0] == WordBits'(w);
            end else begin : gen_all
                assign mine = 1'b1;
            end
            always_ff @(posedge clk_i) if (hit && mine) mem[row][32*w+:Bits] <= reload_i[Bits-1:0];
        end
        if (Width < 32) begin : gen_rest
            wire unused_bits = &{1'b0, reload_i[31:Width]};
        end
    endgenerate
endmodule

`default_nettype wire
