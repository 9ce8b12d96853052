"""examples/README.md says what the committed results say, and the recipes are those that gave them."""

import json
import re
import shlex
from dataclasses import asdict, replace
from itertools import pairwise

import pytest
from tiny_digits import EXAMPLES, example

from lrtc.train import Recipe
from lrtc.train.command import changed

RESULTS = sorted((EXAMPLES / "results").glob("*.json"))


def changes(command: str) -> list[str]:
    """Return what `--set` changed, NAME=VALUE."""
    words = shlex.split(command)
    return [value for option, value in pairwise(words) if option == "--set"]


@pytest.mark.parametrize("path", RESULTS, ids=lambda p: p.stem)
def test_the_recipe_of_a_result_is_that_of_its_command(path, monkeypatch):
    result = json.loads(path.read_text(encoding="utf-8"))
    recipe = result["recipe"]
    folders = {"fashion": "fashion_mnist", "motions": "motions", "letters": "letters"}
    experiments = example(folders.get(path.stem.split("_")[0], "mnist"), monkeypatch).EXPERIMENTS
    wanted = replace(experiments[result["network"]].recipe(recipe["method"]), seed=recipe["seed"])
    wanted = asdict(changed(wanted, changes(result.get("command", ""))))
    younger = json.loads(json.dumps(asdict(Recipe())))  # hyper-parameters that a result knows nothing of: at rest
    assert json.loads(json.dumps(wanted)) == {**younger, **recipe}


def test_the_tables_are_those_of_the_results(monkeypatch):
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    table = example("results", monkeypatch, "table")
    assert table.written(text) == text
    assert all(f"(results/{path.name})" in text for path in RESULTS)
    for figure in (r"\*\*98\.62 %\*\*", r"\d+ of 10,000 \|"):
        other = re.sub(figure, "**1 of |", text)
        assert other != text
        assert table.written(other) == text, "figures come from the files"


def test_a_row_names_the_best_baseline_by_validation(monkeypatch, tmp_path):
    table = example("results", monkeypatch, "table")
    lrt, ste = (EXAMPLES / "results" / f"motions_{method}.json" for method in ("lrt", "ste"))
    kept = json.loads(ste.read_text(encoding="utf-8"))
    for name, validation, integer in (("ste", 0.5, 0.25), ("better_ste", 0.75, 0.125)):
        kept["figures"] |= {"validation": validation, "integer": integer}
        (tmp_path / f"motions_{name}.json").write_text(json.dumps(kept), encoding="utf-8")
    (tmp_path / lrt.name).write_bytes(lrt.read_bytes())
    monkeypatch.setattr(table, "HERE", tmp_path)
    text = f"before\n| network | method |\n|---|---|\n| x | [LRT](results/{lrt.name}) |\nafter\n"
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.written(text).splitlines()]
    assert [len(row) for row in rows] == [1, 15, 15, 15, 15, 15, 1]
    best = rows[1].index("best STE, same seed")
    assert [row[best] for row in rows[3:6]] == ["12.50 %", "–", "–"]
    assert "better_ste.json" in rows[4][1]
