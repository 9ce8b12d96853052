"""Run an emitted accelerator in Verilator under cocotb: outputs, cycles per image, latency, waveform.

The simulator is a child process with a clean environment; nothing of it reaches this one. Checked on every run: data
stays while it is stalled, TLAST ends every image and nothing else, no beat comes too few or too many.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from lrtc.check.children import CAPTURED, run_child
from lrtc.check.stalls import STALLS
from lrtc.check.verilator import TAIL, build, has_fst, need_simulator, write_files
from lrtc.errors import LrtcError, Mismatch, nearest

PATIENCE = 1_000_000  # cycles without a beat on either side until a design counts as stuck
TIMEOUT = 3600.0  # seconds


@dataclass(frozen=True)
class Job:
    """One run from reset: images uint8 [N, …] in H, W, C order, `beats` output beats an image.

    Several inputs are input → images, several outputs output → beats, in the order in which results lie in a row.
    stalls: "idle" (neither side ever stalls), "backpressure" (both sides pause at random), or "source" or "sink" (one
    of them). select: the value of the top's `select_i`, for a top with several designs. form: input → (elements in a
    beat, bits of each), where that is not a byte.
    """

    x: np.ndarray | Mapping[str, np.ndarray]
    beats: int | Mapping[str, int]
    stalls: str = "idle"
    seed: int = 0
    select: int | None = None
    patience: int = PATIENCE
    form: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class SimResult:
    """outputs: int32 [N, beats], of several outputs in a row. frame_ends: the cycle of each image's last beat.

    cycles: of the whole run. latency: from the first byte in to the first beat out.
    """

    outputs: np.ndarray
    frame_ends: tuple[int, ...]
    latency: int
    cycles: int
    stalls: str
    waves: Path | None = None

    @property
    def cycles_per_image(self) -> float:
        """Return the steady-state cycles between two images: over the second half of the run. NaN for one image."""
        ends = self.frame_ends[len(self.frame_ends) // 2 - 1 :] if len(self.frame_ends) > 3 else self.frame_ends
        return (ends[-1] - ends[0]) / (len(ends) - 1) if len(ends) > 1 else float("nan")


def simulate(
    files: Mapping[str, str],
    name: str,
    x: np.ndarray | Mapping[str, np.ndarray],
    *,
    stalls: str = "idle",
    seed: int = 0,
    beats: int = 0,
    waves: Path | None = None,
    work_dir: Path | None = None,
) -> SimResult:
    """Return what the emitted design `name` answers to images uint8 [N,H,W,C], or input → images; see `simulate_jobs`.

    beats: output beats an image (0: as many as the emitted top says).
    """
    jobs = [Job(x, beats or output_beats(files, name), stalls, seed, form=input_form(files, name))]
    return simulate_jobs(files, name, jobs, waves=waves, work_dir=work_dir)[0]


def output_beats(files: Mapping[str, str], name: str) -> int | dict[str, int]:
    """Return the output beats an image of an emitted top: the parameter of each lrtc_frame_last."""
    last = r"lrtc_frame_last #\([^;]*?\.Beats\((\d+)\)\s*\) m_axis_(\w*?)_?last \("
    found = {output: int(beats) for beats, output in re.findall(last, files[f"{name}.sv"])}
    return found if set(found) != {""} else found[""]


def input_form(files: Mapping[str, str], name: str) -> dict[str, tuple[int, int]]:
    """Return input → (elements in a beat, bits of each) of an emitted top, where a beat is not a byte."""
    told = r"// in:  (?:s_axis_(\w+): )?\d+ beats an image of (\d+) elements of (\d+) bits"
    return {port: (int(lanes), int(bits)) for port, lanes, bits in re.findall(told, files[f"{name}.sv"])}


def packed(x: np.ndarray, lanes: int, bits: int) -> np.ndarray:
    """Return the beats uint8 [N, beats, octets] of images uint8 [N, …]: `lanes` elements of `bits` bits in each."""
    planes = np.unpackbits(x.reshape(len(x), -1, lanes, 1), axis=-1, count=bits, bitorder="little")
    return np.packbits(planes.reshape(*planes.shape[:2], -1), axis=-1, bitorder="little")


def simulate_jobs(
    files: Mapping[str, str],
    top: str,
    jobs: Sequence[Job],
    *,
    waves: Path | None = None,
    work_dir: Path | None = None,
    timeout: float = TIMEOUT,
) -> list[SimResult]:
    """Return the results of several runs of one build, in order.

    work_dir keeps the build for the next call with the same sources (without one, this process keeps it). waves:
    where the waveform goes; `.fst` becomes `.vcd` where lz4.h is not installed (see `SimResult.waves`).
    Mismatch when the design breaks the protocol or stops; ToolMissing names what is not installed.
    """
    for job in jobs:
        if job.stalls not in STALLS:
            raise LrtcError(f"no stalls {job.stalls!r}{nearest(job.stalls, STALLS)}; known: {', '.join(STALLS)}")
        for x in parts(job.x).values():
            if x.dtype != np.uint8 or not len(x):
                raise LrtcError(f"the images are {x.dtype} {x.shape}; uint8 [N, ...] with N >= 1 is supported")
    verilator = need_simulator()
    trace = ""
    if waves is not None:
        trace = "fst" if waves.suffix == ".fst" and has_fst(verilator.env) else "vcd"
        waves = waves.with_suffix(f".{trace}")
    folder = scratch_folder(work_dir)
    executable = build(verilator, files, top, trace, folder)
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as run_dir:
        answer = _child(executable, top, files, jobs, Path(run_dir), trace, verilator.env, timeout)
        if waves is not None:
            waves.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(run_dir) / f"dump.{trace}", waves)
    if "fault" in answer:
        raise Mismatch(f"the simulated design {top} breaks its contract: {answer['fault']}")
    return [_result(answer, k, job, waves) for k, job in enumerate(jobs)]


def _result(answer: Mapping[str, np.ndarray], k: int, job: Job, waves: Path | None) -> SimResult:
    first_in, first_out, cycles = answer[f"times{k}"].tolist()
    ends = tuple(answer[f"ends{k}"].tolist())
    return SimResult(answer[f"outputs{k}"], ends, first_out - first_in, cycles, job.stalls, waves)


def parts(value: object) -> Mapping[str, object]:
    """Return port → what belongs to it; a single port is called "" (its signals are s_axis_…, m_axis_…)."""
    return value if isinstance(value, Mapping) else {"": value}


def scratch_folder(work_dir: Path | None) -> Path:
    """Return work_dir, made if need be, or the folder of this process, which is gone when it ends."""
    if work_dir is None:
        return Path(_own_folder().name)
    work_dir.mkdir(parents=True, exist_ok=True)
    return work_dir.resolve()


@cache
def _own_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="lrtc-sim-")


def _child(
    executable: Path,
    top: str,
    files: Mapping[str, str],
    jobs: Sequence[Job],
    run_dir: Path,
    trace: str,
    env: Mapping[str, str],
    timeout: float,
) -> Mapping[str, np.ndarray]:
    """Return the answer of the testbench; the $readmemh files lie in the folder it runs in."""
    write_files({path: text for path, text in files.items() if path.endswith(".mem")}, run_dir)
    request = {
        f"x{k}.{name}": packed(x, *job.form.get(name, (1, 8)))
        for k, job in enumerate(jobs)
        for name, x in parts(job.x).items()
    }
    numbers = [
        {"stalls": j.stalls, "seed": j.seed, "select": j.select, "patience": j.patience,
         "inputs": list(parts(j.x)), "outputs": parts(j.beats)}
        for j in jobs
    ]  # fmt: skip
    np.savez(run_dir / "request.npz", jobs=np.array(json.dumps(numbers)), **request)
    command = [sys.executable, "-m", "lrtc.check.simulate", str(executable), top, str(run_dir), str(int(bool(trace)))]
    package = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join([package, *filter(None, [env.get("PYTHONPATH")])])
    said = _run(command, run_dir, {**env, "PYTHONPATH": paths}, timeout)
    if said is None:
        raise LrtcError(f"the simulation of {top} did not end within {timeout:g} s")
    answer = run_dir / "answer.npz"
    if not answer.is_file():
        raise LrtcError(f"the simulation of {top} ended without an answer:\n{said[-TAIL:]}")
    with np.load(answer) as data:
        return dict(data)


def _run(command: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float) -> str | None:
    """Return what the command printed, or None if it took too long; it and all that it started are gone then."""
    how = {**CAPTURED, "stderr": subprocess.STDOUT}
    try:
        return run_child(command, seconds=timeout, cwd=cwd, env=dict(env), **how).stdout
    except subprocess.TimeoutExpired:
        return None


def _main(executable: str, top: str, run_dir: str, trace: str) -> None:
    """Run the built simulator by cocotb's runner; only ever called in a child process."""
    from cocotb_tools.runner import get_runner

    folder = Path(run_dir)
    get_runner("verilator").test(
        hdl_toplevel=top,
        hdl_toplevel_lang="verilog",
        test_module="lrtc.check.tb_stream",
        build_dir=Path(executable).parent,
        test_dir=folder,
        results_xml=str(folder / "results.xml"),
        waves=trace == "1",
        test_args=["+verilator+rand+reset+2", "+verilator+seed+1"],
        extra_env={
            "LRTC_SIM_REQUEST": str(folder / "request.npz"),
            "LRTC_SIM_ANSWER": str(folder / "answer.npz"),
            "COCOTB_LOG_LEVEL": "WARNING",
        },
    )


if __name__ == "__main__":
    _main(*sys.argv[1:])
