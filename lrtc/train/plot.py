"""The picture of a run, from its CSV files: loss, accuracies, entropy, saturation, zeros, |m/s| before each sign."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrtc.report.curves import ACCURACIES, SHARES, Run, read_rows, read_run
from lrtc.train.diagnose import BINS, REACH

NAMED = 10  # more lines than these get no legend


def plot_run(folder: str | Path, path: str | Path | None = None) -> Path:
    """Draw a run's folder (log.csv, layers.csv, signs.csv) as a PNG, `folder`/run.png unless told; return its path."""
    folder = Path(folder)
    path = folder / "run.png" if path is None else Path(path)
    run = read_run(folder)
    figure = Figure(figsize=(12, 7), layout="constrained")
    axes = figure.subplots(2, 3).flatten()
    _accuracies(axes[0], run)
    _losses(axes[1], run)
    for ax, (column, title) in zip(axes[2:5], SHARES.items(), strict=True):
        _lines(ax, run, column)
        ax.set(title=title, xlabel="epoch", ylim=(0, 1.02 if column != "entropy" else None))
    _histograms(axes[5], read_rows(folder / "signs.csv"))
    with matplotlib.rc_context({"savefig.dpi": 110}):
        figure.savefig(path)
    return path


def _accuracies(ax: Axes, run: Run) -> None:
    for column in ACCURACIES:
        if points := run.line(run.log, column):
            ax.plot(*zip(*points, strict=True), marker=".", label=column)
    ax.set(title="accuracy on validation samples, %", xlabel="epoch")
    ax.legend(fontsize="small")


def _losses(ax: Axes, run: Run) -> None:
    for stage in run.offsets:
        if points := run.line([r for r in run.log if r["stage"] == stage], "loss"):
            ax.plot(*zip(*points, strict=True), marker=".", label=stage)
    ax.set(title="loss of the last step", xlabel="epoch", yscale="log")
    ax.legend(fontsize="small")


def _lines(ax: Axes, run: Run, column: str) -> None:
    names = list(dict.fromkeys(r["name"] for r in run.layers))
    for k, name in enumerate(names):
        if points := run.line([r for r in run.layers if r["name"] == name], column):
            ax.plot(*zip(*points, strict=True), marker=".", label=name, color=_color(k, len(names)))
    _legend(ax, len(names))


def _color(k: int, count: int) -> object:
    """Return the colour of line k: its own, or of many lines one between dark (input side) and bright."""
    return f"C{k}" if count <= NAMED else matplotlib.colormaps["viridis"](k / (count - 1))


def _legend(ax: Axes, count: int) -> None:
    if 0 < count <= NAMED:
        ax.legend(fontsize="small")
    elif count:
        text = "dark: input side, bright: output side"
        ax.text(0.98, 0.97, text, transform=ax.transAxes, fontsize="x-small", ha="right", va="top")


def _histograms(ax: Axes, rows: list[dict[str, str]]) -> None:
    """Draw each sign's last histogram, that is of the last epoch before the layer under it was fixed."""
    last = {r["name"]: r for r in rows if r["histogram"]}
    centres = [(k + 0.5) * REACH / BINS for k in range(BINS)]
    for k, (name, row) in enumerate(last.items()):
        counts = [int(n) for n in row["histogram"].split()]
        total = sum(counts)
        density = [n * BINS / (total * REACH) for n in counts[:-1]]
        label = f"{name}, epoch {row['epoch']}, {counts[-1] / total:.0%} beyond"
        ax.plot(centres[:-1], density, label=label, color=_color(k, len(last)))
    ax.set(title="density of |m/s| before a sign", xlabel="|m/s|", ylim=(0, None))
    _legend(ax, len(last))
