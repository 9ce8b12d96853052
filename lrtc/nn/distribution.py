"""What flows between layers while weights are still random: a Gaussian before a sign, moments after it."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from lrtc.nn.noise import normal_like
from lrtc.nn.sampling import VARIANCE_EPS, SampledSign


class Gaussian(NamedTuple):
    """A pre-activation distribution: independent normals of this mean and variance, [N, C] or [N, C, H, W].

    The variance has batch axis 1 where it is the same for every sample (±1 inputs), and then H and W 1 too where it
    is the same for every position (no padding).
    """

    mean: Tensor
    var: Tensor

    def __add__(self, other: Tensor | Gaussian) -> Gaussian:
        """Return the distribution of the sum with a given value, or with an independent Gaussian: a shortcut."""
        if isinstance(other, Gaussian):
            return Gaussian(self.mean + other.mean, self.var + other.var)
        return Gaussian(self.mean + other, self.var) if isinstance(other, Tensor) else NotImplemented

    __radd__ = __add__


class Moments(NamedTuple):
    """An activation distribution: E[h] and E[h²], both [N, C] or [N, C, H, W]; what moment mode passes on."""

    mean: Tensor
    second: Tensor

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Moments:
        """Return both moments flattened, so that `nn.Flatten` accepts the pair as it accepts a tensor."""
        return Moments(self.mean.flatten(start_dim, end_dim), self.second.flatten(start_dim, end_dim))


def standardize(g: Gaussian) -> Tensor:
    """Return z = m / sqrt(s² + eps): the sign of a Gaussian depends on this ratio only."""
    return g.mean / torch.sqrt(g.var.clamp_min(0) + VARIANCE_EPS)


def sample_sign(g: Gaussian, temperature: float, hard: bool) -> Tensor:
    """Return samples of sign(y), y ~ N(m, s²): binary concrete at this temperature, ±1 exactly if `hard`.

    P(h=+1) = Φ(m/s). Written in Φ(−m/s) and uniform noise, never in log(p + 1e-10), which has no gradient beyond
    |m/s| = 6; `lrtc.nn.sampling` has the formulas.
    """
    return SampledSign.apply(g.mean, g.var, temperature, hard)


def sign_mean(g: Gaussian) -> Tensor:
    """Return E[sign(y)] = erf(m / (s √2)) for y ~ N(m, s²)."""
    return torch.erf(standardize(g) / math.sqrt(2))


def sample_normal(g: Gaussian) -> Tensor:
    """Return m + sqrt(s² + eps)·ξ with ξ ~ N(0, 1), fresh for every element (local reparameterisation)."""
    return g.mean + torch.sqrt(g.var.clamp_min(0) + VARIANCE_EPS) * normal_like(g.mean)


def log_thirds(g: Gaussian, width: float) -> Tensor:
    """Return log P(y ≤ −width), log P(−width < y < width), log P(y ≥ width) for y ~ N(m, s²), on a new last axis.

    The middle is a difference of two tails on the side where both are small, which keeps it exact: by symmetry it
    depends on |m| only.
    """
    root = torch.sqrt(g.var.clamp_min(0) + VARIANCE_EPS)
    tail = torch.special.log_ndtr
    low, high = tail((-width - g.mean) / root), tail((g.mean - width) / root)
    near, far = tail((width - g.mean.abs()) / root), tail((-width - g.mean.abs()) / root)
    middle = near + torch.log1p(-torch.exp((far - near).clamp_max(-1e-6)))
    return torch.stack([low, middle, high], dim=-1)
