"""Channel-packed kernels: the words under a window against words of weights, ones counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.backends.c.menu.base import Kernel, Matrix, Parts
from lrtc.backends.c.storage import WORD, ctype_of_value, kind_of
from lrtc.backends.c.tables import Table, number_table, word_table
from lrtc.backends.c.weights import border, integer_bits, plane_words, sign_words, ternary_words
from lrtc.ir.bits import words_for

WORD_COST = {  # instructions of count and pairs, by input and whether weights are ternary
    ("b1", False): 10, ("b1", True): 13, ("t2", False): 13, ("t2", True): 22,
}  # fmt: skip
OUTPUT_COST = 17  # and of each output beside its words


@dataclass(frozen=True)
class PopcountView:
    """words of a dot product; planes of weights or input; classes of the border; the rest is of one kernel each."""

    words: int = 0
    planes: int = 0
    elements: int = 0
    ternary: bool = False
    signed: bool = False
    classes: int = 1
    class_cols: int = 1
    class_ctype: str = ""
    plane_words: int = 0
    nonzero: int = 0
    limits: bool = False


class Packed(Kernel):
    """What the kernels on packed planes share: a window gathered into scratch, groups as weights 0."""

    kind = "b1"
    planes = 1

    def refuse(self, layer: Matrix) -> str:
        if kind_of(layer.x) != self.kind:
            return f"its input is {layer.x.elem}, not {self.kind}"
        return ""

    def suits(self, layer: Matrix) -> bool:
        """Groups are zeros as long as that needs no more words than a group has channels."""
        inside = layer.weights.shape[3]
        return layer.groups == 1 or words_for(inside * layer.groups, WORD) <= inside

    def scratch(self, layer: Matrix) -> int:
        window = layer.window
        return 0 if window.covers_pixels else 4 * window.taps * words_for(window.channels, WORD) * self.planes

    def texts(self, layer: Matrix) -> set[str]:
        """Return the texts that gather the window."""
        return set() if layer.window.covers_pixels else {"window", "gather"}


class Count(Packed):
    """XNOR-popcount of bits with bipolar or ternary weights."""

    name = template = "count"
    formula = "acc[o] = sum of w * x: 2 * (lanes that agree) - (weights that are not 0)"
    decision = (
        "y[o] = +1 where acc[o] >= level[o]: where the lanes that agree reach limit[o], which holds all constants"
    )

    def refuse(self, layer: Matrix) -> str:
        return super().refuse(layer) or ("" if layer.ternary else "a weight is beyond -1, 0, +1")

    def parts(self, layer: Matrix, function: str) -> Parts:
        weights = layer.dense()
        words, ternary, n = _words(weights)
        base = np.abs(weights).sum(axis=(1, 2, 3))
        tables, says = _constants(layer, weights, function, base, 2)
        view = PopcountView(words=n, ternary=ternary, limits=layer.level is not None, **says)
        texts = {"count", "count_t2" if ternary else "count_b1"} | self.texts(layer)
        return Parts((word_table(f"{function}_weights", words), *tables), view, frozenset(texts))


class CountPlanes(Packed):
    """Bits with integer weights, a bit of the weights at a time."""

    name = template = "count_planes"
    formula = "acc[o] = sum of w * x, a weight bit at a time: sum of 2^b * (lanes that agree) - base[o]"

    def parts(self, layer: Matrix, function: str) -> Parts:
        weights = layer.dense()
        words, bits, lanes = plane_words(weights), integer_bits(weights), weights[0].size
        base = np.full(len(weights), lanes * ((1 << (bits - 1)) - 1))
        tables, says = _constants(layer, weights, function, base, 0)
        view = PopcountView(words=words.shape[1] // bits, planes=bits, **says)
        texts = {"count", "count_b1", "signed"} | self.texts(layer)
        return Parts((word_table(f"{function}_weights", words), *tables), view, frozenset(texts))


class Pairs(Packed):
    """Ternary activations with any weights. Padded taps are gathered as 0, so there are no border classes.

    Of N planes d_b of integer weights (see plane_words), with k lanes not 0, m of them negative, and n_b lanes that
    differ in sign from d_b: Σ w·x = (2^(N−1) − 1)·k − Σ 2^b·n_b + m.
    """

    name = template = "pairs"
    kind = "t2"
    planes = 2
    formula = "acc[o] = sum of w * x: (lanes not 0) - 2 * (of these, lanes that differ in sign)"

    def parts(self, layer: Matrix, function: str) -> Parts:
        weights, texts = layer.dense(), {"signed", "count"} | self.texts(layer)
        if layer.ternary:
            words, ternary, n = _words(weights)
            texts |= {"pairs_t2"} if ternary else {"pairs", "pairs_b1"}
            view = PopcountView(words=n, ternary=ternary)
        else:
            words, bits = plane_words(weights), integer_bits(weights)
            texts |= {"pairs", "pairs_b1"}
            view = PopcountView(words=words.shape[1] // bits, planes=bits, nonzero=(1 << (bits - 1)) - 1)
        return Parts((word_table(f"{function}_weights", words),), view, frozenset(texts))


class Slices(Kernel):
    """Bytes with bipolar or ternary weights, a bit of the input at a time."""

    name = template = "slices"
    formula = "acc[o] = sum of w * x, an input bit at a time: sum of 2^b * (lanes that agree) - base[o]"
    scratch_name = "planes"

    def refuse(self, layer: Matrix) -> str:
        if ctype_of_value(layer.x) not in ("uint8_t", "int8_t"):
            return f"its input is {layer.x.elem}, not integers of at most 8 bits"
        return "" if layer.ternary else "a weight is beyond -1, 0, +1"

    def suits(self, layer: Matrix) -> bool:
        elements = layer.window.taps * layer.weights.shape[3]
        words = words_for(elements * layer.groups, WORD)
        return layer.groups == 1 or layer.x.elem.bits * words <= elements

    def scratch(self, layer: Matrix) -> int:
        elements = layer.window.taps * layer.window.channels
        planes = 4 * layer.x.elem.bits * words_for(elements, WORD)
        return planes + (0 if layer.window.covers_pixels else elements)

    def parts(self, layer: Matrix, function: str) -> Parts:
        """The base is (2^N − 1) times the number of negative weights; the top plane of a signed input weighs −2^(N−1),
        which leaves minus that number: the template adds it.
        """
        weights = layer.dense()
        flat = weights.reshape(len(weights), 1, 1, -1)
        words, ternary, n = _words(flat)
        signed, bits = layer.x.elem.kind == "i", layer.x.elem.bits
        base = (1 if signed else (1 << bits) - 1) * (flat < 0).sum(axis=(1, 2, 3))
        view = PopcountView(
            words=n, planes=bits, elements=flat.shape[3], ternary=ternary, signed=signed, plane_words=n * bits
        )
        tables = (word_table(f"{function}_weights", words), number_table(f"{function}_base", base, least=16))
        gather = set() if layer.window.covers_pixels else {"window", "gather_u8"}
        texts = {"count", "count_t2" if ternary else "count_b1", "signed", "slice_u8"} | gather
        return Parts(tables, view, frozenset(texts))


def count_cost(layer: Matrix) -> int:
    """Return about how many instructions counting in every output's words takes on a Cortex-M4; input of b1 or t2."""
    words = layer.window.taps * words_for(layer.window.channels, WORD)
    cost = words * WORD_COST[kind_of(layer.x), bool((layer.dense() == 0).any())] + OUTPUT_COST
    return len(layer.weights) * cost * layer.window.out[0] * layer.window.out[1]


