"""Torch's pools, sums, concatenations and moves of distributions against samples of them; what is refused, by name."""

import pytest
import torch
import torch.nn.functional as F
from engines import check
from networks import images
from torch import nn

from lrtc.nn import (
    Add,
    ChannelChunk,
    ChannelSlice,
    Concat,
    ExactAvgPool1d,
    ExactAvgPool2d,
    ExactMean,
    Gaussian,
    InputQuantize,
    LRTBatchNorm,
    LRTConv2d,
    LRTGain,
    LRTLinear,
    LRTReLU,
    LRTScale,
    LRTSign,
    LRTTernarySign,
    Maximum,
    Minimum,
    Moments,
    Permute,
    QuantActivation,
    QuantConv2d,
    QuantLinear,
    Reshape,
    SpaceSlice,
    SumPool2d,
    Transpose,
    discretize,
    reestimate_batchnorm,
)

N = 40_000
IMAGE = (2, 5, 6)
AVERAGES = [
    nn.AvgPool2d(2), nn.AvgPool2d(3, 2, 1), nn.AvgPool2d((1, 3), (2, 1), (0, 1), count_include_pad=False),
    nn.AvgPool2d(2, ceil_mode=True), nn.AdaptiveAvgPool2d(1), ExactAvgPool2d(3, 2, 1), ExactMean(2), SumPool2d(2),
]  # fmt: skip
SIGNAL_AVERAGES = [nn.AvgPool1d(2), ExactAvgPool1d(3, 2, 1), nn.AdaptiveAvgPool1d(1), ExactMean(1, keepdim=True)]


def gaussian(shape, shared=False):
    """Return a random Gaussian [1, …] and N samples of it."""
    mean = torch.randn(1, *shape)
    var = torch.rand((1, shape[0], *[1] * (len(shape) - 1)) if shared else (1, *shape)) + 0.1
    return Gaussian(mean, var), mean + var.sqrt() * torch.randn(N, *shape)


def signs(shape):
    """Return random Moments of ±1 [1, …] and N samples of them."""
    mean = torch.rand(1, *shape) * 1.6 - 0.8
    return Moments(mean, torch.ones_like(mean)), torch.where(torch.rand(N, *shape) < (1 + mean) / 2, 1.0, -1.0)


def same(got, drawn):
    """Hold mean and variance of a distribution [1, …] against samples [N, …]."""
    std = drawn.std(0)
    assert (drawn.mean(0) - got.mean[0]).abs().le(5.5 * std / N**0.5 + 1e-6).all()
    torch.testing.assert_close(got.var.expand_as(got.mean)[0], drawn.var(0), atol=1e-6, rtol=0.06)


@pytest.mark.parametrize("pool", AVERAGES, ids=str)
@pytest.mark.parametrize("kind", ["Gaussian", "shared", "Moments"])
def test_averages_of_images(pool, kind):
    x, drawn = signs(IMAGE) if kind == "Moments" else gaussian(IMAGE, kind == "shared")
    got = pool(x)
    assert type(got) is type(x)
    same(got, pool(drawn))
    assert torch.equal(pool(drawn[:2]), pool.eval()(drawn[:2])), "sampled signs are a tensor, as they are compiled"


@pytest.mark.parametrize("pool", SIGNAL_AVERAGES, ids=str)
@pytest.mark.parametrize("kind", ["Gaussian", "Moments"])
def test_averages_of_signals(pool, kind):
    x, drawn = signs((3, 8)) if kind == "Moments" else gaussian((3, 8))
    same(pool(x), pool(drawn))


def test_a_mean_by_torch_and_its_gradient():
    x, drawn = gaussian(IMAGE)
    same(torch.mean(x, (2, 3)), drawn.mean((2, 3)))
    mean, var = (t.double().requires_grad_() for t in x)
    assert torch.autograd.gradcheck(lambda m, v: tuple(F.avg_pool2d(Gaussian(m, v), 2)), (mean, var))


