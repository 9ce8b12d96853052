"""The chain of trust: the same images through every engine, every value compared with the interpreter's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lrtc import interp
from lrtc.check import cores
from lrtc.driver import Model, Result, compile, ends_in_indices
from lrtc.errors import DoesNotFit, LrtcError, Mismatch, ToolMissing, nearest
from lrtc.ir import feed_rows, in_rows, ports_of

CORES = tuple(cores.CORES)
ENGINES = ("torch", "interp", "c", *CORES, "rtl", "hls")
DEFAULT_CORES = ("cortex-m0", "cortex-m4")
DEFAULT_ENGINES = ("torch", "interp", "c", *DEFAULT_CORES, "rtl", "hls")
SLOW = (*CORES, "rtl", "hls")  # engines that run a few images only, unless asked for more
SLOW_IMAGES = 20
WORD = 32  # lanes of C on cores of 32 bits


@dataclass(frozen=True)
class Run:
    """What an engine answered, int32 [N, values of all outputs in a row], and what it cost, figure → value.

    outputs: name → number of values. ranked: whether the first one is classes, the best first.
    """

    engine: str
    rows: np.ndarray
    figures: Mapping[str, object] = field(default_factory=dict)
    outputs: Mapping[str, int] = field(default_factory=dict)
    ranked: bool = False

    @property
    def answers(self) -> dict[str, np.ndarray]:
        """Return output → int32 [N, values]."""
        ends = np.cumsum([*self.outputs.values()])[:-1]
        return dict(zip(self.outputs, np.split(self.rows, ends, axis=1), strict=True))

    @property
    def logits(self) -> np.ndarray:
        """Return the first output, int32 [N, classes]: labels are of its classes."""
        return next(iter(self.answers.values()))

    @property
    def classes(self) -> np.ndarray:
        """Return the class of each image: the greatest logit, the lowest index among equals."""
        return self.logits[:, 0] if self.ranked else self.logits.argmax(axis=1)

    @property
    def class_rows(self) -> np.ndarray:
        """Return the class of each image as what an accelerator sends that sends classes, int32 [N, 1]."""
        return self.classes.astype(np.int32)[:, None]


@dataclass(frozen=True)
class Verdict:
    """One engine's row: how many images, whether every value agrees, or why it was skipped or where it differs."""

    engine: str
    images: int
    equal: bool | None
    accuracy: float | None = None
    figures: Mapping[str, object] = field(default_factory=dict)
    note: str = ""


def check_engine(engine: str) -> None:
    """Raise LrtcError with the known engines unless `engine` is one."""
    if engine not in ENGINES:
        raise LrtcError(f"no engine {engine!r}{nearest(engine, ENGINES)}; known: {', '.join(ENGINES)}")


def chosen_engines(engines: str | None, emulated: str | None) -> list[str]:
    """Return the engines for two comma-separated lists; either may be absent.

    engines: all that run; by default torch, interp, c, DEFAULT_CORES, rtl and hls. emulated: the cores, "all" for all.
    """
    chosen = [e.strip() for e in engines.split(",")] if engines else list(DEFAULT_ENGINES)
    for engine in chosen:
        check_engine(engine)
    if emulated is None:
        return chosen
    wanted = list(CORES) if emulated == "all" else [core.strip() for core in emulated.split(",")]
    for core in wanted:
        if core not in CORES:
            raise LrtcError(f"no core {core!r}{nearest(core, CORES)}; known: {', '.join(CORES)}, or all")
    others = [e for e in chosen if e not in CORES]
    at = others.index("rtl") if "rtl" in others else len(others)
    return [*others[:at], *wanted, *others[at:]]


