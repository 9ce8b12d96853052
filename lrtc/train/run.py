"""One training run: pre-training, discrete training, the last layer, discretisation, batchnorm, a model file."""

from __future__ import annotations

import copy
import logging
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import lightning
import torch
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from torch import nn

from lrtc.errors import Fault, LrtcError
from lrtc.frontend.modelfile import save
from lrtc.nn import (
    LRTSign,
    LRTTernarySign,
    accuracy,
    discrete_from_straight_through,
    discretize,
    float_twin,
    init_from_float,
    reestimate_batchnorm,
    straight_through,
)
from lrtc.nn.sampling import process
from lrtc.train.data import Augment, Samples, shuffled
from lrtc.train.plot import plot_run
from lrtc.train.recipe import Recipe
from lrtc.train.stages import HeadStage, LRTStage, Material, Stage, STEStage
from lrtc.train.watch import Watch


@dataclass(frozen=True)
class Trained:
    """What a run gave. net: discrete, eval mode (the float twin itself for "float").

    cpu_seconds, wall_seconds: of this process, and of those that it resumed as far as their checkpoints go.
    random: the network just before its first layer was frozen, still a distribution, if there is one.
    """

    net: nn.Module
    twin: nn.Module
    random: nn.Module | None
    validation: float
    cpu_seconds: float
    wall_seconds: float
    files: dict[str, Path] = field(default_factory=dict)


def train(
    net: nn.Module,
    recipe: Recipe,
    train: Samples,
    validation: Samples,
    out: str | Path,
    augments: Sequence[Augment] = (),
    resume: bool = False,
    display: bool = True,
    trainer: dict[str, object] | None = None,
) -> Trained:
    """Train a network of `lrtc.nn` layers by a recipe and write it to `out`; checkpoints and logs go to `out`.run/.

    The test set has no place here: what is chosen is chosen on `validation` and on training samples. `resume` goes on
    from the checkpoints, to the same weights that an unbroken run has (CPU, same number of threads). `trainer` are
    further options of lightning's Trainer: accelerator, devices, num_nodes, strategy, …; with several processes
    `recipe.parts` must be a multiple of them. LrtcError for labels out of range, inputs that do not fit, a loss
    that is not finite.
    """
    start = time.process_time(), time.monotonic()
    runner = _Runner(recipe, Material(train, validation, tuple(augments)), Path(out), resume, display, trainer or {})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        twin = float_twin(net)
        check(net, train, validation)
        twin = runner.pretrain(twin)
        random = None
        if recipe.method == "float":
            net = twin.eval()
        else:
            init_from_float(net, twin)
            random = runner.discrete(net, twin)
            runner.finish(net)
    files = {"log": runner.folder / "log.csv", "layers": runner.folder / "layers.csv"}
    if recipe.method != "float" and process()[0] == 0:
        save(net, out)
        files["model"] = Path(out)
    if process()[0] == 0:
        files["picture"] = plot_run(runner.folder)
    right = accuracy(net, validation.batches())
    spent = [now - begin for now, begin in zip((time.process_time(), time.monotonic()), start, strict=True)]
    spent = [s + sum(resumed) for s, resumed in zip(spent, zip(*runner.before, strict=True), strict=True)]
    return Trained(net, twin.eval(), random, right, *spent, files)


def check(net: nn.Module, *parts: Samples) -> None:
    """Raise LrtcError unless inputs and labels fit the network, in training too, where its weights are random."""
    for part in parts:
        if not len(part):
            raise LrtcError("there are no samples; training and validation need at least one each")
        wrong = (~torch.isfinite(part.x)).flatten(1).any(1).nonzero()
        if len(wrong):
            raise LrtcError(f"{len(wrong)} of {len(part)} inputs are not finite; the first is sample {int(wrong[0])}")
    scores = _trial(net, parts[0].x[:2])
    if scores.dim() != 2:
        raise LrtcError(f"the network gives {tuple(scores.shape)} for 2 inputs; class scores (2, classes) are expected")
    for part in parts:
        if part.x.shape[1:] != parts[0].x.shape[1:]:
            shapes = " and ".join(str(tuple(p.x.shape[1:])) for p in (parts[0], part))
            raise LrtcError(f"inputs of shapes {shapes} do not belong together; all samples must have one shape")
        part.check_classes(scores.shape[1])


def set_signs(net: nn.Module, recipe: Recipe) -> None:
    """Give all layers that take Gaussians what a recipe says of them, in place; no file keeps it."""
    for m in net.modules():
        if hasattr(m, "variance_floor"):
            m.variance_floor = recipe.variance_floor
        if isinstance(m, (LRTSign, LRTTernarySign)):  # layers of one's own may have windows of another kind
            m.window = recipe.sign_window


