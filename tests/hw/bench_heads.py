"""Cases of what follows an accumulator or a window: threshold, max-pool, affine, clamp, the greatest."""

from __future__ import annotations

from random import Random

from hw.bench_mvu import in_kind, value
from hw.case import Case, hex_rows, pack, signed


def near(rng: Random, level: int, bits: int) -> int:
    """Return an integer of `bits` bits: at the level, beside it, an extreme, or any."""
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    pick = rng.choice((level, level - 1, level + 1, low, high, rng.randint(low, high)))
    return min(max(pick, low), high)


def threshold(name, pe, folds, bits, count=1, out=1, low=0) -> Case:
    """Return the case of one threshold stage of `count` levels, some of which no accumulator reaches."""
    rng = Random(name)
    span = 1 << bits
    draw = lambda: rng.choice((-span, span - 1, rng.randint(-span // 2, span // 2)))  # noqa: E731
    levels = [[sorted(draw() for _ in range(count)) for _ in range(pe)] for _ in range(folds)]
    width = count * (bits + 1) + 1  # of an entry
    flips = [[rng.getrandbits(1) for _ in range(pe)] for _ in range(folds)]
    rows = [
        pack([pack(lv, bits + 1) | f << (count * (bits + 1)) for lv, f in zip(*pair, strict=True)], width)
        for pair in zip(levels, flips, strict=True)
    ]

    def frame(rng: Random):
        accs = [[near(rng, rng.choice(levels[f][p]), bits) for p in range(pe)] for f in range(folds)]
        codes = [
            [low + sum((accs[f][p] >= lv) != flips[f][p] for lv in levels[f][p]) for p in range(pe)]
            for f in range(folds)
        ]
        return [(pack(acc, bits),) for acc in accs], [(pack(code, out),) for code in codes]

    return Case(
        name, "lrtc_threshold",
        {"Pe": pe, "Folds": folds, "AccBits": bits, "Levels": count, "OutBits": out, "Low": low, "File": f"{name}.hex"},
        {"data": pe * bits}, {"data": pe * out}, frame, folds, (0, 0, 2), {f"{name}.hex": hex_rows(rows, pe * width)},
    )  # fmt: skip


def affine(name, pe, folds, bits, out, mult, offset) -> Case:
    """Return the case of one affine stage, extreme operands among them."""
    rng = Random(name)
    mults = [[near(rng, 0, mult) for _ in range(pe)] for _ in range(folds)]
    offsets = [[near(rng, 0, offset) for _ in range(pe)] for _ in range(folds)]
    rows = [
        pack([pack([o, 0], offset) | pack([m], mult) << offset for m, o in zip(*pair, strict=True)], mult + offset)
        for pair in zip(mults, offsets, strict=True)
    ]

    def frame(rng: Random):
        accs = [[near(rng, 0, bits) for _ in range(pe)] for _ in range(folds)]
        logits = [[a * m + o for a, m, o in zip(*row, strict=True)] for row in zip(accs, mults, offsets, strict=True)]
        return [(pack(acc, bits),) for acc in accs], [(pack(row, out),) for row in logits]

    return Case(
        name, "lrtc_affine",
        {"Pe": pe, "Folds": folds, "AccBits": bits, "OutBits": out, "MultBits": mult, "OffsetBits": offset,
         "File": f"{name}.hex"},
        {"data": pe * bits}, {"data": pe * out}, frame, folds, (0, 0, 3),
        {f"{name}.hex": hex_rows(rows, pe * (mult + offset))},
    )  # fmt: skip


def maxpool(name, channels, taps, min_mask, bits=1, sign=0) -> Case:
    """Return the case of one pooling stage; a window has at least one valid tap."""
    number = (lambda v: signed(v, bits)) if sign else int

    def beat(rng: Random):
        few = [rng.getrandbits(bits) for _ in range(rng.choice((1, 2, 5)))] + [rng.choice((0, (1 << bits) - 1))] * 3
        window = [[rng.choice(few) for _ in range(channels)] for _ in range(taps)]
        valid = rng.choice(([1] * taps, [rng.getrandbits(1) for _ in range(taps)]))
        valid[rng.randrange(taps)] = 1
        kept = [pixel for pixel, ok in zip(window, valid, strict=True) if ok]
        answer = [
            (min if min_mask >> c & 1 else max)((pixel[c] for pixel in kept), key=number) for c in range(channels)
        ]
        return (pack([value for pixel in window for value in pixel], bits), pack(valid, 1)), (pack(answer, bits),)

    def frame(rng: Random):
        pairs = [beat(rng) for _ in range(20)]
        return [given for given, _ in pairs], [answer for _, answer in pairs]

    return Case(
        name, "lrtc_maxpool",
        {"Channels": channels, "Taps": taps, "Bits": bits, "Signed": sign, "MinMask": f"{channels}'h{min_mask:x}"},
        {"data": channels * taps * bits, "tap_valid": taps}, {"data": channels * bits}, frame, 20, (0, 0, 1),
    )  # fmt: skip


def topk(name, count, width, k, sign=1) -> Case:
    """Return the case of the indices of the k greatest; few different values, so that ties are frequent."""
    bits = max(1, (count - 1).bit_length())

    def frame(rng: Random):
        pool = [rng.getrandbits(width) for _ in range(rng.choice((1, 2, 5)))]
        values = [rng.choice(pool) for _ in range(count)]
        numbers = [signed(v, width) if sign else v for v in values]
        order = sorted(range(count), key=lambda i: -numbers[i])  # equal ones stay in order
        return [(v,) for v in values], [(pack(order[:k], bits),)]

    return Case(
        name, "lrtc_topk", {"Count": count, "Width": width, "K": k, "Signed": sign}, {"data": width},
        {"data": k * bits}, frame, count, (count - 1, 0, 1), steady=count > 2,
    )  # fmt: skip


def argmax(name, count, width, sign=1) -> Case:
    """Return the case of the index of the greatest of values side by side, ties among them."""
    bits = max(1, (count - 1).bit_length())

    def beat(rng: Random):
        pool = [rng.getrandbits(width) for _ in range(rng.choice((1, 2, 5)))]
        values = [rng.choice(pool) for _ in range(count)]
        numbers = [signed(v, width) if sign else v for v in values]
        return (pack(values, width),), (numbers.index(max(numbers)),)

    def frame(rng: Random):
        pairs = [beat(rng) for _ in range(20)]
        return [given for given, _ in pairs], [answer for _, answer in pairs]

    return Case(
        name, "lrtc_argmax", {"Count": count, "Width": width, "Signed": sign}, {"data": count * width},
        {"data": bits}, frame, 20, (0, 0, bits),
    )  # fmt: skip


CLAMP = """
wire [{width}-1:0] @y;
lrtc_clamp {parameters} u_@clamp (.in_data_i(@in_data_i), .out_data_o(@y));
lrtc_upsize #(.Width({width}), .Ratio(1)) u_@out (
    .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(@in_valid_i), .in_ready_o(@in_ready_o), .in_data_i(@y),
    .out_valid_o(@out_valid_o), .out_ready_i(@out_ready_i), .out_data_o(@out_data_o));"""


def clamp(name, count, bits, low, high, out) -> Case:
    """Return the case of clamped elements of `bits` (0: bipolar, < 0: signed); a limit of None is open."""
    kind, width = in_kind(bits)

    def frame(rng: Random):
        beats = [[rng.choice((rng.getrandbits(width), 0, (1 << width) - 1)) for _ in range(count)] for _ in range(20)]
        clamped = []
        for beat in beats:
            numbers = [value(e, bits) for e in beat]
            numbers = numbers if low is None else [max(v, low) for v in numbers]
            clamped.append(numbers if high is None else [min(v, high) for v in numbers])
        return [(pack(beat, width),) for beat in beats], [(pack(row, out),) for row in clamped]

    parameters = {
        "Count": count, "InBits": width, "InKind": kind, "OutBits": out, "HasLow": int(low is not None),
        "HasHigh": int(high is not None), "Low": low or 0, "High": high or 0,
    }  # fmt: skip
    plain = Case(name, "lrtc_clamp", parameters, {"data": count * width}, {"data": count * out}, frame, 20, (0, 0, 1))
    return Case(**{**plain.__dict__, "body": CLAMP.format(width=count * out, parameters=plain.parameter_text())})


CASES = [
    *(threshold(f"thr{p}x{f}x{b}", p, f, b) for p, f, b in ((1, 1, 1), (1, 5, 7), (4, 1, 6), (3, 4, 12), (16, 2, 9))),
    *(
        threshold(f"lev{'x'.join(map(str, shape)).replace('-', 'n')}", *shape)
        for shape in (
            (1, 1, 4, 3, 2, 0),
            (3, 2, 6, 2, 2, -1),
            (2, 3, 7, 1, 2, -1),
            (2, 2, 9, 15, 4, 0),
            (1, 3, 5, 6, 4, -3),
            (1, 2, 6, 40, 8, 0),
            (2, 1, 11, 255, 8, 0),
        )
    ),
    *(
        affine(f"aff{'x'.join(map(str, shape))}", *shape)
        for shape in ((1, 1, 1, 4, 2, 2), (1, 10, 8, 17, 8, 16), (5, 2, 11, 20, 8, 12), (2, 3, 6, 9, 8, 24))
    ),
    *(
        maxpool(f"pool{c}x{t}", c, t, mask)
        for c, t, mask in ((1, 1, 0), (1, 4, 1), (8, 4, 0), (7, 4, 0b0110101), (70, 9, 0x3A55AA55AA55AA55A))
    ),
    *(
        maxpool(f"max{c}x{t}x{b}x{s}", c, t, mask, b, s)
        for c, t, mask, b, s in (
            (1, 4, 0, 2, 0),
            (5, 4, 0b01101, 4, 0),
            (4, 9, 0b0101, 2, 1),
            (3, 3, 0b100, 9, 1),
            (2, 4, 1, 1, 1),
        )
    ),
    *(
        topk(f"top{'x'.join(map(str, shape))}", *shape)
        for shape in ((1, 4, 1), (2, 1, 1), (10, 8, 1), (17, 20, 3), (3, 33, 1), (5, 3, 5), (9, 4, 2, 0), (2, 8, 2, 0))
    ),
    *(
        argmax(f"arg{'x'.join(map(str, shape))}", *shape)
        for shape in ((1, 4), (2, 1), (3, 5), (8, 9), (10, 18), (26, 15), (33, 6, 0), (5, 1, 0))
    ),
    clamp("relu", 3, -7, 0, None, 7),
    clamp("relu_limit", 2, -9, 0, 6, 4),
    clamp("clamp_bytes", 2, 8, 10, 99, 8),
    clamp("clamp_high", 1, -4, None, -2, 4),
    clamp("clamp_bits", 5, 0, 0, 1, 2),
    clamp("clamp_wide", 1, -32, -(1 << 30), 1 << 30, 32),
]