def _words(weights: np.ndarray) -> tuple[np.ndarray, bool, int]:
    """Return the words of bipolar or ternary weights, whether they are ternary, and how many lanes' words there are."""
    ternary = bool((weights == 0).any())
    words = ternary_words(weights) if ternary else sign_words(weights)
    return words, ternary, words.shape[1] // (2 if ternary else 1)


def _constants(
    layer: Matrix, weights: np.ndarray, function: str, base: np.ndarray, scale: int
) -> tuple[tuple[Table, ...], dict]:
    """Return the tables of bases by border class, and what a view says of the classes.

    With a scale and a level they are limits instead: scale·count − base ≥ level ⇔ count ≥ limit.
    """
    classes = border(layer.window, weights)
    bases, word = base[None, :] - classes.missing, "base"
    if scale and layer.level is not None:
        word, bases = "limit", np.clip(-((-bases - layer.level) // scale), 0, None)
    n = len(bases)
    tables = [number_table(f"{function}_{word}", bases[0] if n == 1 else bases, least=16)]
    if n > 1:
        tables.append(number_table(f"{function}_row_class", classes.rows))
        tables.append(number_table(f"{function}_col_class", classes.cols))
    return tuple(tables), {"classes": n, "class_cols": classes.n_cols, "class_ctype": tables[0].ctype}
