`default_nettype none

// `Count` values side by side, signed or (Signed 0) unsigned → the index of the greatest, the lowest index among equals.
// A tree of comparisons with a register behind each of its levels: latency ⌈log2 Count⌉ (1 for one value).
module lrtc_argmax #(
    parameter integer Count  = 2,
    parameter integer Width  = 8,
    parameter integer Signed = 1
) (
    input  wire                                         clk_i,
    input  wire                                         rst_ni,
    input  wire                                         in_valid_i,
    output wire                                         in_ready_o,
    input  wire [Count*Width-1:0]                       in_data_i,
    output wire                                         out_valid_o,
    input  wire                                         out_ready_i,
    output wire [((Count > 1) ? $clog2(Count) : 1)-1:0] out_data_o
);
    localparam integer IndexBits = (Count > 1) ? $clog2(Count) : 1;
    localparam integer Levels    = IndexBits;
    localparam integer PairBits  = IndexBits + Width;  // {index, value as an unsigned number}

    genvar l, k;
    generate
        for (l = 0; l < Levels; l = l + 1) begin : gen_level
            localparam integer Before = (Count + (1 << l) - 1) >> l;
            localparam integer After  = (Before + 1) / 2;
            wire [Before*PairBits-1:0] pairs;
            wire valid, move;
            logic valid_q;
            /* verilator lint_off UNUSEDSIGNAL */  // of the last pair, the index alone is asked for
            logic [After*PairBits-1:0] pairs_q;
            /* verilator lint_on UNUSEDSIGNAL */

            if (l == 0) begin : gen_first
                assign valid = in_valid_i;
                for (k = 0; k < Count; k = k + 1) begin : gen_value
                    // A wire of its own: within braces Yosys 0.70 makes the shifted cast wider, and the index is lost.
                    wire [Width-1:0] value = in_data_i[k*Width+:Width] ^ (Width'(Signed) << (Width - 1));
                    assign pairs[k*PairBits+:PairBits] = {IndexBits'(k), value};
                end
            end else begin : gen_next
                assign valid  = gen_level[l-1].valid_q;
                assign pairs = gen_level[l-1].pairs_q;
            end
            // A level takes new data when it is empty or the next one takes its own.
            if (l == Levels - 1) begin : gen_last
                assign move = !valid_q || out_ready_i;
            end else begin : gen_inner
                assign move = !valid_q || gen_level[l+1].move;
            end

            always_ff @(posedge clk_i) begin
                if (!rst_ni) valid_q <= 1'b0;
                else if (move) valid_q <= valid;
            end

            for (k = 0; k < After; k = k + 1) begin : gen_pair
                wire [PairBits-1:0] low = pairs[2*k*PairBits+:PairBits];
                if (2 * k + 1 < Before) begin : gen_two
                    wire [PairBits-1:0] high = pairs[(2*k+1)*PairBits+:PairBits];
                    wire greater = high[Width-1:0] > low[Width-1:0];
                    always_ff @(posedge clk_i) if (move) pairs_q[k*PairBits+:PairBits] <= greater ? high : low;
                end else begin : gen_one
                    always_ff @(posedge clk_i) if (move) pairs_q[k*PairBits+:PairBits] <= low;
                end
            end
        end
    endgenerate

    assign in_ready_o  = gen_level[0].move;
    assign out_valid_o = gen_level[Levels-1].valid_q;
    assign out_data_o  = gen_level[Levels-1].pairs_q[PairBits-1:Width];
endmodule

`default_nettype wire
