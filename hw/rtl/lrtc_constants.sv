`default_nettype none

// A stream of constants: row `beat mod Depth` of `File`. A beat is always there.
module lrtc_constants #(
    parameter integer Width = 8,
    parameter integer Depth = 1,
    parameter         File  = ""
) (
    input  wire             clk_i,
    input  wire             rst_ni,
    output wire             out_valid_o,
    input  wire             out_ready_i,
    output wire [Width-1:0] out_data_o
);
    localparam integer AddrBits = (Depth > 1) ? $clog2(Depth) : 1;

    logic [AddrBits-1:0] addr_q;  // of the row that is offered
    wire [AddrBits-1:0] addr_d = (!rst_ni || addr_q == AddrBits'(Depth - 1)) ? '0 : addr_q + 1'b1;
    wire step = !rst_ni || out_ready_i;  // a reset fetches row 0

    assign out_valid_o = 1'b1;

    lrtc_rom #(
        .Width(Width),
        .Depth(Depth),
        .File (File)
    ) u_rows (
        .clk_i (clk_i),
        .en_i  (step),
        .addr_i(addr_d),
        .data_o(out_data_o)
    );

    always_ff @(posedge clk_i) if (step) addr_q <= addr_d;
endmodule

`default_nettype wire
