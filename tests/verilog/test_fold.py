"""The folding search and the timing model, without a simulator."""

from __future__ import annotations

import random
from itertools import product

import pytest
from graphs import random_network
from verilog.networks import Maker, residual, tiny

from lrtc.errors import LrtcError
from lrtc.passes import run_pipeline
from lrtc.plan import queues
from lrtc.plan.budget import BRAM_IN_LUTS, Budget, folded_area
from lrtc.plan.fold import fold_layer, legal_pe, legal_simd
from lrtc.plan.folding import plan_folding, plan_stream
from lrtc.plan.queues import timed
from lrtc.plan.stages import window_gaps
from lrtc.plan.stream import stream_layers
from lrtc.plan.timing import Network, Stuck


def layers_of(seed: int):
    return stream_layers(run_pipeline(random_network(seed), "verilog"))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("slower", [1, 3])
def test_the_search_finds_the_least_area(seed, slower):
    layers = layers_of(seed)
    target = plan_folding(layers).target * slower
    plan = plan_folding(layers, target)
    for layer, fold in zip(layers, plan.layers, strict=True):
        assert fold.cycles <= target
        if not layer.has_weights:
            continue
        for pe in legal_pe(layer):
            for simd in legal_simd(layer):
                given = plan_folding(layers, target, {layer.name: (pe, simd)}).layers
                (other,) = (f for f in given if f.name == layer.name)
                more = _price(layer, other) >= _price(layer, fold)
                assert other.cycles > target or more, (layer.name, pe, simd)


def _price(layer, fold) -> float:
    area = folded_area(layer, fold, "xc7")
    return area.lut + BRAM_IN_LUTS * area.bram


def test_simd_splits_no_tap():
    (layer, *_) = stream_layers(Maker("net", (5, 5, 6)).conv("a", 4, kernel=(2, 2)).threshold().linear("b", 2).done())
    assert legal_simd(layer) == (1, 2, 3, 6, 12, 24)  # 4 and 8 divide 24 but straddle a tap of 6


@pytest.mark.parametrize("seed", range(20))
def test_the_scan_is_the_sum_of_the_gaps(seed):
    for layer in layers_of(seed):
        if layer.slides:
            rows, columns = layer.window.scan
            gaps = window_gaps(layer.window)
            assert len(gaps) == layer.window.count
            assert sum(gaps) == rows * columns


def test_latencies_of_single_stages():
    chain = Network()
    chain.mvu(windows=1, folds=3, steps=4)
    ends, first = chain.run(1, 3, 5)
    assert first == 4 + 3  # README: SF + 3
    assert ends[-1] - ends[-2] == 12  # a window every NF·SF
    for count in (1, 2, 3):
        chain = Network()
        chain.registers(count, 4)
        assert chain.run(4, 4, 3) == ([3 + count, 7 + count, 11 + count], count)
    chain = Network()
    chain.upsize(3, 1)
    chain.downsize(3, 1)
    chain.skid(3)
    assert chain.run(3, 3, 4)[1] == 2 + 3


@pytest.mark.parametrize("seed", range(60))
def test_the_fast_form_of_a_folded_layer_is_its_stages(seed):
    """Under a source and a sink that move at any cycles, all stages apart = the one that skips the folds."""
    rng = random.Random(seed)
    windows, folds, steps, registers = (
        rng.randint(1, 6),
        rng.randint(4, 14),
        rng.choice((1, 1, 2, 3, 9)),
        rng.choice((0, 2, 3, 5)),
    )
    images = 3
    pace = steps * folds * rng.choice((0.3, 1, 2))
    offers, accepts = ([int(k * pace + rng.uniform(0, 3 * pace)) for k in range(windows * images)] for _ in range(2))
    seen = []
    for fast in (False, True):
        network = Network()
        if fast:
            network.folded_mvu(windows, folds, steps, registers)
        else:
            network.mvu(windows, folds, steps)
            network.registers(registers, windows * folds)
            network.skid(windows * folds)
            network.upsize(folds, windows)
        links = network.play(offers, accepts, images)
        seen.append((links[0].moved, links[network.at].moved))
    assert seen[0] == seen[1]


