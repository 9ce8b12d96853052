"""examples/README.md says what the committed results say, and the recipes are those that gave them."""

import json
import shlex
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest
from tiny_digits import EXAMPLES, example

from lrtc.train import Recipe
from lrtc.train.command import changed

RESULTS = sorted((EXAMPLES / "results").glob("*.json"))


def changes(command: str) -> list[str]:
    """Return what `--set` changed, NAME=VALUE."""
    words = shlex.split(command)
    return [value for option, value in pairwise(words) if option == "--set"]


def straight_through(path: Path, seed: int) -> list[dict]:
    """Return the figures of the straight-through baselines of a result's network, of the same seed."""
    network, _, _ = path.stem.partition("_lrt")
    network = network.removesuffix("_settled").removesuffix("_tuned")
    found = [json.loads(p.read_text(encoding="utf-8")) for p in path.parent.glob(f"{network}_*ste*.json")]
    return [r["figures"] for r in found if r["recipe"]["method"] == "ste" and r["recipe"]["seed"] == seed]


@pytest.mark.parametrize("path", RESULTS, ids=lambda p: p.stem)
def test_the_table_says_what_was_measured(path, monkeypatch):
    result = json.loads(path.read_text(encoding="utf-8"))
    figures, recipe = result["figures"], result["recipe"]
    folders = {"fashion": "fashion_mnist", "motions": "motions", "letters": "letters"}
    experiments = example(folders.get(path.stem.split("_")[0], "mnist"), monkeypatch).EXPERIMENTS
    wanted = replace(experiments[result["network"]].recipe(recipe["method"]), seed=recipe["seed"])
    wanted = asdict(changed(wanted, changes(result.get("command", ""))))
    younger = json.loads(json.dumps(asdict(Recipe())))  # hyper-parameters that a result knows nothing of: at rest
    assert json.loads(json.dumps(wanted)) == {**younger, **recipe}
    table = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    (row,) = [line for line in table.splitlines() if f"(results/{path.name})" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert f"{recipe['pretrain_epochs']} + {recipe['epochs']}" in cells
    assert f"**{figures['integer']:.2%}**".replace("%", " %") in cells
    for name in ("float", "distribution"):
        if name in figures:
            assert f"{figures[name]:.2%}".replace("%", " %") in cells
    if "draw_mean" in figures:
        assert (
            f"{figures['most_probable']:.2%} → {figures['most_probable_reestimated']:.2%}".replace("%", " %") in cells
        )
        draws = f"{100 * figures['draw_mean']:.2f} ± {100 * figures['draw_deviation']:.2f} %"
        assert draws in cells
    assert f"{figures['cpu_seconds']} s" in cells
    assert cells[2] == str(recipe["seed"])
    assert cells[11] == (f"{figures['wall_seconds']} s" if "wall_seconds" in figures else "not kept")
    if recipe["method"] == "lrt":
        best = max(straight_through(path, recipe["seed"]), key=lambda f: f["validation"], default=None)
        assert cells[5] == (f"{best['integer']:.2%}".replace("%", " %") if best else "not run")
