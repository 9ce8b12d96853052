"""Cases of what forks, joins and adds up streams; behind a fork, the branches have different latencies and rates."""

from __future__ import annotations

from random import Random

from hw.bench_mvu import in_kind, value
from hw.case import Case, pack

from lrtc.plan.timing import Network

FORK = """
wire [{n}-1:0] @v, @r, @v2, @r2;
wire [{width}-1:0] @d;
wire [{wide}-1:0] @d2;
lrtc_fork #(.Width({width}), .Readers({n})) u_@fork (
    .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(@in_valid_i), .in_ready_o(@in_ready_o), .in_data_i(@in_data_i),
    .out_valid_o(@v), .out_ready_i(@r), .out_data_o(@d));
"""
BRANCH = """
{stage} u_@branch{k} (
    .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(@v[{k}]), .in_ready_o(@r[{k}]), .in_data_i(@d[{low}+:{width}]),
    .out_valid_o(@v2[{k}]), .out_ready_i(@r2[{k}]), .out_data_o(@d2[{at}+:{width}]));
"""
STAGES = ("lrtc_skid_buffer #(.Width({width}))", "lrtc_fifo #(.Width({width}), .Depth(3))",
          "lrtc_upsize #(.Width({width}), .Ratio(1))")  # fmt: skip
JOIN = """
{module} {parameters} u_@join (
    .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(@v2), .in_ready_o(@r2), .in_data_i(@d2),
    .out_valid_o(@out_valid_o), .out_ready_i(@out_ready_i), .out_data_o(@out_data_o));"""
BEATS = 30


def timing(branches) -> tuple[int, int]:
    """Return (cycles a frame, latency) as the timing model has it: a branch without room for the others slows them."""
    network = Network()
    links = []
    for branch, link in zip(branches, network.fork(len(branches), BEATS), strict=True):
        network.at = link
        (network.skid, lambda beats: network.fifo(3, beats), lambda beats: network.registers(1, beats))[branch](BEATS)
        links.append(network.at)
    network.join(tuple(links), BEATS)
    ends, latency = network.run(BEATS, BEATS, 6)
    return ends[-1] - ends[-2], latency


def forked(name, module, parameters, width, branches, parts, out, answer) -> Case:
    """Return the case of a fork, a stage on every branch, and `module`, which joins them; `answer` is of one beat.

    parts: the bits of the fork's data that each branch carries on, as (lowest bit, width).
    """

    def frame(rng: Random):
        beats = [rng.getrandbits(width) for _ in range(BEATS)]
        return [(beat,) for beat in beats], [(answer(beat),) for beat in beats]

    body = FORK.format(n=len(branches), width=width, wide=sum(own for _, own in parts))
    for k, (branch, (low, own)) in enumerate(zip(branches, parts, strict=True)):
        at = sum(before for _, before in parts[:k])
        body += BRANCH.format(stage=STAGES[branch].format(width=own), k=k, low=low, width=own, at=at)
    period, latency = timing(branches)
    plain = Case(name, module, parameters, {"data": width}, {"data": out}, frame, period, (0, 0, latency))
    join = "lrtc_join" if module == "lrtc_fork" else module
    body += JOIN.format(module=join, parameters=plain.parameter_text())
    return Case(**{**plain.__dict__, "body": body})


def join(name, module, width, branches) -> Case:
    """Return the case of a fork whose branches meet again as they are."""
    n = len(branches)
    parameters = {"Streams": n, "Width": n * width}
    return forked(
        name, module, parameters, width, branches, [(0, width)] * n, n * width, lambda v: pack([v] * n, width)
    )


def add(name, channels, a, b, out, branches) -> Case:
    """Return the case of a sum of elements of `a` and `b` bits (0: bipolar, < 0: signed)."""
    (a_kind, a_bits), (b_kind, b_bits) = in_kind(a), in_kind(b)
    width = channels * (a_bits + b_bits)

    def answer(beat: int) -> int:
        sums = []
        for c in range(channels):
            x = beat >> (c * a_bits) & ((1 << a_bits) - 1)
            y = beat >> (channels * a_bits + c * b_bits) & ((1 << b_bits) - 1)
            sums.append(value(x, a) + value(y, b))
        return pack(sums, out)

    parameters = {
        "Channels": channels, "ABits": a_bits, "AKind": a_kind, "BBits": b_bits, "BKind": b_kind, "OutBits": out,
    }  # fmt: skip
    parts = [(0, channels * a_bits), (channels * a_bits, channels * b_bits)]
    return forked(name, "lrtc_add", parameters, width, branches, parts, channels * out, answer)


def total(rng: Random, channels: int, taps: int, bits: int, valid: list[int]) -> tuple[int, list[int]]:
    """Return the packed beat of `taps` taps, and the sums over the valid ones."""
    _, width = in_kind(bits)
    elements = [
        [rng.choice((0, (1 << width) - 1, rng.getrandbits(width))) for _ in range(channels)] for _ in range(taps)
    ]
    sums = [sum(value(row[c], bits) * ok for row, ok in zip(elements, valid, strict=True)) for c in range(channels)]
    return pack([e for row in elements for e in row], width), sums


def sumpool(name, channels, taps, bits, out) -> Case:
    """Return the case of sums over windows with some invalid taps."""
    kind, width = in_kind(bits)

    def frame(rng: Random):
        pairs = []
        for _ in range(BEATS):
            valid = rng.choice(([1] * taps, [0] * taps, [rng.getrandbits(1) for _ in range(taps)]))
            data, sums = total(rng, channels, taps, bits, valid)
            pairs.append(((data, pack(valid, 1)), (pack(sums, out),)))
        return [given for given, _ in pairs], [answer for _, answer in pairs]

    return Case(
        name, "lrtc_sumpool", {"Channels": channels, "Taps": taps, "InBits": width, "InKind": kind, "OutBits": out},
        {"data": channels * taps * width, "tap_valid": taps}, {"data": channels * out}, frame, BEATS, (0, 0, 1),
    )  # fmt: skip


def frame_sum(name, channels, beats, bits, out) -> Case:
    """Return the case of sums over whole frames."""
    kind, width = in_kind(bits)

    def frame(rng: Random):
        data, sums = total(rng, channels, beats, bits, [1] * beats)
        pixel = channels * width
        return [(data >> i * pixel & ((1 << pixel) - 1),) for i in range(beats)], [(pack(sums, out),)]

    return Case(
        name, "lrtc_frame_sum", {"Channels": channels, "Beats": beats, "InBits": width, "InKind": kind, "OutBits": out},
        {"data": channels * width}, {"data": channels * out}, frame, beats, (beats - 1, 0, 1),
    )  # fmt: skip


CASES = [
    join("fork2", "lrtc_fork", 5, (0, 1)),
    join("fork3", "lrtc_fork", 1, (1, 0, 2)),
    join("join2", "lrtc_join", 7, (2, 1)),
    join("join4", "lrtc_join", 3, (0, 0, 1, 2)),
    add("add_bits", 3, 0, 0, 3, (0, 1)),
    add("add_mixed", 2, 4, 0, 6, (1, 0)),
    add("add_numbers", 2, -5, -9, 10, (2, 2)),
    add("add_trits", 1, -2, 3, 5, (0, 2)),
    sumpool("sum_bits", 3, 4, 0, 4),
    sumpool("sum_codes", 2, 9, 2, 6),
    sumpool("sum_numbers", 2, 6, -3, 6),
    frame_sum("frame_bits", 5, 7, 0, 4),
    frame_sum("frame_one", 2, 1, -3, 3),
    frame_sum("frame_codes", 2, 16, 4, 9),
]
