`default_nettype none

// Bytes from a serial line, 8 data bits, no parity, 1 stop bit: `byte_valid_o` is 1 for one cycle beside each byte, `broken_o`
// where the stop bit was missing. Each bit is looked at in its middle.
module lrtc_uart_rx #(
    parameter integer ClocksPerBit = 16
) (
    input  wire       clk_i,
    input  wire       rst_ni,
    input  wire       rx_i,
    output wire       byte_valid_o,
    output wire [7:0] byte_o,
    output wire       broken_o
);
    localparam integer CountBits = $clog2(ClocksPerBit);
    localparam [CountBits-1:0] Whole = CountBits'(ClocksPerBit - 1);
    localparam [CountBits-1:0] Half = CountBits'(ClocksPerBit / 2 - 1);

    generate
        if (ClocksPerBit < 4) begin : gen_illegal
            initial $fatal(1, "lrtc_uart_rx: ClocksPerBit must be at least 4");
        end
    endgenerate

    logic [1:0] line_q;  // the line comes from another clock
    logic busy_q, valid_q, broken_q;
    logic [CountBits-1:0] wait_q;
    logic [3:0] bit_q;  // 0: start, 1 to 8: data, 9: stop
    logic [7:0] byte_q;

    wire line = line_q[1];
    wire sample = busy_q && wait_q == 0;

    assign byte_valid_o = valid_q;
    assign byte_o = byte_q;
    assign broken_o = broken_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            line_q   <= '1;
            busy_q   <= 1'b0;
            valid_q  <= 1'b0;
            broken_q <= 1'b0;
            wait_q   <= '0;
            bit_q    <= '0;
        end else begin
            line_q   <= {line_q[0], rx_i};
            valid_q  <= sample && bit_q == 9 && line;
            broken_q <= sample && bit_q == 9 && !line;
            if (!busy_q) begin
                busy_q <= !line;
                wait_q <= Half;
                bit_q  <= '0;
            end else if (!sample) begin
                wait_q <= wait_q - 1'b1;
            end else begin
                wait_q <= Whole;
                bit_q  <= bit_q + 1'b1;
                if (bit_q == 9 || (bit_q == 0 && line)) busy_q <= 1'b0;
            end
        end
    end

    always_ff @(posedge clk_i) if (sample && bit_q != 9) byte_q <= {line, byte_q[7:1]};
endmodule

`default_nettype wire
