"""Names of graphs from names of files."""

from __future__ import annotations

import re


def identifier(text: str) -> str:
    """Return an identifier that resembles the text."""
    base = re.sub(r"[^A-Za-z0-9_]+", "_", text)[:48].strip("_") or "model"
    return f"m{base}"[:48] if base[0].isdigit() else base
