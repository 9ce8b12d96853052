"""The picture of a run, from its CSV files: loss, accuracies, entropy, saturation, zeros, |m/s| before each sign."""

from __future__ import annotations

import csv
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrtc.errors import LrtcError
from lrtc.train.diagnose import BINS, REACH

SHARES = (("entropy", "entropy, bits a weight"), ("saturated", "weights with p ≥ 0.95"), ("zeros", "zero weights"))
ACCURACIES = ("distribution", "discrete_raw", "discrete", "float")
NAMED = 10  # more lines than these get no legend
ORDER = ("float", "lrt", "ste", "head")


def plot_run(folder: str | Path, path: str | Path | None = None) -> Path:
    """Draw a run's folder (log.csv, layers.csv, signs.csv) as a PNG, `folder`/run.png unless told; return its path."""
    folder = Path(folder)
    path = folder / "run.png" if path is None else Path(path)
    log = _rows(folder / "log.csv")
    if not log:
        raise LrtcError(f"{folder}: no log.csv with a row; a folder OUT.run of a training run is expected")
    offsets = _offsets(log)
    figure = Figure(figsize=(12, 7), layout="constrained")
    axes = figure.subplots(2, 3).flatten()
    _accuracies(axes[0], log, offsets)
    _losses(axes[1], log, offsets)
    layers = [r for r in _rows(folder / "layers.csv") if r["stage"] in ("lrt", "ste")]
    for ax, (column, title) in zip(axes[2:5], SHARES, strict=True):
        _lines(ax, layers, column, offsets)
        ax.set(title=title, xlabel="epoch", ylim=(0, 1.02 if column != "entropy" else None))
    _histograms(axes[5], _rows(folder / "signs.csv"))
    with matplotlib.rc_context({"savefig.dpi": 110}):
        figure.savefig(path)
    return path


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def _offsets(log: list[dict[str, str]]) -> dict[str, int]:
    """Return stage → epochs of the stages before it, so that all lie on one axis."""
    offsets, total = {}, 0
    for stage in ORDER:
        epochs = [int(r["epoch"]) for r in log if r["stage"] == stage]
        if epochs:
            offsets[stage], total = total, total + max(epochs)
    return offsets


def _series(rows: list[dict[str, str]], column: str, offsets: dict[str, int]) -> tuple[list[int], list[float]]:
    points = [(offsets[r["stage"]] + int(r["epoch"]), float(r[column])) for r in rows if r.get(column)]
    return [x for x, _ in points], [y for _, y in points]


def _accuracies(ax: Axes, log: list[dict[str, str]], offsets: dict[str, int]) -> None:
    for column in ACCURACIES:
        x, y = _series(log, column, offsets)
        if x:
            ax.plot(x, y, marker=".", label=column)
    ax.set(title="accuracy on validation samples, %", xlabel="epoch")
    ax.legend(fontsize="small")


def _losses(ax: Axes, log: list[dict[str, str]], offsets: dict[str, int]) -> None:
    for stage in offsets:
        x, y = _series([r for r in log if r["stage"] == stage], "loss", offsets)
        ax.plot(x, y, marker=".", label=stage)
    ax.set(title="loss of the last step", xlabel="epoch", yscale="log")
    ax.legend(fontsize="small")


def _lines(ax: Axes, rows: list[dict[str, str]], column: str, offsets: dict[str, int]) -> None:
    names = list(dict.fromkeys(r["name"] for r in rows))
    for k, name in enumerate(names):
        x, y = _series([r for r in rows if r["name"] == name], column, offsets)
        ax.plot(x, y, marker=".", label=name, color=_color(k, len(names)))
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
