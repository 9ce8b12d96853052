"""The sign activations, of two and of three values: of a number, or of a Gaussian."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lrtc.nn.distribution import Gaussian, Moments, as_gaussian, log_thirds, sample_sign, sign_mean
from lrtc.nn.noise import gumbel_like
from lrtc.nn.sampling import VARIANCE_EPS, HardSign

MODES = ("gumbel", "moment")


def _check(temperature: float, mode: str) -> None:
    if mode not in MODES:
        raise ValueError(f"mode={mode!r} is not known; known: {', '.join(MODES)}")
    if not temperature > 0:
        raise ValueError(f"temperature={temperature} is not supported; it must be above 0")


class LRTSign(nn.Module):
    """Return sign(y) in {−1, +1} with sign(0) = +1, the shape of the input; from a Gaussian a sample, or moments.

    tensor              where(y ≥ 0, +1, −1); in training its gradient is that of clamp(y, −1, 1)
    Gaussian, "gumbel"  binary concrete (two-class Gumbel-softmax): h_soft = tanh((l + L) / 2τ) with the log-odds
                        l = log Φ(m/s) − log Φ(−m/s) and L logistic noise; `hard` gives sign(l + L) forward and
                        the gradient of h_soft backward (Berger 2023). Also in eval mode: the weights are still random.
    Gaussian, "moment"  Moments(erf(m / s√2), 1), nothing sampled. Trains well and discretises badly: for study.
    Moments             of sums and averages of activations: as the Gaussian of the same mean and variance
    """

    variance_floor = VARIANCE_EPS  # eps in every sqrt(s² + eps); training only, so no part of a saved network

    def __init__(self, temperature: float = 1.0, mode: str = "gumbel", hard: bool = True):
        super().__init__()
        _check(temperature, mode)
        self.temperature, self.mode, self.hard = temperature, mode, hard

    def forward(self, x: Tensor | Gaussian | Moments) -> Tensor | Moments:
        if isinstance(x, Moments) and bool((x.second == 1).all()):
            return x  # ±1 already
        x = as_gaussian(x)
        if isinstance(x, Gaussian):
            if self.mode == "gumbel":
                return sample_sign(x, self.temperature, self.hard, self.variance_floor)
            mean = sign_mean(x, self.variance_floor)
            return Moments(mean, torch.ones_like(mean))
        return HardSign.apply(x)

    def extra_repr(self) -> str:
        return f"temperature={self.temperature:g}, mode={self.mode!r}, hard={self.hard}"


class LRTTernarySign(nn.Module):
    """Return the activation in {−1, 0, +1}: +1 where y ≥ width, −1 where y ≤ −width, else 0.

    tensor              its gradient in training is that of clamp(y, −1, 1)
    Gaussian, "gumbel"  a sample of the three-class Gumbel-softmax; `hard` gives the value itself forward and the
                        gradient of the soft sample backward
    Gaussian, "moment"  Moments(P(+1) − P(−1), P(+1) + P(−1)), nothing sampled
    width is rounded to float32, in which values are compared.
    """

    variance_floor = VARIANCE_EPS  # eps in every sqrt(s² + eps); training only, so no part of a saved network

    def __init__(self, width: float = 0.5, temperature: float = 1.0, mode: str = "gumbel", hard: bool = True):
        super().__init__()
        _check(temperature, mode)
        if not width > 0:
            raise ValueError(f"width={width} is not supported; it must be above 0")
        self.width = float(torch.tensor(width, dtype=torch.float32))
        self.temperature, self.mode, self.hard = temperature, mode, hard

    def forward(self, x: Tensor | Gaussian | Moments) -> Tensor | Moments:
        x = as_gaussian(x)
        if isinstance(x, Gaussian):
            logits = log_thirds(x, self.width, self.variance_floor)
            if self.mode == "gumbel":
                return self._sample(logits + gumbel_like(logits))
            p = logits.exp()
            return Moments(p[..., 2] - p[..., 0], p[..., 2] + p[..., 0])
        return self._of_number(x)

    def _sample(self, perturbed: Tensor) -> Tensor:
        soft = torch.softmax(perturbed / self.temperature, -1)
        soft = soft[..., 2] - soft[..., 0]
        if not self.hard:
            return soft
        return (perturbed.argmax(-1) - 1).to(soft.dtype) + (soft - soft.detach())

    def _of_number(self, x: Tensor) -> Tensor:
        h = (x >= self.width).to(x.dtype) - (x <= -self.width).to(x.dtype)
        if self.training and x.requires_grad:
            carrier = x.clamp(-1, 1)
            return h + (carrier - carrier.detach())
        return h

    def extra_repr(self) -> str:
        return f"width={self.width:g}, temperature={self.temperature:g}, mode={self.mode!r}, hard={self.hard}"
