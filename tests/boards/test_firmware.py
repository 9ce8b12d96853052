"""Every board file: the firmware is built, fits its memories, starts as the chip does and says what it should."""

from __future__ import annotations

import shutil
import subprocess
import threading
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from boards.chip import LOOKUP, PLAIN_READS, Chip
from boards.formats import read_hex, read_uf2
from graphs import random_input, random_network

from lrtc import interp
from lrtc.backends.c import emit
from lrtc.boards import board_named, board_names
from lrtc.check.board import compiler_of
from lrtc.check.machine import Machine
from lrtc.check.toolchain import STRICT
from lrtc.errors import LrtcError
from lrtc.flashing import Flashable, Network, emulate, fits, network_in, prepare
from lrtc.output import write_folder
from lrtc.passes import run_pipeline

EMULATED = [name for name in board_names() if name.startswith("emulated-")]
REAL = [name for name in board_names() if name not in EMULATED]
SIMULATED = [name for name in REAL if not name.startswith("arduino-") or name.endswith("ble")]  # Unicorn has no AVR
GRAPH = random_network(0, channels=(5,), size=(3, 4), layers=(1, 1), head="affine", classes=(3,))
IMAGES = random_input(GRAPH, 6)


@cache
def network(wrong: int = 0, report: bool = False) -> Network:
    """Return a small network in C; `wrong` of its vectors expect something else."""
    want = interp.run(GRAPH, IMAGES[:2]).astype(np.int64)
    want[:wrong] += 1
    packed = run_pipeline(GRAPH, "c")
    return Network("net", dict(emit(packed, "net", {"vectors": (IMAGES[:2], want), "report": report}).files))


def classes() -> list[str]:
    return [str(k) for k in interp.run(GRAPH, IMAGES).argmax(axis=1)]


@cache
def made(name: str, report: bool = False, **options: str) -> Flashable:
    """Return the firmware of a board, or, where its compiler is not here, what says so."""
    return prepare(network(report=report), board_named(name), **options)


def simulated(name: str, firmware: Flashable, **options) -> Chip:
    return Chip(board_named(name), firmware.images["net.bin"], **options)


def lacks_compiler(firmware: Flashable) -> bool:
    """Return whether nothing was built; then the message must name a compiler and how to get it."""
    if firmware.built is not None:
        return False
    assert "no compiler for" in firmware.lacking.summary
    assert "install" in firmware.lacking.hint
    assert {"main.c", "board.c", "net.c", "Makefile"} <= set(firmware.sources)
    assert not firmware.images
    return True


@pytest.mark.parametrize("name", EMULATED)
def test_an_emulated_board_runs_the_self_test(name: str):
    firmware = made(name)
    if not lacks_compiler(firmware):
        ran = emulate(firmware)
        assert (ran.output, ran.status) == (f"net on {name}: PASS\n", 0)


def test_a_wrong_vector_fails_by_the_number_of_values():
    firmware = prepare(network(wrong=2), board_named("emulated-cortex-m0"))
    ran = emulate(firmware)
    assert ran.output == "net on emulated-cortex-m0: FAIL, 6 values differ\n"
    assert ran.status == 1


def test_an_emulated_board_classifies_what_its_console_is_given():
    firmware = made("emulated-cortex-m4", program="classify")
    ran = emulate(firmware, IMAGES.tobytes() + b"h")
    first, *lines = ran.output.splitlines()
    assert first == f"net on emulated-cortex-m4: send {IMAGES[0].size} bytes an image"
    assert lines == classes()
    assert ran.status == 0


@pytest.mark.parametrize("program", ["self-test", "classify"])
def test_a_network_with_prefix_and_context_is_flashed_as_well(program: str, tmp_path: Path):
    """Also from a folder that was compiled so, as a package."""
    want = interp.run(GRAPH, IMAGES[:2]).astype(np.int64)
    options = {"vectors": (IMAGES[:2], want), "prefix": "acme_", "context": True, "package": "cmake"}
    files = emit(run_pipeline(GRAPH, "c"), "net", options).files
    write_folder(tmp_path / "out", files, {"target": "c", "name": "net", "symbols": "acme_net"})
    firmware = prepare(network_in(tmp_path / "out"), board_named("emulated-cortex-m3"), program)
    lines = emulate(firmware, IMAGES.tobytes()).output.splitlines()
    assert lines[-1] == "net on emulated-cortex-m3: PASS" if program == "self-test" else lines[1:] == classes()


@pytest.mark.parametrize("symbols", ["other", "9net", "a b net", 'x"net', 7])
def test_symbols_that_no_compile_wrote_are_refused(symbols: object, tmp_path: Path):
    write_folder(tmp_path / "out", network().files, {"target": "c", "name": "net", "symbols": symbols})
    with pytest.raises(LrtcError, match="no name of C that ends in net"):
        network_in(tmp_path / "out")


