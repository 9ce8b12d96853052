`default_nettype none

// Pe accumulators → Pe logits: acc·multiplier + offset modulo 2^OutBits, the constants from row `beat mod Folds` of an
// external lrtc_rom. Latency 3: constants, product, sum.
module lrtc_affine_core #(
    parameter integer Pe         = 1,
    parameter integer Folds      = 1,
    parameter integer AccBits    = 8,
    parameter integer OutBits    = 16,
    parameter integer MultBits   = 8,
    parameter integer OffsetBits = 16
) (
    input  wire                  clk_i,
    input  wire                  rst_ni,
    input  wire                  in_valid_i,
    output wire                  in_ready_o,
    input  wire [Pe*AccBits-1:0] in_data_i,
    output wire                  const_en_o,
    output wire [((Folds > 1) ? $clog2(Folds) : 1)-1:0] const_addr_o,
    input  wire [Pe*(MultBits+OffsetBits)-1:0] const_data_i,
    output wire                  out_valid_o,
    input  wire                  out_ready_i,
    output wire [Pe*OutBits-1:0] out_data_o
);
    localparam integer EntryBits = MultBits + OffsetBits;
    localparam integer FoldBits = (Folds > 1) ? $clog2(Folds) : 1;

    logic acc_valid_q, product_valid_q, out_valid_q;
    logic [FoldBits-1:0] fold_q;
    logic [Pe*AccBits-1:0] acc_q;

    wire out_free = !out_valid_q || out_ready_i;
    wire product_free = !product_valid_q || out_free;
    wire take = in_valid_i && in_ready_o;

    assign in_ready_o  = !acc_valid_q || product_free;
    assign out_valid_o = out_valid_q;

    assign const_en_o = take;
    assign const_addr_o = fold_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            acc_valid_q     <= 1'b0;
            product_valid_q <= 1'b0;
            out_valid_q     <= 1'b0;
            fold_q          <= '0;
        end else begin
            if (in_ready_o) acc_valid_q <= in_valid_i;
            if (product_free) product_valid_q <= acc_valid_q;
            if (out_free) out_valid_q <= product_valid_q;
            if (take) fold_q <= (fold_q == FoldBits'(Folds - 1)) ? '0 : fold_q + 1'b1;
        end
    end

    always_ff @(posedge clk_i) if (take) acc_q <= in_data_i;

    genvar p;
    generate
        for (p = 0; p < Pe; p = p + 1) begin : gen_pe
            wire signed [AccBits-1:0] acc = acc_q[p*AccBits+:AccBits];
            wire signed [MultBits-1:0] multiplier = const_data_i[p*EntryBits+OffsetBits+:MultBits];
            wire signed [OffsetBits-1:0] offset = const_data_i[p*EntryBits+:OffsetBits];
            logic signed [OffsetBits-1:0] offset_q;
            logic signed [OutBits-1:0] product_q, logit_q;

            assign out_data_o[p*OutBits+:OutBits] = logit_q;

            // signed operands of several widths: extended, or cut to OutBits, as the contract says
            /* verilator lint_off WIDTHEXPAND */
            /* verilator lint_off WIDTHTRUNC */
            always_ff @(posedge clk_i) begin
                if (product_free) begin
                    product_q <= acc * multiplier;
                    offset_q  <= offset;
                end
                if (out_free) logit_q <= product_q + offset_q;
            end
            /* verilator lint_on WIDTHEXPAND */
            /* verilator lint_on WIDTHTRUNC */
        end
    endgenerate
endmodule

`default_nettype wire
