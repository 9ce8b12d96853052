`default_nettype none

// Between a serial line and an accelerator: `ImageBytes` bytes an image in, its class out, a byte below 128. A pause of
// `PauseClocks` within an image ends it. After a byte that was broken, or came before the accelerator took the one before,
// the answer is 128, and all is ignored until a pause: sender and receiver then agree again where an image begins.
module lrtc_serial #(
    parameter integer ClocksPerBit = 16,
    parameter integer ImageBytes   = 784,
    parameter integer PauseClocks  = 4096,
    parameter integer ClassBits    = 4
) (
    input  wire                 clk_i,
    input  wire                 rst_ni,
    input  wire                 rx_i,
    output wire                 tx_o,
    output wire                 net_rst_no,
    output wire                 net_in_valid_o,
    input  wire                 net_in_ready_i,
    output wire [          7:0] net_in_data_o,
    input  wire                 net_out_valid_i,
    output wire                 net_out_ready_o,
    input  wire [ClassBits-1:0] net_out_class_i,
    output wire [ClassBits-1:0] class_o          // the latest class
);
    localparam integer CountBits = $clog2(ImageBytes + 1);
    localparam integer PauseBits = $clog2(PauseClocks + 1);

    generate
        if (ClassBits > 7) begin : gen_illegal
            initial $fatal(1, "lrtc_serial: ClassBits must be at most 7");
        end
    endgenerate

    wire rx_valid, rx_broken, tx_ready;
    wire [7:0] rx_byte;
    logic waiting_q, deaf_q, alarm_q, net_rst_nq;
    logic [7:0] byte_q;
    logic [CountBits-1:0] count_q;  // bytes of this image that have come
    logic [PauseBits-1:0] pause_q;
    logic [ClassBits-1:0] class_q;

    wire bad = !deaf_q && (rx_broken || (rx_valid && waiting_q && !net_in_ready_i));
    wire paused = pause_q == PauseBits'(PauseClocks);
    wire take = rx_valid && !deaf_q;
    wire last = count_q == CountBits'(ImageBytes - 1);

    assign net_rst_no = net_rst_nq;
    assign net_in_valid_o = waiting_q;
    assign net_in_data_o = byte_q;
    assign net_out_ready_o = tx_ready && !alarm_q && net_rst_nq;
    assign class_o = class_q;

    lrtc_uart_rx #(
        .ClocksPerBit(ClocksPerBit)
    ) u_rx (
        .clk_i       (clk_i),
        .rst_ni      (rst_ni),
        .rx_i        (rx_i),
        .byte_valid_o(rx_valid),
        .byte_o      (rx_byte),
        .broken_o    (rx_broken)
    );
    lrtc_uart_tx #(
        .ClocksPerBit(ClocksPerBit)
    ) u_tx (
        .clk_i     (clk_i),
        .rst_ni    (rst_ni),
        .in_valid_i(alarm_q || (net_out_valid_i && net_rst_nq)),
        .in_ready_o(tx_ready),
        .in_data_i (alarm_q ? 8'h80 : {1'b0, 7'(net_out_class_i)}),
        .tx_o      (tx_o)
    );

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            waiting_q  <= 1'b0;
            deaf_q     <= 1'b0;
            alarm_q    <= 1'b0;
            net_rst_nq <= 1'b0;
            count_q    <= '0;
            pause_q    <= '0;
            class_q    <= '0;
        end else begin
            net_rst_nq <= !(bad || paused);
            if (bad || paused) waiting_q <= 1'b0;
            else if (take) waiting_q <= 1'b1;
            else if (net_in_ready_i) waiting_q <= 1'b0;
            if (bad || paused) count_q <= '0;
            else if (take) count_q <= last ? '0 : count_q + 1'b1;
            if (rx_valid || rx_broken || paused || !(deaf_q || count_q != 0)) pause_q <= '0;
            else pause_q <= pause_q + 1'b1;
            if (bad) deaf_q <= 1'b1;
            else if (paused) deaf_q <= 1'b0;
            if (bad) alarm_q <= 1'b1;
            else if (tx_ready) alarm_q <= 1'b0;
            if (net_out_valid_i && net_out_ready_o) class_q <= net_out_class_i;
        end
    end

    always_ff @(posedge clk_i) if (take) byte_q <= rx_byte;
endmodule

`default_nettype wire
