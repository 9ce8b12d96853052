"""A training run as pictures: accuracy, loss, and entropy, saturation and zeros of every layer's weights by epoch."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from lrtc.errors import LrtcError, shown
from lrtc.ir.printer import printable
from lrtc.report.pictures import CHAR, drawing

ORDER = ("float", "lrt", "ste", "head")  # stages, as they follow each other
ACCURACIES = ("distribution", "discrete_raw", "discrete", "float")
SHARES = {"entropy": "entropy, bits a weight", "saturated": "weights with p ≥ 0.95", "zeros": "zero weights"}
COLOURS = ("#2f6fde", "#e08a1e", "#2e9e5b", "#c2417c", "#8a63d2", "#1aa3b5", "#b5651d", "#7a8699")
WIDE, TALL, LEFT = 360, 170, 56  # px of a chart, without its axes
LONGEST, MOST = 16, 1 << 20  # characters in a legend; bytes of a file that is read, times 64

Line = tuple[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True)
class Run:
    """Rows of log.csv and layers.csv. offsets: stage → epochs before it, so that all lie on one axis."""

    log: Sequence[Mapping[str, str]]
    layers: Sequence[Mapping[str, str]]
    offsets: Mapping[str, int]

    def line(self, rows: Iterable[Mapping[str, str]], column: str) -> list[tuple[float, float]]:
        """Return (epoch, value) of a column where it has one."""
        return [(self.offsets[r["stage"]] + int(r["epoch"]), float(r[column])) for r in rows if r.get(column)]


def read_run(folder: Path) -> Run:
    """Return a run of its folder OUT.run; LrtcError if there is none, or what is there is no log."""
    where = shown(str(folder), 200)
    log = read_rows(folder / "log.csv")
    if not log:
        raise LrtcError(f"{where} has no log.csv with a row", hint="a training run's folder OUT.run is expected")
    try:
        offsets, total = {}, 0
        for stage in ORDER:
            if epochs := [int(row["epoch"]) for row in log if row["stage"] == stage]:
                offsets[stage], total = total, total + max(epochs)
        layers = [row for row in read_rows(folder / "layers.csv") if row["stage"] in ("lrt", "ste")]
        run = Run(log, layers, offsets)
        numbers = [v for column in ("loss", *ACCURACIES) for _, v in run.line(log, column)]
        numbers += [v for column in SHARES for _, v in run.line(layers, column)]
    except (KeyError, TypeError, ValueError) as error:
        raise LrtcError(f"{where} is no training run: {shown(str(error))}") from None
    if not all(map(math.isfinite, numbers)):
        raise LrtcError(f"{where} is no training run that went well: a value is infinite or NaN")
    return run


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file, none if it is not there; LrtcError if it cannot be read."""
    try:
        if not path.is_file():
            return []
        if path.stat().st_size > MOST << 6:
            raise LrtcError(f"{shown(str(path), 200)} is larger than any log")
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise LrtcError(f"{shown(str(path), 200)} cannot be read: {shown(str(error))}") from None


def run_charts(run: Run) -> list[tuple[str, str]]:
    """Return (title, SVG) of what there is to draw."""
    charts = [("accuracy on validation samples, %", [(name, run.line(run.log, name)) for name in ACCURACIES], False)]
    by_stage = [(s, run.line([r for r in run.log if r["stage"] == s], "loss")) for s in run.offsets]
    charts.append(("loss of the last step", by_stage, True))
    names = dict.fromkeys(row["name"] for row in run.layers)
    for column, title in SHARES.items():
        lines = [(name, run.line([r for r in run.layers if r["name"] == name], column)) for name in names]
        charts.append((title, lines, False))
    stages = {stage: after for stage, after in run.offsets.items() if after}
    drawn = [(title, chart_svg(title, lines, stages, log)) for title, lines, log in charts]
    return [(title, svg) for title, svg in drawn if svg]


