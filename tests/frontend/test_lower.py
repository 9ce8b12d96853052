"""The graph that a network becomes, as printed text, and every fault of a network that does not fit together."""

from __future__ import annotations

import pytest
import torch
from networks import network
from torch import nn

from lrtc.errors import LrtcError
from lrtc.frontend import describe, lower
from lrtc.frontend.names import identifier
from lrtc.ir import to_text
from lrtc.nn import InputQuantize, LRTBatchNorm, LRTConv2d, LRTLinear, LRTScale, LRTSign, QuantLinear, discretize


def lowered(*layers: nn.Module, name: str = "net"):
    return lower(describe(discretize(nn.Sequential(*layers)), name))


def refusal(*layers: nn.Module) -> str:
    with pytest.raises(LrtcError) as caught:
        lowered(*layers)
    return str(caught.value)


def text(graph) -> list[str]:
    return [" ".join(line.split()) for line in to_text(graph).splitlines() if "= const" not in line]


def test_a_convolutional_network_as_text():
    layers = (
        InputQuantize((3, 8, 6), scale=0.5),
        LRTConv2d(3, 32, (3, 2), stride=(2, 1), padding=(1, 0), bias=True),
        nn.BatchNorm2d(32, eps=1e-4),
        nn.MaxPool2d(2, stride=1),
        LRTSign(),
        nn.Dropout(),
        LRTConv2d(32, 4, 1, weights="bipolar"),
        LRTBatchNorm(4),
        LRTSign(),
        nn.Flatten(),
        LRTLinear(48, 10),
        LRTScale(10),
    )
    graph = lowered(*layers).graph
    assert graph.inputs[0].scale == 0.5
    assert text(graph) == [
        "graph @net(%x: u8[8x6x3:HWC]) {",
        "%v1_acc = conv2d{stride=(2,1), padding=(1,1,0,0)} %x, %v1_w : i13[4x5x32:HWC] # 1",
        "%v1 = scale_bias %v1_acc, %v1_b : f32[4x5x32:HWC] # 1",
        "%v2 = batchnorm{eps=0.0001} %v1, %v2_bn : f32[4x5x32:HWC] # 2",
        "%v3 = maxpool{stride=(1,1)} %v2 : f32[3x4x32:HWC] # 3",
        "%v4 = sign %v3 : b1[3x4x32:HWC] # 4",
        "%v5 = identity %v4 : b1[3x4x32:HWC] # 5",
        "%v6 = conv2d %v5, %v6_w : i7[3x4x4:HWC] # 6",
        "%v7 = batchnorm{eps=0.001, absolute=True} %v6, %v7_bn : f32[3x4x4:HWC] # 7",
        "%v8 = sign %v7 : b1[3x4x4:HWC] # 8",
        "%v9 = flatten %v8 : b1[48:C] # 9",
        f"%v10 = linear %v9, %v10_w : {graph.types['v10']} # 10",
        f"%v11 = affine %v10, %v11_s : {graph.types['v11']} # 11",
        "return %v11",
        "}",
    ]
    constants = {name: str(type_) for name, type_ in graph.types.items() if name.endswith(("_w", "_b", "_bn"))}
    assert constants == {
        "v1_w": "t2[32x3x2x3:OHWI]",
        "v1_b": "f32[2x32:RC]",
        "v2_bn": "f32[4x32:RC]",
        "v6_w": "b1[4x1x1x32:OHWI]",
        "v7_bn": "f32[4x4:RC]",
        "v10_w": "t2[10x48:OI]",
    }


def test_a_quantised_head_as_text():
    graph = lowered(InputQuantize((5,)), LRTLinear(5, 4), LRTSign(), QuantLinear(4, 3, bits=6)).graph
    assert str(graph.types["v3_w"]) == "i6[3x4:OI]"
    assert [line.split(" =")[0] for line in text(graph)[1:-2]] == ["%v1", "%v2", "%v3_acc", "%v3"]


def test_weights_keep_their_places():
    model = network(2, channels=(3,), in_channels=3, side=(4, 4), kernel=(2, 2), padding=(0, 0))
    graph = lower(describe(model, "m")).graph
    want = model.conv0.discrete_weight
    assert torch.equal(torch.from_numpy(graph.const("conv0_w")).permute(0, 3, 1, 2), want)


