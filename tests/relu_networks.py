"""Random networks of discrete weights and real activations: what `lrtc quantize` must make compilable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lrtc import nn as lnn


@dataclass(frozen=True)
class Shape:
    """What it is made of. blocks: "plain", "residual", "maxout", "concat", "average", "pad", one after another."""

    seed: int = 0
    channels: int = 4
    side: tuple[int, int] = (6, 6)
    blocks: tuple[str, ...] = ("plain",)
    activation: str = "relu"
    norm: str = "lrt"
    bias: bool = False
    head: str = "quant"
    zero_point: int = 0


class Block(nn.Module):
    """conv → norm → activation, and what its kind adds."""

    def __init__(self, shape: Shape, kind: str, channels: int) -> None:
        super().__init__()
        self.kind, self.act = kind, activation(shape.activation)
        self.conv = lnn.LRTConv2d(channels, channels, 3, padding=1, bias=shape.bias)
        self.norm = norm(shape.norm, channels)
        self.pool = nn.AvgPool2d(2, 1) if kind == "average" else nn.MaxPool2d(2, 1)
        self.pad = nn.ZeroPad2d(1)
        self.again = nn.Sequential(lnn.QuantConv2d(channels, channels, 1), norm("plain", channels))

    def forward(self, x):
        y = self.norm(self.conv(self.pad(x) if self.kind == "pad" else x))
        if self.kind == "residual":
            return self.act(y + x)
        if self.kind == "maxout":
            return self.act(torch.maximum(y, x))
        y = self.act(y)  # the module is used again: two quantisers of different scales
        if self.kind == "concat":
            return torch.cat([y, x], dim=1)
        return self.act(self.again(self.pool(y)))


class Net(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        c = shape.channels
        self.front = nn.Sequential(
            lnn.InputQuantize((2, *shape.side), 1.0, shape.zero_point),
            lnn.LRTConv2d(2, c, 3, padding=1),
            norm(shape.norm, c),
            activation(shape.activation),
        )
        self.blocks = nn.ModuleList()
        for kind in shape.blocks:
            self.blocks.append(Block(shape, kind, c))
            c *= 2 if kind == "concat" else 1
        self.average = lnn.ExactMean(2)
        if shape.head == "quant":
            self.head = lnn.QuantLinear(c, 5)
        else:
            self.head = nn.Sequential(lnn.LRTLinear(c, 5), lnn.LRTScale(5))

    def forward(self, x):
        x = self.front(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.average(x))


def activation(kind: str) -> nn.Module:
    made = {"relu": nn.ReLU, "sampled": lnn.LRTReLU, "relu6": nn.ReLU6, "hardtanh": lambda: nn.Hardtanh(-0.5, 2.0)}
    return made[kind]()


def norm(kind: str, channels: int) -> nn.Module:
    made = {"lrt": lnn.LRTBatchNorm, "plain": nn.BatchNorm2d, "gain": lnn.LRTGain}
    return made[kind](channels)


def relu_network(shape: Shape) -> tuple[nn.Module, np.ndarray]:
    """Return (a network with fixed weights in eval mode, uint8 samples); the global generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(shape.seed)
        net = Net(shape)
        x = torch.randint(0, 256, (40, 2, *shape.side), dtype=torch.uint8)
        for m in net.modules():
            if getattr(m, "bias", None) is not None:
                nn.init.normal_(m.bias, std=0.5)
            if isinstance(m, lnn.LRTScale):
                nn.init.normal_(m.scale)
            if isinstance(m, lnn.LRTGain):
                nn.init.uniform_(m.gain, 0.01, 0.05)  # about what a batchnorm would do
            if isinstance(m, nn.BatchNorm2d | lnn.LRTBatchNorm):
                nn.init.normal_(m.weight)
                nn.init.constant_(m.running_var, 1e6)  # until it is measured: nothing grows out of bounds
        lnn.reestimate_batchnorm(lnn.discretize(net), [x])
        return net.eval(), x.numpy()
