"""torch eval of the user's module = of the module rebuilt from its file = the interpreter on the lowered graph."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import CHANNELS, GAMMAS, Options, images, network, to_ir
from torch import nn

from lrtc import interp
from lrtc import nn as lnn
from lrtc.frontend import describe, discretized, lower, read, rebuild, save
from lrtc.ir import verify


def evaluate(model: nn.Module, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        y = model(torch.from_numpy(x))
    return (y.mean if isinstance(y, lnn.Gaussian) else y).numpy()


def with_exact_batchnorm(model: nn.Module) -> nn.Module:
    """Return a copy in which every plain batchnorm computes DESIGN D4, put there by hand and not by `rebuild`."""
    model = copy.deepcopy(model)
    for name, module in list(model.named_children()):
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            exact = lnn.ExactBatchNorm(module.num_features, module.eps)
            exact.load_state_dict(
                {**exact.state_dict(), **{k: v for k, v in module.state_dict().items() if k != "num_batches_tracked"}}
            )
            setattr(model, name, exact)
    return model.eval()


def check(model: nn.Module, path, seed: int) -> None:
    save(model, path)
    description = read(path)
    lowered = lower(description)
    verify(lowered.graph)
    x = images(model, 6, seed)
    want = evaluate(with_exact_batchnorm(model), x)
    assert np.array_equal(evaluate(rebuild(description), x), want), "rebuilt"
    got = interp.run(lowered.graph, to_ir(x))
    assert got.dtype.kind == "i"
    assert np.array_equal(got, want), "interpreter"
    assert lowered.notes == ()


@pytest.mark.parametrize("seed", range(60))
def test_random_networks(seed: int, tmp_path):
    check(network(seed), tmp_path / "m.pt", seed)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("weights", ["ternary", "bipolar"])
def test_channels_that_straddle_words(channels: int, weights: str, tmp_path):
    model = network(channels, channels=(channels, 33), side=(5, 4), weights=weights, padding=(1, 1), kernel=(3, 3))
    check(model, tmp_path / "m.pt", channels)


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("norm", ["lrt", "plain"])
@pytest.mark.parametrize("pool", ["before", "after"])
def test_gammas_around_pools(gamma: str, norm: str, pool: str, tmp_path):
    for seed in range(3):
        model = network(seed, channels=(31, 3), side=(7, 6), gamma=gamma, norm=norm, pool=pool, stride=(1, 1))
        check(model, tmp_path / "m.pt", seed)


@pytest.mark.parametrize("side", [(1, 1), (1, 9), (9, 1), (2, 3), (9, 9)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (3, 3), (3, 1)])
def test_sides_strides_paddings(side: tuple, stride: tuple, tmp_path):
    for padding in ((0, 0), (1, 1), (2, 2), (0, 2)):
        model = network(5, channels=(3, 32), side=side, stride=stride, padding=padding)
        check(model, tmp_path / "m.pt", 1)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    seed=st.integers(0, 2**16),
    channels=st.lists(st.sampled_from(CHANNELS), max_size=3).map(tuple),
    side=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    stride=st.sampled_from([(1, 1), (2, 2), (3, 3), (1, 3)]),
    padding=st.sampled_from([(0, 0), (1, 1), (2, 2), (0, 1)]),
    gamma=st.sampled_from(GAMMAS),
    pool=st.sampled_from(["none", "before", "after"]),
    head=st.sampled_from(["scale", "quant", "raw"]),
    bias=st.booleans(),
)
def test_any_network(tmp_path_factory, seed: int, **options):
    check(network(seed, Options(**options)), tmp_path_factory.getbasetemp() / "any.pt", seed)


@pytest.mark.parametrize("scale", [1.0, 1 / 255, 0.1, 3.7])
def test_real_input_goes_through_the_same_quantiser(scale: float):
    model = network(3, channels=(3,), side=(4, 4), scale=scale)
    shape = (200, *model.quantize.shape)
    rng = np.random.default_rng(0)
    x = (rng.random(shape) * 300 - 20).astype(np.float32) * np.float32(scale)
    x[::2] = (rng.integers(0, 255, shape)[::2] + 0.5).astype(np.float32) * np.float32(scale)  # ties
    lowered = lower(describe(model, "m"))
    assert lowered.graph.inputs[0].scale == scale
    got = interp.run(lowered.graph, interp.quantize(to_ir(x), scale))
    assert np.array_equal(got, evaluate(with_exact_batchnorm(model), x))


@pytest.mark.parametrize("seed", range(12))
def test_distributions_survive_the_file_and_are_fixed_when_lowered(seed: int, tmp_path):
    model = network(seed, distribution=True)
    save(model, tmp_path / "m.pt")
    description = read(tmp_path / "m.pt")
    x = images(model, 4, seed)
    with torch.random.fork_rng(devices=[]):  # eval samples: the same noise gives the same scores
        torch.manual_seed(7)
        want = evaluate(with_exact_batchnorm(model), x)
        torch.manual_seed(7)
        assert np.array_equal(evaluate(rebuild(description), x), want)
    lowered = lower(description)
    holders = [n for n, m in model.named_modules() if hasattr(m, "is_discrete")]
    assert [note.split(" ")[0] for note in lowered.notes] == holders
    fixed = evaluate(with_exact_batchnorm(lnn.discretize(copy.deepcopy(model))), x)
    assert np.array_equal(interp.run(lowered.graph, to_ir(x)), fixed)
    assert np.array_equal(evaluate(rebuild(lowered.description), x), fixed)
    assert discretized(lowered.description) == (lowered.description, ())


def test_the_words_of_the_notes():
    model = nn.Sequential(lnn.InputQuantize((3,)), lnn.LRTLinear(3, 2), lnn.LRTScale(2))
    assert lower(describe(model, "m")).notes == (
        "1 (LRTLinear 3→2): held distributions; took the most probable weights",
        "2 (LRTScale 2): rounded to integers",
    )


def test_rebuilding_again_changes_nothing():
    model = network(11, channels=(3, 31), side=(6, 6), norm="plain")
    once = describe(rebuild(describe(model, "m")), "m")
    twice = describe(rebuild(once), "m")
    assert [v.origin for v in once.layers] == [v.origin for v in twice.layers]
    assert once.layers == twice.layers
    assert once.tensors.keys() == twice.tensors.keys()
    assert all(torch.equal(once.tensors[k], twice.tensors[k]) for k in once.tensors)


def test_rebuilding_leaves_the_random_generator_alone():
    description = describe(network(1), "m")
    torch.manual_seed(3)
    want = torch.rand(3)
    torch.manual_seed(3)
    rebuild(description)
    lower(description)
    assert torch.equal(torch.rand(3), want)
