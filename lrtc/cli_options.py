"""Options of the command line that become those of a backend."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from lrtc.errors import LrtcError
from lrtc.terminal import working

if TYPE_CHECKING:
    from lrtc.cli_rtl import Hardware
    from lrtc.driver import Model


class OutputKind(str, Enum):
    """What the accelerator sends."""

    logits = "logits"
    klass = "class"


class IntegerForm(str, Enum):
    """How the accelerator multiplies integers."""

    auto = "auto"
    planes = "planes"
    products = "products"


def c_form(
    package: str, prefix: str, context: bool, report: bool, profile: str | None, lanes: int | None
) -> dict[str, object]:  # fmt: skip
    """Return the options of C that were asked for, from the command line's."""
    form = {"package": package if package != "plain" else "", "prefix": prefix, "context": context, "report": report}
    return {name: value for name, value in {**form, "profile": profile, "lanes": lanes}.items() if value}


def target_options(
    target: str, output: OutputKind, hardware: Hardware, form: dict[str, object] | None = None
) -> dict[str, object]:
    """Return a backend's options from the command line's. form: those of C."""
    if form and target != "c":
        raise LrtcError(f"{', '.join(f'--{name}' for name in form)}: only --target c has this option")
    if target not in ("verilog", "hls"):
        given = hardware.given
        if output is not OutputKind.logits:
            given.append("--output")
        if given:
            raise LrtcError(f"{', '.join(given)}: only --target verilog and hls have this option")
        return form or {}
    if target != "verilog" and (hardware.axi_lite or hardware.reloadable):
        name = "reloadable" if hardware.reloadable else "axi-lite"
        raise LrtcError(f"--{name}: only --target verilog has this option", hint="--control axilite is that of hls")
    return hardware.options(output)


def parse_fold(text: str) -> tuple[str, tuple[int, int] | str]:
    """Return (layer, (PE, SIMD)) for `layer=PExSIMD`, (layer, "wired") for `layer=wired`."""
    layer, _, shape = text.rpartition("=")
    if layer and shape == "wired":
        return layer, shape
    pe, _, simd = shape.partition("x")
    if not layer or not (pe.isdecimal() and simd.isdecimal()) or not int(pe) or not int(simd):
        raise LrtcError(f"--fold {text}: LAYER=PExSIMD or LAYER=wired is supported, for example conv1=8x9")
    return layer, (int(pe), int(simd))


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
