"""The central limit theorem's mean and variance against drawn weights; exact integers once weights are fixed."""

import pytest
import torch

from lrtc.nn import Gaussian, InputQuantize, LRTConv2d, LRTLinear, Moments
from lrtc.nn import weights as W

DRAWS = 4000


def _conv(kind, **kw):
    layer = LRTConv2d(3, 4, 3, weights=kind, **kw)
    torch.nn.init.normal_(layer.beta)
    if kind == "ternary":
        torch.nn.init.normal_(layer.alpha)
    return layer.double()


def _drawn(layer, x, draws=DRAWS):
    """Return the layer's outputs for so many independent weight draws, and x itself for each: [draws, …]."""
    gen = torch.Generator().manual_seed(7)
    outs = []
    for _ in range(draws):
        weight = W.draw(layer.alpha, layer.beta, gen).double()
        outs.append(layer._map(x, weight))
    return torch.stack(outs)


def _assert_moments(g, samples):
    n = len(samples)
    std = samples.std(0)
    assert (samples.mean(0) - g.mean).abs().le(5.5 * std / n**0.5 + 1e-9).all()
    var = g.var.expand_as(g.mean)
    assert (samples.var(0) - var).abs().le(0.12 * var + 1e-9).all()


@pytest.mark.parametrize("kind", ["ternary", "bipolar"])
@pytest.mark.parametrize("inputs", ["real", "signs"])
@pytest.mark.parametrize("geometry", [{"padding": 0}, {"padding": 1}, {"padding": (0, 2), "stride": (2, 1)}])
def test_conv_mean_and_variance_are_those_of_drawn_weights(kind, inputs, geometry):
    layer = _conv(kind, **geometry)
    x = torch.randn(2, 3, 5, 6).double()
    x = x if inputs == "real" else torch.where(x >= 0, 1.0, -1.0).double()
    with torch.no_grad():
        _assert_moments(layer(x), _drawn(layer, x))


@pytest.mark.parametrize("kind", ["ternary", "bipolar"])
@pytest.mark.parametrize("inputs", ["real", "signs"])
def test_linear_mean_and_variance_are_those_of_drawn_weights(kind, inputs):
    layer = LRTLinear(31, 5, weights=kind).double()
    x = torch.randn(3, 31).double()
    x = x if inputs == "real" else torch.where(x >= 0, 1.0, -1.0).double()
    with torch.no_grad():
        _assert_moments(layer(x), _drawn(layer, x))


@pytest.mark.parametrize("kind", ["ternary", "bipolar"])
def test_variance_of_signs_is_that_of_the_general_formula(kind):
    layer = _conv(kind, padding=1)
    x = torch.where(torch.randn(3, 3, 6, 6) >= 0, 1.0, -1.0).double()
    g = layer(x)
    mean, second = W.moments(layer.alpha, layer.beta)
    want = torch.nn.functional.conv2d(x * x, second - mean**2, padding=1)
    assert g.var.shape[0] == 1
    torch.testing.assert_close(g.var.expand_as(want), want)
    inner = g.var[0, :, 1:-1, 1:-1]
    torch.testing.assert_close(inner, inner[:, :1, :1].expand_as(inner))  # one number per channel without borders
    assert (g.var[0, :, 0, 0] < inner[:, 0, 0]).all()  # a padded tap adds nothing


def test_one_value_that_is_no_sign_takes_the_general_formula():
    layer = LRTLinear(4, 2).double()
    x = torch.ones(2, 4).double()
    x[1, 2] = 0.0
    assert layer(x).var.shape == (2, 2)


@pytest.mark.parametrize("kind", ["ternary", "bipolar"])
def test_moment_inputs_against_sampled_activations_and_weights(kind):
    layer = _conv(kind, padding=1)
    mean = torch.rand(1, 3, 4, 4).double() * 2 - 1
    gen = torch.Generator().manual_seed(3)
    outs = []
    with torch.no_grad():
        for _ in range(DRAWS):
            h = torch.where(torch.rand(mean.shape, generator=gen) < (1 + mean) / 2, 1.0, -1.0).double()
            outs.append(layer._map(h, W.draw(layer.alpha, layer.beta, gen).double()))
        _assert_moments(layer(Moments(mean, torch.ones_like(mean))), torch.stack(outs))


