`default_nettype none

// `Count` values, one a beat, signed or (Signed 0) unsigned → the indices of the K greatest, the greatest at the LSBs; the
// lowest index comes first among equals. Latency 1 from the last value; the next frame is taken while the result waits.
module lrtc_topk #(
    parameter integer Count  = 2,
    parameter integer Width  = 8,
    parameter integer K      = 1,
    parameter integer Signed = 1
) (
    input  wire                                           clk_i,
    input  wire                                           rst_ni,
    input  wire                                           in_valid_i,
    output wire                                           in_ready_o,
    input  wire [Width-1:0]                               in_data_i,
    output wire                                           out_valid_o,
    input  wire                                           out_ready_i,
    output wire [K*((Count > 1) ? $clog2(Count) : 1)-1:0] out_data_o
);
    localparam integer IndexBits = (Count > 1) ? $clog2(Count) : 1;

    generate
        if (K < 1 || K > Count) begin : gen_illegal
            initial $fatal(1, "lrtc_topk: K must be 1 to Count");
        end
    endgenerate

    // Kept in descending order. A value goes before the first one that it is greater than; those behind move on.
    logic out_valid_q;
    logic [IndexBits-1:0] index_q;
    logic [K*Width-1:0] value_q;
    logic [K*IndexBits-1:0] place_q, out_data_q;
    logic [K-1:0] kept_q;  // places of this frame that hold a value
    wire [K*IndexBits-1:0] place_d;
    wire [K*Width-1:0] value_d;
    wire [K-1:0] better;

    wire [Width-1:0] value = in_data_i ^ (Width'(Signed) << (Width - 1));  // as an unsigned number
    wire last = index_q == IndexBits'(Count - 1);
    wire take = in_valid_i && in_ready_o;
    wire out_free = !out_valid_q || out_ready_i;

    assign in_ready_o  = !last || out_free;
    assign out_valid_o = out_valid_q;
    assign out_data_o  = out_data_q;

    genvar k;
    generate
        for (k = 0; k < K; k = k + 1) begin : gen_place
            assign better[k] = !kept_q[k] || value > value_q[k*Width+:Width];
            if (k == 0) begin : gen_first
                assign value_d[k*Width+:Width] = better[k] ? value : value_q[k*Width+:Width];
                assign place_d[k*IndexBits+:IndexBits] = better[k] ? index_q : place_q[k*IndexBits+:IndexBits];
            end else begin : gen_next
                assign value_d[k*Width+:Width] = !better[k] ? value_q[k*Width+:Width] :
                    better[k-1] ? value_q[(k-1)*Width+:Width] : value;
                assign place_d[k*IndexBits+:IndexBits] = !better[k] ? place_q[k*IndexBits+:IndexBits] :
                    better[k-1] ? place_q[(k-1)*IndexBits+:IndexBits] : index_q;
            end
        end
    endgenerate

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            out_valid_q <= 1'b0;
            index_q     <= '0;
            kept_q      <= '0;
        end else begin
            if (out_free) out_valid_q <= take && last;
            if (take) begin
                index_q <= last ? '0 : index_q + 1'b1;
                kept_q  <= last ? '0 : (kept_q << 1) | K'(1);
            end
        end
    end

    always_ff @(posedge clk_i) begin
        if (take) begin
            value_q <= value_d;
            place_q <= place_d;
        end
        if (take && last) out_data_q <= place_d;
    end
endmodule

`default_nettype wire
