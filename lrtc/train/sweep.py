"""Many recipes for one network, compared on the validation samples; test samples have no place here."""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from torch import nn

from lrtc.errors import LrtcError
from lrtc.train.data import Augment, Samples
from lrtc.train.recipe import Recipe
from lrtc.train.run import train

# what the float twin depends on
PRETRAINING = ("seed", "pretrain_epochs", "pretrain_lr", "batch", "parts", "weight_decay", "augment_until", "precision")


@dataclass(frozen=True)
class Row:
    """What one recipe gave. changes: as they were written; validation: accuracy of the discrete network, 0 … 1."""

    network: str
    method: str
    changes: str
    seed: int
    epochs: int
    validation: float
    cpu_seconds: int


def lines(path: Path) -> list[list[str]]:
    """Return the words of every line of a file of recipes, `METHOD NAME=VALUE …`; `#` begins a remark."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise LrtcError(f"{path}: {e}", hint="a text file is needed, a recipe a line: METHOD NAME=VALUE …") from e
    found = [line.partition("#")[0].split() for line in text.splitlines()]
    return [words for words in found if words]


def sweep(
    name: str,
    network: Callable[[], nn.Module],
    recipes: Iterable[tuple[str, Recipe]],
    parts: tuple[Samples, Samples],
    out: Path,
    augments: Sequence[Augment] = (),
    display: bool = True,
) -> Iterator[Row]:
    """Train a network by recipe after recipe and give a row of each; every row is added to the CSV file `out`.

    recipes: (changes as written, recipe); what has a row already is left out, so that a sweep can be gone on with.
    parts: training and validation samples. The float twin is trained once a seed and a pre-training.
    """
    done = {(r.network, r.method, r.changes, r.seed) for r in rows(out)}
    work = out.with_name(out.name + ".work")
    for changes, recipe in recipes:
        if (name, recipe.method, changes, recipe.seed) in done:
            continue
        twin = work / f"{name}_{_pretraining(recipe)}.ckpt"
        run = work / "model.pt.run"
        shutil.rmtree(run, ignore_errors=True)
        run.mkdir(parents=True)
        if twin.exists():
            shutil.copyfile(twin, run / "float.ckpt")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            net = network()
        trained = train(net, recipe, *parts, work / "model.pt", augments, resume=True, display=display)
        if (run / "float.ckpt").exists():
            shutil.copyfile(run / "float.ckpt", twin)
        figures = round(trained.validation, 4), round(trained.cpu_seconds)
        row = Row(name, recipe.method, changes, recipe.seed, recipe.epochs, *figures)
        _add(out, row)
        yield row


def _pretraining(recipe: Recipe) -> str:
    """Return a digest of all that the float twin depends on."""
    told = [getattr(recipe, field) for field in PRETRAINING]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def rows(path: Path) -> list[Row]:
    """Return the rows of the CSV file of a sweep, none of a file that is not there; LrtcError if it is another file."""
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as f:
            plain = Row("", "", "", 0, 0, 0.0, 0)
            kinds = {field.name: type(getattr(plain, field.name)) for field in fields(Row)}
            return [Row(**{n: kind(line[n]) for n, kind in kinds.items()}) for line in csv.DictReader(f)]
    except (OSError, KeyError, TypeError, ValueError) as e:
        raise LrtcError(f"{path} is not the table of a sweep", hint="name a file that is not there yet") from e


def _add(path: Path, row: Row) -> None:
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, asdict(row), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(asdict(row))
