"""What mkdocs calls: pages get their includes and outputs, generated pages are added, the built site is checked."""

from __future__ import annotations

import logging
import os
import posixpath
import re
import tempfile
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from lrtc.docs.blocks import check_blocks, run_blocks
from lrtc.docs.cli_reference import cli_reference
from lrtc.docs.errors import Wrong
from lrtc.docs.formulas import drawn
from lrtc.docs.includes import ROOT, expanded, page_of, source_page
from lrtc.docs.ir_reference import ir_reference
from lrtc.docs.links import broken
from lrtc.docs.tables import with_tables

LOG = logging.getLogger("mkdocs.lrtc")
GENERATED = {"ops.md": ir_reference, "cli.md": cli_reference}
MADE = re.compile(r"!?\[[^\]]*\]\((?P<path>build/[^)\s]+)\)")
ALIGNED = re.compile(r"<p>(?=(?:(?!</p>).)*\S {2,}\S)", re.S)  # two spaces within a line
_texts: dict[str, str] = {}  # page → its Markdown, finished


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Finish every page before the first is rendered: what they link to decides which other pages there are."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    linked: set[str] = set()
    _texts.clear()
    try:
        for file in list(files.documentation_pages()):
            text = Path(file.abs_src_path).read_text(encoding="utf-8")
            with tempfile.TemporaryDirectory() as folder:
                began = sum(os.times()[:4])
                done = run_blocks(text, Path(folder), file.src_uri)
                LOG.info("%s: its blocks took %.1f s", file.src_uri, sum(os.times()[:4]) - began)
                _texts[file.src_uri] = with_tables(expanded(done, file.src_uri, linked), file.src_uri, linked)
                check_blocks(_texts[file.src_uri], file.src_uri)
                for made in sorted({found["path"] for found in MADE.finditer(text)}):
                    _add_made(files, config, file.src_uri, Path(folder), made)
        for name, make in GENERATED.items():
            _add(files, config, name, make())
        shown: set[str] = set()
        for nav in re.findall(r"source/[^\s'\"\]},]+", str(config.nav)):
            linked.add(nav.removeprefix("source/"))
        while waiting := sorted(linked - shown):
            for path in waiting:
                shown.add(path)
                if page_of(path) in _texts:
                    continue
                text = source_page(path, linked)
                check_blocks(text, path)
                _add(files, config, page_of(path), text)
    except Wrong as error:
        raise PluginError(str(error)) from error
    return files


def _add(files: Files, config: MkDocsConfig, name: str, text: str) -> None:
    files.append(File.generated(config, name, content=text))


def _add_made(files: Files, config: MkDocsConfig, page: str, folder: Path, made: str) -> None:
    """Add a picture or a file that the page's commands made."""
    if not (folder / made).is_file():
        raise Wrong(f"{page}: its commands do not make {made}")
    name = posixpath.normpath(posixpath.join(posixpath.dirname(page), made))
    if files.get_file_from_path(name):
        raise Wrong(f"{page}: another page makes {made} as well")
    files.append(File.generated(config, name, content=(folder / made).read_bytes()))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the finished text of a page."""
    return _texts.get(page.file.src_uri, markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page with its formulas drawn, and columns of docstrings kept as they are aligned."""
    try:
        return ALIGNED.sub(r'<p class="aligned">', drawn(html, page.file.src_uri))
    except Wrong as error:
        raise PluginError(str(error)) from error


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site with a link that leads nowhere, or that needs a network."""
    (Path(config.site_dir) / "404.html").unlink(missing_ok=True)  # it is right at the root of a server only
    if faults := broken(Path(config.site_dir)):
        raise PluginError("\n".join([f"{len(faults)} links of the site are wrong", *faults[:40]]))


__all__ = ["ROOT", "on_files", "on_page_content", "on_page_markdown", "on_post_build"]