def test_every_misfit_is_reported_at_once():
    message = refusal(
        InputQuantize((3, 8, 8)),
        LRTConv2d(4, 32, 3),
        nn.BatchNorm2d(31),
        LRTSign(),
        LRTConv2d(32, 16, 9),
        LRTSign(),
        LRTLinear(100, 10),
        LRTScale(9),
    )
    assert message.splitlines() == [
        "5 layers cannot be compiled",
        "  1 (LRTConv2d 4→32): meets 3 channels; it is made for 4",
        "  2 (BatchNorm2d 31): meets 32 channels; it is made for 31",
        "  4 (LRTConv2d 32→16): the kernel (9, 9) is larger than the padded input (6, 6)",
        "  6 (LRTLinear 100→10): meets an image 1x1x16 [H,W,C]; put torch.nn.Flatten before it",
        "  7 (LRTScale 9): meets 10 values; it is made for 9",
        "  hint: `lrtc show MODEL` prints the layers of a model that can be compiled",
    ]


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([LRTLinear(3, 2)], "0 (LRTLinear 3→2): is the first layer; a network begins with lrtc.nn.InputQuantize("),
        ([InputQuantize((3,)), InputQuantize((3,)), LRTLinear(3, 2)], "1 (InputQuantize): must be the first layer"),
        ([InputQuantize((3,)), LRTConv2d(3, 2, 1), nn.Flatten()], "meets a vector of 3 values; it needs an image"),
        ([InputQuantize((3,)), nn.BatchNorm2d(3), LRTSign()], "meets a vector of 3 values; it needs an image"),
        ([InputQuantize((3,)), nn.MaxPool2d(2), LRTSign()], "meets a vector of 3 values; it needs an image"),
        (
            [InputQuantize((3, 2, 2)), nn.BatchNorm1d(3), nn.Flatten()],
            "meets an image 2x2x3 [H,W,C]; put torch.nn.Flat",
        ),
        ([InputQuantize((3, 2, 2)), LRTScale(2), nn.Flatten()], "meets an image 2x2x3 [H,W,C]; put torch.nn.Flatten"),
        ([InputQuantize((12,)), LRTLinear(10, 2)], "meets 12 values; it is made for 10"),
        ([InputQuantize((3,)), LRTBatchNorm(3), LRTLinear(3, 2)], "the input is real; put lrtc.nn.InputQuantize or"),
        (
            [InputQuantize((3,)), LRTLinear(3, 2, bias=True), LRTScale(2)],
            "meets real numbers; the layer before it must",
        ),
        ([InputQuantize((3,)), LRTLinear(3, 2), LRTBatchNorm(2)], "2 (LRTBatchNorm 2): ends in real numbers; a netw"),
        ([InputQuantize((3, 2, 2)), LRTConv2d(3, 2, 1)], "1 (LRTConv2d 3→2): ends in an image 2x2x2 [H,W,C]; a netw"),
        ([InputQuantize((3, 4, 4)), nn.MaxPool2d(2, padding=2), nn.Flatten()], "padding=(2, 2) is not supported; it m"),
        (
            [InputQuantize((3, 4, 4)), nn.MaxPool2d(5), nn.Flatten()],
            "the kernel (5, 5) is larger than the padded input",
        ),
    ],
)
def test_a_misfit_is_refused(layers: list, words: str):
    assert words in refusal(*layers)


def test_sums_beyond_float32_are_refused():
    wide = nn.Linear(65_794, 1, bias=False)
    nn.init.ones_(wide.weight)
    message = refusal(InputQuantize((65_794,)), wide, LRTSign())
    assert "1 (Linear 65794→1): its sums can reach ±16777470; torch is exact below 2^24" in message


def test_values_that_overflow_float32_are_refused():
    norm = LRTBatchNorm(2, eps=0.0)
    norm.running_var[1] = 0.0
    message = refusal(InputQuantize((3,)), LRTLinear(3, 2), norm, LRTSign())
    assert "2 (LRTBatchNorm 2): channel 1 can overflow float32 (scale inf, offset nan)" in message
    assert "gamma/√(var+eps) and its products must stay below 1e38" in message
    again = LRTBatchNorm(2)
    with torch.no_grad():
        again.weight.fill_(1e30)
    message = refusal(InputQuantize((3,)), LRTLinear(3, 2), again, again, LRTSign())
    assert "channel 0 can overflow float32 (scale 9.995e+29, offset 0)" in message


def test_a_value_too_large_to_work_on_is_refused():
    conv = LRTConv2d(1, 64, 1, padding=(1000, 1000))
    message = refusal(InputQuantize((1, 1, 1)), conv, LRTSign(), nn.Flatten(), LRTLinear(1, 1))
    assert "its output 2001x2001x64 [H,W,C] has more than 67108864 values" in message


@pytest.mark.parametrize("name", ["*/ evil();", "", "9net", "é", "a" * 300, "../../x", "net-1", "x\ny"])
def test_the_graph_has_a_legal_name(name: str):
    found = identifier(name)
    assert found.isidentifier()
    assert found.isascii()
    assert len(found) <= 49
