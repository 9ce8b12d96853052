"""What the command line does, as functions with typed results, over the same drivers: words, no logic.

report = lrtc.report_of("model.pt", "cortex-m0plus", x=images, y=labels)
report.write("report.html")
for plan in lrtc.explore("model.pt", points=8, luts=5000):
    print(plan.interval, plan.luts)
print(lrtc.synth("model.pt", board="icebreaker", cycles=12000).images_per_second)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lrtc.asked import Hardware
from lrtc.driver import Model, Result, compile, open_model
from lrtc.errors import LrtcError, nearest
from lrtc.ir import Graph

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from lrtc.chain import Verdict
    from lrtc.check.doctor import Seen
    from lrtc.flashing import Fit
    from lrtc.frontend.quantize_file import Written
    from lrtc.interp import Feeds
    from lrtc.plan.explore import Point
    from lrtc.proving import Proof
    from lrtc.report.costs import CoreSize, CostReport
    from lrtc.report.page import Answers, Facts
    from lrtc.report.roofline import Roof
    from lrtc.synthesis import Synthesized
    from lrtc.tuning import Tuning

Fold = Mapping[str, "tuple[int, int] | str"]


@dataclass(frozen=True)
class Report:
    """All about a network, or about a folder of one. facts: as the page shows them."""

    facts: Facts

    @property
    def costs(self) -> CostReport | None:
        """Return what an image costs on the core, by layer; None where `lacking` says why."""
        return self.facts.costs

    @property
    def roofs(self) -> Sequence[Roof]:
        """Return each layer of C against its roof."""
        return self.facts.roofs

    @property
    def answers(self) -> Answers | None:
        """Return accuracy and confusions on the labelled samples; None without."""
        return self.facts.answers

    @property
    def lacking(self) -> Mapping[str, str]:
        """Return section → why it has nothing."""
        return self.facts.lacking

    @property
    def html(self) -> str:
        """Return the page: one file, no script, nothing from a network."""
        from lrtc.report.page import page

        return page(self.facts)

    def json(self) -> dict[str, object]:
        """Return the report as plain data, as `lrtc report --json` prints it."""
        from lrtc.report.costs import cost_json
        from lrtc.report.page import page_json

        facts = self.facts
        own = cost_json(facts.costs, facts.clock_hz, facts.ua_per_mhz, facts.volts) if facts.costs else {}
        plain = json.loads(json.dumps({"name": facts.model.name, **own, **page_json(facts)}, default=str))
        return dict(plain)

    def write(self, html: str | Path) -> Path:
        """Write the page to a file, whole or not at all; return it."""
        from lrtc.wholefile import write_whole

        write_whole(Path(html), self.html.encode())
        return Path(html)


@dataclass(frozen=True)
class Flashed:
    """Firmware, or a bitstream, for a board. files: in `folder`. command: of the programmer, "" for an emulated board.

    output: what the programmer or the emulated board said; status: how the emulated self-test ended, 0 is well.
    """

    board: str
    folder: Path
    files: Sequence[str]
    command: str = ""
    output: str = ""
    status: int | None = None


def opened(source: str | Path | Graph | nn.Module | Model, name: str | None = None) -> Model:
    """Return the Model of a file, a torch module or a graph; LrtcError says what cannot be understood."""
    return source if isinstance(source, Model) else open_model(source, name)


def show(
    model: str | Path | Graph | nn.Module | Model, target: str | None = None, *, after: str | None = None,
    name: str | None = None,
) -> Graph:  # fmt: skip
    """Return the graph as it was read; with a target, as its passes leave it, or as pass `after` does.

    `print(lrtc.ir.to_text(graph))` prints it, `lrtc.draw(graph)` draws it.
    """
    from lrtc.passes import pipeline_named, run_pipeline

    graph = opened(model, name).graph
    if target is None:
        if after is not None:
            raise LrtcError(f"after={after!r} needs the target whose passes run")
        return graph
    seen = {"frontend": graph}
    last = run_pipeline(graph, target, lambda step, made: seen.update({step.name: made}))
    if after is not None and after not in seen:
        names = [step.name for step in pipeline_named(target)]
        raise LrtcError(f"no pass {after!r} in the pipeline {target}{nearest(after, names)}; known: {', '.join(names)}")
    return last if after is None else seen[after]


def draw(graph: Graph) -> str:
    """Return a picture of a graph: SVG in the reader's light or dark."""
    from lrtc.report.pictures import alone, graph_svg

    return alone(graph_svg(graph))


