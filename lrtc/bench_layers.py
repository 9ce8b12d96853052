"""Single layers for `make bench`: instructions a multiply-accumulate of the C that lrtc emits, correctness checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from lrtc import interp
from lrtc.check.cores import core_named
from lrtc.check.emulate import run_emulated
from lrtc.check.firmware import OPTIMISE
from lrtc.driver import compile
from lrtc.errors import LrtcError
from lrtc.ir import B1, T2, U8, Graph, GraphBuilder, tensor
from lrtc.ir.ops import Conv2d, Linear, Threshold
from lrtc.tuning import by_layer

PLAIN = ("-O2",)
PLAIN_MORE = 1.08  # the flags of the build files may save no more than this against plain -O2


@dataclass(frozen=True)
class Row:
    """One figure. target: the most it may be, or the least if `at_least`, if something was promised."""

    name: str
    value: float
    unit: str
    target: float | None = None
    at_least: bool = False

    @property
    def ok(self) -> bool:
        if self.target is None:
            return True
        return self.value >= self.target if self.at_least else self.value <= self.target


@dataclass(frozen=True)
class BenchLayer:
    """A layer to count: its network, in which its value is called `layer`; macs; core → the most it may take."""

    name: str
    graph: Callable[[], Graph]
    macs: int
    targets: dict[str, float]


def bench_rows(layer: BenchLayer, core: str) -> list[Row]:
    """Return instructions a multiply-accumulate on `core`, by the build's flags and beside it by plain -O2.

    The words are those that suit the core. ToolMissing names a compiler or an emulator that is not here.
    """
    graph, known = layer.graph(), core_named(core)
    files = compile(graph, "c", lanes=known.lanes, **by_layer(core)).files
    x = np.random.default_rng(1).integers(0, 256, (1, *graph.inputs[0].type.shape)).astype(np.uint8)
    want = interp.run(graph, x).reshape(1, -1)
    value = _counted(layer, graph.name, files, x, want, core, OPTIMISE)
    plain = value if OPTIMISE == PLAIN else _counted(layer, graph.name, files, x, want, core, PLAIN)
    return [
        Row(f"mcu/{layer.name}/{core}", value, "instructions/MAC", layer.targets[core]),
        Row(f"mcu/{layer.name}/{core}/O2", plain, "instructions/MAC", PLAIN_MORE * value),
    ]


def _counted(
    layer: BenchLayer, name: str, files: dict[str, str], x: np.ndarray, want: np.ndarray, core: str,
    flags: tuple[str, ...],
) -> float:  # fmt: skip
    done = run_emulated(files, name, x, core, want.shape[1], flags=flags)
    if not np.array_equal(done.logits, want):
        raise LrtcError(f"{layer.name} on {core}: an output differs from the interpreter's")
    (counted,) = [n for function, n in done.profile.items() if function.endswith("_layer")]
    return counted / layer.macs


def _bipolar(b: GraphBuilder, rng: np.random.Generator, shape: tuple[int, ...]) -> str:
    return b.const("w", rng.choice((-1, 1), shape).astype(np.int8), tensor(shape, B1))


def _decided(b: GraphBuilder, rng: np.random.Generator, x: str, low: int, high: int) -> str:
    """Add a threshold to ±1 with random levels, half of the channels flipped."""
    n = b.facts[x].type.shape[-1]
    rows = np.stack([rng.integers(low, high + 1, n), rng.integers(0, 2, n)]).astype(np.int32)
    return b.add(Threshold(), [x, b.const("levels", rows)], "bits", "sign")


def _bits(b: GraphBuilder, rng: np.random.Generator, shape: tuple[int, ...]) -> str:
    """Add an input of bytes and return its bits; about half are +1, the dearest there is for lists of inputs."""
    return _decided(b, rng, b.input("x", tensor(shape, U8)), 120, 136)


def linear1024() -> Graph:
    """1024 bits → 512 bits, bipolar weights."""
    b, rng = GraphBuilder("linear1024"), np.random.default_rng(1024)
    x = b.add(Linear(), [_bits(b, rng, (1024,)), _bipolar(b, rng, (512, 1024))], "layer", "layer")
    return b.finish([_decided(b, rng, x, -20, 20)])


def first28() -> Graph:
    """28×28 bytes → 32 bits a pixel, 3×3 bipolar weights, zero padding."""
    b, rng = GraphBuilder("first28"), np.random.default_rng(28)
    x = b.input("x", tensor((28, 28, 1), U8))
    x = b.add(Conv2d((1, 1), (1, 1, 1, 1)), [x, _bipolar(b, rng, (32, 3, 3, 1))], "layer", "layer")
    return b.finish([_decided(b, rng, x, -200, 200)])


def conv64(nonzero: float = 1.0) -> Graph:
    """16×16 pixels of 64 bits → 64 bits, 3×3 weights, zero padding; bipolar, or ternary with that part not 0."""
    b, rng = GraphBuilder("conv64"), np.random.default_rng(64)
    x, shape = _bits(b, rng, (16, 16, 64)), (64, 3, 3, 64)
    w = rng.choice((-1, 1), shape) * (rng.random(shape) < nonzero)
    weights = b.const("w", w.astype(np.int8), tensor(shape, B1 if nonzero == 1 else T2))
    return b.finish([_decided(b, rng, b.add(Conv2d((1, 1), (1, 1, 1, 1)), [x, weights], "layer", "layer"), -20, 20)])


CONV64 = 16 * 16 * 64 * 9 * 64  # multiply-accumulates, those by 0 included
LAYERS = (
    BenchLayer(
        "conv64", conv64, CONV64, {"cortex-m4": 0.15, "cortex-m0plus": 0.23, "rv32imc": 0.18, "cortex-m55": 0.05}
    ),
    BenchLayer("conv64-t60", partial(conv64, 0.6), CONV64, {"cortex-m4": 0.175, "cortex-m0plus": 0.26}),
    BenchLayer("conv64-t30", partial(conv64, 0.3), CONV64, {"cortex-m4": 0.10, "cortex-m0plus": 0.15}),
    BenchLayer("linear1024", linear1024, 1024 * 512, {"cortex-m4": 0.145, "cortex-m0plus": 0.21}),
    BenchLayer("first28", first28, 28 * 28 * 32 * 9, {"cortex-m4": 0.65, "cortex-m0plus": 0.95}),
)
