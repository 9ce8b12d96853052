"""The README's table layer × target is true: each row is a network, compiled for every target that takes it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lrtc.check.hls import build_hls
from lrtc.check.host import run_host
from lrtc.check.verilator import lint
from lrtc.driver import compile, open_model, random_feeds
from lrtc.errors import LrtcError
from lrtc.frontend import describe, rebuild
from lrtc.frontend.calibrate import quantize
from lrtc.frontend.description import INPUT
from lrtc.interp import answers
from lrtc.ir import feed_rows, in_rows
from lrtc.nn import (
    InputQuantize,
    LRTBatchNorm,
    LRTConv1d,
    LRTConv2d,
    LRTGain,
    LRTLinear,
    LRTScale,
    LRTSign,
    LRTTernarySign,
    QuantActivation,
    QuantConv1d,
    QuantConv2d,
    QuantLinear,
    discretize,
)

TEXT = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
TARGETS = ("c", "verilog", "hls")


class Residual(nn.Module):
    """sign → conv → batchnorm → sign, added to its own input (±1), or to its accumulator (`integers`)."""

    def __init__(self, how: str):
        super().__init__()
        self.front = nn.Sequential(*front())
        self.conv = LRTConv2d(4, 4, 3, padding=1)
        self.norm, self.act = LRTBatchNorm(4), LRTSign()
        self.norm2, self.act2 = LRTBatchNorm(8 if how == "concat" else 4), LRTSign()
        self.head = nn.Sequential(nn.Flatten(), LRTLinear(36 * (8 if how == "concat" else 4), 3))
        self.how = how

    def forward(self, x):
        x = self.front(x)
        y = self.conv(x)
        if self.how == "concat":
            return self.head(torch.cat([x, self.act(self.norm(y))], dim=1))
        if self.how == "limits":
            y = F.hardtanh(y, -3, 3) + x
        else:
            y = self.act(self.norm(y)) + x if self.how == "signs" else y + self.conv(x)
        return self.head(self.act2(self.norm2(y)))


class Maxout(nn.Module):
    """The greater of two sums, and the smaller of two bits."""

    def __init__(self):
        super().__init__()
        self.front, self.a, self.b = nn.Sequential(*front()), LRTConv2d(4, 4, 1), LRTConv2d(4, 4, 3, padding=1)
        self.norm, self.act, self.head = LRTBatchNorm(4), LRTSign(), nn.Sequential(*tail())

    def forward(self, x):
        x = self.front(x)
        return self.head(torch.minimum(x, self.act(self.norm(torch.maximum(self.a(x), self.b(x))))))


class Best(nn.Module):
    """The two best classes."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(*front(), *tail())

    def forward(self, x):
        return torch.topk(self.net(x), 2, dim=1)[1]


class Shuffled(nn.Module):
    """Channels 1 to 3, shuffled halves beside them."""

    def __init__(self):
        super().__init__()
        self.front, self.shuffle = nn.Sequential(*front()), nn.ChannelShuffle(2)
        self.tail = nn.Sequential(LRTConv2d(7, 4, 3, padding=1), LRTBatchNorm(4), LRTSign(), *tail())

    def forward(self, x):
        x = self.front(x)
        return self.tail(torch.cat([x[:, 1:], self.shuffle(x)], dim=1))


class Sliced(nn.Module):
    """Rows 1 to 4, every second column."""

    def __init__(self):
        super().__init__()
        self.front, self.tail = nn.Sequential(*front()), nn.Sequential(*tail(48))

    def forward(self, x):
        return self.tail(self.front(x)[:, :, 1:-1].narrow(-1, 0, 6)[..., ::2])


class Turned(nn.Module):
    """Rows for channels, then as a signal, then as an image of another shape."""

    def __init__(self):
        super().__init__()
        self.front = nn.Sequential(*front())
        self.tail = nn.Sequential(LRTConv2d(8, 4, 3, padding=1), LRTBatchNorm(4), LRTSign(), *tail(72))

    def forward(self, x):
        x = self.front(x).permute(0, 2, 3, 1).reshape(x.shape[0], 9, 16).transpose(1, 2)
        return self.tail(x.reshape(x.shape[0], 8, 9, 2))


