"""The other end of a board's serial line: an image out, its class in. POSIX; nothing but Python's library is needed.

    with Line("/dev/ttyUSB1") as line:
        print(line.classify(image))          # bytes in the order rows, columns, channels

As a program: python lrtc_serial.py /dev/ttyUSB1 784 < images.bin    prints a class for every 784 bytes.
"""

from __future__ import annotations

import os
import select
import sys
import termios
import time

ALARM = 128
REST_SECONDS = 0.03  # the board waits for 20 ms
PATIENCE = 2.0  # seconds until an answer must have come


class Lost(Exception):
    """The board lost a byte, or did not answer; after `rest`, send again."""


class Line:
    """An open serial line."""

    def __init__(self, path: str, baud: int = 1_000_000) -> None:
        speed = getattr(termios, f"B{baud}", None)
        if speed is None:
            raise ValueError(f"{baud} baud is unknown here")
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        flags = termios.CS8 | termios.CREAD | termios.CLOCAL
        mode = termios.tcgetattr(self.fd)
        mode[:6] = [0, 0, flags, 0, speed, speed]
        mode[6][termios.VMIN] = mode[6][termios.VTIME] = 0
        termios.tcsetattr(self.fd, termios.TCSANOW, mode)
        self.rest()

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    def rest(self) -> None:
        """Wait until the board takes the next byte for the first of an image."""
        termios.tcdrain(self.fd)
        time.sleep(REST_SECONDS)
        termios.tcflush(self.fd, termios.TCIFLUSH)

    def send(self, image: bytes) -> None:
        """Send all of an image."""
        while image:
            image = image[os.write(self.fd, image) :]

    def answer(self) -> int:
        """Return the next class; Lost if the board lost a byte or says nothing."""
        if not select.select([self.fd], [], [], PATIENCE)[0]:
            raise Lost("no answer")
        came = os.read(self.fd, 1)
        if len(came) != 1 or came[0] >= ALARM:
            raise Lost("a byte was lost")
        return came[0]

    def classify(self, image: bytes) -> int:
        """Return the class of an image."""
        self.send(image)
        return self.answer()


def main() -> None:
    """Print a class for every image of standard input."""
    path, size = sys.argv[1], int(sys.argv[2])
    with Line(path) as line:
        while len(image := sys.stdin.buffer.read(size)) == size:
            print(line.classify(image))


if __name__ == "__main__":
    main()
