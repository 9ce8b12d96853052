`default_nettype none

// Between SPI (mode 0, MSB first, `sck_i` at most an eighth of the clock) and an accelerator: a transaction with command 1 brings an
// image, one with command 2 takes an answer. A byte that comes before the accelerator took the one before, or an image that is cut
// short, resets the accelerator; the status says so until a transaction with command 2 has ended.
module lrtc_spi #(
    parameter integer ImageBytes = 784,
    parameter integer ClassBits  = 4
) (
    input  wire                 clk_i,
    input  wire                 rst_ni,
    input  wire                 sck_i,
    input  wire                 cs_ni,
    input  wire                 mosi_i,
    output wire                 miso_o,
    output wire                 net_rst_no,
    output wire                 net_in_valid_o,
    input  wire                 net_in_ready_i,
    output wire [          7:0] net_in_data_o,
    input  wire                 net_out_valid_i,
    output wire                 net_out_ready_o,
    input  wire [ClassBits-1:0] net_out_class_i,
    output wire [ClassBits-1:0] class_o          // the latest class
);
    localparam [7:0] Image = 8'd1, Take = 8'd2;
    localparam integer CountBits = $clog2(ImageBytes + 1);

    generate
        if (ClassBits > 8) begin : gen_illegal
            initial $fatal(1, "lrtc_spi: ClassBits must be at most 8");
        end
    endgenerate

    logic [2:0] sck_q, cs_q;  // the lines come from another clock
    logic [1:0] mosi_q;
    logic [2:0] bit_q;
    logic [6:0] in_q;
    logic [7:0] out_q, command_q, byte_q;
    logic [1:0] index_q;  // of the byte: 0, 1, later
    logic [CountBits-1:0] count_q;  // bytes of this image that have come
    logic waiting_q, broken_q, answer_q, ignore_q, net_rst_nq;
    logic [ClassBits-1:0] class_q;

    wire selected = !cs_q[1];
    wire begins = cs_q[2] && !cs_q[1];
    wire ends = !cs_q[2] && cs_q[1];
    wire rises = selected && sck_q[1] && !sck_q[2];
    wire falls = selected && !sck_q[1] && sck_q[2];
    wire [7:0] in_byte = {in_q, mosi_q[1]};
    wire byte_done = rises && bit_q == 3'd7;
    wire of_image = index_q != 0 && command_q == Image && !ignore_q && count_q != CountBits'(ImageBytes);
    wire early = byte_done && of_image && waiting_q && !net_in_ready_i;
    wire cut = ends && command_q == Image && index_q != 0 && !ignore_q && count_q != 0 && count_q != CountBits'(ImageBytes);
    wire bad = early || cut;
    wire take = byte_done && of_image && !early;
    wire there = net_out_valid_i && net_rst_nq;
    wire [7:0] status = {there, 4'd0, waiting_q, broken_q, count_q != 0 && count_q != CountBits'(ImageBytes)};

    assign miso_o = out_q[7];
    assign net_rst_no = net_rst_nq;
    assign net_in_valid_o = waiting_q;
    assign net_in_data_o = byte_q;
    assign net_out_ready_o = byte_done && index_q == 2'd1 && command_q == Take && answer_q && net_rst_nq;
    assign class_o = class_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            sck_q      <= '0;
            cs_q       <= '1;
            mosi_q     <= '0;
            bit_q      <= '0;
            index_q    <= '0;
            count_q    <= '0;
            command_q  <= '0;
            out_q      <= '0;
            waiting_q  <= 1'b0;
            broken_q   <= 1'b0;
            answer_q   <= 1'b0;
            ignore_q   <= 1'b0;
            net_rst_nq <= 1'b0;
            class_q    <= '0;
        end else begin
            sck_q      <= {sck_q[1:0], sck_i};
            cs_q       <= {cs_q[1:0], cs_ni};
            mosi_q     <= {mosi_q[0], mosi_i};
            net_rst_nq <= !bad;

            if (begins) begin
                bit_q    <= '0;
                index_q  <= '0;
                count_q  <= '0;
                ignore_q <= 1'b0;
            end else if (rises) begin
                bit_q <= bit_q + 1'b1;
                if (byte_done && index_q != 2'd2) index_q <= index_q + 1'b1;
                if (byte_done && index_q == 0) command_q <= in_byte;
                if (take) count_q <= count_q + 1'b1;
                if (early) ignore_q <= 1'b1;
            end

            if (begins) begin
                out_q    <= status;
                answer_q <= there;
            end else if (falls) begin
                if (bit_q != 0) out_q <= {out_q[6:0], 1'b0};
                else if (index_q == 2'd1) out_q <= answer_q ? 8'(net_out_class_i) : '0;
                else out_q <= status;
            end

            if (bad) waiting_q <= 1'b0;
            else if (take) waiting_q <= 1'b1;
            else if (net_in_ready_i) waiting_q <= 1'b0;
            if (bad) answer_q <= 1'b0;
            if (bad) broken_q <= 1'b1;
            else if (ends && command_q == Take && index_q != 0) broken_q <= 1'b0;
            if (there) class_q <= net_out_class_i;
        end
    end

    always_ff @(posedge clk_i) begin
        if (rises) in_q <= in_byte[6:0];
        if (take) byte_q <= in_byte;
    end
endmodule

`default_nettype wire
