"""Batches, augmentations, idx files, and what the examples' command lines refuse."""

import gzip
import json
import shutil
import struct
from pathlib import Path

import pytest
import torch
from tiny_digits import example, rows, write_idx

from lrtc.errors import LrtcError
from lrtc.train import Recipe, Samples, Shift, read_idx_folder
from lrtc.train.command import Experiment, changed, main
from lrtc.train.data import augmented, read_idx, shuffled


def test_every_epoch_has_an_order_of_its_own_that_a_seed_gives():
    samples = Samples(torch.arange(11), torch.zeros(11, dtype=torch.long))
    loader = shuffled(samples, 4, parts=2, seed=1)
    first = [x.tolist() for x, _ in loader]
    assert [len(x) for x in first] == [4, 4, 2]  # the eleventh is left out: its batch must split into two parts
    assert len({k for x in first for k in x}) == 10
    assert first == [x.tolist() for x, _ in loader]
    loader.sampler.set_epoch(1)
    assert first != [x.tolist() for x, _ in loader]
    assert len(loader) == 3


def test_shifts_move_whole_images():
    x = torch.zeros(200, 1, 28, 28, dtype=torch.uint8)
    x[:, 0, 10, 12] = 7
    moved = Shift(2)(x, torch.Generator().manual_seed(0))
    assert moved.shape == x.shape
    assert moved.dtype == torch.uint8
    assert (moved.sum((1, 2, 3)) == 7).all()
    rows, columns = moved[:, 0].nonzero()[:, 1:].T
    assert sorted(set(rows.tolist())) == [8, 9, 10, 11, 12]
    assert sorted(set(columns.tolist())) == [10, 11, 12, 13, 14]
    assert Shift(0)(x, torch.Generator()) is x
    parts = [torch.Generator().manual_seed(k) for k in (0, 1)]
    both = augmented(x, [Shift(1)], parts)
    assert torch.equal(both[100:], Shift(1)(x[100:], torch.Generator().manual_seed(1)))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"no gzip", "not a whole gzip file"),
        (gzip.compress(b"abc"), "3 bytes; an idx header alone has 8"),
        (gzip.compress(struct.pack(">II", 0x803, 0)), "magic 0x00000803; expected 0x00000801"),
        (gzip.compress(struct.pack(">II", 0x801, 5) + b"1234"), "4 bytes of data; the header says 5"),
        (gzip.compress(b"x" * 5000)[:-20], "not a whole gzip file"),
    ],
    ids=["no gzip", "no header", "images", "too short", "cut off"],  # gzip writes the time into its bytes
)
def test_damaged_files_are_refused(raw, words, tmp_path):
    (tmp_path / "labels.gz").write_bytes(raw)
    with pytest.raises(LrtcError, match=words):
        read_idx(tmp_path / "labels.gz", 1)


def test_files_that_do_not_belong_together_are_refused(digits, tmp_path):
    folder = shutil.copytree(digits, tmp_path / "digits")
    shutil.copy(folder / "t10k-labels-idx1-ubyte.gz", folder / "train-labels-idx1-ubyte.gz")
    with pytest.raises(LrtcError, match="240 images and 40 labels; the files do not belong together"):
        read_idx_folder(folder, "train")


@pytest.mark.parametrize(("folder", "network", "get"), [("mnist", "a", "curl"), ("fashion_mnist", "b", "apt download")])
def test_missing_files_are_named_with_the_way_to_get_them(folder, network, get, digits, tmp_path, monkeypatch, capsys):
    shutil.copy(digits / "train-images-idx3-ubyte.gz", tmp_path)
    module = example(folder, monkeypatch)
    with pytest.raises(SystemExit) as stopped:
        main("x", module.EXPERIMENTS, module.READ, ["--data", str(tmp_path), "--out", str(tmp_path / "x.pt")])
    assert stopped.value.code == 2
    text = capsys.readouterr().err
    assert f"train: error: {tmp_path}: 3 of the 4 files are missing" in text
    assert "t10k-labels-idx1-ubyte.gz" in text
    assert get in text
    assert network in module.EXPERIMENTS


