"""What a torch module may be made of, and the words for everything else."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from networks import network
from torch import nn

from lrtc.errors import LrtcError
from lrtc.frontend import describe, lower, rebuild
from lrtc.frontend.layers import RULES
from lrtc.nn import (
    ChannelChunk,
    ExactAvgPool1d,
    ExactAvgPool2d,
    ExactMean,
    InputQuantize,
    LRTBatchNorm,
    LRTConv1d,
    LRTConv2d,
    LRTGain,
    LRTLinear,
    LRTMaxPool2d,
    LRTScale,
    LRTSign,
    Permute,
    QuantActivation,
    QuantConv1d,
    QuantConv2d,
    QuantLinear,
    Reshape,
    SpaceSlice,
    SumPool2d,
    Transpose,
    discretize,
)


class Base(nn.Module):
    """A small image network whose head is given by `tail`."""

    def __init__(self, **extra: nn.Module) -> None:
        super().__init__()
        self.quantize = InputQuantize((1, 4, 4))
        self.conv = LRTConv2d(1, 2, 1)
        self.act = LRTSign()
        self.fc = LRTLinear(32, 3)
        for name, module in extra.items():
            self.add_module(name, module)

    def forward(self, x):
        return self.fc(self.tail(self.act(self.conv(self.quantize(x)))))

    def tail(self, x):
        return x.flatten(1)


END = SpaceSlice.END


def space(start: tuple, stop: tuple, step: tuple = (1, 1), last: bool = False) -> dict:
    """Return the attributes of a SpaceSlice."""
    return {"start": start, "stop": stop, "step": step[: len(start)], "last": last}


def kinds(model: nn.Module) -> list[str]:
    return [layer.kind for layer in describe(model, "m").layers]


def refusal(model: nn.Module) -> str:
    with pytest.raises(LrtcError) as caught:
        describe(model, "m")
    return str(caught.value)


def sequential(layer: nn.Module) -> nn.Module:
    return nn.Sequential(InputQuantize((2, 9, 9)), layer)


@pytest.mark.parametrize(
    "tail",
    [
        lambda self, x: x.flatten(1),
        lambda self, x: x.flatten(start_dim=1),
        lambda self, x: torch.flatten(x, 1),
        lambda self, x: torch.flatten(x, start_dim=1, end_dim=-1),
        lambda self, x: x.view(x.size(0), -1),
        lambda self, x: x.view(x.shape[0], -1),
        lambda self, x: x.reshape(x.size(0), -1),
        lambda self, x: x.reshape((x.shape[0], -1)),
        lambda self, x: torch.reshape(x, (x.size(0), -1)),
        lambda self, x: x.reshape(x.size()[0], -1),
    ],
)
def test_ways_to_flatten(tail, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Base, "tail", tail)
    assert kinds(Base()) == ["InputQuantize", "LRTConv2d", "LRTSign", "Flatten", "LRTLinear"]


def test_functional_pool_and_dropout(monkeypatch: pytest.MonkeyPatch):
    def tail(self, x):
        x = F.max_pool2d(x, 3, stride=1, padding=1)
        return F.dropout(torch.flatten(torch.max_pool2d(x, 1).contiguous(), 1), 0.5, self.training)

    monkeypatch.setattr(Base, "tail", tail)
    found = describe(Base().train(), "m").layers
    assert [layer.kind for layer in found[3:8]] == ["MaxPool2d", "MaxPool2d", "Identity", "Flatten", "Identity"]
    assert dict(found[3].attrs) == {"kernel_size": (3, 3), "stride": (1, 1), "padding": (1, 1)}
    assert found[3].origin == "max_pool2d"


@pytest.mark.parametrize(
    ("tail", "kind", "attrs"),
    [
        (lambda self, x: torch.relu(x), "ReLU", {}),
        (lambda self, x: F.relu(x, inplace=True), "ReLU", {}),
        (lambda self, x: x.clamp(min=0), "ReLU", {}),
        (lambda self, x: x.clamp(-1, 1), "Hardtanh", {"min_val": -1, "max_val": 1}),
        (lambda self, x: F.hardtanh(x, 0.0, 2.0), "Hardtanh", {"min_val": 0.0, "max_val": 2.0}),
        (lambda self, x: F.relu6(x), "ReLU6", {}),
        (lambda self, x: x[:, 1:], "ChannelSlice", {"start": 1}),
        (lambda self, x: x[:, :-1, :, :], "ChannelSlice", {"stop": -1}),
        (lambda self, x: x[:, ::2, ...], "ChannelSlice", {"step": 2}),
        (lambda self, x: x[:, :, 1:-1], "SpaceSlice", space((1,), (-1,))),
        (lambda self, x: x[:, :, :, ::2], "SpaceSlice", space((0, 0), (END, END), (1, 2))),
        (lambda self, x: x[:, :, -3:, 1:9], "SpaceSlice", space((-3, 1), (END, 9))),
        (lambda self, x: x[..., 1:], "SpaceSlice", space((1,), (END,), last=True)),
        (lambda self, x: x[:, ..., :2, :], "SpaceSlice", space((0, 0), (2, END), last=True)),
        (lambda self, x: torch.narrow(x, 2, 1, 2), "SpaceSlice", space((1,), (3,))),
        (lambda self, x: x.narrow(-1, -2, 2), "SpaceSlice", space((-2,), (END,), last=True)),
        (lambda self, x: x.narrow(dim=-2, start=-3, length=2), "SpaceSlice", space((-3, 0), (-1, END), last=True)),
        (lambda self, x: x.narrow(1, 1, 1), "ChannelSlice", {"start": 1, "stop": 2}),
        (lambda self, x: x.permute(0, 2, 3, 1), "Permute", {"dims": (0, 2, 3, 1)}),
        (lambda self, x: torch.permute(x, (0, 3, 1, 2)), "Permute", {"dims": (0, 3, 1, 2)}),
        (lambda self, x: x.transpose(1, -1), "Transpose", {"first": 1, "second": -1}),
        (lambda self, x: x.reshape(x.shape[0], 4, 2, 4), "Reshape", {"shape": (4, 2, 4)}),
        (lambda self, x: x.view(-1, 32), "Reshape", {"shape": (32,)}),
        (lambda self, x: x.view((-1, 4, 8)), "Reshape", {"shape": (4, 8)}),
        (lambda self, x: x.chunk(2, dim=1)[0], "ChannelChunk", {"chunks": 2, "index": 0}),
        (lambda self, x: torch.split(x, 1, dim=1)[1], "ChannelSlice", {"start": 1, "stop": 2}),
        (lambda self, x: x.split([1, 1], 1)[1], "ChannelSlice", {"start": 1, "stop": 2}),
        (lambda self, x: shuffle(x), "ChannelShuffle", {"groups": 2}),
        (lambda self, x: F.channel_shuffle(x, 2), "ChannelShuffle", {"groups": 2}),
        (lambda self, x: F.pad(x, (1, 0, 2, 0)), "ConstantPad2d", {"padding": (1, 0, 2, 0)}),
        (lambda self, x: F.pad(x, (1, 1, 1, 1), value=-1), "ConstantPad2d", {"padding": (1,) * 4, "value": -1}),
        (lambda self, x: F.pad(x, (-1, 1, 0, -2)), "ConstantPad2d", {"padding": (-1, 1, 0, -2)}),
        (lambda self, x: F.avg_pool2d(x, 2), "AvgPool2d", {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0)}),
        (lambda self, x: F.adaptive_avg_pool2d(x, (1, 1)), "AdaptiveAvgPool2d", {}),
        (lambda self, x: x.mean([2, 3], keepdim=True), "ExactMean", {"axes": 2, "keepdim": True}),
        (lambda self, x: torch.mean(x, dim=(-1, -2)), "ExactMean", {"axes": 2, "keepdim": False}),
        (lambda self, x: x.argmax(dim=1), "TopClasses", {"k": 1}),
        (lambda self, x: torch.argmax(x, -1), "TopClasses", {"k": 1}),
        (lambda self, x: torch.topk(x, 2, dim=1).indices, "TopClasses", {"k": 2}),
        (lambda self, x: x.topk(2)[1], "TopClasses", {"k": 2}),
    ],
)
def test_ways_to_write_a_layer(tail, kind: str, attrs: dict, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Base, "tail", tail)
    (layer,) = describe(Base(), "m").layers[3:-1]
    assert (layer.kind, dict(layer.attrs)) == (kind, attrs)


def shuffle(x):
    batch, channels, height, width = x.shape
    x = x.view(batch, 2, channels // 2, height, width)
    return torch.transpose(x, 1, 2).contiguous().view(batch, -1, height, width)


@pytest.mark.parametrize(
    "tail",
    [
        lambda self, x: x + self.act(x),
        lambda self, x: torch.add(self.act(x), x),
        lambda self, x: x.add(self.act(x)),
        lambda self, x: torch.cat([x, self.act(x)], dim=1),
        lambda self, x: torch.cat((x, x, x), 1),
    ],
)
def test_ways_in_which_values_meet(tail, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Base, "tail", tail)
    layer = describe(Base(), "m").layers[-2]
    names = {"act", "act@2"}
    assert layer.kind in ("Add", "Concat")
    assert len(layer.inputs) in (2, 3)
    assert set(layer.inputs) <= names


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        (lambda self, x: x.flatten(), "flatten (Flatten): start_dim=0, end_dim=-1 is not supported; they must"),
        (lambda self, x: x.flatten(2), "start_dim=2, end_dim=-1 is not supported"),
        (lambda self, x: x.view(-1, -1), "view: reshape to (-1, -1) is not supported; use torch.flatten(x, 1)"),
        (lambda self, x: x.view(x.size(1), -1), "view: reshape to (…, -1) is not supported; use torch.flatten(x, 1)"),
        (lambda self, x: (x + 1).flatten(1), "add: adds a number; use the bias of the layer before it"),
        (lambda self, x: torch.add(x, x, alpha=2).flatten(1), "add: alpha is not supported; values are added as they"),
        (lambda self, x: (x * x).flatten(1), "mul (mul): no rule for this operation; values meet in a sum, in torch"),
        (lambda self, x: x.max(1).flatten(1), "max_1: is taken of one value; of two it is supported, torch.maximum("),
        (lambda self, x: torch.min(x).flatten(1), "min_1: is taken of one value; of two it is supported, torch.max"),
        (lambda self, x: (x - x).flatten(1), "sub (sub): no rule for this operation; values are added; fold the minus"),
        (lambda self, x: torch.cat([x, x], 2).flatten(1), "cat: dim=2 is not supported; values are put side by side"),
        (lambda self, x: x[:, 0].flatten(1), "getitem: this index is not supported; channels are taken by x[:, start"),
        (lambda self, x: x[:, :, 0].flatten(1), "getitem: this index is not supported; channels are taken by x[:"),
        (lambda self, x: x[1:, :, 1:].flatten(1), "getitem: this index is not supported; channels are taken by x[:"),
        (lambda self, x: x[:, 1:, 1:].flatten(1), "rows and columns by x[:, :, a:b, c:d] or x[..., c:d], one after"),
        (lambda self, x: x[..., 1:, :, :].flatten(1), "getitem: this index is not supported"),
        (lambda self, x: x[:, :, 1:, ..., 1:].flatten(1), "getitem: this index is not supported"),
        (lambda self, x: x[:, :, : x.size(1)].flatten(1), "an index that is computed is not supported; it must be"),
        (lambda self, x: x.narrow(0, 0, 1).flatten(1), "narrow: dim=0 is not supported; channels are dim=1, rows and"),
        (lambda self, x: x[:, : x.size(2)].flatten(1), "an index that is computed is not supported; it must be a num"),
        (lambda self, x: x.chunk(2, 2)[0].flatten(1), "chunk: dim=2 is not supported; only channels, dim=1, are taken"),
        (lambda self, x: torch.cat(x.chunk(2, 1), 1).flatten(1), "cat: takes all parts of a chunk or split tog"),
        (lambda self, x: x.mean(1).flatten(1), "mean: dim=1 is not supported; average over (2, 3), or over 2 of a sig"),
        (lambda self, x: x.clamp(min=1).flatten(1), "clamp: clamp(1, None) is not supported; give both limits, or 0 a"),
        (lambda self, x: F.pad(x, (1, 1), "reflect").flatten(1), "pad: mode='reflect' is not supported; mode must be"),
        (lambda self, x: F.pad(x, (1, 1, 1, 1, 1, 1)).flatten(1), "is not supported; give (left, right) or (left, "),
        (lambda self, x: F.avg_pool2d(x, 2, 2, 1, False, False).flatten(1), "count_include_pad=False with padding is"),
        (lambda self, x: F.avg_pool2d(x, 2, divisor_override=3).flatten(1), "divisor_override=3 is not supported; di"),
        (lambda self, x: F.adaptive_avg_pool2d(x, 2).flatten(1), "output_size=2 is not supported; output_size must"),
        (lambda self, x: x.topk(1, 1).values.flatten(1), "topk are not supported; take its indices, topk(…).indices"),
        (lambda self, x: x.topk(1, largest=False)[1].flatten(1), "topk: largest=False is not supported; largest must"),
        (lambda self, x: x.flatten(1).argmax(), "argmax: dim=None is not supported; the classes are dim=1 of N×C"),
        (lambda self, x: x.sum(1).flatten(1), "(sum): no rule for this operation; use lrtc.nn.SumPool2d, or a me"),
        (lambda self, x: x.flip(1).flatten(1), "flip (flip): no rule for this operation; known:"),
        (
            lambda self, x: x.view(x.size(0), 2, 1, x.size(2), x.size(3)).flatten(1),
            "flatten: works on channels taken apart; put them together again as torch.nn.ChannelShuffle does",
        ),
        (
            lambda self, x: x.view(x.size(0), 2, 1, x.size(3), x.size(2)).transpose(1, 2).flatten(1),
            "reshape to (…, 2, 1, …, …) is not supported; use torch.flatten(x, 1) or torch.nn.ChannelShuffle",
        ),
        (lambda self, x: x.sign().flatten(1), "sign (sign): no rule for this operation; use lrtc.nn.LRTSign"),
        (lambda self, x: F.gelu(x).flatten(1), "gelu (gelu): no rule for this operation; use lrtc.nn.LRTSign"),
        (lambda self, x: F.max_pool2d(x, x.size(2)).flatten(1), "an argument that is computed is not supported"),
        (lambda self, x: F.max_pool2d(x, 2, ceil_mode=True).flatten(1), "ceil_mode=True is not supported; ceil_mode"),
        (lambda self, x: F.dropout(x, 0.5, True).flatten(1), "training=True is not supported; pass training=self."),
        (lambda self, x: (x / 255).flatten(1), "truediv (truediv): no rule for this operation; leave it out"),
        (lambda self, x: x.float().flatten(1), "(float): no rule for this operation; leave it out: lrtc.nn.Inp"),
        (lambda self, x: x.flatten(1).softmax(1), "softmax (softmax): no rule for this operation; leave it out"),
    ],
)  # fmt: skip
def test_operations_without_a_rule(tail, words: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Base, "tail", tail)
    assert words in refusal(Base())


def test_all_layers_without_a_rule_are_named_at_once():
    features = nn.Sequential(LRTConv2d(3, 64, 3), nn.SELU(), nn.Dropout(), nn.Conv2d(64, 64, 3, padding="same"))
    classifier = nn.Sequential(nn.Flatten(), nn.GELU())

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.quantize = InputQuantize((3, 9, 9))
            self.features, self.classifier = features, classifier

        def forward(self, x):
            return self.classifier(self.features(self.quantize(x)))

    nn.init.ones_(features[3].weight)
    features[3].bias = None
    assert refusal(Net()).splitlines() == [
        "3 layers cannot be compiled",
        "  features.1 (SELU): no rule for this layer; use lrtc.nn.LRTSign",
        "  features.3 (Conv2d 64→64): padding='same' is not supported; give it as numbers",
        "  classifier.1 (GELU): no rule for this layer; use lrtc.nn.LRTSign",
        "  hint: the layers of lrtc.nn and torch's own pools, BatchNorm, ReLU, Flatten, sums can be compiled",
    ]


def exact_conv(**options: object) -> nn.Conv2d:
    conv = nn.Conv2d(2, 2, 3, bias=False, **options)
    nn.init.ones_(conv.weight)
    return conv


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (nn.Conv2d(2, 4, 3), "full-precision weights are not supported; use lrtc.nn.LRTConv2d, or weights in {-1,"),
        (nn.Linear(2, 4), "full-precision weights are not supported; use lrtc.nn.LRTLinear"),
        (exact_conv(padding_mode="reflect", padding=1), "padding_mode='reflect' is not supported; padding_mode must"),
        (exact_conv(padding="same"), "padding='same' is not supported; give it as numbers"),
        (nn.MaxPool2d(2, ceil_mode=True), "ceil_mode=True is not supported; ceil_mode must be False"),
        (nn.MaxPool2d(2, dilation=2), "dilation=2 is not supported; dilation must be 1"),
        (nn.MaxPool2d(2, return_indices=True), "return_indices=True is not supported; return_indices must be False"),
        (nn.BatchNorm2d(2, track_running_stats=False), "track_running_stats=False is not supported; a compiled"),
        (nn.Flatten(2), "start_dim=2, end_dim=-1 is not supported; they must be 1 and -1"),
        (nn.Softmax(1), "1 (Softmax): no rule for this layer; leave it out: the class is the largest score"),
        (nn.AdaptiveMaxPool2d(2), "no rule for this layer; use torch.nn.MaxPool2d, AvgPool2d or a strided lrtc.nn.LR"),
        (nn.AdaptiveAvgPool2d((2, 1)), "output_size=(2, 1) is not supported; output_size must be 1, or use a pool"),
        (nn.AvgPool2d(2, ceil_mode=True), "ceil_mode=True is not supported; ceil_mode must be False"),
        (nn.AvgPool2d(3, 1, 1, count_include_pad=False), "count_include_pad=False with padding is not supported; coun"),
        (nn.AvgPool2d(2, divisor_override=3), "divisor_override=3 is not supported; divisor_override must be None"),
        (nn.ReflectionPad2d(1), "no rule for this layer; use torch.nn.ConstantPad2d, or the convolution's padding"),
        (nn.ZeroPad2d(-2000), "must be 4 whole numbers in -1024..1024"),
        (nn.Hardtanh(-1e8, 1.0), "min_val=-100000000.0 is not supported; min_val must be a number in -1.67772e"),
        (nn.LayerNorm(2), "no rule for this layer; use lrtc.nn.LRTBatchNorm"),
        (nn.BatchNorm3d(2), "1 (BatchNorm3d 2): no rule for this layer (did you mean 'BatchNorm"),
        (nn.Unfold(2), "1 (Unfold): no rule for this layer; known: AdaptiveAvgPool1d, "),
        (nn.LSTM(2, 2), "1 (LSTM): no rule for this layer"),
        (LRTConv2d(2, 2, 3, stride=2000), "stride=(2000, 2000) is not supported; stride must be two whole numbers in"),
    ],
)  # fmt: skip
def test_layers_without_a_rule(layer: nn.Module, words: str):
    assert words in refusal(sequential(layer))


def test_every_kind_can_be_described_and_rebuilt():
    plain_conv, plain_linear = exact_conv(), nn.Linear(2, 3, bias=False)
    plain_conv1d = nn.Conv1d(2, 3, 1, bias=False)
    nn.init.ones_(plain_conv1d.weight)
    with torch.no_grad():
        plain_conv.weight[0] = -1
        plain_linear.weight.copy_(torch.tensor([[1.0, 0.0], [-1.0, 1.0], [0.0, 0.0]]))
    made = {
        "InputQuantize": InputQuantize((3,)), "LRTConv2d": LRTConv2d(1, 2, 1), "LRTLinear": LRTLinear(1, 2),
        "LRTBatchNorm": LRTBatchNorm(2), "BatchNorm1d": nn.BatchNorm1d(2), "LRTSign": LRTSign(0.3, "moment", False),
        "BatchNorm2d": nn.BatchNorm2d(2, affine=False), "MaxPool2d": nn.MaxPool2d(2), "Flatten": nn.Flatten(),
        "LRTConv1d": LRTConv1d(2, 4, 3, groups=2, dilation=2), "QuantConv2d": QuantConv2d(1, 2, 3, bits=4),
        "QuantConv1d": QuantConv1d(2, 2, 3, bits=3, signed=False), "LRTMaxPool2d": LRTMaxPool2d(2),
        "Permute": Permute((0, 2, 1)), "Transpose": Transpose(1, 2), "Reshape": Reshape((2, -1)),
        "LRTGain": LRTGain(2), "QuantActivation": QuantActivation(3, True, 0.5), "MaxPool1d": nn.MaxPool1d(2),
        "AvgPool1d": nn.AvgPool1d(2), "AvgPool2d": nn.AvgPool2d(2), "ExactAvgPool1d": ExactAvgPool1d(2),
        "ExactAvgPool2d": ExactAvgPool2d(2), "SumPool2d": SumPool2d(2), "ExactMean": ExactMean(1),
        "AdaptiveAvgPool1d": nn.AdaptiveAvgPool1d(1), "AdaptiveAvgPool2d": nn.AdaptiveAvgPool2d((1, 1)),
        "ConstantPad1d": nn.ConstantPad1d(1, -1.0), "ConstantPad2d": nn.ConstantPad2d((1, 2, 0, 3), 1.0),
        "ZeroPad1d": nn.ZeroPad1d(1), "ZeroPad2d": nn.ZeroPad2d(1), "ChannelShuffle": nn.ChannelShuffle(2),
        "ChannelChunk": ChannelChunk(2, 1), "Conv1d": plain_conv1d,
        "LRTScale": LRTScale(3), "QuantLinear": QuantLinear(2, 3), "Conv2d": plain_conv, "Linear": plain_linear,
    }  # fmt: skip
    made["ExactBatchNorm"] = next(iter(rebuild(describe(nn.BatchNorm2d(2), "m")).children()))
    for kind in RULES.keys() - made.keys():
        made[kind] = RULES[kind].torch_class()
    for kind in ("Add", "Concat", "Maximum", "Minimum"):  # of two values; see test_mixed
        del made[kind]
    for kind, module in made.items():
        (layer,) = describe(module, "m").layers
        assert (layer.kind, layer.name, layer.origin) == (kind, "0", "0")
        (again,) = describe(rebuild(describe(module, "m")), "m").layers
        if kind.startswith(("LRT", "Quant", "Exact", "Input", "Sum", "Top", "Channel")):
            assert again == layer


def test_plain_layers_with_discrete_weights_are_accepted():
    model = nn.Sequential(InputQuantize((2, 3, 3)), exact_conv(), nn.Flatten())
    model.append(LRTLinear(2, 3))
    x = torch.randint(0, 256, (5, 2, 3, 3), dtype=torch.uint8)
    discretize(model)
    description = describe(model, "m")
    with torch.no_grad():
        assert torch.equal(rebuild(description)(x), model(x))
    assert str(lower(description).graph.types["v1_w"]) == "b1[2x3x3x2:OHWI]"
    with torch.no_grad():
        model[1].weight[0, 0, 0, 0] = 0
    assert str(lower(describe(model, "m")).graph.types["v1_w"]) == "t2[2x3x3x2:OHWI]"


def test_a_module_used_twice_is_two_layers_with_one_set_of_tensors():
    shared = LRTLinear(4, 4)
    act = LRTSign()
    model = discretize(nn.Sequential(InputQuantize((4,)), shared, act, shared, act, shared))
    description = describe(model, "m")
    assert [v.name for v in description.layers] == ["0", "1", "2", "1@2", "2@2", "1@3"]
    assert [v.origin for v in description.layers] == ["0", "1", "2", "1", "2", "1"]
    assert list(description.tensors) == ["1.discrete_weight"]
    x = torch.randint(0, 256, (5, 4), dtype=torch.uint8)
    with torch.no_grad():
        assert torch.equal(rebuild(description)(x), model(x))
    assert lower(description).graph.types["v1_3"].shape == (4,)


def test_dead_branches_do_not_matter(monkeypatch: pytest.MonkeyPatch):
    def tail(self, x):
        F.gelu(x)
        return x.flatten(1)

    monkeypatch.setattr(Base, "tail", tail)
    assert "Flatten" in kinds(Base())


def test_modes_and_values_are_left_alone():
    model = Base(drop=nn.Dropout())
    model.train()
    model.conv.eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    found = describe(model, "m")
    assert model.training
    assert not model.conv.training
    assert model.drop.training
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    with torch.no_grad():
        model.conv.beta.fill_(9)  # the description is a copy
    assert not (found.tensors["conv.beta"] == 9).any()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch about itself
def test_a_compiled_module_is_described_as_what_it_wraps():
    assert describe(torch.compile(Base()), "m").layers == describe(Base(), "m").layers


def test_a_subclass_is_refused():
    class Mine(LRTSign):
        pass

    assert "1 (Mine): derives from LRTSign, and may compute something else; use LRTSign itself" in refusal(
        sequential(Mine())
    )


def test_hooks_are_refused():
    layer = LRTSign()
    layer.register_forward_hook(lambda module, args, out: -out)
    assert "1 (LRTSign): has forward hooks, which a compiled network cannot run" in refusal(sequential(layer))


def test_control_flow_is_refused(monkeypatch: pytest.MonkeyPatch):
    def tail(self, x):
        return x.flatten(1) if x.sum() > 0 else x

    monkeypatch.setattr(Base, "tail", tail)
    message = refusal(Base())
    assert message.startswith("the model cannot be traced\n")
    assert "TraceError: " in message
    assert "hint: put layers one after another, without if or for on values" in message


def test_whatever_forward_raises_is_the_models_fault(monkeypatch: pytest.MonkeyPatch):
    def tail(self, x):
        raise RuntimeError("no\nway")

    monkeypatch.setattr(Base, "tail", tail)
    assert "RuntimeError: no way; forward must do the same for every input" in refusal(Base())


def test_parameters_outside_layers_are_refused(monkeypatch: pytest.MonkeyPatch):
    model = Base()
    model.gain = nn.Parameter(torch.ones(1))
    monkeypatch.setattr(Base, "tail", lambda self, x: (x * self.gain).flatten(1))
    assert "gain: a parameter outside a layer is not supported; use the layers of lrtc.nn" in refusal(model)


def returning(what) -> nn.Module:
    class Returns(Base):
        def forward(self, x):
            return what(self, x)

    return Returns()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (lambda m, x: 3, "returns a int; a network returns a tensor, or a tuple, list or dict of tensors"),
        (lambda m, x: (m.act(x), (m.act(x),)), "returns a tuple among its outputs; each of them must be a tensor"),
        (lambda m, x: [m.act(x), None], "returns a NoneType among its outputs"),
        (lambda m, x: {"a": m.act(x), "b": x}, "returns its input as 'b'; there is no layer in it"),
        (lambda m, x: (m.act(x), x), "returns its input as number 1; there is no layer in it"),
        (lambda m, x: m.conv(m.quantize(x)).chunk(2, 1), "returns all parts of a chunk, split or topk together"),
        (lambda m, x: (), "output: there are 0; 1 to 64 are supported"),
    ],
)
def test_what_forward_may_not_return(what, words: str):
    assert f"{words}" in refusal(returning(what))


def test_what_forward_may_not_take():
    class Many(Base):
        def forward(self, *inputs):
            return self.act(self.quantize(inputs[0]))

    assert "forward(*inputs): is no input; name each tensor that forward takes" in refusal(Many())
    assert "forward: returns its input; there is no layer in it" in refusal(nn.Sequential())


def test_an_unused_second_argument_is_no_input():
    class Optional(Base):
        def forward(self, x, mask=None):
            return super().forward(x)

    assert len(kinds(Optional())) == 5


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite_name_the_layer(value: float):
    model = Base()
    with torch.no_grad():
        model.conv.alpha[0] = value
        model.fc.beta[:, 1] = value
    assert refusal(model).splitlines() == [
        "2 layers cannot be described",
        "  conv (LRTConv2d 1→2): alpha: 1 of 2 values are NaN or infinite; every value must be finite",
        "  fc (LRTLinear 32→3): beta: 3 of 96 values are NaN or infinite; every value must be finite",
    ]


def test_a_negative_variance_is_refused():
    norm = nn.BatchNorm1d(3)
    norm.running_var[1] = -1
    assert "1 (BatchNorm1d 3): running_var: values lie in -1.0..1.0; they must be at least 0" in refusal(
        sequential(norm)
    )


def test_other_precisions_are_refused():
    message = refusal(network(3, channels=(3,), norm="lrt").double())
    assert "conv0 (LRTConv2d " in message or "bn0 (LRTBatchNorm 3): weight is float64; it must be float32" in message


@pytest.mark.parametrize("thing", [None, "model.pt", {}, torch.zeros(3)])
def test_what_is_no_module_is_refused(thing: object):
    with pytest.raises(LrtcError, match=f"a {type(thing).__name__} is not a torch.nn.Module"):
        describe(thing, "m")


@pytest.mark.parametrize("name", ["", "x" * 201, 3])
def test_the_name_is_text_of_a_length(name: object):
    with pytest.raises(LrtcError, match="the model's name: "):
        describe(network(0), name)
