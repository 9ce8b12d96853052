"""The memory of compiled networks, and programs that overwrite what they still need."""

from __future__ import annotations

import pytest
from graphs_dag import random_dag

from lrtc.driver import Model, compile
from lrtc.proof import prove_memory
from lrtc.proof.memory import Access, Region
from lrtc.proving import prove


@pytest.mark.parametrize("seed", range(12))
def test_every_read_of_a_compiled_network_finds_its_value(seed: int):
    graph = random_dag(seed, steps=(8, 16))
    model = Model(graph.name, graph)
    proofs = {p.what: p for p in prove(model, compile(model, "c"))}
    assert proofs["memory"].holds, proofs["memory"].text


A, B = Region("a", 0, 8), Region("b", 8, 8)
MAKE = Access("a", (), A)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([MAKE, Access("b", (A,), B), Access("c", (A, B), Region("c", 16, 4))], None),
        ([MAKE, Access("b", (A,), Region("b", 0, 8), elementwise=frozenset("a"))], None),
        ([MAKE, Access("b", (A,), Region("b", 0, 8))], "b writes over a while it reads it"),
        ([MAKE, Access("b", (A,), Region("b", 4, 8), elementwise=frozenset("a"))], "b writes over a while it reads it"),
        ([MAKE, Access("b", (), Region("b", 4, 8)), Access("c", (A,), None)], "c reads a, where b lies by now"),
        ([Access("c", (A,), None)], "c reads a, where nothing lies by now"),
        ([MAKE, Access("b", (A,), B, Region("", 0, 4))], "b writes over a while it reads it"),
        ([MAKE, Access("b", (), Region("b", 8, 4), Region("", 4, 4)), Access("c", (A,), None)], "c reads a, where"),
        ([Access("b", (), B, Region("", 12, 8))], "b: its scratch lies in its result"),
        ([Access("b", (), Region("b", 20, 8))], "is outside of the arena"),
        ([Access("b", (), Region("b", 2, 8))], "not aligned"),
    ],
)
def test_programs(steps, words):
    shown = prove_memory(steps, 24, 4)
    assert shown.held is (words is None)
    if words:
        assert words in shown.why
