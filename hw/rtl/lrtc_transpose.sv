`default_nettype none

// A matrix of elements, row after row → column after column: wires. It puts the channels of all pixels before the pixels.
module lrtc_transpose #(
    parameter integer Rows    = 1,
    parameter integer Columns = 1,
    parameter integer Width   = 1
) (
    input  wire [Rows*Columns*Width-1:0] in_data_i,
    output wire [Rows*Columns*Width-1:0] out_data_o
);
    genvar r, c;
    generate
        for (r = 0; r < Rows; r = r + 1) begin : gen_row
            for (c = 0; c < Columns; c = c + 1) begin : gen_column
                assign out_data_o[(c*Rows+r)*Width+:Width] = in_data_i[(r*Columns+c)*Width+:Width];
            end
        end
    endgenerate
endmodule

`default_nettype wire
