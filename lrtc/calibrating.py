"""How estimates of areas are calibrated: layers of every kind, drawn once for all, are mapped by Yosys and counted.

    python -m lrtc.calibrating measure ecp5     → hw/area/ecp5.json: of each layer its parts, and the cells that it took
    python -m lrtc.calibrating fit              → lrtc/plan/fitted.py: the numbers that estimates are made of

Each network is compiled as `lrtc compile --target verilog` does and mapped as `lrtc synth` does, layers kept apart.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

import numpy as np

import lrtc
from lrtc.backends.streaming import module_names
from lrtc.check.fpga import PARTS, synthesize
from lrtc.check.toolchain import run_tool
from lrtc.check.yosys import yosys_command
from lrtc.driver import compile
from lrtc.ir import B1, T2, U8, Elem, Graph, GraphBuilder, tensor, verify
from lrtc.ir.ops import Add, Affine, Conv2d, Linear, MaxPool2d, SumPool2d, Threshold
from lrtc.plan.cost_fitted import NEVER, block_rams, estimate, flops, luts, memories, multipliers, whole_rams
from lrtc.plan.fold import WIRED, Given, legal_pe, legal_simd
from lrtc.plan.modules import Part, fold_parts
from lrtc.plan.stream import stream_layers
from lrtc.plan.wiring import heap_bits

DEVICES = {
    "ice40": "ice40-up5k", "ice40hx": "ice40-hx8k", "ecp5": "ecp5-85k", "gowin": "gowin-gw1n-9", "xc7": "xc7z020"
}  # fmt: skip
FAST = 16  # from this one on, networks are folded little, or have weights that are wires
# 17 has a layer that takes Yosys a quarter of an hour; 18, 19 and 21 were left out with it
NETWORKS = (*range(FAST + 1), 20, 22, 23)
WEIGHTS = (B1, B1, T2, T2, Elem("i", 4), Elem("i", 8))
CODES = (B1, B1, B1, T2, Elem("u", 2), Elem("u", 4))
MOST_SLOTS, FAST_SLOTS = 64, (96, 512)  # of a layer: pe × simd, weighted with its bits
MOST_WIRED = 4_000  # bits of the sums of a layer


class Drawn:
    """A chain of random layers."""

    def __init__(self, seed: int) -> None:
        self.rng, self.numbers = Random(seed), np.random.default_rng(seed)
        self.b = GraphBuilder(f"drawn{seed}")
        side = self.rng.choice((8, 12, 16))
        self.x = self.b.input("x", tensor((side, side, self.rng.choice((1, 2, 3))), U8))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.b.facts[self.x].type.shape

    def dot(self, op: Conv2d | Linear, shape: tuple[int, ...], elem: Elem) -> None:
        legal = [v for v in range(elem.low, elem.high + 1) if v or elem.kind != "b"]
        w = self.numbers.choice(legal, shape).astype(np.int8)
        axes = "O" + {1: "I", 3: "HWI"}[len(shape) - 1]
        self.x = self.b.add(op, [self.x, self.b.const("w", w, tensor(shape, elem, axes))], "dot")

    def codes(self, out: Elem) -> None:
        fact = self.b.facts[self.x]
        count = 1 if out == B1 else out.high - out.low
        span = (fact.high - fact.low) // 4 + 2
        rows = np.sort(self.numbers.integers(-span, span + 1, (count, self.shape[-1])) + (fact.high + fact.low) // 2, 0)
        rows = np.concatenate([rows, self.numbers.integers(0, 2, (1, self.shape[-1]))]).astype(np.int32)
        self.x = self.b.add(Threshold(out), [self.x, self.b.const("t", rows)], "codes")

    def conv(self) -> None:
        pad = self.rng.choice((0, 1))
        channels, stride = self.rng.choice((4, 8, 12, 16, 24, 32)), self.rng.choice((1, 1, 2))
        before = self.x
        self.dot(Conv2d((stride, stride), (pad,) * 4), (channels, 3, 3, self.shape[-1]), self.rng.choice(WEIGHTS))
        self.codes(self.rng.choice(CODES))
        if self.b.facts[before].type.shape == self.shape and self.rng.random() < 0.6:
            self.x = self.b.add(Add(), [self.x, before], "sum")
            self.codes(self.rng.choice(CODES))

    def pool(self) -> None:
        if self.rng.random() < 0.7:
            self.x = self.b.add(MaxPool2d(kernel=(2, 2), stride=(2, 2)), [self.x], "pool")
        else:
            self.x = self.b.add(SumPool2d(kernel=(2, 2), stride=(2, 2)), [self.x], "mean")
            self.codes(self.rng.choice(CODES))

    def done(self) -> Graph:
        self.conv()
        self.conv()
        if min(self.shape[:2]) >= 4:
            self.pool()
        if min(self.shape[:2]) >= 3:
            self.conv()
        self.dot(Linear(), (self.rng.choice((16, 32)), *self.shape), self.rng.choice(WEIGHTS))
        self.codes(B1)
        self.dot(Linear(), (10, *self.shape), self.rng.choice(WEIGHTS))
        rows = np.stack([self.numbers.integers(1, 128, 10), self.numbers.integers(-999, 1000, 10)]).astype(np.int32)
        self.x = self.b.add(Affine(), [self.x, self.b.const("s", rows)], "scale")
        return verify(self.b.finish([self.x]))


def folding(graph: Graph, seed: int) -> dict[str, Given]:
    """Return a drawn folding of every layer with weights; of those that are folded little, a third is wired."""
    rng, found = Random(seed), {}
    low, high = FAST_SLOTS if seed >= FAST else (1, MOST_SLOTS)
    for layer in stream_layers(graph):
        if layer.has_weights:
            bits = layer.input.elem.bits * layer.weight.bits
            every = [(pe, simd) for pe in legal_pe(layer) for simd in legal_simd(layer)]
            legal = [(pe, simd) for pe, simd in every if low <= pe * simd * bits <= high]
            found[layer.name] = rng.choice(legal or [(1, 1)])
            if seed >= FAST and heap_bits(graph, layer)[0] <= MOST_WIRED and rng.random() < 0.5:
                found[layer.name] = WIRED
    return found


def measured(family: str, seeds: Sequence[int] = NETWORKS) -> Iterator[dict[str, object]]:
    """Yield a row for each layer of the drawn networks: its parts with their parameters, and the cells it took.

    Where weights are wires, registers stand after 2, 4 or 8 gates.
    """
    part = PARTS[DEVICES[family]]
    for seed in seeds:
        graph = compile(Drawn(seed).done(), "verilog").graph
        fold = folding(graph, seed)
        stages = {"stages": (2, 4, 8)[seed % 3]} if WIRED in fold.values() else {}
        result = compile(graph, "verilog", fold=fold, **stages)
        layers = stream_layers(result.graph)
        names = module_names(result.name, layers)
        modules = {cells.module: cells for cells in
                   synthesize(result.files, result.name, [*names.values()], part, False).modules}  # fmt: skip
        for layer, fold in zip(layers, result.plan.layers, strict=True):
            parts = [[p.module, dict(p.parameters)] for p in fold_parts(layer, fold)]
            counts = dict(modules[names[layer.name]].counts)
            yield {"network": seed, "layer": layer.name, "parts": parts, "cells": counts}


def fitted(rows: Sequence[Mapping], family: str) -> dict[str, dict[str, float]]:
    """Return the numbers of a family: rules with the least error in block RAMs and DSPs, then LUTs and flip-flops.

    Least squares of relative errors, with no number below 0.
    """
    rules = {"rom": NEVER, "ram": NEVER, "product": NEVER}
    products = sorted({p["InBits"] + (p["InKind"] == 0) + p["WeightBits"] for p in _products(rows)})
    rules["product"] = _least([NEVER, *products], lambda n: _off(rows, "DSP", family, {**rules, "product": n}))
    for _ in range(2):
        for kind in ("rom", "ram"):
            own = [(w, d) for row in rows for m, p in row["parts"] for k, w, d in memories(m, p) if k == kind and d > 1]
            choices = [NEVER, *{w * d // whole_rams(w, d, family) for w, d in own}]
            rules[kind] = _least(choices, lambda n, kind=kind: _off(rows, "BRAM", family, {**rules, kind: n}))
    found: dict[str, dict[str, float]] = {"rules": rules}
    for what in ("LUT", "FF"):
        things = [_things(row, what, family, rules) for row in rows]
        names = sorted({name for own in things for name in own})
        took = np.array([row["cells"][what] for row in rows], float)
        table = np.array([[own[name] for name in names] for own in things], float) / took[:, None]
        numbers = _not_negative(table, np.ones(len(rows)))
        found[what] = {name: round(float(n), 3) for name, n in zip(names, numbers, strict=True) if n > 0.0005}
    return found


def _products(rows: Sequence[Mapping]) -> Iterator[Mapping[str, int]]:
    for row in rows:
        yield from (p for module, p in row["parts"] if module in ("lrtc_mvu", "lrtc_dense"))


def _least(choices: Sequence[int], error: Callable[[int], float]) -> int:
    """Return the choice with the least error, the greatest of those."""
    return min(sorted(choices, reverse=True), key=error)


def _off(rows: Sequence[Mapping], what: str, family: str, rules: Mapping[str, int]) -> float:
    count = multipliers if what == "DSP" else lambda m, p, rules: block_rams(m, p, family, rules)
    return sum(abs(sum(count(m, p, rules) for m, p in row["parts"]) - taken(row, what)) for row in rows)


def taken(row: Mapping, what: str) -> float:
    """Return what a layer took; block RAMs of 18 kbit are halves where the family has both."""
    cells = row["cells"]
    return cells["BRAM"] + cells.get("BRAM18", 0) / 2 if what == "BRAM" else cells.get(what, 0)


def _things(row: Mapping, what: str, family: str, rules: Mapping[str, int]) -> Counter[str]:
    found = Counter({"layer": 1})
    for m, p in row["parts"]:
        found += luts(m, p, family, rules) if what == "LUT" else flops(m, p, family, rules)
    return found


def _not_negative(a: np.ndarray, b: np.ndarray, rounds: int = 5_000) -> np.ndarray:
    """Return x ≥ 0 with the least |a·x − b|², one coordinate after the other, from a first guess of 1."""
    square, right, x = a.T @ a, a.T @ b, np.zeros(a.shape[1])
    for _ in range(rounds):
        before = x.copy()
        for k in np.flatnonzero(np.diag(square) > 0):
            x[k] = max(0.0, x[k] + (right[k] - square[k] @ x) / square[k, k])
        if np.abs(x - before).max() < 1e-6:
            break
    return x


def errors(rows: Sequence[Mapping], family: str, numbers: Mapping[str, Mapping[str, float]]) -> dict[str, list[float]]:
    """Return, for LUT and FF, the relative error of each layer; for BRAM and DSP the number by which it is off."""
    found: dict[str, list[float]] = {"LUT": [], "FF": [], "BRAM": [], "DSP": []}
    for row in rows:
        area = estimate([Part(m, tuple(sorted(p.items()))) for m, p in row["parts"]], family, numbers)
        for what, n in (("LUT", area.lut - area.lutram), ("FF", area.ff)):
            found[what].append(n / max(1, row["cells"][what]) - 1)
        for what, n in (("BRAM", area.bram), ("DSP", area.dsp)):
            found[what].append(n - taken(row, what))
    return found


def left_out(rows: Sequence[Mapping], family: str) -> dict[str, list[float]]:
    """Return the errors of layers whose network was left out when the numbers were fitted, a quarter at a time."""
    found: dict[str, list[float]] = {"LUT": [], "FF": [], "BRAM": [], "DSP": []}
    for part in range(4):
        inside = [row for row in rows if row["network"] % 4 != part]
        outside = [row for row in rows if row["network"] % 4 == part]
        for what, own in errors(outside, family, fitted(inside, family)).items():
            found[what] += own
    return found


def summary(found: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return mean and worst absolute errors."""
    worst = {f"{what} worst": round(max(map(abs, own)), 3) for what, own in found.items()}
    return {what: round(float(np.mean(np.abs(own))), 3) for what, own in found.items()} | worst


