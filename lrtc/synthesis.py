"""From a model to a bitstream and what it takes: Verilog, a board around it, mapped, placed, routed, packed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lrtc.backends.streaming import module_names
from lrtc.backends.verilog.board import CONSTRAINTS, board_files, board_top, check_serial, vendor_project
from lrtc.boards.fpga import LINKS, SPI, FpgaBoard, Pin, fpga_named
from lrtc.check.fpga import PARTS, Cells, Part, Synthesis, needed_tools, part_named, synthesize
from lrtc.driver import Model, Result, class_count, compile, ends_in_indices, legal_name
from lrtc.errors import LrtcError, nearest, shown
from lrtc.output import MANIFEST
from lrtc.plan.budget import Budget
from lrtc.plan.cost import Area
from lrtc.plan.cost_fitted import estimate
from lrtc.plan.devices import DEVICES, device_budget
from lrtc.plan.fold import FoldPlan
from lrtc.plan.modules import fold_parts
from lrtc.plan.stream import stream_layers

BARE_BAUD = 1_000_000  # of the serial line where no board is named


@dataclass(frozen=True)
class Synthesized:
    """A network on a device: its sources, what became of them, and its plan. top: the module that was mapped.

    layers: module → (name, PyTorch path) of each layer, in order. hz: the clock that was asked for.
    """

    result: Result
    part: Part
    board: FpgaBoard | None
    top: str
    files: Mapping[str, str]
    layers: Mapping[str, tuple[str, str]]
    synthesis: Synthesis
    hz: int

    @property
    def plan(self) -> FoldPlan:
        return self.result.plan

    @property
    def images_per_second(self) -> float | None:
        """Return the images a second at the Fmax reached; None if nothing was placed."""
        fmax = self.synthesis.fmax
        return None if fmax is None else fmax / self.plan.interval

    def images_per_second_at(self, hz: float) -> float:
        """Return the images a second at a clock."""
        return hz / self.plan.interval

    @property
    def estimates(self) -> dict[str, Area]:
        """Return layer → the area that is expected of this flow; nothing for families not calibrated."""
        if self.part.name not in DEVICES:
            return {}
        layers = stream_layers(self.result.graph, self.result.options.get("input_lanes") or 1)
        return {
            layer.name: estimate(fold_parts(layer, fold), DEVICES[self.part.name].family)
            for layer, fold in zip(layers, self.plan.layers, strict=True)
        }

    @property
    def rest(self) -> Cells:
        """Return what is in no layer: both ends of the network, and the board's part."""
        return self.synthesis.modules[0]


def synthesize_model(
    model: Model, device: str, board: FpgaBoard | None = None, place: bool = True, hz: int | None = None, seed: int = 1,
    watch: Callable[[str], None] = lambda text: None, link: str = "uart", **options: object,
) -> Synthesized:  # fmt: skip
    """Return a network mapped to a device, placed and routed where the device's tools can and `place` is true.

    board: whose pins the top has; a device that is placed without one gets the same top with pins anywhere. link: how
    images come to it, of boards.fpga.LINKS. options: of target verilog. LrtcError before anything runs if a tool is
    missing or the network cannot be on such a line.
    """
    part = part_named(device)
    place = place and bool(part.family.place)
    needed_tools(part, place)
    if link not in LINKS:
        raise LrtcError(f"no link {link!r}{nearest(link, LINKS)}; known: {', '.join(LINKS)}")
    if link != "uart" and not place:
        raise LrtcError(
            f"--link {link} goes with a board's top, which a count, and devices that are mapped only, have not"
        )
    if place and options.get("input_lanes", 1) != 1:
        raise LrtcError(
            "--input-lanes goes with --count, and with devices that are mapped only: a line brings a byte at a time"
        )
    if board is not None:
        board.pins_of(link)
    if place:
        check_serial(model.graph, class_count(model.graph))
        if not ends_in_indices(model.graph):
            options["output"] = "class"
    if budget := planned_budget(part, place, options.pop("budget", None)):
        options["budget"] = budget
    watch("compiling")
    result = compile(model, "verilog", **options)
    names = module_names(result.name, stream_layers(result.graph, options.get("input_lanes") or 1))
    layers = {module: (name, _origin(result, name)) for name, module in names.items()}
    files, top = dict(result.files), result.name
    clock = hz or (board.clock_hz if board else part.hz)
    if place:
        top = board_top(result.name)
        constraints = CONSTRAINTS[part.family.name] if board else ""
        files |= board_files(
            result.graph,
            result.name,
            board or _bare(part, clock),
            class_count(model.graph),
            constraints,
            link,
        )
        files["files.f"] = "".join(f"{path}\n" for path in _ordered(files, top))
    if part.family.name == "xc7":
        files |= vendor_project("vivado", top, part.number, 1e9 / clock)
    elif part.family.name == "cyclone5":
        files |= vendor_project("quartus", top, part.number, 1e9 / clock, "Cyclone V")
    done = synthesize(files, top, [*layers], part, place, clock, seed, watch)
    return Synthesized(result, part, board, top, files, layers, done, clock)


