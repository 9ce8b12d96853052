"""Train a network on signals of a smart watch, 3 accelerations and 3 rates of turn: what is its wearer doing?"""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lrtc.nn import InputQuantize, LRTBatchNorm, LRTConv1d, LRTLinear, LRTScale, LRTSign
from lrtc.train import Recipe, Samples, read_packed
from lrtc.train.command import Experiment, main
from lrtc.train.formats import need_files

WHEEL = "sktime-1.2.0-py3-none-any.whl"
GET = f"  pip download --no-deps --dest {{folder}} sktime==1.2.0  # {WHEEL}; its data is read, none of its code"
SHA256 = {
    "train": "8dc43cc6306cb679c888c01e26f91772ac4441a916da43bac8b79734a538b9d6",
    "test": "79213102bc6fca1a398ad98ce1185dff0208fa3d1465e687f48288946b0ff8dc",
}
CLASSES = ("Standing", "Running", "Walking", "Badminton")
STEP = 0.25  # of a byte, for every axis; byte 128 stands for 0


def network(width: int = 16) -> nn.Sequential:
    """Return the untrained network, uint8 [N, 6, 100] → class scores [N, 4]."""
    return nn.Sequential(
        OrderedDict(
            input=InputQuantize((6, 100), scale=STEP, zero_point=128),
            conv1=LRTConv1d(6, width, 8, stride=4),  # 24 steps
            bn1=LRTBatchNorm(width),
            sign1=LRTSign(),
            conv2=LRTConv1d(width, 2 * width, 4, stride=2),  # 11 steps
            bn2=LRTBatchNorm(2 * width),
            sign2=LRTSign(),
            flatten=nn.Flatten(),
            fc=LRTLinear(2 * width * 11, len(CLASSES)),
            scale=LRTScale(len(CLASSES)),
        )
    )


def roll(x: Tensor, stream: torch.Generator) -> Tensor:
    """Return the signals [N, 6, 100], each starting at another moment: the end goes on with the beginning."""
    start = torch.randint(0, x.shape[2], (len(x), 1), generator=stream, device=x.device)
    time = (start + torch.arange(x.shape[2], device=x.device)) % x.shape[2]
    return x.gather(2, time[:, None].expand_as(x))


def read(folder: Path, part: str) -> Samples:
    """Return signals uint8 [40, 6, 100] and classes of "train" or "test", as published, the classes in turns."""
    need_files(folder, [WHEEL], GET)
    text = read_packed(
        folder / WHEEL, f"sktime/datasets/data/BasicMotions/BasicMotions_{part.upper()}.ts", SHA256[part]
    )
    x, y = [], []
    for line in text.partition("@data\n")[2].splitlines():
        *axes, name = line.split(":")
        x.append([[float(value) for value in axis.split(",")] for axis in axes])
        y.append(CLASSES.index(name))
    q = np.clip(np.rint(np.array(x) / STEP) + 128, 0, 255).astype(np.uint8)
    turns = np.argsort([y[:k].count(label) for k, label in enumerate(y)], kind="stable")
    return Samples(torch.from_numpy(q[turns]), torch.tensor(y)[torch.from_numpy(turns)])


EXPERIMENTS = {
    "motions": Experiment(network, {"lrt": Recipe(epochs=200, pretrain_epochs=50, batch=16)}, [roll], validation=0.2)
}

if __name__ == "__main__":
    main(__doc__, EXPERIMENTS, read)