class Fuse(nn.Module):
    """An image and numbers that meet."""

    def __init__(self):
        super().__init__()
        self.image, self.numbers = nn.Sequential(*front(), *tail()), nn.Sequential(InputQuantize((5,)), LRTLinear(5, 3))

    def forward(self, image, numbers):
        return self.image(image) + self.numbers(numbers)


class Split(nn.Module):
    """A body with two heads."""

    def __init__(self):
        super().__init__()
        self.body, self.head, self.side = nn.Sequential(*front()), nn.Sequential(*tail()), nn.Sequential(*tail())

    def forward(self, x):
        x = self.body(x)
        return {"scores": self.head(x), "side": self.side(x)}


def front(channels: int = 4) -> list[nn.Module]:
    return [InputQuantize((2, 6, 6)), LRTConv2d(2, channels, 3, padding=1), LRTBatchNorm(channels), LRTSign()]


def tail(features: int = 144) -> list[nn.Module]:
    return [nn.Flatten(), LRTLinear(features, 3)]


def middle(*layers: nn.Module, features: int = 144) -> nn.Module:
    return nn.Sequential(*front(), *layers, *tail(features))


def quantised(*layers: nn.Module) -> nn.Module:
    """Return the layers with activations of 4 bits, by random images."""
    description = describe(discretize(nn.Sequential(*layers)).eval(), "net")
    x = np.random.default_rng(0).integers(0, 256, (20, 2, 6, 6), dtype=np.uint8)
    return rebuild(quantize(description, {INPUT: x}, 4).description)


NETWORKS = {  # the first words of a row → a network that needs it
    "ternary and bipolar conv2d": lambda: middle(LRTConv2d(4, 5, (3, 2), (2, 1), (1, 0), weights="bipolar"),
                                                 LRTBatchNorm(5), LRTSign(), features=75),
    "groups, depthwise": lambda: middle(LRTConv2d(4, 8, 3, padding=1, groups=4), LRTBatchNorm(8), LRTSign(),
                                        features=288),
    "dilation": lambda: middle(LRTConv2d(4, 4, 3, padding=2, dilation=2), LRTBatchNorm(4), LRTSign()),
    "conv1d": lambda: nn.Sequential(InputQuantize((3, 20)), LRTConv1d(3, 4, 5, 2), LRTBatchNorm(4), LRTSign(),
                                    nn.Flatten(), LRTLinear(32, 3)),
    "linear": lambda: nn.Sequential(InputQuantize((20,)), LRTLinear(20, 33, weights="bipolar"), LRTBatchNorm(33),
                                    LRTSign(), LRTLinear(33, 3)),
    "batchnorm": lambda: middle(LRTConv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), LRTGain(4), LRTSign()),
    "max-pool": lambda: middle(nn.MaxPool2d(3, 2, 1), features=36),
    "ternary activations": lambda: middle(LRTConv2d(4, 4, 3, padding=1), LRTBatchNorm(4), LRTTernarySign(0.3)),
    "2-bit to 4-bit activations": lambda: middle(LRTConv2d(4, 4, 3, padding=1), LRTBatchNorm(4),
                                                 QuantActivation(2, scale=0.5)),
    "relu": lambda: middle(LRTConv2d(4, 4, 3, padding=1), nn.ReLU(), LRTBatchNorm(4), LRTSign()),
    "relu between weights, quantised": lambda: quantised(
        *front()[:3], nn.ReLU(), LRTConv2d(4, 4, 3, padding=1), LRTGain(4), nn.ReLU(), *tail()),
    "average pools": lambda: middle(LRTConv2d(4, 4, 3, padding=1), nn.AvgPool2d(2), LRTBatchNorm(4), LRTSign(),
                                    features=36),
    "2- to 8-bit weights": lambda: middle(QuantConv2d(4, 4, 3, padding=1, bits=4), LRTBatchNorm(4), LRTSign()),
    "unsigned 2- to 8-bit weights, conv1d with integer weights": lambda: nn.Sequential(
        InputQuantize((3, 20)), QuantConv1d(3, 4, 5, 2, bits=8, signed=False), LRTBatchNorm(4), LRTSign(),
        nn.Flatten(), QuantLinear(32, 3, bits=3, signed=False)),
    "weights of any other set of integers": lambda: middle(
        LRTConv2d(4, 4, 3, padding=1, weights=(-4, -1, 0, 1, 3)), LRTBatchNorm(4), LRTSign()),
    "residual add of ±1": lambda: Residual("signs"),
    "residual add of sums": lambda: Residual("sums"),
    "the greater or the smaller of two values (maxout)": Maxout,
    "concat": lambda: Residual("concat"),
    "constant padding, crop": lambda: middle(nn.ConstantPad2d((1, -1, 1, 0), 1.0), features=168),
    "limits between sums": lambda: Residual("limits"),
    "channel slices and shuffles": Shuffled,
    "rows, columns and places taken by slices and narrow, every n-th too": Sliced,
    "reshape, permute, transpose": Turned,
    "head": lambda: nn.Sequential(*front(), nn.Flatten(), LRTLinear(144, 3), LRTScale(3)),
    "8-bit head": lambda: nn.Sequential(*front(), nn.Flatten(), QuantLinear(144, 3)),
    "top-k": Best,
    "several inputs": Fuse,
    "several outputs": Split,
    "outputs of ±1 and −1, 0, +1": lambda: nn.Sequential(*front(), *tail(), LRTBatchNorm(3), LRTTernarySign(0.3)),
}  # fmt: skip


