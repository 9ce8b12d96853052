"""What commands make of what was typed: a model with a spinner, bits of a layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lrtc.errors import LrtcError
from lrtc.terminal import working

if TYPE_CHECKING:
    from lrtc.driver import Model


def parse_bits(text: str) -> tuple[str, int]:
    """Return (layer, bits) for `layer=BITS`."""
    layer, _, number = text.rpartition("=")
    if not layer or not number.isdecimal():
        raise LrtcError(f"--layer {text}: LAYER=BITS is supported, for example relu1=8")
    return layer, int(number)


def opened_model(path: Path, name: str | None) -> Model:
    """Return the Model of a file, with a spinner: what it needs of torch or onnx is loaded now."""
    with working(f"reading {path.name}"):
        from lrtc.driver import open_model

        return open_model(path, name)
