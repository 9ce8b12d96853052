"""The tables of convolutions and linear layers, kernel by kernel."""

from __future__ import annotations

import numpy as np

from lrtc.backends.c.steps import Step
from lrtc.backends.c.tables import Table, number_table, word_table
from lrtc.backends.c.views import MatrixView, SumsView
from lrtc.backends.c.weights import border, integer_bits, plane_words, sign_words, straight_sums, ternary_words
from lrtc.backends.c.windows import framed
from lrtc.ir import TensorType

Tables = tuple[Table, ...]


def matrix_tables(step: Step, function: str, x: TensorType) -> tuple[Tables, MatrixView]:
    """Return the tables of a matrix layer but for those of its stages, and what its template must know."""
    return {"count": _count, "count_planes": _count_planes, "pairs": _pairs, "slices": _slices, "integers": _integers}[
        step.kind
    ](step, function, x)


def limits_only(step: Step) -> bool:
    """Return whether the layer compares counts with limits, which hold its level and all constants."""
    return step.kind == "count" and step.level is not None and not step.stages


def _constants(step: Step, function: str, base: np.ndarray, scale: int, borders: bool) -> tuple[Tables, dict]:
    """Return the tables of limits, or of bases, by border class, and what a MatrixView says of the classes."""
    classes = border(step.window, step.weights) if borders else None
    n_classes = 1 if classes is None else len(classes.missing)
    bases = base[None, :] - (0 if classes is None else classes.missing)
    word = "base"
    if limits_only(step):  # scale·count − base ≥ level ⇔ count ≥ limit
        word, bases = "limit", np.clip(-((-bases - step.level) // scale), 0, None)
    tables = [number_table(f"{function}_{word}", bases[0] if len(bases) == 1 else bases, least=16)]
    if n_classes > 1:
        tables.append(number_table(f"{function}_row_class", classes.rows))
        tables.append(number_table(f"{function}_col_class", classes.cols))
    says = {"classes": n_classes, "class_cols": 1 if classes is None else classes.n_cols}
    return tuple(tables), says | {"class_ctype": tables[0].ctype}


def _words(weights: np.ndarray) -> tuple[np.ndarray, bool, int]:
    """Return the words of bipolar or ternary weights, whether they are ternary, and how many lanes' words there are."""
    ternary = bool((weights == 0).any())
    words = ternary_words(weights) if ternary else sign_words(weights)
    return words, ternary, words.shape[1] // (2 if ternary else 1)


def _count(step: Step, function: str, x: TensorType) -> tuple[Tables, MatrixView]:
    words, ternary, n = _words(step.weights)
    base = np.abs(step.weights).sum(axis=(1, 2, 3))
    tables, says = _constants(step, function, base, 2, borders=True)
    return (word_table(f"{function}_weights", words), *tables), MatrixView(words=n, ternary=ternary, **says)


def _count_planes(step: Step, function: str, x: TensorType) -> tuple[Tables, MatrixView]:
    words, bits, lanes = plane_words(step.weights), integer_bits(step.weights), step.weights[0].size
    base = np.full(len(step.weights), lanes * ((1 << (bits - 1)) - 1))
    tables, says = _constants(step, function, base, 1, borders=True)
    table = word_table(f"{function}_weights", words)
    return (table, *tables), MatrixView(words=words.shape[1] // bits, planes=bits, **says)


def _pairs(step: Step, function: str, x: TensorType) -> tuple[Tables, MatrixView]:
    """Padded taps are gathered as 0, so there are no border classes.

    Of N planes d_b of integer weights (see plane_words), with k lanes not 0, m of them negative, and n_b lanes that
    differ in sign from d_b: Σ w·x = (2^(N−1) − 1)·k − Σ 2^b·n_b + m.
    """
    if np.abs(step.weights).max() <= 1:
        words, ternary, n = _words(step.weights)
        return (word_table(f"{function}_weights", words),), MatrixView(words=n, ternary=ternary)
    words, bits = plane_words(step.weights), integer_bits(step.weights)
    view = MatrixView(words=words.shape[1] // bits, planes=bits, nonzero=(1 << (bits - 1)) - 1)
    return (word_table(f"{function}_weights", words),), view


def _slices(step: Step, function: str, x: TensorType) -> tuple[Tables, MatrixView]:
    """The base is (2^N − 1) times the number of negative weights; the top plane of a signed input weighs −2^(N−1),
    which leaves minus that number: the template adds it.
    """
    flat = step.weights.reshape(len(step.weights), 1, 1, -1)
    words, ternary, n = _words(flat)
    signed, bits = x.elem.kind == "i", x.elem.bits
    base = (1 if signed else (1 << bits) - 1) * (flat < 0).sum(axis=(1, 2, 3))
    tables, says = _constants(step, function, base, 1, borders=False)
    view = MatrixView(
        words=n, planes=bits, elements=flat.shape[3], ternary=ternary, signed=signed, plane_words=n * bits, **says
    )
    return (word_table(f"{function}_weights", words), *tables), view


def _integers(step: Step, function: str, x: TensorType) -> tuple[Tables, MatrixView]:
    table = number_table(f"{function}_weights", step.weights.reshape(len(step.weights), -1))
    inside = step.weights.shape[3]
    view = MatrixView(weight_ctype=table.ctype, inside=inside, grouped=step.groups > 1)
    if step.groups == 1:
        return (table,), view
    outputs = len(step.weights) // step.groups
    return (table, number_table(f"{function}_from", np.arange(step.groups).repeat(outputs) * inside)), view


def sums_view(step: Step) -> SumsView:
    """Return the straight-line code of a layer on bytes."""
    w = step.window
    rows, row_bytes = framed(w)
    sums, total = straight_sums(step.weights, step.level)
    used = set(np.flatnonzero((step.weights != 0).any(axis=0)))
    pair = w.stride[1] * w.channels
    taps = [
        ky * w.dilation[0] * row_bytes + kx * w.dilation[1] * w.channels + c
        for ky in range(w.kernel[0])
        for kx in range(w.kernel[1])
        for c in range(w.channels)
    ]
    groups = tuple((sums[i : i + 16], 16 - len(sums[i : i + 16])) for i in range(0, len(sums), 16))
    return SumsView(
        framed=step.scratch > 0, rows=rows, row_bytes=row_bytes, pairs=(w.out[1] + 1) // 2,
        last=(w.out[1] - 1) // 2,
        row_step=w.stride[0] * row_bytes, pair_step=2 * pair, top=w.padding[0],
        left_bytes=w.padding[2] * w.channels, in_row_bytes=w.cols * w.channels, odd=w.out[1] % 2 == 1,
        taps=tuple((i, t, t + pair) for i, t in enumerate(taps) if total or i in used),
        total=" + ".join(f"x{i}" for i in range(len(taps))) if total else "", groups=groups,
        words=tuple((i, i + 1 if i + 1 < len(groups) else None) for i in range(0, len(groups), 2)),
    )  # fmt: skip