@pytest.mark.parametrize("kind", ["ternary", "bipolar"])
@pytest.mark.parametrize("make", [lambda k: LRTLinear(6, 3, bias=True, weights=k), lambda k: _conv(k, bias=True)])
def test_gradients_are_those_of_finite_differences(kind, make):
    layer = make(kind).double()
    shape = (2, 6) if isinstance(layer, LRTLinear) else (2, 3, 4, 4)
    x = torch.randn(shape).double().requires_grad_()
    signs = torch.where(x.detach() >= 0, 1.0, -1.0).double()
    params = [p for p in (layer.alpha, layer.beta, layer.bias) if p is not None]
    assert torch.autograd.gradcheck(lambda v, *_: tuple(layer(v)), (x, *params))
    assert torch.autograd.gradcheck(lambda *_: tuple(layer(signs)), tuple(params))


@pytest.mark.parametrize("kind", ["ternary", "bipolar"])
def test_discrete_accumulators_are_exact_integers(kind):
    layer = LRTConv2d(8, 5, 3, padding=1, bias=True, weights=kind)
    torch.nn.init.normal_(layer.bias)
    layer.discretize_()
    x = torch.randint(0, 256, (4, 8, 9, 9)).float()
    got = layer(x)
    acc = torch.nn.functional.conv2d(x.long(), layer.discrete_weight.long(), padding=1)
    assert torch.equal(got, acc.float() + layer.bias.detach()[:, None, None])  # the bias is one rounding, afterwards
    assert set(layer.discrete_weight.unique().tolist()) <= ({-1, 0, 1} if kind == "ternary" else {-1, 1})


def test_discrete_linear_is_a_plain_tensor_with_exact_integers():
    layer = LRTLinear(1000, 7)
    layer.discretize_()
    x = torch.where(torch.randn(5, 1000) >= 0, 1.0, -1.0)
    assert torch.equal(layer(x), (x.long() @ layer.discrete_weight.long().T).float())


def test_a_random_layer_gives_a_gaussian_and_shapes_follow_the_geometry():
    g = LRTConv2d(1, 2, (3, 2), stride=(2, 1), padding=(1, 0))(torch.rand(3, 1, 7, 8))
    assert isinstance(g, Gaussian)
    assert g.mean.shape == (3, 2, 4, 7)
    assert (g.var >= 0).all()


def test_unknown_weights_are_refused():
    with pytest.raises(ValueError, match="weights='binary' is not known; known: ternary, bipolar"):
        LRTLinear(2, 2, weights="binary")


def test_input_keeps_bytes_and_rounds_floats_half_to_even():
    layer = InputQuantize((3,), scale=0.5)
    assert torch.equal(layer(torch.tensor([[0, 7, 255]], dtype=torch.uint8)), torch.tensor([[0.0, 7.0, 255.0]]))
    x = torch.tensor([[0.25, 0.75, 1.25], [-3.0, 500.0, 1.3]])
    assert torch.equal(layer(x), torch.tensor([[0.0, 2.0, 2.0], [0.0, 255.0, 3.0]]))


def test_input_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"input \(2, 4\) does not fit; expected \(N, 3\)"):
        InputQuantize((3,))(torch.zeros(2, 4))
    with pytest.raises(ValueError, match="scale=0"):
        InputQuantize((3,), scale=0)


@pytest.mark.parametrize("kind", ["ternary", "bipolar", (-2, -1, 0, 1, 2)])
def test_a_settled_layer_says_what_the_fixed_one_will_and_learns_by_the_mean(kind):
    layer = LRTConv2d(3, 4, 3, padding=1, bias=True, weights=kind)
    for p in layer.parameters():
        torch.nn.init.normal_(p)
    x = torch.randint(0, 256, (2, 3, 5, 5)).float().requires_grad_()
    outward = torch.randn(2, 4, 5, 5)
    mean = layer(x).mean
    want = torch.autograd.grad((mean * outward).sum(), layer.logits())
    layer.settled = True
    said = layer(x)
    grads = torch.autograd.grad((said * outward).sum(), [*layer.logits(), x])
    for have, of_mean in zip(grads, want, strict=False):
        torch.testing.assert_close(have, of_mean)
    layer.discretize_()
    assert torch.equal(said, layer(x))
    torch.testing.assert_close(grads[-1], torch.autograd.grad((layer(x) * outward).sum(), x)[0])