@pytest.mark.parametrize("name", REAL)
def test_hex_bin_and_uf2_hold_the_bytes_of_the_elf(name: str, tmp_path: Path):
    firmware = made(name)
    if lacks_compiler(firmware):
        return
    board, images = board_named(name), firmware.images
    program = {s.load + i: byte for s in firmware.built.segments for i, byte in enumerate(s.contents)}
    first = min(program)
    assert first == board.flash.origin
    assert max(program) < board.flash.end
    assert read_hex(images["net.hex"].decode("ascii")) == program
    assert len(images["net.bin"]) == max(program) + 1 - first
    assert all(images["net.bin"][at - first] == byte for at, byte in program.items())
    if board.uf2 is not None:
        pages = read_uf2(images["net.uf2"], board.uf2)
        assert all(pages[at] == byte for at, byte in program.items())
    assert ("net.uf2" in images) == (board.uf2 is not None)


def test_hex_and_bin_are_what_objcopy_makes(tmp_path: Path):
    firmware = made("nucleo-f446re")
    tool, _ = compiler_of(board_named("nucleo-f446re"))
    objcopy = tool.path.removesuffix("gcc") + "objcopy"
    (tmp_path / "net.elf").write_bytes(firmware.images["net.elf"])
    for form, ending in (("binary", "bin"), ("ihex", "hex")):
        subprocess.run([objcopy, "-O", form, "net.elf", f"net.{ending}"], cwd=tmp_path, check=True)
    assert (tmp_path / "net.bin").read_bytes() == firmware.images["net.bin"]
    told = [line for line in (tmp_path / "net.hex").read_text().splitlines() if line[7:9] != "05"]  # no start address
    assert read_hex("\n".join(told)) == read_hex(firmware.images["net.hex"].decode())


@pytest.mark.parametrize("name", SIMULATED)
def test_a_board_starts_and_says_what_it_should_over_its_uart(name: str):
    firmware = made(name)
    if lacks_compiler(firmware):
        return
    chip = simulated(name, firmware)
    assert chip.run() == f"net on {name}: PASS\n"
    if board_named(name).boot == "rp2040":
        assert chip.asked == [(LOOKUP, 0x200, ord("C") | ord("X") << 8), (PLAIN_READS,)]


def test_an_esp32_starts_as_clang_and_lld_made_it_too(tmp_path: Path, monkeypatch):
    """zig from pip, where nothing is on PATH: constants lie behind the code, for the data bus."""
    monkeypatch.setenv("PATH", str(tmp_path))
    firmware = prepare(network(), board_named("esp32-c3"))
    if not lacks_compiler(firmware):
        assert simulated("esp32-c3", firmware).run() == "net on esp32-c3: PASS\n"


@pytest.mark.parametrize("name", SIMULATED)
def test_a_board_classifies_what_its_uart_receives(name: str):
    firmware = made(name, program="classify")
    if lacks_compiler(firmware):
        return
    _, *lines = simulated(name, firmware, given=IMAGES.tobytes(), lines=1 + len(IMAGES)).run().splitlines()
    assert lines == classes()


