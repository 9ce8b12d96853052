"""What a person asks of a target, in the words of the command line, as options of its backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass, replace
from enum import Enum

from lrtc.errors import LrtcError


class OutputKind(str, Enum):
    """What the accelerator sends."""

    logits = "logits"
    klass = "class"


class IntegerForm(str, Enum):
    """How the accelerator multiplies integers."""

    auto = "auto"
    planes = "planes"
    products = "products"


@dataclass(frozen=True)
class Hardware:
    """What the command line says of an accelerator."""

    fold: list[str] | None = None
    cycles: int | None = None
    fps: float | None = None
    clock: str | None = None
    luts: int | None = None
    brams: float | None = None
    device: str | None = None
    lanes: int | None = None
    integers: IntegerForm = IntegerForm.auto
    style: str | None = None
    stages: int | None = None
    axi_lite: bool = False
    reloadable: bool = False

    @property
    def given(self) -> list[str]:
        """Return the options that were given, as typed."""
        names = {"brams": "bram", "lanes": "input-lanes", "axi_lite": "axi-lite"}
        return [f"--{names.get(name, name)}" for name, value in vars(self).items() if value and value != "auto"]

    def options(self, output: OutputKind = OutputKind.logits) -> dict[str, object]:
        """Return the options of the Verilog backend."""
        from lrtc.plan.budget import Budget
        from lrtc.plan.devices import device_budget

        budget = device_budget(self.device) if self.device else Budget()
        if self.luts:
            budget = replace(budget, luts=self.luts)
        if self.brams is not None:
            budget = replace(budget, brams=self.brams)
        found: dict[str, object] = {"output": output.value}
        if self.fold:
            found["fold"] = dict(parse_fold(text) for text in self.fold)
        if cycles := self._target():
            found["target_cycles"] = cycles
        if budget.bound:
            found["budget"] = budget
        if self.lanes:
            found["input_lanes"] = self.lanes
        if self.integers is not IntegerForm.auto:
            found["integers"] = self.integers.value
        if self.style:
            found["style"] = self.style
        if self.stages:
            found["stages"] = self.stages
        for name in ("axi_lite", "reloadable"):
            if getattr(self, name):
                found[name] = True
        return found

    def _target(self) -> int | None:
        """Return the cycles an image may take."""
        from lrtc.report.costs import hertz

        if self.fps is None:
            if self.clock:
                raise LrtcError("--clock says nothing without --fps", hint="give --fps, or --cycles alone")
            return self.cycles
        if self.cycles:
            raise LrtcError("--fps and --cycles both say how fast; give one of them")
        if not self.clock or not self.fps:
            raise LrtcError("--fps needs a number above 0, and --clock", hint="for example --fps 10000 --clock 100MHz")
        cycles = int(hertz(self.clock) / self.fps)
        if not cycles:
            raise LrtcError(f"--fps {self.fps:g} at {self.clock} leaves less than a cycle an image")
        return cycles


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


def chip_options(target: str, part: str | None, clock: str | None, control: str | None) -> dict[str, object]:
    """Return the options of the HLS backend from the command line's; LrtcError for another target."""
    from lrtc.report.costs import hertz

    given = {name: value for name, value in (("part", part), ("control", control)) if value is not None}
    if target == "hls":
        return given | ({"clock": hertz(clock)} if clock is not None else {})
    if given:
        raise LrtcError(f"{', '.join(f'--{name}' for name in given)}: only --target hls has this option")
    return {}


def parse_fold(text: str) -> tuple[str, tuple[int, int] | str]:
    """Return (layer, (PE, SIMD)) for `layer=PExSIMD`, (layer, "wired") for `layer=wired`."""
    layer, _, shape = text.rpartition("=")
    if layer and shape == "wired":
        return layer, shape
    pe, _, simd = shape.partition("x")
    if not layer or not (pe.isdecimal() and simd.isdecimal()) or not int(pe) or not int(simd):
        raise LrtcError(f"--fold {text}: LAYER=PExSIMD or LAYER=wired is supported, for example conv1=8x9")
    return layer, (int(pe), int(simd))


def octets(text: int | str | None, option: str) -> int | None:
    """Return the bytes of "65536", "64K" or "1M"; LrtcError for anything else."""
    if text is None or isinstance(text, int):
        return text
    number = text.strip().upper().removesuffix("B").removesuffix("I")
    scale = {"K": 1024, "M": 1024**2}.get(number[-1:], 1)
    digits = number if scale == 1 else number[:-1]
    if not (digits.isascii() and digits.isdecimal()):
        raise LrtcError(f"{option} {text}: bytes like 65536, 64K or 1M are supported")
    return int(digits) * scale


def plain_options(options: Mapping[str, object]) -> dict[str, object]:
    """Return a backend's options as plain data, without the vectors of its self-test; `options_of` gives them back."""
    left = {name: value for name, value in sorted(options.items()) if name not in ("vectors", "verify")}
    return {name: asdict(value) if is_dataclass(value) else value for name, value in left.items()}  # type: ignore[arg-type]


def options_of(data: Mapping[str, object]) -> dict[str, object]:
    """Return a backend's options of plain data; TypeError if they are of another kind."""
    from lrtc.plan.budget import Budget

    options = dict(data)
    if isinstance(fold := options.get("fold"), Mapping):
        options["fold"] = {layer: tuple(to) if isinstance(to, list) else to for layer, to in fold.items()}
    if isinstance(budget := options.get("budget"), Mapping):
        options["budget"] = Budget(**budget)
    return options
