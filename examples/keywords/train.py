"""Train the keyword-spotting network on signals of 10 coefficients × 101 frames, to one integer network."""

from functools import partial

from model import network

from lrtc.train import Recipe, read_npz_folder
from lrtc.train.command import Experiment, main

GET = """  numpy.savez("{folder}/train.npz", x=signals, y=classes), and test.npz alike:
  signals uint8 [N, 10, 101], 128 standing for 0; classes 0 to 11"""
EXPERIMENTS = {"keywords": Experiment(network, {"lrt": Recipe(epochs=40, pretrain_epochs=8)})}
READ = partial(read_npz_folder, how_to_get=GET)

if __name__ == "__main__":
    main(__doc__, EXPERIMENTS, READ)
