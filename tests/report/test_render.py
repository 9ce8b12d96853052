"""The page as a browser shows it: light, dark, narrow; nothing asked of a network or cut off, all of it legible."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from browser import Browser, found
from typer.testing import CliRunner

from lrtc.cli import app

MNIST = Path(__file__).parents[2] / "examples" / "mnist"
KEEP = os.environ.get("LRTC_RENDERS")  # a folder for the pictures, to look at
# What is wider than the screen, or cut off by what it lies in without a way to scroll there
OUTSIDE = """[...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  const holder = e.closest('.wide');
  return !holder && box.width && box.right > document.documentElement.clientWidth + 0.5
}).map(e => e.tagName + ' ' + e.textContent.slice(0, 40))"""
# Pictures without a size, and text in a picture that is wider than the box that it is drawn in
PICTURES = """[...document.querySelectorAll('svg')].map(e => {
  const box = e.getBoundingClientRect();
  const over = [...e.querySelectorAll('g')].filter(g => {
    const rect = g.querySelector('rect'), texts = [...g.querySelectorAll('text')];
    return rect && texts.some(t => t.getBBox().width > rect.getBBox().width + 1)
  }).map(g => g.textContent.slice(0, 60));
  return [e.getAttribute('aria-label'), box.width, box.height, over]
})"""
# The least contrast (WCAG) of text that stands on the page, on a card or in a box of a picture
CONTRAST = """(() => {
  const parts = text => text == 'none' ? [0, 0, 0, 0] : [...text.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
  const over = (top, [r, g, b]) => [r, g, b].map((c, k) => top[3] * top[k] + (1 - top[3]) * c);
  const light = rgb => {
    const [r, g, b] = rgb.map(c => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b
  };
  const below = e => {
    const box = e.closest('svg') && e.parentElement.querySelector('rect');
    if (box) return parts(getComputedStyle(box).fill);
    const own = parts(getComputedStyle(e).backgroundColor);
    return own[3] == 1 ? own : e.parentElement ? over(own, below(e.parentElement)) : [255, 255, 255]
  };
  const found = [...document.querySelectorAll('body *')].filter(e => [...e.childNodes].some(
    n => n.nodeType == 3 && n.data.trim()) && e.tagName != 'title').map(e => {
    const ink = parts(getComputedStyle(e)[e.closest('svg') ? 'fill' : 'color']);
    const own = light(ink.slice(0, 3)), at = light(below(e).slice(0, 3));
    return [(Math.max(own, at) + .05) / (Math.min(own, at) + .05), e.textContent.slice(0, 40)]
  });
  return found.sort((a, b) => a[0] - b[0])[0]
})()"""


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    at = tmp_path_factory.mktemp("render")
    certified = ["compile", MNIST / "mnist_ternary.pt", "-o", at / "c", "--certificate"]
    report = ["report", MNIST / "mnist_ternary.pt", "--data", MNIST / "digits.npz", "--html", at / "page.html"]
    (at / "run").mkdir()
    (at / "run" / "log.csv").write_text("stage,epoch,loss,discrete\nlrt,1,0.5,90\nlrt,2,0.1,95\nlrt,3,0.01,96\n")
    for words in (certified, [*report, "--certificate", at / "c" / "certificate.json", "--training", at / "run"]):
        assert CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False).exit_code == 0
    return at / "page.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if found() is None:
        pytest.skip("no Chromium here: apt install chromium (`make tools`)")
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_whole_legible_and_alone(browser, page, scheme, width):
    browser.open(page, width, scheme)
    assert browser.complaints() == []
    assert browser.requests() == [page.as_uri()]
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value(OUTSIDE) == []
    pictures = browser.value(PICTURES)
    assert len(pictures) == 6
    for label, wide, high, over in pictures:
        assert wide >= 40, label
        assert high >= 10, label
        assert over == [], label
    ratio, text = browser.value(CONTRAST)
    assert ratio >= 4.5, text
    dark = browser.value("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    if KEEP:
        (Path(KEEP) / f"page-{scheme}-{width}.png").write_bytes(browser.picture())


SPOILT = {
    "asks": ("<h2>", '<img src="http://example.invalid/x.png"><h2>'),
    "runs": ("<h2>", "<script>1</script><h2>"),
    "is wide": ("<h2>", '<p style="width:3000px;max-width:none">x</p><h2>'),
    "is pale": ("<h2>", '<p style="color:#888;background:#777">x</p><h2>'),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_page_that_is_not_is_found(browser, page, tmp_path, what):
    spoilt = tmp_path / "spoilt.html"
    spoilt.write_text(page.read_text().replace(*SPOILT[what], 1))
    browser.open(spoilt, 390, "light")
    told = bool(browser.complaints()) or browser.requests() != [spoilt.as_uri()]
    wide = browser.value("document.documentElement.scrollWidth") > 390 and browser.value(OUTSIDE) != []
    assert {"asks": told, "runs": told, "is wide": wide, "is pale": browser.value(CONTRAST)[0] < 4.5}[what]
