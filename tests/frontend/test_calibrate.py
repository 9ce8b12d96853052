"""Real activations become integers: the steps, the arithmetic of steps, and that what comes out is exact everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from relu_networks import Shape, relu_network
from torch import nn

from lrtc import interp
from lrtc.driver import open_model
from lrtc.errors import LrtcError
from lrtc.frontend import describe, discretized, lower, read, rebuild, save
from lrtc.frontend.calibrate import (
    ACTIVATIONS,
    DECISIONS,
    MEETINGS,
    MOVES,
    NEED_INTEGERS,
    REALS,
    accuracy,
    quantize,
)
from lrtc.frontend.data import to_input
from lrtc.frontend.description import INPUT
from lrtc.frontend.layers import RULES
from lrtc.frontend.modelfile import from_bytes, to_bytes
from lrtc.frontend.quantize_file import quantize_file
from lrtc.frontend.scales import best_scale, limits, measured
from lrtc.nn import InputQuantize, LRTConv2d, LRTLinear, LRTReLU, LRTSign, discretize
from lrtc.passes import run_pipeline

MNIST = Path(__file__).parents[2] / "examples" / "mnist"
BLOCKS = ("plain", "residual", "maxout", "concat", "average", "pad")
SHAPES = st.builds(
    Shape,
    seed=st.integers(0, 1 << 20),
    channels=st.sampled_from((1, 3, 4)),
    side=st.sampled_from(((5, 6), (6, 5))),
    blocks=st.lists(st.sampled_from(("plain", "residual", "maxout", "concat", "average", "pad")), max_size=3).map(
        tuple
    ),
    activation=st.sampled_from(("relu", "sampled", "relu6", "hardtanh")),
    norm=st.sampled_from(("lrt", "plain", "gain")),
    bias=st.booleans(),
    head=st.sampled_from(("quant", "scale")),
    zero_point=st.sampled_from((0, 7)),
)


def answers(description, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return rebuild(description)(torch.from_numpy(x)).numpy()


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(shape=SHAPES, bits=st.integers(2, 8))
def test_the_quantised_network_is_exact_in_every_engine(shape: Shape, bits: int):
    net, x = relu_network(shape)
    made = from_bytes(to_bytes(quantize(describe(net, "net"), {INPUT: x}, bits).description), "net.pt")
    graph = lower(made).graph
    feed = to_input(x, graph.inputs[0])
    want = answers(made, x)
    np.testing.assert_array_equal(interp.run(graph, feed), want)
    folded = run_pipeline(graph, "integer", probe=feed[:4])
    np.testing.assert_array_equal(interp.run(folded, feed), want)
    assert not [n for n in folded.nodes if n.type.elem.is_float and n.ins], "nothing real is left"


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(shape=SHAPES)
def test_the_scores_are_those_of_the_real_network_up_to_a_step(shape: Shape):
    """With 8 bits the scores follow the real ones: no step is lost on the way, no bias counted twice."""
    net, x = relu_network(shape)
    done = quantize(describe(net, "net"), {INPUT: x}, 8)
    real, got = (answers(d, x).astype(np.float64) for d in (done.before, done.description))
    assume_varied = np.ptp(real, axis=0).max()
    slope = (real * got).sum() / max((got * got).sum(), 1e-30)
    assert slope > 0 or not real.any()
    assert np.abs(real - slope * got).mean() <= 0.1 * max(assume_varied, np.abs(real).mean())


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=60), st.integers(2, 8))
def test_no_other_clip_point_has_a_smaller_error(values: list[float], bits: int):
    v = np.array(values)
    found = best_scale(v, bits)
    assert found.signed == bool(v.min() < 0)
    assert found.clip == pytest.approx(found.step * limits(bits, found.signed)[1])
    for share in (0.13, 0.5, 0.77, 1.0):
        if v.any():
            step = share * np.abs(v).max() / limits(bits, found.signed)[1]
            assert found.error <= measured(v, bits, found.signed, step).error * (1 + 1e-9)


def test_a_scale_says_what_it_loses():
    v = np.concatenate([np.arange(16), [40.0]])
    found = measured(v, 4, False, 1.0)
    assert (found.clip, found.saturated) == (15.0, 1 / 17)
    assert found.error == pytest.approx(25 / np.sqrt((v**2).sum()))
    assert best_scale(np.zeros(3), 4).step == 1.0
    assert best_scale(np.arange(16.0), 4).error == 0


def test_many_values_are_not_sampled_along_one_column():
    v = np.random.default_rng(0).random((1 << 16, 4, 4))
    v[..., 0] /= 100  # a border that sees little
    whole, few = best_scale(v, 4), best_scale(v[:4000], 4)
    assert whole.error <= 1.02 * few.error


def test_every_kind_of_layer_has_a_part():
    assert set(RULES) == NEED_INTEGERS | MEETINGS | MOVES | ACTIVATIONS | REALS | DECISIONS


def names(done) -> list[tuple[str, str]]:
    return [(v.name, v.kind) for v in done.description.layers]


def test_where_quantisers_and_steps_stand():
    net, x = relu_network(Shape(blocks=("plain",)))
    done = quantize(describe(net, "net"), {INPUT: x}, 4)
    assert [q.layer for q in done.quantisers] == ["front.3", "blocks.0.act", "blocks.0.act@2", "average"]
    after = names(done)
    assert after[3:8] == [
        ("front.3", "LRTReLU" if isinstance(net.front[3], LRTReLU) else "ReLU"),
        ("front.3.codes", "QuantActivation"),
        ("blocks.0.conv", "LRTConv2d"),
        ("blocks.0.conv.step", "LRTGain"),
        ("blocks.0.norm", "LRTBatchNorm"),
    ]
    assert after[-3:] == [("average", "ExactMean"), ("average.codes", "QuantActivation"), ("head", "QuantLinear")]


def test_a_sum_is_on_the_step_of_its_shortcut():
    net, x = relu_network(Shape(blocks=("residual",)))
    done = quantize(describe(net, "net"), {INPUT: x}, 4)
    steps = {q.layer: q.scale.step for q in done.quantisers}
    assert steps["blocks.0.add"] == pytest.approx(steps["front.3"])
    assert [v.inputs for v in done.description.layers if v.kind == "Add"] == [("blocks.0.norm.codes", "front.3.codes")]


def test_a_maximum_is_on_the_step_of_its_shortcut_and_goes_through_the_passes():
    net, x = relu_network(Shape(blocks=("maxout",)))
    done = quantize(describe(net, "net"), {INPUT: x}, 4)
    (meeting,) = [v for v in done.description.layers if v.kind == "Maximum"]
    assert meeting.inputs == ("blocks.0.norm.codes", "front.3.codes")
    lowered = lower(done.description)
    graph = run_pipeline(lowered.graph, "c")
    assert [node.op.name for node in graph.nodes].count("maximum") == 1
    given = to_input(x, lowered.graph.inputs[0])
    np.testing.assert_array_equal(interp.run(graph, given), interp.run(lowered.graph, given))
    np.testing.assert_array_equal(interp.run(graph, given), answers(done.description, x))


def test_other_bits_for_one_layer():
    net, x = relu_network(Shape())
    done = quantize(describe(net, "net"), {INPUT: x}, 3, {"average": 8})
    assert {q.layer: q.scale.bits for q in done.quantisers} == {
        "front.3": 3, "blocks.0.act": 3, "blocks.0.act@2": 3, "average": 8,
    }  # fmt: skip


def test_more_bits_lose_less():
    net, x = relu_network(Shape(seed=5, channels=8, blocks=("plain", "residual")))
    description = describe(net, "net")
    real = answers(quantize(description, {INPUT: x}, 4).before, x)
    y = real.argmax(axis=1)
    agreement = [accuracy(quantize(description, {INPUT: x}, bits).description, {INPUT: x}, y) for bits in (2, 4, 8)]
    assert agreement[0] <= agreement[1] <= agreement[2]
    assert agreement[2] >= 0.95


def test_one_network_of_signs_needs_nothing():
    net = discretize(nn.Sequential(InputQuantize((4,)), LRTLinear(4, 5), LRTSign(), LRTLinear(5, 3)))
    with pytest.raises(LrtcError, match="there is nothing to quantise: every value that meets weights is an integer"):
        quantize(describe(net, "net"), {INPUT: np.zeros((3, 4), np.uint8)}, 4)


def refused(net: nn.Module, x: np.ndarray, bits: int = 4, own: dict | None = None) -> str:
    with pytest.raises(LrtcError) as caught:
        quantize(describe(net, "net"), {INPUT: x}, bits, own)
    return str(caught.value)


def test_refusals():
    net, x = relu_network(Shape())
    assert "9 bits are not supported; activations have 2 to 8" in refused(net, x, 9)
    assert "1 bits are not supported" in refused(net, x, 4, {"average": 1})
    assert "no quantiser stands behind averag (did you mean 'average'?); they stand behind front.3" in refused(
        net, x, 4, {"averag": 8}
    )
    conv = LRTConv2d(1, 2, 1, bias=True)
    nn.init.constant_(conv.bias, 9.3)  # some value is above 0, whatever the weights
    pad = nn.ConstantPad2d(1, 0.37)
    padded = discretize(nn.Sequential(InputQuantize((1, 4, 4)), conv, nn.ReLU(), pad, LRTConv2d(2, 2, 1)))
    text = refused(padded, np.full((2, 1, 4, 4), 9, np.uint8))
    assert "3 (ConstantPad2d): pads with" in text
    assert "a whole number is supported" in text


def test_a_network_that_needs_it_is_told_of_the_command():
    net, _ = relu_network(Shape())
    with pytest.raises(LrtcError, match=r"`lrtc quantize` makes integers of ReLU activations"):
        open_model(net, "net")


def test_files(tmp_path):
    net, x = relu_network(Shape(seed=3))
    save(net, tmp_path / "net.pt")
    real = answers(describe(net, "net"), x)
    np.savez(tmp_path / "few.npz", x=x)
    np.savez(tmp_path / "all.npz", x=x, y=real.argmax(axis=1))
    paths = [tmp_path / n for n in ("net.pt", "few.npz", "out.pt")]
    done = quantize_file(*paths, 8, {}, tmp_path / "all.npz", 20)
    assert (done.calibrated, done.measured, done.before) == (20, 40, 1.0)
    assert 0 < done.after <= 1
    model = open_model(tmp_path / "out.pt")
    assert done.after == (interp.run(model.graph, model.quantized(x)).argmax(axis=1) == real.argmax(axis=1)).mean()
    assert quantize_file(*paths, 8, {}, None, 20).before is None


def test_the_example_scores_what_its_readme_says():
    with np.load(MNIST / "digits.npz") as digits, np.load(MNIST / "calibration.npz") as file:
        x, y, few = {INPUT: digits["x"]}, digits["y"], {INPUT: file["x"]}
    description, text = read(MNIST / "mnist_relu.pt"), (MNIST / "README.md").read_text()
    found = {f"{bits} bits": accuracy(quantize(description, few, bits).description, x, y) for bits in (8, 4, 3, 2)}
    for row, share in {"real": accuracy(discretized(description)[0], x, y), **found}.items():
        assert re.search(rf"^\| {row} .*\| {100 * share:.1f} % \|$", text, re.M), (row, share)
