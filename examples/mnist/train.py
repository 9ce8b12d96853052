"""Train one of four digit networks: float twin, then random discrete weights, then one integer network."""

from functools import partial

from digit_networks import network_a, network_b, network_c, network_d

from lrtc.train import Recipe, Shift, read_idx_folder
from lrtc.train.command import Experiment, main
from lrtc.train.download import Source

GET = "  curl -fL --create-dirs -o {folder}/{name} https://ossci-datasets.s3.amazonaws.com/mnist/{name}"
SHIFT = (Shift(1),)  # digits move by up to one pixel
JUDGED = {"reestimate": "unless_worse", "choose_on": "validation"}
RATES = {"lr": 3e-2, "affine_lr": 1e-2}

EXPERIMENTS = {
    "a": Experiment(
        network_a,
        {
            "lrt": Recipe(epochs=36, freeze_from=0.2, **RATES, **JUDGED),
            "ste": Recipe(method="ste", epochs=38, **RATES),
        },
        SHIFT,
    ),
    "a-bipolar": Experiment(partial(network_a, "bipolar"), {"lrt": Recipe(epochs=24)}, SHIFT),
    "a-relu": Experiment(
        partial(network_a, activation="relu"), {"lrt": Recipe(epochs=10, pretrain_epochs=2)}, SHIFT, integer=False
    ),
    "b": Experiment(
        network_b,
        {
            "lrt": Recipe(epochs=10, pretrain_epochs=3, freeze_from=0.5, **RATES, **JUDGED),
            "ste": Recipe(method="ste", epochs=14, pretrain_epochs=3, **RATES, **JUDGED),
        },
        SHIFT,
    ),
    "c": Experiment(
        network_c,
        {
            "lrt": Recipe(epochs=30, pretrain_epochs=6, lr=3e-2, **JUDGED),
            "ste": Recipe(method="ste", epochs=36, pretrain_epochs=6, **RATES, **JUDGED),
        },
        SHIFT,
    ),
    "d": Experiment(
        network_d,
        {
            "lrt": Recipe(epochs=10, pretrain_epochs=2, freeze_from=0.3, sign_window=1.0, **RATES, **JUDGED),
            "ste": Recipe(method="ste", epochs=14, pretrain_epochs=2, **RATES, **JUDGED),
        },
        SHIFT,
    ),
}
URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
MD5 = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
SOURCES = {name: Source(URL + name, md5) for name, md5 in MD5.items()}
READ = partial(read_idx_folder, how_to_get=GET)

if __name__ == "__main__":
    main(__doc__, EXPERIMENTS, READ, sources=SOURCES)
