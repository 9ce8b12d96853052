"""`lrtc explore`: plans of a network, evaluated side by side in local processes or on a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec

from lrtc.check.children import as_completed
from lrtc.driver import Model, backend_for
from lrtc.errors import LrtcError, ToolMissing, nearest
from lrtc.passes import run_pipeline
from lrtc.plan.budget import Budget
from lrtc.plan.explore import Candidate, Point, candidates, front, planned
from lrtc.plan.stream import stream_layers
from lrtc.plan.wiring import LEVELS, Wiring

DASK = 'pip install "lrtc[cluster]"'
STYLES = ("auto", "stream")
SECONDS = 10.0  # to reach a cluster


def explore(
    model: Model,
    count: int,
    budget: Budget | None = None,
    width: int = 1,
    jobs: int | None = None,
    dask: str | None = None,
    step: Callable[[int, int], None] = lambda done, all_: None,
    style: str = "auto",
) -> list[Point]:
    """Return plans of a model from the fastest to the smallest, those marked that no other one beats.

    count: candidates. width: elements in a beat of the input. jobs: processes (default: as many as processors). dask:
    the address of a scheduler, whose workers have this version of lrtc. step(done, all) is called as they come. style:
    "auto": weights may be wires, where that takes fewer LUTs; "stream": all lie in memories.
    """
    graph = run_pipeline(model.graph, backend_for("verilog").pipeline)
    if faults := backend_for("verilog").refuse(graph):
        raise LrtcError(f"target verilog cannot build {model.name}", faults)
    if style not in STYLES:
        raise LrtcError(f"no style {style!r} to explore{nearest(style, STYLES)}; known: {', '.join(STYLES)}")
    wiring = Wiring(graph, LEVELS, free=True) if style == "auto" else None
    wanted = candidates(stream_layers(graph, width), count, budget, wiring=wiring)
    return front(_on_cluster(wanted, dask, step) if dask else _in_processes(wanted, jobs, step))


def _in_processes(wanted: Sequence[Candidate], jobs: int | None, step: Callable[[int, int], None]) -> list[Point]:
    workers = min(len(wanted), jobs or os.cpu_count() or 1)
    if workers == 1:
        return [_told(planned(one), k, wanted, step) for k, one in enumerate(wanted)]
    # fresh processes: a fork of one that runs threads (torch) may hang
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        others = {*multiprocessing.active_children()}
        try:
            with _deaf():
                running = [pool.submit(planned, one) for one in wanted]
            return [_told(done.result(), k, wanted, step) for k, done in enumerate(as_completed(running))]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in {*multiprocessing.active_children()} - others:
                child.kill()
            raise


@contextmanager
def _deaf() -> Iterator[None]:
    """Let processes that are started here not hear Ctrl-C, which this one tells them of."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _on_cluster(wanted: Sequence[Candidate], address: str, step: Callable[[int, int], None]) -> list[Point]:
    if find_spec("distributed") is None:
        raise ToolMissing("dask is not installed (package distributed)", hint=DASK)
    from distributed import Client
    from distributed import as_completed as as_done

    try:
        client = Client(address, timeout=SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise LrtcError(
            f"--dask {address}: no scheduler answers there: {error}", hint="start one: dask scheduler"
        ) from error
    with client:
        running = client.map(planned, wanted, pure=False)
        return [_told(done.result(), k, wanted, step) for k, done in enumerate(as_done(running))]


def _told(point: Point, k: int, wanted: Sequence[Candidate], step: Callable[[int, int], None]) -> Point:
    step(k + 1, len(wanted))
    return point