def test_sums_of_distributions_and_numbers():
    (g, a), (h, b), (s, c), (t, d) = gaussian(IMAGE), gaussian(IMAGE, True), signs(IMAGE), signs(IMAGE)
    given = torch.randn(1, *IMAGE)
    for got, drawn, kind in (
        (g + h, a + b, Gaussian), (s + g, a + c, Gaussian), (Add()(g, s), a + c, Gaussian), (s + t, c + d, Moments),
        (given + g, a + given, Gaussian), (torch.add(s, given), c + given, Moments), (g + given, a + given, Gaussian),
    ):  # fmt: skip
        assert type(got) is kind
        same(got, drawn)


def test_maxima_of_distributions_and_numbers():
    (s, c), (t, d) = signs(IMAGE), signs(IMAGE)
    given = torch.randn(1, *IMAGE)
    for got, drawn, kind in (
        (torch.maximum(s, t), torch.maximum(c, d), Moments), (Minimum()(s, t), torch.minimum(c, d), Moments),
        (torch.max(s, given), torch.maximum(c, given), Moments),
        (Minimum()(given, t), torch.minimum(given, d), Moments),
    ):  # fmt: skip
        assert type(got) is kind
        same(got, drawn)
    (g, a), (h, b) = gaussian(IMAGE), gaussian(IMAGE, True)
    near = g.mean + torch.randn(1, *IMAGE) / 4
    for got, drawn in ((Maximum()(g, h), torch.maximum(a, b)), (torch.min(g, near), torch.minimum(a, near))):
        assert type(got) is Gaussian
        same(got, drawn)
    for one in (lambda: torch.max(g), lambda: torch.min(g, 1), lambda: torch.max(s, dim=1)):
        with pytest.raises(TypeError, match="max"):
            one()


def test_concatenations():
    (g, a), (h, b), (s, c) = gaussian(IMAGE), gaussian(IMAGE, True), signs(IMAGE)
    given = torch.randn(1, *IMAGE)
    wide = given.expand(N, *IMAGE)
    same(torch.cat([g, h], 1), torch.cat([a, b], 1))
    same(Concat()(given, g, s), torch.cat([wide, a, c], 1))
    both = torch.cat((s, given), dim=1)
    assert type(both) is Moments
    same(both, torch.cat([c, wide], 1))


MOVES = [
    nn.Flatten(), ChannelSlice(1, 2), SpaceSlice((1,), (4,), (2,)), Permute((0, 2, 3, 1)), Transpose(1, 2),
    Reshape((5, 12)), ChannelChunk(2, 1), nn.ChannelShuffle(2), nn.ZeroPad2d(1), nn.ConstantPad2d((1, 0, 2, 0), -1.0),
]  # fmt: skip


@pytest.mark.parametrize("move", MOVES, ids=str)
@pytest.mark.parametrize("kind", ["shared", "Moments"])
def test_moves_are_those_of_a_tensor(move, kind):
    x, drawn = signs(IMAGE) if kind == "Moments" else gaussian(IMAGE, True)
    got, want = move(x), move(drawn)
    assert got.shape[1:] == want.shape[1:]
    assert got.size(0) == 1
    same(got, want)


