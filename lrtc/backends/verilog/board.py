"""What stands around the accelerator on a board: the top with a serial line, constraints, and vendors' projects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import lrtc
from lrtc.backends.rom import index_bits
from lrtc.boards.fpga import FpgaBoard, Pin
from lrtc.errors import LrtcError
from lrtc.ir import Graph
from lrtc.resources import share

PAUSE_SECONDS = 0.02  # within an image, after which it is given up
MOST_CLASSES = 128
SPI_CLOCKS = 8  # cycles of the clock for one of SPI's, at least
LIBRARY = {"uart": ("lrtc_serial", "lrtc_uart_rx", "lrtc_uart_tx"), "spi": ("lrtc_spi",)}  # link → its modules
CONSTRAINTS = {"ice40": "pcf", "ecp5": "lpf", "gowin": "cst"}  # family → ending of the constraints


@dataclass(frozen=True)
class BoardView:
    """What the templates of a board see. pins: (port, pin). shown: bits of the class on LEDs. dark: level off."""

    module: str
    network: str
    title: str
    clock_hz: int
    clock_mhz: str
    baud: int
    clocks_per_bit: int
    image_bytes: int
    pause_ms: int
    pause_clocks: int
    class_bits: int
    leds: int
    shown: int
    dark: int
    pins: tuple[tuple[str, Pin], ...]
    link: str
    spi_hz: int


def board_top(name: str) -> str:
    """Return the name of the top module around the accelerator `name`."""
    return f"{name}_board"


def check_serial(graph: Graph, classes: int) -> None:
    """Raise LrtcError unless images go through a serial line and one class of 7 bits comes back."""
    if not graph.is_plain:
        raise LrtcError(
            f"a serial line carries one image and one class; this network has {len(graph.inputs)} inputs and "
            f"{len(graph.outputs)} outputs",
            hint="`lrtc synth --count` counts cells without a board's top",
        )
    if classes > MOST_CLASSES:
        raise LrtcError(f"a serial line carries a class of 7 bits; this network has {classes} classes")


def board_files(
    graph: Graph, name: str, board: FpgaBoard, classes: int, constraints: str = "", link: str = "uart"
) -> dict[str, str]:
    """Return the files of a board around the accelerator `name`, which sends a class a frame; library modules too.

    Beside them: drivers for the line's other end.
    constraints: the ending of the file with the pins, of CONSTRAINTS; none without pins. link: of boards.fpga.LINKS.
    """
    from lrtc.backends.verilog import _environment

    check_serial(graph, classes)
    bits = index_bits(classes)
    view = BoardView(
        module=board_top(name),
        network=name,
        title=board.title,
        clock_hz=board.clock_hz,
        clock_mhz=f"{board.clock_hz / 1e6:g}",
        baud=board.baud,
        clocks_per_bit=board.clocks_per_bit,
        image_bytes=graph.inputs[0].type.size,
        pause_ms=round(PAUSE_SECONDS * 1000),
        pause_clocks=round(PAUSE_SECONDS * board.clock_hz),
        class_bits=bits,
        leds=len(board.leds),
        shown=min(bits, len(board.leds)),
        dark=board.dark,
        pins=tuple(board.pins_of(link).items()),
        link=link,
        spi_hz=board.clock_hz // SPI_CLOCKS,
    )
    environment, version = _environment(), getattr(lrtc, "__version__", "")
    driver = "lrtc_spi.py" if link == "spi" else "lrtc_serial.py"
    made = {f"{view.module}.sv": "board.sv.j2", f"host/{driver}": f"{driver}.j2"}
    if constraints:
        made[f"{view.module}.{constraints}"] = f"board.{constraints}.j2"
    files = {path: environment.get_template(made[path]).render(view=view, version=version) for path in made}
    texts = share("hw") / "board"
    library = {f"rtl/{name}.sv": (texts / f"{name}.sv").read_text(encoding="utf-8") for name in LIBRARY[link]}
    hosts = sorted(_hosts()) if link == "uart" else ()
    host = {f"host/{path.name}": path.read_text(encoding="utf-8") for path in hosts if path.is_file()}
    return library | host | files


def _hosts() -> Iterable[Path]:
    """Return the drivers for the computer at the other end of the line."""
    return (share("hw") / "board" / "host").glob("lrtc_serial.*")


def vendor_project(tool: str, top: str, part: str, period_ns: float, family: str = "") -> dict[str, str]:
    """Return the script that makes a project in a vendor's tool, "vivado" or "quartus"; nobody ran it here."""
    from lrtc.backends.verilog import _environment

    script = _environment().get_template(f"{tool}.tcl.j2")
    version = getattr(lrtc, "__version__", "")
    return {f"{tool}.tcl": script.render(top=top, part=part, period=f"{period_ns:g}", family=family, version=version)}