@pytest.mark.parametrize("network", ["a", "a-bipolar", "a-relu", "b", "c", "d"])
def test_every_network_of_the_digits_trains_and_is_compiled(network, digits, tmp_path, monkeypatch, capsys):
    module = example("mnist", monkeypatch)
    out = tmp_path / "net.pt"
    options = ["--network", network, "--set", "epochs=1", "--set", "pretrain_epochs=1", "--first", "40", "--draws", "1"]
    main("x", module.EXPERIMENTS, module.READ, ["--data", str(digits), "--out", str(out), *options])
    text = capsys.readouterr().out
    first = "discrete_weights" if network == "a-relu" else "integer"
    for figure in (first, "float", "distribution", "most_probable_reestimated", "draw_mean", "cpu_seconds"):
        assert f"\n{figure} " in text
    assert out.exists()
    result = json.loads((tmp_path / "net.pt.run" / "result.json").read_text(encoding="utf-8"))
    assert result["command"] == " ".join(options)
    assert "processors, torch" in result["machine"]
    assert result["figures"]["wall_seconds"] >= 0


def test_test_samples_that_do_not_fit_are_refused_before_training(digits, tmp_path, monkeypatch, capsys):
    module = example("mnist", monkeypatch)
    folder = shutil.copytree(digits, tmp_path / "digits")
    y = rows(40, 40)[1]
    y[3] = 11
    write_idx(folder / "t10k-labels-idx1-ubyte.gz", y)
    out = tmp_path / "net.pt"
    with pytest.raises(SystemExit) as stopped:
        main("x", module.EXPERIMENTS, module.READ, ["--data", str(folder), "--out", str(out)])
    assert stopped.value.code == 2
    assert "1 of 40 labels are out of range; sample 3 has 11" in capsys.readouterr().err
    assert not Path(f"{out}.run").exists()


@pytest.mark.parametrize("option", ["--threads", "--devices", "--nodes", "--draws", "--first"])
def test_counts_below_one_are_refused(option, digits, tmp_path, monkeypatch, capsys):
    module = example("mnist", monkeypatch)
    options = ["--data", str(digits), "--out", str(tmp_path / "net.pt"), option, "0"]
    with pytest.raises(SystemExit):
        main("x", module.EXPERIMENTS, module.READ, options)
    assert f"argument {option}: '0' is not supported; a whole number of at least 1 is" in capsys.readouterr().err


def test_what_a_step_costs_is_said_and_nothing_written(digits, tmp_path, monkeypatch, capsys):
    module = example("mnist", monkeypatch)
    out = tmp_path / "net.pt"
    main("x", module.EXPERIMENTS, module.READ, ["--data", str(digits), "--out", str(out), "--first", "8", "--cost"])
    assert "processor time of a step of 8 samples" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_hyper_parameters_are_changed_by_name():
    recipe = changed(Recipe(), ["lr=0.5", "epochs=3", "temperature=(1.0, 0.5)", "freeze=best_of"])
    assert recipe == Recipe(lr=0.5, epochs=3, temperature=(1.0, 0.5), freeze="best_of")
    with pytest.raises(LrtcError, match=r"no hyper-parameter 'epoch'.*epochs"):
        changed(Recipe(), ["epoch=3"])
    with pytest.raises(LrtcError, match="--set lr=fast"):
        changed(Recipe(), ["lr=fast"])
    with pytest.raises(LrtcError, match="lr=-1 is not supported"):
        changed(Recipe(), ["lr=-1"])
    experiment = Experiment(lambda: None, {"lrt": Recipe(epochs=3), "ste": Recipe(method="ste", lr=0.1)})
    assert experiment.recipe("ste").lr == 0.1
    assert experiment.recipe("float") == Recipe(method="float", epochs=3)
