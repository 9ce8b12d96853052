"""Where the random numbers of a training step come from: torch's own stream, or one stream a part of the batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

_streams: list[torch.Generator] = []


@contextmanager
def noise_from(seeds: Sequence[int], device: torch.device | str = "cpu") -> Iterator[list[torch.Generator]]:
    """Within, batches are cut into len(seeds) parts and each part's noise comes from a stream of its own.

    Two processes with one part each draw what one process with two parts draws: a step does not depend on how many
    processes share it. Gives the streams, so that an augmentation can draw from them too.
    """
    before = list(_streams)
    _streams[:] = [torch.Generator(device).manual_seed(seed) for seed in seeds]
    try:
        yield list(_streams)
    finally:
        _streams[:] = before


def uniform_like(x: Tensor) -> Tensor:
    """Return uniform noise in [eps, 1 − eps] of the shape of x, axis 0 being the batch."""
    eps = torch.finfo(x.dtype).eps
    u = torch.empty_like(x, memory_format=torch.contiguous_format)
    for part, stream in _parts(u):
        part.uniform_(eps, 1 - eps, generator=stream)
    return u


def normal_like(x: Tensor) -> Tensor:
    """Return standard normal noise of the shape of x, axis 0 being the batch."""
    xi = torch.empty_like(x, memory_format=torch.contiguous_format)
    for part, stream in _parts(xi):
        part.normal_(generator=stream)
    return xi


def gumbel_like(x: Tensor) -> Tensor:
    """Return Gumbel noise −log(−log u) of the shape of x, axis 0 being the batch."""
    return -torch.log(-torch.log(uniform_like(x)))


def _parts(x: Tensor) -> Iterator[tuple[Tensor, torch.Generator | None]]:
    if not _streams or not x.dim():
        return iter([(x, None)])
    return zip(x.tensor_split(len(_streams)), _streams, strict=True)
