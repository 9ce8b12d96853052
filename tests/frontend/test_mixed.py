"""Networks whose values meet, of several precisions: torch eval = rebuilt from the file = interpreter = passes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import torch
from drawn import Drawn, decisions
from engines import check
from hypothesis import given, settings
from mixed_networks import Mixed, mixed, mixed_of
from torch import nn

from lrtc import nn as lnn
from lrtc.errors import LrtcError
from lrtc.frontend import describe, lower


@settings(max_examples=80, deadline=None, derandomize=True)
@given(decisions.map(Drawn))
def test_drawn_mixed_networks(drawn: Drawn):
    with tempfile.TemporaryDirectory() as folder:
        check(mixed_of(drawn), Path(folder, "m.pt"), drawn.seed)


@pytest.mark.parametrize("seed", range(100, 120))
def test_random_networks_on_signals(seed: int, tmp_path):
    check(mixed(seed, signal=True), tmp_path / "m.pt", seed)


@pytest.mark.parametrize("padding", [(-1, -2, 0, -1), (-1, 2, 1, -3), (0, -4, -2, 0)])
@pytest.mark.parametrize("real", [False, True])
def test_pads_below_zero_cut(padding: tuple, real: bool, tmp_path):
    torch.manual_seed(0)
    front = [lnn.InputQuantize((2, 5, 6)), lnn.LRTConv2d(2, 3, 3, padding=1, bias=real and max(padding) <= 0)]
    middle = [nn.ConstantPad2d(padding, 3.0), lnn.LRTBatchNorm(3), lnn.LRTSign(), nn.Flatten()]
    size = 3 * (5 + padding[2] + padding[3]) * (6 + padding[0] + padding[1])
    check(lnn.discretize(nn.Sequential(*front, *middle, lnn.LRTLinear(size, 4))).eval(), tmp_path / "m.pt", 0)


@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize(
    "cut",
    [
        lambda v: v[:, :, 1:-1, 2:],
        lambda v: v[..., ::3],
        lambda v: v[:, ..., 1::2, -3:-1],
        lambda v: v.narrow(-1, 1, 2),
        lambda v: torch.narrow(v, 2, -3, 3)[:, 1:],
        lambda v: v[..., :],
    ],
)
def test_rows_and_columns_are_taken(cut, real: bool, tmp_path):
    torch.manual_seed(0)
    front = [lnn.InputQuantize((2, 5, 6)), lnn.LRTConv2d(2, 3, 3, padding=1, bias=real)]
    check(sliced(front, cut), tmp_path / "m.pt", 0)


@pytest.mark.parametrize("cut", [lambda v: v[:, :, 2:-1], lambda v: v[..., 1::3], lambda v: v.narrow(2, 0, 4)])
def test_places_of_a_signal_are_taken(cut, tmp_path):
    torch.manual_seed(0)
    check(sliced([lnn.InputQuantize((2, 9)), lnn.LRTConv1d(2, 3, 3)], cut), tmp_path / "m.pt", 0)


@pytest.mark.parametrize(
    "turn",
    [
        lambda v: v.permute(0, 3, 1, 2), lambda v: v.transpose(1, -1), lambda v: v.reshape(len_of(v), 6, 5, 3),
        lambda v: v.reshape(len_of(v), -1, 9), lambda v: v.flatten(1).reshape(len_of(v), 2, 9, 5),
        lambda v: v.reshape(len_of(v), 9, 10).transpose(1, 2), lambda v: v.view(-1, 10, 9).permute((0, 2, 1)),
    ],
)  # fmt: skip
def test_axes_are_turned_and_elements_take_another_shape(turn, tmp_path):
    torch.manual_seed(0)
    check(sliced([lnn.InputQuantize((2, 5, 6)), lnn.LRTConv2d(2, 3, 3, padding=1)], turn), tmp_path / "m.pt", 0)


def len_of(v):
    """Return the batch, as a trace sees it."""
    return v.shape[0]


def sliced(front: list[nn.Module], cut) -> nn.Module:
    """Return front → cut → batchnorm → sign → linear, discrete."""
    net = Mixed()
    net.layers.extend(lnn.discretize(nn.Sequential(*front)))
    net.steps = [(layer, (k,)) for k, layer in enumerate(net.layers)]
    y = cut(net(torch.zeros(1, *front[0].shape)))
    tail = [lnn.LRTBatchNorm(y.shape[1]), lnn.LRTSign(), nn.Flatten(), lnn.LRTLinear(y.numel(), 4)]
    net.layers.extend(tail)
    for step in (cut, *tail):
        net.steps.append((step, (len(net.steps),)))
    return lnn.discretize(net).eval()


@pytest.mark.parametrize(
    ("shape", "cut", "words"),
    [
        ((2, 5, 6), lambda v: v[..., 7:], "leaves nothing of 5x6x2"),
        ((2, 9), lambda v: v[:, :, 1:, 1:], "takes 2 axes of a signal N×C×L; it has one"),
        ((2, 5, 6), lambda v: v.permute(1, 0, 2, 3), r"dims=\(1, 0, 2, 3\) moves the batch"),
        ((2, 9), lambda v: v.permute(0, 3, 1, 2), r"puts axes \(0, 3, 1, 2\) in order; the value has 3"),
        ((2, 9), lambda v: v.transpose(1, 3), "turns axes 1 and 3 of a value of 3 axes"),
        ((2, 9), lambda v: v.view(-1, 4, 5), r"makes \(4, 5\) of 18 elements"),
        ((2,), lambda v: v[..., 1:], "meets a vector of 2 values; it needs an image"),
    ],
)
def test_moves_that_do_not_fit_are_refused(shape: tuple, cut, words: str):
    net = Mixed()
    net.layers.extend([lnn.InputQuantize(shape), nn.Flatten(), lnn.LRTLinear(10, 4)])
    net.steps = [(net.layers[0], (0,)), (cut, (1,)), (net.layers[1], (2,)), (net.layers[2], (3,))]
    with pytest.raises(LrtcError, match=words):
        lower(describe(lnn.discretize(net), "m"))


def test_a_pad_that_leaves_nothing_is_refused():
    net = nn.Sequential(lnn.InputQuantize((2, 5, 6)), nn.ZeroPad2d((-3, -3, 0, 0)), nn.Flatten(), lnn.LRTLinear(10, 4))
    with pytest.raises(LrtcError, match=r"1 \(ZeroPad2d\): padding=\(-3, -3, 0, 0\) leaves nothing of 5x6x2"):
        lower(describe(lnn.discretize(net), "m"))
