"""What `lrtc explore` found: a table, JSON, and a picture of area against throughput."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from rich.table import Table

from lrtc.errors import LrtcError, ToolMissing
from lrtc.plan.explore import Point

PICTURES = (".png", ".svg", ".pdf")
PIP_LINE = 'pip install "lrtc[train]"'


def explored_table(points: Sequence[Point], clock_hz: float) -> Table:
    """Return a row for each plan; those that no other one beats have a star."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "cycles", "images/s", "latency", "LUTs", "FFs", "block RAMs"):
        table.add_column(title, justify="right")
    table.add_column("slowest stage")
    if any(p.wired for p in points):
        table.add_column("as wires")
    for p in points:
        if not p.why:
            rate = f"{clock_hz / p.interval:,.0f}"
            cells = (f"{p.interval:,}", rate, f"{p.latency:,}", f"{p.luts:,}", f"{p.ffs:,}", f"{p.brams:g}")
            row = ("*" if p.best else "", *cells, p.bottleneck, ", ".join(p.wired))
            table.add_row(*row[: len(table.columns)])
    return table


def explored_json(points: Sequence[Point], clock_hz: float) -> list[dict[str, object]]:
    """Return the plans as plain data."""
    return [
        {**asdict(p), "images_per_second": clock_hz / p.interval} if not p.why else {"target": p.target, "why": p.why}
        for p in points
    ]


def check_picture(path: Path) -> None:
    """Raise LrtcError unless a picture can be drawn there."""
    if path.suffix.lower() not in PICTURES:
        raise LrtcError(f"{path}: a picture ends in {', '.join(PICTURES)}")
    if find_spec("matplotlib") is None:
        raise ToolMissing("matplotlib is not installed", hint=PIP_LINE)


def draw(points: Sequence[Point], clock_hz: float, name: str, path: Path) -> None:
    """Draw area against throughput, both in decades: the best plans as a line, the others beside it."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import StrMethodFormatter

    planned = [p for p in points if not p.why]
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    others, best = ([p for p in planned if p.best is wanted] for wanted in (False, True))
    axes.plot(*_xy(best, clock_hz), "o-", color="#1f5fa8", drawstyle="steps-post", label="no other plan beats it")
    if others:
        axes.plot(*_xy(others, clock_hz), "o", color="#b0b0b0", label="beaten by another")
    last = None
    for p in best:  # labels that would lie on each other are left out
        if last is None or p.luts < 0.8 * last:
            text = f"{p.interval:,} cycles" + (f", {p.brams:g} RAMs" if p.brams else "")
            axes.annotate(text, (clock_hz / p.interval, p.luts), (6, -10), textcoords="offset points", fontsize=7)
            last = p.luts
    axes.set(xscale="log", yscale="log", title=f"{name}: estimated area against throughput")
    axes.set(xlabel=f"images a second at {clock_hz / 1e6:g} MHz", ylabel="LUTs")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_minor_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.margins(x=0.12)
    axes.grid(True, which="both", alpha=0.25)
    axes.legend(loc="upper left", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"savefig.dpi": 110, "svg.hashsalt": name}):
        figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def _xy(points: Sequence[Point], clock_hz: float) -> tuple[list[float], list[int]]:
    return [clock_hz / p.interval for p in points], [p.luts for p in points]
