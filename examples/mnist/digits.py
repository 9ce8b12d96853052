"""Write the first digits to an .npz file for `lrtc verify --data`: x uint8 [N, 1, 28, 28], y uint8 [N]."""

import argparse
from pathlib import Path

import numpy as np

from lrtc.train import read_idx_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the four idx files")
    parser.add_argument("--part", choices=["test", "train"], default="test")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("digits.npz"))
    args = parser.parse_args()
    first = read_idx_folder(args.data, args.part).first(args.count)
    np.savez_compressed(args.out, x=first.x.numpy(), y=first.y.numpy().astype(np.uint8))


if __name__ == "__main__":
    main()
