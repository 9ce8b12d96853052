"""What a person sees of a run: a live table, a warning early, two CSV files and a picture."""

from __future__ import annotations

import csv
from dataclasses import asdict
from pathlib import Path

import lightning
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from lrtc.nn.noise import noise_from
from lrtc.train.diagnose import SignReport, WeightReport, sign_reports, warnings, weight_reports

LOG = ("stage", "epoch", "loss", "cpu_seconds", "distribution", "discrete_raw", "discrete", "float")
LAYERS = ("stage", "epoch", "name", "fixed", "entropy", "saturated", "zeros", "at_limit", "dead", "channels")
SAMPLES = 1000  # of the training set, for what is seen before signs


class Watch(lightning.Callback):
    """After every epoch: accuracies and layers into log.csv and layers.csv, and onto the screen; histograms kept.

    distribution: accuracy of the random network; discrete_raw: of the network it would become now, with the batchnorm
    statistics of training; discrete: with statistics measured anew, on few samples.
    """

    def __init__(self, folder: Path, display: bool = True):
        self.folder, self.display = folder, display
        self.console = Console()
        self.live: Live | None = None
        self.progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        )
        self.task = None
        self.last = (Table(), [])

    def on_train_start(self, trainer: lightning.Trainer, stage) -> None:
        if trainer.is_global_zero:
            for name in ("log.csv", "layers.csv", "signs.csv"):
                _truncate(self.folder / name, stage.name, trainer.current_epoch)
        if self.display and trainer.is_global_zero and self.console.is_terminal:
            self.task = self.progress.add_task(stage.name)
            self.live = Live(self.progress, console=self.console, refresh_per_second=4)
            self.live.start()

    def on_train_batch_end(self, trainer, stage, _outputs, _batch, index: int) -> None:
        if self.live is not None:
            text = f"{stage.name} epoch {trainer.current_epoch + 1}/{trainer.max_epochs} loss {stage.last_loss:.3f}"
            self.progress.update(self.task, description=text, completed=index + 1, total=trainer.num_training_batches)

    def on_train_epoch_end(self, trainer: lightning.Trainer, stage) -> None:
        if not trainer.is_global_zero:
            return
        epoch = trainer.current_epoch + 1
        scores = stage.scores()
        weights = weight_reports(stage.net, stage.recipe.clip)
        with noise_from([stage.recipe.seed], stage.device):
            signs = sign_reports(stage.net, stage.material.train.first(SAMPLES).batches())
        row = {"stage": stage.name, "epoch": epoch, "loss": round(stage.last_loss, 5)}
        row["cpu_seconds"] = round(stage.seconds()[0], 1)
        row.update({name: round(100 * value, 2) for name, value in scores.items()})
        _append(self.folder / "log.csv", LOG, [row])
        _append(
            self.folder / "layers.csv", LAYERS, [{"stage": stage.name, "epoch": epoch, **asdict(w)} for w in weights]
        )
        if signs:
            _append_histograms(self.folder / "signs.csv", stage.name, epoch, signs)
        self._show(row, weights, signs)

    def _show(self, row: dict, weights: list[WeightReport], signs: list[SignReport]) -> None:
        if not self.display:
            return
        text = ", ".join(f"{k} {v} %" for k, v in row.items() if k in LOG[4:])
        line = f"{row['stage']} epoch {row['epoch']}: loss {row['loss']:.3f}, validation: {text}"
        warned = warnings(weights, signs)
        if self.live is None:
            self.console.print(
                line, *(f"  warning: {w}" for w in warned), sep="\n", markup=False, highlight=False, soft_wrap=True
            )
            return
        self.live.console.print(line, markup=False, highlight=False)
        self.live.update(Group(layer_table(weights, signs), *(f"warning: {w}" for w in warned), self.progress))

    def on_train_end(self, _trainer, _stage) -> None:
        self._close()

    def on_exception(self, _trainer, _stage, _error) -> None:
        self._close()

    def _close(self) -> None:
        if self.live is not None:
            self.live.stop()
            self.live = None


def layer_table(weights: list[WeightReport], signs: list[SignReport]) -> Table:
    """Return the layers as a table: one row a discrete layer, then one a sign."""
    table = Table("layer", "state", "entropy", "saturated", "zeros", "dead", "median |m/s|", "constant", box=None)
    for w in weights:
        state = "fixed" if w.fixed else "random"
        shares = (f"{w.entropy:.2f} bit", f"{w.saturated:.0%}", f"{w.zeros:.0%}", f"{w.dead}/{w.channels}")
        table.add_row(w.name, state, *shares, "", "")
    for s in signs:
        median = "" if s.median is None else f"{s.median:.2f}"
        table.add_row(s.name, "", "", "", "", "", median, f"{s.constant}/{s.channels}")
    return table


def _append(path: Path, names: tuple[str, ...], rows: list[dict]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, names)
        if fresh:
            writer.writeheader()
        writer.writerows(rows)


def _append_histograms(path: Path, stage: str, epoch: int, signs: list[SignReport]) -> None:
    rows = [
        {
            "stage": stage,
            "epoch": epoch,
            "name": s.name,
            "constant": s.constant,
            "channels": s.channels,
            "median": s.median,
            "histogram": " ".join(map(str, s.histogram or ())),
        }
        for s in signs
    ]
    _append(path, tuple(rows[0]), rows)


def _truncate(path: Path, stage: str, epoch: int) -> None:
    """Drop a stage's rows of later epochs than the checkpoint that a resumed run starts from."""
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    kept = [r for r in rows if r["stage"] != stage or int(r["epoch"]) <= epoch]
    if len(kept) < len(rows):
        names = tuple(rows[0])
        path.unlink()
        _append(path, names, kept)
