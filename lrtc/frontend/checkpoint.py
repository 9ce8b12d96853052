"""Checkpoints of the LR-net research code into a module of lrtc.nn layers, by name or by order, with a report.

That code keeps the logits of a layer as `alpha` and `betta`, of shape (O, I, kh, kw, 1) for a convolution and
(O, I, 1) for a linear layer, with P(w=0) = σ(alpha) and P(w=+1 | w≠0) = σ(betta), and beside them an optional
`bias` and `gain` of O values; batchnorms and the full-precision last layer are plain. To compile such a network:

    model = nn.Sequential(InputQuantize((3, 32, 32)), LRTConv2d(3, 128, 3, padding=1), LRTGain(128), LRTSign(), …)
    state = torch.load("checkpoint.pt", weights_only=True)      # its tensors only: foreign code is not run
    print(load_checkpoint(model, state))                        # what went where, what is left
    lrtc.nn.discretize(model)
    lrtc.nn.reestimate_batchnorm(model, loader)                 # that code keeps no usable statistics
    lrtc.save(model, "model.pt")

Layers and groups of tensors of the same path match by name; what is left of a sort matches in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lrtc.errors import FaultList, LrtcError, shown
from lrtc.frontend.fields import shape_text
from lrtc.nn import LRTBatchNorm, LRTConv1d, LRTConv2d, LRTGain, LRTLinear, QuantConv1d, QuantConv2d, QuantLinear

RANDOM = (LRTConv1d, LRTConv2d, LRTLinear)
NORMS = (LRTBatchNorm, nn.modules.batchnorm._BatchNorm)
DENSE = (QuantLinear, QuantConv1d, QuantConv2d)
BETA = ("betta", "beta")
HINT = "build the module as the checkpoint's was: the same layers in order, LRTGain where it has a gain"


@dataclass(frozen=True)
class Loaded:
    """What a checkpoint gave: lines `tensor shape → place`, the names that nothing took, and notes for people."""

    matched: tuple[str, ...]
    unused: tuple[str, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        left = [f"not taken: {name}" for name in self.unused]
        return "\n".join([*self.matched, *left, *(f"note: {note}" for note in self.notes)])


def load_checkpoint(module: nn.Module, state: Mapping[str, object]) -> Loaded:
    """Return a report, after setting the module's logits, gains, biases, norms and last layers from a checkpoint.

    state: a state dict, or a dict that holds one under "state_dict"; a common prefix "module." does not count.
    LrtcError names every layer that finds nothing, every group that no layer takes and every shape that does not
    fit; the module is then left as it was.
    """
    found = _Loading(_groups(state))
    layers = list(module.named_modules())
    for kinds, sort in ((RANDOM, "logits"), (NORMS, "batchnorm"), (DENSE, "weights")):
        mine = [(path, m) for path, m in layers if isinstance(m, kinds)]
        for path, m, prefix, how in found.pairs(mine, sort):
            gain = _gain_after(layers, m) if sort == "logits" else None
            found.take(path, m, prefix, how, gain)
    found.faults.check("the checkpoint does not fit the module: {n}", HINT)
    with torch.no_grad():
        for target, value in found.copies:
            target.copy_(value)
    return Loaded(tuple(found.matched), tuple(found.unused()), tuple(found.notes))


def _groups(state: Mapping[str, object]) -> dict[str, dict[str, Tensor]]:
    """Return prefix → leaf → tensor, in the checkpoint's order."""
    held = state.get("state_dict", state) if isinstance(state, Mapping) else None
    if not isinstance(held, Mapping) or not all(isinstance(k, str) for k in held):
        raise LrtcError("a checkpoint is a state dict: names → tensors", hint="torch.load(path, weights_only=True)")
    if held and all(key.startswith("module.") for key in held):
        held = {key.removeprefix("module."): value for key, value in held.items()}
    groups: dict[str, dict[str, Tensor]] = {}
    for key, value in held.items():
        prefix, _, leaf = key.rpartition(".")
        if isinstance(value, Tensor):
            groups.setdefault(prefix, {})[leaf] = value.detach()
    if not any(_sort(group) == "logits" for group in groups.values()):
        raise LrtcError("the checkpoint holds no logits: no tensors named alpha and betta", hint=HINT)
    return groups


def _sort(group: Mapping[str, Tensor]) -> str:
    """Return what a group of tensors belongs to: "logits", "batchnorm", "weights", or ""."""
    if any(name in group for name in BETA):
        return "logits"
    weight = group.get("weight")
    return "" if weight is None else "batchnorm" if weight.dim() == 1 else "weights"


def _gain_after(layers: list[tuple[str, nn.Module]], layer: nn.Module) -> tuple[str, LRTGain] | None:
    """Return the LRTGain between a layer and the next one with logits, if there is one."""
    after = iter(layers)
    for _, m in after:
        if m is layer:
            break
    for path, m in after:
        if isinstance(m, LRTGain):
            return path, m
        if isinstance(m, RANDOM):
            break
    return None


