"""Max-pooling of numbers, of ±1 activations by their moments, and of Gaussians."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrtc.nn.distribution import Gaussian, Moments
from lrtc.nn.layers import pair

TINY = 1e-12  # of a squared standard deviation: two constants have a maximum too
FAR_BELOW = -1e6  # the mean of a padded tap, which never is the greatest


class LRTMaxPool2d(nn.Module):
    """Return the maxima over windows of [N, C, H, W], padded taps never the greatest; independent positions.

    tensor     torch's max-pool: what a sampled sign gives, and what is compiled
    Moments    of ±1 activations: P(max = −1) = Π P(h = −1), so E = 1 − 2 exp Σ log((1 − E[h]) / 2), E[max²] = 1
               (Roth 2019)
    Gaussian   the maximum of two after the other, each as the Gaussian of its mean and variance (Clark 1961): with
               d = m1 − m2, θ² = s1² + s2², a = d/θ, P = Φ(a), f = φ(a)
               m = m2 + dP + θf        s² = s1²P + s2²(1 − P) + d²P(1 − P) + dθf(1 − 2P) − θ²f²
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
    ):
        super().__init__()
        self.kernel_size, self.padding = pair(kernel_size), pair(padding)
        self.stride = self.kernel_size if stride is None else pair(stride)

    def forward(self, x: Tensor | Moments | Gaussian) -> Tensor | Moments | Gaussian:
        if isinstance(x, Moments):
            return self._of_moments(x)
        if isinstance(x, Gaussian):
            return self._of_gaussian(x)
        return F.max_pool2d(x, self.kernel_size, self.stride, self.padding)

    def _of_moments(self, x: Moments) -> Moments:
        if not bool((x.second == 1).all()):
            raise ValueError("max-pooling of moments knows ±1 activations only; sample others, or pool before the sign")
        eps = torch.finfo(x.mean.dtype).tiny
        log_minus = torch.log(((1 - x.mean) / 2).clamp_min(eps))
        total = F.avg_pool2d(log_minus, self.kernel_size, self.stride, self.padding, divisor_override=1)
        mean = 1 - 2 * torch.exp(total)
        return Moments(mean, torch.ones_like(mean))

    def _of_gaussian(self, x: Gaussian) -> Gaussian:
        means = self._taps(x.mean, FAR_BELOW)
        variances = self._taps(x.var.expand(*x.var.shape[:2], *x.mean.shape[2:]), 0.0)
        taps = [Gaussian(m, v) for m, v in zip(means, variances, strict=True)]
        while len(taps) > 1:
            pairs = [greater(a, b) for a, b in zip(taps[::2], taps[1::2], strict=False)]
            taps = pairs + taps[len(taps) - len(taps) % 2 :]
        return taps[0]

    def _taps(self, x: Tensor, fill: float) -> list[Tensor]:
        """Return the maps [N, C, Ho, Wo] of the window's positions, row by row."""
        (kh, kw), (sh, sw), (ph, pw) = self.kernel_size, self.stride, self.padding
        windows = F.pad(x, (pw, pw, ph, ph), value=fill).unfold(2, kh, sh).unfold(3, kw, sw)
        return list(windows.flatten(4).unbind(-1))

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


def greater(a: Gaussian, b: Gaussian) -> Gaussian:
    """Return the Gaussian with the mean and the variance of max(a, b) for independent ones (Clark 1961)."""
    d = a.mean - b.mean
    theta = torch.sqrt(a.var + b.var + TINY)
    z = d / theta
    p = torch.special.ndtr(z)
    f = torch.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    mean = b.mean + d * p + theta * f
    var = a.var * p + b.var * (1 - p) + d * d * p * (1 - p) + d * theta * f * (1 - 2 * p) - (theta * f).square()
    return Gaussian(mean, var.clamp_min(0))
