// Plain SystemVerilog for four-valued simulators: images in, beats out, random stalls, a reset amid the first image.
// What is not valid is driven X, registers start as X: any X on a handshake or in a valid beat ends the run.
`default_nettype none

module tb;
    reg clk = 0, rst_n = 0, s_valid = 0, m_ready = 0, offering = 0;
    reg [7:0] s_data;
    wire s_ready, m_valid, m_last;
    wire [`OUT_BITS-1:0] m_data;
    reg [7:0] bytes [0:`BYTES-1];
    integer sent = 0, limit = 0, got = 0, cycles = 0, waiting = 0;
    reg shown = 0;

    `TOP dut (
        .clk_i(clk), .rst_ni(rst_n),
        .s_axis_tvalid(s_valid), .s_axis_tready(s_ready), .s_axis_tdata(s_data),
        .m_axis_tvalid(m_valid), .m_axis_tready(m_ready), .m_axis_tdata(m_data), .m_axis_tlast(m_last)
    );

    task cycle;
        begin
            if (!offering && sent < limit && $urandom % 100 >= `STALL) offering = 1;
            s_valid = offering;
            s_data = offering ? bytes[sent] : 8'hxx;
            m_ready = $urandom % 100 >= `STALL;
            #4;
            if (rst_n) begin
                if ((^{s_ready, m_valid}) === 1'bx || (m_valid && (^{m_data, m_last}) === 1'bx)) begin
                    $display("X in cycle %0d: ready %b valid %b data %h last %b", cycles, s_ready, m_valid, m_data, m_last);
                    $finish;
                end
                waiting = waiting + 1;
                if (s_valid && s_ready) begin
                    sent = sent + 1;
                    offering = 0;
                    waiting = 0;
                end
                if (m_valid && m_ready) begin
                    if (shown) $display("beat %h %b", m_data, m_last);
                    got = got + 1;
                    waiting = 0;
                end
            end
            #1 clk = 1;
            #5 clk = 0;
            cycles = cycles + 1;
        end
    endtask

    initial begin
        $readmemh("images.hex", bytes);
        repeat (3) cycle;
        rst_n = 1;
        limit = `FIRST;
        while (sent < limit && waiting < 100000) cycle;
        repeat (7) cycle;
        rst_n = 0;
        limit = 0;
        offering = 0;
        repeat (2) cycle;
        rst_n = 1;
        sent = 0;
        got = 0;
        limit = `BYTES;
        shown = 1;
        while (got < `BEATS && waiting < 100000) cycle;
        repeat (64) cycle;
        $display("end after %0d cycles, %0d beats", cycles, got);
        $finish;
    end
endmodule
