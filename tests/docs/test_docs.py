"""The documentation builds strictly, and what it says that is not so is found."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lrtc import terminal
from lrtc.docs.blocks import check_words, run_blocks
from lrtc.docs.errors import Wrong
from lrtc.docs.formulas import drawn
from lrtc.docs.includes import expanded, loosened, page_of, parts, section, source_page
from lrtc.docs.links import broken

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "lrtc" / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built site: its blocks were run, its links were followed."""
    folder = tmp_path_factory.mktemp("site")
    argv = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(DOCS / "mkdocs.yml"), "-d", str(folder)]
    done = subprocess.run(
        argv, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_built_and_holds_what_it_shows(site: Path):
    for page in (DOCS / "pages").rglob("*.md"):
        html = (site / page.relative_to(DOCS / "pages")).with_suffix(".html").read_text(encoding="utf-8")
        assert "<!-- output" not in html
        assert "<!-- include" not in html
    quick = (site / "quickstart.html").read_text(encoding="utf-8")
    assert "this is a 7" in quick
    assert "all proven, for every input" in quick


def test_a_link_that_leads_nowhere_is_found_in_the_site(site: Path, tmp_path: Path):
    (tmp_path / "a.html").write_text('<a href="b.html#there">x</a> <a href="#here">x</a> <p id="here">')
    (tmp_path / "b.html").write_text('<p id="there"> <a href="https://example.org/x">x</a>')
    assert broken(tmp_path) == []
    text = '<a href="b.html#no">x</a> <a href="c.html">x</a> <a href="https:/x">x</a> <script src="https://x.org/y.js"></script>'
    (tmp_path / "a.html").write_text(text + '<a href="/b.html">x</a>')
    (tmp_path / "s.css").write_text("@font-face { src: url(https://fonts.example.org/a.woff2) }")
    assert [re.sub(r".*: ", "", fault) for fault in broken(tmp_path)] == [
        "there is no such anchor",
        "there is no such page",
        "not an address",
        "only relative links are right wherever the site lies",
        "a page must be shown without a network",
        "it asks the network for something",
    ]


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ("sh\nlrtc compil x.pt", "no command compil"),
        ("sh\nlrtc show x.pt --eech", "--eech"),
        ("sh\nlrtc show a.pt b.pt", "one word too many"),
        ("sh\nlrtc show x.pt", "x.pt: no such file"),
        ("sh\nmake demoo", "no target demoo"),
        ("sh\npip install 'lrtc[trian]'", "no extra trian"),
        ("sh\npython examples/none.py", "no examples/none.py"),
        ("sh\nsh -c 'exit 3'", "exit status 3"),
        ("sh\nrm -rf x", "rm: not run here"),
        ("sh\ncd ../..", "no such folder"),
        ("python\n1 / 0", "ZeroDivisionError"),
        ("python\n1 /", "no Python"),
        ("json\n{", "no json"),
        ("toml\na =", "no toml"),
        ("cobol\nSTOP RUN.", "cobol"),
        ("\nplain", "without a language"),
    ],
)
def test_a_block_that_does_not_do_what_it_says_is_found(block: str, why: str, tmp_path: Path):
    with pytest.raises(Wrong, match=r"page\.md, line 3: ") as fault:
        run_blocks(f"# A page\n\n```{block}\n```\n", tmp_path, "page.md")
    assert why in str(fault.value)


def test_what_is_not_run_is_checked_and_what_is_run_is_shown(tmp_path: Path):
    page = "<!-- not run: slow -->\n```sh\nlrtc synth x.pt --board icebreaker\n```\n\n"
    page += '```python title="a.py"\nprint("\\n".join("abcd"))\n```\n\n'
    page += "```sh\npython a.py\n```\n\n<!-- output head=1 tail=1 -->\n"
    done = run_blocks(page, tmp_path / "one", "page.md")
    assert "not run" not in done
    assert done.endswith("```text\na\n…\nd\n```\n")
    with pytest.raises(Wrong, match="--bord"):
        run_blocks(page.replace("--board", "--bord"), tmp_path / "two", "page.md")
    with pytest.raises(Wrong, match="prints nothing"):
        run_blocks("```python\n1\n```\n<!-- output -->\n", tmp_path / "three", "page.md")


def test_a_block_leaves_the_console_as_it_was(tmp_path: Path):
    before = terminal.out.width, terminal.out.color_system
    run_blocks("```sh\nlrtc boards\n```\n", tmp_path, "page.md")
    assert (terminal.out.width, terminal.out.color_system) == before


@pytest.mark.parametrize("words", ["lrtc compile m.pt -t c", "lrtc --help", "make test", "git clone x"])
def test_words_that_are_right_pass(words: str):
    check_words(words.split())


def test_a_part_of_a_file_is_included_with_its_links():
    linked: set[str] = set()
    text = expanded(
        "<!-- include README.md#why-you-can-trust-it -->\n\n[f](repo:lrtc/boards/nucleo-f446re.toml)", "a/b.md", linked
    )
    assert "(../source/SECURITY.md)" in text
    assert "(../source/lrtc/boards/nucleo-f446re.toml.md)" in text
    assert linked == {"SECURITY.md", "lrtc/boards/nucleo-f446re.toml"}
    for wrong in ("none.md", "README.md#none", "README.md#use-it table 9"):
        with pytest.raises(Wrong):
            expanded(f"<!-- include {wrong} -->", "a.md", linked)
    with pytest.raises(Wrong):
        expanded("[x](repo:none)", "a.md", linked)


def test_a_file_is_a_page():
    linked: set[str] = set()
    assert '<a id="d5"></a>**D5 ' in source_page("lrtc/DESIGN.md", linked)
    assert source_page("lrtc/boards/nucleo-f446re.toml", linked).startswith(
        "# lrtc/boards/nucleo-f446re.toml\n\n```toml\n"
    )
    source_page("examples/mnist/README.md", linked)
    assert "examples/README.md" in linked
    assert page_of("lrtc/docs/pages/cli.md") == "cli.md"


def test_sections_and_parts():
    text = "# A\none\n\n## B c\n\n- x\n\n```sh\n# no heading\n```\n\n| a |\n|---|\n\n# D\ntwo\n"
    assert section(text, "b-c").strip().startswith("- x")
    assert "two" not in section(text, "a")
    assert section(text, "no-heading") is None
    assert parts(text, "code") == ["```sh\n# no heading\n```"]
    assert [p.strip() for p in parts(text, "table")] == ["| a |\n|---|"]
    assert loosened("a\n- b\n- c\n") == "a\n\n- b\n- c\n"


def test_formulas_are_drawn_without_a_script():
    assert "<mfrac>" in drawn(r'<div class="arithmatex">\[ \frac{a}{b} \]</div>', "page")
    assert drawn("<p>plain</p>", "page") == "<p>plain</p>"
    with pytest.raises(Wrong, match="not known"):
        drawn(r'<span class="arithmatex">\(\nosuchword x\)</span>', "page")
