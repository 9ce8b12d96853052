"""Parts of the files of this repository inside pages, so that no figure stands twice, and links that still lead there.

`<!-- include README.md#use-it -->` becomes that section without its heading; `code 2`, `table 1` or `text "words"`
behind it choose the block of that number, or the first with these words. `<!-- include lrtc/boards/x.toml -->` of
another file gives the file in a block.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from pymdownx.slugs import slugify

from lrtc.docs.errors import Wrong

ROOT = Path(__file__).resolve().parent.parent.parent
INCLUDE = re.compile(
    r"^<!-- include (?P<path>[^\s#]+)(?:#(?P<slug>\S+))?(?: (?P<kind>code|table|text) (?P<which>\d+|\"[^\"]+\"))? -->$",
    re.M,
)
FENCED = re.compile(r"^```.*?^```[ ]*$", re.M | re.S)
LINK = re.compile(r"(?<!\\)\]\((?P<target>[^()\s]+)\)")
LANGUAGES = {
    ".toml": "toml",
    ".py": "python",
    ".c": "c",
    ".h": "c",
    ".json": "json",
    ".csv": "text",
    ".sv": "systemverilog",
}
DECISION = re.compile(r"^\*\*(D\d+) ", re.M)  # of DESIGN.md: pages link to it
ITEM = re.compile(r"(?:[-*]|\d+\.) ")
PAGES = "lrtc/docs/pages/"
SLUG = slugify(case="lower")


def expanded(text: str, page: str, linked: set[str]) -> str:
    """Return a page with its includes; the files of the repository that it links to are added to `linked`.

    page: its place in the site. Links from it to `repo:PATH` lead to the page that shows that file.
    """
    text = INCLUDE.sub(lambda found: _included(found, page, linked), text)
    return LINK.sub(lambda found: _from_page(found, page, linked), text)


def _included(found: re.Match[str], page: str, linked: set[str]) -> str:
    path = found["path"]
    if not (ROOT / path).is_file():
        raise Wrong(f"{page}: there is no {path} to include")
    text = (ROOT / path).read_text(encoding="utf-8")
    if not path.endswith(".md"):
        return fenced(text, path)
    if found["slug"]:
        text = section(text, found["slug"])
        if text is None:
            raise Wrong(f"{page}: {path} has no section {found['slug']}")
    if found["kind"]:
        which, chosen = found["which"], parts(text, found["kind"])
        chosen = chosen[int(which) - 1 :] if which.isdigit() else [part for part in chosen if which[1:-1] in part]
        if not chosen:
            raise Wrong(f"{page}: {path}#{found['slug']} has no {found['kind']} {which}")
        text = chosen[0]
    return relinked(text, path, page, linked).strip()


def fenced(text: str, path: str) -> str:
    """Return a file's text as a block."""
    marks = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"{marks}{LANGUAGES.get(Path(path).suffix, 'text')}\n{text.rstrip()}\n{marks}"


def section(text: str, slug: str) -> str | None:
    """Return what stands under the heading with this slug, without the heading, up to the next one of its level."""
    outside = FENCED.sub(lambda m: re.sub(r"[^\n]", "x", m[0]), text)
    heads = [(m.start(), m.end(), len(m[1]), SLUG(m[2], "-")) for m in re.finditer(r"^(#+) (.*)$", outside, re.M)]
    for k, (_, end, level, name) in enumerate(heads):
        if name == slug:
            following = (start for start, _, deep, _ in heads[k + 1 :] if deep <= level)
            return text[end : next(following, len(text))]
    return None


def parts(text: str, kind: str) -> list[str]:
    """Return the blocks of one kind, in order."""
    pieces, at = [], 0
    for found in FENCED.finditer(text):
        pieces += [p for p in re.split(r"\n\s*\n", text[at : found.start()]) if p.strip()]
        pieces.append(found[0])
        at = found.end()
    pieces += [p for p in re.split(r"\n\s*\n", text[at:]) if p.strip()]
    kinds = [
        ("code" if p.lstrip().startswith("```") else "table" if p.lstrip().startswith("|") else "text", p)
        for p in pieces
    ]
    return [p for k, p in kinds if k == kind]


def relinked(text: str, path: str, page: str, linked: set[str]) -> str:
    """Return a text of the file `path` with its links as they must be on `page`."""

    def one(found: re.Match[str]) -> str:
        target, _, fragment = found["target"].partition("#")
        if re.match(r"[a-z]+:", found["target"]):
            return found[0]
        there = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) if target else path
        return f"]({_place(there, page, linked)}{'#' + fragment if fragment else ''})"

    pieces, at = [], 0
    for block in FENCED.finditer(text):
        pieces += [LINK.sub(one, text[at : block.start()]), block[0]]
        at = block.end()
    return "".join([*pieces, LINK.sub(one, text[at:])])


def _from_page(found: re.Match[str], page: str, linked: set[str]) -> str:
    target, _, fragment = found["target"].partition("#")
    if not target.startswith("repo:"):
        return found[0]
    return f"]({_place(target[5:], page, linked)}{'#' + fragment if fragment else ''})"


def _place(path: str, page: str, linked: set[str]) -> str:
    if not (ROOT / path).is_file():
        raise Wrong(f"{page}: a link to {path}, which is not a file of the repository")
    linked.add(path)
    return posixpath.relpath(page_of(path), posixpath.dirname(page) or ".")


def page_of(path: str) -> str:
    """Return where the site shows a file of the repository; a page is where it is."""
    if path.startswith(PAGES):
        return path.removeprefix(PAGES)
    return f"source/{path}" if path.endswith(".md") else f"source/{path}.md"


def source_page(path: str, linked: set[str]) -> str:
    """Return the page that shows a file of the repository: a Markdown file as it is, another in a block."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.endswith(".md"):
        text = DECISION.sub(lambda found: f'<a id="{found[1].lower()}"></a>{found[0]}', text)
        return loosened(relinked(text, path, page_of(path), linked))
    return f"# {path}\n\n{fenced(text, path)}\n"


def loosened(text: str) -> str:
    """Return Markdown with an empty line before each list, which GitHub does not need and Python-Markdown does."""
    out: list[str] = []
    inside = False
    for line in text.split("\n"):
        inside ^= line.startswith("```")
        before = out[-1] if out else ""
        starts = ITEM.match(line) and before.strip() and not before.startswith((" ", "#"))
        if starts and not inside and not ITEM.match(before):
            out.append("")
        out.append(line)
    return "\n".join(out)