def test_layers_take_what_sums_and_averages_give():
    s, drawn = signs((40, 4, 4))
    y, z = F.avg_pool2d(s, 2), F.avg_pool2d(drawn, 2)
    layer = QuantConv2d(40, 3, 2)
    same(layer(y), layer(z).detach())
    gain = LRTGain(40)
    same(gain(y), gain(z).detach())
    g, a = gaussian(IMAGE)
    linear = LRTLinear(60, 4).eval()
    wanted = linear(Moments(g.mean.flatten(1), (g.var + g.mean**2).flatten(1)))
    torch.testing.assert_close(linear(g.flatten(1)), wanted)
    conv = QuantConv2d(2, 3, 3)
    same(conv(g), conv(a).detach())
    assert LRTBatchNorm(40)(y).mean.shape == (1, 40, 2, 2)
    assert LRTScale(40)(y.flatten(1)[:, :40]).shape == (1, 40)
    for act in (LRTSign(), LRTSign(mode="moment"), LRTTernarySign(), LRTReLU(), QuantActivation()):
        assert act(y).shape == y.shape
    assert LRTSign()(s) is s
    many, drawn = signs((4, 5, 5))
    up = LRTSign(mode="moment")(F.avg_pool2d(many, 5)).mean
    torch.testing.assert_close(up[0], LRTSign()(F.avg_pool2d(drawn, 5)).mean(0), atol=0.1, rtol=0)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (nn.ReLU(), "relu of a Gaussian is not supported.*use lrtc.nn.LRTReLU"),
        (nn.BatchNorm2d(2), "batch_norm of a Gaussian.*use lrtc.nn.LRTBatchNorm"),
        (nn.Conv2d(2, 2, 1), "conv2d of a Gaussian.*use lrtc.nn.LRTConv1d, LRTConv2d"),
        (nn.Linear(6, 2), "linear of a Gaussian.*use lrtc.nn.LRTLinear"),
        (nn.Tanh(), "tanh of a Gaussian.*use lrtc.nn.LRTSign"),
        (nn.Dropout(), "dropout of a Gaussian.*behind the sign"),
        (nn.AdaptiveMaxPool2d(1), "adaptive_max_pool2d of a Gaussian.*use lrtc.nn.LRTMaxPool2d"),
        (nn.AdaptiveAvgPool2d(2), "output_size must be 1"),
        (nn.MaxPool2d(2, dilation=2), "use lrtc.nn.LRTMaxPool2d"),
        (nn.GELU(), "gelu of a Gaussian.*put lrtc.nn.LRTSign"),
        (lambda x: 2 * x, "scale it by lrtc.nn.LRTGain"),
        (lambda x: x - torch.ones(1), "scale it by lrtc.nn.LRTGain"),
        (lambda x: x + "1", "cannot be added"),
        (lambda x: torch.mean(x), "give dim"),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(layer, words):
    with pytest.raises(TypeError, match=words):
        layer(gaussian(IMAGE)[0])


def test_attributes_are_those_of_a_tensor_or_refused():
    g = gaussian(IMAGE)[0]
    assert (g.shape, g.dim(), g.size(1), g.dtype) == (g.mean.shape, 4, 2, torch.float32)
    assert len(g.chunk(2, 1)) == len(torch.split(g, 1, 1)) == 2
    with pytest.raises(AttributeError, match=r"sigmoid of a Gaussian.*LRTSign"):
        g.sigmoid()
    assert not hasattr(g, "__array__")


class _Branches(nn.Module):
    """Pools, shortcuts and a concatenation between random layers, as torch writes them."""

    def __init__(self, mode):
        super().__init__()
        self.input, self.conv1 = InputQuantize((1, 8, 8)), LRTConv2d(1, 4, 3, padding=1)
        self.pool1, self.bn1, self.sign1 = nn.AvgPool2d(2), LRTBatchNorm(4), LRTSign(mode=mode)
        self.conv2, self.conv3 = LRTConv2d(4, 4, 3, padding=1), LRTConv2d(4, 4, 1)
        self.bn2, self.sign2 = LRTBatchNorm(8), LRTSign(mode=mode)
        self.pool2, self.code = nn.AdaptiveAvgPool2d(1), QuantActivation(4, signed=True, scale=1 / 8)
        self.fc = QuantLinear(8, 3)

    def forward(self, x):
        h = self.sign1(self.bn1(self.pool1(self.conv1(self.input(x)))))
        h = torch.cat([self.conv2(h) + h, self.conv3(h)], 1)
        h = self.code(torch.flatten(self.pool2(self.sign2(self.bn2(h))), 1))
        return self.fc(h)


@pytest.mark.parametrize("mode", ["gumbel", "moment"])
def test_a_network_of_them_trains_and_compiles(mode, tmp_path):
    net = _Branches(mode)
    x = torch.from_numpy(images(net.eval(), 12, 1))
    F.cross_entropy(net.train()(x), torch.arange(12) % 3).backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())
    check(reestimate_batchnorm(discretize(net), [x]), tmp_path / "net.pt", seed=2)