def test_queues_are_there_only_when_they_help():
    layers = stream_layers(tiny())
    assert all(layer.queues == (0,) for layer in plan_stream(layers).layers)
    for seed in range(6):
        layers = layers_of(seed)
        plan = plan_stream(layers)
        bare = timed(layers, plan, [[0]] * len(layers))
        assert plan.bound <= plan.interval <= bare.interval
        assert any(layer.queues[0] for layer in plan.layers) == (plan.interval < bare.interval)


def test_queues_before_joins_are_what_the_branches_need(monkeypatch):
    layers = stream_layers(residual())
    plan = plan_stream(layers)
    assert plan.interval == plan.bound
    lines = [
        [0] * len(fold.queues) if layer.joins else fold.queues for layer, fold in zip(layers, plan.layers, strict=True)
    ]
    with pytest.raises(Stuck):
        timed(layers, plan, lines)
    monkeypatch.setattr(queues, "leads", lambda layers, *_: {k: [0, 0] for k, v in enumerate(layers) if v.joins})
    longer = plan_stream(layers)  # a guess that is too short is doubled until nothing locks up
    assert longer.interval >= plan.interval
    assert any(max(fold.queues) >= 2 for layer, fold in zip(layers, longer.layers, strict=True) if layer.joins)


def test_the_plan_speaks():
    text = "\n".join(plan_stream(stream_layers(tiny()), 60).lines())
    assert "slowest stage: " in text
    assert "conv" in text


def test_a_budget_gives_the_fastest_that_fits():
    """Against every combination of foldings: no faster one fits, and no smaller one is as fast."""
    maker = Maker("net", (6, 6, 4)).conv("a", 4, kernel=(2, 2)).threshold().conv("b", 6).threshold().linear("c", 4)
    layers = stream_layers(maker.done())
    every = [[fold_layer(layer, pair) for pair in product(legal_pe(layer), legal_simd(layer))] for layer in layers]
    sums = [
        (max(f.cycles for f in folds), *_sums(layers, folds)) for folds in product(*every)
    ]  # (cycles, LUTs, block RAMs)
    floor = plan_folding(layers).target
    smallest = min(lut for _, lut, bram in sums if bram <= 3)
    for luts in (smallest, smallest * 11 // 10, smallest * 2):
        plan = plan_folding(layers, budget=Budget(luts, 3))
        fitting = [max(cycles, floor) for cycles, lut, bram in sums if lut <= luts and bram <= 3]
        assert plan.target == min(fitting), luts
        least = min(lut for cycles, lut, bram in sums if cycles <= plan.target and bram <= 3)
        assert _sums(layers, plan.layers)[0] == least


def _sums(layers, folds) -> tuple[int, float]:
    areas = [folded_area(layer, fold, "xc7") for layer, fold in zip(layers, folds, strict=True)]
    return sum(a.lut for a in areas), sum(a.bram for a in areas)


def test_what_cannot_be_met_is_told_with_what_can():
    layers = stream_layers(tiny())
    with pytest.raises(
        LrtcError, match=r"100 LUTs cannot be met for lack of LUTs: \d+ LUTs.*, of which conv takes \d+"
    ):
        plan_stream(layers, budget=Budget(100))
    with pytest.raises(LrtcError, match=r"(?s)25 cycles an image and 300 LUTs cannot be met.*fits takes \d+ cycles"):
        plan_stream(layers, 25, budget=Budget(300))
    lines = Maker("line", (24,)).linear("a", 4).threshold().linear("b", 2).done()
    with pytest.raises(LrtcError, match=r"(?s)input needs 24.*at least 24 cycles an image, or send 3 elements a beat"):
        plan_stream(stream_layers(lines), 10)
    assert plan_stream(stream_layers(lines, 3), 10).interval <= 10


def test_a_plan_keeps_to_what_was_asked():
    layers = stream_layers(residual())
    slow = plan_stream(layers, 400)
    assert slow.interval <= 400
    plan = plan_stream(layers, budget=Budget(slow.area.lut + 60))
    assert plan.area.lut <= slow.area.lut + 60
    assert plan.interval <= slow.interval
    assert plan.least <= plan.area.lut
