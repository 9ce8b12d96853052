`default_nettype none

// A matrix times one vector that comes Simd elements a beat and is kept in a memory of two vectors: one comes while the other is
// read, once for each of Outputs/Pe folds, Simd elements a cycle. Weights and start values as in lrtc_mvu.
module lrtc_dense_core #(
    parameter integer Fan        = 8,
    parameter integer Outputs    = 4,
    parameter integer Pe         = 1,
    parameter integer Simd       = 1,
    parameter integer InBits     = 1,
    parameter integer InKind     = 1,
    parameter integer WeightKind = 0,
    parameter integer WeightBits = 1,
    parameter integer AccBits    = 8,
    parameter integer Planes     = 0,
    parameter integer Half       = 0
) (
    input wire clk_i,
    input wire rst_ni,
    input wire in_valid_i,
    output wire in_ready_o,
    input wire [Simd*InBits-1:0] in_data_i,
    output wire weight_en_o,
    output wire [$clog2((Outputs/Pe)*(Fan/Simd))-1:0] weight_addr_o,
    input wire [Pe*Simd*((WeightKind == 0) ? 1 : (WeightKind == 1) ? 2 : WeightBits)-1:0] weight_data_i,
    output wire const_en_o,
    output wire [((Outputs/Pe > 1) ? $clog2(Outputs/Pe) : 1)-1:0] const_addr_o,
    input  wire [Pe*AccBits-1:0] const_data_i,
    output wire out_valid_o,
    input wire out_ready_i,
    output wire [Pe*AccBits-1:0] out_data_o
);
    localparam integer Steps = Fan / Simd;
    localparam integer Rows = (Outputs / Pe) * Steps;
    localparam integer StepBits = $clog2(Steps);
    localparam integer RowBits = $clog2(Rows);
    localparam integer WordBits = Simd * ((WeightKind == 0) ? 1 : (WeightKind == 1) ? 2 : WeightBits);

    genvar p;

    generate
        if (Fan % Simd != 0 || Outputs % Pe != 0 || Steps < 2) begin : gen_illegal
            initial $fatal(1, "lrtc_dense: Simd must divide Fan, Pe Outputs, and Fan/Simd must be at least 2");
        end
    endgenerate

    // ---- the vector that comes
    logic [1:0] full_q;  // a vector lies whole in this half
    logic wr_half_q, rd_half_q;
    logic [StepBits-1:0] wr_step_q, rd_step_q;
    logic [RowBits-1:0] row_q;
    wire advance;  // all stages move

    wire take = in_valid_i && in_ready_o;
    wire wr_last = wr_step_q == StepBits'(Steps - 1);
    wire rd_last = rd_step_q == StepBits'(Steps - 1);
    wire row_last = row_q == RowBits'(Rows - 1);
    wire busy = full_q[rd_half_q];
    wire issue = busy && advance;

    assign in_ready_o = !full_q[wr_half_q];
    assign weight_en_o = issue;
    assign weight_addr_o = row_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            full_q    <= '0;
            wr_half_q <= 1'b0;
            rd_half_q <= 1'b0;
            wr_step_q <= '0;
            rd_step_q <= '0;
            row_q     <= '0;
        end else begin
            if (take) wr_step_q <= wr_last ? '0 : wr_step_q + 1'b1;
            if (take && wr_last) begin
                wr_half_q <= !wr_half_q;
                full_q[wr_half_q] <= 1'b1;
            end
            if (issue) begin
                rd_step_q <= rd_last ? '0 : rd_step_q + 1'b1;
                row_q     <= row_last ? '0 : row_q + 1'b1;
            end
            if (issue && row_last) begin
                rd_half_q <= !rd_half_q;
                full_q[rd_half_q] <= 1'b0;
            end
        end
    end

    // ---- stage B: elements and weights have been read
    wire [Simd*InBits-1:0] elements;
    logic b_valid_q, b_first_q, b_last_q;
    wire [Pe*AccBits-1:0] dot;

    lrtc_ram #(
        .Width(Simd * InBits),
        .Depth(2 << StepBits)
    ) u_vectors (
        .clk_i    (clk_i),
        .wr_en_i  (take),
        .wr_addr_i({wr_half_q, wr_step_q}),
        .wr_data_i(in_data_i),
        .rd_en_i  (issue),
        .rd_addr_i({rd_half_q, rd_step_q}),
        .rd_data_o(elements)
    );

    always_ff @(posedge clk_i) begin
        if (!rst_ni) b_valid_q <= 1'b0;
        else if (advance) b_valid_q <= busy;
    end

    always_ff @(posedge clk_i) begin
        if (issue) begin
            b_first_q <= rd_step_q == 0;
            b_last_q  <= rd_last;
        end
    end

    generate
        for (p = 0; p < Pe; p = p + 1) begin : gen_pe
            lrtc_dot #(
                .Lanes     (Simd),
                .Groups    (1),
                .InBits    (InBits),
                .InKind    (InKind),
                .WeightKind(WeightKind),
                .WeightBits(WeightBits),
                .AccBits   (AccBits),
                .HasPad    (0),
                .Raw       ((Half != 0) ? 2 : 1),
                .Planes    (Planes)
            ) u_dot (
                .in_data_i    (elements),
                .group_valid_i(1'b1),
                .weight_i     (weight_data_i[p*WordBits+:WordBits]),
                .dot_o        (dot[p*AccBits+:AccBits])
            );
        end
    endgenerate

    // ---- what the accumulators start from, in stage C
    localparam integer Folds = Outputs / Pe;
    localparam integer FoldBits = (Folds > 1) ? $clog2(Folds) : 1;
    logic [FoldBits-1:0] fold_q, b_fold_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) fold_q <= '0;
        else if (issue && rd_last) fold_q <= row_last ? '0 : fold_q + 1'b1;
    end

    always_ff @(posedge clk_i) if (issue) b_fold_q <= fold_q;

    assign const_en_o = advance && b_valid_q;
    assign const_addr_o = b_fold_q;

    // ---- stage C: accumulate; the last step goes to the output register
    lrtc_accumulate #(
        .Pe     (Pe),
        .AccBits(AccBits),
        .Single (0)  // Steps >= 2
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
