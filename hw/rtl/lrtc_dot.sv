`default_nettype none

// The dot product of `Lanes` elements with a weight row (layouts: README.md), without a clock, modulo 2^AccBits.
// ±1 inputs with ±1 or ternary weights: 2·popcount(agree) − n. All else: with Planes = 1 a popcount a plane, or pair of
// planes; with 0 a sum of unsigned terms, a popcount, a constant. Raw leaves out what depends on weights and padding only.
module lrtc_dot #(
    parameter integer Lanes      = 8,
    parameter integer Groups     = 1,
    parameter integer InBits     = 1,
    parameter integer InKind     = 1,
    parameter integer WeightKind = 0,
    parameter integer WeightBits = 1,
    parameter integer AccBits    = 8,
    parameter integer HasPad     = 1,
    parameter integer Raw        = 0,
    parameter integer Planes     = 0
) (
    input  wire [Lanes*InBits-1:0] in_data_i,
    input  wire [Groups-1:0] group_valid_i,
    input  wire [Lanes*((WeightKind == 0) ? 1 : (WeightKind == 1) ? 2 : WeightBits)-1:0] weight_i,
    output wire [AccBits-1:0] dot_o
);
    localparam integer GroupLanes = Lanes / Groups;
    localparam integer CountBits = $clog2(Lanes + 1);
    localparam integer RowBits = Lanes * ((WeightKind == 0) ? 1 : (WeightKind == 1) ? 2 : WeightBits);

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
                wire [Lanes-1:0] mask = weight_i[Lanes-1:0] & valid;
                assign agree = (in_data_i ^ weight_i[2*Lanes-1:Lanes]) & mask;
                if (Raw == 0) begin : gen_mask
                    wire [CountBits-1:0] mask_count;
                    lrtc_popcount #(
                        .Width(Lanes)
                    ) u_mask (
                        .bits_i (mask),
                        .count_o(mask_count)
                    );
                    assign dot_o = AccBits'({agree_count, 1'b0}) - AccBits'(mask_count);
                end
            end else begin : gen_bipolar
                assign agree = ~(in_data_i ^ weight_i) & valid;
                if (Raw == 0 && HasPad == 0) begin : gen_all
                    assign dot_o = AccBits'({agree_count, 1'b0}) - AccBits'(Lanes);
                end else if (Raw == 0) begin : gen_masked
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
            if (Raw == 1) begin : gen_raw
                assign dot_o = AccBits'({agree_count, 1'b0});
            end else if (Raw == 2) begin : gen_half
                assign dot_o = AccBits'(agree_count);
            end
        end else if (Planes != 0) begin : gen_planes
            // One popcount a plane, of `InBits` or `WeightBits` or of every pair. Plane p of the elements, q of the weights:
            // integers: 2^(p+q)·popcount(x_p & w_q), subtracted where one of the two is a sign. ±1 or ternary weights:
            // 2^p·popcount((x_p ^ negative) & nonzero), subtracted for a sign, less what the negative lanes count too much.
            // ±1 elements: 2w + 1 is a sum of ±2^q, so 2^q·popcount(agree) for each, less what is the same for all weights.
            localparam integer XPlanes = (InKind == 1) ? 1 : InBits;
            localparam integer WPlanes = (WeightKind == 2) ? WeightBits : 1;
            wire [XPlanes*WPlanes*CountBits-1:0] counts;
            wire [AccBits-1:0] excess;
            logic [AccBits-1:0] sum;
            integer i;
            genvar p;

            for (p = 0; p < XPlanes * WPlanes; p = p + 1) begin : gen_plane
                wire [Lanes-1:0] ones;
                for (g = 0; g < Lanes; g = g + 1) begin : gen_lane
                    if (InKind == 1) begin : gen_agree
                        if (p == WPlanes - 1) begin : gen_sign
                            assign ones[g] = (in_data_i[g] ^ weight_i[g*WeightBits+p]) & valid[g];
                        end else begin : gen_bit
                            assign ones[g] = ~(in_data_i[g] ^ weight_i[g*WeightBits+p]) & valid[g];
                        end
                    end else if (WeightKind == 2) begin : gen_both
                        assign ones[g] = in_data_i[g*InBits+p/WPlanes] & weight_i[g*WeightBits+p%WPlanes] & valid[g];
                    end else if (WeightKind == 1) begin : gen_ternary
                        assign ones[g] = (in_data_i[g*InBits+p] ^ weight_i[Lanes+g]) & weight_i[g] & valid[g];
                    end else begin : gen_bipolar
                        assign ones[g] = ~(in_data_i[g*InBits+p] ^ weight_i[g]) & valid[g];
                    end
                end
                lrtc_popcount #(
                    .Width(Lanes)
                ) u_ones (
                    .bits_i (ones),
                    .count_o(counts[p*CountBits+:CountBits])
                );
            end

            // ---- the same for every plane
            if (InKind != 1 && (WeightKind == 2 || Raw != 0)) begin : gen_exact
                assign excess = '0;
            end else begin : gen_excess
                wire [Lanes-1:0] extra;
                wire [CountBits-1:0] extra_count, valid_count;
                assign extra = (InKind == 1) ? in_data_i[Lanes-1:0] & valid :
                    (WeightKind == 1) ? weight_i[Lanes-1:0] & weight_i[RowBits-1-:Lanes] & valid : ~weight_i[Lanes-1:0] & valid;
                lrtc_popcount #(
                    .Width(Lanes)
                ) u_extra (
                    .bits_i (extra),
                    .count_o(extra_count)
                );
                if (InKind != 1) begin : gen_negative
                    assign valid_count = '0;
                    if (InKind == 2) begin : gen_signed  // the planes of one lane are worth −1
                        assign excess = -AccBits'(extra_count);
                    end else begin : gen_unsigned  // 2^InBits − 1
                        assign excess = (AccBits'(extra_count) << InBits) - AccBits'(extra_count);
                    end
                end else begin : gen_agree
                    if (Raw != 0) begin : gen_raw
                        assign valid_count = '0;
                    end else if (HasPad == 0) begin : gen_all
                        assign valid_count = CountBits'(Lanes);
                    end else begin : gen_masked
                        lrtc_popcount #(
                            .Width(Lanes)
                        ) u_valid (
                            .bits_i (valid),
                            .count_o(valid_count)
                        );
                    end
                    assign excess = AccBits'(extra_count) + (AccBits'(valid_count) << (WeightBits - 1)) - AccBits'(valid_count);
                end
            end
            always_comb begin
                sum = -excess;
                for (i = 0; i < XPlanes * WPlanes; i = i + 1) begin
                    if ((InKind == 2 && i / WPlanes == InBits - 1) !=
                        (InKind != 1 && WeightKind == 2 && i % WPlanes == WeightBits - 1))
                        sum = sum - (AccBits'(counts[i*CountBits+:CountBits]) << (i / WPlanes + i % WPlanes));
                    else sum = sum + (AccBits'(counts[i*CountBits+:CountBits]) << (i / WPlanes + i % WPlanes));
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
            wire [AccBits-1:0] offset = (Raw != 0) ? '0 : AccBits'(Lanes) << (TermBits - 1);
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
                assign dot_o = AccBits'(sum) - offset;
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
                    assign dot_o = AccBits'(sum) + AccBits'(negative_count) - offset;
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
                    if (Raw != 0) begin : gen_raw
                        assign dot_o = AccBits'(sum);
                    end else if (InKind == 2) begin : gen_signed
                        assign dot_o = AccBits'(sum) + AccBits'(negative_count) - offset;
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
