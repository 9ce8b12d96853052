"""Compiled graphs are proven equal to what was read; a graph with one change that matters is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from graphs import random_feeds, random_network
from graphs_dag import random_dag
from mixed_networks import mixed

from lrtc import interp
from lrtc.driver import open_model
from lrtc.ir import B1, T2, U8, Elem, Graph, GraphBuilder, tensor, verify
from lrtc.ir.ops import Const, Conv2d, Linear, MaxPool2d, Sign, Threshold
from lrtc.passes import PASSES, run_pipeline
from lrtc.proof import prove_equal, prove_ranges

KINDS = {"networks": random_network, "dags": random_dag, "torch": lambda seed: open_model(mixed(seed)).graph}


@pytest.mark.parametrize("target", ["c", "verilog"])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_passes_make_is_proven_equal(kind: str, seed: int, target: str):
    graph = KINDS[kind](seed)
    compiled = run_pipeline(graph, target)
    shown = prove_equal(graph, compiled)
    assert shown.equal, shown.why
    assert shown.outputs
    ranges = prove_ranges(compiled)
    assert ranges.held, ranges.why


@pytest.mark.parametrize("name", PASSES)
def test_each_pass_alone_is_proven_equal(name: str):
    for seed in range(4):
        for graph in (random_network(seed), random_dag(seed)):
            before = graph
            for step in PASSES.values():
                after = verify(step.run(before))
                if step.name == name:
                    assert prove_equal(before, after).equal
                    break
                before = after


def with_const(graph: Graph, name: str, value: np.ndarray) -> Graph:
    """Return the graph with another value of a constant."""
    nodes = []
    for node in graph.nodes:
        if node.out == name:
            rows = node.type.elem.bits > 2 or "R" in node.type.layout.axes
            type_ = node.type.with_elem(Elem("i", 32)) if rows else node.type
            node = replace(node, op=Const(value.astype(np.int32 if rows else np.int8), type_), type=type_)
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def differs(a: Graph, b: Graph) -> bool:
    """Return whether random images tell two graphs apart."""
    feeds = random_feeds(a, 400, 1)
    return any(not np.array_equal(x, y) for x, y in zip(_run(a, feeds), _run(b, feeds), strict=True))


def _run(graph: Graph, feeds) -> list[np.ndarray]:
    return list(interp.answers(graph, feeds).values())


@pytest.mark.parametrize("what", ["level", "flip", "weight"])
def test_a_change_that_images_can_see_is_never_proven_equal(what: str):
    seen = 0
    for seed in range(12):
        graph = random_network(seed)
        compiled = run_pipeline(graph, "integer")
        rng = np.random.default_rng(seed)
        ops = (Threshold,) if what != "weight" else (Conv2d, Linear)
        for node in [n for n in compiled.nodes if isinstance(n.op, ops)]:
            name, value = node.ins[1], compiled.const(node.ins[1]).copy()
            if what == "weight":
                at = tuple(int(rng.integers(n)) for n in value.shape)
                value[at] = -value[at] or 1
            elif what == "flip":
                value[-1, int(rng.integers(value.shape[1]))] ^= 1
            else:
                value[0, int(rng.integers(value.shape[1]))] += 2
            changed = with_const(compiled, name, value)
            if differs(compiled, changed):
                seen += 1
                assert not prove_equal(graph, changed).equal
            else:  # what images do not show, the proof decides
                prove_equal(graph, changed)
    assert seen > 5


def small(rows: np.ndarray | None, pool_first: bool, least: bool = False) -> Graph:
    """u8[4x4x1] → conv 2×2 → 2 → pool and decision, in either order."""
    b = GraphBuilder("small")
    x = b.input("x", tensor((4, 4, 1), U8))
    w = np.array([[[[1], [-1]], [[0], [1]]], [[[-1], [1]], [[1], [1]]]], np.int8)
    x = b.add(Conv2d(), [x, b.const("w", w, tensor(w.shape, T2))], "acc")
    f = b.const("f", np.array([-1, 1], np.int8), tensor((2,), B1))
    pool = [f] if least else []
    op, more = (Sign(), []) if rows is None else (Threshold(B1), [b.const("t", rows)])
    if pool_first:
        x = b.add(op, [b.add(MaxPool2d((2, 2), (1, 1)), [x, *pool], "pool"), *more], "z")
    else:
        x = b.add(MaxPool2d((2, 2), (1, 1)), [b.add(op, [x, *more], "z"), *pool], "pool")
    w = np.ones((3, 2, 2, 2), np.int8)
    w[1, 0, 0] = -1
    return verify(b.finish([b.add(Linear(), [x, b.const("v", w, tensor(w.shape, B1, "OHWI"))], "y")]))


def test_a_decision_may_stand_on_either_side_of_a_pool_if_it_rises():
    rows = np.array([[0, 0], [0, 0]], np.int32)
    assert prove_equal(small(None, True), small(rows, False)).equal
    falling = np.array([[0, 0], [1, 0]], np.int32)  # acc < 0 in channel 0: the greatest sum decides as the least does
    assert prove_equal(small(falling, True), small(falling, False, least=True)).equal
    assert not prove_equal(small(falling, True), small(falling, False)).equal
    assert differs(small(falling, True), small(falling, False))
    assert not prove_equal(small(None, True), small(None, True, least=True)).equal


def test_levels_that_a_sum_jumps_over_are_equal():
    def dense(level: int) -> Graph:
        b = GraphBuilder("dense")
        x = b.add(
            Threshold(B1), [b.input("x", tensor((6,), U8)), b.const("i", np.array([[9] * 6, [0] * 6], np.int32))], "s"
        )
        w = np.where(np.random.default_rng(0).random((4, 6)) < 0.5, -1, 1).astype(np.int8)
        acc = b.add(Linear(), [x, b.const("w", w, tensor((4, 6), B1, "OI"))], "acc")
        z = b.add(Threshold(B1), [acc, b.const("t", np.array([[level] * 4, [0] * 4], np.int32))], "z")
        v = np.array([[1, -1, 1, 1]], np.int8)
        return verify(b.finish([b.add(Linear(), [z, b.const("v", v, tensor((1, 4), B1, "OI"))], "y")]))

    assert prove_equal(dense(1), dense(2)).equal  # a sum of 6 values of ±1 is even
    assert not prove_equal(dense(1), dense(3)).equal


def test_a_type_that_is_too_narrow_is_found():
    compiled = run_pipeline(random_network(3), "integer")
    node = next(n for n in compiled.nodes if isinstance(n.op, (Conv2d, Linear)))
    narrow = replace(node, type=node.type.with_elem(type(node.type.elem)("i", 3)))
    graph = replace(compiled, nodes=tuple(narrow if n is node else n for n in compiled.nodes))
    shown = prove_ranges(graph)
    assert shown.held is False
    assert f"%{node.out} is i3 and reaches" in shown.why


def test_too_many_integers_are_said_not_tried():
    b = GraphBuilder("wide")
    x = b.input("x", tensor((40,), U8))
    w = np.full((1, 40), 32767, np.int32)
    acc = b.add(Linear(), [x, b.const("w", w)], "acc")
    graph = verify(b.finish([acc]))
    assert prove_equal(graph, graph).equal, "no function is evaluated on the sum"
    rows = np.array([[5], [0]], np.int32)
    w[0, 0] = 1  # every integer is reached
    b = GraphBuilder("wide")
    acc = b.add(Linear(), [b.input("x", tensor((40,), U8)), b.const("w", w)], "acc", "fc")
    z = b.add(Threshold(B1), [acc, b.const("t", rows)], "z", "act")
    graph = verify(b.finish([z]))
    shown = prove_equal(graph, graph)
    assert shown.equal is None
    assert "after fc, a value reaches 325,868,071 integers" in shown.why
