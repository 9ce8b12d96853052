"""Cases of lrtc_dense with its ROM: vectors that come some elements a beat and are read once a fold."""

from __future__ import annotations

from random import Random

from hw.bench_mvu import BIPOLAR, SIGNED, TERNARY, draw_weights, in_kind, pack_weights, row_bits, start, value
from hw.case import Case, hex_rows, pack

BODY = """
wire @weight_en;
wire [{addr}-1:0] @weight_addr;
wire [{word}-1:0] @weight;
lrtc_rom #(.Width({word}), .Depth({depth}), .File("{file}")) u_@rom (
    .clk_i(clk_i), .en_i(@weight_en), .addr_i(@weight_addr), .data_o(@weight));
lrtc_dense {parameters} u_@dense (
    .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(@in_valid_i), .in_ready_o(@in_ready_o), .in_data_i(@in_data_i),
    .weight_en_o(@weight_en), .weight_addr_o(@weight_addr), .weight_data_i(@weight),
    .out_valid_o(@out_valid_o), .out_ready_i(@out_ready_i), .out_data_o(@out_data_o));"""


def case(name: str, fan: int, outputs: int, pe: int, simd: int, in_bits: int, kind: int, weight_bits: int, acc: int):
    """Return the case of one layer."""
    rng = Random(name)
    kind_in, bits = in_kind(in_bits)
    weights = [draw_weights(rng, kind, weight_bits, fan) for _ in range(outputs)]
    folds, steps, lane = outputs // pe, fan // simd, row_bits(kind, weight_bits)
    rows = [
        pack([pack_weights(rng, kind, weight_bits, weights[nf * pe + p][s * simd : (s + 1) * simd]) for p in range(pe)],
             simd * lane)
        for nf in range(folds)
        for s in range(steps)
    ]  # fmt: skip

    def frame(rng: Random):
        vector = [rng.getrandbits(bits) for _ in range(fan)]
        sums = [sum(w * value(x, in_bits) for w, x in zip(row, vector, strict=True)) for row in weights]
        words = [(pack(vector[s * simd : (s + 1) * simd], bits),) for s in range(steps)]
        return words, [(pack(sums[nf * pe : (nf + 1) * pe], acc),) for nf in range(folds)]

    parameters = {
        "Fan": fan, "Outputs": outputs, "Pe": pe, "Simd": simd, "InBits": bits, "InKind": kind_in, "WeightKind": kind,
        "WeightBits": weight_bits, "AccBits": acc, "File": f"{name}_start.hex",
    }  # fmt: skip
    depth, word = folds * steps, pe * simd * lane
    starts = [start(in_bits, kind, weight_bits, 0, row) for row in weights]
    starts = [pack(starts[nf * pe : (nf + 1) * pe], acc) for nf in range(folds)]
    files = {f"{name}.hex": hex_rows(rows, word), f"{name}_start.hex": hex_rows(starts, pe * acc)}
    latency = (steps - 1, 0, steps + 3)
    plain = Case(
        name, "lrtc_dense", parameters, {"data": simd * bits}, {"data": pe * acc}, frame, depth, latency, files
    )  # fmt: skip
    addr = (depth - 1).bit_length()
    body = BODY.format(addr=addr, word=word, depth=depth, file=f"{name}.hex", parameters=plain.parameter_text())
    return Case(**{**plain.__dict__, "body": body})


# fan, outputs, Pe, Simd, input bits, weight kind, weight bits, AccBits
CASES = [
    case("kept_bits", 12, 5, 1, 1, 0, TERNARY, 1, 5),
    case("kept_words", 24, 6, 2, 4, 0, BIPOLAR, 1, 6),
    case("kept_levels", 14, 4, 2, 2, 3, SIGNED, 4, 12),
    case("kept_once", 10, 3, 3, 2, 8, BIPOLAR, 1, 13),  # one fold
]
