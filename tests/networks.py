"""Random networks for tests: seeded, of lrtc.nn and plain torch layers, with the shapes and values that go wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from lrtc import nn as lnn

CHANNELS = (1, 3, 31, 32, 33, 64)
GAMMAS = ("mixed", "positive", "negative", "zero", "tiny")


@dataclass(frozen=True)
class Options:
    """What a random network is made of. None: drawn from the seed.

    channels: of each convolution; (): no convolution. side: (H, W) of the input. norm: "lrt", "plain", "none".
    pool: "none", "before" the sign, "after" it. head: "scale" (LRTLinear, LRTScale), "quant" (QuantLinear),
    "raw" (LRTLinear alone). distribution: weights stay random. hidden: features of an LRT linear layer, 0 for none.
    """

    channels: tuple[int, ...] | None = None
    in_channels: int | None = None
    side: tuple[int, int] | None = None
    kernel: tuple[int, int] | None = None
    stride: tuple[int, int] | None = None
    padding: tuple[int, int] | None = None
    weights: str | None = None
    norm: str | None = None
    gamma: str | None = None
    pool: str | None = None
    bias: bool | None = None
    hidden: int | None = None
    head: str | None = None
    classes: int = 10
    scale: float = 1.0
    distribution: bool = False


def network(seed: int, options: Options | None = None, **changes: object) -> nn.Module:
    """Return a random network in eval mode, discrete unless `distribution`; the global generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _Maker(np.random.default_rng(seed), replace(options or Options(), **changes)).make()
        if not model.distribution:
            lnn.discretize(model)
        return model.eval()


