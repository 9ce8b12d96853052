"""FPGA boards: their files, the top with a serial line simulated with bytes, constraints, vendors' scripts."""

from __future__ import annotations

import numpy as np
import pytest
from verilog.networks import Maker

from lrtc import interp
from lrtc.backends.verilog.board import CONSTRAINTS, board_files, board_top, vendor_project
from lrtc.boards.fpga import fpga_named, fpga_names, parse_fpga
from lrtc.check.fpga import PARTS
from lrtc.check.serial import Sent, run_serial
from lrtc.check.verilator import lint
from lrtc.driver import compile, random_feeds
from lrtc.errors import LrtcError
from lrtc.ir import B1, Graph

CLASSES = 5


def tiny() -> Graph:
    """Return a network of a convolution and a linear layer, 6×6 bytes → 5 logits."""
    return Maker("tiny", (6, 6, 1), 3).conv("c", 4, stride=(2, 2)).codes(B1).linear("l", CLASSES).done()


@pytest.mark.parametrize("name", fpga_names())
def test_each_board_has_pins_constraints_and_a_clean_top(name: str):
    board = fpga_named(name)
    part = PARTS[board.device]
    ending = CONSTRAINTS[part.family.name]
    assert ending == part.family.constraints
    result = compile(tiny(), "verilog", output="class")
    files = dict(result.files) | board_files(result.graph, result.name, board, CLASSES, ending)
    assert lint(files, board_top(result.name)) == ""
    constraints = files[f"{board_top(result.name)}.{ending}"]
    for port, pin in board.pins.items():
        assert any(port in line and pin.name in line for line in constraints.splitlines()), port


def test_images_through_the_serial_line_are_classified_and_pauses_begin_anew():
    graph, board = tiny(), fpga_named("icebreaker")
    result = compile(graph, "verilog", output="class")
    files = dict(result.files) | board_files(result.graph, result.name, board, CLASSES)
    x = random_feeds(graph, 6)["x"]
    want = interp.answers(graph, {"x": x}).popitem()[1].reshape(6, -1).argmax(axis=1).tolist()
    images = [row.tobytes() for row in np.ascontiguousarray(x)]
    lost = images[0][:10]  # an image that is cut short, then a pause: it leaves nothing behind
    sent = images[0] + lost + b"".join(images[1:])
    pause = round(0.025 * board.clock_hz)
    runs = [Sent(sent, 6, pauses=[(len(images[0]) + 10, pause)]), Sent(sent, 6)]
    paused, whole = run_serial(files, board_top(result.name), board.clocks_per_bit, runs)
    assert list(paused.data) == want
    # without the pause the ten bytes are the beginning of the next image
    shifted = np.frombuffer(sent[: 6 * 36], np.uint8).reshape(6, 6, 6, 1)
    expected = interp.answers(graph, {"x": shifted}).popitem()[1].reshape(6, -1).argmax(axis=1).tolist()
    assert list(whole.data) == expected


def test_bytes_that_come_too_early_are_told_and_a_pause_begins_anew():
    graph = Maker("tiny", (6, 6, 1), 3).conv("c", 8).codes(B1).linear("l", CLASSES).done()
    slow = compile(graph, "verilog", output="class", fold={"c": (1, 1)})
    fast = parse_fpga("fast", {**table(), "clock_hz": 4_000_000, "baud": 1_000_000}, "fast.toml")  # 40 cycles a byte
    files = dict(slow.files) | board_files(slow.graph, slow.name, fast, CLASSES)
    x = np.ascontiguousarray(random_feeds(graph, 3)["x"])
    want = interp.answers(graph, {"x": x}).popitem()[1].reshape(3, -1).argmax(axis=1).tolist()
    breaths = [(36 + k, 100) for k in range(72)]  # the image before is at work for 72 cycles a window
    breaths[0] = (36, round(0.025 * fast.clock_hz))
    (heard,) = run_serial(files, board_top(slow.name), fast.clocks_per_bit, [Sent(x.tobytes(), 3, pauses=breaths)])
    assert list(heard.data) == [128, *want[1:]]


def table() -> dict[str, object]:
    return {
        "title": "t", "chip": "c", "device": "ice40-up5k", "clock_hz": 12_000_000, "baud": 115_200,
        "clock": {"pin": "35"}, "rx": {"pin": "6"}, "tx": {"pin": "9"}, "leds": {"pins": ["26"]},
        "programmers": {"iceprog": {}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"baud": 7_000_000}, "is no 1/4 to"),
        ({"rx": {"pin": "6; rm"}}, "does not look like one"),
        ({"colour": 1}, "no such field"),
        ({"programmers": {"dd": {}}}, "unknown; known: openfpgaloader, iceprog"),
        ({"programmers": {"a\0b": {}}}, r"programmers.a\x00b: unknown; known"),  # by fuzzing: it went into the terminal
        ({"leds": {"pins": ["26"], "standard": "TTL"}}, "does not look like one"),
    ],
)
def test_board_files_are_checked_whole(change: dict[str, object], text: str):
    with pytest.raises(LrtcError) as caught:
        parse_fpga("b", {**table(), **change}, "b.toml")
    assert text in str(caught.value)


def test_vendors_get_scripts_that_say_that_nobody_ran_them():
    for tool, part in (("vivado", "xc7z020clg400-1"), ("quartus", "5CSEMA5F31C6")):
        ((path, text),) = vendor_project(tool, "net", part, 10.0, "Cyclone V").items()
        assert path == f"{tool}.tcl"
        assert "not run here" in text.splitlines()[0]
        assert part in text
        assert "-period 10 " in text
