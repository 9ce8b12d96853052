"""What most of a training step is spent on, each as one function: sampling signs, batch statistics.

Plain autograd would keep some ten intermediate tensors of an activation map. Here a map is walked in slices of the
batch that stay in the cache, and the derivative is formed beside the value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from lrtc.nn.noise import normal_like, uniform_like

VARIANCE_EPS = 1e-3  # added inside the root wherever a standard deviation is taken (Shayer 2018, official code)
SLICE = 1 << 15  # elements; some eight such float32 maps fit into the second-level cache
FARTHEST = 12.0  # beyond it Φ(−z) leaves float32, and the sign is certain: logistic noise stays below 17


def _slices(x: Tensor) -> Iterator[slice]:
    """Slices of the batch of about SLICE elements; one slice on an accelerator or while compiling."""
    n = len(x)
    whole = x.device.type != "cpu" or torch.compiler.is_compiling()
    step = n if whole else max(1, SLICE * n // max(x.numel(), 1))
    return (slice(k, min(k + step, n)) for k in range(0, n, max(step, 1)))


def root(var: Tensor, eps: float = VARIANCE_EPS) -> Tensor:
    """Return 1 / sqrt(s² + eps), s² below zero by rounding counting as zero."""
    return torch.rsqrt(var.clamp_min(0) + eps)


def _sample(z: Tensor, u: Tensor, hard: bool, h: Tensor, slope: Tensor) -> None:
    """Write the sample to h and dh_soft/dz to slope, for z = m/s, uniform noise u, temperature 1; z and u are lost.

    With q = Φ(−z), p = 1 − q and D = pu + q(1 − u), L = log(u/(1−u)) and l = log(p/q):
        σ(l + L) = pu / D        h = +1 ⇔ u ≥ q        h_soft = 2 pu/D − 1        dh_soft/dz = 2 φ(z) u(1−u) / D²
    without a logarithm or a quotient of tails.
    """
    q = torch.special.erfc(z * math.sqrt(0.5)).mul_(0.5)
    v = 1 - u
    d = torch.addcmul(u, q, v - u)
    if hard:
        _write_sign(q.neg_().add_(u), h)
    else:
        torch.div(u - q * u, d, out=h).mul_(2).sub_(1)
    torch.div(v.mul_(u), d.square_(), out=slope)
    slope.mul_(z.square_().mul_(-0.5).exp_()).mul_(2 / math.sqrt(2 * math.pi))


def _sample_at(z: Tensor, u: Tensor, temperature: float, hard: bool, h: Tensor, slope: Tensor) -> None:
    """As `_sample` at any temperature: h_soft = tanh((l + L) / 2τ), dh_soft/dz = (1 − h_soft²)/(2τ) · φ(z)/(pq)."""
    z = z.clamp_(-FARTHEST, FARTHEST)
    half = z * math.sqrt(0.5)
    log_p = torch.special.erfc(-half).mul_(0.5).log_()
    log_q = torch.special.erfc(half).mul_(0.5).log_()
    shifted = torch.logit(u).add_(log_p).sub_(log_q)
    soft = torch.tanh(shifted / (2 * temperature))
    if hard:
        _write_sign(shifted, h)
    else:
        h.copy_(soft)
    torch.exp(z.square_().mul_(-0.5).sub_(log_p).sub_(log_q), out=slope)
    slope.mul_(1 - soft.square_()).mul_(1 / (2 * temperature * math.sqrt(2 * math.pi)))


class SampledSign(torch.autograd.Function):
    """Binary concrete samples of sign(y), y ~ N(m, s²): `SampledSign.apply(mean, var, temperature, hard, eps)`.

    `var` has batch axis 1, or that of `mean`; its other axes are those of `mean` or 1.
    """

    @staticmethod
    def forward(ctx, mean: Tensor, var: Tensor, temperature: float, hard: bool, eps: float) -> Tensor:
        u = uniform_like(mean)
        shared = len(var) == 1
        r = root(var, eps) if shared else torch.empty_like(var)
        h, slope = torch.empty_like(u), torch.empty_like(u)
        for s in _slices(mean):
            if not shared:
                r[s] = root(var[s], eps)
            z = mean[s] * (r if shared else r[s])
            if temperature == 1:
                _sample(z, u[s], hard, h[s], slope[s])
            else:
                _sample_at(z, u[s], temperature, hard, h[s], slope[s])
        ctx.save_for_backward(mean, r, slope)
        return h

    @staticmethod
    def backward(ctx, grad: Tensor):
        mean, r, slope = ctx.saved_tensors
        return *_into_gaussian(grad, mean, r, lambda s, _: slope[s]), None, None, None


class BlurredSign(torch.autograd.Function):
    """Samples of sign(y), y ~ N(m, s²), with the gradient of a wider Gaussian's mean: `apply(mean, var, window, eps)`.

    h = sign(m + sqrt(s² + eps)·ξ). Backward E[h] = erf(z/√2), z = m / sqrt(s² + eps + window²): dE/dz = 2 φ(z).
    `var` as in `SampledSign`.
    """

    @staticmethod
    def forward(ctx, mean: Tensor, var: Tensor, window: float, eps: float) -> Tensor:
        h, r = normal_like(mean), root(var, eps)
        for s in _slices(mean):
            _write_sign(h[s].addcmul_(mean[s], r if len(r) == 1 else r[s]), h[s])
        ctx.save_for_backward(mean, root(var, eps + window * window))
        return h

    @staticmethod
    def backward(ctx, grad: Tensor):
        mean, r = ctx.saved_tensors
        return *_into_gaussian(grad, mean, r, lambda s, part: _density(mean[s] * part)), None, None


def _write_sign(x: Tensor, out: Tensor) -> None:
    """Write −1 where x is negative, or −0, and +1 elsewhere."""
    torch.copysign(torch.ones((), dtype=x.dtype, device=x.device), x, out=out)


def _density(z: Tensor) -> Tensor:
    """Return 2 φ(z), in place."""
    return z.square_().mul_(-0.5).exp_().mul_(2 / math.sqrt(2 * math.pi))


def _into_gaussian(
    grad: Tensor, mean: Tensor, r: Tensor, slope: Callable[[slice, Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """Return dL/dm and dL/ds² for z = m·r, r = 1/sqrt(s² + …), and slope(s, r of s) = dh/dz: dL/ds² = −½ r² z·dL/dz."""
    grad_mean = torch.empty_like(mean)
    shared = len(r) == 1
    grad_var = torch.zeros_like(r) if shared else torch.empty_like(r)
    for s in _slices(mean):
        part = r if shared else r[s]
        g = torch.mul(grad[s], slope(s, part), out=grad_mean[s]).mul_(part)
        of_var = _summed(g * mean[s], part)
        if shared:
            grad_var.add_(of_var)
        else:
            torch.mul(of_var.mul_(part), part, out=grad_var[s]).mul_(-0.5)
    if shared:
        grad_var.mul_(r.square()).mul_(-0.5)
    return grad_mean, grad_var


def _summed(x: Tensor, like: Tensor) -> Tensor:
    """Return x summed over the axes along which `like` is broadcast to it."""
    axes = [k for k in range(x.dim()) if like.shape[k] == 1 != x.shape[k]]
    return x.sum(axes, keepdim=True) if axes else x


class HardSign(torch.autograd.Function):
    """sign(x) with sign(0) = +1, `apply(x, window)`: the straight-through estimator.

    Backward the gradient of clamp(x, −1, 1) for window 0, of erf(x / (window √2)) for another.
    """

    @staticmethod
    def forward(ctx, x: Tensor, window: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.window = window
        return torch.copysign(torch.ones((), dtype=x.dtype, device=x.device), x + 0.0)  # −0 + 0 is +0

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        if not ctx.window:
            return grad * (x.abs() <= 1), None
        return _density(x / ctx.window).mul_(1 / ctx.window).mul_(grad), None


class Normalize(torch.autograd.Function):
    """(x − M)·scale + bias, scale = |gamma| / sqrt(V + eps), of the batch: `apply(x, spread, gamma, bias, eps)`.

    M = mean(x), V = mean(spread) + mean((x − M)²) per channel, over the batches of all processes if there are more.
    spread [C]: the mean of the variances of this process's batch, 0 for tensors. Gives (y, scale, M, V).
    Backward: with G = dL/dy and g the gradient that arrives at scale,
        ds = Σ G (x − M) + g    dV = −½ ds·scale / (V + eps)    dx = G·scale − scale·ΣG/n + 2 dV (x − M)/n
    """

    @staticmethod
    def forward(ctx, x: Tensor, spread: Tensor, gamma: Tensor, bias: Tensor, eps: float):
        total = torch.stack([_channel_sum(x), torch.full_like(bias, x.numel() / x.shape[1])])
        total, count = _over_processes(total)
        mean = total / count
        local = spread * (x.numel() / x.shape[1])
        for s in _slices(x):
            local = local + _channel_sum((x[s] - channels(mean, x)).square_())
        var = _over_processes(local) / count
        scale = gamma.abs() * torch.rsqrt(var + eps)
        shift = bias - mean * scale
        y = torch.empty_like(x)
        for s in _slices(x):
            torch.addcmul(channels(shift, x), x[s], channels(scale, x), out=y[s])
        ctx.save_for_backward(x, mean, var, scale, gamma, count)
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, var)
        return y, scale, mean, var

    @staticmethod
    def backward(ctx, grad: Tensor, grad_scale: Tensor, _mean, _var):
        x, mean, var, scale, gamma, count = ctx.saved_tensors
        bias = torch.zeros_like(mean)
        ds = grad_scale.clone()
        for s in _slices(x):
            bias += _channel_sum(grad[s])
            ds += _channel_sum(grad[s] * (x[s] - channels(mean, x)))
        all_bias, all_ds = _over_processes(torch.stack([bias, ds]))
        inverse = 1 / (var + ctx.eps)
        dv = -0.5 * all_ds * scale * inverse
        slope = 2 * dv / count
        level = -scale * all_bias / count - slope * mean
        dx = torch.empty_like(x)
        for s in _slices(x):
            torch.addcmul(channels(level, x), x[s], channels(slope, x), out=dx[s])
            dx[s].addcmul_(grad[s], channels(scale, x))
        local = x.numel() / x.shape[1]
        return dx, dv * (local / count), ds * torch.sign(gamma) * inverse.sqrt(), bias, None


def channels(v: Tensor, x: Tensor) -> Tensor:
    """Return v [C] shaped to be broadcast over x [N, C, …]."""
    return v.view(-1, *([1] * (x.dim() - 2)))


def _channel_sum(x: Tensor) -> Tensor:
    return (x.flatten(2).sum(2) if x.dim() > 2 else x).sum(0)


def _over_processes(x: Tensor) -> Tensor:
    """Return the sum of x over all processes of a distributed run; x itself in an ordinary one."""
    if process()[1] > 1:
        x = x.contiguous()
        torch.distributed.all_reduce(x)
    return x


def process() -> tuple[int, int]:
    """Return (rank, number of processes) of a distributed run, (0, 1) of an ordinary one."""
    dist = torch.distributed
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1
