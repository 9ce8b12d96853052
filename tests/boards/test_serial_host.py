"""The drivers of a board's serial line, C and Python, at a pseudo-terminal with a board's answers at its other end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator

import pytest
from verilog.networks import Maker

from lrtc.backends.verilog.board import board_files
from lrtc.boards.fpga import fpga_named
from lrtc.check.toolchain import STRICT
from lrtc.resources import share

HOST = share("hw") / "board" / "host"
SIZE = 16
IMAGES = [bytes([k] * SIZE) for k in (3, 7, 1)]  # a stand-in's class is the image's first byte; 200: a byte was lost


@pytest.fixture
def board() -> Iterator[str]:
    """Return the path of a line at which every 16 bytes are answered."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)

    def answer() -> None:
        seen = b""
        while True:
            try:
                seen += os.read(ours, 64)
            except OSError:
                return
            while len(seen) >= SIZE:
                os.write(ours, bytes([min(seen[0], 128)]))
                seen = seen[SIZE:]

    threading.Thread(target=answer, daemon=True).start()
    yield os.ttyname(theirs)
    os.close(theirs)
    os.close(ours)


def test_python_classifies_and_tells_a_lost_byte(board: str, tmp_path):
    graph = Maker("tiny", (4, 4, 1), 3).linear("l", 5).done()
    driver = board_files(graph, "tiny", fpga_named("icebreaker"), 5)["host/lrtc_serial.py"]
    (tmp_path / "lrtc_serial.py").write_text(driver)
    words = [sys.executable, str(tmp_path / "lrtc_serial.py"), board]
    done = subprocess.run(words, input=b"".join(IMAGES), capture_output=True, check=True, timeout=60)
    assert done.stdout.split() == [b"3", b"7", b"1"]
    done = subprocess.run(words, input=bytes([200] * SIZE), capture_output=True, check=False, timeout=60)
    assert b"Lost: a byte was lost" in done.stderr


def test_c_classifies_and_tells_a_lost_byte(board: str, tmp_path):
    main = """#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE
#include <stdio.h>
#include "lrtc_serial.h"
int main(int argc, char **argv)
{
    static const uint8_t values[4] = {3, 7, 1, 200};
    uint8_t image[16];
    size_t k, i;
    const int line = argc > 1 ? lrtc_serial_open(argv[1], 1000000) : -1;
    for (k = 0; line >= 0 && k < 4; k++) {
        for (i = 0; i < 16; i++) {
            image[i] = values[k];
        }
        printf("%d\\n", lrtc_serial_classify(line, image, 16));
    }
    printf("%d\\n", lrtc_serial_open(argv[1], 17));
    return line < 0;
}
"""
    (tmp_path / "main.c").write_text(main)
    flags = ["-std=c99", *STRICT, f"-I{HOST}", "-o", "main"]
    subprocess.run(["cc", *flags, "main.c"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "main", board], capture_output=True, check=True, timeout=60)
    assert done.stdout.split() == [b"3", b"7", b"1", b"128", b"-1"]
