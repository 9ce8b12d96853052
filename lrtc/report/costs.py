"""What a network costs on a core, before anything is flashed: bytes by section, the stack, and each layer's share."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import prod
from pathlib import Path

import numpy as np
from rich.table import Table

from lrtc.check.cores import CORES, core_named
from lrtc.check.emulate import build_network, run_emulated
from lrtc.check.firmware import Firmware, Sizes
from lrtc.check.stack import Stack, worst_stack
from lrtc.check.toolchain import compiler_for
from lrtc.driver import Result
from lrtc.errors import DoesNotFit, LrtcError, ToolMissing
from lrtc.ir import feed_rows
from lrtc.ir.ops import Conv2d, Linear
from lrtc.plan.arena import Arena
from lrtc.tuning import Tuning


@dataclass(frozen=True)
class CoreSize:
    """The program of the network on one core, linked, without a main. why: what stood in the way of a figure."""

    core: str
    compiler: str
    sizes: Sizes | None
    stack: Stack | None
    why: str = ""


def core_sizes(result: Result, cores: Sequence[str], must: bool) -> list[CoreSize]:
    """Return sizes and worst-case stack on each core. must: a missing compiler is an error, not a row's `why`."""
    return [_core_size(result, core, must) for core in cores]


def _core_size(result: Result, core: str, must: bool) -> CoreSize:
    known, files = core_named(core), dict(result.files)
    try:
        compiler = compiler_for(known)[0].name
        with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
            sizes = build_network(files, result.name, core, Path(folder)).sizes
        return CoreSize(core, compiler, sizes, worst_stack(files, result.name, known))
    except (ToolMissing, DoesNotFit) as missing:
        if must:
            raise
        hint = f" ({missing.hint})" if missing.hint else ""
        return CoreSize(core, "", None, None, missing.summary + hint)


def known_cores(wanted: str) -> list[str]:
    """Return the cores of a comma-separated list, or all."""
    return list(CORES) if wanted == "all" else [core_named(name.strip()).name for name in wanted.split(",")]


def size_table(rows: Sequence[CoreSize]) -> Table:
    """Return the sizes as a rich table."""
    table = _table(
        "core", ".text", ".rodata", ".data", ".bss", "flash", "RAM", "stack", "calls", "compiler", left=(0, 9)
    )
    for row in rows:
        if row.sizes is None:
            continue
        s = row.sizes
        stack = (row.stack.bytes, row.stack.calls) if row.stack else (None, None)
        cells = (s.text, s.rodata, s.data, s.bss, s.flash, s.ram, *stack)
        table.add_row(row.core, *(_n(n) for n in cells), row.compiler)
    return table


def size_json(rows: Sequence[CoreSize]) -> list[dict]:
    """Return the sizes as plain data."""
    return [{**asdict(row), **({"flash": row.sizes.flash, "ram": row.sizes.ram} if row.sizes else {})} for row in rows]


@dataclass(frozen=True)
class LayerCost:
    """A layer, or what is shared by all. ram: bytes of the arena alive while it runs. None: not known."""

    layer: str
    kernel: str
    macs: int
    instructions: int | None
    cycles: int | None
    flash: int
    ram: int


@dataclass(frozen=True)
class CostReport:
    """A network on one core, for one image. cycles: estimated (`exact`: counted by the emulator), None: not known.

    cpi: cycles an instruction, where a person gave them.
    """

    core: str
    rows: tuple[LayerCost, ...]
    sizes: Sizes
    stack: Stack | None
    instructions: int | None
    cycles: int | None
    exact: bool
    arena: Arena | None = None
    cpi: float | None = None

    def seconds(self, clock_hz: float) -> float | None:
        """Return the time of one image."""
        return None if self.cycles is None else self.cycles / clock_hz

    def joules(self, ua_per_mhz: float, volts: float) -> float | None:
        """Return the energy of one image: it depends on cycles, not on how fast they come."""
        return None if self.cycles is None else self.cycles * ua_per_mhz * 1e-12 * volts


def cost_report(result: Result, core: str, feeds: Mapping[str, np.ndarray]) -> CostReport:
    """Return what the first image of `feeds` (input → data in the IR's order) costs on an emulated core."""
    first = feed_rows(result.graph, {name: value[:1] for name, value in feeds.items()})
    done = run_emulated(dict(result.files), result.name, first, core, result.ports)
    stack = worst_stack(dict(result.files), result.name, core_named(core))
    counted, cycles = done.unit == "instructions", sum(done.cycles.values()) or None
    rows = _layer_costs(result, done.firmware, done.profile, done.cycles)
    total = int(done.cost[0])
    return CostReport(
        core, rows, done.sizes, stack, total if counted else None, cycles if counted else total, not counted,
        result.plan.arena,
    )  # fmt: skip


def at_cpi(report: CostReport, cpi: float) -> CostReport:
    """Return the report with so many cycles for each instruction; LrtcError where instructions were not counted."""
    if report.instructions is None:
        raise LrtcError(f"--cpi {cpi:g}: the emulator of {report.core} counts cycles itself")
    rows = tuple(replace(row, cycles=round(row.instructions * cpi)) for row in report.rows)
    return replace(report, rows=rows, cycles=round(report.instructions * cpi), cpi=cpi)


