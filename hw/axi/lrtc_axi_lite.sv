`default_nettype none

// Registers of an accelerator behind AXI4-Lite: who it is, what it is doing, a reset, and writes to its memories while it is held
// in reset. Writes go to words of 32 bits, all octets at once; what is not there answers SLVERR. Two cycles a read or a write.
module lrtc_axi_lite #(
    parameter integer    AddrBits   = 6,     // of a byte address: ReloadBits + 3, at least 6
    parameter integer    ReloadBits = 0,     // of the address of a word in the memories; 0: none can be written
    parameter integer    ImageBeats = 1,     // beats an image of the input that is watched
    parameter     [31:0] Version    = 32'd0,
    parameter     [31:0] Network    = 32'd0,
    parameter     [31:0] Layout     = 32'd0
) (
    input  wire                clk_i,
    input  wire                rst_ni,
    input  wire                awvalid_i,
    output wire                awready_o,
    input  wire [AddrBits-1:0] awaddr_i,
    input  wire                wvalid_i,
    output wire                wready_o,
    input  wire [31:0]         wdata_i,
    input  wire [3:0]          wstrb_i,
    output wire                bvalid_o,
    input  wire                bready_i,
    output wire [1:0]          bresp_o,
    input  wire                arvalid_i,
    output wire                arready_o,
    input  wire [AddrBits-1:0] araddr_i,
    output wire                rvalid_o,
    input  wire                rready_i,
    output wire [31:0]         rdata_o,
    output wire [1:0]          rresp_o,
    input  wire                in_valid_i,   // the input's beats
    input  wire                in_ready_i,
    input  wire                out_valid_i,  // the answers' beats
    input  wire                out_ready_i,
    input  wire                out_last_i,
    output wire                net_rst_no,
    output wire [((ReloadBits > 0) ? ReloadBits + 33 : 1)-1:0] reload_o  // {write, address of a word, word}
);
    localparam [31:0] Id = 32'h4c525443;  // LRTC
    localparam [1:0] Okay = 2'b00, SlvErr = 2'b10;
    localparam integer BeatBits = $clog2(ImageBeats + 1);

    generate
        if (AddrBits < 6 || (ReloadBits > 0 && AddrBits != ReloadBits + 3) || (ReloadBits > 0 && ReloadBits < 4)) begin : gen_illegal
            initial $fatal(1, "lrtc_axi_lite: AddrBits must be ReloadBits + 3, and ReloadBits 0 or at least 4");
        end
    endgenerate

    logic hold_q, net_rst_nq;
    logic [31:0] network_q, images_q, frames_q, cycles_q, words_q, check_q;
    logic [BeatBits-1:0] beat_q;  // of the image that is coming in

    assign net_rst_no = net_rst_nq;

    // ---- writes: address and word are kept until both are there and the last answer was taken
    logic aw_full_q, w_full_q, b_valid_q, w_whole_q;
    logic [AddrBits-3:0] aw_q;  // of a word
    logic [31:0] w_q;
    logic [1:0] b_resp_q;

    wire write = aw_full_q && w_full_q && (!b_valid_q || bready_i);
    wire to_memory = (ReloadBits > 0) && aw_q[AddrBits-3];
    wire to_register = !to_memory && (aw_q >> 4) == 0;
    wire to_control = to_register && aw_q[3:0] == 4'd4;
    wire to_network = to_register && aw_q[3:0] == 4'd2 && ReloadBits > 0;
    wire legal = w_whole_q && (to_control || ((to_network || to_memory) && !net_rst_nq && hold_q));

    assign awready_o = !aw_full_q;
    assign wready_o  = !w_full_q;
    assign bvalid_o  = b_valid_q;
    assign bresp_o   = b_resp_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            aw_full_q <= 1'b0;
            w_full_q  <= 1'b0;
            b_valid_q <= 1'b0;
        end else begin
            if (awvalid_i && awready_o) aw_full_q <= 1'b1;
            else if (write) aw_full_q <= 1'b0;
            if (wvalid_i && wready_o) w_full_q <= 1'b1;
            else if (write) w_full_q <= 1'b0;
            if (write) b_valid_q <= 1'b1;
            else if (bready_i) b_valid_q <= 1'b0;
        end
    end

    always_ff @(posedge clk_i) begin
        if (awready_o) aw_q <= awaddr_i[AddrBits-1:2];
        if (wready_o) w_q <= wdata_i;
        if (wready_o) w_whole_q <= &wstrb_i;
        if (write) b_resp_q <= legal ? Okay : SlvErr;
    end

    // ---- the reset, what is loaded, and what is counted since the last reset
    wire image_begins = in_valid_i && in_ready_i;
    wire image_ends = image_begins && beat_q == BeatBits'(ImageBeats - 1);
    wire frame_ends = out_valid_i && out_ready_i && out_last_i;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            hold_q     <= 1'b0;
            net_rst_nq <= 1'b0;
            network_q  <= Network;
            words_q    <= '0;
            check_q    <= '0;
        end else begin
            net_rst_nq <= !hold_q;
            if (write && legal && to_control) hold_q <= w_q[0];
            if (write && legal && to_network) network_q <= w_q;
            if (write && legal && to_control && w_q[0]) begin
                words_q <= '0;
                check_q <= '0;
            end else if (write && legal && to_memory) begin
                words_q <= words_q + 1'b1;
                check_q <= {check_q[30:0], check_q[31]} ^ w_q;
            end
        end
        if (!rst_ni || !net_rst_nq) begin
            beat_q   <= '0;
            images_q <= '0;
            frames_q <= '0;
            cycles_q <= '0;
        end else begin
            if (image_begins) beat_q <= image_ends ? '0 : beat_q + 1'b1;
            if (image_ends) images_q <= images_q + 1'b1;
            if (frame_ends) frames_q <= frames_q + 1'b1;
            cycles_q <= cycles_q + 1'b1;
        end
    end

    generate
        if (ReloadBits > 0) begin : gen_reload
            logic reload_q;
            logic [ReloadBits+31:0] word_q;
            always_ff @(posedge clk_i) begin
                if (!rst_ni) reload_q <= 1'b0;
                else reload_q <= write && legal && to_memory;
                if (write) word_q <= {aw_q[ReloadBits-1:0], w_q};
            end
            assign reload_o = {reload_q, word_q};
        end else begin : gen_fixed
            assign reload_o = 1'b0;
        end
    endgenerate

    // ---- reads
    logic r_valid_q;
    logic [31:0] r_data_q;
    logic [1:0] r_resp_q;
    logic [31:0] value;
    logic known;

    wire running = net_rst_nq;
    wire busy = beat_q != 0 || images_q != frames_q;
    wire [4:0] status = {
        ReloadBits > 0, out_valid_i && !out_ready_i && running, in_valid_i && !in_ready_i && running, busy && running, running
    };
    wire [3:0] place = araddr_i[5:2];
    wire below = (araddr_i >> 6) == 0;
    wire unused = &{1'b0, awaddr_i[1:0], araddr_i[1:0]};

    assign arready_o = !r_valid_q;
    assign rvalid_o  = r_valid_q;
    assign rdata_o   = r_data_q;
    assign rresp_o   = r_resp_q;

    always_comb begin
        known = below;
        case (place)
            4'd0: value = Id;
            4'd1: value = Version;
            4'd2: value = network_q;
            4'd3: value = Layout;
            4'd4: value = {31'd0, hold_q};
            4'd5: value = {27'd0, status};
            4'd6: value = images_q;
            4'd7: value = frames_q;
            4'd8: value = cycles_q;
            4'd9: value = words_q;
            4'd10: value = check_q;
            default: begin
                value = '0;
                known = 1'b0;
            end
        endcase
    end

    always_ff @(posedge clk_i) begin
        if (!rst_ni) r_valid_q <= 1'b0;
        else if (arready_o) r_valid_q <= arvalid_i;
        else if (rready_i) r_valid_q <= 1'b0;
    end

    always_ff @(posedge clk_i) begin
        if (arready_o) begin
            r_data_q <= known ? value : '0;
            r_resp_q <= known ? Okay : SlvErr;
        end
    end
endmodule

`default_nettype wire