def report_of(
    source: str | Path | Graph | nn.Module | Model | Result, core: str = "cortex-m4", *, x: Feeds | None = None,
    y: NDArray[np.int64] | None = None, certificate: str | Path | None = None, name: str | None = None,
    lanes: int | None = None, cpi: float | None = None, clock_hz: float | None = None,
    ua_per_mhz: float | None = None, volts: float | None = None, training: str | Path | None = None,
) -> Report:  # fmt: skip
    """Return all about a model, a result, or a folder that `lrtc compile` or `Result.write` wrote.

    x: samples as torch takes them, the last is measured; y: labels, for accuracy and confusions. training: the folder
    OUT.run of its run. What tools that are missing would tell is in `lacking`. LrtcError if a folder is not as lrtc
    wrote it.
    """
    from lrtc.frontend.data import checked
    from lrtc.reporting import Subject, facts_of, subject_of

    if isinstance(source, (str, Path)):
        subject = subject_of(Path(source), name)
    elif isinstance(source, Result):
        subject = Subject(source.model, "", source)
    else:
        subject = Subject(opened(source, name))
    raw = None if x is None else checked(x, subject.model.graph.inputs)
    given = Path(certificate) if certificate else None
    return Report(
        facts_of(subject, core, raw, y, certificate=given, lanes=lanes, cpi=cpi, clock_hz=clock_hz,
                 ua_per_mhz=ua_per_mhz, volts=volts, training=Path(training) if training else None)
    )  # fmt: skip


def size(
    model: str | Path | Graph | nn.Module | Model | Result, cores: Iterable[str] = ("cortex-m4",)
) -> list[CoreSize]:
    """Return bytes by section and the worst stack of a network's C, on each core, by its real compiler.

    A model is compiled with the words that suit each core. ToolMissing without a core's compiler.
    """
    from lrtc.check.cores import core_named
    from lrtc.report.costs import core_sizes

    found = []
    for core in cores:
        made = model if isinstance(model, Result) else compile(opened(model), "c", lanes=core_named(core).lanes)
        if made.target != "c":
            raise LrtcError(f"size() is of target c, not {made.target}")
        found += core_sizes(made, [core], must=True)
    return found


def fits(model: str | Path | Graph | nn.Module | Model, boards: Iterable[str] | None = None) -> list[Fit]:
    """Return whether the firmware with its self-test fits each board (all that are known), and if not by how much."""
    from lrtc.boards import board_named, board_names
    from lrtc.flashing import fits, network_of

    known = board_names() if boards is None else boards
    return list(fits(network_of(opened(model)), [board_named(name) for name in known]))


def tune(
    model: str | Path | Graph | nn.Module | Model, core: str = "cortex-m4", *, x: Feeds | None = None,
    lanes: int | None = None, table: str | Path | None = None,
) -> Tuning:  # fmt: skip
    """Return what every kernel of every layer costs on an emulated core; written to `table` for `compile(tuned=)`.

    x: samples as torch takes them, the last is measured; random without.
    """
    from lrtc.frontend.data import checked
    from lrtc.tuning import tune as measure
    from lrtc.tuning import write_text
    from lrtc.wholefile import write_whole

    made = opened(model)
    image = None
    if x is not None:
        found = made.quantized(checked(x, made.graph.inputs))
        image = found if isinstance(found, Mapping) else {made.graph.inputs[0].name: found}
    tuning = measure(made, core, image, lanes)
    if table is not None:
        write_whole(Path(table), write_text(tuning).encode())
    return tuning


def quantize(
    model: str | Path, calibrate: str | Path, output: str | Path, *, bits: int | None = None,
    layers: Mapping[str, int] | None = None, data: str | Path | None = None, images: int = 1000,
) -> Written:  # fmt: skip
    """Write a network with integers in place of real activations; return its steps and what they cost in accuracy.

    calibrate: an .npz whose first `images` samples choose the steps. bits: of every activation; layers: layer → others.
    data: an .npz with labels to measure on, the calibration set by default.
    """
    from lrtc.frontend.quantize_file import quantize_file

    measured = Path(data) if data else None
    return quantize_file(Path(model), Path(calibrate), Path(output), bits, layers or {}, measured, images)


def explore(
    model: str | Path | Graph | nn.Module | Model, points: int = 16, *, luts: int | None = None,
    bram: float | None = None, device: str | None = None, input_lanes: int = 1, style: str = "auto", jobs: int = 1,
    dask: str | None = None, plot: str | Path | None = None, clock: str = "100MHz",
) -> list[Point]:  # fmt: skip
    """Return plans of the accelerator from the fastest to the smallest, `best` where no other one beats it.

    jobs: processes; more than one start Python anew, so that a script needs `if __name__ == "__main__"`. plot: a file
    for the picture (.png, .svg, .pdf), images a second at `clock`.
    """
    from lrtc.exploring import explore as plans
    from lrtc.plan.budget import Budget
    from lrtc.report.costs import hertz
    from lrtc.report.explored import check_picture, draw

    if plot is not None:
        check_picture(Path(plot))
    budget = Hardware(luts=luts, brams=bram, device=device).options().get("budget")
    made = opened(model)
    found = plans(made, points, budget if isinstance(budget, Budget) else None, input_lanes, jobs, dask, style=style)
    if all(point.why for point in found):
        raise LrtcError(f"no plan was possible: {found[-1].why}")
    if plot is not None:
        draw(found, hertz(clock), made.name, Path(plot))
    return found


