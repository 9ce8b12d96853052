"""Which inputs stand side by side in the groups of 7 whose sums all outputs share: a search for few patterns.

The sum of 7 = 2^3 − 1 bits has 3 bits, and the complement of the bits gives their complement; so a group has 64
patterns of ±1 weights, whatever the number of outputs.
"""

from __future__ import annotations

import numpy as np

GROUP = 7
SEED = 1
STEPS = 30_000


def regroup(signs: np.ndarray, steps: int = STEPS) -> np.ndarray:
    """Return an order of the inputs of ±1 weights [inputs, outputs] in which groups of 7 have few patterns.

    Swaps that do not make the number of patterns greater are kept; the same weights give the same order.
    """
    bits = (signs > 0).astype(np.int64)
    inputs, groups = len(bits), len(bits) // GROUP
    order = np.arange(inputs)
    if groups == 0:
        return order
    codes = [_code(bits[order[g * GROUP : (g + 1) * GROUP]]) for g in range(groups)]
    counts = [_patterns(code) for code in codes]
    for i, j in np.random.default_rng(SEED).integers(0, inputs, (steps, 2)).tolist():
        a, b = i // GROUP, j // GROUP
        if a == b or min(a, b) >= groups:
            continue
        change = bits[order[i]] ^ bits[order[j]]
        changed = {g: codes[g] ^ (change << k % GROUP) for g, k in ((a, i), (b, j)) if g < groups}
        found = {g: _patterns(code) for g, code in changed.items()}
        if sum(found.values()) <= sum(counts[g] for g in found):
            order[i], order[j] = order[j], order[i]
            for g, code in changed.items():
                codes[g], counts[g] = code, found[g]
    return order


def _code(bits: np.ndarray) -> np.ndarray:
    return (bits << np.arange(len(bits))[:, None]).sum(0)


def _patterns(code: np.ndarray) -> int:
    """Return how many patterns there are, a pattern and its complement counted once."""
    top = 1 << (GROUP - 1)
    seen = np.zeros(top, bool)
    seen[np.where(code & top, ~code, code) & (top - 1)] = True
    return int(seen.sum())
