`default_nettype none

// `Count` elements as signed numbers of OutBits, without a clock. InKind 0: unsigned, 1: bipolar, 2: signed.
module lrtc_extend #(
    parameter integer Count   = 1,
    parameter integer InBits  = 1,
    parameter integer InKind  = 0,
    parameter integer OutBits = 2
) (
    input  wire [ Count*InBits-1:0] in_data_i,
    output wire [Count*OutBits-1:0] out_data_o
);
    genvar c;
    generate
        for (c = 0; c < Count; c = c + 1) begin : gen_element
            if (InKind == 1) begin : gen_bipolar
                assign out_data_o[c*OutBits+:OutBits] = {{(OutBits - 1) {!in_data_i[c]}}, 1'b1};
            end else if (InKind == 2) begin : gen_signed
                wire signed [InBits-1:0] element = in_data_i[c*InBits+:InBits];
                if (OutBits < InBits) begin : gen_narrow  // no value needs more
                    wire unused = &{1'b0, element};
                end
                assign out_data_o[c*OutBits+:OutBits] = OutBits'(element);
            end else begin : gen_unsigned
                assign out_data_o[c*OutBits+:OutBits] = OutBits'(in_data_i[c*InBits+:InBits]);
            end
        end
    endgenerate
endmodule

`default_nettype wire
