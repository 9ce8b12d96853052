"""Batch normalisation of distributions, and the one float32 arithmetic that is compiled (DESIGN.md, D4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lrtc.nn.distribution import Gaussian, Moments, as_gaussian
from lrtc.nn.sampling import Normalize, channels


def batchnorm_affine(gamma: Tensor, bias: Tensor, mean: Tensor, var: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Return float32 (alpha, offset) [C] of y = x·alpha + offset, every operation rounded once.

    alpha = f32(1 / sqrt(f64(var) + eps)) · gamma      offset = bias − mean·alpha
    """
    alpha = (1.0 / torch.sqrt(var.to(torch.float64) + eps)).to(torch.float32) * gamma
    return alpha, bias - mean * alpha


def batchnorm_exact(x: Tensor, gamma: Tensor, bias: Tensor, mean: Tensor, var: Tensor, eps: float) -> Tensor:
    """Return x·alpha + offset over channel axis 1: a multiplication, then an addition, never fused (D4)."""
    alpha, offset = batchnorm_affine(gamma, bias, mean, var, eps)
    return x * channels(alpha, x) + channels(offset, x)


class _Norm(nn.Module):
    def __init__(self, num_features: int, eps: float):
        super().__init__()
        self.num_features, self.eps = num_features, eps
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps:g}"


class ExactBatchNorm(_Norm):
    """Return batch normalisation with fixed statistics and a signed gamma, [N, C] or [N, C, H, W]: eval mode only.

    It stands for a plain `nn.BatchNorm` in a rebuilt network, whose own kernel may fuse the multiply and the add.
    """

    def __init__(self, num_features: int, eps: float = 1e-5):
        super().__init__(num_features, eps)

    def forward(self, x: Tensor) -> Tensor:
        return batchnorm_exact(x, self.weight, self.bias, self.running_mean, self.running_var, self.eps)


class LRTBatchNorm(_Norm):
    """Return the input normalised per channel, a Gaussian for a Gaussian and a tensor for a tensor, with |gamma|.

    Law of total variance over batch and positions (Berger 2023, LocalLRBatchNorm2d):
        M = mean(m)     V = mean(s²) + mean((m − M)²)
        m' = |g| (m − M) / sqrt(V + eps) + b      s'² = g² s² / (V + eps)
    |g|, because a sign sees only m'/s': a negative g would turn the deterministic network but not the random one.
    Training uses batch statistics, of the batches of all processes in a distributed run, and keeps running ones
    (population variance); eval uses the running ones, on
    tensors by the arithmetic of `batchnorm_exact`.
    """

    def __init__(self, num_features: int, eps: float = 1e-3, momentum: float = 0.1):
        super().__init__(num_features, eps)
        self.momentum = momentum

    def forward(self, x: Tensor | Gaussian | Moments) -> Tensor | Gaussian:
        x = as_gaussian(x)
        if self.training:
            return self._by_batch(x)
        gamma, mean, var = self.weight.abs(), self.running_mean, self.running_var
        if not isinstance(x, Gaussian):
            return batchnorm_exact(x, gamma, self.bias, mean, var, self.eps)
        scale = channels(gamma / torch.sqrt(var + self.eps), x.mean)
        centred = x.mean - channels(mean, x.mean)
        return Gaussian(centred * scale + channels(self.bias, x.mean), x.var * scale.square())

    def _by_batch(self, x: Tensor | Gaussian) -> Tensor | Gaussian:
        given = not isinstance(x, Gaussian)
        m = x if given else x.mean
        spread = torch.zeros_like(self.bias) if given else x.var.mean((0, *range(2, x.var.dim())))
        y, scale, mean, var = Normalize.apply(m, spread, self.weight, self.bias, self.eps)
        with torch.no_grad():
            self.running_mean.lerp_(mean.to(self.running_mean), self.momentum)
            self.running_var.lerp_(var.to(self.running_var), self.momentum)
        return y if given else Gaussian(y, x.var * channels(scale.square(), x.var))


class LRTGain(nn.Module):
    """Return |gain|·y + bias per channel, a Gaussian for a Gaussian: what stands in place of a batchnorm.

    m' = |g| m + b, s'² = g² s² (Berger 2023, its research code). |g| for the reason that LRTBatchNorm gives. On
    tensors a multiplication, then an addition, never fused (D4).
    """

    def __init__(self, num_features: int):
        super().__init__()
        self.num_features = num_features
        self.gain = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))

    def forward(self, x: Tensor | Gaussian | Moments) -> Tensor | Gaussian:
        x, gain = as_gaussian(x), self.gain.abs()
        if isinstance(x, Gaussian):
            scale, bias = channels(gain, x.mean), channels(self.bias, x.mean)
            return Gaussian(x.mean * scale + bias, x.var * scale.square())
        return x * channels(gain, x) + channels(self.bias, x)

    def extra_repr(self) -> str:
        return f"{self.num_features}"