def _trial(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Return the scores of a copy of the network in training; LrtcError names the layer that cannot."""
    trial = copy.deepcopy(net).train()
    inside: list[str] = []
    hooks = []
    for name, m in trial.named_modules():
        where = f"{name or 'forward'} ({type(m).__name__})"
        hooks.append(m.register_forward_pre_hook(lambda _m, _args, where=where: inside.append(where)))
        hooks.append(m.register_forward_hook(lambda _m, _args, _out: inside.pop() and None))
    try:
        with torch.no_grad():
            return trial(x)
    except (ValueError, RuntimeError, TypeError, AttributeError) as e:
        said = str(e)
        if "'Tensor' object is not callable" in said:
            said += "; where weights are random, x.mean is a tensor, not a method: use lrtc.nn.ExactMean"
        raise LrtcError(f"inputs {tuple(x.shape)[1:]} do not fit the network", [Fault(inside[-1], said)]) from e


@dataclass(frozen=True)
class _Runner:
    recipe: Recipe
    material: Material
    out: Path
    resume: bool
    display: bool
    options: dict[str, object]
    before: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])  # seconds that were resumed

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.resume and process()[0] == 0:
            for old in (*self.folder.glob("*.ckpt"), *self.folder.glob("*.pt"), *self.folder.glob("*.csv")):
                old.unlink()

    @property
    def folder(self) -> Path:
        return self.out.with_name(self.out.name + ".run")

    def pretrain(self, twin: nn.Module) -> nn.Module:
        recipe = replace(self.recipe, label_smoothing=0.0) if self.recipe.method != "float" else self.recipe
        epochs = recipe.pretrain_epochs + (recipe.epochs if recipe.method == "float" else 0)
        stage = Stage(twin, recipe, self.material, recipe.pretrain_lr, self.folder / "float.ckpt")
        self._fit(stage, epochs)
        return twin

    def discrete(self, net: nn.Module, twin: nn.Module) -> nn.Module | None:
        """Train the discrete network in place; return what was still a distribution before freezing, if kept."""
        recipe, checkpoint = self.recipe, self.folder / f"{self.recipe.method}.ckpt"
        set_signs(net, recipe)
        if recipe.method == "ste":
            latent = straight_through(net, twin)
            self._fit(STEStage(latent, recipe, self.material, checkpoint, twin, net), recipe.epochs)
            discrete_from_straight_through(net, latent)
            return None
        random = copy.deepcopy(net)
        self._fit(LRTStage(net, recipe, self.material, checkpoint, twin), recipe.epochs)
        kept = self.folder / "random.pt"
        random.load_state_dict(torch.load(kept, weights_only=True) if kept.exists() else net.state_dict())
        return random

    def finish(self, net: nn.Module) -> None:
        """Discretise, measure batchnorm statistics on the whole training set, train the last layer on top."""
        if self.recipe.freeze == "best_of" and self.recipe.method == "lrt":
            judges = self.material.judges(self.recipe.choose_on)
            discretize(net, "best_of", self.recipe.freeze_draws, judges, self.recipe.seed)
        discretize(net)
        self._reestimate(net)
        if self.recipe.head_epochs:
            wanted = {name: p.requires_grad for name, p in net.named_parameters()}
            stage = HeadStage(net, self.recipe, self.material, self.folder / "head.ckpt")
            self._fit(stage, self.recipe.head_epochs)
            for name, p in net.named_parameters():
                p.requires_grad_(wanted[name])
            discretize(net)

    def _reestimate(self, net: nn.Module) -> None:
        """Measure batchnorm statistics on all training samples; those of the last epochs stay if they are better."""
        judges = self.material.judges(self.recipe.choose_on)
        before = {name: t.clone() for name, t in net.state_dict().items()}
        score = accuracy(net, judges)
        reestimate_batchnorm(net, self.material.train.batches())
        if self.recipe.reestimate == "unless_worse" and accuracy(net, judges) < score:
            net.load_state_dict(before)

    def _fit(self, stage: Stage, epochs: int) -> None:
        if epochs:
            with _quiet():
                self._fit_aloud(stage, epochs)

    def _fit_aloud(self, stage: Stage, epochs: int) -> None:
        recipe, material = self.recipe, self.material
        options = {"accelerator": "cpu", **self.options}
        try:
            trainer = lightning.Trainer(
                max_epochs=epochs,
                precision=recipe.precision,
                callbacks=[Watch(self.folder, self.display), _SaveEachEpoch(stage.checkpoint)],
                enable_checkpointing=False,
                enable_model_summary=False,
                enable_progress_bar=False,
                logger=False,
                use_distributed_sampler=False,
                num_sanity_val_steps=0,
                default_root_dir=self.folder,
                **options,
            )
        except (ValueError, RuntimeError, MisconfigurationException) as e:
            given = ", ".join(f"{k}={v!r}" for k, v in {**options, "precision": recipe.precision}.items())
            raise LrtcError(f"{given}: {e}", hint="accelerator='cpu' and precision='32-true' run everywhere") from e
        if recipe.parts % trainer.world_size:
            raise LrtcError(
                f"parts={recipe.parts} is not supported with {trainer.world_size} processes; a multiple of them is"
            )
        loader = shuffled(material.train, recipe.batch, recipe.parts, recipe.seed)
        resumed = stage.checkpoint if self.resume and stage.checkpoint.exists() else None
        trainer.fit(stage, loader, ckpt_path=resumed)
        self.before.append(stage.before)
        stage.to("cpu")


@contextmanager
def _quiet() -> Iterator[None]:
    """Within, lightning says only what is wrong: the rest, its advertisements too, is no news to who runs a recipe."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    before = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="lightning")
        warnings.filterwarnings("ignore", message=".*LeafSpec.*")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)


class _SaveEachEpoch(lightning.Callback):
    """Write a checkpoint after every epoch, whole or not at all."""

    def __init__(self, path: Path):
        self.path = path

    def on_train_epoch_end(self, trainer: lightning.Trainer, _stage: Stage) -> None:
        part = self.path.with_suffix(".part")
        trainer.save_checkpoint(part)
        if trainer.is_global_zero:
            os.replace(part, self.path)
