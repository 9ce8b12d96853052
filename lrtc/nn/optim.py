"""What an optimiser must know about logits."""

from __future__ import annotations

import torch
from torch import nn

from lrtc.nn.discrete import RANDOM
from lrtc.nn.straight import StraightThrough


def _logits(model: nn.Module) -> list[nn.Parameter]:
    layers = [m for m in model.modules() if isinstance(m, RANDOM)]
    return [p for m in layers for p in m.logits()]


def parameter_groups(
    model: nn.Module, lr: float, probability_decay: float = 1e-11, weight_decay: float = 1e-4, affine_lr: float = 0.0
) -> list[dict]:
    """Return optimiser groups of what is trained: logits (probability decay), float matrices (weight decay), all else.

    lr: learning rate of logits and latent weights, and of all the rest too, unless affine_lr gives that another one.

    Probability decay pulls p0 and q towards 1/2 and keeps weights from freezing early (Shayer 2018, section 3.4).
    Gains, biases and latent weights of the straight-through baseline never decay: a vanishing gain makes a constant
    channel.
    """
    logits = [p for p in _logits(model) if p.requires_grad]
    latents = [m.latent for m in model.modules() if isinstance(m, StraightThrough)]
    known = {id(p) for p in (*logits, *latents)}
    rest = [p for p in model.parameters() if id(p) not in known and p.requires_grad]
    rest_lr = affine_lr or lr
    groups = [
        {"params": logits, "lr": lr, "weight_decay": probability_decay},
        {"params": latents, "lr": lr, "weight_decay": 0.0},
        {"params": [p for p in rest if p.dim() > 1], "lr": rest_lr, "weight_decay": weight_decay},
        {"params": [p for p in rest if p.dim() <= 1], "lr": rest_lr, "weight_decay": 0.0},
    ]
    return [g for g in groups if g["params"]]


@torch.no_grad()
def sharpen_logits(model: nn.Module, factor: float) -> None:
    """Multiply every logit that is still trained by `factor`, in place: above 1 weights become more certain."""
    for m in model.modules():
        if isinstance(m, RANDOM) and not m.is_discrete:
            for p in m.logits():
                p.mul_(factor)


@torch.no_grad()
def clip_logits(model: nn.Module, limit: float = 5.0) -> None:
    """Clip every logit to ±limit, in place: probabilities stay in [.007, .993] for 5 (Roth et al. 2019)."""
    for p in _logits(model):
        p.clamp_(-limit, limit)
