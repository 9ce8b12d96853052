`default_nettype none

// The dot product of `Lanes` elements with a weight row (layouts: README.md), without a clock, modulo 2^AccBits.
// ±1 inputs with ±1 or ternary weights: 2·popcount(agree) − n. Integers of up to 4 by 4 bits: popcounts of planes, with more
// lanes than pairs of planes. All else: a sum of unsigned terms, a popcount, a constant.
module lrtc_dot #(
    parameter integer Lanes      = 8,
    parameter integer Groups     = 1,
    parameter integer InBits     = 1,
    parameter integer InKind     = 1,
    parameter integer WeightKind = 0,
    parameter integer WeightBits = 1,
    parameter integer AccBits    = 8,
    parameter integer HasPad     = 1,
    parameter integer Raw        = 0
) (
    input  wire [Lanes*InBits-1:0] in_data_i,
    input  wire [Groups-1:0] group_valid_i,
    input  wire [Lanes*((WeightKind == 0) ? 1 : (WeightKind == 1) ? 2 : WeightBits)-1:0] weight_i,
    output wire [AccBits-1:0] dot_o
);
    localparam integer GroupLanes = Lanes / Groups;
    localparam integer CountBits = $clog2(Lanes + 1);

    genvar g;

    // Counts and sums may be wider than AccBits: their upper bits are dropped.
    /* verilator lint_off UNUSEDSIGNAL */

    // ---- the lanes that count
    wire [Lanes-1:0] valid;
    generate
        if (HasPad != 0) begin : gen_valid
            for (g = 0; g < Groups; g = g + 1) begin : gen_group
                assign valid[g*GroupLanes+:GroupLanes] = {GroupLanes{group_valid_i[g]}};
            end
        end else begin : gen_all_valid
            wire unused = &{1'b0, group_valid_i};
            assign valid = '1;
        end
    endgenerate

    generate
        if (InKind == 1 && WeightKind != 2) begin : gen_xnor
            wire [    Lanes-1:0] agree;  // among the lanes that count
            wire [CountBits-1:0] agree_count;

            lrtc_popcount #(
                .Width(Lanes)
            ) u_agree (
                .bits_i (agree),
                .count_o(agree_count)
            );
            if (WeightKind == 1) begin : gen_ternary
                wire [    Lanes-1:0] mask = weight_i[Lanes-1:0] & valid;
                wire [CountBits-1:0] mask_count;
                assign agree = (in_data_i ^ weight_i[2*Lanes-1:Lanes]) & mask;
                lrtc_popcount #(
                    .Width(Lanes)
                ) u_mask (
                    .bits_i (mask),
                    .count_o(mask_count)
                );
                assign dot_o = AccBits'({agree_count, 1'b0}) - AccBits'(mask_count);
            end else begin : gen_bipolar
                assign agree = ~(in_data_i ^ weight_i) & valid;
                if (Raw != 0) begin : gen_raw
                    assign dot_o = AccBits'({agree_count, 1'b0});
                end else if (HasPad == 0) begin : gen_all
                    assign dot_o = AccBits'({agree_count, 1'b0}) - AccBits'(Lanes);
                end else begin : gen_masked
                    wire [CountBits-1:0] valid_count;
                    lrtc_popcount #(
                        .Width(Lanes)
                    ) u_valid (
                        .bits_i (valid),
                        .count_o(valid_count)
                    );
                    assign dot_o = AccBits'({agree_count, 1'b0}) - AccBits'(valid_count);
                end
            end
        end else if (InKind != 1 && WeightKind == 2 && InBits <= 4 && WeightBits <= 4 && InBits * WeightBits <= Lanes)
        begin : gen_planes
            // Plane p of the elements, q of the weights: 2^(p+q)·popcount(x_p & w_q), subtracted where one of the two is a sign.
            localparam integer Planes = InBits * WeightBits;
            wire [Planes*CountBits-1:0] counts;
            logic [AccBits-1:0] sum;
            integer i;
            genvar p;

            for (p = 0; p < Planes; p = p + 1) begin : gen_plane
                wire [Lanes-1:0] both;
                for (g = 0; g < Lanes; g = g + 1) begin : gen_lane
                    assign both[g] = in_data_i[g*InBits+p/WeightBits] & weight_i[g*WeightBits+p%WeightBits] & valid[g];
                end
                lrtc_popcount #(
                    .Width(Lanes)
                ) u_both (
                    .bits_i (both),
                    .count_o(counts[p*CountBits+:CountBits])
                );
            end
            always_comb begin
                sum = '0;
                for (i = 0; i < Planes; i = i + 1) begin
                    if ((InKind == 2 && i / WeightBits == InBits - 1) != (i % WeightBits == WeightBits - 1))
                        sum = sum - (AccBits'(counts[i*CountBits+:CountBits]) << (i / WeightBits + i % WeightBits));
                    else sum = sum + (AccBits'(counts[i*CountBits+:CountBits]) << (i / WeightBits + i % WeightBits));
                end
            end
            assign dot_o = sum;
        end else begin : gen_sum
            // A signed term t of TermBits is summed as t + 2^(TermBits−1), which is unsigned: flip its sign bit, subtract the
            // constant from the sum. A negation is −t = ~t + 1: flip the bits, count the lanes.
            localparam integer TermBits = (InKind == 1) ? WeightBits : (WeightKind == 2) ? InBits + WeightBits : InBits;
            localparam integer SumBits = TermBits + $clog2(Lanes);
            wire [Lanes*TermBits-1:0] terms;
            logic [SumBits-1:0] sum;
            integer i;

            always_comb begin
                sum = '0;
                for (i = 0; i < Lanes; i = i + 1) sum = sum + SumBits'(terms[i*TermBits+:TermBits]);
            end

            if (InKind != 1 && WeightKind == 2) begin : gen_multiply
                for (g = 0; g < Lanes; g = g + 1) begin : gen_lane
                    wire [InBits-1:0] element = in_data_i[g*InBits+:InBits] & {InBits{valid[g]}};
                    wire signed [TermBits-1:0] x = {{WeightBits{InKind == 2 && element[InBits-1]}}, element};
                    wire signed [TermBits-1:0] w = {
                        {InBits{weight_i[(g+1)*WeightBits-1]}}, weight_i[g*WeightBits+:WeightBits]
                    };
                    wire signed [TermBits-1:0] product = x * w;
                    assign terms[g*TermBits+:TermBits] = product ^ {1'b1, {(TermBits - 1) {1'b0}}};
                end
                assign dot_o = AccBits'(sum) - (AccBits'(Lanes) << (TermBits - 1));
            end else begin : gen_negate
                wire [    Lanes-1:0] negative;
                wire [CountBits-1:0] negative_count;

                lrtc_popcount #(
                    .Width(Lanes)
                ) u_negative (
                    .bits_i (negative),
                    .count_o(negative_count)
                );
                if (InKind == 1) begin : gen_signed_weight
                    assign negative = ~in_data_i & valid;
                    for (g = 0; g < Lanes; g = g + 1) begin : gen_lane
                        wire [WeightBits-1:0] w = weight_i[g*WeightBits+:WeightBits] & {WeightBits{valid[g]}};
                        assign terms[g*TermBits+:TermBits] = w ^ {WeightBits{negative[g]}} ^ (WeightBits'(1) << (WeightBits - 1));
                    end
                    assign dot_o = AccBits'(sum) + AccBits'(negative_count) - (AccBits'(Lanes) << (TermBits - 1));
                end else begin : gen_input
                    localparam [InBits-1:0] Flip = (InKind == 2) ? InBits'(1) << (InBits - 1) : '0;
                    wire [Lanes-1:0] nonzero;
                    if (WeightKind == 1) begin : gen_ternary
                        assign nonzero  = weight_i[Lanes-1:0] & valid;
                        assign negative = weight_i[2*Lanes-1:Lanes] & nonzero;
                    end else begin : gen_bipolar
                        assign nonzero  = valid;
                        assign negative = ~weight_i & nonzero;
                    end
                    for (g = 0; g < Lanes; g = g + 1) begin : gen_lane
                        assign terms[g*TermBits+:TermBits] =
                            (in_data_i[g*InBits+:InBits] & {InBits{nonzero[g]}}) ^ {InBits{negative[g]}} ^ Flip;
                    end
                    if (InKind == 2) begin : gen_signed
                        assign dot_o = AccBits'(sum) + AccBits'(negative_count) - (AccBits'(Lanes) << (TermBits - 1));
                    end else begin : gen_unsigned
                        // here ~t = 2^TermBits − 1 − t, so every negative lane is 2^TermBits too many
                        assign dot_o = AccBits'(sum) + AccBits'(negative_count) - (AccBits'(negative_count) << TermBits);
                    end
                end
            end
        end
    endgenerate
    /* verilator lint_on UNUSEDSIGNAL */
endmodule

`default_nettype wire
