"""The functions that training spends its time in, against the same formulas written plainly."""

import pytest
import torch

from lrtc.nn import ExactAvgPool2d, Gaussian, LRTBatchNorm, LRTConv1d, LRTConv2d, LRTLinear, LRTTernarySign
from lrtc.nn import sampling as S
from lrtc.nn.distribution import sample_normal, sample_sign
from lrtc.nn.noise import noise_from, uniform_like


def test_parts_of_a_batch_draw_what_processes_of_their_own_would():
    x = torch.zeros(6, 3)
    with noise_from([11, 12]) as streams:
        whole = [uniform_like(x), sample_normal(Gaussian(x, x + 1)), sample_sign(Gaussian(x, x + 1), 1.0, hard=True)]
        whole.append(LRTTernarySign()(Gaussian(x, x + 1)))
        augmented = [torch.rand(2, generator=s) for s in streams]
    for k, seed in enumerate((11, 12)):
        mine = slice(3 * k, 3 * k + 3)
        with noise_from([seed]) as streams:
            x = torch.zeros(3, 3)
            assert torch.equal(uniform_like(x), whole[0][mine])
            assert torch.equal(sample_normal(Gaussian(x, x + 1)), whole[1][mine])
            assert torch.equal(sample_sign(Gaussian(x, x + 1), 1.0, hard=True), whole[2][mine])
            assert torch.equal(LRTTernarySign()(Gaussian(x, x + 1)), whole[3][mine])
            assert torch.equal(torch.rand(2, generator=streams[0]), augmented[k])
    before = torch.random.get_rng_state()
    with noise_from([1]):
        uniform_like(x)
    assert torch.equal(before, torch.random.get_rng_state())
    uniform_like(x)
    assert not torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("hard", [True, False])
def test_at_temperature_one_the_short_formula_is_the_general_one(hard):
    z = torch.cat([torch.linspace(-7, 7, 4001), torch.tensor([0.0, -0.0])]).double()
    u = torch.rand_like(z).clamp(1e-12, 1 - 1e-12)
    h, slope, want_h, want_slope = (torch.empty_like(z) for _ in range(4))
    S._sample(z.clone(), u.clone(), hard, h, slope)
    S._sample_at(z.clone(), u.clone(), 1.0, hard, want_h, want_slope)
    torch.testing.assert_close(h, want_h)
    torch.testing.assert_close(slope, want_slope, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("var_shape", [(40, 3, 5, 5), (1, 3, 5, 5), (1, 3, 1, 1)])
def test_slices_and_shared_variances_have_the_gradient_of_the_whole(var_shape, monkeypatch):
    mean, var = torch.randn(40, 3, 5, 5).double(), torch.rand(var_shape).double()
    weight = torch.randn_like(mean)

    def gradients(elements, v):
        monkeypatch.setattr(S, "SLICE", elements)
        m, v = mean.clone().requires_grad_(), v.clone().requires_grad_()
        with noise_from([3]):
            h = sample_sign(Gaussian(m, v), 1.0, hard=False)
        (h * weight).sum().backward()
        return h, m.grad, v.grad

    whole, sliced = gradients(1 << 30, var), gradients(200, var)
    for a, b in zip(whole, sliced, strict=True):
        torch.testing.assert_close(a, b)
    full = gradients(1 << 30, var.expand_as(mean).contiguous())
    torch.testing.assert_close(full[1], whole[1])
    axes = [k for k in range(4) if var_shape[k] == 1]
    torch.testing.assert_close(full[2].sum(axes, keepdim=True) if axes else full[2], whole[2])
    m, v = (t.clone().requires_grad_() for t in (mean[:2, :, :2, :2], var[:2, :, :2, :2]))
    assert torch.autograd.gradcheck(lambda *g: _seeded_soft(Gaussian(*g)), (m, v))


def _seeded_soft(g):
    with noise_from([9]):
        return sample_sign(g, 1.0, hard=False)


@pytest.mark.parametrize("shape", [(12, 3), (7, 3, 4), (5, 3, 4, 6)])
def test_normalising_is_the_plain_formula(shape, monkeypatch):
    monkeypatch.setattr(S, "SLICE", 50)
    x, g = torch.randn(shape).double() * 3 + 5, torch.tensor([1.5, -0.5, 2.0]).double()
    spread, b = torch.rand(3).double(), torch.randn(3).double()

    def plain(x, spread, gamma, bias):
        axes = (0, *range(2, x.dim()))
        var, mean = torch.var_mean(x, axes, correction=0)
        scale = gamma.abs() / torch.sqrt(var + spread + 1e-3)
        return (x - S.channels(mean, x)) * S.channels(scale, x) + S.channels(bias, x), scale

    inputs = [t.requires_grad_() for t in (x, spread, g, b)]
    got = S.Normalize.apply(*inputs, 1e-3)[:2]
    want = plain(*inputs)
    torch.testing.assert_close(got, want)
    seeds = [torch.randn_like(t) for t in want]
    for a, b in zip(torch.autograd.grad(got, inputs, seeds), torch.autograd.grad(want, inputs, seeds), strict=True):
        torch.testing.assert_close(a, b)


def test_normalising_a_constant_far_from_zero_keeps_its_variance():
    x = 1e5 + torch.randn(64, 1, 8, 8)
    norm = LRTBatchNorm(1, momentum=1.0)
    norm(x)
    torch.testing.assert_close(norm.running_var, x.double().var(correction=0).float()[None], rtol=1e-2, atol=0)


@pytest.mark.parametrize(
    ("layer", "shape", "want"),
    [
        (LRTConv2d(3, 4, 3, groups=1), (2, 3, 5, 6), (1, 4, 1, 1)),
        (LRTConv2d(4, 4, 3, groups=2), (2, 4, 5, 6), (1, 4, 1, 1)),
        (LRTConv2d(3, 4, 3, padding=(1, 0)), (2, 3, 5, 6), (1, 4, 5, 4)),
        (LRTConv1d(3, 4, 3), (2, 3, 7), (1, 4, 1)),
        (LRTConv1d(3, 4, 3, padding=1), (2, 3, 7), (1, 4, 7)),
        (LRTLinear(3, 4), (2, 3), (1, 4)),
    ],
)
def test_signs_without_padding_have_one_variance_per_channel(layer, shape, want):
    x = torch.where(torch.randn(shape) >= 0, 1.0, -1.0)
    g = layer(x)
    assert g.var.shape == want
    general = layer(torch.cat([x, x * 2]))  # not all are signs: a variance for every output
    torch.testing.assert_close(g.var.expand_as(g.mean), general.var[: len(x)])


def test_the_average_of_one_variance_per_channel():
    g = Gaussian(torch.randn(2, 3, 4, 4), torch.rand(1, 3, 1, 1))
    want = ExactAvgPool2d(2)(Gaussian(g.mean, g.var.expand(1, 3, 4, 4).contiguous()))
    torch.testing.assert_close(ExactAvgPool2d(2)(g).var, want.var)
