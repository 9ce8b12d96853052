"""Hypothesis in the place of a numpy generator: bytes that it draws decide what form a network has."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

SEED_BYTES, CHOICES = 4, 200
FEW = 4  # numbers of one call that bytes decide, such as a kernel's sides; those of tensors come from the seed
decisions = st.binary(min_size=SEED_BYTES + CHOICES, max_size=SEED_BYTES + CHOICES)


def examples(count: int) -> list[Drawn]:
    """Return so many examples, the simplest first, always the same: for tests that compile many in one program."""
    found: list[bytes] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(decisions)
    def keep(data: bytes) -> None:
        found.append(data)

    keep()
    return [Drawn(data) for data in found]


class Drawn:
    """The part of `numpy.random.Generator` that the makers of networks use; when the bytes end, the seed goes on."""

    def __init__(self, data: bytes) -> None:
        self.seed, self._choices = int.from_bytes(data[:SEED_BYTES], "big"), iter(data[SEED_BYTES:])
        self._numbers = np.random.default_rng(self.seed)
        self.normal, self.permutation = self._numbers.normal, self._numbers.permutation

    def _one(self, span: int) -> int:
        choice = next(self._choices, None) if span <= 256 else None
        return int(self._numbers.integers(span)) if choice is None else choice % span

    def integers(self, low, high=None, size=None):
        """Return integers low…high − 1, or 0…low − 1."""
        low, high = (0, low) if high is None else (low, high)
        if np.ndim(low) or np.ndim(high) or _count(size) > FEW:
            return self._numbers.integers(low, high, size)
        found = [int(low) + self._one(int(high) - int(low)) for _ in range(_count(size))]
        return found[0] if size is None else np.array(found)

    def random(self, size=None):
        """Return a number, or numbers, from 0 up to 1."""
        return self._one(256) / 256 if size is None else self._numbers.random(size)

    def choice(self, items, size=None):
        """Return items of a tuple."""
        many = _count(size) > FEW
        return self._numbers.choice(items, size) if many else np.array(items)[self.integers(len(items), size=size)]


def _count(size: int | tuple[int, ...] | None) -> int:
    return 1 if size is None else FEW + 1 if isinstance(size, tuple) else size
