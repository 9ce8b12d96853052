"""Networks with real activations (ReLU between discrete weights) become networks of integers, by a calibration set.

A description is rewritten: quantisers (QuantActivation) are put in where integers are needed, and what they divide by
is multiplied back after the next dot product (LRTGain), where thresholds absorb it. Every value then is an integer
times a step; positive steps commute with ReLU, pools and moves, so they are carried along until a layer needs the
real number. What comes out is an ordinary model: torch, interpreter, C and RTL agree on it exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lrtc.errors import Fault, LrtcError, count, nearest, shown
from lrtc.frontend.description import Description, Layer, Returns, fault_of
from lrtc.frontend.layers import RULES
from lrtc.frontend.lowering import EXACT
from lrtc.frontend.rebuild import build, discretized, rebuild
from lrtc.frontend.scales import Scale, best_scale, covering, limits, measured

BITS = (2, 8)
BATCH = 256

DOTS = {"LRTConv2d", "LRTConv1d", "LRTLinear", "Conv2d", "Conv1d", "Linear", "QuantLinear", "QuantConv1d",
        "QuantConv2d"}  # fmt: skip
AVERAGES = {"AvgPool2d", "AvgPool1d", "ExactAvgPool2d", "ExactAvgPool1d", "ExactMean", "AdaptiveAvgPool2d",
            "AdaptiveAvgPool1d"}  # fmt: skip
PADS = {"ConstantPad1d", "ConstantPad2d", "ZeroPad1d", "ZeroPad2d"}
MEETINGS = {"Add", "Concat", "Maximum", "Minimum"}
ENDINGS = {"LRTScale", "TopClasses"}
NEED_INTEGERS = DOTS | AVERAGES | PADS | ENDINGS | {"SumPool2d"}
MOVES = {"LRTMaxPool2d", "MaxPool2d", "MaxPool1d", "Flatten", "ChannelSlice", "ChannelChunk", "ChannelShuffle",
         "SpaceSlice", "Permute", "Transpose", "Reshape", "Identity", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d",
         "AlphaDropout", "FeatureAlphaDropout"}  # fmt: skip
ACTIVATIONS = {"LRTReLU", "ReLU", "ReLU6", "Hardtanh"}
REALS = {"LRTBatchNorm", "ExactBatchNorm", "BatchNorm1d", "BatchNorm2d", "LRTGain"}
DECISIONS = {"InputQuantize", "LRTSign", "LRTTernarySign", "QuantActivation"}
CARRY = (
    NEED_INTEGERS | MEETINGS | MOVES | {"LRTReLU", "ReLU"}
)  # a positive step of what they take is one of what they give


@dataclass(frozen=True)
class Quantiser:
    """One quantiser that was put in: the dotted path that it stands behind, and its scale, whose step is real."""

    layer: str
    scale: Scale


@dataclass(frozen=True)
class Quantised:
    """The network of integers, the network it was made from (weights fixed), and the quantisers in order."""

    description: Description
    before: Description
    quantisers: tuple[Quantiser, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Value:
    """What is known of a value: the layer that makes it, its data, and that the real value is step · it."""

    name: str
    data: Tensor
    step: float = 1.0

    @property
    def real(self) -> np.ndarray:
        return self.data.numpy().astype(np.float64) * self.step


Feeds = Mapping[str, np.ndarray]  # name of an input → samples [N,…] as torch takes them


def quantize(description: Description, x: Feeds, bits: int, own: Mapping[str, int] | None = None) -> Quantised:
    """Return the network with activations of `bits` bits where integers are needed.

    x: the calibration set. own: bits of single quantisers, by the path that they stand
    behind. Layers are taken in order, each with the quantisers before it at work. LrtcError if there is nothing to
    quantise, or names what stands in the way.
    """
    own = dict(own or {})
    if wrong := [n for n in (bits, *own.values()) if not BITS[0] <= n <= BITS[1]]:
        raise LrtcError(f"{wrong[0]} bits are not supported; activations have {BITS[0]} to {BITS[1]}")
    fixed, notes = discretized(description)
    work = _Calibration(_unshared(fixed), bits, own)
    with torch.no_grad():
        work.run({name: torch.from_numpy(x[name]) for name in fixed.inputs})
    if work.faults:
        raise LrtcError(f"{count(len(work.faults), 'layer')} cannot be quantised", work.faults)
    known = [q.layer for q in work.quantisers]
    if not known:
        raise LrtcError(
            "there is nothing to quantise: every value that meets weights is an integer; compile it as it is"
        )
    if stray := [path for path in own if path not in known]:
        raise LrtcError(f"no quantiser stands behind {shown(stray[0])}{nearest(stray[0], known)}; they stand behind "
                        f"{', '.join(map(shown, known))}")  # fmt: skip
    tensors = {f"{v.origin}.{n}": work.tensors[f"{v.origin}.{n}"] for v in work.layers for n in _names(v)}
    made = replace(fixed, layers=tuple(work.layers), output=_renamed(fixed.output, work.names), tensors=tensors)
    return Quantised(made, fixed, tuple(work.quantisers), notes)


def _renamed(output: Returns, names: Mapping[str, str]) -> Returns:
    if isinstance(output, str):
        return names[output]
    if isinstance(output, dict):
        return {key: names[name] for key, name in output.items()}
    return type(output)(names[name] for name in output)


def accuracy(description: Description, x: Feeds, y: np.ndarray) -> float:
    """Return the share of samples whose class, by the first output, is y; of equal scores the lowest class."""
    module, columns = rebuild(description), [torch.from_numpy(x[name]).split(BATCH) for name in description.inputs]
    last = next(v for v in description.layers if v.name == description.outputs[0])
    with torch.no_grad():
        answers = [module(*batch) for batch in zip(*columns, strict=True)]
    first = [next(iter(a.values() if isinstance(a, dict) else a)) if not isinstance(a, Tensor) else a for a in answers]
    scores = torch.cat(first).numpy()
    return float(((scores[:, 0] if last.kind == "TopClasses" else scores.argmax(axis=1)) == y).mean())


def _names(layer: Layer) -> list[str]:
    return list(RULES[layer.kind].specs(layer.attrs))


def _unshared(description: Description) -> Description:
    """Return the description with an origin and tensors of its own for every layer: uses may come to differ."""
    uses = Counter(layer.origin for layer in description.layers)
    layers, tensors = [], {}
    for layer in description.layers:
        own = layer if uses[layer.origin] == 1 else replace(layer, origin=layer.name)
        layers.append(own)
        tensors |= {f"{own.origin}.{n}": t for n, t in description.tensors_of(layer, _names(layer)).items()}
    return replace(description, layers=tuple(layers), tensors=tensors)


class _Calibration:
    """Walks the layers in order with the calibration set, and writes the new ones."""

    def __init__(self, description: Description, bits: int, own: Mapping[str, int]) -> None:
        self.description, self.bits, self.own = description, bits, own
        self.tensors: dict[str, Tensor] = dict(description.tensors)
        self.layers: list[Layer] = []
        self.names = {name: name for name in description.inputs}  # of a layer's value before → after
        self.taken = {name for v in description.layers for name in (v.name, v.origin)}
        self.quantisers: list[Quantiser] = []
        self.faults: list[Fault] = []
        self.needed, self.scores = self._looked_ahead()

    def _looked_ahead(self) -> tuple[set[str], set[str]]:
        """Return the layers whose values must be integers, and those that only lead to the scores."""
        needed, scores, inner = set(), set(self.description.outputs), set()
        for layer in reversed(self.description.layers):
            moves = layer.kind in MOVES
            if layer.kind in NEED_INTEGERS or (moves and layer.name in needed):
                needed.update(layer.inputs)
            ends = layer.name in scores - inner and (moves or layer.kind in ENDINGS)
            (scores if ends else inner).update(layer.inputs)
        return needed, scores - inner

    def run(self, x: Mapping[str, Tensor]) -> None:
        last = {name: i for i, layer in enumerate(self.description.layers) for name in layer.inputs}
        values = {name: _Value(name, data) for name, data in x.items()}
        for i, layer in enumerate(self.description.layers):
            operands = [values[name] for name in layer.inputs]
            value = self._after(layer, self._layer(layer, operands))
            values[layer.name], self.names[layer.name] = value, value.name
            for name in layer.inputs:
                if last[name] == i:
                    values.pop(name, None)

    def _layer(self, layer: Layer, operands: list[_Value]) -> _Value:
        """Return the value of the layer, which may be written with other attributes."""
        if layer.kind in MEETINGS:
            operands = self._met(layer, operands)
        (step, *_), kind = [v.step for v in operands], layer.kind
        if kind in PADS and step != 1:
            layer = self._padded(layer, step)
        if kind in DOTS | {"LRTScale"} and step != 1:
            return self._dot(layer, operands[0])
        if kind not in CARRY and step != 1:
            operands, step = [self._times_step(operands[0])], 1.0
        return self._write(layer, operands, step)

    def _after(self, layer: Layer, value: _Value) -> _Value:
        """Return the value, quantised if it must be an integer and is none, or is an activation of more bits."""
        if layer.name not in self.needed:
            return value
        bits = self.own.get(layer.origin, self.bits)
        narrow = float(value.data.abs().max()) <= limits(bits, bool((value.data < 0).any()))[1]
        if not self._is_real(value.name) and (layer.kind not in ACTIVATIONS or narrow):
            return value
        return self._coded(value, layer.origin, best_scale(value.real, bits))

    def _is_real(self, name: str) -> bool:
        """Return whether a value of the new network is of real numbers, whatever the calibration set makes of it."""
        layer = next((v for v in self.layers if v.name == name), None)
        if layer is None or layer.kind in DECISIONS | ENDINGS | MEETINGS | {"SumPool2d"} | PADS:
            return False
        if layer.kind in MOVES | ACTIVATIONS:
            return self._is_real(layer.inputs[0])
        return layer.kind in REALS | AVERAGES or bool(layer.attrs.get("bias"))

    # --- what is put in ---

    def _coded(self, x: _Value, behind: str, scale: Scale) -> _Value:
        """Return x as codes of the scale, by a quantiser behind it."""
        ratio = float(np.float32(scale.step / x.step))
        attrs = {"bits": scale.bits, "signed": scale.signed, "scale": ratio}
        exact = measured(x.real, scale.bits, scale.signed, ratio * x.step)  # the step that float32 holds
        self.quantisers.append(Quantiser(behind, exact))
        return self._write(self._new("QuantActivation", x, "codes", attrs), [x], exact.step)

    def _times_step(self, x: _Value, bias: Tensor | None = None) -> _Value:
        """Return step · x + bias as real numbers."""
        channels = x.data.shape[1]
        layer = self._new("LRTGain", x, "step", {"num_features": channels})
        self.tensors[f"{layer.origin}.gain"] = torch.full((channels,), x.step)
        self.tensors[f"{layer.origin}.bias"] = torch.zeros(channels) if bias is None else bias.to(torch.float32)
        return self._write(layer, [x], 1.0)

    def _new(self, kind: str, x: _Value, suffix: str, attrs: dict[str, Any]) -> Layer:
        name, k = f"{x.name}.{suffix}", 1
        while name in self.taken:
            k += 1
            name = f"{x.name}.{suffix}{k}"
        self.taken.add(name)
        return Layer(name, kind, (x.name,), attrs, name)

    def _write(self, layer: Layer, operands: Sequence[_Value], step: float) -> _Value:
        """Return the layer's value, and keep the layer."""
        layer = replace(layer, inputs=tuple(v.name for v in operands))
        self.layers.append(layer)
        module = build(replace(self.description, tensors=self.tensors), layer)
        parts = [v.data.split(BATCH) for v in operands]
        return _Value(layer.name, torch.cat([module(*batch) for batch in zip(*parts, strict=True)]), step)

    # --- layers that a step changes ---

    def _dot(self, layer: Layer, x: _Value) -> _Value:
        """Return the products of the codes; a bias waits for the step, or at the end is counted in steps."""
        held = "bias" if layer.attrs.get("bias") else "offset"
        bias = self.tensors.get(f"{layer.origin}.{held}")
        if held == "offset" and bias is not None and (layer.name in self.scores or not bool(bias.any())):
            counted = torch.round(bias.to(torch.float64) / x.step)
            if float(counted.abs().max()) >= EXACT:
                text = (
                    f"its offsets are {float(counted.abs().max()):.3g} steps of {x.step:.3g}; fewer than 2^24 are exact"
                )
                self.faults.append(fault_of(layer, text))
            self.tensors[f"{layer.origin}.offset"] = counted.clamp(-EXACT, EXACT).to(torch.int32)
            bias = None
        elif held == "offset" and bias is not None:
            self.tensors[f"{layer.origin}.offset"] = torch.zeros_like(bias)
        elif bias is not None:
            layer = replace(layer, attrs={**layer.attrs, "bias": False})
        y = self._write(layer, [x], x.step)
        return y if bias is None else self._times_step(y, bias)

    def _padded(self, layer: Layer, step: float) -> Layer:
        """Return the pad with its value counted in steps."""
        value = layer.attrs.get("value", 0) / step
        if value != round(value):
            self.faults.append(
                fault_of(layer, f"pads with {value:.3g} steps of {step:.3g}; a whole number is supported")
            )
        return replace(layer, attrs={**layer.attrs, "value": round(value)}) if value else layer

    def _met(self, layer: Layer, operands: list[_Value]) -> list[_Value]:
        """Return values that meet in a sum or side by side on one step.

        If they are not: on the best step for all of them with one bit more than activations have (for the sign), or
        on the finest step that one of the integers has or a fraction of it, if that is not much finer and 8 bits
        hold the others in it.
        """
        whole = [v for v in operands if not self._is_real(v.name)]
        if len(whole) == len(operands) and len({v.step for v in operands}) == 1:
            return operands
        bits = self.own.get(layer.origin, min(self.bits + 1, BITS[1]))
        step = best_scale(np.concatenate([v.real.ravel() for v in operands]), bits).step
        finest = min((v.step for v in whole), default=0.0)
        own = finest / max(1, round(finest / step))
        if 4 * own >= step and all(_fits(v.real, own) for v in operands if v not in whole or v.step != own):
            step = own
        return [v if v in whole and v.step == step else self._on_step(layer, v, step) for v in operands]

    def _on_step(self, layer: Layer, x: _Value, step: float) -> _Value:
        bits, signed = covering(x.real, step, BITS)
        return self._coded(x, layer.origin, measured(x.real, bits, signed, step))


def _fits(values: np.ndarray, step: float) -> bool:
    bits, signed = covering(values, step, BITS)
    return float(np.abs(values).max(initial=0)) <= (limits(bits, signed)[1] + 0.5) * step
