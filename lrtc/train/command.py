"""The command line that every example shares: data, network, recipe → model file and its figures."""

from __future__ import annotations

import argparse
import ast
import json
import os
import platform
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lrtc.errors import LrtcError, nearest
from lrtc.nn import accuracy
from lrtc.nn.sampling import process
from lrtc.train.cost import step_cost
from lrtc.train.data import Augment, Samples
from lrtc.train.download import Source, absent, download
from lrtc.train.evaluate import distribution_scores, integer_accuracy
from lrtc.train.recipe import METHODS, Recipe
from lrtc.train.run import Trained, check, set_signs, train
from lrtc.train.sweep import lines, sweep

SWEEP = "only compare the recipes in FILE, a METHOD NAME=VALUE … a line, on the validation samples; OUT is a CSV file"


@dataclass(frozen=True)
class Experiment:
    """One row of a results table: a network, its hyper-parameters by method, its augmentations.

    integer: whether what is saved can be compiled; a network of real activations has to be quantised first.
    validation: the share of the training samples, from their end, that validates and does not train.
    """

    network: Callable[[], nn.Module]
    recipes: Mapping[str, Recipe]
    augments: Sequence[Augment] = ()
    integer: bool = True
    validation: float = 1 / 12

    def recipe(self, method: str) -> Recipe:
        """Return the recipe of a method; where there is none, that of "lrt" with another method."""
        return self.recipes.get(method) or replace(self.recipes["lrt"], method=method)


def main(
    description: str,
    experiments: Mapping[str, Experiment],
    read: Callable[[Path, str], Samples],
    arguments: Sequence[str] | None = None,
    sources: Mapping[str, Source] | None = None,
) -> None:
    """Train one of the experiments as the command line says, and print what the test samples say of it.

    `read(folder, "train" | "test")` reads the data; with `sources`, file → address, `--download` fetches what is not
    there. A user's fault ends with one message and exit status 2.
    """
    sources = sources or {}
    args = _parse(description, experiments, arguments, bool(sources))
    try:
        if sources and args.download:
            download(args.data, sources)
        _run(experiments[args.network], read, args)
    except LrtcError as e:
        status = _failed(e)
        if sources and not args.download and absent(args.data, sources):
            print("  or have them fetched: --download", file=sys.stderr)
        sys.exit(status)


def _failed(error: LrtcError) -> int:
    print(f"train: error: {error}", file=sys.stderr)
    return 2


def _parse(
    description: str, experiments: Mapping[str, Experiment], arguments, can_download: bool
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the data files")
    parser.add_argument("--out", type=Path, required=True, help="model file to write; all else goes to OUT.run/")
    parser.add_argument("--network", choices=sorted(experiments), default=min(experiments))
    parser.add_argument("--method", choices=METHODS, default="lrt")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a hyper-parameter")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=_count, default=1)
    parser.add_argument("--accelerator", default="cpu", help="as lightning's Trainer takes it: cpu, gpu, auto")
    parser.add_argument("--devices", type=_count, default=1, help="processes; --set parts=… a multiple of them")
    parser.add_argument("--nodes", type=_count, default=1, help="machines, each with so many processes, under torchrun")
    parser.add_argument("--draws", type=_count, default=5, help="draws of all weights to score")
    parser.add_argument("--first", type=_count, help="use so many training samples only")
    parser.add_argument("--sweep", type=Path, metavar="FILE", help=SWEEP)
    parser.add_argument("--seeds", type=int, nargs="+", metavar="SEED", help="of --sweep; default: that of --seed")
    parser.add_argument("--cost", action="store_true", help="only say what a step costs; trains and writes nothing")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoints in OUT.run/")
    if can_download:
        parser.add_argument("--download", action="store_true", help="fetch data files that are not in the folder")
    args = parser.parse_args(arguments)
    args.command = _command(sys.argv[1:] if arguments is None else arguments)
    return args


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not supported; a whole number of at least 1 is")
    return int(text)


def _command(arguments: Sequence[str]) -> str:
    """Return the options that a result depends on: all but folders, --resume and --download, which change nothing."""
    kept, skip = [], False
    for word in arguments:
        name = word.partition("=")[0]
        if not skip and name not in ("--data", "--out", "--resume", "--download"):
            kept.append(word)
        skip = not skip and word in ("--data", "--out")
    return shlex.join(kept)


def machine() -> str:
    """Return the processor's name, how many there are, and torch's version."""
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), name)
    return f"{name}, {os.cpu_count()} processors, torch {torch.__version__}"


