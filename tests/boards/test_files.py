"""Board files are data: each of ours is sound, what is wrong in one of another is refused by name, all at once."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtc.backends.c.firmware import board_view
from lrtc.boards import PROGRAMMERS, Board, board_named, board_names, parse_board
from lrtc.boards.reading import tomllib
from lrtc.check.cores import CORES
from lrtc.errors import LrtcError

FOLDER = Path(__file__).parent.parent.parent / "lrtc" / "boards"
GOOD = tomllib.loads((FOLDER / "rp2040-pico.toml").read_text(encoding="utf-8"))
HOSTILE = (
    True, -1, 2**40, 1e400, "", "*/ int x; /*", "a\nb", "$(id)", "`id`", "; id", "-c", "../../etc/passwd", "x" * 400,
    [], {}, ["exec"], {"data": 0}, [["write", 0, 1]] * 200, [["write", 1, 1]], [["jump", 0, 0]], "\u202e",
)  # fmt: skip


@pytest.mark.parametrize("name", board_names())
def test_every_board_of_ours_is_sound(name: str):
    board = board_named(name)
    assert board.core in CORES
    assert board.consoles
    assert bool(board.programmers) != board.emulated
    assert board.title.isascii()
    assert board.current is None or board.current.source


def test_the_boards_are_those_that_people_have():
    chips = {board_named(name).chip for name in board_names()}
    assert {
        "nRF51822", "nRF52833", "nRF52840", "STM32F446RE", "STM32L432KC", "STM32H743ZI", "STM32G0B1RE", "STM32F407VG",
        "STM32F103C8", "RP2040", "RP2350", "ESP32-C3", "ATmega328P",
    } <= chips  # fmt: skip
    assert board_names()[0] != sorted(board_names())[-1]


def test_an_unknown_board_gets_the_nearest_name():
    with pytest.raises(LrtcError, match="did you mean 'nucleo-f446re'") as error:
        board_named("nucleo-f466re")
    assert "emulated-cortex-m4" in str(error.value)
    with pytest.raises(LrtcError, match="did you mean 'rp2040-pico'"):  # part of a name is near to it
        board_named("pico")


def test_a_board_of_ones_own_is_a_file(tmp_path: Path):
    path = tmp_path / "my-board.toml"
    path.write_bytes((FOLDER / "rp2040-pico.toml").read_bytes())
    board = board_named(str(path))
    assert board.name == "my-board"
    assert board.chip == "RP2040"


def test_every_fault_is_named_at_once():
    table = copy.deepcopy(GOOD)
    del table["chip"]
    table["boot"] = "rp2041"
    table["flash"]["size"] = "2M"
    table["colour"] = "green"
    table["uart"]["init"][2] = ["wiat", 1, 0]
    table["programmers"]["openocd"]["config"] = ["interface/x.cfg", "-c", "exec id"]
    table["programmers"]["pyodc"] = {}
    with pytest.raises(LrtcError) as error:
        parse_board("mine", table, "mine.toml")
    said = str(error.value)
    for words in (
        "mine.toml: ", "chip: missing", "boot: rp2041 is unknown (did you mean 'rp2040'?)",
        "flash.size: 2M is no integer", "colour: no such field", "no address of 32 bits",
        "uart.init[2].action: wiat is unknown (did you mean 'wait'?)",
        "programmers.openocd: -c is no script of OpenOCD", "programmers.pyodc: unknown (did you mean 'pyocd'?)",
    ):  # fmt: skip
        assert words in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ram": {"origin": 0x10001000, "size": 4096}}, "ram: it overlaps flash"),
        ({"stack": 264 * 1024}, "stack: 270336 bytes are not below"),
        ({"flash": {"origin": 0xFFFFF000, "size": 8192}}, "it ends within 32 bits"),
        ({"core": "avr", "uart": None}, "uart: missing: a avr has no other way"),
    ],
)
def test_what_cannot_be_true_is_refused(change: dict, words: str):
    table = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(LrtcError) as error:
        parse_board("mine", table, "mine.toml")
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a b.toml", b"", "the file's name is the board's"),
        ("x.toml", b"title = ", "is no TOML"),
        ("x.toml", b"\xff\xfe", "is no TOML"),
        ("x.toml", b"a = " + b"[" * 3000, "is no TOML"),
        ("x.toml", b"#" * 70000, "at most 65536 bytes"),
    ],
)
def test_what_is_no_board_file_is_refused(tmp_path: Path, name: str, data: bytes, words: str):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(LrtcError, match=words):
        board_named(str(tmp_path / name))
    with pytest.raises(LrtcError, match="cannot be read"):
        board_named(str(tmp_path / "no.toml"))


def leaves(value: object, path: tuple = ()) -> list[tuple]:
    """Return the paths of everything inside a parsed file."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(*path, key) for key, _ in inner] + [p for key, v in inner for p in leaves(v, (*path, key))]


def put(value: object, path: tuple, new: object) -> object:
    """Return a parsed file with something else at a path, or as it is where there is no such path."""
    if not path:
        return new
    if isinstance(value, dict) and path[0] in value:
        return {**value, path[0]: put(value[path[0]], path[1:], new)}
    if isinstance(value, list) and isinstance(path[0], int) and path[0] < len(value):
        return [put(inner, path[1:], new) if i == path[0] else inner for i, inner in enumerate(value)]
    return value


PATHS = leaves(GOOD)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PATHS), st.sampled_from(HOSTILE)), min_size=1, max_size=3))
def test_a_hostile_file_is_refused_cleanly_or_harmless(changes: list[tuple]):
    """Whatever is put anywhere: an LrtcError, or a board whose texts cannot leave a comment, a word or a list."""
    table: object = GOOD
    for path, value in changes:
        table = put(table, path, value)
    try:
        board = parse_board("mine", table, "mine.toml")
    except LrtcError:
        return
    assert_harmless(board)


def assert_harmless(board: Board) -> None:
    view = board_view(board, board.consoles[0])
    for text in (view.title, view.chip, view.pins):
        assert "*/" not in text
        assert "\n" not in text
        assert text.isascii()
    for fields in board.programmers.values():
        for value in fields.values():
            for word in value if isinstance(value, tuple) else (str(value),):
                assert not word.startswith("-")
                assert ".." not in word
                assert not set(word) & set(" \t\n;$`\"'\\{}[]()|&<>*?")
    assert set(board.programmers) <= set(PROGRAMMERS)
