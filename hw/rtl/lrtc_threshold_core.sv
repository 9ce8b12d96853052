`default_nettype none

// Pe accumulators → Pe codes of OutBits: Low + the number of levels <= acc, or where flip is 1 of those > acc, the constants from
// row `beat mod Folds` of an external lrtc_rom; the levels of an entry ascend. Latency 2.
module lrtc_threshold_core #(
    parameter integer Pe      = 1,
    parameter integer Folds   = 1,
    parameter integer AccBits = 8,
    parameter integer Levels  = 1,
    parameter integer OutBits = 1,
    parameter integer Low     = 0
) (
    input  wire                  clk_i,
    input  wire                  rst_ni,
    input  wire                  in_valid_i,
    output wire                  in_ready_o,
    input  wire [Pe*AccBits-1:0] in_data_i,
    output wire                  const_en_o,
    output wire [((Folds > 1) ? $clog2(Folds) : 1)-1:0] const_addr_o,
    input  wire [Pe*(Levels*(AccBits+1)+1)-1:0] const_data_i,
    output wire                  out_valid_o,
    input  wire                  out_ready_i,
    output wire [Pe*OutBits-1:0] out_data_o
);
    localparam integer LevelBits = AccBits + 1;
    localparam integer EntryBits = Levels * LevelBits + 1;
    localparam integer CountBits = $clog2(Levels + 1);
    localparam integer FoldBits = (Folds > 1) ? $clog2(Folds) : 1;

    generate
        if (CountBits > OutBits) begin : gen_illegal
            initial $fatal(1, "lrtc_threshold: OutBits cannot hold the number of Levels");
        end
    endgenerate

    logic acc_valid_q, out_valid_q;
    logic [FoldBits-1:0] fold_q;
    logic [Pe*AccBits-1:0] acc_q;
    logic [Pe*OutBits-1:0] out_data_q;
    wire [Pe*OutBits-1:0] code;

    wire out_free = !out_valid_q || out_ready_i;
    wire take = in_valid_i && in_ready_o;

    assign in_ready_o  = !acc_valid_q || out_free;
    assign out_valid_o = out_valid_q;
    assign out_data_o  = out_data_q;

    assign const_en_o = take;
    assign const_addr_o = fold_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            acc_valid_q <= 1'b0;
            out_valid_q <= 1'b0;
            fold_q      <= '0;
        end else begin
            if (in_ready_o) acc_valid_q <= in_valid_i;
            if (out_free) out_valid_q <= acc_valid_q;
            if (take) fold_q <= (fold_q == FoldBits'(Folds - 1)) ? '0 : fold_q + 1'b1;
        end
    end

    always_ff @(posedge clk_i) begin
        if (take) acc_q <= in_data_i;
        if (out_free) out_data_q <= code;
    end

    // Levels ascend, so their number below the accumulator is found bit by bit, the highest first: a comparison with the
    // level in the middle of those in question leaves the half above or below it. Places without a level hold one that
    // no accumulator reaches.
    genvar p, k;
    generate
        for (p = 0; p < Pe; p = p + 1) begin : gen_pe
            wire signed [AccBits:0] acc = {acc_q[(p+1)*AccBits-1], acc_q[p*AccBits+:AccBits]};
            wire flip = const_data_i[(p+1)*EntryBits-1];
            wire [CountBits-1:0] count;
            wire [((1<<CountBits)-1)*LevelBits-1:0] levels;
            if (Levels == (1 << CountBits) - 1) begin : gen_full
                assign levels = const_data_i[p*EntryBits+:Levels*LevelBits];
            end else begin : gen_rest
                assign levels = {
                    {((1 << CountBits) - 1 - Levels) {1'b0, {AccBits{1'b1}}}}, const_data_i[p*EntryBits+:Levels*LevelBits]
                };
            end
            for (k = CountBits - 1; k >= 0; k = k - 1) begin : gen_bit
                localparam integer HalfBits = ((1 << k) - 1) * LevelBits;
                wire [2*HalfBits+LevelBits-1:0] half;
                if (k == CountBits - 1) begin : gen_all
                    assign half = levels;
                end else begin : gen_half
                    assign half = gen_bit[k+1].hit ? gen_bit[k+1].half[4*HalfBits+3*LevelBits-1-:2*HalfBits+LevelBits] :
                        gen_bit[k+1].half[2*HalfBits+LevelBits-1:0];
                end
                wire signed [AccBits:0] level = half[HalfBits+:LevelBits];
                wire hit = acc >= level;
                assign count[k] = hit;
            end
            wire [CountBits-1:0] counted = flip ? CountBits'(Levels) - count : count;
            assign code[p*OutBits+:OutBits] = OutBits'(Low) + OutBits'(counted);
        end
    endgenerate
endmodule

`default_nettype wire
