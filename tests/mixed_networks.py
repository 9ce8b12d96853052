"""Random networks whose values meet: shortcuts, concatenations, slices, sums, averages, several precisions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from drawn import Drawn
from torch import nn

from lrtc import nn as lnn

LIMIT = 1 << 22  # of a sum, well below what float32 holds exactly


class Mixed(nn.Module):
    """Runs the recorded steps (function, its operands' numbers); value 0 is the input. The last one is returned."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        self.steps: list[tuple[Callable, tuple[int, ...]]] = []

    def forward(self, x):
        values = [x]
        for function, operands in self.steps:
            values.append(function(*(values[i] for i in operands)))
        return values[-1]


def mixed(seed: int, signal: bool | None = None) -> Mixed:
    """Return a random discrete network in eval mode, on images or on signals; the global generator is left alone."""
    return _made(seed, np.random.default_rng(seed), signal)


def mixed_of(drawn: Drawn) -> Mixed:
    """Return the network that these decisions make."""
    return _made(drawn.seed, drawn)


def _made(seed: int, rng: np.random.Generator | Drawn, signal: bool | None = None) -> Mixed:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return lnn.discretize(_Maker(rng, signal).make()).eval()


class _Value:
    """A value of the network: its number, shape as torch has it, whether it is real, and a bound of its magnitude."""

    def __init__(self, number: int, shape: tuple[int, ...], real: bool, bound: int) -> None:
        self.number, self.shape, self.real, self.bound = number, shape, real, bound


class _Maker:
    def __init__(self, rng: np.random.Generator | Drawn, signal: bool | None) -> None:
        self.rng, self.net = rng, Mixed()
        self.signal = bool(rng.random() < 0.3) if signal is None else signal
        self.kept: list[_Value] = []

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def pick(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def step(self, function: Callable, *operands: _Value, shape=None, real: bool = False, bound: int = 1) -> _Value:
        """Record a step; its shape is what torch makes of operands of their shapes, unless given."""
        if isinstance(function, nn.Module):
            self.net.layers.append(function)
            function.eval()
        self.net.steps.append((function, tuple(v.number for v in operands)))
        if shape is None:
            fixed = lnn.discretize(function) if isinstance(function, nn.Module) else function
            with torch.no_grad():
                shape = tuple(fixed(*(torch.ones(1, *v.shape) for v in operands)).shape[1:])
        return _Value(len(self.net.steps), shape, real, bound)

    def make(self) -> Mixed:
        c, zero = self.pick(1, 2, 3), self.pick(0, 0, 7, 128)
        side = [int(n) for n in self.rng.integers(4, 9, 2)]
        shape = (c, 3 * side[0]) if self.signal else (c, *side)
        quantize = lnn.InputQuantize(shape, 1.0, zero)
        self.net.layers.append(quantize)
        self.net.steps.append((quantize, (0,)))
        x = _Value(1, shape, False, max(zero, 255 - zero))
        for _ in range(int(self.rng.integers(1, 5))):
            x = self.block(x)
        return self.head(x)

    def block(self, x: _Value) -> _Value:
        self.kept.append(x)
        y = self.conv(x)
        if y.bound > LIMIT:
            return self.decide(self.norm(y))
        y = self.meet(y)
        if self.chance(0.3):
            y = self.pool(y)
        if self.chance(0.15) and not y.real and y.bound < 300:
            return y
        if not y.real:
            self.kept.append(y)
            y = self.meet(y) if self.chance(0.3) else y
        y = self.decide(self.norm(y))
        if self.chance(0.3):
            y = self.max(y)
        return self.channels(y)

    def conv(self, x: _Value) -> _Value:
        c = x.shape[0]
        groups = self.pick(1, 1, 1, c)
        out = self.pick(c, groups, 2 * groups, 4 * groups)
        space = x.shape[1:]
        kernel = [int(self.rng.integers(1, 4)) for _ in space]
        dilation = [self.pick(1, 1, 2) for _ in space]
        padding = [int(self.rng.integers(0, 3)) for _ in space]
        stride = [self.pick(1, 1, 2) for _ in space]
        bias, weights = self.chance(0.3), self.pick("ternary", "bipolar")
        if self.chance(0.4):  # what a shortcut can meet
            stride, out = [1 for _ in space], c
            padding = [(k - 1) * d // 2 for k, d in zip(kernel, dilation, strict=True)]
        for i, n in enumerate(space):
            if (kernel[i] - 1) * dilation[i] + 1 > n + 2 * padding[i]:
                kernel[i] = 1
        fan = c // groups * int(np.prod(kernel))
        options = {"groups": groups, "bias": bias, "weights": weights}
        if self.signal:
            if self.chance(0.3):
                geometry = (c, out, kernel[0], stride[0], padding[0])
                return self.integers(lnn.QuantConv1d, geometry, x, fan, groups, dilation[0])
            layer = lnn.LRTConv1d(c, out, kernel[0], stride[0], padding[0], dilation=dilation[0], **options)
        else:
            kind = self.pick("lrt", "lrt", "quant", "plain", "sides")
            geometry = (c, out, tuple(kernel), tuple(stride), tuple(padding))
            if kind == "quant":
                return self.integers(lnn.QuantConv2d, geometry, x, fan, groups, tuple(dilation))
            if kind == "plain":
                layer = nn.Conv2d(*geometry, tuple(dilation), groups, bias=False)
                with torch.no_grad():
                    layer.weight.copy_(torch.randint(-1, 2, layer.weight.shape))
                return self.step(layer, x, bound=fan * x.bound)
            if kind == "sides":
                geometry = (*geometry[:4], (padding[0], padding[0] + 1, padding[1], 0))
                if kernel[1] > x.shape[2] + padding[1] or (kernel[1] - 1) * dilation[1] >= x.shape[2] + padding[1]:
                    geometry = (*geometry[:4], tuple(padding))
            layer = lnn.LRTConv2d(*geometry, dilation=tuple(dilation), **options)
        if bias:
            nn.init.normal_(layer.bias, std=3.0)
        return self.step(layer, x, real=bias, bound=fan * x.bound)

    def integers(self, make: Callable, geometry: tuple, x: _Value, fan: int, groups: int, dilation) -> _Value:
        """Return a convolution with integer weights, signed or not."""
        bits = self.pick(2, 4, 8)
        layer = make(*geometry, bits, groups, dilation, self.chance(0.6))
        nn.init.normal_(layer.bias)
        return self.step(layer, x, bound=fan * x.bound * (1 << bits))

    def meet(self, y: _Value) -> _Value:
        """Return y plus, or beside, an earlier value that fits."""
        if y.real:
            return y
        same = [v for v in self.kept if v.shape == y.shape and not v.real]
        beside = [v for v in self.kept if v.shape[1:] == y.shape[1:] and not v.real and v.shape[0] + y.shape[0] < 20]
        if same and self.chance(0.3):
            other = self.pick(*same)
            function = self.pick(torch.maximum, torch.min, lnn.Maximum(), lnn.Minimum(), lambda a, b: a.minimum(b))
            return self.step(function, y, other, bound=max(y.bound, other.bound))
        if same and self.chance(0.7):
            other = self.pick(*same)
            function = self.pick(torch.add, lambda a, b: a + b, lnn.Add(), lambda a, b: b.add(a))
            return self.step(function, y, other, bound=y.bound + other.bound)
        if beside and self.chance(0.5):
            other = self.pick(*beside)
            return self.step(lambda a, b: torch.cat([a, b], dim=1), y, other, bound=max(y.bound, other.bound))
        return y

    def pool(self, y: _Value) -> _Value:
        """Return sums, averages or maxima over windows, of integers."""
        if y.real or min(y.shape[1:]) < 2:
            return y
        kind = self.pick("sum", "avg", "avg", "max")
        if kind == "max":
            return self.max(y)
        if self.signal:
            return self.step(nn.AvgPool1d(3, 2, 1), y, real=True, bound=y.bound)
        if kind == "sum":
            return self.step(lnn.SumPool2d(2, 1), y, bound=4 * y.bound)
        pools = (nn.AvgPool2d(2), nn.AvgPool2d((2, 1), count_include_pad=False), lambda v: F.avg_pool2d(v, 2, 2, 1))
        return self.step(self.pick(*pools, lnn.ExactAvgPool2d(2, 1)), y, real=True, bound=y.bound)

    def max(self, y: _Value) -> _Value:
        if min(y.shape[1:]) < 2:
            return y
        pools = (nn.MaxPool1d(2), lambda v: F.max_pool1d(v, 3, 2, 1)) if self.signal else (nn.MaxPool2d(2, 1, 1),)
        return self.step(self.pick(*pools), y, real=y.real, bound=y.bound)

    def norm(self, y: _Value) -> _Value:
        kind = self.pick("lrt", "plain", "gain", "none")
        if kind == "none":
            return y
        c = y.shape[0]
        if kind == "gain":
            layer = lnn.LRTGain(c)
            nn.init.normal_(layer.gain)
            nn.init.normal_(layer.bias, std=5.0)
        else:
            plain = nn.BatchNorm1d if self.signal else nn.BatchNorm2d
            layer = lnn.LRTBatchNorm(c) if kind == "lrt" else plain(c)
            spread = float(y.bound) ** 0.5
            nn.init.normal_(layer.weight)
            nn.init.normal_(layer.bias, std=0.5)
            layer.running_mean.copy_(torch.randn(c) * spread)
            layer.running_var.copy_(torch.rand(c) * spread**2)
        return self.step(layer, y, shape=y.shape, real=True, bound=y.bound)

    def decide(self, y: _Value) -> _Value:
        """Return a value of few values."""
        if self.chance(0.3):
            relus = (nn.ReLU(), F.relu, nn.Hardtanh(-3, 2), nn.ReLU6(), lambda v: v.clamp(0, 1), torch.relu)
            y = self.step(self.pick(*relus), y, real=y.real, bound=y.bound)
        if self.chance(0.4):
            bits, signed, scale = int(self.rng.integers(2, 5)), self.chance(0.5), self.pick(1.0, 0.1, 0.5, 7.3)
            return self.step(lnn.QuantActivation(bits, signed, scale), y, bound=1 << bits)
        return self.step(self.pick(lnn.LRTSign(), lnn.LRTTernarySign(self.pick(0.5, 0.3, 4.0))), y)

    def channels(self, y: _Value) -> _Value:
        """Return y, or some of its channels, or all in another order."""
        c, bound = y.shape[0], y.bound
        if c < 4 or c % 2 or self.chance(0.5):
            return y
        functions = (
            lambda v: v[:, 1:],
            lambda v: v[:, : c // 2, ...],
            lambda v: v.chunk(2, dim=1)[1],
            lambda v: torch.split(v, c // 2, dim=1)[0],
            nn.ChannelShuffle(2),
            lambda v: v[..., -2:],
            lambda v: v[:, :, ::2],
            _shuffled,
        )
        function = self.pick(*functions[:-1] if self.signal else functions)
        shape = y.shape if function is _shuffled else None
        return self.step(function, y, real=y.real, bound=bound, shape=shape)

    def head(self, x: _Value) -> Mixed:
        size = int(np.prod(x.shape))
        axes = (2,) if self.signal else (2, 3)
        flat = self.step(lambda v: v.flatten(1), x, bound=x.bound)
        if self.chance(0.4):
            average = nn.AdaptiveAvgPool1d(1) if self.signal else nn.AdaptiveAvgPool2d(1)
            if self.chance(0.5):
                flat = self.step(lambda v: v.mean(axes), x, real=True, bound=x.bound)
            else:
                flat = self.step(nn.Flatten(), self.step(average, x, real=True, bound=x.bound), real=True)
            flat = self.step(lnn.QuantActivation(4, True, 0.25), flat, bound=8)
            size = x.shape[0]
        if self.chance(0.5):
            self.step(lnn.QuantLinear(size, 5, signed=self.chance(0.6)), flat)
        else:
            self.step(lnn.LRTScale(5), self.step(lnn.LRTLinear(size, 5), flat))
            nn.init.normal_(self.net.layers[-1].scale)
        if self.chance(0.2):
            scores = _Value(len(self.net.steps), (5,), False, 1)
            self.step(self.pick(lambda v: v.argmax(1), lambda v: torch.topk(v, 3).indices), scores, shape=(1,))
        return self.net


def _shuffled(v):
    n, c, h, w = v.size()
    return v.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)
