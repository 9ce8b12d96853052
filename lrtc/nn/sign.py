"""The sign activations, of two and of three values: of a number, or of a Gaussian."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lrtc.nn.distribution import (
    Gaussian,
    Moments,
    as_gaussian,
    log_thirds,
    sample_normal,
    sample_sign,
    sign_mean,
    thirds_mean,
)
from lrtc.nn.noise import gumbel_like
from lrtc.nn.sampling import VARIANCE_EPS, BlurredSign, HardSign

MODES = ("gumbel", "moment")


def _check(temperature: float, mode: str) -> None:
    if mode not in MODES:
        raise ValueError(f"mode={mode!r} is not known; known: {', '.join(MODES)}")
    if not temperature > 0:
        raise ValueError(f"temperature={temperature} is not supported; it must be above 0")


class LRTSign(nn.Module):
    """Return sign(y) in {−1, +1} with sign(0) = +1, the shape of the input; from a Gaussian a sample, or moments.

    tensor              where(y ≥ 0, +1, −1); in training its gradient is that of clamp(y, −1, 1), with a `window` w
                        that of erf(y / w√2)
    Gaussian, "gumbel"  binary concrete (two-class Gumbel-softmax): h_soft = tanh((l + L) / 2τ) with the log-odds
                        l = log Φ(m/s) − log Φ(−m/s) and L logistic noise; `hard` gives sign(l + L) forward and
                        the gradient of h_soft backward (Berger 2023). Also in eval mode: the weights are still random.
                        With a `window` w above 0: sign(m + s·ξ), ξ ~ N(0, 1), and the gradient of E[sign(y + w·ξ)] =
                        erf(m / √(2(s² + w²))), which does not fade as weights become certain; no τ, always hard
    Gaussian, "moment"  Moments(erf(m / s√2), 1), nothing sampled. Trains well and discretises badly: for study.
    Moments             of sums and averages of activations: as the Gaussian of the same mean and variance
    """

    variance_floor = VARIANCE_EPS  # eps in every sqrt(s² + eps); training only, so no part of a saved network
    window = 0.0  # training only too

    def __init__(self, temperature: float = 1.0, mode: str = "gumbel", hard: bool = True):
        super().__init__()
        _check(temperature, mode)
        self.temperature, self.mode, self.hard = temperature, mode, hard

    def forward(self, x: Tensor | Gaussian | Moments) -> Tensor | Moments:
        if isinstance(x, Moments) and bool((x.second == 1).all()):
            return x  # ±1 already
        x = as_gaussian(x)
        if isinstance(x, Gaussian):
            if self.mode == "moment":
                mean = sign_mean(x, self.variance_floor)
                return Moments(mean, torch.ones_like(mean))
            if self.window:
                return BlurredSign.apply(x.mean, x.var, self.window, self.variance_floor)
            return sample_sign(x, self.temperature, self.hard, self.variance_floor)
        return HardSign.apply(x, self.window)

    def extra_repr(self) -> str:
        return f"temperature={self.temperature:g}, mode={self.mode!r}, hard={self.hard}"


class LRTTernarySign(nn.Module):
    """Return the activation in {−1, 0, +1}: +1 where y ≥ width, −1 where y ≤ −width, else 0.

    tensor              its gradient in training is that of clamp(y, −1, 1)
    Gaussian, "gumbel"  a sample of the three-class Gumbel-softmax; `hard` gives the value itself forward and the
                        gradient of the soft sample backward
                        With a `window` w above 0: that of a sample y, and the gradient of its mean at variance s² + w²
    Gaussian, "moment"  Moments(P(+1) − P(−1), P(+1) + P(−1)), nothing sampled
    width is rounded to float32, in which values are compared.
    """

    variance_floor = VARIANCE_EPS  # eps in every sqrt(s² + eps); training only, so no part of a saved network
    window = 0.0  # training only too

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
            if self.window and self.mode == "gumbel":
                return self._carried(sample_normal(x, self.variance_floor), self._blurred(x))
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
        if self.training and x.requires_grad:
            spread = Gaussian(x, torch.zeros_like(x))
            return self._carried(x, self._blurred(spread) if self.window else x.clamp(-1, 1))
        return self._value(x)

    def _value(self, y: Tensor) -> Tensor:
        return (y >= self.width).to(y.dtype) - (y <= -self.width).to(y.dtype)

    def _blurred(self, g: Gaussian) -> Tensor:
        return thirds_mean(g, self.width, self.variance_floor + self.window**2)

    def _carried(self, y: Tensor, carrier: Tensor) -> Tensor:
        """Return the activation of a number with the gradient of the carrier."""
        return self._value(y.detach()) + (carrier - carrier.detach())

    def extra_repr(self) -> str:
        return f"width={self.width:g}, temperature={self.temperature:g}, mode={self.mode!r}, hard={self.hard}"
