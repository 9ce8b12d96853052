"""The stages of a training run as lightning modules: the float twin, the discrete network, its last layer."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import lightning
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrtc.errors import Fault, LrtcError
from lrtc.nn import (
    LRTSign,
    LRTTernarySign,
    accuracy,
    clip_latents,
    clip_logits,
    discrete_from_straight_through,
    discretize,
    parameter_groups,
    reestimate_batchnorm,
    sharpen_logits,
)
from lrtc.nn.discrete import HEADS, RANDOM
from lrtc.nn.distribution import Gaussian, as_gaussian
from lrtc.nn.noise import noise_from
from lrtc.nn.regularise import random_layers, sign_entropy, uncertainty, weight_entropy
from lrtc.nn.sampling import process
from lrtc.train.data import Augment, Samples, augmented
from lrtc.train.recipe import Recipe

MONITOR = 2000  # training samples on which batchnorm statistics are measured while training goes on


@dataclass(frozen=True)
class Material:
    """What every stage works on: training and validation samples, and augmentations of a batch."""

    train: Samples
    validation: Samples
    augments: Sequence[Augment] = ()

    def judges(self, where: str) -> list[tuple[Tensor, Tensor]]:
        """Return the batches on which draws are compared: of "validation", or of "train" some."""
        return (self.validation if where == "validation" else self.train.first(MONITOR)).batches()


class Stage(lightning.LightningModule):
    """One stage: cross-entropy on augmented batches, Adam, cosine learning rate; all randomness from (seed, step)."""

    name = "float"
    affine_lr = 0.0  # of what is no discrete weight; 0: that of all

    def __init__(self, net: nn.Module, recipe: Recipe, material: Material, lr: float, checkpoint: Path):
        super().__init__()
        self.net, self.recipe, self.material, self.lr, self.checkpoint = net, recipe, material, lr, checkpoint
        self.last_loss = math.nan
        self.last_input: Tensor | None = None
        self.began, self.before = _clocks(), (0.0, 0.0)

    def seconds(self) -> tuple[float, float]:
        """Return the seconds of this process's processor and of the wall that the stage took, resumed ones too."""
        return tuple(b + now - start for b, now, start in zip(self.before, _clocks(), self.began, strict=True))

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["seconds"] = self.seconds()

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        self.before = tuple(checkpoint.get("seconds", self.before))

    def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
        x, y = batch
        torch.manual_seed(self._seeds()[0])  # of what draws from torch's own stream: dropout, a layer of one's own
        with noise_from(self._seeds(), self.device) as streams:
            if self.current_epoch < self.recipe.augment_until * self.trainer.max_epochs:
                x = augmented(x, self.material.augments, streams)
            loss = self.loss(x, y)
        self.last_loss, self.last_input = float(loss.detach()), x
        if not math.isfinite(self.last_loss):
            self._stop("the loss")
        return loss

    def on_before_optimizer_step(self, _optimizer) -> None:
        # A sign hides a value that is not a number, its gradient does not. A scaler of float16 steps over infinities.
        norms = [torch.linalg.vector_norm(p.grad) for p in self.net.parameters() if p.grad is not None]
        if not self.recipe.precision.startswith("16") and not bool(torch.isfinite(torch.stack(norms)).all()):
            self._stop("a gradient")

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the loss of one augmented batch."""
        return F.cross_entropy(self.net(x), y, label_smoothing=self.recipe.label_smoothing)

    def _seeds(self) -> list[int]:
        rank, world = process()
        parts = self.recipe.parts // world
        step = self.recipe.seed * 1_000_003 + self.global_step
        return [step * 65_537 + rank * parts + k for k in range(parts)]

    def configure_optimizers(self):
        recipe = self.recipe
        groups = parameter_groups(self.net, self.lr, recipe.probability_decay, recipe.weight_decay, self.affine_lr)
        optimizer = torch.optim.Adam(groups, fused=True)
        steps = self.trainer.estimated_stepping_batches
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda k: 0.01 + 0.99 * (1 + math.cos(math.pi * min(k / steps, 1))) / 2
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def scores(self) -> dict[str, float]:
        """Return accuracies on the validation samples, by name."""
        return {"float": accuracy(self.net, self.material.validation.batches())}

    def _stop(self, what: str) -> None:
        where = first_not_finite(self.net, self.last_input)
        kept = f"the last good checkpoint is {self.checkpoint}; " if self.checkpoint.exists() else ""
        raise LrtcError(
            f"training stopped: {what} is not finite in step {self.global_step} of the {self.name} stage",
            [Fault(where, "the first values that are not finite are here")],
            hint=f"{kept}lower the learning rate, or look at the inputs",
        )


def _clocks() -> tuple[float, float]:
    return time.process_time(), time.monotonic()


def first_not_finite(net: nn.Module, x: Tensor) -> str:
    """Return the path of the first layer whose parameters or output on x are not finite, else of a gradient."""
    found: list[str] = []

    def look(name: str):
        def hook(module: nn.Module, _args, out) -> None:
            tensors = [*module.parameters(recurse=False), *(out if isinstance(out, tuple) else (out,))]
            if not all(bool(torch.isfinite(t).all()) for t in tensors):
                found.append(f"{name} ({type(module).__name__})")

        return hook

    if not bool(torch.isfinite(x).all()):
        return "the input"
    hooks = [m.register_forward_hook(look(n)) for n, m in net.named_modules() if n and not list(m.children())]
    try:
        with torch.no_grad():
            net(x)
    finally:
        for hook in hooks:
            hook.remove()
    wrong = [name for name, p in net.named_parameters() if p.grad is not None and not torch.isfinite(p.grad).all()]
    return next(iter(found + [f"the gradient of {name}" for name in wrong]), "the loss itself")


class DiscreteStage(Stage):
    """What both ways to a discrete network share: distillation from the twin, and its accuracy as it is now."""

    def __init__(self, net: nn.Module, recipe: Recipe, material: Material, checkpoint: Path, teacher: nn.Module):
        super().__init__(net, recipe, material, recipe.lr, checkpoint)
        self.affine_lr = recipe.affine_lr
        self.teacher = [teacher.eval()] if recipe.distill else []  # in a list: neither trained nor saved

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        recipe, scores = self.recipe, self.net(x)
        loss = F.cross_entropy(scores, y, label_smoothing=recipe.label_smoothing)
        if not self.teacher:
            return loss
        t = recipe.distill_temperature
        with torch.no_grad():
            wanted = F.softmax(self.teacher[0].to(x.device)(x) / t, 1)
        soft = F.kl_div(F.log_softmax(scores / t, 1), wanted, reduction="batchmean")
        return (1 - recipe.distill) * loss + recipe.distill * t * t * soft

    def discrete(self) -> nn.Module:
        """Return a discrete copy of the network as it is now, batchnorm statistics as training left them."""
        raise NotImplementedError

    def scores(self) -> dict[str, float]:
        held_out = self.material.validation.batches()
        net = self.discrete()
        before = accuracy(net, held_out)
        reestimate_batchnorm(net, self.material.train.first(MONITOR).batches())
        return {"discrete_raw": before, "discrete": accuracy(net, held_out)}


class STEStage(DiscreteStage):
    """Training of latent weights by the straight-through estimator; `template` is the network that is saved later."""

    name = "ste"

    def __init__(self, net, recipe, material, checkpoint, teacher, template: nn.Module):
        super().__init__(net, recipe, material, checkpoint, teacher)
        self.template = [template]

    def on_train_batch_end(self, *_args) -> None:
        clip_latents(self.net)

    def discrete(self) -> nn.Module:
        return discretize(discrete_from_straight_through(copy.deepcopy(self.template[0]), self.net))


class LRTStage(DiscreteStage):
    """Training of the weight distributions; layers are frozen one after another from `freeze_from` on."""

    name = "lrt"

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        recipe, entropies, hooks = self.recipe, [], []
        if recipe.sign_entropy:
            hooks = [m.register_forward_pre_hook(_noting(entropies)) for m in _signs(self.net)]
        try:
            loss = super().loss(x, y)
        finally:
            for hook in hooks:
                hook.remove()
        layers = random_layers(self.net)
        if recipe.certainty_decay:
            loss = loss + recipe.certainty_decay * sum(uncertainty(m) for m in layers)
        if recipe.weight_entropy:
            target = self._between(recipe.weight_target)
            loss = loss + recipe.weight_entropy * sum((weight_entropy(m) - target).square() for m in layers)
        target = self._between(recipe.sign_target)
        return loss + recipe.sign_entropy * sum((h - target).square() for h in entropies)

    def _between(self, ends: tuple[float, float]) -> float:
        """Return what lies linearly between two ends at this epoch."""
        share = self.current_epoch / max(self.recipe.epochs - 1, 1)
        return ends[0] + (ends[1] - ends[0]) * share

    def on_train_epoch_start(self) -> None:
        self._set_temperature()
        todo, layers = self.due(), _layers(self.net)
        settle = self.current_epoch >= self.recipe.settle_from * self.recipe.epochs
        random = self.checkpoint.with_name("random.pt")  # what is still a distribution
        if (todo or settle) and not random.exists() and self.global_rank == 0:
            torch.save(self.net.state_dict(), random)
        for layer in todo:
            self._freeze(layer)
        for layer in layers:
            layer.settled = settle
        self.net.train()

    def due(self) -> list[nn.Module]:
        """Return the layers that are to be fixed before this epoch and are not yet."""
        start, layers = self.recipe.freeze_from, _layers(self.net)
        if self.recipe.freeze_order == "output":
            layers = layers[::-1]
        shares = [start + (1 - start) * k / len(layers) for k in range(len(layers))]
        reached = self.current_epoch / max(self.recipe.epochs, 1)
        return [m for share, m in zip(shares, layers, strict=True) if reached >= share and not m.is_discrete]

    def _set_temperature(self) -> None:
        first, last = self.recipe.temperature
        now = first * (last / first) ** (self.current_epoch / max(self.recipe.epochs - 1, 1))
        for m in self.net.modules():
            if isinstance(m, (LRTSign, LRTTernarySign)):
                m.temperature = now

    def _freeze(self, layer: nn.Module) -> None:
        """Fix one layer to its most probable weights, or to the best of some draws while later layers stay random."""
        layer.discretize_()
        if self.recipe.freeze == "most_probable":
            return
        seed = self.recipe.seed * 1_000_003 + self.current_epoch
        stream = torch.Generator().manual_seed(seed)
        kept, best = layer.discrete_weight.clone(), self._score(seed)
        for _ in range(self.recipe.freeze_draws):
            layer.discretize_(stream)
            score = self._score(seed)
            if score > best:
                kept, best = layer.discrete_weight.clone(), score
        layer.discrete_weight.copy_(kept)

    def _score(self, seed: int) -> float:
        with noise_from([seed], self.device):
            return accuracy(self.net, self.material.judges(self.recipe.choose_on))

    def on_train_batch_end(self, *_args) -> None:
        if self.recipe.sharpen and self.current_epoch >= self.recipe.sharpen_from * self.recipe.epochs:
            sharpen_logits(self.net, (1 + self.recipe.sharpen) ** (1 / self.trainer.num_training_batches))
        clip_logits(self.net, self.recipe.clip)

    def discrete(self) -> nn.Module:
        return discretize(copy.deepcopy(self.net))

    def scores(self) -> dict[str, float]:
        if any(m.settled for m in _layers(self.net)):
            return super().scores()  # nothing is random any more
        with noise_from([self.recipe.seed], self.device):
            random = accuracy(self.net, self.material.validation.batches())
        return {"distribution": random, **super().scores()}


class HeadStage(Stage):
    """Training of the last layer alone on the fixed features: all else is discrete, in eval mode, without gradients."""

    name = "head"

    def __init__(self, net: nn.Module, recipe: Recipe, material: Material, checkpoint: Path):
        super().__init__(net, recipe, material, recipe.head_lr, checkpoint)
        for p in net.parameters():
            p.requires_grad_(False)
        for head in heads(net):
            head.is_discrete.fill_(False)
            for p in head.parameters():
                p.requires_grad_(True)

    def on_train_epoch_start(self) -> None:
        self.net.eval()

    def scores(self) -> dict[str, float]:
        return {"discrete": accuracy(discretize(copy.deepcopy(self.net)), self.material.validation.batches())}


def heads(net: nn.Module) -> list[nn.Module]:
    """Return the layers that `HeadStage` trains: the one that gives the scores, if it rounds its own parameters."""
    found = [m for m in net.modules() if isinstance(m, HEADS)]
    return found[-1:]


def _layers(net: nn.Module) -> list[nn.Module]:
    return [m for m in net.modules() if isinstance(m, RANDOM)]


def _signs(net: nn.Module) -> list[LRTSign]:
    return [m for m in net.modules() if isinstance(m, LRTSign)]


def _noting(entropies: list[Tensor]):
    """Return a hook that appends the entropy of what a sign makes of a distribution; of numbers there is none."""

    def hook(sign: LRTSign, args) -> None:
        g = as_gaussian(args[0])
        if isinstance(g, Gaussian):
            entropies.append(sign_entropy(g, sign.variance_floor))

    return hook
