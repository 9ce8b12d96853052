"""Text that may stand in a C comment, whatever the model calls its layers."""

from __future__ import annotations

import re


def comment_text(text: str) -> str:
    """Return text that is inert inside a C comment: printable ASCII, no comment marks, no trigraphs, one line."""
    safe = "".join(c if " " <= c <= "~" and c != "\\" else "?" for c in text)
    safe = re.sub(r"(?<=\*)/|/(?=\*)", "|", safe)  # neither */ nor /*
    return re.sub(r"\?{2,}", "?", safe).rstrip()


def comment_block(lines: str) -> str:
    """Return many lines, each made inert."""
    return "\n".join(comment_text(line) for line in lines.splitlines())
