"""Which kernel each layer gets: the exact optimum of measured costs under budgets of flash and RAM.

Flash adds up over layers, but for functions that kernels share, which are there once: a multiple-choice knapsack with
shared parts. It is solved exactly by keeping, layer by layer, every choice that no other beats in cost and flash. RAM
does not add up: a layer's scratch lives while it runs, so a layer may have the kernels whose scratch fits beside the
values that are alive then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from lrtc.errors import Fault, LrtcError

OBJECTIVES = ("speed", "flash", "ram")


@dataclass(frozen=True)
class Option:
    """A kernel that a layer may have. cost: cycles or instructions; flash, ram: bytes, ram with all values alive then.

    constant_time: whether its time does not depend on the input. shared: functions that it calls, and their bytes,
    which are in flash once however many layers call them.
    """

    kernel: str
    cost: int
    flash: int
    ram: int
    constant_time: bool = True
    shared: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Layer:
    """A layer that wants a kernel: its key, its name for people, what it may have, the default first."""

    key: str
    name: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Budget:
    """What the choice may use in all; None: any. flash and ram in bytes."""

    objective: str = "speed"
    flash: int | None = None
    ram: int | None = None
    constant_time: bool = False


def select(layers: Sequence[Layer], budget: Budget, flash: int = 0, ram: int = 0) -> tuple[Option, ...]:
    """Return an option for each layer: the cheapest by the objective that fits the budget.

    flash, ram: bytes that are needed whatever is chosen. Among equals by the objective the faster wins, then the
    smaller. LrtcError when nothing fits: the smallest that does, and the layer that blocks.
    """
    allowed = [[o for o in layer.options if o.constant_time or not budget.constant_time] for layer in layers]
    faults = [
        Fault(layer.name, "no kernel of constant time") for layer, o in zip(layers, allowed, strict=True) if not o
    ]
    if faults:
        raise LrtcError("--constant-time: not every layer has a kernel whose time is constant", faults)
    _check_ram(layers, allowed, budget, ram)
    best = None
    for limit in _limits(allowed, budget, ram):
        front = _front([[o for o in options if o.ram <= limit] for options in allowed])
        best = min(front, key=lambda s: (s.flash, s.cost))
        fits = [state for state in front if budget.flash is None or flash + state.flash <= budget.flash]
        if fits:
            return (best if budget.objective == "flash" else min(fits, key=lambda s: (s.cost, s.flash))).options
    needs = [option.flash for option in best.options]
    at = max(range(len(needs)), key=needs.__getitem__, default=None)
    blocks = "" if at is None else f"; {layers[at].name} alone takes {needs[at]:,} of them"
    limits = [f"--ram {budget.ram}"] if budget.ram is not None else []
    limits += ["--constant-time"] if budget.constant_time else []
    under = f" with {' and '.join(limits)}" if limits else ""
    raise LrtcError(f"--flash {budget.flash}: the network needs at least {flash + best.flash:,} bytes{under}{blocks}")


def _check_ram(layers: Sequence[Layer], allowed: list[list[Option]], budget: Budget, ram: int) -> None:
    needs = [min(option.ram for option in options) for options in allowed]
    least = max([ram, *needs])
    if budget.ram is not None and least > budget.ram:
        at = max(range(len(needs)), key=needs.__getitem__) if max(needs, default=0) > ram else None
        blocks = "a layer without a choice" if at is None else layers[at].name
        under = " with --constant-time" if budget.constant_time else ""
        raise LrtcError(f"--ram {budget.ram}: the network needs at least {least:,} bytes{under}; {blocks} needs them")


def _limits(allowed: list[list[Option]], budget: Budget, ram: int) -> list[int]:
    """Return the bytes of RAM to try in turn: all that there is, or for the objective `ram` as little as can be."""
    least = max([ram, *(min(option.ram for option in options) for options in allowed)])
    steps = sorted({least, *(o.ram for options in allowed for o in options if o.ram > least)})
    within = [step for step in steps if budget.ram is None or step <= budget.ram]
    return within if budget.objective == "ram" else within[-1:]


@dataclass(frozen=True)
class _State:
    """A choice for the first layers. own: bytes without what is shared; shared: a bit for each function that is."""

    cost: int
    own: int
    shared: int
    flash: int
    options: tuple[Option, ...]


def _front(allowed: list[list[Option]]) -> list[_State]:
    """Return every choice of a kernel a layer that no other beats: is no worse, whatever the layers to come choose."""
    parts = sorted({part for options in allowed for o in options for part in o.shared})

    @cache
    def size(shared: int) -> int:
        return sum(n for i, (_, n) in enumerate(parts) if shared >> i & 1)

    front = [_State(0, 0, 0, 0, ())]
    for options in allowed:
        bits = [(o, sum(1 << parts.index(part) for part in o.shared)) for o in options]
        found = []
        for s in front:
            for o, mask in bits:
                own, shared = s.own + o.flash, s.shared | mask
                found.append(_State(s.cost + o.cost, own, shared, own + size(shared), (*s.options, o)))
        front = []
        for state in sorted(found, key=lambda s: (s.cost, s.flash)):
            if not any(kept.own + size(kept.shared | state.shared) <= state.flash for kept in front):
                front.append(state)  # those kept cost no more
    return front
