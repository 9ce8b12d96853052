"""Signs of numbers and of Gaussians."""

import copy
import math

import pytest
import torch

from lrtc.nn import Gaussian, LRTSign, LRTTernarySign, Moments
from lrtc.nn.distribution import VARIANCE_EPS, sample_sign

Z = torch.tensor([-3.0, -1.0, -0.2, 0.0, 0.4, 1.5, 2.5])
PHI = torch.special.ndtr(Z)


def _gaussian(rows):
    var = torch.full_like(Z, 4.0)
    return Gaussian((Z * (var + VARIANCE_EPS).sqrt()).expand(rows, -1), var.expand(rows, -1))


@pytest.mark.parametrize(("temperature", "window"), [(0.3, 0.0), (1.0, 0.0), (1.0, 0.7)])
def test_samples_are_plus_one_as_often_as_the_normal_is_positive(temperature, window):
    sign = LRTSign(temperature)
    sign.window = window
    h = sign(_gaussian(60_000))
    assert set(h.unique().tolist()) == {-1.0, 1.0}
    torch.testing.assert_close((h > 0).float().mean(0), PHI, atol=0.01, rtol=0)


def test_moments_are_those_of_the_samples():
    h = LRTSign(mode="moment")(_gaussian(1))
    assert isinstance(h, Moments)
    torch.testing.assert_close(h.mean[0], 2 * PHI - 1)
    assert (h.second == 1).all()
    assert torch.nn.Flatten()(Moments(torch.zeros(2, 3, 4), torch.ones(2, 3, 4))).second.shape == (2, 12)


def test_soft_samples_have_the_gradient_of_the_formula():
    m = torch.linspace(-6, 6, 13, dtype=torch.float64).requires_grad_()
    v = torch.linspace(0.1, 3, 13, dtype=torch.float64).requires_grad_()

    def soft(mean, var):
        torch.manual_seed(5)
        return sample_sign(Gaussian(mean, var), 0.7, hard=False)

    def plain(mean, var):
        torch.manual_seed(5)
        z = mean / torch.sqrt(var + VARIANCE_EPS)
        odds = torch.special.log_ndtr(z) - torch.special.log_ndtr(-z)
        return torch.tanh((odds + torch.logit(torch.rand_like(z))) / 1.4)

    torch.testing.assert_close(soft(m, v), plain(m, v))
    assert torch.autograd.gradcheck(soft, (m, v))


def test_hard_samples_carry_the_gradient_of_soft_ones():
    grads, values = [], []
    for hard in (True, False):
        torch.manual_seed(1)
        m = torch.linspace(-2, 2, 9, requires_grad=True)
        h = LRTSign(hard=hard)(Gaussian(m, torch.ones(9)))
        h.sum().backward()
        grads.append(m.grad)
        values.append(h.detach())
    assert torch.equal(grads[0], grads[1])
    assert torch.equal(values[0], values[1].sign())


@pytest.mark.parametrize("layer", [LRTSign(), LRTTernarySign(0.5)], ids=["two", "three"])
@pytest.mark.parametrize("rows", [6, 1], ids=["own variances", "a shared variance"])
def test_a_window_gives_samples_the_gradient_of_a_blurred_mean(layer, rows):
    layer.window = 0.8
    wide = copy.deepcopy(layer)
    wide.mode = "moment"
    m = torch.linspace(-3, 3, 60, dtype=torch.float64).reshape(6, 10).requires_grad_()
    v = torch.linspace(0, 2, 10 * rows, dtype=torch.float64).reshape(rows, 10).requires_grad_()
    weight = torch.linspace(-1, 2, 60, dtype=torch.float64).reshape(6, 10)
    sampled = torch.autograd.grad((layer(Gaussian(m, v)) * weight).sum(), (m, v))
    blurred = torch.autograd.grad((wide(Gaussian(m, v + 0.8**2)).mean * weight).sum(), (m, v))
    for got, want in zip(sampled, blurred, strict=True):
        torch.testing.assert_close(got, want)
    x = torch.linspace(-3, 3, 10, dtype=torch.float64).requires_grad_()
    of_number = torch.autograd.grad(layer.train()(x).sum(), x)[0]
    floor = 0.0 if isinstance(layer, LRTSign) else VARIANCE_EPS
    wide.variance_floor = 1e-12
    of_mean = torch.autograd.grad(wide(Gaussian(x, torch.full_like(x, 0.8**2 + floor))).mean.sum(), x)[0]
    torch.testing.assert_close(of_number, of_mean)