class Chain:
    """Runs engines on one model; what it compiles is compiled once."""

    def __init__(
        self, model: Model, waves: Path | None = None, result: Result | None = None, **options: object
    ) -> None:
        """result: what was compiled already, to be run as it is."""
        self.model = model
        self.result = result
        self.waves = waves
        self.options = options
        self._compiled: dict[tuple[str, int], Result] = {}
        self._scratch = tempfile.TemporaryDirectory(prefix="lrtc-")  # one Verilator build for all runs

    def compiled(self, target: str, lanes: int = WORD) -> Result:
        """Return the model compiled to a target; an accelerator sends logits by default. lanes: of C, for a core."""
        given = self.result
        if given is not None and given.target == target != "c":
            return given
        if (target, lanes) not in self._compiled:
            kernels = given.options.get("kernels") if given is not None and target == "c" else None
            options = {"output": "logits", **self.options} if target != "c" else {"lanes": lanes, "kernels": kernels}
            self._compiled[target, lanes] = compile(self.model, target, **options)
        return self._compiled[target, lanes]

    @property
    def sends_class(self) -> bool:
        """Return whether the accelerator sends classes in place of logits."""
        return self.options.get("output") == "class"

    def run(self, engine: str, x: interp.Feeds, stalls: str = "idle") -> Run:
        """Return an engine's answer to data [N,…] as torch takes it, or input → data; ToolMissing if it cannot run."""
        graph = self.model.graph
        outputs = dict(zip(graph.results, ports_of(graph).given, strict=True))
        feeds = x if isinstance(x, Mapping) else {graph.inputs[0].name: x}
        ranked = engine == "rtl" and self.sends_class
        outputs = dict.fromkeys(outputs, 1) if ranked else outputs
        return replace(self._run(engine, feeds, stalls), outputs=outputs, ranked=ranked or ends_in_indices(graph))

    def _run(self, engine: str, feeds: Mapping[str, np.ndarray], stalls: str) -> Run:
        check_engine(engine)
        if engine == "torch":
            return Run(engine, self._torch(feeds))
        images = self.model.quantized(feeds)
        if engine == "interp":
            return Run(engine, in_rows(interp.answers(self.model.graph, images).values()).astype(np.int32))
        if engine == "c" and self.result is not None and self.result.target == "c":
            return Run(engine, in_rows(self.result.run_all(feeds).values()))
        if engine == "c":
            return self._host(feed_rows(self.model.graph, images))
        if engine in CORES:
            return self._emulated(feed_rows(self.model.graph, images), engine)
        if engine == "hls":
            return self._hls(feed_rows(self.model.graph, images))
        return self._rtl(images, stalls)

    def _torch(self, feeds: Mapping[str, np.ndarray]) -> np.ndarray:
        import torch

        module, data = self.model.module(), [feeds[value.name] for value in self.model.graph.inputs]
        parts = []
        with torch.no_grad():
            for i in range(0, len(data[0]), 256):
                given = module(*(torch.from_numpy(x[i : i + 256]) for x in data))
                several = given.values() if isinstance(given, dict) else given
                parts.append(in_rows(v.numpy() for v in ([given] if isinstance(given, torch.Tensor) else several)))
        rows = np.concatenate(parts)
        if not np.array_equal(rows, np.rint(rows)):
            raise LrtcError("the torch module's logits are no integers: it is not what was compiled")
        return rows.astype(np.int32)

    def _host(self, rows: np.ndarray) -> Run:
        from lrtc.check.host import run_host

        result = self.compiled("c")
        return Run("c", run_host(result.files, result.name, rows, result.ports))

    def _emulated(self, rows: np.ndarray, core: str) -> Run:
        from lrtc.check.emulate import run_emulated, run_self_test_qemu

        result = self.compiled("c", cores.core_named(core).lanes)
        done = run_emulated(result.files, result.name, rows, core, result.ports)
        sizes = done.sizes
        figures = {
            done.unit: int(np.mean(done.cost)),
            f"{done.unit}_least": int(np.min(done.cost)),
            f"{done.unit}_most": int(np.max(done.cost)),
            "flash_bytes": sizes.text + sizes.rodata + sizes.data,
            "ram_bytes": sizes.data + sizes.bss,
            "stack_bytes": done.stack,
            "profile": dict(done.profile),
        }
        status = run_self_test_qemu(result.files, result.name, core)
        if status is not None:
            figures["qemu_self_test"] = "passed" if status == 0 else f"FAILED with status {status}"
            if status != 0:
                raise Mismatch(f"the self-test on QEMU's {core} ended with status {status}")
        return Run(core, done.logits, figures)

    def _hls(self, rows: np.ndarray) -> Run:
        from lrtc.check.hls import build_hls

        result = self.compiled("hls")
        with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
            program = build_hls({result.name: (result.files, result.ports)}, Path(folder))
            answers = program.run(result.name, rows)
            beside = program.run(result.name, rows, bounded=True)
        if (answers != beside).any():
            raise Mismatch("C simulation answers otherwise when the processes run side by side")
        return Run("hls", answers, {"processes": "C simulation, in turn and side by side"})

    def _rtl(self, images: Mapping[str, np.ndarray], stalls: str) -> Run:
        from lrtc.check.simulate import simulate

        result = self.compiled("verilog")
        waves = self.waves if stalls == "idle" else None
        x = next(iter(images.values())) if result.graph.is_plain else images
        done = simulate(result.files, result.name, x, stalls=stalls, waves=waves, work_dir=Path(self._scratch.name))
        figures = {
            "stalls": stalls,
            "cycles_per_image": round(done.cycles_per_image, 1),
            "latency_cycles": done.latency,
            "total_cycles": done.cycles,
        }
        if done.waves:
            figures["waves"] = str(done.waves)
        return Run("rtl", done.outputs, figures)


