"""Weights of any finite set: moments, draws, initial values, the way to integers that are compiled bit for bit."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from networks import images
from torch import nn

import lrtc
from lrtc.chain import Chain
from lrtc.driver import open_model
from lrtc.errors import LrtcError
from lrtc.frontend import load_checkpoint
from lrtc.nn import (
    InputQuantize,
    LRTBatchNorm,
    LRTConv1d,
    LRTConv2d,
    LRTLinear,
    LRTScale,
    LRTSign,
    Moments,
    clip_latents,
    clip_logits,
    discrete_from_straight_through,
    discretize,
    float_twin,
    init_from_float,
    parameter_groups,
    reestimate_batchnorm,
    straight_through,
)
from lrtc.nn import alphabet as A

FIVE, POWERS, FOUR, BYTES = (-2, -1, 0, 1, 2), (-4, -2, -1, 0, 1, 2, 4), (0, 1, 2, 3), (-128, -3, 0, 127)
SETS = (FIVE, POWERS, FOUR, BYTES)


def conv(values, **options):
    layer = LRTConv2d(3, 4, 3, weights=values, **options)
    nn.init.normal_(layer.theta)
    return layer.double()


def assert_moments(g, samples):
    std = samples.std(0)
    assert (samples.mean(0) - g.mean).abs().le(5.5 * std / len(samples) ** 0.5 + 1e-9).all()
    assert (samples.var(0) - g.var.expand_as(g.mean)).abs().le(0.15 * g.var + 1e-9).all()


@pytest.mark.parametrize("values", SETS, ids=str)
@pytest.mark.parametrize("inputs", ["real", "signs", "moments"])
def test_mean_and_variance_are_those_of_drawn_weights(values, inputs):
    layer, gen = conv(values, padding=1), torch.Generator().manual_seed(1)
    x = torch.randn(1, 3, 4, 5).double()
    given = x if inputs == "real" else torch.where(x >= 0, 1.0, -1.0).double()
    mean = torch.tanh(x)
    outs = []
    with torch.no_grad():
        for _ in range(4000):
            if inputs == "moments":
                given = torch.where(torch.rand(x.shape, generator=gen) < (1 + mean) / 2, 1.0, -1.0).double()
            outs.append(layer._map(given, layer.draw(gen).double()))
        g = layer(Moments(mean, torch.ones_like(mean)) if inputs == "moments" else given)
        assert_moments(g, torch.stack(outs))


def test_gradients_are_those_of_finite_differences():
    layer, x = conv(FIVE), torch.randn(2, 3, 4, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda v, _: tuple(layer(v)), (x, layer.theta))


@pytest.mark.parametrize("values", SETS, ids=str)
def test_draws_follow_the_probabilities(values):
    theta = torch.randn(len(values), 3)
    p = torch.softmax(theta, 0)
    drawn = A.draw(theta[:, None].expand(-1, 20_000, 3), values, torch.Generator().manual_seed(2))
    for k, v in enumerate(values):
        torch.testing.assert_close((drawn == v).float().mean(0), p[k], atol=0.02, rtol=0)


def test_most_probable_and_ties():
    theta = torch.tensor([[0.0, 1, 0, 2], [0, 1, 3, 0], [0, 0, 0, 0], [0, 1, 0, 2], [0, 1, 3, 2]])
    assert A.most_probable(theta, FIVE).tolist() == [0, 1, -1, 1]  # all alike, −2 −1 1 2, −1 and 2, −2 1 2
    assert A.most_probable(torch.zeros(2, 1), (-3, 3)).tolist() == [3]


@pytest.mark.parametrize("values", SETS, ids=str)
def test_initial_values_follow_the_weights(values):
    weight = torch.randn(64, 50)
    step, theta = A.step_of(weight, values), A.logits_from_float(weight, values)
    want = 0.9 * (weight / step).clamp(values[0], values[-1]) + 0.1 * sum(values) / len(values)
    torch.testing.assert_close(A.moments(theta, values)[0], want, atol=1e-4 * max(map(abs, values)), rtol=1e-5)
    assert float(torch.softmax(theta, 0).amin()) > 0.09 / len(values)
    others = [float((A.nearest(weight / s, values) * s - weight).square().mean()) for s in (step / 1.3, step * 1.3)]
    assert float((A.nearest(weight / step, values) * step - weight).square().mean()) < min(others)
    for flat in (torch.zeros(4, 3), torch.full((4, 3), 0.5)):
        assert torch.isfinite(A.logits_from_float(flat, values)).all()


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("binary", "weights='binary' is not known; known: ternary, bipolar, or integers in ascending order"),
        ((0.5, 1), "integers are: the batchnorm behind the layer holds a common factor"),
        ((1, 0), "2 to 16 integers in ascending order are"),
        ((1,), "2 to 16 integers"),
        (tuple(range(17)), "2 to 16 integers"),
        ((-129, 0), r"integers in -128\.\.127 are, for 8 bits hold them"),
    ],
)
def test_sets_that_cannot_be_compiled_are_refused(weights, words):
    with pytest.raises(ValueError, match=words):
        LRTLinear(2, 2, weights=weights)


def test_names_of_sets():
    assert [LRTLinear(2, 2, weights=w).weights for w in ((-1, 0, 1), [-1, 1], "-2, 0,2")] == [
        "ternary", "bipolar", "-2,0,2",
    ]  # fmt: skip
    assert "weights='-2,0,2'" in repr(LRTConv1d(1, 1, 1, weights=(-2, 0, 2)))


def network():
    return nn.Sequential(
        InputQuantize((2, 6, 6)), LRTConv2d(2, 5, 3, padding=1, bias=True, weights=FIVE), LRTBatchNorm(5), LRTSign(),
        LRTConv2d(5, 6, 3, weights=POWERS), LRTBatchNorm(6), LRTSign(), nn.MaxPool2d(2), nn.Flatten(),
        LRTLinear(24, 7, weights=BYTES), LRTBatchNorm(7), LRTSign(), LRTLinear(7, 3, weights=FOUR), LRTScale(3),
    )  # fmt: skip


@pytest.mark.parametrize("method", ["lrt", "ste"])
def test_what_is_trained_is_what_is_compiled(method, tmp_path):
    net = network()
    x, y = torch.from_numpy(images(net, 30, 3)), torch.arange(30) % 3
    twin = float_twin(net)
    init_from_float(net, twin)
    trained = straight_through(net, twin) if method == "ste" else net
    optimizer = torch.optim.Adam(parameter_groups(trained, 1e-2))
    before = [p.detach().clone() for g in optimizer.param_groups for p in g["params"]]
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(trained.train()(x), y).backward()
        optimizer.step()
        (clip_latents if method == "ste" else clip_logits)(trained)
    after = [p for g in optimizer.param_groups for p in g["params"]]
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    if method == "ste":
        discrete_from_straight_through(net, trained)
    reestimate_batchnorm(discretize(net), [x])
    for layer in (net[1], net[4], net[9], net[12]):
        assert set(layer.discrete_weight.unique().tolist()) <= set(layer.values)
    path = tmp_path / "net.pt"
    lrtc.save(net, path)
    want = net(x).detach().numpy()
    assert np.array_equal(lrtc.load(path)(x).detach().numpy(), want)
    chain = Chain(open_model(path))
    for engine in ("interp", "c"):
        assert np.array_equal(chain.run(engine, x.numpy()).logits, want), engine
    assert [str(n.type.elem) for n in open_model(path).graph.nodes if n.out.endswith("_w")] == ["i3", "i4", "i8", "u2"]


def test_a_distribution_is_saved_and_made_discrete_later(tmp_path):
    net = network().eval()
    lrtc.save(net, tmp_path / "random.pt")
    again = lrtc.load(tmp_path / "random.pt")
    assert torch.equal(again.get_submodule("1").theta, net[1].theta)
    x = torch.from_numpy(images(net, 6, 4))
    got = Chain(open_model(tmp_path / "random.pt")).run("interp", x.numpy()).logits
    assert np.array_equal(got, discretize(net)(x).detach().numpy())


def test_files_with_other_weights_are_refused(tmp_path):
    net = discretize(network())
    net[1].discrete_weight[0, 0, 0, 0] = 1
    net[4].discrete_weight[0, 0, 0, 0] = 3
    with pytest.raises(LrtcError, match=r"4 .*LRTConv2d.*they must be one of -4, -2, -1, 0, 1, 2, 4"):
        lrtc.save(net, tmp_path / "net.pt")


def test_checkpoints_have_no_such_logits():
    state = {"fc.alpha": torch.zeros(2, 3), "fc.betta": torch.zeros(2, 3)}
    with pytest.raises(LrtcError, match="weights='-2,0,2'; checkpoints have ternary or bipolar ones"):
        load_checkpoint(nn.Sequential(LRTLinear(3, 2, weights=(-2, 0, 2))), state)
