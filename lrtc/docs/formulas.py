"""Formulas as MathML, which browsers draw by themselves: no script, no font, no network."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

from lrtc.docs.errors import Wrong

# what `pymdownx.arithmatex` leaves with `generic: true`
FORMULA = re.compile(r'<(?P<tag>span|div) class="arithmatex">\\(?P<open>[(\[])(?P<text>.*?)\\[)\]]</(?P=tag)>', re.S)


def drawn(page: str, where: str) -> str:
    """Return a page's HTML with its formulas as MathML; Wrong for one that cannot be read."""

    def one(found: re.Match[str]) -> str:
        text = html.unescape(found["text"]).strip()
        try:
            made = convert(text, display="block" if found["open"] == "[" else "inline")
        except Exception as error:
            raise Wrong(f"{where}: the formula {text} cannot be read: {type(error).__name__}") from None
        if "\\" in re.sub(r"<[^>]*>", "", made):
            raise Wrong(f"{where}: the formula {text} has a command that is not known")
        made = made.replace("<mo>&#x0007C;</mo>", '<mo stretchy="false" lspace="0" rspace="0">|</mo>')  # |x|
        return f'<{found["tag"]} class="formula">{made}</{found["tag"]}>'

    return FORMULA.sub(one, page)
