"""Types, type rules, the printer and the verifier."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lrtc.ir import (
    B1,
    F32,
    T2,
    U8,
    Graph,
    GraphBuilder,
    IllegalGraph,
    Node,
    TypeRule,
    int_elem,
    tensor,
    to_text,
    verify,
)
from lrtc.ir.ops import Affine, Conv2d, Flatten, Identity, Linear, MaxPool2d, Sign, Threshold
from lrtc.ir.types import Elem, parse_elem


def dense() -> Graph:
    b = GraphBuilder("dense")
    x = b.input("x", tensor((64,), B1))
    w = b.const("w", np.zeros((10, 64), dtype=np.int8), tensor((10, 64), T2, "OI"))
    acc = b.add(Linear(), [x, w], "acc", "fc1")
    return b.finish([b.add(Sign(), [acc], "z", "act1")])


def test_prints_like_the_specification():
    assert to_text(verify(dense())) == "\n".join(
        [
            "graph @dense(%x: b1[64:C]) {",
            "  %w   = const         : t2[10x64:OI]",
            "  %acc = linear %x, %w : i1[10:C] # fc1",
            "  %z   = sign %acc     : b1[10:C] # act1",
            "  return %z",
            "}",
        ]
    )


def test_packed_layout_prints_words():
    assert str(tensor((28, 28, 32), B1, word=32)) == "b1[28x28x32:HW[C/32]]"


@pytest.mark.parametrize(
    ("low", "high", "bits"), [(0, 0, 1), (-1, 0, 1), (0, 1, 2), (-2, 1, 2), (-128, 127, 8), (-129, 0, 9), (0, 128, 9)]
)
def test_integers_are_as_wide_as_their_range(low, high, bits):
    assert int_elem(low, high) == Elem("i", bits)
    assert int_elem(low, high).low <= low
    assert int_elem(low, high).high >= high


def test_too_wide_integers_are_refused():
    with pytest.raises(OverflowError, match="at most 32"):
        int_elem(0, 1 << 31)


@pytest.mark.parametrize("text", ["b1", "t2", "u8", "i13", "f32"])
def test_elements_parse_as_they_print(text):
    assert str(parse_elem(text)) == text


@pytest.mark.parametrize("text", ["b2", "t1", "u33", "q8", "i0"])
def test_unknown_elements_are_refused(text):
    with pytest.raises(ValueError, match="no such element"):
        parse_elem(text)


def test_accumulator_bounds_come_from_the_weights():
    b = GraphBuilder("g")
    x = b.input("x", tensor((4, 4, 1), U8))
    w = np.zeros((2, 3, 3, 1), dtype=np.int8)
    w[0, 0, 0, 0], w[0, 1, 1, 0], w[1, 2, 2, 0] = 1, -1, 1
    name = b.add(Conv2d(padding=(1, 1, 1, 1)), [x, b.const("w", w, tensor(w.shape, T2))], "acc")
    fact = b.facts[name]
    assert fact.low.tolist() == [-255, 0]
    assert fact.high.tolist() == [255, 255]
    assert str(fact.type) == "i9[4x4x2:HWC]"


@pytest.mark.parametrize(
    ("op", "shapes", "message"),
    [
        (Conv2d(), [(3, 3, 2), (4, 5, 5, 2)], "larger than the padded input"),
        (Conv2d(), [(3, 3, 2), (4, 3, 3, 5)], "5 channels meet a value of 2"),
        (Conv2d(stride=(0, 1)), [(3, 3, 2), (4, 3, 3, 2)], "stride"),
        (Linear(), [(3,), (4, 2)], "meets a value"),
        (MaxPool2d((2, 2), (1, 1), (2, 0, 0, 0)), [(3, 3, 2)], "a window would be empty"),
        (Threshold(), [(3,), (2, 4)], "must be"),
        (Affine(), [(3,), (1, 3)], "must be"),
        (Sign(), [(3,), (3,)], "operands"),
        (Flatten("WHC"), [(3, 3, 1)], "order"),
    ],
)
def test_type_rules_refuse(op, shapes, message):
    b = GraphBuilder("g")
    names = [b.input("x", tensor(shapes[0], B1))]
    for shape in shapes[1:]:
        axes = "OI" if isinstance(op, Linear) else None
        names.append(b.const("k", np.ones(shape, dtype=np.int8), tensor(shape, B1, axes)))
    with pytest.raises(TypeRule, match=message):
        b.add(op, names, "y")


def test_real_input_of_a_dot_product_is_refused_with_the_remedy():
    b = GraphBuilder("g")
    x = b.input("x", tensor((3,), F32))
    w = b.const("w", np.ones((2, 3), dtype=np.int8), tensor((2, 3), B1, "OI"))
    with pytest.raises(TypeRule, match="InputQuantize"):
        b.add(Linear(), [x, w], "y")


def test_builder_makes_names_legal_and_unique():
    b = GraphBuilder("g")
    names = [b.input(hint, tensor((1,), U8)) for hint in ("a.b", "a/b", "1x", "*/ evil", "", "é")]
    assert names == ["a_b", "a_b_v2", "v1x", "evil", "v", "v_v2"]


def test_verifier_catches_what_breaks_the_rules():
    graph = dense()
    w, acc, z = graph.nodes
    wrong = [
        (replace(graph, nodes=(w, z, acc)), "not defined before"),
        (replace(graph, nodes=(w, acc, replace(z, out="acc"))), "defined twice"),
        (replace(graph, nodes=(w, acc, replace(z, out="z z"))), "legal value name"),
        (replace(graph, nodes=(w, acc, replace(z, type=z.type.with_elem(T2)))), "the node says"),
        (replace(graph, outputs=("nowhere",)), "not defined"),
        (replace(graph, outputs=()), "needs an input and an output"),
        (replace(graph, nodes=(w, replace(acc, ins=("w", "x")), z)), "constant"),
    ]
    for bad, message in wrong:
        with pytest.raises(IllegalGraph, match=message):
            verify(bad)


def test_constants_must_fit_their_element():
    b = GraphBuilder("g")
    for value, elem, message in [([2], B1, "outside"), ([0], B1, "no 0"), ([200], Elem("i", 8), "outside")]:
        with pytest.raises(TypeRule, match=message):
            b.const("c", np.array(value, dtype=np.int32), tensor((1,), elem))


def test_networkx_view_has_the_edges():
    view = dense().view()
    assert set(view.edges) == {("x", "acc"), ("w", "acc"), ("acc", "z")}


def test_origins_are_harmless_in_comments():
    node = Node("y", Identity(), ("x",), tensor((1,), U8), "a */ /* \n\\ `x` é ??/ ???/")
    graph = Graph("g", GraphBuilder("g").finish(()).inputs, (node,), ("y",))
    text = to_text(graph)
    assert all(word not in text.split("#", 1)[1] for word in ("*/", "/*", "\\", "`", "é", "??"))
    assert text.count("\n") == 3
