"""The MNIST example on a tiny data set: it trains, goes on after a kill, and says which files are missing."""

import gzip
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import lrtc

EXAMPLE = Path(__file__).parents[2] / "examples" / "mnist"
EPOCHS = 8


def _write_idx(path, array):
    head = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
    path.write_bytes(gzip.compress(head + array.tobytes()))


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Return a folder with 240 + 40 random digits in MNIST's format; the class is the place of a bright row."""
    folder = tmp_path_factory.mktemp("digits")
    rng = np.random.default_rng(0)
    for part, count in (("train", 240), ("t10k", 40)):
        y = rng.integers(0, 10, count, dtype=np.uint8)
        x = rng.integers(0, 90, (count, 28, 28), dtype=np.uint8)
        x[np.arange(count), 2 * y + 4] = 255
        _write_idx(folder / f"{part}-images-idx3-ubyte.gz", x)
        _write_idx(folder / f"{part}-labels-idx1-ubyte.gz", y)
    return folder


def _start(folder, out, *more):
    command = [sys.executable, EXAMPLE / "train.py", "--data", folder, "--out", out, "--batch", "20"]
    command += ["--pretrain-epochs", "2", "--epochs", str(EPOCHS), "--freeze-from", "0.5", *more]
    env = {**os.environ, "PYTHONPATH": str(EXAMPLE.parents[1]), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _weights(out):
    saved = torch.load(out.with_name(out.name + ".run") / "lrt.ckpt", weights_only=False)
    return saved["state_dict"]


def test_a_killed_run_goes_on_to_the_same_weights(digits, tmp_path):
    whole, broken = tmp_path / "whole.pt", tmp_path / "broken.pt"
    checkpoint = tmp_path / "broken.pt.run" / "lrt.ckpt"
    straight, killed = _start(digits, whole), _start(digits, broken)
    deadline = time.monotonic() + 50
    while not checkpoint.exists() and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.kill()
    said = killed.communicate()[0]
    assert killed.returncode == -signal.SIGKILL, said
    reached = torch.load(checkpoint, weights_only=False)["epoch"]
    assert reached < EPOCHS - 1
    resumed = _start(digits, broken, "--resume")
    text = straight.communicate()[0]
    assert straight.returncode == 0, text
    again = resumed.communicate()[0]
    assert resumed.returncode == 0, again
    want, got = _weights(whole), _weights(broken)
    assert want.keys() == got.keys()
    assert all(torch.equal(want[name], got[name]) for name in want)
    scores = [line for line in text.splitlines() if "network of discrete weights" in line]
    assert len(scores) == 2
    assert scores == [line for line in again.splitlines() if "network of discrete weights" in line]
    assert whole.stat().st_size < 100_000


@pytest.mark.parametrize(("weights", "right"), [("ternary", 976), ("bipolar", 956)])
def test_the_networks_in_the_folder_read_the_digits_beside_them(weights, right):
    net, digits = lrtc.load(EXAMPLE / f"mnist_{weights}.pt"), np.load(EXAMPLE / "digits.npz")
    scores = net(torch.from_numpy(digits["x"]))
    assert torch.equal(scores, scores.round())
    assert int((scores.argmax(1).numpy() == digits["y"]).sum()) == right
    table = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    row = next(line for line in table.splitlines() if line.startswith(f"| `mnist_{weights}.pt`"))
    assert f"| {right / 10:.1f} % |" in row


def test_missing_files_are_named_with_the_way_to_get_them(digits, tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes((digits / "train-images-idx3-ubyte.gz").read_bytes())
    run = _start(tmp_path, tmp_path / "x.pt")
    text = run.communicate()[0]
    assert run.returncode == 1
    assert f"train: error: {tmp_path}: 3 of the 4 MNIST files are missing" in text
    assert "t10k-labels-idx1-ubyte.gz" in text
    assert "curl" in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"no gzip", "not a whole gzip file"),
        (gzip.compress(b"abc"), "3 bytes; an idx header alone has 8"),
        (gzip.compress(struct.pack(">II", 0x803, 0)), "magic 0x00000803; expected 0x00000801"),
        (gzip.compress(struct.pack(">II", 0x801, 5) + b"1234"), "4 bytes of data; the header says 5"),
        (gzip.compress(b"x" * 5000)[:-20], "not a whole gzip file"),
    ],
)
def test_damaged_files_are_refused(raw, words, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLE)
    import data

    (tmp_path / "labels.gz").write_bytes(raw)
    with pytest.raises(data.DataError, match=words):
        data.read_idx(tmp_path / "labels.gz", 1)


def test_shifts_move_whole_digits(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLE)
    import data

    x = torch.zeros(200, 1, 28, 28, dtype=torch.uint8)
    x[:, 0, 10, 12] = 7
    moved = data.shift(x, 2)
    assert moved.shape == x.shape
    assert moved.dtype == torch.uint8
    assert (moved.sum((1, 2, 3)) == 7).all()
    rows, columns = moved[:, 0].nonzero()[:, 1:].T
    assert sorted(set(rows.tolist())) == [8, 9, 10, 11, 12]
    assert sorted(set(columns.tolist())) == [10, 11, 12, 13, 14]
    assert data.shift(x, 0) is x
