`default_nettype none

// A queue of `Depth` beats (at least 2) and an output register; every output is a register. Latency 2.
module lrtc_fifo #(
    parameter integer Width = 8,
    parameter integer Depth = 2
) (
    input  wire             clk_i,
    input  wire             rst_ni,
    input  wire             in_valid_i,
    output wire             in_ready_o,
    input  wire [Width-1:0] in_data_i,
    output wire             out_valid_o,
    input  wire             out_ready_i,
    output wire [Width-1:0] out_data_o
);
    localparam integer AddrBits = $clog2(Depth);
    localparam integer LevelBits = $clog2(Depth + 1);
    localparam [AddrBits-1:0] LastAddr = AddrBits'(Depth - 1);

    logic                 in_ready_q, out_valid_q;
    logic [ AddrBits-1:0] wr_addr_q, rd_addr_q;
    logic [LevelBits-1:0] level_d, level_q;  // beats in the memory

    wire push = in_valid_i && in_ready_q;
    wire pop = (!out_valid_q || out_ready_i) && (level_q != 0);

    assign in_ready_o  = in_ready_q;
    assign out_valid_o = out_valid_q;

    // What is read was written in an earlier cycle, so the two addresses never meet.
    lrtc_ram #(
        .Width(Width),
        .Depth(Depth)
    ) u_ram (
        .clk_i    (clk_i),
        .wr_en_i  (push),
        .wr_addr_i(wr_addr_q),
        .wr_data_i(in_data_i),
        .rd_en_i  (pop),
        .rd_addr_i(rd_addr_q),
        .rd_data_o(out_data_o)
    );

    always_comb begin
        level_d = level_q;
        if (push && !pop) level_d = level_q + 1'b1;
        if (pop && !push) level_d = level_q - 1'b1;
    end

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            in_ready_q  <= 1'b1;
            out_valid_q <= 1'b0;
            wr_addr_q   <= '0;
            rd_addr_q   <= '0;
            level_q     <= '0;
        end else begin
            in_ready_q <= level_d != LevelBits'(Depth);
            level_q    <= level_d;
            if (!out_valid_q || out_ready_i) out_valid_q <= pop;
            if (push) wr_addr_q <= (wr_addr_q == LastAddr) ? '0 : wr_addr_q + 1'b1;
            if (pop) rd_addr_q <= (rd_addr_q == LastAddr) ? '0 : rd_addr_q + 1'b1;
        end
    end
endmodule

`default_nettype wire
