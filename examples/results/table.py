"""Write the tables of results in examples/README.md anew, from the JSON files beside this one."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
COLUMNS = (
    "network", "method", "seed", "epochs", "validation", "integer network", "best STE, same seed", "float twin",
    "distribution", "most probable → re-estimated", "draws", "processor time", "wall time", "machine", "options",
)  # fmt: skip
METHODS = ("LRT", "LRT, settled", "STE")
GAPS = "| network, seed | LRT | STE | images behind | one deviation |"
TESTED = {"letters": 4_000, "motions": 40}  # test samples, where they are not 10,000


def percent(share: float) -> str:
    return f"{share:.2%}".replace("%", " %")


class Result:
    """A file [fashion_]NETWORK_….json, which was OUT.run/result.json; NETWORK-long or -half-hour: more time."""

    def __init__(self, path: Path):
        self.path, self.told = path, json.loads(path.read_text(encoding="utf-8"))
        self.recipe, self.figures = self.told["recipe"], self.told["figures"]
        words = path.stem.split("_")
        self.network = words[1 if words[0] == "fashion" else 0]
        self.table = words[0] if words[0] in ("fashion", "motions", "letters") else "mnist"

    @property
    def method(self) -> str:
        if self.recipe["method"] == "lrt":
            return METHODS[self.recipe.get("settle_from", 1.0) < 1]
        return METHODS[2]

    @property
    def label(self) -> str:
        """Return what the network is called in tables: "A", "C, half hour", "letters"."""
        name, _, longer = self.network.partition("-")
        return (name.upper() if len(name) == 1 else name) + (f", {longer.replace('-', ' ')}" if longer else "")

    @property
    def compared(self) -> tuple:
        """Return what two results that are compared have in common."""
        return self.table, self.network, self.recipe["seed"]

    @property
    def rank(self) -> tuple:
        """Return by what the rows of a table are sorted: the best by validation first, of every method."""
        return self.network, self.recipe["seed"], METHODS.index(self.method), -self.figures["validation"]

    def cells(self, others: Sequence["Result"]) -> Iterator[str]:
        recipe, figures, lrt = self.recipe, self.figures, self.recipe["method"] == "lrt"
        best = best_of(others, self.compared, straight_through=True)
        yield self.label
        yield f"[{self.method}](results/{self.path.name})"
        yield str(recipe["seed"])
        yield f"{recipe['pretrain_epochs']} + {recipe['epochs']}"
        yield percent(figures["validation"])
        yield f"**{percent(figures['integer'])}**"
        yield ("not run" if best is None else percent(best.figures["integer"])) if lrt else "–"
        yield percent(figures["float"])
        yield percent(figures["distribution"]) if lrt else "–"
        likely = (figures.get("most_probable", 0), figures.get("most_probable_reestimated", 0))
        yield " → ".join(map(percent, likely)) if lrt else "–"
        yield f"{100 * figures['draw_mean']:.2f} ± {100 * figures['draw_deviation']:.2f} %" if lrt else "–"
        yield f"{figures['cpu_seconds']} s"
        yield f"{figures['wall_seconds']} s" if "wall_seconds" in figures else "not kept"
        yield self.told.get("machine", "not kept").partition(",")[0]
        yield f"`{self.told['command']}`" if self.told.get("command") else ""


def best_of(results: Sequence[Result], compared: tuple, straight_through: bool) -> Result | None:
    """Return the result of LRT, or of STE, of the highest validation accuracy, the first among equals."""
    alike = [r for r in results if r.compared == compared and (r.method == METHODS[2]) == straight_through]
    return max(alike, key=lambda r: r.figures["validation"], default=None)


def gaps(results: Sequence[Result]) -> Iterator[str]:
    """Return the rows that compare the best of LRT with the best of STE: each network and seed that has both.

    One deviation is that of the difference of two numbers of errors, each binomial, as if they were independent.
    """
    for compared in dict.fromkeys(r.compared for r in results):
        lrt, ste = (best_of(results, compared, straight_through) for straight_through in (False, True))
        if lrt is not None and ste is not None:
            table, _, seed = compared
            label = lrt.label + (", Fashion-MNIST" if table == "fashion" else "")
            shares = lrt.figures["integer"], ste.figures["integer"]
            tested = TESTED.get(table, 10_000)
            behind = f"{round((shares[1] - shares[0]) * tested)} of {tested:,}".replace("-", "−")
            deviation = math.sqrt(tested * sum(share * (1 - share) for share in shares))
            yield f"| {' | '.join([f'{label}, {seed}', *map(percent, shares), behind, f'{deviation:.0f}'])} |"


def written(text: str) -> str:
    """Return the text with all tables of results in it replaced."""
    results = sorted((Result(path) for path in HERE.glob("*.json")), key=lambda r: r.rank)
    tables: dict[str, str] = {}
    for result in results:
        tables.setdefault(result.table, f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n")
        tables[result.table] += f"| {' | '.join(result.cells(results))} |\n"

    compared = "".join(f"{line}\n" for line in (GAPS, "|---" * 5 + "|", *gaps(results)))

    def replaced(block: re.Match) -> str:
        if block[0].startswith(GAPS):
            return compared
        names = [r.table for r in results if f"(results/{r.path.name})" in block[0]]
        return tables[names[0]] if names and block[0].startswith("| network | method |") else block[0]

    return re.sub(r"(?:^\|.*\n)+", replaced, text, flags=re.MULTILINE)


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
