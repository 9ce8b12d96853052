"""Train a network on CIFAR-10 or CIFAR-100, by the binary files of either, to one integer network."""

from functools import partial

from cifar_networks import resnet18, resnet20, vgg, vgg_small

from lrtc.train import Flip, Recipe, Shift, read_cifar_folder
from lrtc.train.command import Experiment, main

GET = """  curl -fL https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz | tar -xz --strip-components=1 -C {folder}
  for CIFAR-100, in a folder of its own: the same with cifar-100-binary.tar.gz"""
AUGMENTS = (Shift(4, fill=128), Flip())
RECIPES = {
    "lrt": Recipe(epochs=200, pretrain_epochs=40, batch=256, freeze_from=0.7),
    "ste": Recipe(method="ste", epochs=200, pretrain_epochs=40, batch=256, lr=3e-3),
}
NETWORKS = {"vgg": vgg, "vgg-small": vgg_small, "resnet18": resnet18, "resnet20": resnet20}
EXPERIMENTS = {
    f"{name}{'' if classes == 10 else '-100'}": Experiment(partial(network, classes), RECIPES, AUGMENTS)
    for name, network in NETWORKS.items()
    for classes in (10, 100)
}
READ = partial(read_cifar_folder, how_to_get=GET)

if __name__ == "__main__":
    main(__doc__, EXPERIMENTS, READ)
