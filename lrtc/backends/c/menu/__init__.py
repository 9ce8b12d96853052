"""The menu: every way to compute a convolution or linear layer in C, and the rule that picks one.

A kernel is one class in a module of this folder, and one template:

1. Derive from `Kernel` (base.py): `refuse` says for which layers it is not legal and why; `suits` when the default may
   take it; `scratch` its bytes in the arena; `parts` its tables, its view for the template, and the texts of hw/c that
   it calls. `Matrix` is the layer: input type, window, weights, and the level if one threshold is all that follows.
2. Write templates/c/NAME.c.j2 (several kernels may share one: `template`); it sees a LayerView, the kernel's own view
   as `layer.matrix`. A new text of hw/c goes into TEXT_ORDER (emit.py) and the table in hw/c/README.md.
3. Add it to MENU below: the default is the first kernel that does not refuse and that `suits`. `kernels=` overrides it
   (`lrtc.compile(model, kernels={"acc": "count"})`, or one name for every layer where it is legal): tests and benches
   force a kernel so.
"""

from __future__ import annotations

from collections.abc import Mapping

from lrtc.backends.c.menu.active import Active
from lrtc.backends.c.menu.base import Kernel, Matrix, Parts
from lrtc.backends.c.menu.patterns import Patterns
from lrtc.backends.c.menu.popcount import Count, CountPlanes, Pairs, Slices
from lrtc.backends.c.menu.scalar import Integers, Sums
from lrtc.backends.c.menu.sliced import Sliced
from lrtc.backends.c.menu.tables import Tables
from lrtc.backends.c.menu.wide import CountWide

MENU: dict[str, Kernel] = {
    kernel.name: kernel
    for kernel in (
        Active(), Sliced(4), Sliced(3), Sliced(3, nibbles=True), CountWide(), Tables(), Count(), CountPlanes(),
        Pairs(), Patterns(), Sums(), Slices(), Integers(),
    )
}  # fmt: skip
Choice = str | Mapping[str, str]  # a kernel for every layer where it is legal, or value of a layer → kernel


def choose(layer: Matrix, wanted: str = "") -> Kernel:
    """Return the kernel `wanted` if there is one that the layer may have, else the default."""
    if wanted and not MENU[wanted].refuse(layer):
        return MENU[wanted]
    return next(kernel for kernel in MENU.values() if not kernel.refuse(layer) and kernel.suits(layer))


def legal(layer: Matrix) -> tuple[str, ...]:
    """Return the names of the kernels that the layer may have."""
    return tuple(name for name, kernel in MENU.items() if not kernel.refuse(layer))


__all__ = ["MENU", "Choice", "Kernel", "Matrix", "Parts", "choose", "legal"]
