"""Every link of the built site leads somewhere, anchors too, and no page asks the network for anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

OUTSIDE = re.compile(r"https?://[a-z0-9.-]+\.[a-z]{2,}(:\d+)?(/[^\s<>\"]*)?\Z", re.I)
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data", "use": "href"}
FETCHED = ("stylesheet", "icon", "preconnect", "preload", "prefetch", "dns-prefetch", "manifest")
CSS = re.compile(r"url\(\s*['\"]?(https?:|//)|@import\s+['\"]?(https?:|//)", re.I)


class Page(HTMLParser):
    """ids: anchors of a page. links: what it leads to. loads: what it needs to be shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what a tag names."""
        given = {key: value or "" for key, value in attrs}
        self.ids.update(given[key] for key in ("id", "name") if given.get(key))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in LOADED and given.get(LOADED[tag]):
            self.loads.append(given[LOADED[tag]])
        if tag == "link" and set(given.get("rel", "").split()) & set(FETCHED):
            self.loads.append(given.get("href", ""))


def broken(site: Path) -> list[str]:
    """Return what is wrong with the links of a site, a line each; empty if all is well."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    faults = []
    for path, page in pages.items():
        for link in page.links:
            if why := _fault(link, path, pages):
                faults.append(f"{path.relative_to(site)}: {link}: {why}")
        for load in page.loads:
            if urlsplit(load).scheme not in ("", "data") or load.startswith("//"):
                faults.append(f"{path.relative_to(site)}: {load}: a page must be shown without a network")
            elif not load.startswith(("data:", "#")) and (why := _fault(load.partition("#")[0], path, pages)):
                faults.append(f"{path.relative_to(site)}: {load}: {why}")
    for path in sorted(site.rglob("*.css")):
        if CSS.search(path.read_text(encoding="utf-8")):
            faults.append(f"{path.relative_to(site)}: it asks the network for something")
    return faults


def _fault(link: str, path: Path, pages: dict[Path, Page]) -> str | None:
    parts = urlsplit(link)
    if parts.scheme in ("http", "https"):
        return None if OUTSIDE.match(link) else "not an address"
    if parts.scheme in ("mailto", "data"):
        return None
    if parts.scheme or link.startswith(("//", "/")):
        return "only relative links are right wherever the site lies"
    there = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
    there = there / "index.html" if there.is_dir() else there
    if not there.is_file():
        return "there is no such page"
    known = {page.resolve(): content for page, content in pages.items()} if there not in pages else pages
    if parts.fragment and there in known and unquote(parts.fragment) not in known[there].ids:
        return "there is no such anchor"
    return None