def images(model: nn.Module, n: int = 5, seed: int = 0) -> np.ndarray:
    """Return random inputs uint8 [N, *shape as torch takes it] of a network; all-0 and all-255 are among them."""
    shape = next(m.shape for m in model.modules() if isinstance(m, lnn.InputQuantize))
    x = np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)
    x[: n // 3] = (x[: n // 3] > 127) * 255
    if n > 2:
        x[0], x[1] = 0, 255
    return x


def to_ir(x: np.ndarray) -> np.ndarray:
    """Return torch's [N,C,H,W] as the IR's [N,H,W,C]; vectors stay."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if x.ndim == 4 else x


class Net(nn.Sequential):
    """A chain of named layers; `distribution` says whether the weights are still random."""

    distribution = False


class _Maker:
    def __init__(self, rng: np.random.Generator, options: Options) -> None:
        self.rng, self.o = rng, options
        self.net = Net()
        self.net.distribution = options.distribution

    def pick(self, given: object, choices: tuple) -> object:
        """Return what the options say, else a random choice (drawn always, so that options do not shift the seed)."""
        drawn = choices[int(self.rng.integers(len(choices)))]
        return drawn if given is None else given

    def make(self) -> Net:
        shape = self.input()
        for i in range(len(self.convs)):
            shape = self.conv(i, shape)
        if len(shape) == 3:
            self.net.add_module("flatten", nn.Flatten())
        if self.rng.random() < 0.3:
            self.net.add_module("drop", nn.Dropout(0.5))
        size = int(np.prod(shape))
        hidden = self.pick(self.o.hidden, (0, 0, 1, 31, 33))
        if hidden:
            self.linear("hidden", size, hidden)
            size = hidden
        self.head(size)
        return self.net

    def input(self) -> tuple[int, ...]:
        count = int(self.rng.integers(0, 4))
        drawn = tuple(int(self.rng.choice(CHANNELS)) for _ in range(count))
        self.convs = drawn if self.o.channels is None else self.o.channels
        c = self.pick(self.o.in_channels, (1, 3))
        h, w = self.pick(self.o.side, tuple((int(a), int(b)) for a, b in self.rng.integers(1, 10, (8, 2))))
        shape = (c, h, w) if self.convs else (c * h * w,)
        self.net.add_module("quantize", lnn.InputQuantize(shape, self.o.scale))
        return shape

    def conv(self, i: int, shape: tuple[int, ...]) -> tuple[int, ...]:
        c, h, w = shape
        ph, pw = self.pick(self.o.padding, ((0, 0), (1, 1), (2, 2), (0, 1), (2, 0)))
        kh, kw = self.pick(self.o.kernel, ((1, 1), (2, 2), (3, 3), (1, 3), (5, 3), (4, 4)))
        kh, kw = min(kh, h + 2 * ph), min(kw, w + 2 * pw)
        sh, sw = self.pick(self.o.stride, ((1, 1), (2, 2), (3, 3), (1, 2)))
        bias = bool(self.pick(self.o.bias, (False, True)))
        weights = self.pick(self.o.weights, ("ternary", "bipolar"))
        out = self.convs[i]
        layer = lnn.LRTConv2d(c, out, (kh, kw), (sh, sw), (ph, pw), bias=bias, weights=weights)
        self.net.add_module(f"conv{i}", self.randomised(layer))
        h, w = (h + 2 * ph - kh) // sh + 1, (w + 2 * pw - kw) // sw + 1
        pool = self.pick(self.o.pool, ("none", "none", "before", "after"))
        if pool == "before" and self.o.distribution:
            pool = "after"  # there is no maximum of distributions
        fan = c * kh * kw * (255 if i == 0 else 1)
        after_norm = bool(self.rng.integers(2))
        if pool == "before" and not after_norm:
            h, w = self.pool(i, h, w)
        self.norm(f"bn{i}", out, fan, image=True)
        if pool == "before" and after_norm:
            h, w = self.pool(i, h, w)
        self.net.add_module(f"sign{i}", lnn.LRTSign())
        if pool == "after":
            h, w = self.pool(i, h, w)
        return out, h, w

    def pool(self, i: int, h: int, w: int) -> tuple[int, int]:
        k, s, p = ((2, 2, 0), (3, 2, 1), (2, 1, 1), (3, 3, 0))[int(self.rng.integers(4))]
        k = min(k, h + 2 * p, w + 2 * p)
        p = min(p, k // 2)
        self.net.add_module(f"pool{i}", nn.MaxPool2d(k, s, p))
        return (h + 2 * p - k) // s + 1, (w + 2 * p - k) // s + 1

    def linear(self, name: str, size: int, out: int) -> None:
        first = size if len(self.convs) == 0 else 1
        weights = self.pick(self.o.weights, ("ternary", "bipolar"))
        bias = bool(self.pick(self.o.bias, (False, True)))
        self.net.add_module(name, self.randomised(lnn.LRTLinear(size, out, bias=bias, weights=weights)))
        self.norm(f"{name}_bn", out, size * (255 if first > 1 else 1), image=False)
        self.net.add_module(f"{name}_sign", lnn.LRTSign())

    def norm(self, name: str, channels: int, fan: int, image: bool) -> None:
        kind = self.pick(self.o.norm, ("lrt", "plain", "plain", "none"))
        if kind == "plain" and self.o.distribution:
            kind = "lrt"  # a plain batchnorm takes no distributions
        if kind == "none":
            return
        plain = nn.BatchNorm2d if image else nn.BatchNorm1d
        affine = self.rng.random() < 0.8
        norm = lnn.LRTBatchNorm(channels) if kind == "lrt" else plain(channels, affine=affine)
        spread = float(fan) ** 0.5
        with torch.no_grad():
            norm.running_mean.copy_(torch.randn(channels) * spread * 0.5)
            if self.rng.random() < 0.3:
                norm.running_mean.round_()
            norm.running_var.copy_(torch.rand(channels) * spread**2)
            if self.rng.random() < 0.2:
                norm.running_var[0] = 0.0
            if kind == "lrt" or affine:
                norm.weight.copy_(self.gamma(channels))
                norm.bias.copy_(torch.randn(channels) * 0.5)
                if self.rng.random() < 0.3:
                    norm.bias.zero_()
        self.net.add_module(name, norm)

    def gamma(self, channels: int) -> torch.Tensor:
        kind = self.pick(self.o.gamma, ("mixed", "mixed", "positive", "negative", "zero", "tiny"))
        g = torch.randn(channels)
        if kind == "positive":
            return g.abs()
        if kind == "negative":
            return -g.abs()
        if kind == "zero":
            return torch.zeros(channels)
        if kind == "tiny":
            return g * 1e-30
        odd = torch.tensor([0.0, -0.0, 1e-30, -1e-30, 1e-42, 1e6, -1.0])
        special = torch.rand(channels) < 0.3
        return torch.where(special, odd[torch.randint(len(odd), (channels,))], g)

    def randomised(self, layer: nn.Module) -> nn.Module:
        with torch.no_grad():
            if layer.bias is not None:
                layer.bias.copy_(torch.randn(layer.bias.shape) * 3)
        return layer

    def head(self, size: int) -> None:
        kind = self.pick(self.o.head, ("scale", "quant", "raw"))
        classes = self.o.classes
        if kind == "quant":
            self.net.add_module("head", lnn.QuantLinear(size, classes))
            with torch.no_grad():
                self.net.head.bias.copy_(torch.randn(classes))
            return
        weights = self.pick(self.o.weights, ("ternary", "bipolar"))
        self.net.add_module("head", lnn.LRTLinear(size, classes, weights=weights))
        if kind == "scale":
            self.net.add_module("scale", lnn.LRTScale(classes))
            with torch.no_grad():
                self.net.scale.scale.copy_(torch.randn(classes))
                self.net.scale.bias.copy_(torch.randn(classes) * 5)
