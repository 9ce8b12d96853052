"""A run that is killed goes on to the same result; two processes give what one gives."""

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_digits import tiny_network
from torch import nn

from lrtc.errors import LrtcError
from lrtc.nn import LRTTernarySign
from lrtc.train import Recipe, Samples, train

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "mnist" / "train.py"
EPOCHS = 8
TWO = Recipe(epochs=3, pretrain_epochs=1, batch=24, parts=2, freeze_from=0.5, lr=1e-3)

PROCESSES = """
import sys
import torch
sys.path[:0] = sys.argv[1:3]
from tiny_digits import tiny_network
from test_resume import TWO, same_start
from lrtc.train import Samples, train
x, y, out = torch.load(sys.argv[3], weights_only=True), torch.load(sys.argv[4], weights_only=True), sys.argv[5]
torch.set_num_threads(1)
part, held_out = Samples(x, y).split(0.25)
options = {"devices": 2, "strategy": "ddp_find_unused_parameters_true"}
train(same_start(), TWO, part, held_out, out, display=False, trainer=options)
"""


def same_start():
    torch.manual_seed(3)
    return tiny_network()


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}


def _start(folder, out, *more):
    command = [sys.executable, EXAMPLE, "--data", folder, "--network", "a", "--out", out, "--draws", "1"]
    for change in ("batch=20", "pretrain_epochs=2", f"epochs={EPOCHS}", "freeze_from=0.5", "head_epochs=1"):
        command += ["--set", change]
    return subprocess.Popen(
        [*command, *more], env=_environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _table(out):
    with (out.with_name(out.name + ".run") / "log.csv").open() as f:
        return [{k: v for k, v in r.items() if k != "cpu_seconds"} for r in csv.DictReader(f)]


def test_a_killed_run_goes_on_to_the_same_network(digits, tmp_path):
    whole, broken = tmp_path / "whole.pt", tmp_path / "broken.pt"
    checkpoint = tmp_path / "broken.pt.run" / "lrt.ckpt"
    straight, killed = _start(digits, whole), _start(digits, broken)
    deadline = time.monotonic() + 200
    while not checkpoint.exists() and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.kill()
    said = killed.communicate()[0]
    assert killed.returncode == -signal.SIGKILL, said
    assert torch.load(checkpoint, weights_only=False)["epoch"] < EPOCHS - 1
    assert not broken.exists()
    resumed = _start(digits, broken, "--resume")
    for process in (straight, resumed):
        said = process.communicate()[0]
        assert process.returncode == 0, said
    for name in ("lrt.ckpt", "head.ckpt"):
        want, got = (
            torch.load(p.with_name(p.name + ".run") / name, weights_only=False)["state_dict"] for p in (whole, broken)
        )
        assert want.keys() == got.keys()
        assert all(torch.equal(want[key], got[key]) for key in want)
    assert _table(whole) == _table(broken)
    assert whole.stat().st_size == broken.stat().st_size < 100_000


@pytest.mark.parametrize("settle_from", [1.0, 0.25])
def test_layers_that_draw_for_themselves_go_on_to_the_same_network(settle_from, tiny, tmp_path, monkeypatch):
    recipe = Recipe(epochs=4, pretrain_epochs=1, batch=48, freeze_from=1.0, settle_from=settle_from)

    def run(name, resume=False):
        net = same_start()
        net.sign1 = LRTTernarySign()
        net.sign2 = nn.Sequential(net.sign2, nn.Dropout(0.2))
        return train(net, recipe, *tiny, tmp_path / name, resume=resume, display=False)

    whole, move, calls = run("whole.pt"), os.replace, []

    def full(*paths):
        calls.append(paths)
        if len(calls) == 4:  # checkpoint of the third discrete epoch, whose rows are in the tables already
            raise OSError("no space left")
        move(*paths)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        run("broken.pt")
    resumed = run("broken.pt", resume=True)
    for want, got in ((whole.net, resumed.net), (whole.random, resumed.random)):
        want, got = want.state_dict(), got.state_dict()
        assert all(torch.equal(want[name], got[name]) for name in want)
    for name in ("layers.csv", "signs.csv"):
        assert (tmp_path / "whole.pt.run" / name).read_bytes() == (tmp_path / "broken.pt.run" / name).read_bytes()


def test_two_processes_train_what_one_trains(tiny, tmp_path):
    x, y = (torch.cat([getattr(part, name) for part in tiny]) for name in "xy")
    paths = [tmp_path / name for name in ("x.pt", "y.pt", "two.pt")]
    torch.save(x, paths[0]), torch.save(y, paths[1])
    script = tmp_path / "processes.py"
    script.write_text(PROCESSES, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", script]
    command += [Path(__file__).parents[1], Path(__file__).parent, *paths]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    part, held_out = Samples(x, y).split(0.25)
    one = tmp_path / "one.pt"
    train(same_start(), TWO, part, held_out, one, display=False)
    for stage in ("float", "lrt"):
        want, got = (
            torch.load(p.with_name(p.name + ".run") / f"{stage}.ckpt", weights_only=False)["state_dict"]
            for p in (one, paths[2])
        )
        for name, value in want.items():
            torch.testing.assert_close(got[name], value, rtol=1e-3, atol=1e-4, msg=lambda m, n=name: f"{n}: {m}")
    alone = replace(TWO, parts=1)
    train(same_start(), alone, part, held_out, tmp_path / "alone.pt", display=False)
    other = torch.load(tmp_path / "alone.pt.run" / "lrt.ckpt", weights_only=False)["state_dict"]
    assert any(not torch.allclose(other[n], want[n].to(other[n]), rtol=1e-3, atol=1e-4) for n in want), (
        "the test can fail"
    )


def test_parts_must_be_a_multiple_of_the_processes(tiny, tmp_path):
    options = {"devices": 2, "strategy": "ddp_spawn"}
    with pytest.raises(LrtcError, match="parts=1 is not supported with 2 processes; a multiple of them is"):
        train(tiny_network(), Recipe(epochs=1), *tiny, tmp_path / "net.pt", display=False, trainer=options)
