"""What flows between layers while weights are still random: a Gaussian before a sign, moments after it."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from lrtc.nn.noise import normal_like
from lrtc.nn.sampling import VARIANCE_EPS, SampledSign


def _of_torch(cls, func, types, args=(), kwargs=None):
    """What torch calls when one of its functions meets a distribution; `lrtc.nn.operations` has the table."""
    from lrtc.nn.operations import apply  # it needs the layers, which need this file

    return apply(func.__name__, args, kwargs or {})


def _attribute(self, name: str):
    from lrtc.nn.operations import attribute

    return attribute(self, name)


def _item(self, key):
    if isinstance(key, tuple):  # x[:, a:b], as of a tensor; x[0] is the mean, as of a tuple
        return type(self)(self.mean[key], full(self)[1][key])
    return tuple.__getitem__(self, key)


def _sum(self, other):
    return _of_torch(None, torch.add, (), (self, other))


def _no_arithmetic(self, other):
    raise TypeError(f"a {type(self).__name__} is added to others only; scale it by lrtc.nn.LRTGain or LRTBatchNorm")


class Gaussian(NamedTuple):
    """A pre-activation distribution: independent normals of this mean and variance, [N, C] or [N, C, H, W].

    The variance has batch axis 1 where it is the same for every sample (±1 inputs), and then H and W 1 too where it
    is the same for every position (no padding). Torch's pools, sums, concatenations and moves take it as they take a
    tensor (`lrtc.nn.operations`).
    """

    mean: Tensor
    var: Tensor

    __torch_function__ = classmethod(_of_torch)
    __getattr__, __getitem__, __add__, __radd__ = _attribute, _item, _sum, _sum
    __mul__ = __rmul__ = __sub__ = __rsub__ = __truediv__ = _no_arithmetic

    @classmethod
    def of(cls, mean: Tensor, var: Tensor) -> Gaussian:
        """Return the distribution of this mean and variance."""
        return cls(mean, var)


class Moments(NamedTuple):
    """An activation distribution: E[h] and E[h²], both [N, C] or [N, C, H, W]; what moment mode passes on."""

    mean: Tensor
    second: Tensor

    __torch_function__ = classmethod(_of_torch)
    __getattr__, __getitem__, __add__, __radd__ = _attribute, _item, _sum, _sum
    __mul__ = __rmul__ = __sub__ = __rsub__ = __truediv__ = _no_arithmetic

    @property
    def var(self) -> Tensor:
        """Return E[h²] − E[h]², never below zero."""
        return (self.second - self.mean.square()).clamp_min(0)

    @classmethod
    def of(cls, mean: Tensor, var: Tensor) -> Moments:
        """Return the distribution of this mean and variance."""
        return cls(mean, var + mean.square())


def full_precision(x: Tensor) -> torch.autocast:
    """Return the context in which autocast leaves the precision of operations alone."""
    return torch.autocast(x.device.type, enabled=False)


def full(x: Gaussian | Moments) -> tuple[Tensor, Tensor]:
    """Return both tensors of x, the second one expanded to the shape of the first."""
    return x.mean, tuple.__getitem__(x, 1).expand_as(x.mean)


def as_gaussian(x: Tensor | Gaussian | Moments) -> Tensor | Gaussian:
    """Return Moments of sums and averages as the Gaussian of the same mean and variance; all else as it is."""
    return Gaussian(x.mean, x.var) if isinstance(x, Moments) else x


def as_moments(x: Tensor | Gaussian | Moments) -> Tensor | Moments:
    """Return a Gaussian by its first two moments, which are all that a linear layer needs; all else as it is."""
    return Moments(x.mean, x.var + x.mean.square()) if isinstance(x, Gaussian) else x


def standardize(g: Gaussian, eps: float = VARIANCE_EPS) -> Tensor:
    """Return z = m / sqrt(s² + eps): the sign of a Gaussian depends on this ratio only."""
    return g.mean / torch.sqrt(g.var.clamp_min(0) + eps)


def sample_sign(g: Gaussian, temperature: float, hard: bool, eps: float = VARIANCE_EPS) -> Tensor:
    """Return samples of sign(y), y ~ N(m, s²): binary concrete at this temperature, ±1 exactly if `hard`.

    P(h=+1) = Φ(m/s). Written in Φ(−m/s) and uniform noise, never in log(p + 1e-10), which has no gradient beyond
    |m/s| = 6; `lrtc.nn.sampling` has the formulas.
    """
    return SampledSign.apply(g.mean, g.var, temperature, hard, eps)


def sign_mean(g: Gaussian, eps: float = VARIANCE_EPS) -> Tensor:
    """Return E[sign(y)] = erf(m / (s √2)) for y ~ N(m, s²)."""
    return torch.erf(standardize(g, eps) / math.sqrt(2))


def sample_normal(g: Gaussian, eps: float = VARIANCE_EPS) -> Tensor:
    """Return m + sqrt(s² + eps)·ξ with ξ ~ N(0, 1), fresh for every element (local reparameterisation)."""
    return g.mean + torch.sqrt(g.var.clamp_min(0) + eps) * normal_like(g.mean)


def thirds_mean(g: Gaussian, width: float, eps: float = VARIANCE_EPS) -> Tensor:
    """Return P(y ≥ width) − P(y ≤ −width) for y ~ N(m, s²): the mean of the activation of three values."""
    root = torch.sqrt(g.var.clamp_min(0) + eps)
    return torch.special.ndtr((g.mean - width) / root) - torch.special.ndtr((-width - g.mean) / root)


def log_thirds(g: Gaussian, width: float, eps: float = VARIANCE_EPS) -> Tensor:
    """Return log P(y ≤ −width), log P(−width < y < width), log P(y ≥ width) for y ~ N(m, s²), on a new last axis.

    The middle is a difference of two tails on the side where both are small, which keeps it exact: by symmetry it
    depends on |m| only.
    """
    root = torch.sqrt(g.var.clamp_min(0) + eps)
    tail = torch.special.log_ndtr
    low, high = tail((-width - g.mean) / root), tail((g.mean - width) / root)
    near, far = tail((width - g.mean.abs()) / root), tail((-width - g.mean.abs()) / root)
    middle = near + torch.log1p(-torch.exp((far - near).clamp_max(-1e-6)))
    return torch.stack([low, middle, high], dim=-1)
