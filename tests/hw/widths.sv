`default_nettype none

// Every width of elements and weights, 1 to 8 bits, of every kind, by planes and by products, against a sum of products.
module widths (
    input  wire [23:0] x_i,
    input  wire [23:0] w_i,
    input  wire [2:0] valid_i,
    output wire wrong_o
);
    localparam integer Lanes = 3;

    wire [8:0][3:0][7:0] wrong;  // element bits (0: bipolar), kind of weights (3: signed, the elements signed too), weight bits − 1

    assign wrong_o = |wrong;

    genvar a, b, s, p, i;
    generate
        for (a = 0; a <= 8; a = a + 1) begin : gen_a
            for (s = 0; s < 4; s = s + 1) begin : gen_kind
                for (b = 1; b <= 8; b = b + 1) begin : gen_b
                    localparam integer WeightKind = (s > 2) ? 2 : s;
                    localparam integer InKind = (a == 0) ? 1 : (s == 3 || b % 2 == 0 && s < 2) ? 2 : 0;
                    localparam integer InBits = (a == 0) ? 1 : a;
                    localparam integer RowBits = (WeightKind == 0) ? 1 : (WeightKind == 1) ? 2 : b;
                    // other kinds of weights have one width, which both kinds of elements meet; bipolar elements meet signed weights
                    if (s < 2 && (b > 2 || a == 0) || s == 3 && a == 0) begin : gen_none
                        assign wrong[a][s][b-1] = 1'b0;
                    end else begin : gen_case
                        wire [Lanes*InBits-1:0] xs;
                        wire [Lanes*RowBits-1:0] ws;
                        logic [31:0] want;
                        wire [1:0] differs;
                        integer j;
                        for (i = 0; i < Lanes; i = i + 1) begin : gen_lane
                            assign xs[i*InBits+:InBits] = x_i[i*8+:InBits];
                            if (WeightKind == 1) begin : gen_ternary
                                assign {ws[Lanes+i], ws[i]} = w_i[i*8+:2];
                            end else begin : gen_other
                                assign ws[i*RowBits+:RowBits] = w_i[i*8+:RowBits];
                            end
                        end
                        always_comb begin
                            want = '0;
                            for (j = 0; j < Lanes; j = j + 1) begin
                                integer element, weight;
                                element = (InKind == 1) ? (x_i[j*8] ? 1 : -1) : 32'(x_i[j*8+:InBits]);
                                if (InKind == 2 && x_i[j*8+InBits-1]) element = element - (1 << InBits);
                                case (WeightKind)
                                    0: weight = w_i[j*8] ? 1 : -1;
                                    1: weight = !w_i[j*8] ? 0 : w_i[j*8+1] ? -1 : 1;
                                    default: weight = 32'(w_i[j*8+:RowBits]) - (w_i[j*8+RowBits-1] ? 1 << RowBits : 0);
                                endcase
                                if (valid_i[j]) want = want + element * weight;
                            end
                        end
                        for (p = 0; p < 2; p = p + 1) begin : gen_form
                            wire [19:0] dot;
                            lrtc_dot #(
                                .Lanes(Lanes), .Groups(Lanes), .InBits(InBits), .InKind(InKind), .WeightKind(WeightKind),
                                .WeightBits(RowBits), .AccBits(20), .HasPad(1), .Planes(p)
                            ) u_dot (
                                .in_data_i(xs), .group_valid_i(valid_i), .weight_i(ws), .dot_o(dot)
                            );
                            assign differs[p] = dot != want[19:0];
                        end
                        assign wrong[a][s][b-1] = |differs;
                    end
                end
            end
        end
    endgenerate
endmodule

`default_nettype wire
