"""A sweep compares recipes on validation samples, goes on where it stopped, and trains the float twin once."""

from dataclasses import replace

import pytest
import torch
from tiny_digits import tiny_network

from lrtc.errors import LrtcError
from lrtc.train import Recipe, train
from lrtc.train.command import Experiment, main
from lrtc.train.sweep import lines, rows, sweep

QUICK = Recipe(epochs=2, pretrain_epochs=2, batch=16)
RECIPES = [("", QUICK), ("lr=0.03", replace(QUICK, lr=0.03)), ("", replace(QUICK, method="ste"))]


def test_rows_are_what_the_recipes_give_and_are_not_made_twice(tiny, tmp_path):
    out = tmp_path / "sweep.csv"
    first = list(sweep("tiny", tiny_network, RECIPES[:2], tiny, out, display=False))
    for row, (changes, recipe) in zip(first, RECIPES[:2], strict=True):
        alone = train(tiny_network(), recipe, *tiny, tmp_path / "alone.pt", display=False)
        assert (row.changes, row.validation) == (changes, round(alone.validation, 4))
    rest = list(sweep("tiny", tiny_network, RECIPES, tiny, out, display=False))
    assert [(r.method, r.changes, r.epochs) for r in rest] == [("ste", "", 2)]
    assert rows(out) == first + rest
    assert len(list((tmp_path / "sweep.csv.work").glob("*.ckpt"))) == 1, "one float twin for all three"


def test_a_twin_of_another_pretraining_is_not_taken(tiny, tmp_path):
    changed = replace(QUICK, weight_decay=1.0, augment_until=0.5)
    recipes = [("", QUICK), ("weight_decay=1.0 augment_until=0.5", changed)]
    _, row = sweep("tiny", tiny_network, recipes, tiny, tmp_path / "sweep.csv", display=False)
    work = tmp_path / "sweep.csv.work" / "model.pt.run" / "float.ckpt"
    train(tiny_network(), changed, *tiny, tmp_path / "alone.pt", display=False)
    got, want = (
        torch.load(path, weights_only=False)["state_dict"] for path in (work, tmp_path / "alone.pt.run" / "float.ckpt")
    )
    assert all(torch.equal(got[name], want[name]) for name in want), row


def test_files_that_are_no_recipes_or_no_table_are_refused(tmp_path):
    file = tmp_path / "r.txt"
    file.write_text("lrt\n\n# all of it\nste lr=0.1  # high\n", encoding="utf-8")
    assert lines(file) == [["lrt"], ["ste", "lr=0.1"]]
    with pytest.raises(LrtcError, match="is not the table of a sweep"):
        rows(file)
    with pytest.raises(LrtcError, match="a text file is needed"):
        lines(tmp_path)


def test_the_command_reads_all_recipes_first_and_never_the_test_samples(tiny, tmp_path, capsys):
    experiments = {"t": Experiment(tiny_network, {"lrt": QUICK})}
    file, out = tmp_path / "r.txt", tmp_path / "sweep.csv"
    asked = []

    def read(_folder, part):
        asked.append(part)
        return tiny[0]

    options = ["--data", ".", "--out", str(out), "--sweep", str(file), "--seeds", "3", "4", "--set", "epochs=1"]
    file.write_text("lrt lr=0.02\nstee\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        main("", experiments, read, options)
    assert "no method 'stee' (did you mean 'ste'?)" in capsys.readouterr().err
    assert not out.exists()
    file.write_text("lrt lr=0.02\n", encoding="utf-8")
    main("", experiments, read, options)
    assert [(r.seed, r.changes, r.epochs) for r in rows(out)] == [(s, "epochs=1 lr=0.02", 1) for s in (3, 4)]
    assert set(asked) == {"train"}
