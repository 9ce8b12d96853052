"""A graph as plain data gives the same graph, and what is no graph is refused in words."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pytest
from graphs import random_network
from graphs_dag import random_dag

from lrtc.ir import F32, OPS, T2, U8, GraphBuilder, tensor, to_text
from lrtc.ir.ops import Const, Linear
from lrtc.ir.saved import ATTRIBUTES, from_data, to_data, type_of
from lrtc.passes import run_pipeline


def same(graph) -> None:
    data = json.loads(json.dumps(to_data(graph), allow_nan=False))
    again = from_data(data)
    assert to_text(again) == to_text(graph)
    assert (again.inputs, again.outputs, again.named) == (graph.inputs, graph.outputs, graph.named)
    for ours, theirs in zip(graph.nodes, again.nodes, strict=True):
        if isinstance(ours.op, Const):
            assert ours.op.value.dtype == theirs.op.value.dtype
            assert np.array_equal(ours.op.value, theirs.op.value)
        else:
            assert ours == theirs


@pytest.mark.parametrize("seed", range(12))
def test_graphs_come_back_before_and_after_passes(seed: int):
    for graph in (random_network(seed), random_dag(seed)):
        same(graph)
        same(run_pipeline(graph, "c"))


def test_every_attribute_of_every_op_can_be_read():
    for op in OPS.values():
        assert op is Const or {str(f.type) for f in fields(op)} <= set(ATTRIBUTES), op.name


def tiny() -> dict:
    b = GraphBuilder("tiny")
    w = b.const("w", np.array([[1, -1, 0]], np.int8), tensor((1, 3), T2))
    scale = b.const("s", np.array([[0.5], [1.0]], np.float32), tensor((2, 1), F32))
    x = b.add(Linear(), [b.input("x", tensor((3,), U8)), w], "fc", "fc")
    return to_data(b.finish([b.add(OPS["scale_bias"](), [x, scale], "y")]))


def test_a_ternary_weight_takes_two_bits():
    assert from_data(tiny()).const("w").tolist() == [[1, -1, 0]]
    assert tiny()["nodes"][0]["attributes"] == {"dtype": "int8", "data": "Eg=="}  # 10 00 01, the first lowest


def damaged(change) -> dict:
    data = json.loads(json.dumps(tiny()))
    change(data)
    return data


WRONG = {
    "format": lambda d: d.update(format=2),
    "an object with": lambda d: d.pop("named"),
    "a list": lambda d: d.update(nodes={}),
    "no op 'conv9d'": lambda d: d["nodes"][2].update(op="conv9d"),
    "has no attribute 'stride'": lambda d: d["nodes"][2].update(attributes={"stride": 1}),
    "bytes are no": lambda d: d["nodes"][0]["attributes"].update(data="Eg"[:0]),
    "is not held as float32": lambda d: d["nodes"][0]["attributes"].update(dtype="float32"),
    "a value is outside": lambda d: d["nodes"][0]["attributes"].update(data="Pw=="),
    "is no type": lambda d: d["inputs"][0].update(type="u8[3:C"),
    "larger than any network": lambda d: d["inputs"][0].update(type="u8[99999999:C]"),
    "is not defined": lambda d: d.update(outputs=["q"]),
    "not a legal value name": lambda d: d["nodes"][0].update(out="a b"),
    "scale is": lambda d: d["inputs"][0].update(scale=0),
    "a number": lambda d: d["inputs"][0].update(scale="1"),
    "a text": lambda d: d.update(name=7),
    "not held as float32.u202e": lambda d: d["nodes"][0]["attributes"].update(dtype="float32\u202e"),
    "no plain identifier": lambda d: d.update(name="a */ b"),
    "no such element": lambda d: d["nodes"][0].update(type="t9[1x3:RC]"),
}


@pytest.mark.parametrize("words", WRONG)
def test_what_is_no_graph_is_refused_in_words(words: str):
    with pytest.raises(ValueError, match=words):
        from_data(damaged(WRONG[words]))


def test_a_type_with_words_is_read():
    assert str(type_of("b1[7x7x32:HW[C/32]]")) == "b1[7x7x32:HW[C/32]]"
