"""Cases of lrtc_mvu with its ROM: every input kind × weight kind, padded or not, foldings from 1×1 to all at once.

An input of 0 bits is bipolar, of −N bits signed, of N bits unsigned.
"""

from __future__ import annotations

from random import Random

from hw.case import Case, hex_rows, pack, signed

BIPOLAR, TERNARY, SIGNED = 0, 1, 2


def draw_weights(rng: Random, kind: int, bits: int, count: int) -> list[int]:
    """Return weights of a kind, the extreme ones among them."""
    if kind == BIPOLAR:
        return [rng.choice((-1, 1)) for _ in range(count)]
    if kind == TERNARY:
        return [rng.choice((-1, 0, 1)) for _ in range(count)]
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return [rng.choice((low, high, rng.randint(low, high))) for _ in range(count)]


def pack_weights(rng: Random, kind: int, bits: int, row: list[int]) -> int:
    """Return a weight row of lrtc_dot; the sign of a zero is random, because nobody may look at it."""
    if kind == BIPOLAR:
        return pack([int(w > 0) for w in row], 1)
    if kind == TERNARY:
        return pack([int(w != 0) for w in row] + [int(w < 0) if w else rng.getrandbits(1) for w in row], 1)
    return pack(row, bits)


def row_bits(kind: int, bits: int) -> int:
    """Return the weight bits of a lane."""
    return {BIPOLAR: 1, TERNARY: 2, SIGNED: bits}[kind]


def in_kind(in_bits: int) -> tuple[int, int]:
    """Return (InKind, InBits) of an input of `in_bits`."""
    return (1, 1) if in_bits == 0 else (2, -in_bits) if in_bits < 0 else (0, in_bits)


def value(element: int, in_bits: int) -> int:
    """Return the number that an input element means."""
    if in_bits == 0:
        return 2 * element - 1
    return signed(element, -in_bits) if in_bits < 0 else element


def draw_valid(rng: Random, groups: int) -> list[int]:
    """Return valid bits: all, none, or random."""
    return rng.choice(([1] * groups, [0] * groups, [rng.getrandbits(1) for _ in range(groups)]))


BODY = """
wire @weight_en;
wire [{addr}-1:0] @weight_addr;
wire [{word}-1:0] @weight;
lrtc_rom #(.Width({word}), .Depth({depth}), .File("{file}")) u_@rom (
    .clk_i(clk_i), .en_i(@weight_en), .addr_i(@weight_addr), .data_o(@weight));
lrtc_mvu {parameters} u_@mvu (
    .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(@in_valid_i), .in_ready_o(@in_ready_o), .in_data_i(@in_data_i),
    .in_border_i(@in_border_i), .weight_en_o(@weight_en), .weight_addr_o(@weight_addr), .weight_data_i(@weight),
    .out_valid_o(@out_valid_o), .out_ready_i(@out_ready_i), .out_data_o(@out_data_o));"""


def start(in_bits: int, kind: int, weight_bits: int, planes: int, row: list[int]) -> int:
    """Return what lrtc_dot leaves out with Raw, over a row of weights: a function of the row."""
    kind_in, bits = in_kind(in_bits)
    if kind_in == 1 and kind != SIGNED:
        return -sum(map(abs, row))
    if kind_in == 1:
        return -len(row) * ((1 << (weight_bits - 1)) - planes)
    if kind == SIGNED:
        return 0 if planes else -len(row) << (bits + weight_bits - 1)
    negative = sum(w < 0 for w in row)
    if kind_in == 0:
        return negative * (1 - (1 << bits))
    return negative if planes else negative - (len(row) << (bits - 1))


