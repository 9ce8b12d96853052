"""The distribution of a discrete weight, by its logits: moments, most probable value, draws, initial values.

ternary   p0 = P(w=0) = σ(alpha),  q = P(w=+1 | w≠0) = σ(beta)     E[w] = (1−p0) tanh(beta/2)   E[w²] = 1−p0
bipolar   q = P(w=+1) = σ(beta)                                    E[w] = tanh(beta/2)          E[w²] = 1
(Shayer 2018, section 3.)
"""

from __future__ import annotations

import torch
from torch import Tensor


def moments(alpha: Tensor | None, beta: Tensor) -> tuple[Tensor, Tensor]:
    """Return (E[w], E[w²]) of every weight; `alpha` is None for bipolar weights."""
    sign = torch.tanh(beta / 2)
    if alpha is None:
        return sign, torch.ones_like(beta)
    nonzero = torch.sigmoid(-alpha)
    return nonzero * sign, nonzero


class MeanVariance(torch.autograd.Function):
    """(E[w], Var[w]) of every weight, for inputs that are given: `apply(alpha or None, beta)`, in a few passes.

    With t = tanh(beta/2), e = 1 − p0 (1 for bipolar weights): E = e t =: m, Var = e − m², never below zero.
    dm/dbeta = e (1 − t²)/2    dVar/dbeta = −2 m dm/dbeta    dm/dalpha = −p0 m    dVar/dalpha = −p0 (e − 2 m²)
    """

    @staticmethod
    def forward(ctx, alpha: Tensor | None, beta: Tensor) -> tuple[Tensor, Tensor]:
        t = torch.tanh(beta / 2)
        e = None if alpha is None else torch.sigmoid(-alpha)
        ctx.save_for_backward(t, e)
        if e is None:
            return t.clone(), 1 - t * t
        mean = e * t
        return mean, torch.addcmul(e, mean, mean, value=-1)

    @staticmethod
    def backward(ctx, grad_mean: Tensor, grad_var: Tensor):
        t, e = ctx.saved_tensors
        mean = t if e is None else e * t
        common = torch.addcmul(grad_mean, mean, grad_var, value=-2)  # dL/dm and what reaches m through the variance
        grad_beta = (1 - t * t).mul_(common).mul_(0.5)
        if e is None:
            return None, grad_beta
        grad_alpha = torch.addcmul(mean * common, e, grad_var).mul_(e - 1)  # e − 1 = −p0
        return grad_alpha, grad_beta.mul_(e)


def most_probable(alpha: Tensor | None, beta: Tensor) -> Tensor:
    """Return the most probable weights (int8): ternary 0 if p0 ≥ max(p+, p−), otherwise sign(beta); ties give 0, +1."""
    sign = torch.where(beta >= 0, 1, -1)
    if alpha is None:
        return sign.to(torch.int8)
    # p0 >= (1-p0)·max(q, 1-q) in logits: alpha >= log σ(|beta|), exact where probabilities saturate
    zero = alpha >= torch.nn.functional.logsigmoid(beta.abs())
    return torch.where(zero, 0, sign).to(torch.int8)


def draw(alpha: Tensor | None, beta: Tensor, generator: torch.Generator) -> Tensor:
    """Return one draw of all weights (int8) by a CPU generator, so the same seed draws the same on every device."""
    q = torch.sigmoid(beta).cpu()
    drawn = torch.where(torch.rand(q.shape, generator=generator) < q, 1, -1)
    if alpha is not None:
        zero = torch.rand(q.shape, generator=generator) < torch.sigmoid(alpha).cpu()
        drawn = torch.where(zero, 0, drawn)
    return drawn.to(torch.int8).to(beta.device)


def logits_from_float(weight: Tensor, kind: str) -> tuple[Tensor | None, Tensor]:
    """Return (alpha or None, beta) so that E[w] follows a full-precision weight and no weight starts deterministic.

    With v = clip(W / std(W), −1, 1)  (Shayer 2018, section 3.3 and its official code):
        ternary p0 = clip(0.95 − 0.90|v|, .05, .95)  q = clip((1 + v/(1−p0))/2, .05, .95)
        bipolar q = clip((1 + v)/2, .05, .95)
    """
    std = weight.std(unbiased=False) if weight.numel() > 1 else weight.abs().max()
    v = (weight / std.clamp_min(1e-12)).clamp(-1, 1)
    if kind == "bipolar":
        return None, torch.logit(((1 + v) / 2).clamp(0.05, 0.95))
    p0 = (0.95 - 0.90 * v.abs()).clamp(0.05, 0.95)
    q = ((1 + v / (1 - p0)) / 2).clamp(0.05, 0.95)
    return torch.logit(p0), torch.logit(q)