def test_samples_of_three_values_with_a_window_are_as_frequent_as_without():
    layer, g = LRTTernarySign(0.5), _gaussian(60_000)
    plain = layer(g)
    layer.window = 0.7
    h = layer(g)
    for value in (-1, 0, 1):
        torch.testing.assert_close((h == value).float().mean(0), (plain == value).float().mean(0), atol=0.01, rtol=0)


@pytest.mark.parametrize("z", [1e3, -1e3, 1e6, -1e6, 0.0])
def test_saturated_signs_are_certain_and_have_finite_gradients(z):
    m = torch.full((100,), z, requires_grad=True)
    v = torch.zeros(100, requires_grad=True)
    h = LRTSign()(Gaussian(m, v))
    h.sum().backward()
    assert torch.isfinite(m.grad).all()
    assert torch.isfinite(v.grad).all()
    if z:
        assert (h.detach() == (1.0 if z > 0 else -1.0)).all()


def test_gradients_are_finite_over_the_whole_range():
    z = torch.logspace(-6, 18, 2000)
    m = torch.cat([-z, z]).requires_grad_()
    h = sample_sign(Gaussian(m, torch.ones_like(m)), 1.0, hard=True)
    h.sum().backward()
    assert torch.isfinite(m.grad).all()
    assert (m.grad >= 0).all()


def test_a_variance_below_zero_by_rounding_counts_as_zero():
    assert torch.isfinite(LRTSign(mode="moment")(Gaussian(torch.ones(1, 1), torch.full((1, 1), -1e-2))).mean).all()


@pytest.mark.parametrize("layer", [LRTSign(mode="moment"), LRTTernarySign(0.5, mode="moment")], ids=["two", "three"])
def test_the_floor_of_the_variance_is_an_option_of_the_layer(layer):
    g = Gaussian(torch.tensor([[0.3, -1.0]]), torch.tensor([[0.1, 0.0]]))
    layer.variance_floor = 0.5
    wide = layer(Gaussian(g.mean, g.var + 0.5 - VARIANCE_EPS))
    got = layer(g)
    del layer.variance_floor  # what the class has
    torch.testing.assert_close(got.mean, layer(Gaussian(g.mean, g.var + 0.5 - VARIANCE_EPS)).mean)
    assert not torch.allclose(wide.mean, got.mean)


def test_a_wide_floor_makes_signs_more_random():
    g, sign = Gaussian(torch.ones(20_000, 1), torch.zeros(1, 1)), LRTSign()
    assert float(sign(g).mean()) == 1.0
    sign.variance_floor = 1.0
    assert float(sign(g).mean()) == pytest.approx(math.erf(math.sqrt(0.5)), abs=0.02)


def test_sign_of_zero_is_plus_one_and_the_gradient_passes_inside_one():
    x = torch.tensor([-2.0, -0.5, -0.0, 0.0, 0.5, 2.0], requires_grad=True)
    h = LRTSign().train()(x)
    assert h.tolist() == [-1, -1, 1, 1, 1, 1]
    h.sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 1, 0]
    assert LRTSign().eval()(x).tolist() == h.tolist()


def test_unknown_options_are_refused():
    with pytest.raises(ValueError, match="mode='mean' is not known; known: gumbel, moment"):
        LRTSign(mode="mean")
    with pytest.raises(ValueError, match="temperature=0"):
        LRTSign(temperature=0)
