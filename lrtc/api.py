"""The Python API: what the command line does, in its words, with types.

result = lrtc.compile("model.pt", target="c", core="cortex-m4", flash="64K")
result.write("firmware/net")
logits = result.run(images)              # int32 [N, classes], by the compiled C in this process
result.verify(images, labels)            # Mismatch if an engine differs in a single integer
print(result.report("cortex-m0plus").cycles)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lrtc import driver
from lrtc.driver import Model, Result, open_model
from lrtc.errors import LrtcError, Mismatch, count

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from lrtc.chain import Verdict
    from lrtc.interp import Feeds
    from lrtc.ir import Graph
    from lrtc.passes import Pass
    from lrtc.report.costs import CostReport

_BUILDING = threading.Lock()  # two threads that run a result first would compile it twice
IMAGES = 16  # random ones that `verify` takes without data
ENGINES = {"c": ("interp", "c"), "verilog": ("interp", "rtl"), "hls": ("interp", "hls")}


def compile(
    model: str | Path | Graph | nn.Module | Model,
    target: str = "c",
    *,
    name: str | None = None,
    verify: bool | None = None,
    watch: Callable[[Pass, Graph], None] | None = None,
    vectors: Feeds | None = None,
    core: str | None = None,
    tuned: str | Path | None = None,
    optimize: str | None = None,
    flash: int | str | None = None,
    ram: int | str | None = None,
    constant_time: bool = False,
    cycles: int | None = None,
    fps: float | None = None,
    clock: float | str | None = None,
    luts: int | None = None,
    bram: float | None = None,
    device: str | None = None,
    **options: object,
) -> Result:
    """Return a compiled network; nothing is written. LrtcError lists all that is wrong.

    core, tuned, optimize, flash, ram, constant_time: kernels of C chosen by cost, as `lrtc compile` does. cycles, fps,
    clock (Hz or "100MHz"), luts, bram, device: the folding of an accelerator. options: the target's others, as
    `fold={"conv1": (4, 9)}`, `style=`, `lanes=`, `package=`, `context=`. verify, watch, vectors: see `driver.compile`.
    """
    from lrtc.asked import Hardware, chip_options
    from lrtc.tuning import choose

    driver.backend_for(target)
    opened = model if isinstance(model, Model) else open_model(model, name)
    options |= {"verify": verify, "watch": watch, "vectors": vectors}
    paced = clock if clock is None or isinstance(clock, str) else f"{clock / 1e6:.6f}MHz"
    hardware = Hardware(None, cycles, fps, paced if fps or target != "hls" else None, luts, bram, device)
    table = Path(tuned) if tuned else None
    if target == "c":
        if hardware.given:
            raise LrtcError(f"{', '.join(hardware.given)}: only targets verilog and hls have this option")
        found = choose(opened, core, table, optimize, flash, ram, constant_time, **options)
        return found[0] if found else driver.compile(opened, target, **options)  # type: ignore[arg-type]
    if core or tuned or optimize or flash or ram or constant_time:
        raise LrtcError("only target c chooses kernels by their cost on a core")
    folded = {key: value for key, value in hardware.options().items() if key != "output"}
    options = {**folded, **chip_options(target, None, paced, None), **options}
    return driver.compile(opened, target, **options)  # type: ignore[arg-type]


def answers(result: Result, x: Feeds) -> dict[str, NDArray[np.int32]]:
    """Return output → int32 [N, values], computed by the result's C in this process; see `Result.run`."""
    from lrtc.check.library import Library
    from lrtc.ir import feed_rows, from_rows

    if result.target != "c":
        raise LrtcError(f"run() is of target c, not {result.target}", hint="`verify` runs the accelerator")
    images = _quantized(result.model, x)
    with _BUILDING:
        if not result.built:
            prefix, context = str(result.options.get("prefix") or ""), bool(result.options.get("context"))
            result.built.append(Library(result.files, result.name, prefix, result.ports, context))
    rows = result.built[0].run(feed_rows(result.model.graph, images))
    return {name: value.reshape(len(rows), -1) for name, value in from_rows(result.graph, rows).items()}


def _quantized(model: Model, x: Feeds) -> dict[str, np.ndarray]:
    """Return input → uint8 in the IR's order, of data that fits."""
    from lrtc.frontend.data import checked, to_input

    feeds = checked(x, model.graph.inputs)
    return {value.name: to_input(feeds[value.name], value) for value in model.graph.inputs}


def verified(
    result: Result, x: Feeds | None, y: NDArray[np.int64] | None, engines: Sequence[str] | None, slow_images: int
) -> list[Verdict]:
    """Return a verdict of each engine on the same images; Mismatch if one differs; see `Result.verify`."""
    from lrtc.chain import Chain, check_engine, verify_chain
    from lrtc.frontend.data import as_torch, checked

    if str(result.options.get("output") or "logits") != "logits":
        raise LrtcError("verify() compares logits; this accelerator sends classes", hint="compile with output='logits'")
    if not engines and result.target not in ENGINES:
        raise LrtcError(
            f"no engine of verify() runs what target {result.target} makes", hint="run it beside interp.run"
        )
    chosen = list(engines or ENGINES[result.target])
    for engine in chosen:
        check_engine(engine)
    if x is None:
        random = driver.random_feeds(result.model.graph, IMAGES)
        x = {value.name: as_torch(random[value.name]) for value in result.model.graph.inputs}
    feeds = checked(x, result.model.graph.inputs)
    verdicts = list(verify_chain(Chain(result.model, result=result), feeds, y, chosen, slow_images, True))
    wrong = [v for v in verdicts if v.equal is False]
    if wrong:
        text = "; ".join(f"{v.engine}: {v.note}" for v in wrong)
        raise Mismatch(f"{count(len(wrong), 'engine')} of {len(verdicts)} differs from the interpreter: {text}")
    return verdicts


def reported(result: Result, core: str, x: Feeds | None) -> CostReport:
    """Return what one image costs on an emulated core; see `Result.report`."""
    from lrtc.frontend.data import checked
    from lrtc.reporting import Subject, as_c, costs_of, image_of

    if result.target != "c":
        raise LrtcError(f"report() is of target c, not {result.target}", hint="`plan` says what an accelerator takes")
    made = as_c(Subject(result.model, "", result), core)
    return costs_of(made, core, image_of(made, None if x is None else checked(x, result.model.graph.inputs)))


def written(result: Result, folder: str | Path) -> Path:
    """Write the files into a folder, all or none; return it."""
    from lrtc.folders import write_compiled

    write_compiled(Path(folder), result)
    return Path(folder).absolute()
