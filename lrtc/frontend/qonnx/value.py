"""What the importer knows of a value of the ONNX graph: a constant, or an IR value and the float32 steps after it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from lrtc.interp import MEANING, batchnorm_coefficients
from lrtc.ir import Op
from lrtc.ir.ops import BatchNorm, Divide, ScaleBias


class Refused(ValueError):
    """What a node meets that cannot be compiled."""


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant. If it came out of a quantiser: value = q · scale, q integers, scale of the same shape."""

    value: np.ndarray
    q: np.ndarray | None = None
    scale: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Step:
    """One float32 operation of the model, in its order: x·rows, x/rows, x+rows, or a batchnorm of rows [4,C].

    rows: float32, a number for all channels, or one a channel [C].
    """

    kind: str  # "mul", "div", "add", "batchnorm"
    rows: np.ndarray
    eps: float = 0.0

    def affine(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (scale, offset) float64, numbers or [C], of x·scale + offset."""
        rows = self.rows.astype(np.float64)
        if self.kind == "mul":
            return rows, np.float64(0)
        if self.kind == "div":
            return 1 / rows, np.float64(0)
        if self.kind == "add":
            return np.float64(1), rows
        a, b = batchnorm_coefficients(self.rows, self.eps, False)
        return a.astype(np.float64), b.astype(np.float64)

    @property
    def per_channel(self) -> bool:
        return self.rows.ndim > 0

    def mapped(self, change) -> Step:
        """Return the step with `change` done to each of its rows [C]; numbers stay."""
        if not self.per_channel:
            return self
        rows = np.stack([change(r) for r in self.rows]) if self.rows.ndim == 2 else change(self.rows)
        return replace(self, rows=rows)

    def op(self, channels: int) -> tuple[Op, np.ndarray]:
        """Return the IR op and its rows [n,C]."""
        if self.kind == "batchnorm":
            return BatchNorm(self.eps), self.rows
        rows = np.broadcast_to(self.rows, channels).astype(np.float32)
        if self.kind == "div":
            return Divide(), rows[None]
        ones, zeros = np.ones_like(rows), np.zeros_like(rows)
        return ScaleBias(), np.stack([rows, zeros] if self.kind == "mul" else [ones, rows])


def nodes_of(steps: tuple[Step, ...], channels: int) -> list[tuple[Op, np.ndarray]]:
    """Return the IR ops of the steps; a product and the sum right after it are one op, of the same rounding."""
    ops: list[tuple[Op, np.ndarray]] = []
    for i, step in enumerate(steps):
        op, rows = step.op(channels)
        if step.kind == "add" and i and steps[i - 1].kind == "mul":
            ops[-1] = (op, np.stack([ops[-1][1][0], rows[1]]))
        else:
            ops.append((op, rows))
    return ops


def evaluate(steps: tuple[Step, ...], x: np.ndarray) -> np.ndarray:
    """Return float32 [N,C]: the steps of x [N,C]."""
    for op, rows in nodes_of(steps, x.shape[-1]):
        x = MEANING[type(op)](op, x, rows)
    return x.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Value:
    """steps(%name), with the axes of ONNX. name: of the IR value, [H,W,C] or [C].

    axes: one letter an axis of `shape`: N batch, C, H, W, or 1. flat: "" or the order ("CHW", "HWC") in which an
    image is to be read as a vector: it stays an image in the IR until a dot product wants the vector.
    """

    name: str
    shape: tuple[int, ...]
    axes: str
    steps: tuple[Step, ...] = ()
    flat: str = ""
    answer: str = ""  # "topk" or "argmax" for what stands after such a node: class numbers instead of scores

    def then(self, *steps: Step) -> Value:
        """Return the value after more steps, steps that do nothing left out."""
        kept = [s for s in steps if not _idle(s)]
        return replace(self, steps=(*self.steps, *kept))

    def affine(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (scale, offset) float64, numbers or [C]: the real value is %name·scale + offset."""
        scale, offset = np.float64(1), np.float64(0)
        with np.errstate(all="ignore"):
            for step in self.steps:
                a, b = step.affine()
                scale, offset = scale * a, offset * a + b
        return scale, offset


def _idle(step: Step) -> bool:
    neutral = {"mul": 1, "div": 1, "add": 0}.get(step.kind)
    return neutral is not None and bool((step.rows == neutral).all())


def number(x: float) -> np.ndarray:
    """Return a float32 number as the rows of a step for all channels."""
    return np.asarray(x, dtype=np.float32)


@dataclass(frozen=True)
class Site:
    """One node of the model: where it is for messages, its operands, results and attributes."""

    op: str
    domain: str
    where: str
    origin: str
    ins: tuple[str, ...]
    outs: tuple[str, ...]
    attrs: dict[str, object] = field(default_factory=dict)
