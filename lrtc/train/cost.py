"""What a training step costs: processor time of one step, full precision, straight-through and random weights."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrtc.nn import clip_logits, float_twin, init_from_float, parameter_groups, straight_through


@dataclass(frozen=True)
class StepCost:
    """Milliseconds of processor time of a step (forward, backward, Adam), the least of all: more is other load."""

    float_ms: float
    ste_ms: float
    lrt_ms: float

    @property
    def ratio(self) -> float:
        """Return how many float steps an LRT step costs."""
        return self.lrt_ms / self.float_ms


def step_cost(net: nn.Module, x: Tensor, y: Tensor, steps: int = 20) -> StepCost:
    """Return what a step on the batch (x, y) costs; the three take turns, so that other load meets them alike."""
    twin = float_twin(net)
    init_from_float(net, twin)
    nets = (twin, straight_through(net, twin), net)
    optimizers = [torch.optim.Adam(parameter_groups(m, 1e-3), fused=True) for m in nets]
    times: list[list[float]] = [[] for _ in nets]
    for k in range(steps + 2):
        for m, optimizer, spent in zip(nets, optimizers, times, strict=True):
            start = time.process_time()
            optimizer.zero_grad()
            F.cross_entropy(m.train()(x), y).backward()
            optimizer.step()
            clip_logits(m)
            if k >= 2:  # the first steps set up memory and kernels
                spent.append(1000 * (time.process_time() - start))
    return StepCost(*(min(spent) for spent in times))
