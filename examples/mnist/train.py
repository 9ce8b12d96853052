"""Train the digit network: full-precision twin, then random discrete weights, then one discrete network."""

import argparse
import copy
import math
import os
import time
from pathlib import Path

import lightning
import torch
import torch.nn.functional as F
from data import DataError, batches, check_files, load, shift, split
from model import network
from torch import Tensor, nn

import lrtc
from lrtc.nn import (
    LRTConv2d,
    LRTLinear,
    accuracy,
    clip_logits,
    discretize,
    float_twin,
    init_from_float,
    parameter_groups,
    reestimate_batchnorm,
)


class Stage(lightning.LightningModule):
    """One training stage: cross-entropy, Adam, cosine learning rate, digits moved by up to `reach` pixels."""

    def __init__(self, net: nn.Module, lr: float, reach: int, seed: int):
        super().__init__()
        self.net, self.lr, self.reach, self.seed = net, lr, reach, seed

    def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
        # All randomness of a step follows from (seed, step): a resumed run repeats an unbroken one.
        torch.manual_seed(self.seed * 1_000_003 + self.global_step)
        x, y = batch
        loss = F.cross_entropy(self.net(shift(x, self.reach)), y)
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(parameter_groups(self.net, self.lr))
        steps = self.trainer.estimated_stepping_batches
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda k: 0.01 + 0.99 * (1 + math.cos(math.pi * k / steps)) / 2
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class LRTStage(Stage):
    """Training of the weight distributions; layers are frozen from the input side from `freeze_from` on."""

    def __init__(self, net: nn.Module, lr: float, reach: int, seed: int, freeze_from: float, train, validation):
        super().__init__(net, lr, reach, seed)
        self.freeze_from, self.monitor_on, self.validation = freeze_from, train, validation

    def on_train_epoch_start(self) -> None:
        layers = [m for m in self.net.modules() if isinstance(m, (LRTConv2d, LRTLinear))]
        epochs = self.trainer.max_epochs
        for k, layer in enumerate(layers):
            share = self.freeze_from + (1 - self.freeze_from) * k / len(layers)
            if self.current_epoch >= share * epochs and not layer.is_discrete:
                discretize(layer)
        self.net.train()

    def on_train_batch_end(self, *_args) -> None:
        clip_logits(self.net)

    def on_train_epoch_end(self) -> None:
        # The random network is a pessimistic proxy: what is watched is the discrete one it would become now.
        net = reestimate_batchnorm(discretize(copy.deepcopy(self.net)), self.monitor_on)
        score = 100 * accuracy(net, self.validation)
        self.print(f"epoch {self.current_epoch + 1}: discrete network, validation {score:.2f} %")


class SaveEachEpoch(lightning.Callback):
    """Write a checkpoint after every epoch, whole or not at all."""

    def __init__(self, path: Path):
        self.path = path

    def on_train_epoch_end(self, trainer: lightning.Trainer, _stage: Stage) -> None:
        part = self.path.with_suffix(".part")
        trainer.save_checkpoint(part)
        os.replace(part, self.path)


def fit(stage: Stage, loader, epochs: int, checkpoint: Path) -> None:
    """Train `stage`, from `checkpoint` if there is one; a finished one is only loaded."""
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=[SaveEachEpoch(checkpoint)],
        enable_checkpointing=False,
        enable_model_summary=False,
        logger=False,
        default_root_dir=checkpoint.parent,
    )
    trainer.fit(stage, loader, ckpt_path=checkpoint if checkpoint.exists() else None)


def parse() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the four MNIST idx files")
    parser.add_argument("--out", type=Path, required=True, help="model file to write; checkpoints go to OUT.run/")
    parser.add_argument("--weights", choices=["ternary", "bipolar"], default="ternary")
    parser.add_argument("--activation", choices=["sign", "relu"], default="sign")
    parser.add_argument("--epochs", type=int, default=40, help="epochs of discrete training")
    parser.add_argument("--pretrain-epochs", type=int, default=4, help="epochs of the full-precision twin")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--shift", type=int, default=1, help="training digits move by up to so many pixels")
    parser.add_argument("--freeze-from", type=float, default=1.0, help="share of the epochs at which freezing begins")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoints in OUT.run/")
    return parser.parse_args()


def run(args: argparse.Namespace) -> None:
    """Train, discretise, measure and save the network."""
    start = time.perf_counter()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    check_files(args.data)
    train, validation = split(*load(args.data, "train"))
    shuffled, in_order = batches(train, args.batch, args.seed), batches(train, 1000)
    sample, held_out = batches((train[0][:5000], train[1][:5000]), 1000), batches(validation, 1000)
    folder = args.out.with_name(args.out.name + ".run")
    folder.mkdir(parents=True, exist_ok=True)
    if not args.resume:
        for old in folder.glob("*.ckpt"):
            old.unlink()

    net = network(args.weights, args.activation)
    twin = float_twin(net)
    fit(Stage(twin, args.lr / 3, args.shift, args.seed), shuffled, args.pretrain_epochs, folder / "float.ckpt")
    init_from_float(net, twin)
    lrt = LRTStage(net, args.lr, args.shift, args.seed, args.freeze_from, sample, held_out)
    fit(lrt, shuffled, args.epochs, folder / "lrt.ckpt")

    discretize(net)
    reestimate_batchnorm(net, in_order)
    lrtc.save(net, args.out)
    print(f"validation, network of discrete weights: {100 * accuracy(net, held_out):.2f} %")
    digits = batches(load(args.data, "test"), 1000)
    print(f"test, full-precision twin:               {100 * accuracy(twin, digits):.2f} %")
    print(f"test, network of discrete weights:       {100 * accuracy(net, digits):.2f} %")
    print(f"wrote {args.out}; {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    options = parse()
    try:
        run(options)
    except DataError as e:
        raise SystemExit(f"train: error: {e}") from e