def changed(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """Return the recipe after changes NAME=VALUE; LrtcError for an unknown name or a value that is not supported."""
    known = {field.name for field in fields(recipe)}
    for change in changes:
        name, sign, text = change.partition("=")
        if not sign or name not in known:
            raise LrtcError(f"--set {change}: no hyper-parameter {name!r}{nearest(name, known)}")
        try:
            value = ast.literal_eval(text) if not isinstance(getattr(recipe, name), str) else text
            recipe = replace(recipe, **{name: value})
        except (ValueError, SyntaxError, TypeError) as e:
            raise LrtcError(f"--set {change}: {e}") from e
    return recipe


def _run(experiment: Experiment, read: Callable[[Path, str], Samples], args: argparse.Namespace) -> None:
    torch.set_num_threads(args.threads)
    recipe = changed(replace(experiment.recipe(args.method), seed=args.seed), args.set)
    part, validation = read(args.data, "train").split(experiment.validation)
    part = part.first(args.first) if args.first else part
    if args.sweep:
        _sweep(experiment, part, validation, args)
        return
    test = read(args.data, "test")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        net = experiment.network()
        check(net, part, validation, test)
    if args.cost:
        set_signs(net, recipe)
        _print_cost(net, part.first(recipe.batch))
        return
    options = {"accelerator": args.accelerator, "devices": args.devices, "num_nodes": args.nodes}
    if args.devices * args.nodes > 1:
        options["strategy"] = "ddp_find_unused_parameters_true"
    trained = train(net, recipe, part, validation, args.out, experiment.augments, args.resume, trainer=options)
    if process()[0]:
        return
    _report(trained, recipe, part, test, experiment.integer, args)


def _sweep(experiment: Experiment, part: Samples, validation: Samples, args: argparse.Namespace) -> None:
    """Print the rows of a sweep as they come; every recipe is read before the first one is trained."""
    recipes = []
    for seed in args.seeds or [args.seed]:
        for method, *changes in lines(args.sweep):
            if method not in METHODS:
                raise LrtcError(f"{args.sweep}: no method {method!r}{nearest(method, METHODS)}")
            recipe = changed(replace(experiment.recipe(method), seed=seed), [*args.set, *changes])
            recipes.append((" ".join([*args.set, *changes]), recipe))
    for row in sweep(args.network, experiment.network, recipes, (part, validation), args.out, experiment.augments):
        print(f"{row.validation:.2%} {row.cpu_seconds} s, seed {row.seed}: {row.method} {row.changes}", flush=True)


def _print_cost(net: nn.Module, batch: Samples) -> None:
    cost = step_cost(net, batch.x, batch.y)
    print(f"processor time of a step of {len(batch)} samples")
    print(f"  full precision    {cost.float_ms:8.1f} ms")
    print(f"  straight-through  {cost.ste_ms:8.1f} ms")
    print(f"  random weights    {cost.lrt_ms:8.1f} ms, {cost.ratio:.2f} times the first")


def _report(
    trained: Trained, recipe: Recipe, part: Samples, test: Samples, integer: bool, args: argparse.Namespace
) -> None:
    """Print the figures and write them to OUT.run/result.json; the test samples go to OUT.run/test.npz."""
    figures: dict[str, object] = {"validation": trained.validation, "float": accuracy(trained.twin, test.batches())}
    if recipe.method != "float" and integer:
        figures["integer"] = integer_accuracy(args.out, test)
    elif recipe.method != "float":
        figures["discrete_weights"] = accuracy(trained.net, test.batches())
    if trained.random is not None:
        figures.update(asdict(distribution_scores(trained.random, part, test, args.draws, recipe.seed)))
    figures["cpu_seconds"], figures["wall_seconds"] = round(trained.cpu_seconds), round(trained.wall_seconds)
    for name, value in figures.items():
        print(f"{name:28} {value:.2%}" if isinstance(value, float) else f"{name:28} {value}")
    folder = args.out.with_name(args.out.name + ".run")
    result = {"network": args.network, "command": args.command, "machine": machine(), "threads": args.threads}
    result |= {"recipe": asdict(recipe), "figures": figures}
    np.savez_compressed(folder / "test.npz", x=test.x.numpy(), y=test.y.numpy().astype(np.uint8))
    (folder / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
