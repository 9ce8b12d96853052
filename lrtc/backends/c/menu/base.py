"""What a kernel of the menu is, and the layer that it is asked about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.backends.c.tables import Table
from lrtc.backends.c.windows import Window
from lrtc.ir import TensorType


@dataclass(frozen=True, eq=False)
class Matrix:
    """A convolution or linear layer that wants a kernel.

    x: the type of its input. weights: int64 [O,Kh,Kw,I], I channels of a group. level: int64 [O] where all that
    follows is one threshold to `b1`, y = Σ w·x ≥ level, with the weights of flipped outputs negated already; else
    None. lanes: pixels in a word of pixel-sliced kernels.
    """

    x: TensorType
    window: Window
    weights: np.ndarray
    groups: int = 1
    level: np.ndarray | None = None
    lanes: int = 32

    @property
    def ternary(self) -> bool:
        """Return whether no weight is beyond ±1."""
        return bool((np.abs(self.weights) <= 1).all())

    def dense(self) -> np.ndarray:
        """Return the weights [O,Kh,Kw,G·I], 0 outside an output's group."""
        if self.groups == 1:
            return self.weights
        outputs, inside = self.weights.shape[0] // self.groups, self.weights.shape[3]
        full = np.zeros((*self.weights.shape[:3], inside * self.groups), dtype=self.weights.dtype)
        for g in range(self.groups):
            mine = slice(g * outputs, (g + 1) * outputs)
            full[mine, ..., g * inside : (g + 1) * inside] = self.weights[mine]
        return full


@dataclass(frozen=True)
class Parts:
    """What a kernel puts into the C of one layer.

    tables: all constants but those of stages. view: what its template sees as `layer.matrix`. texts: the files
    hw/c/lrtc_TEXT.h that it calls.
    """

    tables: tuple[Table, ...]
    view: object
    texts: frozenset[str]


class Kernel:
    """One way to compute a convolution or linear layer; its template is templates/c/TEMPLATE.c.j2.

    formula, decision: the comment above the function; decision where the kernel's tables hold the level. scratch_name,
    scratch_ctype: the parameter that points to the scratch. elements: it hands over one integer `acc` at a time, and
    stages may follow; else it writes whole words of `b1`. reads_elements: it reads its input element by element.
    constant_time: how long it takes does not depend on the input.
    """

    name = ""
    template = ""
    formula = ""
    decision = ""
    scratch_name = "window"
    scratch_ctype = "uint32_t"
    elements = True
    reads_elements = False
    constant_time = True

    def refuse(self, layer: Matrix) -> str:
        """Return why the kernel cannot compute this layer, or ""."""
        raise NotImplementedError

    def suits(self, layer: Matrix) -> bool:
        """Return whether the default choice may take the kernel for a layer that it does not refuse."""
        return True

    def scratch(self, layer: Matrix) -> int:
        """Return the bytes of scratch in the arena, exactly."""
        return 0

    def folds(self, layer: Matrix) -> bool:
        """Return whether the kernel's tables hold the layer's level."""
        return bool(self.decision) and layer.level is not None

    def parts(self, layer: Matrix, function: str) -> Parts:
        """Return what goes into the C of the layer; names of tables begin with `function`."""
        raise NotImplementedError

    def constant_bytes(self, layer: Matrix) -> int:
        """Return the bytes of flash that the kernel's tables take, exactly."""
        return sum(table.bytes for table in self.parts(layer, "f").tables)