def verify_chain(
    chain: Chain,
    x: interp.Feeds,
    y: np.ndarray | None = None,
    engines: Sequence[str] = DEFAULT_ENGINES,
    slow_images: int = SLOW_IMAGES,
    must_run: bool = False,
    step: Callable[[str, int], None] = lambda engine, images: None,
) -> Iterator[Verdict]:
    """Yield a Verdict for each engine, the RTL once idle and once under random stalls, against the interpreter.

    x [N,…] as torch takes it, or input → data; y labels of the first output, or None. must_run: a missing tool is an
    error instead of a skipped row. step(engine, images) is called before an engine starts.
    """
    feeds = x if isinstance(x, Mapping) else {chain.model.graph.inputs[0].name: x}
    answer, images = chain.run("interp", feeds), len(next(iter(feeds.values())))
    for engine in engines:
        n = min(images, slow_images) if engine in SLOW else images
        for stalls in ("idle", "backpressure") if engine == "rtl" else ("idle",):
            label = f"rtl {stalls}" if engine == "rtl" else engine
            if engine == "torch" and chain.model.description is None:
                yield Verdict(label, 0, None, note="skipped: this model did not come from torch")
                continue
            step(label, n)
            try:
                run = chain.run(engine, {name: value[:n] for name, value in feeds.items()}, stalls)
            except (ToolMissing, DoesNotFit) as missing:
                if must_run:
                    raise
                yield Verdict(label, 0, None, note=f"skipped: {missing.summary}")
                continue
            want = answer.class_rows if engine == "rtl" and chain.sends_class else answer.rows
            yield judge(label, run, want[:n], None if y is None else y[:n])


def judge(label: str, run: Run, want: np.ndarray, y: np.ndarray | None) -> Verdict:
    """Return the Verdict of one run against all outputs in a row; the first value that differs is told."""
    note, equal = "", run.rows.shape == want.shape and bool((run.rows == want).all())
    if not equal:
        if run.rows.shape == want.shape:
            image, k = (int(i) for i in np.argwhere(run.rows != want)[0])
            note = f"image {image}, {_value_name(run.outputs, k)}: want {want[image, k]}, got {run.rows[image, k]}"
        else:
            note = f"want logits {want.shape}, got {run.rows.shape}"
    accuracy = None if y is None else float((run.classes == y).mean())
    return Verdict(label, len(want), equal, accuracy, run.figures, note)


def _value_name(outputs: Mapping[str, int], k: int) -> str:
    """Return what place k of a row is called: `class 3`, or `out1[3]` where there are several outputs."""
    if len(outputs) == 1:
        return f"class {k}"
    for name, values in outputs.items():
        if k < values:
            return f"{name}[{k}]"
        k -= values
    raise IndexError(k)
