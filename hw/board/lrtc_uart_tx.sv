`default_nettype none

// A stream of bytes → a serial line, 8 data bits, no parity, 1 stop bit; the line is 1 between bytes.
module lrtc_uart_tx #(
    parameter integer ClocksPerBit = 16
) (
    input  wire       clk_i,
    input  wire       rst_ni,
    input  wire       in_valid_i,
    output wire       in_ready_o,
    input  wire [7:0] in_data_i,
    output wire       tx_o
);
    localparam integer CountBits = $clog2(ClocksPerBit);

    logic [CountBits-1:0] wait_q;
    logic [3:0] left_q;  // bits that are still to come, the stop bit among them
    logic [8:0] bits_q;
    logic tx_q;

    assign in_ready_o = left_q == 0 && wait_q == 0;
    assign tx_o = tx_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            wait_q <= '0;
            left_q <= '0;
            tx_q   <= 1'b1;
        end else if (wait_q != 0) begin
            wait_q <= wait_q - 1'b1;
        end else if (left_q != 0) begin
            wait_q <= CountBits'(ClocksPerBit - 1);
            left_q <= left_q - 1'b1;
            tx_q   <= bits_q[0];
        end else if (in_valid_i) begin
            wait_q <= CountBits'(ClocksPerBit - 1);
            left_q <= 4'd9;
            tx_q   <= 1'b0;
        end
    end

    always_ff @(posedge clk_i) begin
        if (in_valid_i && in_ready_o) bits_q <= {1'b1, in_data_i};
        else if (wait_q == 0) bits_q <= {1'b1, bits_q[8:1]};
    end
endmodule

`default_nettype wire