def chart_svg(title: str, lines: Sequence[Line], marks: Mapping[str, float] | None = None, log: bool = False) -> str:
    """Return lines over epochs as SVG; nothing without a point. marks: dashed, where something begins behind there.

    log: y in decades, of values above 0. A few lines have a legend; more have their names where one points.
    """
    kept = [(name, [(x, y) for x, y in points if not log or y > 0]) for name, points in lines]
    kept = [(name, points) for name, points in kept if points]
    if not kept:
        return ""
    xs, ys = zip(*(point for _, points in kept for point in points), strict=True)
    scale = (lambda y: math.log10(y)) if log else float
    low, high = scale(min(ys)), scale(max(ys))
    if high - low < 1e-9:
        low, high = low - (0.5 if log else max(abs(low) * 0.1, 0.5)), high + (0.5 if log else max(abs(high) * 0.1, 0.5))
    first, last = min(xs), max(max(xs), min(xs) + 1)
    legend = len(kept) <= len(COLOURS)

    def at(x: float, y: float) -> tuple[float, float]:
        return LEFT + WIDE * (x - first) / (last - first), TALL * (1 - (scale(y) - low) / (high - low))

    parts = []
    for k in range(5):
        y, value = TALL * (1 - k / 4), low + (high - low) * k / 4
        parts.append(f'<path class="axis" d="M{LEFT} {y:.1f}h{WIDE}"/>')
        text = f"{10**value if log else value:.3g}"
        parts.append(f'<text class="dim" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    every = max(1, math.ceil((last - first) / 10))
    for x in range(math.ceil(first), math.floor(last) + 1, every):
        place = LEFT + WIDE * (x - first) / (last - first)
        parts.append(f'<text class="dim" x="{place:.1f}" y="{TALL + 18}" text-anchor="middle">{x}</text>')
    for name, x in (marks or {}).items():
        place = LEFT + WIDE * (x - first) / (last - first)
        if LEFT <= place <= LEFT + WIDE:
            parts.append(f'<path class="axis" d="M{place:.1f} 0v{TALL}"/>')
            parts.append(f'<text class="dim" x="{place + 4:.1f}" y="12">{escape(printable(name))}</text>')
    for k, (name, points) in enumerate(kept):
        colour = COLOURS[k] if legend else f"hsl({240 - 200 * k / max(1, len(kept) - 1):.0f} 65% 55%)"
        where = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in points))
        last_x, last_y = at(*points[-1])
        label = f"{printable(name)}: {points[-1][1]:.4g} at {points[-1][0]:g}"
        parts.append(
            f'<g><title>{escape(label)}</title><polyline fill="none" stroke="{colour}" stroke-width="2" '
            f'points="{where}"/><circle cx="{last_x:.1f}" cy="{last_y:.1f}" r="3" fill="{colour}"/></g>'
        )
    high_all, x, y = TALL + 22.0, float(LEFT), TALL + 42.0
    for k, (name, _) in enumerate(kept if legend else ()):
        text = printable(name)
        text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
        wide = 26 + CHAR * len(text) + 12
        if x + wide > LEFT + WIDE and x > LEFT:
            x, y = float(LEFT), y + 18
        parts.append(f'<path d="M{x:.1f} {y - 4:.1f}h16" style="stroke:{COLOURS[k]};stroke-width:3"/>')
        parts.append(f'<text x="{x + 22:.1f}" y="{y:.1f}">{escape(text)}</text>')
        x, high_all = x + wide, y + 4
    return drawing(LEFT + WIDE + 8, high_all, "".join(parts), title)


def run_json(run: Run) -> dict[str, object]:
    """Return the log as plain data: stage, epoch, and what was measured then."""
    keys = ("loss", *ACCURACIES)
    rows = [
        {"stage": row["stage"], "epoch": int(row["epoch"]), **{k: float(row[k]) for k in keys if row.get(k)}}
        for row in run.log
    ]
    return {"epochs": len(rows), "log": rows}
