"""What the templates see: frozen objects of names, numbers and finished text. No template computes."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.backends.c.tables import Table


@dataclass(frozen=True)
class WindowView:
    """A window in the units of its storage: `depth` words, bytes or integers a pixel; flat: no gathering needed."""

    rows: int
    cols: int
    depth: int
    kernel_rows: int
    kernel_cols: int
    stride_rows: int
    stride_cols: int
    dilate_rows: int
    dilate_cols: int
    top: int
    left: int
    out_rows: int
    out_cols: int
    single: bool
    flat: bool
    row_step: int
    col_step: int


@dataclass(frozen=True)
class OperandView:
    """A pointer that a function reads through: its name, its unit, units a pixel, channels; kind: b1, t2 or int."""

    name: str
    ctype: str
    kind: str
    depth: int
    channels: int


@dataclass(frozen=True)
class StageView:
    """A stage of an element: `source` → `result`, names of C variables.

    affine: multiplier and offset are names of tables. clamp: low, high, or None. add, greatest, least:
    operand. levels: a table of `count` levels, one row a channel unless `shared`; the least value is `base`.
    """

    kind: str
    source: str
    result: str
    multiplier: str = ""
    offset: str = ""
    low: int | None = None
    high: int | None = None
    operand: OperandView | None = None
    table: str = ""
    ctype: str = ""
    count: int = 0
    base: int = 0
    shared: bool = False
    has_flip: bool = False


@dataclass(frozen=True)
class LayerView:
    """One C function.

    operands: x, x2, …; added: those that stages read. store: `bits` (b1), `pair` (t2) or `int`, how elements are
    written; level: a `bits` element is compared with a table, flip: and turned by another. value: the C variable that
    is stored. matrix: the view of the layer's kernel. extra: a number that one template needs (a fill value, k).
    least: a maximum is a minimum. words: of a plane of y. in_order: a flatten as the elements lie. places: pixels of y.
    walk: the counters of a rearrangement with where they turn, the fastest first. spans: the operands of a concat.
    tail: lanes of the last word of a pixel of y, which is number `last_word`.
    """

    function: str
    template: str
    comment: tuple[str, ...]
    tables: tuple[Table, ...]
    params: str
    operands: tuple[OperandView, ...]
    added: tuple[OperandView, ...]
    y_ctype: str
    store: str
    level: bool
    flip: bool
    stages: tuple[StageView, ...]
    value: str
    outputs: int
    pixels: int
    window: WindowView | None
    matrix: object
    has_least: bool
    least: bool
    words: int
    extra: int
    in_order: bool
    places: int
    walk: tuple[tuple[str, int], ...]
    spans: tuple[OperandView, ...]
    tail: int
    last_word: int
    call: str
    summary: str
    kernels: frozenset[str]
