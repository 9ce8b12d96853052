"""Weights of any finite set of integers: one logit a value, softmax over the values.

    p_k = softmax(theta)_k    E[w] = Σ p_k v_k    Var[w] = Σ p_k (v_k − E[w])²

Shayer 2018 states the central limit theorem for any finite set and gives formulas for {−1, 0, +1} and {−1, +1} only
(`lrtc.nn.weights`); initial values here are this project's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

NAMED = {(-1, 0, 1): "ternary", (-1, 1): "bipolar"}
SETS = {name: values for values, name in NAMED.items()}
MOST, LOW, HIGH = 16, -128, 127
SPREAD = 0.1  # share of a weight's initial probability that is spread over all values alike
SEARCHED = 4096  # weights that the step of the initial values is fitted to


def canonical(weights: str | Sequence[int]) -> str:
    """Return "ternary", "bipolar", or the values of another set as text, "-2,-1,0,1,2"; ValueError if it is none.

    weights: one of these, or the integers in ascending order. What can be compiled is 2 to 16 integers in −128..127,
    one of them not 0.
    """
    if isinstance(weights, str):
        if weights in SETS:
            return weights
        parts = [part.strip() for part in weights.split(",")]
        if not all(part.lstrip("-").isdecimal() for part in parts):
            raise ValueError(
                f"weights={weights!r} is not known; known: {', '.join(sorted(SETS, reverse=True))}, "
                "or integers in ascending order such as (-2, -1, 0, 1, 2)"
            )
        weights = [int(part) for part in parts]
    values = tuple(weights)
    if not all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        raise ValueError(
            f"weights={values} is not supported; integers are: the batchnorm behind the layer holds a common factor"
        )
    if not 2 <= len(values) <= MOST or list(values) != sorted(set(values)):
        raise ValueError(f"weights={values} is not supported; 2 to {MOST} integers in ascending order are")
    if values[0] < LOW or values[-1] > HIGH:
        raise ValueError(f"weights={values} is not supported; integers in {LOW}..{HIGH} are, for 8 bits hold them")
    return NAMED.get(values) or ",".join(map(str, values))


def values_of(weights: str) -> tuple[int, ...]:
    """Return the values of a canonical set, ascending."""
    return SETS.get(weights) or tuple(map(int, weights.split(",")))


def moments(theta: Tensor, values: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return (E[w], E[w²]) of every weight; theta [K, *shape], one logit a value."""
    p, v = torch.softmax(theta, 0), _column(theta, values)
    return (p * v).sum(0), (p * v.square()).sum(0)


def mean_variance(theta: Tensor, values: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return (E[w], Var[w]) of every weight; a sum of squares, so that it is never below zero."""
    p, v = torch.softmax(theta, 0), _column(theta, values)
    mean = (p * v).sum(0)
    return mean, (p * (v - mean).square()).sum(0)


def most_probable(theta: Tensor, values: Sequence[int]) -> Tensor:
    """Return the most probable weights (int8); among equals the value nearest to 0, then the positive one."""
    order = sorted(range(len(values)), key=lambda k: (abs(values[k]), values[k] < 0))
    best = theta[order].argmax(0)  # torch gives the first among equals
    return torch.tensor([values[k] for k in order], dtype=torch.int8, device=theta.device)[best]


def draw(theta: Tensor, values: Sequence[int], generator: torch.Generator) -> Tensor:
    """Return one draw of all weights (int8) by a CPU generator, so the same seed draws the same on every device."""
    below = torch.softmax(theta.detach().double().cpu(), 0).cumsum(0)[:-1]
    u = torch.rand(theta.shape[1:], generator=generator, dtype=torch.float64)
    return torch.tensor(values, dtype=torch.int8)[(u >= below).sum(0)].to(theta.device)


def step_of(weight: Tensor, values: Sequence[int]) -> float:
    """Return the step for which rounding weight / step to the set has the least mean squared error, in steps of 2 %.

    From the one that puts the largest value at a quarter of the standard deviation to the one that puts it at 4.
    """
    flat = weight.detach().flatten().double()
    flat = flat[:: max(1, flat.numel() // SEARCHED)]
    std = float(flat.std(unbiased=False)) or float(flat.abs().max()) or 1.0
    top = max(map(abs, values))
    steps = [std / top * 0.25 * 1.02**k for k in range(141)]
    return min(steps, key=lambda s: float((nearest(flat / s, values) * s - flat).square().mean()))


def nearest(x: Tensor, values: Sequence[int]) -> Tensor:
    """Return the nearest value of the set to every number, the lower one half way."""
    v = torch.tensor(values, dtype=x.dtype, device=x.device)
    return v[torch.bucketize(x, (v[1:] + v[:-1]) / 2)]


def logits_from_float(weight: Tensor, values: Sequence[int]) -> Tensor:
    """Return theta [K, *shape] so that E[w] follows a full-precision weight and no weight starts deterministic.

    With t = clip(W / step, v_1, v_K), step by `step_of`, and v_k ≤ t ≤ v_(k+1): p_k and p_(k+1) share 1 − SPREAD so
    that their mean is t; SPREAD lies on all values alike.
    """
    v = torch.tensor(values, dtype=torch.float64, device=weight.device)
    t = (weight.double() / step_of(weight, values)).clamp(v[0], v[-1])
    k = (torch.bucketize(t, v, right=True) - 1).clamp(0, len(values) - 2)
    upper = (t - v[k]) / (v[k + 1] - v[k])
    p = torch.full((len(values), *weight.shape), SPREAD / len(values), dtype=torch.float64, device=weight.device)
    p.scatter_add_(0, k[None], (1 - SPREAD) * (1 - upper)[None])
    p.scatter_add_(0, k[None] + 1, (1 - SPREAD) * upper[None])
    theta = p.log()
    return (theta - theta.mean(0)).to(weight.dtype)


def _column(theta: Tensor, values: Sequence[int]) -> Tensor:
    v = torch.tensor(values, dtype=theta.dtype, device=theta.device)
    return v.view(-1, *[1] * (theta.dim() - 1))
