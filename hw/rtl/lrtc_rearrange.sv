`default_nettype none

// Blocks of `Words` beats, each given in another order: nested counters walk over the block, counter a of Counts[a] steps of
// Strides[a] words, counter 0 the fastest. One block is written while the one before is read. Latency 2 from a block's last beat.
module lrtc_rearrange #(
    parameter integer               Width   = 8,
    parameter integer               Words   = 4,
    parameter integer               Axes    = 2,
    parameter         [Axes*32-1:0] Counts  = {32'd2, 32'd2},
    parameter         [Axes*32-1:0] Strides = {32'd1, 32'd2}
) (
    input  wire             clk_i,
    input  wire             rst_ni,
    input  wire             in_valid_i,
    output wire             in_ready_o,
    input  wire [Width-1:0] in_data_i,
    output wire             out_valid_o,
    input  wire             out_ready_i,
    output wire [Width-1:0] out_data_o
);
    localparam integer AddrBits = $clog2(2 * Words);

    // From the last step of the counters below `axis` to its next one.
    function automatic integer step_of(input integer axis);
        integer i;
        step_of = Strides[axis*32+:32];
        for (i = 0; i < axis; i = i + 1) step_of = step_of - (Counts[i*32+:32] - 1) * Strides[i*32+:32];
    endfunction

    function automatic integer product(input integer axes);
        integer i;
        product = 1;
        for (i = 0; i < axes; i = i + 1) product = product * Counts[i*32+:32];
    endfunction

    generate
        if (product(Axes) != Words || Words < 2) begin : gen_illegal
            initial $fatal(1, "lrtc_rearrange: the counters must reach every word of a block once");
        end
    endgenerate

    logic in_ready_q, out_valid_q, rd_half_q;
    logic [1:0] blocks_d, blocks_q;  // whole blocks in the memory
    logic [AddrBits-1:0] wr_addr_q, rd_addr_q;
    wire [Axes-1:0] last;  // counter a is at its end
    wire [Axes:0] carry;  // so are all counters below a

    wire push = in_valid_i && in_ready_q;
    wire pop = (!out_valid_q || out_ready_i) && blocks_q != 0;
    wire wr_end = wr_addr_q == AddrBits'(2 * Words - 1);
    wire whole = push && (wr_end || wr_addr_q == AddrBits'(Words - 1));
    wire read = pop && carry[Axes];

    assign in_ready_o  = in_ready_q;
    assign out_valid_o = out_valid_q;
    assign carry[0]    = 1'b1;

    // A block is read after it is whole, so the two addresses never meet.
    lrtc_ram #(
        .Width(Width),
        .Depth(2 * Words)
    ) u_ram (
        .clk_i    (clk_i),
        .wr_en_i  (push),
        .wr_addr_i(wr_addr_q),
        .wr_data_i(in_data_i),
        .rd_en_i  (pop),
        .rd_addr_i(rd_addr_q),
        .rd_data_o(out_data_o)
    );

    always_comb begin
        blocks_d = blocks_q;
        if (whole && !read) blocks_d = blocks_q + 1'b1;
        if (read && !whole) blocks_d = blocks_q - 1'b1;
    end

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            in_ready_q  <= 1'b1;
            out_valid_q <= 1'b0;
            blocks_q    <= '0;
            wr_addr_q   <= '0;
            rd_half_q   <= 1'b0;
        end else begin
            in_ready_q <= blocks_d != 2'd2;
            blocks_q   <= blocks_d;
            if (!out_valid_q || out_ready_i) out_valid_q <= pop;
            if (push) wr_addr_q <= wr_end ? '0 : wr_addr_q + 1'b1;
            if (read) rd_half_q <= !rd_half_q;
        end
    end

    // ---- the walk: the address moves by what the slowest counter that steps is worth
    wire [Axes*AddrBits-1:0] steps;
    logic [AddrBits-1:0] step;
    integer i;
    genvar a;
    generate
        for (a = 0; a < Axes; a = a + 1) begin : gen_axis
            localparam integer Count = Counts[a*32+:32];
            localparam integer CountBits = (Count > 1) ? $clog2(Count) : 1;
            logic [CountBits-1:0] count_q;
            assign last[a] = count_q == CountBits'(Count - 1);
            assign carry[a+1] = &last[a:0];
            assign steps[a*AddrBits+:AddrBits] = AddrBits'(step_of(a));
            always_ff @(posedge clk_i) begin
                if (!rst_ni) count_q <= '0;
                else if (pop && carry[a]) count_q <= last[a] ? '0 : count_q + 1'b1;
            end
        end
    endgenerate

    always_comb begin
        // a walk ends at the last word of its half, the next one begins at the first of the other half
        step = rd_half_q ? -AddrBits'(2 * Words - 1) : AddrBits'(1);
        for (i = 0; i < Axes; i = i + 1) if (carry[i] && !carry[i+1]) step = steps[i*AddrBits+:AddrBits];
    end

    always_ff @(posedge clk_i) begin
        if (!rst_ni) rd_addr_q <= '0;
        else if (pop) rd_addr_q <= rd_addr_q + step;
    end
endmodule

`default_nettype wire
