"""Cases of a whole layer: line buffer → MVU → threshold → width converter, and how many cycles a frame takes."""

from __future__ import annotations

from random import Random

from hw.bench_line_buffer import NAMES, sizes, windows
from hw.bench_mvu import BIPOLAR, TERNARY, draw_weights, pack_weights, row_bits
from hw.case import Case, hex_rows, pack, unpack

BODY = """
wire @v0, @r0, @v1, @r1, @v2, @r2, @en;
wire [{taps}*{channels}-1:0] @window;
wire [{taps}-1:0] @border;
wire [{addr}-1:0] @addr;
wire [{word}-1:0] @weight;
wire [{pe}*{acc}-1:0] @acc;
wire [{pe}-1:0] @bits;
lrtc_line_buffer #({shape}) u_@lines (
    .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(@in_valid_i), .in_ready_o(@in_ready_o), .in_data_i(@in_data_i),
    .out_valid_o(@v0), .out_ready_i(@r0), .out_data_o(@window), .out_border_o(@border));
lrtc_rom #(.Width({word}), .Depth({folds}), .File("{name}_w.hex")) u_@rom (
    .clk_i(clk_i), .en_i(@en), .addr_i(@addr), .data_o(@weight));
lrtc_mvu #(.Fan({taps}*{channels}), .Taps({taps}), .Outputs({outputs}), .Pe({pe}), .Simd({simd}), .InBits(1),
    .InKind(1), .WeightKind({kind}), .WeightBits(1), .AccBits({acc}), .HasPad(1), .File("{name}_s.hex")) u_@mvu (
    .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(@v0), .in_ready_o(@r0), .in_data_i(@window),
    .in_border_i(@border), .weight_en_o(@en), .weight_addr_o(@addr), .weight_data_i(@weight),
    .out_valid_o(@v1), .out_ready_i(@r1), .out_data_o(@acc));
lrtc_threshold #(.Pe({pe}), .Folds({outputs}/{pe}), .AccBits({acc}), .File("{name}_t.hex")) u_@threshold (
    .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(@v1), .in_ready_o(@r1), .in_data_i(@acc),
    .out_valid_o(@v2), .out_ready_i(@r2), .out_data_o(@bits));
lrtc_upsize #(.Width({pe}), .Ratio({outputs}/{pe})) u_@upsize (
    .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(@v2), .in_ready_o(@r2), .in_data_i(@bits),
    .out_valid_o(@out_valid_o), .out_ready_i(@out_ready_i), .out_data_o(@out_data_o));"""


def frame_cycles(folds: int, height, width, kh, kw, sh, sw, top, bottom, left, right) -> int:
    """Return Σ max(folds, scan steps to the next window) over the windows of a frame: the formula of the README."""
    oh, ow, scan_h, scan_w = sizes(height, width, kh, kw, sh, sw, top, bottom, left, right)
    at = [(kh - 1 + i * sh) * scan_w + kw - 1 + j * sw for i in range(oh) for j in range(ow)]
    steps = [b - a for a, b in zip(at, [*at[1:], at[0] + scan_h * scan_w], strict=True)]
    return sum(max(folds, gap) for gap in steps)


def conv(name, shape, outputs, pe, simd, kind) -> Case:
    """Return the case of one convolution of bipolar pixels; the shape is (channels, height, width, kernel, …)."""
    rng = Random(name)
    channels, _, _, kh, kw = shape[:5]
    taps, acc = kh * kw, (2 * kh * kw * channels + 1).bit_length()
    fan, lane_bits = taps * channels, row_bits(kind, 1)
    weights = [draw_weights(rng, kind, 1, fan) for _ in range(outputs)]
    levels = [(rng.randint(-3, 3), rng.getrandbits(1)) for _ in range(outputs)]
    rows = [
        pack(
            [pack_weights(rng, kind, 1, weights[nf * pe + p][sf * simd : (sf + 1) * simd]) for p in range(pe)],
            simd * lane_bits,
        )
        for nf in range(outputs // pe)
        for sf in range(fan // simd)
    ]
    entries = [pack([level], acc + 1) | flip << (acc + 1) for level, flip in levels]
    level_rows = [pack(entries[i : i + pe], acc + 2) for i in range(0, outputs, pe)]
    image = windows(*shape)

    def frame(rng: Random):
        pixels, answer = image(rng)
        beats = []
        for data, valid in answer:
            x = [(2 * b - 1) * (valid >> i // channels & 1) for i, b in enumerate(unpack(data, 1, fan))]
            sums = [sum(w * v for w, v in zip(row, x, strict=True)) for row in weights]
            beats.append((pack([int(s >= lv) ^ f for s, (lv, f) in zip(sums, levels, strict=True)], 1),))
        return pixels, beats

    folds = len(rows)
    body = BODY.format(
        name=name, taps=taps, channels=channels, outputs=outputs, pe=pe, simd=simd, kind=kind, acc=acc, folds=folds,
        addr=max(1, (folds - 1).bit_length()), word=pe * simd * lane_bits,
        shape=", ".join(f".{key}({value})" for key, value in zip(NAMES, shape, strict=False)),
    )  # fmt: skip
    return Case(
        name, "convolution", {}, {"data": channels}, {"data": outputs}, frame, frame_cycles(folds, *shape[1:]), None,
        {f"{name}_w.hex": hex_rows(rows, pe * simd * lane_bits), f"{name}_t.hex": hex_rows(level_rows, pe * (acc + 2)),
         f"{name}_s.hex": hex_rows([0] * (outputs // pe), pe * acc)},
        body,
    )  # fmt: skip


CASES = [
    conv("fast", (4, 6, 6, 3, 3, 1, 1, 1, 1, 1, 1), 3, 3, 36, BIPOLAR),  # a window a cycle: the scan is the limit
    conv("row_gaps", (4, 5, 6, 3, 3, 1, 1, 1, 1, 1, 1), 4, 2, 36, TERNARY),  # two cycles a window: the row ends show
    conv("slow", (4, 5, 5, 3, 3, 1, 1, 1, 1, 1, 1), 4, 2, 12, BIPOLAR),  # only the frame's end shows
    conv("strided", (2, 8, 8, 3, 3, 2, 2, 1, 1, 1, 1), 4, 4, 2, TERNARY),
]
