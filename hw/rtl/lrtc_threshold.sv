`default_nettype none

// Pe accumulators → Pe codes of OutBits: Low + the number of levels with (acc >= level) != flip, the constants from row
// `beat mod Folds` of `File`. Latency 2.
module lrtc_threshold #(
    parameter integer Pe      = 1,
    parameter integer Folds   = 1,
    parameter integer AccBits = 8,
    parameter integer Levels  = 1,
    parameter integer OutBits = 1,
    parameter integer Low     = 0,
    parameter         File    = ""
) (
    input  wire                  clk_i,
    input  wire                  rst_ni,
    input  wire                  in_valid_i,
    output wire                  in_ready_o,
    input  wire [Pe*AccBits-1:0] in_data_i,
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
    wire [Pe*EntryBits-1:0] row;
    wire [Pe*OutBits-1:0] code;

    wire out_free = !out_valid_q || out_ready_i;
    wire take = in_valid_i && in_ready_o;

    assign in_ready_o  = !acc_valid_q || out_free;
    assign out_valid_o = out_valid_q;
    assign out_data_o  = out_data_q;

    lrtc_rom #(
        .Width(Pe * EntryBits),
        .Depth(Folds),
        .File (File)
    ) u_rows (
        .clk_i (clk_i),
        .en_i  (take),
        .addr_i(fold_q),
        .data_o(row)
    );

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

    genvar p, k;
    generate
        for (p = 0; p < Pe; p = p + 1) begin : gen_pe
            wire signed [AccBits:0] acc = {acc_q[(p+1)*AccBits-1], acc_q[p*AccBits+:AccBits]};
            wire flip = row[(p+1)*EntryBits-1];
            wire [Levels-1:0] fire;
            wire [CountBits-1:0] count;
            for (k = 0; k < Levels; k = k + 1) begin : gen_level
                wire signed [AccBits:0] level = row[p*EntryBits+k*LevelBits+:LevelBits];
                assign fire[k] = (acc >= level) ^ flip;
            end
            lrtc_popcount #(
                .Width(Levels)
            ) u_count (
                .bits_i (fire),
                .count_o(count)
            );
            assign code[p*OutBits+:OutBits] = OutBits'(Low) + OutBits'(count);
        end
    endgenerate
endmodule

`default_nettype wire