@pytest.mark.parametrize(
    ("name", "machine", "ports"), [("microbit-v1", "microbit", 1), ("nucleo-f446re", "netduinoplus2", 2)]
)
def test_qemu_knows_the_same_registers(name: str, machine: str, ports: int, tmp_path: Path):
    """QEMU's own nRF51 and STM32F4 (its F405 has the F446's USART2 and RCC), where QEMU is installed."""
    qemu = shutil.which("qemu-system-arm")
    if qemu is None:
        return
    (tmp_path / "net.elf").write_bytes(made(name).images["net.elf"])
    serial = ["-serial", "null"] * (ports - 1) + ["-serial", "stdio"]
    argv = [qemu, "-M", machine, "-nographic", "-monitor", "none", *serial, "-kernel", "net.elf"]
    with subprocess.Popen(argv, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        watchdog = threading.Timer(60, program.kill)
        watchdog.start()
        said = program.stdout.readline()
        watchdog.cancel()
        program.kill()
    assert said.decode() == f"net on {name}: PASS\n"


def test_rtt_is_a_ring_that_a_probe_finds():
    """The block starts with its sixteen bytes and holds what was said; flash holds no second block."""
    firmware = made("microbit-v1", console="rtt")
    board, image = board_named("microbit-v1"), firmware.images["net.bin"]
    assert b"SEGGER RTT" not in image
    chip = Chip(board, image)
    chip.run()
    memory = bytes(chip.uc.mem_read(board.ram.origin, 0x1000))
    at = memory.index(b"SEGGER RTT\0\0\0\0\0\0")
    words = np.frombuffer(memory[at + 16 : at + 16 + 8 + 48], dtype="<u4")
    assert list(words[:2]) == [1, 1]
    name, buffer, size, written, taken, flags = (int(w) for w in words[2:8])
    assert (size, taken, flags) == (256, 0, 0)
    start = buffer - board.ram.origin
    assert memory[start : start + written] == b"net on microbit-v1: PASS\n"
    assert image[name - board.flash.origin :].startswith(b"lrtc\0")


@pytest.mark.parametrize("name", ["microbit-v1", "rp2350-pico2", "esp32-c3", "arduino-uno"])
@pytest.mark.parametrize("program", ["self-test", "classify"])
def test_what_is_written_around_the_network_compiles_without_a_warning(name: str, program: str, tmp_path: Path):
    board = board_named(name)
    for console in board.consoles:
        firmware = made(name, report=console == "uart", program=program, console=console)
        if lacks_compiler(firmware):
            return
        tool, flags = compiler_of(board)
        own = [path for path in firmware.sources if path.endswith(".c") and path != "start.c"]
        for path, text in firmware.sources.items():
            (tmp_path / path).write_text(text)
        bare = ["-ffreestanding"] if board.boot != "avr" else []
        argv = [*tool.command, *flags, "-std=c99", "-O2", *bare, *STRICT, "-fsyntax-only", *own]
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_makefile_builds_the_same_program(tmp_path: Path):
    firmware = made("nucleo-l432kc")
    tool, _ = compiler_of(board_named("nucleo-l432kc"))
    for path, text in firmware.sources.items():
        (tmp_path / path).write_text(text)
    make = shutil.which("make")
    subprocess.run([make, f"CC={tool.path}", f"OBJCOPY={tool.path[:-3]}objcopy"], cwd=tmp_path, check=True)
    assert (tmp_path / "net.bin").read_bytes() == firmware.images["net.bin"]


def test_the_stack_that_is_kept_is_as_deep_as_what_is_used():
    """500 logits lie on it: more than the board keeps; what the emulator touches is within."""
    graph = random_network(0, channels=(5,), size=(3, 4), layers=(1, 1), head="affine", classes=(500,))
    x = random_input(graph, 2)
    files = emit(run_pipeline(graph, "c"), "net", {"vectors": (x, interp.run(graph, x)), "report": True}).files
    board = board_named("emulated-cortex-m0")
    firmware = prepare(Network("net", dict(files)), board)
    machine = Machine(firmware.built.firmware)
    assert machine.output.endswith("PASS, 2 vectors\n")
    stack = np.frombuffer(machine.read(board.ram.end - 0x8000, 0x8000), np.uint8)
    used = 0x8000 - int(np.flatnonzero(stack)[0])
    assert board.stack < 2000 < used <= firmware.built.need.stack <= used + 200


def test_a_network_too_big_says_what_and_by_how_much(tmp_path: Path):
    """Tables of 70,000 bytes and 30,000 bytes of RAM do not fit 64 KiB and 20 KiB."""
    big = network()
    text = "\nconst unsigned char net_more[70000] = {1};\nunsigned char net_much[30000];\n"
    use = "int net_selftest(void);\nextern const unsigned char net_more[]; extern unsigned char net_much[];\n"
    test = big.files["net_test.c"].replace(
        "int net_selftest(void)\n{", use + "int net_selftest(void)\n{\n    net_much[net_more[1]] = 1;", 1
    )
    small = prepare(big, board_named("bluepill-f103")).built.need
    with pytest.raises(LrtcError) as error:
        prepare(
            Network("net", {**big.files, "net.c": big.files["net.c"] + text, "net_test.c": test}),
            board_named("bluepill-f103"),
        )
    flash, ram = (str(fault) for fault in error.value.faults)
    assert "does not fit bluepill-f103" in str(error.value)
    over = int(flash.rsplit(": ", 1)[1].split()[0].replace(",", ""))
    assert abs(over - (small.flash + 70000 - 64 * 1024)) <= 64
    assert f"{small.ram + 30000:,} bytes and 1,024 of stack needed, 20,480 there" in ram
    found = {fit.board.name: fit for fit in fits(big, map(board_named, ("bluepill-f103", "microbit-v1")))}
    assert found["bluepill-f103"].fits
    assert found["bluepill-f103"].flash == small.flash


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"program": "selftest"}, "--firmware selftest: no such program (did you mean 'self-test'?)"),
        ({"console": "art"}, "--console art: nucleo-f446re has uart, rtt, semihosting"),
    ],
)
def test_what_a_board_has_not_is_refused(options: dict[str, str], words: str):
    with pytest.raises(LrtcError) as error:
        made("nucleo-f446re", **options)
    assert words in str(error.value)


def test_a_network_without_classes_or_vectors_is_refused():
    files = network().files
    bare = Network("net", {path: text for path, text in files.items() if path != "net_test.c"})
    with pytest.raises(LrtcError, match="without a self-test"):
        prepare(bare, board_named("emulated-cortex-m4"))
    header = {"net.h": files["net.h"].replace("net_classify", "net_other")}
    with pytest.raises(LrtcError, match="no vector of logits"):
        prepare(Network("net", {**files, **header}), board_named("emulated-cortex-m4"), "classify")
