"""Readers of HEX and UF2, apart from the writers: {address: byte}."""

from __future__ import annotations

import struct


def read_hex(text: str) -> dict[int, int]:
    """Return the bytes of an Intel HEX file; every checksum and the end record are checked."""
    found: dict[int, int] = {}
    upper, ended = 0, False
    for line in text.splitlines():
        assert not ended
        assert line[0] == ":"
        record = bytes.fromhex(line[1:])
        assert sum(record) % 256 == 0
        size, address, kind, data = record[0], int.from_bytes(record[1:3], "big"), record[3], record[4:-1]
        assert size == len(data)
        if kind == 0:
            assert address + size <= 0x10000
            for i, byte in enumerate(data):
                assert upper + address + i not in found
                found[upper + address + i] = byte
        elif kind == 4:
            upper = int.from_bytes(data, "big") << 16
        else:
            assert kind == 1
            ended = True
    assert ended
    return found


def read_uf2(data: bytes, family: int) -> dict[int, int]:
    """Return the bytes of a UF2 file; every field of every block is checked."""
    found: dict[int, int] = {}
    assert len(data) % 512 == 0
    for i in range(len(data) // 512):
        block = data[512 * i : 512 * (i + 1)]
        start, magic, flags, address, size, number, count, of = struct.unpack("<8I", block[:32])
        assert (start, magic, flags) == (0x0A324655, 0x9E5D5157, 0x2000)
        assert (size, number, count, of) == (256, i, len(data) // 512, family)
        assert block[-4:] == struct.pack("<I", 0x0AB16F30)
        assert address % 256 == 0
        found |= {address + k: byte for k, byte in enumerate(block[32 : 32 + size])}
    return found
