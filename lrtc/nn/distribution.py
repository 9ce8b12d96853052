"""What flows between layers while weights are still random: a Gaussian before a sign, moments after it."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

VARIANCE_EPS = 1e-3  # added inside the root wherever a standard deviation is taken (Shayer 2018, official code)


class Gaussian(NamedTuple):
    """A pre-activation distribution: independent normals of this mean and variance, [N, C] or [N, C, H, W].

    The variance has batch axis 1 where it is the same for every sample (±1 inputs).
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


class _Concrete(torch.autograd.Function):
    """tanh((l + L) / 2τ) of the log-odds l = log Φ(z) − log Φ(−z), or its sign with the same gradient.

    One function, not a chain of autograd nodes, because sampling signs is most of a training step.
    dl/dz = φ(z) / (Φ(z) Φ(−z)).
    """

    @staticmethod
    def forward(ctx, z: Tensor, noise: Tensor, temperature: float, hard: bool) -> Tensor:
        small = torch.special.log_ndtr(-z.abs())  # log of the less probable side
        large = torch.log1p(-torch.exp(small))
        shifted = torch.copysign(large - small, z).add_(noise)
        soft = torch.tanh(shifted / (2 * temperature))
        ctx.save_for_backward(z, small.add_(large), soft)
        ctx.temperature = temperature
        return (shifted >= 0).to(z.dtype).mul_(2).sub_(1) if hard else soft

    @staticmethod
    def backward(ctx, grad: Tensor):
        z, both, soft = ctx.saved_tensors
        slope = torch.exp(-0.5 * z * z - both - 0.5 * math.log(2 * math.pi))
        slope = torch.minimum(slope, z.abs() + 1.6)  # a bound of dl/dz; the exponent's rounding error grows with z²
        return grad * slope * (1 - soft * soft) / (2 * ctx.temperature), None, None, None


def sample_sign(g: Gaussian, temperature: float, hard: bool) -> Tensor:
    """Return samples of sign(y), y ~ N(m, s²): binary concrete at this temperature, ±1 exactly if `hard`.

    P(h=+1) = Φ(m/s). Probabilities themselves are never formed: log(p + 1e-10) has no gradient beyond |m/s| = 6,
    while `log_ndtr` keeps the log-odds finite and exact.
    """
    z = standardize(g)
    noise = torch.rand_like(z)
    return _Concrete.apply(z, torch.logit(noise, eps=torch.finfo(z.dtype).eps), temperature, hard)


def sign_mean(g: Gaussian) -> Tensor:
    """Return E[sign(y)] = erf(m / (s √2)) for y ~ N(m, s²)."""
    return torch.erf(standardize(g) / math.sqrt(2))


def sample_normal(g: Gaussian) -> Tensor:
    """Return m + sqrt(s² + eps)·ξ with ξ ~ N(0, 1), fresh for every element (local reparameterisation)."""
    return g.mean + torch.sqrt(g.var.clamp_min(0) + VARIANCE_EPS) * torch.randn_like(g.mean)


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
