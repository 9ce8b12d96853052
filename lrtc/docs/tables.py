"""Parts of pages that are made of the repository: `<!-- kinds -->`, `<!-- examples -->`."""

from __future__ import annotations

import posixpath
import re

from lrtc.docs.errors import Wrong
from lrtc.docs.includes import FENCED, ROOT, page_of, relinked

PART = re.compile(r"^<!-- (kinds|examples) -->$", re.M)


def with_tables(text: str, page: str, linked: set[str]) -> str:
    """Return a page with its tables; files that they link to are added to `linked`."""
    made = {"kinds": lambda: kinds(), "examples": lambda: examples(page, linked)}
    return PART.sub(lambda found: made[found[1]](), text)


def kinds() -> str:
    """Return every kind of layer that a model file may hold, with its attributes."""
    from lrtc.frontend.layers import RULES

    rows = ["| kind | module | attributes |", "|---|---|---|"]
    for kind, rule in sorted(RULES.items(), key=lambda item: item[0].lower()):
        module = rule.torch_class.__module__
        where = "lrtc.nn" if module.startswith("lrtc.nn") else module.rsplit(".modules", 1)[0]
        rows.append(f"| `{kind}` | {where} | {', '.join(f'`{name}`' for name in rule.fields) or '–'} |")
    return "\n".join(rows)


def examples(page: str, linked: set[str]) -> str:
    """Return every example with the first words of its README."""
    rows = ["| example | what it is |", "|---|---|"]
    for readme in sorted((ROOT / "examples").glob("*/README.md")):
        path = readme.relative_to(ROOT).as_posix()
        text = FENCED.sub("", readme.read_text(encoding="utf-8"))
        title, first = re.match(r"# ([^\n]+)\n+(.+?)(?:\n\n|\Z)", text, re.S).groups()
        if first.startswith(("|", "#", "-")):
            raise Wrong(f"{path}: the first words after its title must say what it is")
        first = re.sub(r":\Z", ".", first)
        linked.add(path)
        there = posixpath.relpath(page_of(path), posixpath.dirname(page) or ".")
        rows.append(f"| [{title}]({there}) | {' '.join(relinked(first, path, page, linked).split())} |")
    return "\n".join(rows)
