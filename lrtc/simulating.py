"""`lrtc simulate`: runs of one accelerator, by cocotb or by the compiled driver, each against the interpreter."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lrtc import interp
from lrtc.chain import Chain, Verdict, verify_chain
from lrtc.errors import Mismatch

RESETS = 50  # of a hostile run, about


def simulated(
    chain: Chain, x: interp.Feeds, y: np.ndarray | None, images: int, fast: bool, hostile: int, seed: int = 0
) -> Iterator[Verdict]:
    """Yield a Verdict of the idle run, of one under random stalls and, for `hostile` cycles, of a hostile one.

    fast: the compiled driver instead of cocotb, which runs the hostile one in any case.
    """
    if not fast:
        yield from verify_chain(chain, x, y, ["rtl"], images, must_run=True)
    runs = [("idle", 0), ("backpressure", 0)] if fast else []
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        for stalls, cycles in [*runs, *([("hostile", hostile)] if hostile else [])]:
            yield _driven(chain, x, y, stalls, cycles, seed, Path(folder))


def _driven(
    chain: Chain, x: interp.Feeds, y: np.ndarray | None, stalls: str, cycles: int, seed: int, folder: Path
) -> Verdict:
    from lrtc.check.drive import drive

    result, images = chain.compiled("verilog"), chain.model.quantized(x)
    reference = chain.run("interp", x)
    given, want = images, reference.answers
    if result.graph.is_plain:
        given = next(iter(images.values()))
        want = reference.class_rows if chain.sends_class else reference.rows
    label, many = f"rtl {stalls} (compiled)", len(reference.rows)
    every = cycles // RESETS
    try:
        run = drive(result.files, result.name, given, want, stalls=stalls, seed=seed, least_cycles=cycles,
                    reset_every=every, work_dir=folder)  # fmt: skip
    except Mismatch as error:
        return Verdict(label, many, False, note=str(error))
    figures: dict[str, object] = {"stalls": stalls, "total_cycles": run.cycles, "words": dict(run.words)}
    if cycles:
        figures["resets"] = run.resets
    else:
        figures |= {"cycles_per_image": round(run.cycles_per_image, 1), "latency_cycles": run.latency}
    accuracy = None if y is None else float((reference.classes == y).mean())
    return Verdict(label, run.frames, True, accuracy, figures)
