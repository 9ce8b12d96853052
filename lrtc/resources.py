"""Where `templates/` and `hw/` are: inside the wheel (`lrtc/_share`) or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

from lrtc.errors import LrtcError


def share(folder: str) -> Path:
    """Return the path of `templates` or `hw`."""
    package = Path(__file__).resolve().parent
    for base in (package / "_share", package.parent):
        if (base / folder).is_dir():
            return base / folder
    raise LrtcError(f"this installation lacks its {folder}/ folder", hint="reinstall lrtc")
