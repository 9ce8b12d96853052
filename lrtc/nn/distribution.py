"""What flows between layers while weights are still random: a Gaussian before a sign, moments after it."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

VARIANCE_EPS = 1e-3  # added inside the root wherever a standard deviation is taken (Shayer 2018, official code)


class Gaussian(NamedTuple):
    """A pre-activation distribution: independent normals with this mean and variance, both [N, C] or [N, C, H, W]."""

    mean: Tensor
    var: Tensor


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


class _LogOdds(torch.autograd.Function):
    """log Φ(z) − log Φ(−z) by one `log_ndtr` of −|z|; its derivative is φ(z) / (Φ(z) Φ(−z))."""

    @staticmethod
    def forward(ctx, z: Tensor) -> Tensor:
        small = torch.special.log_ndtr(-z.abs())  # log of the less probable side
        large = torch.log1p(-torch.exp(small))
        ctx.save_for_backward(z, small + large)
        return torch.copysign(large - small, z)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        z, both = ctx.saved_tensors
        return grad * torch.exp(-0.5 * z * z - 0.5 * math.log(2 * math.pi) - both)


def log_odds(z: Tensor) -> Tensor:
    """Return log P(h=+1) − log P(h=−1) for h = sign(y), y ~ N(m, s²), z = m/s: finite for every finite z.

    P(h=+1) = Φ(m/s) (Berger 2023, sign of a Gaussian). Probabilities themselves are never formed: log(p + 1e-10)
    has no gradient left beyond |z| = 6.
    """
    return _LogOdds.apply(z)


def sign_mean(g: Gaussian) -> Tensor:
    """Return E[sign(y)] = erf(m / (s √2)) for y ~ N(m, s²)."""
    return torch.erf(standardize(g) / math.sqrt(2))


def sample_normal(g: Gaussian) -> Tensor:
    """Return m + sqrt(s² + eps)·ξ with ξ ~ N(0, 1), fresh for every element (local reparameterisation)."""
    return g.mean + torch.sqrt(g.var.clamp_min(0) + VARIANCE_EPS) * torch.randn_like(g.mean)