def rows() -> dict[str, tuple[bool, ...]]:
    """Row name → whether each target takes it, from the README's table."""
    table = TEXT.split("<!-- layers -->")[1].split("<!-- end -->")[0]
    found = {}
    for line in re.findall(r"^\| (?!layer|-)(.*) \|$", table, re.M):
        name, *cells = (cell.strip() for cell in line.split("|"))
        assert all(cell in ("yes", "no") for cell in cells), line
        found[name] = tuple(cell == "yes" for cell in cells)
    return found


def test_the_table_and_the_networks_have_the_same_rows():
    assert list(rows()) == list(NETWORKS)


def made(row: str):
    """Return a row's network, images, and what it must answer."""
    torch.manual_seed(len(row))
    model = open_model(discretize(NETWORKS[row]()).eval(), "net")
    feeds = random_feeds(model.graph, 7)
    return model, feeds, in_rows(answers(model.graph, feeds).values())


@pytest.mark.parametrize("row", NETWORKS)
def test_a_row_is_true(row: str):
    model, feeds, want = made(row)
    for target, taken in zip(TARGETS, rows()[row], strict=True):
        if not taken:
            with pytest.raises(LrtcError, match="cannot be compiled to"):
                compile(model, target)
            continue
        if target == "hls":
            continue  # all at once, below
        result = compile(model, target)
        if target == "verilog":
            assert lint(result.files, "net") == ""
        else:
            got = run_host(result.files, "net", feed_rows(model.graph, feeds), result.ports)
            np.testing.assert_array_equal(got, want)


def test_every_row_of_hls_is_simulated(tmp_path):
    """One program, for the library's headers are read once: in turn, and side by side between streams as planned."""
    designs, runs = {}, {}
    for k, (row, taken) in enumerate(rows().items()):
        if not taken[TARGETS.index("hls")]:
            continue
        (model, feeds, want), name = made(row), f"row{k}"
        result = compile(open_model(model.graph, name), "hls")
        designs[name] = result.files, result.ports
        runs[name] = row, feed_rows(model.graph, feeds), want
    program = build_hls(designs, tmp_path, flags=("-O0",))
    for name, (row, x, want) in runs.items():
        for bounded in (False, True):
            np.testing.assert_array_equal(program.run(name, x, bounded), want, f"{row}, bounded={bounded}")
