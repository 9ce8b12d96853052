"""Whole layers as they are emitted, weights and all, are what the graph says of them: for every image, by SAT.

Folded ones read their weights from the emitted memories; hard-wired ones are netlists. A proof covers two images, one
right behind the other, or one image under any stalls and resets within so many cycles; that the last answer comes
within them is shown as well. `make prove` (LRTC_PROVE=1) makes all of these proofs, the tests the first two.
"""

from __future__ import annotations

import os
import re
from functools import cache

import numpy as np
import pytest
from formal.specification import bench

from lrtc.check.formal import Goal, Shown, prove_goal
from lrtc.driver import Model, Result, compile
from lrtc.ir import B1, T2, U8, Graph, GraphBuilder, tensor, verify
from lrtc.ir.ops import Conv2d, Linear, Threshold

FAILS = "proof did fail"  # Yosys, of a counterexample
ALL = os.environ.get("LRTC_PROVE") == "1"
NODES = {"s": ("s",), "conv": ("conv", "act"), "fc": ("fc",)}
PROOFS = [  # style, layer, images, cycles, whether the sides stall and reset comes again
    ("stream", "fc", 2, 20, False), ("unrolled", "fc", 2, 18, False), ("stream", "fc", 1, 14, True),
    ("unrolled", "fc", 1, 12, True), ("stream", "conv", 2, 44, False), ("unrolled", "conv", 2, 36, False),
    ("stream", "s", 2, 36, False),
]  # fmt: skip


def small() -> Graph:
    """u8[2x3x2] → bits → a padded ternary convolution to 3 bits a pixel → 2 integers of bipolar weights."""
    rng = np.random.default_rng(3)
    b = GraphBuilder("little")
    x = b.input("x", tensor((2, 3, 2), U8), scale=1 / 255)
    x = b.add(Threshold(), [x, b.const("i", np.array([[128, 90], [0, 1]], np.int32))], "s")
    w = rng.choice([-1, 0, 1], (3, 2, 2, 2)).astype(np.int8)
    x = b.add(Conv2d((1, 1), (0, 1, 0, 0)), [x, b.const("w", w, tensor(w.shape, T2))], "conv", "conv")
    x = b.add(Threshold(), [x, b.const("t", np.array([[1, 0, -1], [0, 0, 1]], np.int32))], "act", "act")
    v = rng.choice([-1, 1], (2, *b.facts[x].type.shape)).astype(np.int8)
    return verify(b.finish([b.add(Linear(), [x, b.const("v", v, tensor(v.shape, B1))], "fc", "fc")]))


@cache
def built(style: str) -> Result:
    return compile(Model("little", small()), "verilog", style=style)


def shown(proof: tuple, never: bool = False, change: tuple[str, str, str] | None = None) -> Shown:
    """Return how a proof ends. change: (file, text in it, text instead)."""
    style, layer, images, cycles, free = proof
    result = built(style)
    nodes = tuple(result.graph.producers[name] for name in NODES[layer])
    module = f"little_{layer}"
    text = result.files[f"{module}.sv"]
    beats = tuple(int(re.search(rf"\[(\d+):0\] {side}_data_", text)[1]) + 1 for side in ("in", "out"))
    files = {name: t for name, t in result.files.items() if name.endswith((".sv", ".mem"))}
    if change:
        name, old, new = change
        assert files[name].count(old) == 1, "the file no longer says this: change the mutation with it"
        files[name] = files[name].replace(old, new)
    files["prove.sv"] = bench(result.graph, nodes, module, beats, images, never)
    return prove_goal(files, Goal("prove_layer", {"Free": int(free)}, cycles=cycles))


@pytest.mark.parametrize("proof", PROOFS if ALL else PROOFS[:2], ids=lambda p: "-".join(map(str, p)))
def test_an_emitted_layer_is_its_integers(proof: tuple):
    done = shown(proof)
    assert done.holds, done.said
    never = shown(proof, never=True)
    assert not never.holds, "the last answer does not come within these cycles"
    assert FAILS in never.said, never.said


@pytest.mark.parametrize(("proof", "name"), [(PROOFS[0], "little_fc_weight.mem"), (PROOFS[1], "little_fc_wired.sv")])
def test_one_weight_or_gate_is_found(proof: tuple, name: str):
    lines = built(proof[0]).files[name].splitlines()
    if name.endswith(".mem"):
        old = next(line for line in lines if re.fullmatch("[0-9a-f]+", line))
        new = f"{int(old, 16) ^ 1:0{len(old)}x}"
    else:
        old = next(line for line in lines if re.search(r"wire g\d+ = \S+ \^ \S+;", line))
        new = old.replace("^", "|")
    done = shown(proof, change=(name, f"{old}\n", f"{new}\n"))
    assert not done.holds
    assert FAILS in done.said, done.said
