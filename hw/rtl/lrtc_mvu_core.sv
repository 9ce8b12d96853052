`default_nettype none

// A matrix times one window, folded: Pe output channels × Simd of the `Fan` elements that each reads a cycle, weights from an
// external lrtc_rom, start values by output and class of the window from another one. A window is taken every
// (Outputs/Pe)·(Fan/Simd) cycles, without a bubble. With Groups, output o reads the channels of group o·Groups/Outputs only.
module lrtc_mvu_core #(
    parameter integer Fan        = 8,
    parameter integer Taps       = 1,
    parameter integer Outputs    = 4,
    parameter integer Pe         = 1,
    parameter integer Simd       = 1,
    parameter integer InBits     = 1,
    parameter integer InKind     = 1,
    parameter integer WeightKind = 0,
    parameter integer WeightBits = 1,
    parameter integer AccBits    = 8,
    parameter integer HasPad     = 0,
    parameter integer Groups     = 1,
    parameter integer Planes     = 0,
    parameter integer Half       = 0,
    parameter integer ClassBits  = 0
) (
    input wire clk_i,
    input wire rst_ni,
    input wire in_valid_i,
    output wire in_ready_o,
    input wire [Groups*Fan*InBits-1:0] in_data_i,
    input wire [Taps+ClassBits-1:0] in_border_i,  // {class, valid bits of taps}
    output wire weight_en_o,
    output wire [(((Outputs/Pe)*(Fan/Simd) > 1) ? $clog2((Outputs/Pe)*(Fan/Simd)) : 1)-1:0] weight_addr_o,
    input wire [Pe*Simd*((WeightKind == 0) ? 1 : (WeightKind == 1) ? 2 : WeightBits)-1:0] weight_data_i,
    output wire const_en_o,
    output wire [((ClassBits+$clog2(Outputs/Pe) > 0) ? ClassBits + $clog2(Outputs/Pe) : 1)-1:0] const_addr_o,
    input  wire [Pe*AccBits-1:0] const_data_i,
    output wire out_valid_o,
    input wire out_ready_i,
    output wire [Pe*AccBits-1:0] out_data_o
);
    localparam integer Channels = Fan / Taps;  // that an output reads
    localparam integer SliceBits = Fan * InBits;  // what one group reads
    localparam integer GroupOutputs = Outputs / Groups;
    localparam integer Slices = (Pe > GroupOutputs) ? Pe / GroupOutputs : 1;  // groups at work at once
    localparam integer GroupFolds = (Pe < GroupOutputs) ? GroupOutputs / Pe : 1;  // folds that stay with one group
    localparam integer SynapseFolds = Fan / Simd;
    localparam integer Folds = (Outputs / Pe) * SynapseFolds;
    localparam integer AddrBits = (Folds > 1) ? $clog2(Folds) : 1;
    localparam integer StepTaps = (Simd > Channels) ? Simd / Channels : 1;  // taps in one fold
    localparam integer TapFolds = (Simd < Channels) ? Channels / Simd : 1;  // folds in one tap
    localparam integer RowBits = Simd * ((WeightKind == 0) ? 1 : (WeightKind == 1) ? 2 : WeightBits);
    // Constants are left out of dot products: accumulators start from them. Padding makes them depend on the window.
    localparam integer Raw = (HasPad != 0) ? 0 : (Half != 0) ? 2 : 1;

    genvar p, g, t;

    generate
        if (Fan % Taps != 0 || Fan % Simd != 0 || Outputs % Pe != 0 || Outputs % Groups != 0) begin : gen_illegal_division
            initial $fatal(1, "lrtc_mvu: Taps and Simd must divide Fan, and Pe and Groups Outputs");
        end
        if (GroupOutputs % Pe != 0 && Pe % GroupOutputs != 0) begin : gen_illegal_pe
            initial $fatal(1, "lrtc_mvu: Pe must divide Outputs/Groups or be a multiple of it");
        end
        if (Channels % Simd != 0 && Simd % Channels != 0) begin : gen_illegal_simd
            initial $fatal(1, "lrtc_mvu: Simd must divide Fan/Taps or be a multiple of it");
        end
        if (InKind == 1 && InBits != 1) begin : gen_illegal_input
            initial $fatal(1, "lrtc_mvu: a bipolar input has InBits = 1");
        end
    endgenerate

    // ---- stage A: a window lies group after group. Each group's slice turns Simd elements a cycle past the lanes and is
    // back in place after SynapseFolds turns; when a group has had its folds, the next one takes its place.
    logic busy_q;
    logic [Groups*SliceBits-1:0] window_q;
    logic [AddrBits-1:0] addr_q;
    wire first_synapse, last_synapse;
    wire [StepTaps-1:0] group_valid;
    wire advance;  // stages A to C move

    wire last_fold = addr_q == AddrBits'(Folds - 1);
    wire issue = busy_q && advance;
    wire take = in_valid_i && in_ready_o;

    assign in_ready_o = !busy_q || (advance && last_fold);
    assign weight_en_o = issue;
    assign weight_addr_o = addr_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            busy_q <= 1'b0;
            addr_q <= '0;
        end else begin
            if (in_ready_o) busy_q <= in_valid_i;
            if (issue) addr_q <= last_fold ? '0 : addr_q + 1'b1;
        end
    end

    wire [Groups*SliceBits-1:0] window_in, turned;
    generate
        for (g = 0; g < Groups; g = g + 1) begin : gen_group
            for (t = 0; t < Taps; t = t + 1) begin : gen_tap
                assign window_in[g*SliceBits+t*Channels*InBits+:Channels*InBits] =
                    in_data_i[(t*Groups+g)*Channels*InBits+:Channels*InBits];
            end
            if (SynapseFolds > 1) begin : gen_turn
                wire [SliceBits-1:0] slice = window_q[g*SliceBits+:SliceBits];
                assign turned[g*SliceBits+:SliceBits] = {slice[Simd*InBits-1:0], slice[SliceBits-1:Simd*InBits]};
            end else begin : gen_stay
                assign turned[g*SliceBits+:SliceBits] = window_q[g*SliceBits+:SliceBits];
            end
        end
        if (SynapseFolds > 1) begin : gen_fold
            localparam integer SynapseBits = $clog2(SynapseFolds);
            logic [SynapseBits-1:0] synapse_q;
            assign first_synapse = synapse_q == 0;
            assign last_synapse  = synapse_q == SynapseBits'(SynapseFolds - 1);
            always_ff @(posedge clk_i) begin
                if (!rst_ni) synapse_q <= '0;
                else if (issue) synapse_q <= last_synapse ? '0 : synapse_q + 1'b1;
            end
        end else begin : gen_no_fold
            assign first_synapse = 1'b1;
            assign last_synapse  = 1'b1;
        end
        if (Groups > Slices) begin : gen_groups
            wire last_group_fold;
            if (GroupFolds > 1) begin : gen_count
                localparam integer GroupFoldBits = $clog2(GroupFolds);
                logic [GroupFoldBits-1:0] group_fold_q;
                assign last_group_fold = group_fold_q == GroupFoldBits'(GroupFolds - 1);
                always_ff @(posedge clk_i) begin
                    if (!rst_ni) group_fold_q <= '0;
                    else if (issue && last_synapse) group_fold_q <= last_group_fold ? '0 : group_fold_q + 1'b1;
                end
            end else begin : gen_each
                assign last_group_fold = 1'b1;
            end
            always_ff @(posedge clk_i) begin
                if (take) window_q <= window_in;
                else if (issue && last_synapse && last_group_fold)
                    window_q <= {turned[Slices*SliceBits-1:0], turned[Groups*SliceBits-1:Slices*SliceBits]};
                else if (issue) window_q <= turned;
            end
        end else if (SynapseFolds > 1) begin : gen_one_group
            always_ff @(posedge clk_i) begin
                if (take) window_q <= window_in;
                else if (issue) window_q <= turned;
            end
        end else begin : gen_still
            wire unused = &{1'b0, turned};
            always_ff @(posedge clk_i) if (take) window_q <= window_in;
        end
    endgenerate

    generate
        if (HasPad != 0) begin : gen_taps
            logic [Taps-1:0] tap_q;
            wire turn;

            assign group_valid = tap_q[StepTaps-1:0];
            if (TapFolds > 1) begin : gen_tap_fold
                localparam integer TapFoldBits = $clog2(TapFolds);
                logic [TapFoldBits-1:0] tap_fold_q;
                assign turn = issue && tap_fold_q == TapFoldBits'(TapFolds - 1);
                always_ff @(posedge clk_i) begin
                    if (!rst_ni) tap_fold_q <= '0;
                    else if (issue) tap_fold_q <= turn ? '0 : tap_fold_q + 1'b1;
                end
            end else begin : gen_tap_each
                assign turn = issue;
            end
            if (Taps > StepTaps) begin : gen_turn
                always_ff @(posedge clk_i) begin
                    if (take) tap_q <= in_border_i[Taps-1:0];
                    else if (turn) tap_q <= {tap_q[StepTaps-1:0], tap_q[Taps-1:StepTaps]};
                end
            end else begin : gen_no_turn
                wire unused = turn;
                always_ff @(posedge clk_i) if (take) tap_q <= in_border_i[Taps-1:0];
            end
        end else begin : gen_no_taps
            wire unused = &{1'b0, in_border_i[Taps-1:0]};
            assign group_valid = '1;
        end
    endgenerate

    // ---- stage B: the elements wait for their weight row
    logic b_valid_q, b_first_q, b_last_q;
    logic [Slices*Simd*InBits-1:0] b_data_q;
    logic [StepTaps-1:0] b_group_valid_q;
    wire [Pe*AccBits-1:0] dot;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) b_valid_q <= 1'b0;
        else if (advance) b_valid_q <= busy_q;
    end

    always_ff @(posedge clk_i) begin
        if (issue) begin
            b_first_q       <= first_synapse;
            b_last_q        <= last_synapse;
            b_group_valid_q <= group_valid;
        end
    end

    generate
        for (g = 0; g < Slices; g = g + 1) begin : gen_slice
            always_ff @(posedge clk_i) begin
                if (issue) b_data_q[g*Simd*InBits+:Simd*InBits] <= window_q[g*SliceBits+:Simd*InBits];
            end
        end
        for (p = 0; p < Pe; p = p + 1) begin : gen_pe
            localparam integer Slice = (Slices > 1) ? p / GroupOutputs : 0;
            lrtc_dot #(
                .Lanes     (Simd),
                .Groups    (StepTaps),
                .InBits    (InBits),
                .InKind    (InKind),
                .WeightKind(WeightKind),
                .WeightBits(WeightBits),
                .AccBits   (AccBits),
                .HasPad    (HasPad),
                .Raw       (Raw),
                .Planes    (Planes)
            ) u_dot (
                .in_data_i    (b_data_q[Slice*Simd*InBits+:Simd*InBits]),
                .group_valid_i(b_group_valid_q),
                .weight_i     (weight_data_i[p*RowBits+:RowBits]),
                .dot_o        (dot[p*AccBits+:AccBits])
            );
        end
    endgenerate

    // ---- what the accumulators start from, in stage C
    localparam integer OutputFolds = Outputs / Pe;
    localparam integer FoldBits = $clog2(OutputFolds);
    localparam integer PlaceBits = (ClassBits + FoldBits > 0) ? ClassBits + FoldBits : 1;
    wire [PlaceBits-1:0] place;  // {class, fold}
    logic [PlaceBits-1:0] b_place_q;

    generate
        if (OutputFolds > 1) begin : gen_output_fold
            logic [FoldBits-1:0] output_fold_q;
            assign place[FoldBits-1:0] = output_fold_q;
            always_ff @(posedge clk_i) begin
                if (!rst_ni) output_fold_q <= '0;
                else if (issue && last_synapse) output_fold_q <= last_fold ? '0 : output_fold_q + 1'b1;
            end
        end
        if (ClassBits > 0) begin : gen_class
            logic [ClassBits-1:0] class_q;
            assign place[PlaceBits-1:FoldBits] = class_q;
            always_ff @(posedge clk_i) if (take) class_q <= in_border_i[Taps+:ClassBits];
        end else if (OutputFolds == 1) begin : gen_one_place
            assign place = 1'b0;
        end
    endgenerate

    always_ff @(posedge clk_i) if (issue) b_place_q <= place;

    assign const_en_o = advance && b_valid_q;
    assign const_addr_o = b_place_q;

    // ---- stage C: accumulate; the last fold goes to the output register
    lrtc_accumulate #(
        .Pe     (Pe),
        .AccBits(AccBits),
        .Single ((SynapseFolds == 1) ? 1 : 0)
    ) u_accumulate (
        .clk_i       (clk_i),
        .rst_ni      (rst_ni),
        .dot_valid_i (b_valid_q),
        .dot_first_i (b_first_q),
        .dot_last_i  (b_last_q),
        .dot_i       (dot),
        .advance_o   (advance),
        .const_data_i(const_data_i),
        .out_valid_o (out_valid_o),
        .out_ready_i (out_ready_i),
        .out_data_o  (out_data_o)
    );
endmodule

`default_nettype wire