def _layer_costs(
    result: Result, firmware: Firmware, profile: Mapping[str, int], cycles: Mapping[str, int]
) -> tuple[LayerCost, ...]:
    places = [*firmware.functions, *firmware.objects]
    rows = []
    for i, step in enumerate(result.plan.steps):
        prefix = f"{result.name}_{i + 1}_"
        live = sum(s.buffer.size for s in result.plan.arena.slots if s.buffer.first <= i <= s.buffer.last)
        rows.append(
            LayerCost(
                ", ".join(step.origins) or step.y,
                step.kernel.name if step.kernel else step.kind,
                _macs(result, step),
                _sum(profile, prefix),
                _sum(cycles, prefix),
                sum(size for _, size, name in places if name.startswith(prefix)),
                live,
            )
        )
    rest = LayerCost(
        "shared", "", 0, sum(profile.values()) - sum(r.instructions for r in rows) if profile else None,
        sum(cycles.values()) - sum(r.cycles for r in rows) if cycles else None,
        firmware.sizes.flash - sum(r.flash for r in rows), 0,
    )  # fmt: skip
    return (*rows, rest)


def _sum(profile: Mapping[str, int], prefix: str) -> int | None:
    return sum(n for name, n in profile.items() if name.startswith(prefix)) if profile else None


def _macs(result: Result, step: object) -> int:
    node = step.nodes[0] if step.nodes else None
    if node is None or not isinstance(node.op, (Conv2d, Linear)):
        return 0
    return result.graph.const(node.ins[1]).size * prod(node.type.shape[:-1])


def cost_table(report: CostReport) -> Table:
    """Return the layers' costs as a rich table, with totals."""
    table = _table(
        "layer", "kernel", "MACs", "instructions", "a MAC", "cycles", "share", "flash", "RAM", left=(0, 1)
    )  # fmt: skip
    total = report.instructions
    for row in report.rows:
        per = f"{row.instructions / row.macs:.3f}" if row.macs and row.instructions is not None else ""
        known, whole = (row.instructions, total) if total else (row.cycles, report.cycles)
        share = f"{known / whole:.1%}" if whole and known is not None else ""
        table.add_row(
            row.layer, row.kernel, _n(row.macs or None), _n(row.instructions), per, _n(row.cycles), share,
            _n(row.flash), _n(row.ram or None),
        )  # fmt: skip
    macs = sum(row.macs for row in report.rows)
    per = f"{total / macs:.3f}" if macs and total else ""
    table.add_row(
        "total", "", _n(macs), _n(total), per, _n(report.cycles), "", _n(report.sizes.flash), _n(report.sizes.ram),
        style="bold",
    )  # fmt: skip
    return table


def cost_lines(report: CostReport, clock_hz: float | None, ua_per_mhz: float | None, volts: float | None) -> list[str]:
    """Return what stands under the table: the stack, time and energy of an image, and what the cycles are."""
    stack = report.stack
    lines = [report.arena.text] if report.arena else []
    if stack:
        lines.append(
            f"stack: at most {stack.bytes:,} bytes, in {' > '.join(stack.path)}; calls nest {stack.calls} deep"
        )
    if report.cycles is None:
        return [*lines, f"cycles: {report.core} has no public timing table; measure them on the part, then give --cpi"]
    if clock_hz:
        lines.append(f"latency: {_si(report.seconds(clock_hz), 's')} at {clock_hz / 1e6:g} MHz")
    if ua_per_mhz and volts:
        lines.append(
            f"energy: {_si(report.joules(ua_per_mhz, volts), 'J')} an image at {ua_per_mhz:g} µA/MHz, {volts:g} V"
        )
    if report.cpi:
        return [*lines, f"cycles: {report.cpi:g} an instruction, as given"]
    what = "counted by the emulator" if report.exact else "estimated from Arm's timing tables"
    return [*lines, f"cycles: {what}, no wait states"]


def cost_json(report: CostReport, clock_hz: float | None, ua_per_mhz: float | None, volts: float | None) -> dict:
    """Return the report as plain data: seconds and joules are of one image."""
    return {
        **{**asdict(report), "arena": arena_json(report.arena) if report.arena else None},
        "flash": report.sizes.flash,
        "ram": report.sizes.ram,
        "clock_hz": clock_hz,
        "seconds": report.seconds(clock_hz) if clock_hz else None,
        "joules": report.joules(ua_per_mhz, volts) if ua_per_mhz and volts else None,
    }


def arena_json(arena: Arena) -> dict:
    """Return the bytes of an arena, the least that it could be, and whether it is proven to be the least."""
    return {"bytes": arena.size, "alive_at_once": arena.peak, "least": arena.is_least}


def option_table(tuning: Tuning) -> Table:
    """Return what was measured of each layer's kernels as a rich table."""
    table = _table("layer", "kernel", tuning.unit, "flash", "RAM", left=(0, 1))
    for layer in tuning.layers:
        for i, o in enumerate(sorted(layer.options, key=lambda o: o.cost)):
            table.add_row("" if i else layer.name, o.kernel, _n(o.cost), _n(o.flash), _n(o.ram))
    table.add_row("what has no choice", "", _n(tuning.rest), _n(tuning.flash), _n(tuning.ram))
    return table


def hertz(text: str) -> float:
    """Return the frequency of "64MHz", "16 M", "1.2GHz" or "32768"; LrtcError for anything else."""
    number = text.strip().lower().removesuffix("hz").strip()
    scale = {"k": 1e3, "m": 1e6, "g": 1e9}.get(number[-1:], 1.0)
    try:
        value = float(number.rstrip("kmg")) * scale
    except ValueError:
        value = 0.0
    if not 0 < value < 1e11:
        raise LrtcError(f"--clock {text}: a frequency like 64MHz is supported")
    return value


def _table(*headings: str, left: tuple[int, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="left" if i in left else "right", no_wrap=i not in left, overflow="fold")
    return table


def _n(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _si(value: float, unit: str) -> str:
    """Return 0.0123 s as "12.3 ms"."""
    for scale, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n")):
        if value >= scale:
            return f"{value / scale:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"