def planned_budget(part: Part, place: bool, asked: Budget | None = None) -> Budget | None:
    """Return what a plan for a part may take: all of it, if it is placed; LUTs and block RAMs as asked for, if so."""
    if part.name not in DEVICES:
        return asked
    whole = device_budget(part.name)
    whole = whole if place else Budget(family=whole.family, name=part.name)
    if asked is None:
        return whole
    luts = whole.luts if asked.luts is None else asked.luts
    return replace(whole, luts=luts, brams=whole.brams if asked.brams is None else asked.brams)


def _origin(result: Result, name: str) -> str:
    node = result.graph.producers.get(name)
    return node.origin if node is not None else ""


def _ordered(files: Mapping[str, str], top: str) -> list[str]:
    """Return the sources, each behind those that it instantiates: the library, layers, the network, the top."""
    sources = [path for path in files if path.endswith(".sv")]
    library = sorted(path for path in sources if path.startswith("rtl/"))
    rest = [path for path in sources if not path.startswith("rtl/") and path != f"{top}.sv"]
    return [*library, *reversed(rest), f"{top}.sv"]


def _bare(part: Part, clock: int) -> FpgaBoard:
    """Return a board of nothing but the device, whose pins may lie anywhere."""
    baud = min(BARE_BAUD, clock // 8)
    pin = Pin("0", "LVCMOS33")
    return FpgaBoard(
        name=part.name, title=part.name, chip=part.number, device=part.name, clock_hz=clock, baud=baud, clock=pin,
        rx=pin, tx=pin, leds=(), dark=0, programmers={}, note="", spi=dict.fromkeys(SPI.values(), pin),
    )  # fmt: skip


def board_for(board: FpgaBoard, device: str | None) -> str:
    """Return the device of a board; LrtcError if another one was asked for."""
    if device not in (None, board.device):
        raise LrtcError(f"{board.name} has {board.device}, not {device}", hint="leave --device out")
    return board.device


def chosen_device(device: str | None, board: str | None) -> tuple[FpgaBoard | None, str]:
    """Return (board or None, name of the device); LrtcError if neither is given, or they differ."""
    if board is not None:
        chosen = fpga_named(board)
        return chosen, board_for(chosen, device)
    if device is None:
        raise LrtcError(f"--device or --board is needed; devices: {', '.join(PARTS)}")
    return None, part_named(device).name


def bitstream_in(folder: Path, board: FpgaBoard) -> str:
    """Return the name of the bitstream in a folder that `lrtc synth` wrote for a board; LrtcError if there is none."""
    where, hint = shown(str(folder), 200), f"`lrtc synth MODEL --board {board.name} -o DIR` writes one"
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        name, target, made_for = legal_name(str(manifest["name"])), manifest["target"], manifest["board"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise LrtcError(f"{where} holds no bitstream that lrtc made: no sound {MANIFEST} in it", hint=hint) from None
    if target != "bitstream" or made_for != board.name:
        raise LrtcError(f"{where} holds no bitstream for {board.name}", hint=hint)
    image = part_named(board.device).family.image.format(top=board_top(name))
    if not (folder / image).is_file():
        raise LrtcError(f"{where} lacks {image}", hint=hint)
    return image