def yosys_version() -> str:
    """Return what Yosys says of itself, without the machine it was built on."""
    said = run_tool([*yosys_command(), "-V"], Path.cwd(), "yosys -V", 600.0).output
    return " ".join(said.split()[:2])


def main(words: Sequence[str]) -> None:
    """Measure a family, or fit the estimates to what was measured."""
    root = Path(__file__).resolve().parent.parent
    folder = root / "hw" / "area"
    if words[0] == "fit":
        files = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
        (root / "lrtc" / "plan" / "fitted.py").write_text(fitted_text(files), encoding="utf-8")
        return
    family = words[1]
    made = {"made": f"python -m lrtc.calibrating measure {family}", "lrtc": lrtc.__version__,
            "yosys": yosys_version(), "device": DEVICES[family]}  # fmt: skip
    folder.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(row) for row in measured(family))
    (folder / f"{family}.json").write_text(f'{json.dumps(made)[:-1]}, "rows": [\n{lines}\n]}}\n', encoding="utf-8")


def fitted_text(files: Mapping[str, Mapping]) -> str:
    """Return the text of `lrtc/plan/fitted.py` for family → what was measured of it."""
    numbers = {family: fitted(data["rows"], family) for family, data in files.items()}
    quality = {
        family: {
            "layers": len(data["rows"]),
            "fitted": summary(errors(data["rows"], family, numbers[family])),
            "left out": summary(left_out(data["rows"], family)),
        }
        for family, data in files.items()
    }
    origin = {family: f"{data['yosys']}, {data['device']}" for family, data in files.items()}
    return f'''"""Numbers for `cost_fitted.py`, of hw/area/*.json by `python -m lrtc.calibrating fit`; do not edit."""

ORIGIN = {_table(origin)}
# mean and worst errors, relative for LUT and FF, in pieces for BRAM and DSP: of the layers that were fitted, and of
# layers whose networks were left out
ERRORS = {_short(quality)}  # fmt: skip
FITTED = {_table(numbers)}
'''


def _short(quality: Mapping[str, Mapping]) -> str:
    """Return a line a family, or two, no wider than the code is."""
    rows = []
    for family, own in quality.items():
        means = ",\n     ".join(
            f"{json.dumps(key)}: {json.dumps(value)}".replace(', "LUT worst"', ',\n        "LUT worst"')
            for key, value in own.items()
        )
        rows.append(f"    {json.dumps(family)}: {{\n     {means}}},\n")
    return "{\n" + "".join(rows) + "}"


def _table(value: object, indent: str = "") -> str:
    """Return plain data as ruff formats it."""
    if not isinstance(value, dict):
        return json.dumps(value)
    inner = indent + "    "
    rows = [f"{inner}{json.dumps(key)}: {_table(own, inner)},\n" for key, own in value.items()]
    return "{\n" + "".join(rows) + indent + "}"


if __name__ == "__main__":
    main(sys.argv[1:])
