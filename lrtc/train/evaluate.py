"""The figures of a results table: a distribution and its draws, and the integer network as it is compiled."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from lrtc.chain import Chain
from lrtc.driver import open_model
from lrtc.nn import accuracy, discretize, reestimate_batchnorm
from lrtc.nn.discrete import RANDOM
from lrtc.nn.noise import noise_from
from lrtc.train.data import Samples

STATISTICS = 5000  # training samples on which batchnorm statistics of a draw are measured


@dataclass(frozen=True)
class DistributionScores:
    """Accuracies, shares 0 … 1, of a network whose weights are still random.

    distribution: weights and signs sampled; most_probable: the likeliest weights with the batchnorm statistics of
    training, and reestimated; draws: mean and standard deviation over draws of all weights, reestimated.
    """

    distribution: float
    most_probable: float
    most_probable_reestimated: float
    draws: int
    draw_mean: float
    draw_deviation: float


def distribution_scores(
    random: nn.Module, train: Samples, test: Samples, draws: int = 5, seed: int = 0
) -> DistributionScores:
    """Return what a random network and its discrete ones score on `test`; statistics come from `train`."""
    held_out, statistics = test.batches(), train.first(STATISTICS).batches()
    with noise_from([seed]):
        sampled = accuracy(random.eval(), held_out)
    likely = discretize(copy.deepcopy(random))
    before = accuracy(likely, held_out)
    after = accuracy(reestimate_batchnorm(likely, statistics), held_out)
    stream, found = torch.Generator().manual_seed(seed), []
    for _ in range(draws):
        for m in likely.modules():
            if isinstance(m, RANDOM):
                m.discretize_(stream)
        found.append(accuracy(reestimate_batchnorm(likely, statistics), held_out))
    found = torch.tensor(found, dtype=torch.float64)
    deviation = float(found.std()) if draws > 1 else 0.0
    return DistributionScores(sampled, before, after, draws, float(found.mean()), deviation)


def integer_accuracy(model: str | Path, test: Samples) -> float:
    """Return the share of test samples that the compiled network, run by the reference interpreter, gets right."""
    run = Chain(open_model(model)).run("interp", test.x.numpy())
    return float((run.classes == test.y.numpy()).mean())
