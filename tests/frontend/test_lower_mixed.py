"""The graph of values that meet, as printed text, and the words for every place where they cannot."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lrtc import interp
from lrtc.errors import LrtcError
from lrtc.frontend import describe, lower, read_data
from lrtc.frontend.data import to_input
from lrtc.ir import to_text
from lrtc.nn import (
    Add,
    ExactMean,
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
    QuantConv2d,
    QuantLinear,
    SumPool2d,
    TopClasses,
    discretize,
)


class Net(nn.Module):
    """A network of one function of the input after it is quantised."""

    def __init__(self, function, *layers: nn.Module, shape=(2, 4, 4)) -> None:
        super().__init__()
        self.quantize = InputQuantize(shape)
        self.layers = nn.ModuleList(layers)
        self.function = function

    def forward(self, x):
        return self.function(self.quantize(x), *self.layers)


def lowered(model: nn.Module):
    return lower(describe(discretize(model), "net"))


def refusal(function, *layers: nn.Module, shape=(2, 4, 4)) -> str:
    with pytest.raises(LrtcError) as caught:
        lowered(Net(function, *layers, shape=shape))
    return str(caught.value)


def text(graph) -> list[str]:
    return [" ".join(line.split()) for line in to_text(graph).splitlines() if "= const" not in line]


def head(channels: int = 2) -> tuple[nn.Module, ...]:
    return nn.Flatten(), LRTLinear(channels * 16, 3)


def test_a_residual_block_as_text():
    def function(x, conv1, bn, sign, conv2, ternary, gain, code, pool, flat, fc):
        x = sign(bn(conv1(x)))
        y = F.relu(conv2(x) + x)
        y = ternary(torch.cat([y, conv2(x)], dim=1))
        return fc(flat(code(gain(pool(y[:, 1:])))))

    model = Net(
        function,
        QuantConv2d(2, 4, 3, padding=(1, 1, 2, 0), bits=4),
        LRTBatchNorm(4),
        LRTSign(),
        LRTConv2d(4, 4, 3, padding=2, groups=2, dilation=2, weights="bipolar"),
        LRTTernarySign(2.5),
        LRTGain(7),
        QuantActivation(2, scale=0.25),
        nn.AvgPool2d(2),
        nn.Flatten(),
        QuantLinear(28, 3),
    )
    graph = lowered(model).graph
    assert text(graph)[2:-2] == [
        f"%layers_0 = affine %layers_0_acc, %layers_0_b : {graph.types['layers_0']} # layers.0",
        "%layers_1 = batchnorm{eps=0.001, absolute=True} %layers_0, %layers_1_bn : f32[4x4x4:HWC] # layers.1",
        "%layers_2 = sign %layers_1 : b1[4x4x4:HWC] # layers.2",
        "%layers_3 = conv2d{padding=(2,2,2,2), dilation=(2,2), groups=2} %layers_2, %layers_3_w"
        " : i6[4x4x4:HWC] # layers.3",
        "%add = add %layers_3, %layers_2 : i6[4x4x4:HWC] # add",
        "%relu = clamp{low=0} %add : i6[4x4x4:HWC] # relu",
        "%layers_3_2 = conv2d{padding=(2,2,2,2), dilation=(2,2), groups=2} %layers_2, %layers_3_2_w"
        " : i6[4x4x4:HWC] # layers.3",
        "%cat = concat %relu, %layers_3_2 : i6[4x4x8:HWC] # cat",
        "%layers_4 = ternarize{width=2.5} %cat : t2[4x4x8:HWC] # layers.4",
        "%getitem = channels %layers_4, %getitem_i : t2[4x4x7:HWC] # getitem",
        "%layers_7_sum = sumpool %getitem : i4[2x2x7:HWC] # layers.7",
        "%layers_7 = divide %layers_7_sum, %layers_7_d : f32[2x2x7:HWC] # layers.7",
        "%layers_5 = scale_bias %layers_7, %layers_5_g : f32[2x2x7:HWC] # layers.5",
        "%layers_6_ratio = divide %layers_5, %layers_6_d : f32[2x2x7:HWC] # layers.6",
        "%layers_6 = quantize{out=u2, low=0, high=3} %layers_6_ratio : u2[2x2x7:HWC] # layers.6",
        "%layers_8 = flatten %layers_6 : u2[28:C] # layers.8",
        f"%layers_9_acc = linear %layers_8, %layers_9_w : {graph.types['layers_9_acc']} # layers.9",
        f"%layers_9 = affine %layers_9_acc, %layers_9_b : {graph.types['layers_9']} # layers.9",
    ]
    assert str(graph.types["layers_0_w"]) == "i4[4x3x3x2:OHWI]"


def test_a_signal_with_a_zero_point_as_text():
    net = nn.Sequential(
        InputQuantize((3, 20), zero_point=128),
        LRTConv1d(3, 4, 5, stride=2, padding=2),
        nn.BatchNorm1d(4),
        nn.MaxPool1d(2),
        LRTSign(),
        LRTConv1d(4, 2, 3, dilation=2),
        ExactMean(1),
        QuantActivation(4, True, 0.5),
        TopClasses(2),
    )
    assert text(lowered(net).graph)[:-1] == [
        "graph @net(%x: u8[1x20x3:HWC]) {",
        "%v0 = affine %x, %v0_z : i8[1x20x3:HWC] # 0",
        f"%v1 = conv2d{{stride=(1,2), padding=(0,0,2,2)}} %v0, %v1_w : {lowered(net).graph.types['v1']} # 1",
        "%v2 = batchnorm %v1, %v2_bn : f32[1x10x4:HWC] # 2",
        "%v3 = maxpool{kernel=(1,2), stride=(1,2)} %v2 : f32[1x5x4:HWC] # 3",
        "%v4 = sign %v3 : b1[1x5x4:HWC] # 4",
        f"%v5 = conv2d{{dilation=(1,2)}} %v4, %v5_w : {lowered(net).graph.types['v5']} # 5",
        "%v6_sum = sumpool{kernel=(1,1), stride=(1,1)} %v5 : " + f"{lowered(net).graph.types['v6_sum']} # 6",
        "%v6_mean = divide %v6_sum, %v6_d : f32[1x1x2:HWC] # 6",
        "%v6 = flatten %v6_mean : f32[2:C] # 6",
        "%v7_ratio = divide %v6, %v7_d : f32[2:C] # 7",
        "%v7 = quantize{out=i4, low=-8, high=7} %v7_ratio : i4[2:C] # 7",
        "%v8 = topk{k=2} %v7 : u1[2:C] # 8",
        "return %v8",
    ]


def test_a_constant_around_an_image():
    net = Net(lambda x, pad, *rest: rest[1](rest[0](pad(x))), nn.ConstantPad2d((1, 0, 2, 0), 7), nn.Flatten())
    net.layers.append(LRTLinear(2 * 6 * 5, 3))
    graph = lowered(net).graph
    assert "%layers_0 = pad{padding=(2,0,1,0), value=7} %x : u8[6x5x2:HWC] # layers.0" in text(graph)
    x = torch.randint(0, 256, (3, 2, 4, 4), dtype=torch.uint8)
    with torch.no_grad():
        assert np.array_equal(interp.run(graph, to_input(x.numpy(), graph.inputs[0])), net(x).numpy())


@pytest.mark.parametrize(
    ("function", "layers", "words"),
    [
        (
            lambda x, bn, flat, fc: fc(flat(bn(x) + bn(x))),
            (LRTBatchNorm(2), *head()),
            "add (Add): real values are added; integers and ±1 are supported: add before the batchnorm, or after the s",
        ),
        (
            lambda x, bn, f, c: c(f(torch.cat([bn(x), bn(x)], 1))),
            (LRTBatchNorm(2), *head(4)),
            "cat (Concat): concat works",
        ),
        (lambda x, p, f, c: c(f(x + p(x))), (nn.MaxPool2d(2), *head()), "(4, 4, 2) and (2, 2, 2) cannot be added"),
        (lambda x, p, f, c: c(f(torch.cat([x, p(x)], 1))), (nn.MaxPool2d(2), *head()), "do not stand side by side"),
        (
            lambda x, bn, p, f, c: c(f(p(bn(x)))),
            (LRTBatchNorm(2), nn.AvgPool2d(2), *head()),
            "averages real values; put",
        ),
        (
            lambda x, bn, p, f, c: c(f(p(bn(x)))),
            (LRTBatchNorm(2), SumPool2d(2), *head()),
            "sums real values; put it bef",
        ),
        (
            lambda x, bn, p, f, c: c(f(p(bn(x)))),
            (LRTBatchNorm(2), nn.ZeroPad2d(1), *head()),
            "pads real values; put it b",
        ),
        (
            lambda x, s, p, f, c: c(f(p(s(x)))),
            (LRTSign(), nn.ZeroPad2d(1), *head()),
            "pads ±1 with 0, a third value; use",
        ),
        (
            lambda x, p, f, c: c(f(p(x))),
            (nn.ConstantPad2d(1, 0.5), *head()),
            "value=0.5 is not supported; integers are pa",
        ),
        (
            lambda x, p, f, c: c(f(p(x))),
            (nn.ConstantPad2d(1, -1), *head()),
            "value=-1 is not supported; values of this p",
        ),
        (
            lambda x, p, f, c: c(f(p(x))),
            (nn.Hardtanh(-0.5, 0.5), *head()),
            "integers are clamped to integers, not -0.5",
        ),
        (lambda x, f, c: c(f(x[:, 5:])), head(), "getitem (ChannelSlice): keeps none of the 2 channels"),
        (
            lambda x, f, c: c(f(x.chunk(2, 1)[2])),
            head(),
            "getitem (ChannelChunk): takes part 2; 2 channels make 2 parts",
        ),
        (lambda x, p, f, c: c(f(p(x))), (nn.ChannelShuffle(3), *head()), "groups=3 does not divide 2 channels"),
        (
            lambda x, t, c: c(t(x.flatten(1))),
            (TopClasses(2), LRTLinear(2, 3)),
            "takes the class indices of layers.0; argm",
        ),
        (lambda x, t: t(x), (TopClasses(2),), "meets an image 4x4x2 [H,W,C]; put torch.nn.Flatten before it"),
        (
            lambda x, bn, f, t: t(f(bn(x))),
            (LRTBatchNorm(2), nn.Flatten(), TopClasses(2)),
            "compares real values; put it",
        ),
        (lambda x, t: t(x.flatten(1)), (TopClasses(99),), "k=99 of 32 values"),
        (
            lambda x, c, s, f, g: g(f(s(c(x)))),
            (LRTConv1d(2, 2, 1), LRTSign(), *head()),
            "meets an image; it needs a sig",
        ),
        (
            lambda x, p, f, c: c(f(p(x))),
            (nn.MaxPool1d(2), *head()),
            "meets an image; it needs a signal N×C×L, such as In",
        ),
        (lambda x, m, c: c(m(x)), (ExactMean(1), LRTLinear(2, 3)), "meets an image; it needs a signal N×C×L"),
        (
            lambda x, n, s, f, c: c(f(s(n(x)))),
            (nn.BatchNorm1d(2), LRTSign(), *head()),
            "meets an image 4x4x2 [H,W,C]; p",
        ),
    ],
)
def test_what_cannot_be_lowered(function, layers: tuple, words: str):
    assert words in refusal(function, *layers)


@pytest.mark.parametrize(
    ("function", "layers", "words"),
    [
        (
            lambda x, c, s: s(c(x)).flatten(1),
            (LRTConv2d(2, 2, 1), LRTSign()),
            "meets a signal N×C×L; it needs an image: u",
        ),
        (
            lambda x, p: p(x).flatten(1),
            (nn.MaxPool2d(2),),
            "meets a signal N×C×L; it needs an image: use the layer's 1d",
        ),
        (lambda x, n, s: s(n(x)).flatten(1), (nn.BatchNorm2d(2), LRTSign()), "meets a signal N×C×L; it needs an image"),
        (lambda x, p: p(x).flatten(1), (nn.MaxPool1d(9),), "the kernel (1, 9) is larger than the padded input (1, 4)"),
    ],
)
def test_what_cannot_be_lowered_on_signals(function, layers: tuple, words: str):
    assert words in refusal(function, *layers, shape=(2, 4))


def test_a_second_quantised_input_is_refused():
    net = Net(lambda x, other, flat, fc: fc(flat(x)), InputQuantize((2, 4, 4)), *head())

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x):
            a, b = self.net.quantize(x), self.net.layers[0](x)
            return self.net.layers[2](self.net.layers[1](a + b))

    with pytest.raises(
        LrtcError, match=r"quantises the input once more; each input goes through one .*InputQuantize, used once"
    ):
        lowered(Two())


def test_adding_a_value_to_itself_and_modules_that_add():
    net = Net(lambda x, add, flat, fc: fc(flat(add(x + x, x))), Add(), *head())
    graph = lowered(net).graph
    assert str(graph.types["add"]) == "i10[4x4x2:HWC]"
    x = torch.randint(0, 256, (3, 2, 4, 4), dtype=torch.uint8)
    with torch.no_grad():
        assert np.array_equal(interp.run(graph, to_input(x.numpy(), graph.inputs[0])), net(x).numpy())
    message = refusal(lambda x, add, flat, fc: fc(flat(add(x))), Add(), *head())
    assert "layers.0 (Add): is called with 1 values; this one takes 2 to 2" in message


def test_sums_of_shortcuts_stay_below_2_24():
    def function(x, conv, *rest):
        y = conv(x)
        for _ in range(14):
            y = y + y
        return rest[1](rest[0](y))

    assert "its sums can reach ±" in refusal(function, QuantConv2d(2, 2, 3, padding=1), *head())


def test_data_of_signals(tmp_path):
    net = nn.Sequential(
        InputQuantize((3, 8)), LRTConv1d(3, 2, 3), LRTSign(), nn.Flatten(), LRTLinear(12, 3), LRTScale(3)
    )
    graph = lowered(net).graph
    x = np.random.default_rng(0).integers(0, 256, (4, 3, 8), dtype=np.uint8)
    for shape in ((4, 3, 8), (4, 3, 1, 8)):
        np.savez(tmp_path / "d.npz", x=x.reshape(shape))
        held, _ = read_data(tmp_path / "d.npz", graph.inputs[0])
        assert np.array_equal(held, x.transpose(0, 2, 1)[:, None])
        with torch.no_grad():
            assert np.array_equal(interp.run(graph, held), net(torch.from_numpy(x.reshape(shape))).numpy())
    np.savez(tmp_path / "d.npz", x=x[:, :2])
    with pytest.raises(LrtcError, match="x: is 4×2×8; the model takes N×3×8"):
        read_data(tmp_path / "d.npz", graph.inputs[0])
