"""What a network of random weights looks like inside: entropy, saturation, zeros, |m/s| before signs, dead channels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lrtc.nn import Gaussian, LRTSign, LRTTernarySign, Moments
from lrtc.nn.discrete import RANDOM
from lrtc.nn.distribution import standardize
from lrtc.nn.straight import StraightThrough

BINS = 60
REACH = 6.0  # of the histograms of |m/s|; what lies beyond is counted in the last bin
CERTAIN = 0.95  # a weight whose likeliest value has this probability is called saturated
CONSTANT = 0.999  # a channel whose mean activation lies beyond ± this never changes


@dataclass(frozen=True)
class WeightReport:
    """The weights of one layer. entropy: mean, bits a weight; saturated, zeros, at_limit: shares 0 … 1.

    saturated: likeliest value at CERTAIN or more; zeros: of the most probable weights; at_limit: logits at ±clip;
    dead: output channels whose most probable weights are all zero, of `channels`; fixed: the layer is discrete.
    """

    name: str
    fixed: bool
    entropy: float
    saturated: float
    zeros: float
    at_limit: float
    dead: int
    channels: int


@dataclass(frozen=True)
class SignReport:
    """The inputs of one sign. histogram: counts of |m/s| in BINS bins over 0 … REACH, None where they are numbers.

    median: of |m/s|; constant: channels whose output never changes on the samples, of `channels`.
    """

    name: str
    histogram: tuple[int, ...] | None
    median: float | None
    constant: int
    channels: int


def entropy(p: Tensor) -> Tensor:
    """Return −Σ p log2 p over the last axis: bits, 0 for a weight that is certain."""
    return -(p * torch.log2(p.clamp_min(1e-300))).sum(-1)


@torch.no_grad()
def weight_reports(net: nn.Module, clip: float = 5.0) -> list[WeightReport]:
    """Return a report of every discrete layer, in the order in which they are registered."""
    found = []
    for name, m in net.named_modules():
        if isinstance(m, StraightThrough):
            found.append(_report(name, m.weight(), None, _at_ends(m), fixed=False))
        elif isinstance(m, RANDOM) and not name.endswith(".layer"):
            fixed = bool(m.is_discrete)
            values = m.discrete_weight if fixed else m.most_probable()
            logits = torch.cat([p.flatten() for p in m.logits()])
            found.append(_report(name, values, None if fixed else m.probabilities(), logits.abs() >= clip, fixed))
    return found


def _at_ends(m: StraightThrough) -> Tensor:
    return (m.latent <= m.layer.values[0]) | (m.latent >= m.layer.values[-1])


def _report(name: str, values: Tensor, p: Tensor | None, limit: Tensor, fixed: bool) -> WeightReport:
    return WeightReport(
        name,
        fixed,
        entropy=0.0 if p is None else float(entropy(p).mean()),
        saturated=1.0 if p is None else float((p.amax(-1) >= CERTAIN).double().mean()),
        zeros=float((values == 0).double().mean()),
        at_limit=float(limit.double().mean()),
        dead=int((values.flatten(1) == 0).all(1).sum()),
        channels=len(values),
    )


@torch.no_grad()
def sign_reports(net: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> list[SignReport]:
    """Return a report of every sign in the order in which they are met, by one pass over `batches` in eval mode."""
    looks: dict[str, _Look] = {}
    hooks = []
    for name, m in net.named_modules():
        if isinstance(m, (LRTSign, LRTTernarySign)):
            looks[name] = _Look(name)
            hooks.append(m.register_forward_hook(looks[name].see))
    training = net.training
    try:
        net.eval()
        device = next(net.parameters()).device
        for x, _y in batches:
            net(x.to(device))
    finally:
        net.train(training)
        for hook in hooks:
            hook.remove()
    return [look.report() for look in looks.values() if look.count]


class _Look:
    def __init__(self, name: str) -> None:
        self.name, self.count, self.total = name, 0, None
        self.histogram: Tensor | None = None

    def see(self, module: nn.Module, args: tuple, out: Tensor | Moments) -> None:
        h = out.mean if isinstance(out, Moments) else out
        total = h.transpose(0, 1).flatten(1).double().sum(1)
        self.total = total if self.total is None else self.total + total
        self.count += h.numel() // h.shape[1]
        if isinstance(args[0], Gaussian):
            z = standardize(args[0], module.variance_floor).abs().clamp_max(REACH).float()
            counts = torch.histc(z, BINS, 0, REACH).long().cpu()
            self.histogram = counts if self.histogram is None else self.histogram + counts

    def report(self) -> SignReport:
        mean = self.total / self.count
        constant = int((mean.abs() > CONSTANT).sum())
        if self.histogram is None:
            return SignReport(self.name, None, None, constant, len(mean))
        below = self.histogram.cumsum(0)
        median = (int((below * 2 < below[-1]).sum()) + 0.5) * REACH / BINS
        return SignReport(self.name, tuple(self.histogram.tolist()), median, constant, len(mean))


def warnings(weights: Iterable[WeightReport], signs: Iterable[SignReport]) -> list[str]:
    """Return what deserves a look, a line each: dead and constant channels, logits at their limit."""
    found = []
    for w in weights:
        if w.dead:
            found.append(f"{w.name}: {w.dead} of {w.channels} channels have only zero weights")
        if w.at_limit > 0.5:
            found.append(f"{w.name}: {w.at_limit:.0%} of the logits are at their limit; they learn no more")
    for s in signs:
        if s.constant:
            found.append(f"{s.name}: {s.constant} of {s.channels} channels never change their sign")
    return found
