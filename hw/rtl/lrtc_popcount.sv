`default_nettype none

// The number of ones. Columns of full adders, each of which takes three bits of a weight and gives one, and one of twice the
// weight; a simulation may define LRTC_FAST_POPCOUNT to use the system function instead, which is the same number sooner.
module lrtc_popcount #(
    parameter integer Width = 8
) (
    input  wire [              Width-1:0] bits_i,
    output wire [$clog2(Width + 1) - 1:0] count_o
);
    localparam integer CountBits = $clog2(Width + 1);

`ifdef LRTC_FAST_POPCOUNT
    assign count_o = CountBits'($countones(bits_i));
`else
    // Bits of weight 2^column before they are added: m of them take m/2 adders, the last one of an even m with two inputs.
    function automatic integer height(input integer column);
        integer i;
        height = Width;
        for (i = 0; i < column; i = i + 1) height = height / 2;
    endfunction

    genvar c, k;
    generate
        for (c = 0; c < CountBits; c = c + 1) begin : gen_column
            localparam integer Height = height(c);
            localparam integer Adders = Height / 2;
            // A queue: the bits, then the sums of the adders, which take the next three each.
            wire [Height-1:0] ones;
            if (c == 0) begin : gen_bits
                assign ones = bits_i;
            end else begin : gen_carries
                assign ones = gen_column[c-1].gen_adders.carry;
            end
            if (Adders == 0) begin : gen_last
                assign count_o[c] = ones[0];
            end else begin : gen_adders
                wire [Adders-1:0] carry;
                for (k = 0; k < Adders; k = k + 1) begin : gen_adder
                    wire x, y, z, sum;
                    if (3 * k < Height) begin : gen_x
                        assign x = ones[3*k];
                    end else begin : gen_x_sum
                        assign x = gen_adder[3*k-Height].sum;
                    end
                    if (3 * k + 1 < Height) begin : gen_y
                        assign y = ones[3*k+1];
                    end else begin : gen_y_sum
                        assign y = gen_adder[3*k+1-Height].sum;
                    end
                    if (3 * k + 2 < Height) begin : gen_z
                        assign z = ones[3*k+2];
                    end else if (3 * k + 2 < Height + k) begin : gen_z_sum
                        assign z = gen_adder[3*k+2-Height].sum;
                    end else begin : gen_half
                        assign z = 1'b0;
                    end
                    assign sum = x ^ y ^ z;
                    assign carry[k] = (x & y) | (z & (x ^ y));
                end
                assign count_o[c] = gen_adder[Adders-1].sum;
            end
        end
    endgenerate
`endif
endmodule

`default_nettype wire