def simulate(
    model: str | Path | Graph | nn.Module | Model | Result, x: Feeds, y: NDArray[np.int64] | None = None, *,
    fast: bool = False, hostile: int = 0, seed: int = 0, waves: str | Path | None = None, **options: object,
) -> list[Verdict]:  # fmt: skip
    """Return the verdict of each run of the accelerator in Verilator, idle and under stalls; `equal` is what counts.

    x: samples as torch takes them. fast: a compiled driver instead of cocotb. hostile: cycles of hostile stalls and
    resets. waves: a .vcd for the idle run. options: of `compile` to Verilog, where no result is given.
    """
    from lrtc.api import compile as compiled
    from lrtc.chain import Chain
    from lrtc.frontend.data import checked
    from lrtc.simulating import simulated

    if isinstance(model, Result) and options:
        raise LrtcError(f"{', '.join(options)}: a result is compiled already")
    result = model if isinstance(model, Result) else compiled(opened(model), "verilog", **options)  # type: ignore[arg-type]
    if result.target != "verilog":
        raise LrtcError(f"simulate() is of target verilog, not {result.target}")
    feeds = checked(x, result.model.graph.inputs)
    many = len(next(iter(feeds.values())))
    chain = Chain(result.model, Path(waves) if waves else None, result)
    return list(simulated(chain, feeds, y, many, fast, hostile, seed))


def prove(result: Result) -> list[Proof]:
    """Return what is proven, for every input, of a compiled network; `holds` is what counts."""
    from lrtc.proving import prove as proofs

    return list(proofs(result.model, result))


def synth(
    model: str | Path | Graph | nn.Module | Model, device: str | None = None, *, board: str | None = None,
    fold: Fold | None = None, cycles: int | None = None, fps: float | None = None, luts: int | None = None,
    bram: float | None = None, style: str | None = None, stages: int | None = None, count: bool = False,
    clock: str | None = None, link: str = "uart", seed: int = 1, output: str | Path | None = None,
) -> Synthesized:  # fmt: skip
    """Return the network on an FPGA: cells of each layer, Fmax, images a second, the bitstream; see `lrtc synth`.

    count: map only. clock: to place and route for, the board's by default. output: a folder for sources, constraints,
    bitstream and report. ToolMissing without Yosys or nextpnr.
    """
    from lrtc.check.fpga import part_named
    from lrtc.output import check_folder
    from lrtc.report.costs import hertz
    from lrtc.report.synthesis import write_synthesized
    from lrtc.synthesis import chosen_device, synthesize_model

    chosen, part = chosen_device(device, board)
    if output is not None:
        check_folder(Path(output))
    hz = round(hertz(clock)) if clock else chosen.clock_hz if chosen else part_named(part).hz
    paced = f"{hz / 1e6:.6f}MHz" if fps else None
    asked = Hardware(None, cycles, fps, paced, luts, bram, style=style, stages=stages).options()
    own = {**asked, **({"fold": dict(fold)} if fold else {})}
    made = synthesize_model(opened(model), part, chosen, not count, hz, seed, link=link, **own)  # type: ignore[arg-type]
    if output is not None:
        write_synthesized(made, Path(output))
    return made


def flash(
    model: str | Path, board: str, output: str | Path, *, firmware: str = "self-test", console: str | None = None,
    programmer: str | None = None, port: str | None = None, dry_run: bool = False, data: str | Path | None = None,
    name: str | None = None,
) -> Flashed:  # fmt: skip
    """Write firmware for a board around a model, or a compiled folder, and program the board; an emulated one runs it.

    For a board with an FPGA, model is a folder that `synth(board=…, output=…)` wrote, and output is that folder.
    dry_run: nothing is run. ToolMissing without the board's compiler.
    """
    from lrtc.boards import board_named
    from lrtc.boards.fpga import fpga_named, fpga_names
    from lrtc.check.programmers import bitstream_command, programmer_command, run_programmer
    from lrtc.flashing import emulate, network_at, prepare, write_firmware
    from lrtc.output import check_folder
    from lrtc.synthesis import bitstream_in

    folder = Path(output)
    if board in fpga_names():
        chip = fpga_named(board)
        command = bitstream_command(chip, bitstream_in(folder, chip), programmer)
        said = "" if dry_run else run_programmer(command, folder)
        return Flashed(board, folder, [command.argv[-1]], command.text(folder), said)
    chosen = board_named(board, fpga_names())
    network, images = network_at(Path(model), name, Path(data) if data else None)
    check_folder(folder)
    made = prepare(network, chosen, firmware, console)
    files = write_firmware(made, folder, network)
    if made.built is None:
        raise made.lacking or LrtcError(f"{board}: the firmware was not built")
    if chosen.emulated:
        if dry_run:
            return Flashed(board, folder, files)
        ran = emulate(made, images if firmware == "classify" else b"")
        return Flashed(board, folder, files, "", ran.output, ran.status)
    command = programmer_command(chosen, made.network, port, programmer)
    said = "" if dry_run else run_programmer(command, folder)
    return Flashed(board, folder, files, command.text(folder), said)


def doctor() -> list[Seen]:
    """Return which tools are here, their versions, what each enables and how to get what is missing."""
    from lrtc.check.doctor import examine

    return examine()