@dataclass
class _Loading:
    """Pairs layers with groups and gathers what is to be copied; nothing is written before all of it fits."""

    groups: dict[str, dict[str, Tensor]]
    faults: FaultList = field(default_factory=FaultList)
    copies: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    matched: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def pairs(self, layers: list[tuple[str, nn.Module]], sort: str) -> Iterator[tuple[str, nn.Module, str, str]]:
        """Yield (path, layer, prefix, "by name" or "in order"); a fault for what stays alone."""
        free = [prefix for prefix, group in self.groups.items() if _sort(group) == sort]
        rest = []
        for path, m in layers:
            if path in free:
                free.remove(path)
                yield path, m, path, "by name"
            else:
                rest.append((path, m))
        for (path, m), prefix in zip(rest, free, strict=False):
            yield path, m, prefix, "in order"
        for path, m in rest[len(free) :]:
            self.faults.add(f"{shown(path)} ({type(m).__name__})", f"finds no {sort} in the checkpoint")
        for prefix in free[len(rest) :]:
            self.faults.add(shown(prefix), f"its {sort} find no layer in the module")

    def take(self, path: str, m: nn.Module, prefix: str, how: str, gain: tuple[str, LRTGain] | None) -> None:
        """Gather the tensors of one pair."""
        group = self.groups[prefix]
        if isinstance(m, RANDOM):
            self._logits(path, m, prefix, how, gain)
            return
        names = ("weight", "bias", *(("running_mean", "running_var") if isinstance(m, NORMS) else ()))
        for name in names:
            if name in group:
                self._copy(prefix, name, path, getattr(m, name), how)
        mean, var = (group.get(name) for name in ("running_mean", "running_var"))
        if isinstance(m, NORMS) and (mean is None or var is None or not (mean.any() or (var != 1).any())):
            self.notes.append(f"{prefix} has no usable statistics; call lrtc.nn.reestimate_batchnorm after discretize")

    def _logits(self, path: str, m: nn.Module, prefix: str, how: str, gain: tuple[str, LRTGain] | None) -> None:
        group = self.groups[prefix]
        if m.theta is not None:
            self.faults.add(
                f"{shown(path)} ({type(m).__name__})",
                f"weights={m.weights!r}; checkpoints have ternary or bipolar ones",
            )
            return
        beta = next(name for name in BETA if name in group)
        self._copy(prefix, beta, f"{path}.beta", m.beta, how)
        if m.alpha is not None and "alpha" not in group:
            self.faults.add(shown(prefix), f"has no alpha; {path} is ternary: give it weights='bipolar'")
        elif m.alpha is not None:
            self._copy(prefix, "alpha", f"{path}.alpha", m.alpha, how)
        elif "alpha" in group:
            self.faults.add(shown(prefix), f"has alpha, so its weights are ternary; {path} is bipolar")
        place = (gain[0], gain[1].bias) if gain else (path, m.bias)
        if gain and "gain" not in group:
            self.copies.append((gain[1].gain, torch.ones_like(gain[1].gain)))
        for name, where, target, neutral in (
            ("gain", gain and gain[0], gain and gain[1].gain, 1.0),
            ("bias", *place, 0.0),
        ):
            if name not in group:
                continue
            if target is not None:
                self._copy(prefix, name, f"{where}.{name}", target, how)
            elif bool((group[name] != neutral).any()):
                self.faults.add(shown(prefix), f"its {name} has no place; put lrtc.nn.LRTGain after {path}")
        self.copies.append((m.is_discrete, torch.tensor(False)))

    def _copy(self, prefix: str, name: str, place: str, target: Tensor | None, how: str) -> None:
        value, key = self.groups[prefix][name], f"{prefix}.{name}" if prefix else name
        self.taken.add(key)
        if target is None:
            return
        fits = value.squeeze(-1) if value.dim() == target.dim() + 1 and value.shape[-1] == 1 else value
        if target.dim() == 1 and value.numel() == target.numel():
            fits = value.reshape(-1)  # gains of the research code have axes for broadcasting
        if fits.shape != target.shape:
            want = shape_text(target.shape)
            self.faults.add(shown(key), f"has shape {shape_text(value.shape)}; {place} is {want} (or {want}x1)")
        elif not bool(torch.isfinite(fits).all()):
            self.faults.add(shown(key), "has values that are NaN or infinite; every value must be finite")
        else:
            self.copies.append((target, fits.to(target.dtype)))
            self.matched.append(f"{key} {shape_text(value.shape)} → {place}, {how}")

    def unused(self) -> Iterator[str]:
        """Yield the names that nothing took."""
        for prefix, group in self.groups.items():
            for name in group:
                key = f"{prefix}.{name}" if prefix else name
                if key not in self.taken:
                    yield key


__all__ = ["Loaded", "load_checkpoint"]
