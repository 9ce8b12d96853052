`default_nettype none

// Pixels in raster order → one window of KernelH×KernelW taps per output position; `out_border_o` says which lie in the padding.
// Scans the padded image one position a cycle: row memories make a column, the last columns are the window; of
// a dilated window every DilationH-th row and DilationW-th column is taken.
module lrtc_line_buffer #(
    parameter integer PixelBits = 1,
    parameter integer Height    = 4,
    parameter integer Width     = 4,
    parameter integer KernelH   = 3,
    parameter integer KernelW   = 3,
    parameter integer StrideH   = 1,
    parameter integer StrideW   = 1,
    parameter integer PadTop    = 0,
    parameter integer PadBottom = 0,
    parameter integer PadLeft   = 0,
    parameter integer PadRight  = 0,
    parameter integer DilationH = 1,
    parameter integer DilationW = 1,
    parameter integer RowClasses = 1,
    parameter integer ColumnClasses = 1,
    parameter [((RowClasses > 1) ? RowClasses - 1 : 1)*32-1:0] RowFrom = '0,
    parameter [((ColumnClasses > 1) ? ColumnClasses - 1 : 1)*32-1:0] ColumnFrom = '0
) (
    input  wire                                 clk_i,
    input  wire                                 rst_ni,
    input  wire                                 in_valid_i,
    output wire                                 in_ready_o,
    input  wire [PixelBits-1:0]                 in_data_i,
    output wire                                 out_valid_o,
    input  wire                                 out_ready_i,
    output wire [KernelH*KernelW*PixelBits-1:0] out_data_o,
    output wire [KernelH*KernelW+$clog2(RowClasses)+$clog2(ColumnClasses)-1:0] out_border_o  // {class, valid bits of taps}
);
    localparam integer SpanH = (KernelH - 1) * DilationH + 1;  // rows from the first tap to the last
    localparam integer SpanW = (KernelW - 1) * DilationW + 1;
    // The scan ends with the last real row that must be read, or the last padded row that a window reaches.
    localparam integer ReachH = ((Height + PadTop + PadBottom - SpanH) / StrideH) * StrideH + SpanH;
    localparam integer ReachW = ((Width + PadLeft + PadRight - SpanW) / StrideW) * StrideW + SpanW;
    localparam integer ScanH = (PadTop + Height > ReachH) ? PadTop + Height : ReachH;
    localparam integer ScanW = (PadLeft + Width > ReachW) ? PadLeft + Width : ReachW;
    localparam integer YBits = (ScanH > 1) ? $clog2(ScanH) : 1;
    localparam integer XBits = (ScanW > 1) ? $clog2(ScanW) : 1;
    // Steps until the next window row (column): SpanH−1 from the top, then StrideH−1 from window to window.
    localparam integer SkipH = (SpanH > StrideH) ? SpanH : StrideH;
    localparam integer SkipW = (SpanW > StrideW) ? SpanW : StrideW;
    localparam integer SkipHBits = (SkipH > 1) ? $clog2(SkipH) : 1;
    localparam integer SkipWBits = (SkipW > 1) ? $clog2(SkipW) : 1;
    localparam integer ColumnBits = SpanH * PixelBits;
    // A frame that begins with windows of padding only must not begin before its first pixel has come.
    localparam WaitForFrame = PadTop >= SpanH || PadLeft >= SpanW;

    generate
        if (SpanH > PadTop + Height + PadBottom || SpanW > PadLeft + Width + PadRight) begin : gen_illegal
            initial $fatal(1, "lrtc_line_buffer: the kernel is larger than the padded image");
        end
    endgenerate

    logic [YBits-1:0] y_q;
    logic [XBits-1:0] x_d, x_q;
    logic [SkipHBits-1:0] skip_y_q;
    logic [SkipWBits-1:0] skip_x_q;
    logic out_valid_q;
    /* verilator lint_off UNUSEDSIGNAL */  // what lies between dilated taps in the oldest column
    logic [SpanW*ColumnBits-1:0] window_q;  // column-major: row y, column x of the span at x*SpanH + y
    /* verilator lint_on UNUSEDSIGNAL */
    wire pixel_valid;
    wire [PixelBits-1:0] pixel_data;
    wire [ColumnBits-1:0] column;  // the newest pixel at the MSBs

    wire signed [31:0] y = {{(32 - YBits) {1'b0}}, y_q};
    wire signed [31:0] x = {{(32 - XBits) {1'b0}}, x_q};
    wire real_pixel = y >= PadTop && y < PadTop + Height && x >= PadLeft && x < PadLeft + Width;
    wire last_x = x == ScanW - 1;
    wire last_y = y == ScanH - 1;

    wire space = !out_valid_q || out_ready_i;
    wire hold = WaitForFrame && y == 0 && x == 0;
    wire step = space && (pixel_valid || !(real_pixel || hold));
    wire pixel_ready = space && real_pixel;
    wire [PixelBits-1:0] pixel = real_pixel ? pixel_data : '0;

    assign out_valid_o = out_valid_q;

    // ---- the pixel that the scan waits for
    generate
        if (WaitForFrame) begin : gen_wait
            lrtc_skid_buffer #(
                .Width(PixelBits)
            ) u_pixel (
                .clk_i      (clk_i),
                .rst_ni     (rst_ni),
                .in_valid_i (in_valid_i),
                .in_ready_o (in_ready_o),
                .in_data_i  (in_data_i),
                .out_valid_o(pixel_valid),
                .out_ready_i(pixel_ready),
                .out_data_o (pixel_data)
            );
        end else begin : gen_no_wait
            assign pixel_valid = in_valid_i;
            assign pixel_data  = in_data_i;
            assign in_ready_o  = pixel_ready;
        end
    endgenerate

    // ---- where the scan is
    assign x_d = last_x ? '0 : x_q + 1'b1;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            y_q      <= '0;
            x_q      <= '0;
            skip_y_q <= SkipHBits'(SpanH - 1);
            skip_x_q <= SkipWBits'(SpanW - 1);
        end else if (step) begin
            x_q <= x_d;
            if (last_x) skip_x_q <= SkipWBits'(SpanW - 1);
            else if (skip_x_q == 0) skip_x_q <= SkipWBits'(StrideW - 1);
            else skip_x_q <= skip_x_q - 1'b1;
            if (last_x) begin
                y_q <= last_y ? '0 : y_q + 1'b1;
                if (last_y) skip_y_q <= SkipHBits'(SpanH - 1);
                else if (skip_y_q == 0) skip_y_q <= SkipHBits'(StrideH - 1);
                else skip_y_q <= skip_y_q - 1'b1;
            end
        end
    end

    always_ff @(posedge clk_i) begin
        if (!rst_ni) out_valid_q <= 1'b0;
        else if (space) out_valid_q <= step && skip_y_q == 0 && skip_x_q == 0;
    end

    // ---- the column above the current pixel. What older frames left in it never reaches a window that is emitted.
    generate
        if (SpanH == 1) begin : gen_one_row
            assign column = pixel;
        end else begin : gen_rows
            wire [ColumnBits-PixelBits-1:0] above;
            assign column = {pixel, above};
            if (ScanW == 1) begin : gen_register
                logic [ColumnBits-PixelBits-1:0] above_q;
                assign above = above_q;
                always_ff @(posedge clk_i) if (step) above_q <= column[ColumnBits-1:PixelBits];
            end else begin : gen_memory
                lrtc_ram #(
                    .Width(ColumnBits - PixelBits),
                    .Depth(ScanW)
                ) u_rows (
                    .clk_i    (clk_i),
                    .wr_en_i  (step),
                    .wr_addr_i(x_q),
                    .wr_data_i(column[ColumnBits-1:PixelBits]),
                    .rd_en_i  (step),
                    .rd_addr_i(x_d),
                    .rd_data_o(above)
                );
            end
        end
        if (SpanW == 1) begin : gen_one_column
            always_ff @(posedge clk_i) if (step) window_q <= column;
        end else begin : gen_columns
            always_ff @(posedge clk_i) if (step) window_q <= {column, window_q[SpanW*ColumnBits-1:ColumnBits]};
        end
    endgenerate

    // ---- the window as taps in raster order
    genvar ky, kx;
    generate
        for (ky = 0; ky < KernelH; ky = ky + 1) begin : gen_ky
            for (kx = 0; kx < KernelW; kx = kx + 1) begin : gen_kx
                localparam integer Place = kx * DilationW * SpanH + ky * DilationH;
                assign out_data_o[(ky*KernelW+kx)*PixelBits+:PixelBits] = window_q[Place*PixelBits+:PixelBits];
            end
        end
        if (PadTop + PadBottom + PadLeft + PadRight == 0) begin : gen_no_padding
            assign out_border_o[KernelH*KernelW-1:0] = '1;
        end else begin : gen_padding
            wire [KernelH-1:0] row_valid;
            wire [KernelW-1:0] column_valid;
            logic [KernelH*KernelW-1:0] tap_valid_q;
            for (ky = 0; ky < KernelH; ky = ky + 1) begin : gen_row_valid
                localparam integer First = PadTop + SpanH - 1 - ky * DilationH;  // the scan row at which this tap sees row 0
                assign row_valid[ky] = y >= First && y < First + Height;
                for (kx = 0; kx < KernelW; kx = kx + 1) begin : gen_tap_valid
                    always_ff @(posedge clk_i) if (step) tap_valid_q[ky*KernelW+kx] <= row_valid[ky] && column_valid[kx];
                end
            end
            for (kx = 0; kx < KernelW; kx = kx + 1) begin : gen_column_valid
                localparam integer First = PadLeft + SpanW - 1 - kx * DilationW;
                assign column_valid[kx] = x >= First && x < First + Width;
            end
            assign out_border_o[KernelH*KernelW-1:0] = tap_valid_q;
        end
    endgenerate

    // ---- the window's class: how many of the rows, and columns, at which a class begins it has reached
    generate
        if (RowClasses * ColumnClasses > 1) begin : gen_classes
            localparam integer XClassBits = $clog2(ColumnClasses);
            localparam integer ClassBits = $clog2(RowClasses) + XClassBits;
            logic [ClassBits-1:0] class_d, class_q;
            integer i;
            always_comb begin
                class_d = '0;
                for (i = 0; i < ColumnClasses - 1; i = i + 1)
                    if (x >= SpanW - 1 + StrideW * ColumnFrom[i*32+:32]) class_d = class_d + ClassBits'(1);
                for (i = 0; i < RowClasses - 1; i = i + 1)
                    if (y >= SpanH - 1 + StrideH * RowFrom[i*32+:32]) class_d = class_d + (ClassBits'(1) << XClassBits);
            end
            always_ff @(posedge clk_i) if (step) class_q <= class_d;
            assign out_border_o[KernelH*KernelW+:ClassBits] = class_q;
        end
    endgenerate
endmodule

`default_nettype wire