def case(
    name,
    taps,
    channels,
    outputs,
    pe,
    simd,
    in_bits,
    kind,
    weight_bits,
    acc_bits,
    pad,
    groups=1,
    planes=0,
    class_bits=0,
    half=0,
) -> Case:
    """Return the case of one layer; with groups, `channels` are those of one group.

    With classes, or half, accumulators start from random numbers besides; half counts agreeing lanes only.
    """
    rng = Random(name)
    (kind_in, bits), fan = in_kind(in_bits), taps * channels
    weights = [draw_weights(rng, kind, weight_bits, fan) for _ in range(outputs)]
    folds, synapse_folds = outputs // pe, fan // simd
    lane_bits = row_bits(kind, weight_bits)
    rows = [
        pack(
            [
                pack_weights(rng, kind, weight_bits, weights[nf * pe + p][sf * simd : (sf + 1) * simd])
                for p in range(pe)
            ],
            simd * lane_bits,
        )
        for nf in range(folds)
        for sf in range(synapse_folds)
    ]

    extra = [[rng.randint(-9, 9) if class_bits or half else 0 for _ in weights] for _ in range(1 << class_bits)]
    counted = [sum(map(abs, row)) if half else 0 for row in weights]

    def frame(rng: Random):
        window = [rng.getrandbits(bits) for _ in range(groups * fan)]  # tap after tap, each group after group
        valid, at = draw_valid(rng, taps), rng.randrange(1 << class_bits)
        acc = []
        for o, row in enumerate(weights):
            first = o * groups // outputs * channels
            own = [window[t * groups * channels + first + c] for t in range(taps) for c in range(channels)]
            values = [value(e, in_bits) * (valid[i // channels] if pad else 1) for i, e in enumerate(own)]
            dot = sum(w * x for w, x in zip(row, values, strict=True))
            acc.append((dot + counted[o] >> half) + extra[at][o])
        beats = [(pack(acc[nf * pe : (nf + 1) * pe], acc_bits),) for nf in range(folds)]
        return [(pack(window, bits), pack(valid, 1) | at << taps)], beats

    parameters = {
        "Fan": fan, "Taps": taps, "Outputs": outputs, "Pe": pe, "Simd": simd, "InBits": bits, "InKind": kind_in,
        "WeightKind": kind, "WeightBits": weight_bits, "AccBits": acc_bits, "HasPad": pad,
        **({"Groups": groups} if groups > 1 else {}), **({"Planes": 1} if planes else {}), "ClassBits": class_bits,
        "Half": half, "File": f"{name}_start.hex",
    }  # fmt: skip
    starts = [0 if pad or half else start(in_bits, kind, weight_bits, planes, row) for row in weights]
    rows_of = [[a + b for a, b in zip(starts, own, strict=True)] for own in extra]  # class after class
    places = range(1 << (folds - 1).bit_length() if class_bits else folds)
    starts = [pack(own[nf * pe : (nf + 1) * pe], acc_bits) for own in rows_of for nf in places]
    depth, word = folds * synapse_folds, pe * simd * lane_bits
    plain = Case(
        name,
        "lrtc_mvu",
        parameters,
        {"data": groups * fan * bits, "border": taps + class_bits},
        {"data": pe * acc_bits},
        frame,
        depth,
        (0, 0, synapse_folds + 3),
        {f"{name}.hex": hex_rows(rows, word), f"{name}_start.hex": hex_rows(starts, pe * acc_bits)},
        steady=synapse_folds > 1,
    )
    addr = max(1, (depth - 1).bit_length())
    body = BODY.format(addr=addr, word=word, depth=depth, file=f"{name}.hex", parameters=plain.parameter_text())
    return Case(**{**plain.__dict__, "body": body})


# taps, channels, outputs, Pe, Simd, input bits, weight kind, weight bits, AccBits, HasPad, groups
CASES = [
    case("one", 1, 1, 1, 1, 1, 0, BIPOLAR, 1, 2, 0),
    case("serial", 1, 13, 3, 1, 1, 0, BIPOLAR, 1, 5, 0),
    case("parallel", 1, 16, 10, 10, 16, 0, BIPOLAR, 1, 6, 0),
    case("rows", 1, 30, 4, 4, 6, 0, BIPOLAR, 1, 6, 0),
    case("neurons", 1, 12, 6, 2, 12, 0, TERNARY, 1, 5, 0),
    case("linear", 1, 64, 8, 2, 16, 0, TERNARY, 1, 8, 0),
    case("conv_bit", 9, 4, 4, 2, 2, 0, BIPOLAR, 1, 7, 1),  # two folds in a tap
    case("conv_tap", 9, 4, 4, 2, 4, 0, BIPOLAR, 1, 7, 1),  # one
    case("conv_taps", 9, 4, 6, 3, 12, 0, BIPOLAR, 1, 7, 1),  # three taps in a fold
    case("conv_all", 9, 4, 4, 4, 36, 0, BIPOLAR, 1, 7, 1),
    case("conv_ternary", 4, 6, 4, 1, 3, 0, TERNARY, 1, 6, 1),
    case("conv_ternary_taps", 6, 2, 4, 2, 4, 0, TERNARY, 1, 5, 1),
    case("conv_signed", 4, 3, 2, 1, 3, 0, SIGNED, 5, 9, 1),
    case("bipolar_signed", 1, 10, 4, 2, 5, 0, SIGNED, 8, 12, 0),
    case("pixel_bipolar", 9, 1, 4, 2, 3, 8, BIPOLAR, 1, 13, 1),
    case("pixel_ternary", 4, 3, 6, 3, 1, 2, TERNARY, 1, 7, 1),
    case("pixel_signed", 9, 2, 4, 4, 6, 8, SIGNED, 8, 21, 1),
    case("level_signed", 1, 8, 4, 1, 4, 3, SIGNED, 4, 11, 0),
    case("level_one", 1, 7, 2, 2, 7, 1, TERNARY, 1, 4, 0),  # one unsigned bit, not a bipolar one
    case("trit_bipolar", 4, 3, 4, 2, 6, -2, BIPOLAR, 1, 6, 1),
    case("trit_ternary", 1, 15, 6, 2, 5, -2, TERNARY, 1, 6, 0),
    case("trit_signed", 4, 2, 4, 4, 2, -2, SIGNED, 4, 9, 1),
    case("number_signed", 1, 6, 3, 1, 2, -5, SIGNED, 2, 12, 0),
    case("pixel_planes", 9, 2, 4, 4, 6, 8, SIGNED, 3, 16, 1, planes=1),
    case("bipolar_planes", 4, 4, 4, 2, 8, 0, SIGNED, 8, 12, 1, planes=1),
    case("half", 9, 4, 6, 2, 12, 0, BIPOLAR, 1, 8, 0, half=1),
    case("half_ternary", 1, 24, 4, 4, 8, 0, TERNARY, 1, 6, 0, half=1),
    case("classes", 9, 2, 6, 2, 6, 0, TERNARY, 1, 7, 0, class_bits=3, half=1),
    case("classes_signed", 4, 3, 4, 4, 3, -2, SIGNED, 4, 10, 0, class_bits=2),
    case("classes_valid", 4, 3, 4, 1, 3, 0, BIPOLAR, 1, 7, 1, class_bits=1),
    case("narrow", 1, 24, 4, 2, 8, 0, TERNARY, 1, 3, 0),  # sums beyond AccBits wrap
    case("depthwise_one", 9, 1, 6, 1, 3, 0, BIPOLAR, 1, 5, 1, 6),  # a group a fold
    case("depthwise_some", 4, 1, 6, 2, 4, 0, TERNARY, 1, 4, 1, 6),  # no steps in a fold
    case("depthwise_all", 9, 1, 5, 5, 1, 2, SIGNED, 4, 9, 0, 5),  # all groups at once
    case("depthwise_twice", 4, 1, 8, 4, 2, 8, BIPOLAR, 1, 11, 1, 4),  # two outputs a group, two groups a fold
    case("groups_folds", 9, 2, 12, 2, 6, 0, BIPOLAR, 1, 6, 1, 3),  # two folds a group
    case("groups_each", 4, 6, 6, 3, 3, 0, TERNARY, 1, 6, 1, 2),
    case("groups_whole", 1, 5, 4, 4, 5, -2, SIGNED, 3, 8, 0, 2),
    case("groups_pairs", 2, 3, 12, 6, 6, 0, TERNARY, 1, 5, 1, 4),  # two groups a fold
]
