`default_nettype none

// A window of elements → one element a channel: the greatest over the valid taps, or the least where `MinMask` is 1 (a
// maximum under a decreasing threshold); of single bits OR and AND. Latency 1.
module lrtc_maxpool #(
    parameter integer              Channels = 1,
    parameter integer              Taps     = 4,
    parameter integer              Bits     = 1,
    parameter integer              Signed   = 0,
    parameter         [Channels-1:0] MinMask  = '0
) (
    input  wire                          clk_i,
    input  wire                          rst_ni,
    input  wire                          in_valid_i,
    output wire                          in_ready_o,
    input  wire [Taps*Channels*Bits-1:0] in_data_i,
    input  wire [              Taps-1:0] in_tap_valid_i,
    output wire                          out_valid_o,
    input  wire                          out_ready_i,
    output wire [     Channels*Bits-1:0] out_data_o
);
    localparam integer PixelBits = Channels * Bits;

    logic out_valid_q;
    logic [PixelBits-1:0] out_data_q;
    wire [PixelBits-1:0] best;

    assign in_ready_o  = !out_valid_q || out_ready_i;
    assign out_valid_o = out_valid_q;
    assign out_data_o  = out_data_q;

    genvar c;
    generate
        if (Bits == 1 && Signed == 0) begin : gen_bits
            logic [Channels-1:0] any;  // of the bits, inverted where AND is wanted
            integer t;
            always_comb begin
                any = '0;
                for (t = 0; t < Taps; t = t + 1) begin
                    any = any | ((in_data_i[t*Channels+:Channels] ^ MinMask) & {Channels{in_tap_valid_i[t]}});
                end
            end
            assign best = any ^ MinMask;
        end else begin : gen_numbers
            for (c = 0; c < Channels; c = c + 1) begin : gen_channel
                // These bits flipped, the wanted number is the greatest unsigned one, and 0 stands for no tap yet.
                localparam [Bits-1:0] Flip = {Bits{MinMask[c]}} ^ (Bits'(Signed) << (Bits - 1));
                logic [Bits-1:0] now, greatest;
                integer t;
                always_comb begin
                    greatest = '0;
                    now = '0;
                    for (t = 0; t < Taps; t = t + 1) begin
                        now = in_data_i[t*PixelBits+c*Bits+:Bits] ^ Flip;
                        if (in_tap_valid_i[t] && now > greatest) greatest = now;
                    end
                end
                assign best[c*Bits+:Bits] = greatest ^ Flip;
            end
        end
    endgenerate

    always_ff @(posedge clk_i) begin
        if (!rst_ni) out_valid_q <= 1'b0;
        else if (in_ready_o) out_valid_q <= in_valid_i;
    end

    always_ff @(posedge clk_i) if (in_ready_o) out_data_q <= best;
endmodule

`default_nettype wire
