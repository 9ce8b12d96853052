"""Cases of lrtc_dot between registers, and of lrtc_rom as a stream of addresses."""

from __future__ import annotations

from random import Random

from hw.bench_mvu import BIPOLAR, SIGNED, TERNARY, draw_valid, draw_weights, in_kind, pack_weights, row_bits, value
from hw.case import Case, hex_rows, pack

DOT = """
wire [{acc}-1:0] @dot;
lrtc_dot {parameters} u_@dot (
    .in_data_i(@in_data_i), .group_valid_i(@in_group_valid_i), .weight_i(@in_weight_i), .dot_o(@dot));
lrtc_upsize #(.Width({acc}), .Ratio(1)) u_@out (
    .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(@in_valid_i), .in_ready_o(@in_ready_o), .in_data_i(@dot),
    .out_valid_o(@out_valid_o), .out_ready_i(@out_ready_i), .out_data_o(@out_data_o));"""

ROM = """
lrtc_rom {parameters} u_@rom (
    .clk_i(clk_i), .en_i(@in_valid_i && @in_ready_o), .addr_i(@in_addr_i), .data_o(@out_data_o));
wire @unused;
lrtc_upsize #(.Width(1), .Ratio(1)) u_@valid (
    .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(@in_valid_i), .in_ready_o(@in_ready_o), .in_data_i(1'b0),
    .out_valid_o(@out_valid_o), .out_ready_i(@out_ready_i), .out_data_o(@unused));"""

BEATS = 24


def dot(name, lanes, groups, in_bits, kind, weight_bits, acc, pad, raw=0, planes=0) -> Case:
    """Return the case of one dot product; `in_bits` 0 means bipolar inputs, −N signed ones."""
    kind_in, bits = in_kind(in_bits)

    def beat(rng: Random):
        xs = [rng.choice((0, (1 << bits) - 1, 1 << (bits - 1), rng.getrandbits(bits))) for _ in range(lanes)]
        row = draw_weights(rng, kind, weight_bits, lanes)
        valid = draw_valid(rng, groups)
        counts = [valid[i * groups // lanes] if pad else 1 for i in range(lanes)]
        answer = sum(w * value(x, in_bits) * ok for w, x, ok in zip(row, xs, counts, strict=True)) + raw * sum(counts)
        return (pack(xs, bits), pack(valid, 1), pack_weights(rng, kind, weight_bits, row)), (pack([answer], acc),)

    def frame(rng: Random):
        pairs = [beat(rng) for _ in range(BEATS)]
        return [given for given, _ in pairs], [answer for _, answer in pairs]

    parameters = {
        "Lanes": lanes, "Groups": groups, "InBits": bits, "InKind": kind_in, "WeightKind": kind,
        "WeightBits": weight_bits, "AccBits": acc, "HasPad": pad, "Raw": raw,
        "Planes": planes,
    }  # fmt: skip
    ins = {"data": lanes * bits, "group_valid": groups, "weight": lanes * row_bits(kind, weight_bits)}
    plain = Case(name, "lrtc_dot", parameters, ins, {"data": acc}, frame, BEATS, (0, 0, 1))
    return Case(**{**plain.__dict__, "body": DOT.format(acc=acc, parameters=plain.parameter_text())})


def rom(name, width, depth) -> Case:
    """Return the case of one memory, read at random addresses."""
    rng = Random(name)
    rows = [rng.getrandbits(width) for _ in range(depth)]
    bits = max(1, (depth - 1).bit_length())

    def frame(rng: Random):
        addresses = [rng.randrange(depth) for _ in range(BEATS)]
        return [(a,) for a in addresses], [(rows[a],) for a in addresses]

    parameters: dict[str, int | str] = {"Width": width, "Depth": depth, "File": f"{name}.hex"}
    files = {f"{name}.hex": hex_rows(rows, width)}
    plain = Case(name, "lrtc_rom", parameters, {"addr": bits}, {"data": width}, frame, BEATS, (0, 0, 1), files)
    return Case(**{**plain.__dict__, "body": ROM.format(parameters=plain.parameter_text())})


# lanes, groups, input bits (0: bipolar, < 0: signed), weight kind, weight bits, AccBits, HasPad
CASES = [
    dot("bb1", 1, 1, 0, BIPOLAR, 1, 2, 0),
    dot("bb31", 31, 1, 0, BIPOLAR, 1, 6, 0),
    dot("bb65", 65, 1, 0, BIPOLAR, 1, 8, 1),
    dot("bb36", 36, 9, 0, BIPOLAR, 1, 7, 1),
    dot("bb36raw", 36, 9, 0, BIPOLAR, 1, 8, 1, 1),
    dot("bb12wide", 12, 3, 0, BIPOLAR, 1, 20, 1),
    dot("bt1", 1, 1, 0, TERNARY, 1, 2, 1),
    dot("bt64", 64, 1, 0, TERNARY, 1, 8, 0),
    dot("bt33", 33, 3, 0, TERNARY, 1, 7, 1),
    dot("bs1", 1, 1, 0, SIGNED, 2, 3, 1),
    dot("bs10", 10, 2, 0, SIGNED, 8, 12, 1),
    dot("bs9", 9, 1, 0, SIGNED, 3, 7, 0),
    dot("ub1", 1, 1, 1, BIPOLAR, 1, 2, 0),
    dot("ub12", 12, 4, 8, BIPOLAR, 1, 13, 1),
    dot("ut15", 15, 3, 4, TERNARY, 1, 9, 1),
    dot("ut8", 8, 1, 2, TERNARY, 1, 6, 0),
    dot("us1", 1, 1, 1, SIGNED, 1, 2, 0),
    dot("us9", 9, 9, 8, SIGNED, 8, 21, 1),
    dot("us6narrow", 6, 2, 5, SIGNED, 6, 4, 1),  # sums beyond AccBits wrap
    dot("sb1", 1, 1, -1, BIPOLAR, 1, 2, 0),
    dot("sb12", 12, 4, -8, BIPOLAR, 1, 13, 1),
    dot("st15", 15, 3, -2, TERNARY, 1, 5, 1),
    dot("st8", 8, 1, -4, TERNARY, 1, 8, 0),
    dot("ss1", 1, 1, -2, SIGNED, 2, 4, 1),
    dot("ss9", 9, 3, -6, SIGNED, 8, 19, 1),
    dot("ss6narrow", 6, 2, -5, SIGNED, 6, 4, 1),
    dot("up20", 20, 4, 4, SIGNED, 4, 13, 1, planes=1),
    dot("sp18", 18, 3, -3, SIGNED, 4, 11, 1, planes=1),
    dot("sp9narrow", 9, 3, -2, SIGNED, 3, 4, 1, planes=1),
    rom("rom1x1", 1, 1),
    rom("rom40x1", 40, 1),
    rom("rom7x2", 7, 2),
    rom("rom65x37", 65, 37),
]
