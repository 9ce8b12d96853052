"""Layers beside the ternary ones: signals, gains, three-valued and n-bit activations, integer weights, averages."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lrtc.nn import (
    Add,
    ExactAvgPool1d,
    ExactAvgPool2d,
    ExactMean,
    Gaussian,
    InputQuantize,
    LRTConv1d,
    LRTConv2d,
    LRTGain,
    LRTSign,
    LRTTernarySign,
    Moments,
    QuantActivation,
    QuantConv1d,
    QuantConv2d,
    QuantLinear,
    SumPool2d,
    TopClasses,
    discretize,
    float_twin,
    init_from_float,
    is_discrete,
)


def test_conv1d_is_conv2d_of_one_row():
    one = LRTConv1d(4, 6, 3, stride=2, padding=2, bias=True, groups=2, dilation=2)
    two = LRTConv2d(4, 6, (1, 3), (1, 2), (0, 2), bias=True, groups=2, dilation=(1, 2))
    with torch.no_grad():
        for name in ("alpha", "beta"):
            getattr(two, name).copy_(getattr(one, name)[:, :, None])
        nn.init.normal_(one.bias)
        two.bias.copy_(one.bias)
    x = torch.randn(3, 4, 11)
    g, h = one(x), two(x[:, :, None])
    torch.testing.assert_close(g.mean, h.mean[:, :, 0])
    torch.testing.assert_close(g.var, h.var[:, :, 0])
    discretize(one), discretize(two)
    q = torch.randint(-3, 4, x.shape).float()
    assert torch.equal(one(q), two(q[:, :, None])[:, :, 0])


@pytest.mark.parametrize("make", [LRTConv2d, QuantConv2d])
def test_four_sides_of_padding_and_groups(make):
    layer = discretize(make(4, 8, 3, stride=2, padding=(0, 1, 2, 0), groups=4, dilation=(1, 2)))
    x = torch.randint(0, 256, (2, 4, 7, 8)).float()
    wide = F.pad(x, (2, 0, 0, 1)).long()
    want = F.conv2d(wide, layer.discrete_weight.long(), None, 2, 0, (1, 2), 4).float()
    offset = getattr(layer, "offset", torch.zeros(8))
    assert torch.equal(layer(x), want + offset[:, None, None])
    assert make(1, 1, 1, padding=(1, 1, 2, 2)).padding == (1, 2)


def test_integer_conv1d_is_integer_conv2d_of_one_row():
    one = QuantConv1d(4, 6, 3, 2, 2, bits=5, groups=2, dilation=2)
    two = QuantConv2d(4, 6, (1, 3), (1, 2), (0, 2), 5, 2, (1, 2))
    with torch.no_grad():
        two.weight.copy_(one.weight[:, :, None])
        two.bias.copy_(nn.init.normal_(one.bias))
    q = torch.randint(-3, 4, (3, 4, 11)).float()
    torch.testing.assert_close(one(q), two(q[:, :, None])[:, :, 0])
    discretize(one), discretize(two)
    assert torch.equal(one(q), two(q[:, :, None])[:, :, 0])


@pytest.mark.parametrize("bits", range(2, 9))
def test_unsigned_weights_use_all_their_bits_and_cut_what_is_below_0(bits: int):
    layer = QuantLinear(50, 4, bits, signed=False)
    assert float(layer.weight.detach().min()) >= 0
    nn.init.normal_(layer.weight)
    cut = layer.weight.detach().clamp_min(0)
    x = torch.randint(-1, 2, (20, 50)).float()
    torch.testing.assert_close(layer(x), x @ cut.T)
    torch.testing.assert_close(layer.eval()(Moments(x, x.square() + 0.5)), x @ cut.T)
    discretize(layer)
    assert (int(layer.discrete_weight.min()), int(layer.discrete_weight.max())) == (0, 2**bits - 1)
    assert torch.equal(layer.discrete_weight, torch.round(cut.double() / (cut.max() / (2**bits - 1))).to(torch.uint8))
    assert torch.equal(layer(x), (x.long() @ layer.discrete_weight.long().T).float())


def test_geometry_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="groups=2 is not supported; it must divide 3 and 4 channels"):
        LRTConv2d(3, 4, 1, groups=2)
    with pytest.raises(ValueError, match=r"padding=\(1, 2, 3\) is not supported; give a number"):
        LRTConv2d(3, 4, 1, padding=(1, 2, 3))


def test_a_gain_is_the_same_for_a_gaussian_and_for_its_samples():
    gain = LRTGain(3)
    with torch.no_grad():
        gain.gain.copy_(torch.tensor([-2.0, 0.0, 0.5]))
        gain.bias.copy_(torch.tensor([1.0, -1.0, 0.0]))
    y = torch.randn(4, 3, 5)
    g = gain(Gaussian(y, torch.ones(1, 3, 5)))
    assert torch.equal(g.mean, gain(y))
    assert g.var[0, :, 0].tolist() == [4.0, 0.0, 0.25]
    assert torch.equal(gain(y), y * torch.tensor([2.0, 0.0, 0.5])[:, None] + gain.bias[:, None])


@pytest.mark.parametrize("width", [0.3, 1.0, 4.0])
def test_ternary_signs_have_the_probabilities_of_the_gaussian(width: float):
    g = Gaussian(torch.tensor([[-3.0, -0.5, 0.0, 0.2, 40.0, -90.0]]), torch.tensor([[1.0, 4.0, 0.01, 1.0, 1.0, 2.0]]))
    draws = LRTTernarySign(width)(Gaussian(g.mean.expand(40_000, -1), g.var))
    assert set(draws.unique().tolist()) <= {-1.0, 0.0, 1.0}
    normal = torch.distributions.Normal(g.mean[0].double(), (g.var[0] + 1e-3).sqrt().double())
    down, up = normal.cdf(torch.tensor(-width)), 1 - normal.cdf(torch.tensor(width))
    for value, p in ((-1, down), (1, up), (0, 1 - down - up)):
        torch.testing.assert_close((draws == value).double().mean(0), p, atol=0.012, rtol=0)
    moments = LRTTernarySign(width, mode="moment")(g)
    assert isinstance(moments, Moments)
    torch.testing.assert_close(moments.mean[0].double(), up - down, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(moments.second[0].double(), up + down, atol=1e-5, rtol=1e-5)


def test_ternary_signs_keep_gradients_finite_far_away():
    mean = torch.tensor([-1e3, -50.0, 0.0, 50.0, 1e3], requires_grad=True)
    var = torch.tensor([1e-6, 1.0, 0.0, 1.0, 1e-6], requires_grad=True)
    LRTTernarySign(0.5)(Gaussian(mean, var)).sum().backward()
    assert bool(torch.isfinite(mean.grad).all())
    assert bool(torch.isfinite(var.grad).all())


def test_ternary_signs_carry_the_gradient_of_soft_ones():
    grads, values = [], []
    for hard in (True, False):
        torch.manual_seed(1)
        mean = torch.linspace(-2, 2, 9, requires_grad=True)
        h = LRTTernarySign(0.5, 0.7, hard=hard)(Gaussian(mean, torch.ones(9)))
        h.sum().backward()
        grads.append(mean.grad)
        values.append(h.detach())
    assert torch.equal(*grads)
    assert bool((grads[0] > 0).all())
    assert set(values[0].tolist()) <= {-1.0, 0.0, 1.0}
    assert bool(((values[0] - values[1]).abs() < 1).all()), "the likeliest of three shares is the hard one"


def test_ternary_signs_of_numbers():
    act = LRTTernarySign(0.5).eval()
    x = torch.tensor([-0.6, -0.5, -0.49, 0.0, 0.49, 0.5, 7.0])
    assert act(x).tolist() == [-1, -1, 0, 0, 0, 1, 1]
    x.requires_grad_()
    act.train()(x).sum().backward()
    assert x.grad.tolist() == [1, 1, 1, 1, 1, 1, 0]
    with pytest.raises(ValueError, match="width=0 is not supported; it must be above 0"):
        LRTTernarySign(0)


@pytest.mark.parametrize(("signed", "want"), [(False, [0, 0, 0, 2, 3, 3]), (True, [-2, -2, 0, 1, 1, 1])])
def test_codes_are_integers_and_pass_gradients_inside_their_range(signed: bool, want: list):
    act = QuantActivation(2, signed, scale=0.5)
    x = torch.tensor([-9.0, -1.2, 0.25, 0.75, 1.4, 9.0], requires_grad=True)
    y = act.train()(x)
    assert y.tolist() == want  # 0.5 and 1.5 are rounded to even
    y.sum().backward()
    inside = [(act.low <= v / 0.5 <= act.high) for v in x.tolist()]
    assert x.grad.tolist() == [2.0 if i else 0.0 for i in inside]
    assert act.eval()(x).tolist() == want
    assert bool((act(Gaussian(torch.zeros(50), torch.ones(50))) % 1 == 0).all())


@pytest.mark.parametrize("wrong", [{"bits": 1}, {"bits": 9}, {"scale": 0.0}])
def test_codes_that_cannot_be_are_refused(wrong: dict):
    with pytest.raises(ValueError, match="is not supported"):
        QuantActivation(**wrong)


def test_integer_weights_round_on_one_step_and_moments_go_through():
    layer = QuantConv2d(2, 3, 2, bits=3)
    with torch.no_grad():
        nn.init.normal_(layer.bias)
    assert not is_discrete(layer)
    h = torch.rand(2, 2, 4, 4) * 2 - 1
    g = layer(Moments(h, torch.ones_like(h)))
    torch.testing.assert_close(g.mean, layer(h))
    assert bool((g.var >= 0).all())
    step = float(layer.weight.detach().abs().max()) / 3
    discretize(layer)
    assert torch.equal(layer.discrete_weight.float(), torch.round(layer.weight.double() / step).float())
    assert layer.discrete_weight.abs().max() == 3


def test_a_shortcut_adds_to_a_distribution():
    conv, x = LRTConv2d(2, 2, 3, padding=1), torch.where(torch.randn(2, 2, 4, 4) >= 0, 1.0, -1.0)
    y = conv(x)
    for total in (y + x, x + y, Add()(y, x), Add()(x, y)):
        assert torch.equal(total.mean, y.mean + x)
        assert torch.equal(total.var, y.var)
    both = y + y
    assert torch.equal(both.var, y.var + y.var)
    assert LRTSign()(both).shape == x.shape


def test_averages_are_those_of_torch():
    x = torch.randint(-1000, 1000, (2, 3, 7, 9)).float()
    assert torch.equal(ExactAvgPool2d((3, 2), 2, (1, 1))(x), F.avg_pool2d(x, (3, 2), 2, (1, 1)))
    assert torch.equal(ExactAvgPool1d(3, 2, 1)(x[:, :, 0]), F.avg_pool1d(x[:, :, 0], 3, 2, 1))
    assert torch.equal(ExactMean()(x), x.mean((2, 3)))
    assert torch.equal(ExactMean(1, keepdim=True)(x[:, :, 0]), x[:, :, 0].mean(2, keepdim=True))
    assert torch.equal(SumPool2d(3, 1)(x), F.conv2d(x, torch.ones(3, 1, 3, 3), groups=3))
    g = ExactAvgPool2d(2)(Gaussian(x, x.abs()))
    torch.testing.assert_close(g.var, F.avg_pool2d(x.abs(), 2) / 4)


def test_the_lowest_index_wins_among_equal_scores():
    assert TopClasses(3)(torch.tensor([[1.0, 5.0, 5.0, 2.0, 5.0]])).tolist() == [[1, 2, 4]]


def test_a_zero_point_is_taken_off_and_one_row_may_be_a_signal():
    layer = InputQuantize((2, 3), scale=0.5, zero_point=10)
    x = torch.arange(12, dtype=torch.uint8).reshape(2, 2, 3)
    assert torch.equal(layer(x), x.float() - 10)
    assert torch.equal(layer(x[:, :, None]), x.float() - 10)
    real = torch.tensor([[[-9.0, -5.0, -0.75], [-0.25, 0.0, 0.25]]])
    assert layer(real).tolist() == [[[-10, -10, -2], [0, 0, 0]]]  # half to even, then the zero point
    assert InputQuantize((2, 1, 3))(x).shape == (2, 2, 1, 3)
    with pytest.raises(ValueError, match=r"input \(2, 3, 2\) does not fit; expected \(N, 2, 3\)"):
        layer(x.transpose(1, 2))
    with pytest.raises(ValueError, match="zero_point=256"):
        InputQuantize((2, 3), zero_point=256)


def test_the_float_twin_has_the_same_geometry():
    model = nn.Sequential(
        InputQuantize((2, 9, 9)),
        QuantConv2d(2, 4, 3, padding=(1, 0, 2, 1)),
        LRTTernarySign(),
        LRTConv2d(4, 4, 3, groups=4, dilation=2, padding=1),
        LRTGain(4),
        QuantActivation(2),
    )
    twin = float_twin(model)
    x = torch.randint(0, 256, (2, 2, 9, 9), dtype=torch.uint8)
    assert twin(x).shape == discretize(init_from_float(model, twin))(x).shape
    assert torch.equal(model[1].weight, twin[1].weight)
    assert isinstance(float_twin(LRTConv1d(2, 2, 3)), nn.Conv1d)
