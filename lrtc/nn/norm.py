"""Batch normalisation of distributions, and the one float32 arithmetic that is compiled (DESIGN.md, D4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lrtc.nn.distribution import Gaussian


def batchnorm_affine(gamma: Tensor, bias: Tensor, mean: Tensor, var: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Return float32 (alpha, offset) [C] of y = x·alpha + offset, every operation rounded once.

    alpha = f32(1 / sqrt(f64(var) + eps)) · gamma      offset = bias − mean·alpha
    """
    alpha = (1.0 / torch.sqrt(var.to(torch.float64) + eps)).to(torch.float32) * gamma
    return alpha, bias - mean * alpha


def batchnorm_exact(x: Tensor, gamma: Tensor, bias: Tensor, mean: Tensor, var: Tensor, eps: float) -> Tensor:
    """Return x·alpha + offset over channel axis 1: a multiplication, then an addition, never fused (D4)."""
    alpha, offset = batchnorm_affine(gamma, bias, mean, var, eps)
    return x * _channels(alpha, x) + _channels(offset, x)


def _channels(v: Tensor, x: Tensor) -> Tensor:
    return v.view(-1, *([1] * (x.dim() - 2)))


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
    Training uses batch statistics and keeps running ones (population variance); eval uses the running ones, on
    tensors by the arithmetic of `batchnorm_exact`.
    """

    def __init__(self, num_features: int, eps: float = 1e-3, momentum: float = 0.1):
        super().__init__(num_features, eps)
        self.momentum = momentum

    def forward(self, x: Tensor | Gaussian) -> Tensor | Gaussian:
        mean, var = self._statistics(x) if self.training else (self.running_mean, self.running_var)
        gamma = self.weight.abs()
        if not isinstance(x, Gaussian):
            if not self.training:
                return batchnorm_exact(x, gamma, self.bias, mean, var, self.eps)
            scale = gamma / torch.sqrt(var + self.eps)
            return (x - _channels(mean, x)) * _channels(scale, x) + _channels(self.bias, x)
        scale = _channels(gamma / torch.sqrt(var + self.eps), x.mean)
        centred = x.mean - _channels(mean, x.mean)
        return Gaussian(centred * scale + _channels(self.bias, x.mean), x.var * scale.square())

    def _statistics(self, x: Tensor | Gaussian) -> tuple[Tensor, Tensor]:
        m = x.mean if isinstance(x, Gaussian) else x
        axes = (0, *range(2, m.dim()))
        var, mean = torch.var_mean(m, axes, correction=0)
        if isinstance(x, Gaussian):
            var = var + x.var.mean(axes)
        with torch.no_grad():
            self.running_mean.lerp_(mean.detach().to(self.running_mean), self.momentum)
            self.running_var.lerp_(var.detach().to(self.running_var), self.momentum)
        return mean, var


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

    def forward(self, x: Tensor | Gaussian) -> Tensor | Gaussian:
        gain = self.gain.abs()
        if isinstance(x, Gaussian):
            scale, bias = _channels(gain, x.mean), _channels(self.bias, x.mean)
            return Gaussian(x.mean * scale + bias, x.var * scale.square())
        return x * _channels(gain, x) + _channels(self.bias, x)

    def extra_repr(self) -> str:
        return f"{self.num_features}"
