"""Train network B of the digits on Fashion-MNIST: two strided 5×5 convolutions, two linear layers."""

from collections import OrderedDict
from functools import partial

from torch import nn

from lrtc.nn import InputQuantize, LRTBatchNorm, LRTConv2d, LRTLinear, LRTSign, QuantLinear
from lrtc.train import Recipe, Shift, read_idx_folder
from lrtc.train.command import Experiment, main
from lrtc.train.download import Source

GET = "  apt download dataset-fashion-mnist, unpack it by dpkg -x, and look for {name} in usr/share/datasets"


def network() -> nn.Sequential:
    """Return the untrained network, uint8 [N, 1, 28, 28] → class scores [N, 10]."""
    return nn.Sequential(
        OrderedDict(
            input=InputQuantize((1, 28, 28)),
            conv1=LRTConv2d(1, 32, 5, stride=2),  # 32×12×12
            bn1=LRTBatchNorm(32),
            sign1=LRTSign(),
            conv2=LRTConv2d(32, 64, 5, stride=2),  # 64×4×4
            bn2=LRTBatchNorm(64),
            sign2=LRTSign(),
            flatten=nn.Flatten(),
            fc1=LRTLinear(64 * 4 * 4, 512),
            bn3=LRTBatchNorm(512),
            sign3=LRTSign(),
            fc2=QuantLinear(512, 10),
        )
    )


RATES = {"lr": 3e-2, "affine_lr": 1e-2}
JUDGED = {"reestimate": "unless_worse", "choose_on": "validation"}
RECIPES = {
    "lrt": Recipe(epochs=12, pretrain_epochs=3, freeze_from=0.3, sign_window=1.0, **RATES, **JUDGED),
    "ste": Recipe(method="ste", epochs=14, pretrain_epochs=3, **RATES),
}
EXPERIMENTS = {"b": Experiment(network, RECIPES, (Shift(1),))}
URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
MD5 = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
SOURCES = {name: Source(URL + name, md5) for name, md5 in MD5.items()}
READ = partial(read_idx_folder, how_to_get=GET)

if __name__ == "__main__":
    main(__doc__, EXPERIMENTS, READ, sources=SOURCES)
