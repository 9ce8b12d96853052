"""An ELF program as the files that programmers take: BIN, Intel HEX, UF2."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from lrtc.check.firmware import Firmware, segments
from lrtc.errors import LrtcError

LARGEST = 64 << 20  # bytes of a BIN
RECORD = 16  # bytes in a line of HEX
UF2_PAYLOAD = 256  # bytes of a program in a block of UF2: a page of the flash chips behind such boot loaders
UF2_BLOCK = 512
UF2_START, UF2_MAGIC, UF2_END, UF2_FAMILY = 0x0A324655, 0x9E5D5157, 0x0AB16F30, 0x2000


@dataclass(frozen=True)
class Segment:
    """A part of a program: where it is stored, where it lies when it runs, its bytes in memory and in the file."""

    load: int
    run: int
    size: int
    contents: bytes


def segments_of(firmware: Firmware) -> tuple[Segment, ...]:
    """Return what a program loads, in the order of where it is stored."""
    return tuple(sorted((Segment(*part) for part in segments(firmware)), key=lambda s: s.load))


def to_bin(segments: tuple[Segment, ...]) -> bytes:
    """Return the bytes from the lowest stored address to the last; what lies between parts is 0xff, as erased flash."""
    stored = [s for s in segments if s.contents]
    if not stored:
        return b""
    first, last = stored[0].load, max(s.load + len(s.contents) for s in stored)
    if last - first > LARGEST:
        raise LrtcError(f"the program's parts lie {last - first} bytes apart; a BIN of at most {LARGEST} is written")
    image = bytearray(b"\xff" * (last - first))
    for s in stored:
        image[s.load - first : s.load - first + len(s.contents)] = s.contents
    return bytes(image)


def to_hex(segments: tuple[Segment, ...]) -> str:
    """Return the program as Intel HEX (32-bit: records 00, 01, 04)."""
    lines, upper = [], 0
    for s in segments:
        for address, chunk in _chunks(s, RECORD):
            if address >> 16 != upper:
                upper = address >> 16
                lines.append(_record(0, 4, upper.to_bytes(2, "big")))
            lines.append(_record(address & 0xFFFF, 0, chunk))
    return "\n".join([*lines, _record(0, 1, b"")]) + "\n"


def _chunks(segment: Segment, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield (address, bytes): at most `size`, and none across a multiple of it."""
    at, end = segment.load, segment.load + len(segment.contents)
    while at < end:
        until = min(end, (at // size + 1) * size)
        yield at, segment.contents[at - segment.load : until - segment.load]
        at = until


def _record(address: int, kind: int, contents: bytes) -> str:
    body = bytes([len(contents), address >> 8, address & 0xFF, kind]) + contents
    return f":{body.hex().upper()}{-sum(body) & 0xFF:02X}"


def to_uf2(segments: tuple[Segment, ...], family: int) -> bytes:
    """Return the program as UF2 blocks of 256 bytes for a family of chips; a page's missing bytes are 0."""
    pages: dict[int, bytearray] = {}
    for s in segments:
        for address, chunk in _chunks(s, UF2_PAYLOAD):
            page = pages.setdefault(address // UF2_PAYLOAD * UF2_PAYLOAD, bytearray(UF2_PAYLOAD))
            page[address % UF2_PAYLOAD : address % UF2_PAYLOAD + len(chunk)] = chunk
    blocks = bytearray()
    for i, address in enumerate(sorted(pages)):
        head = (UF2_START, UF2_MAGIC, UF2_FAMILY, address, UF2_PAYLOAD, i, len(pages), family)
        block = struct.pack("<8I", *head) + bytes(pages[address])
        blocks += block.ljust(UF2_BLOCK - 4, b"\0") + struct.pack("<I", UF2_END)
    return bytes(blocks)
