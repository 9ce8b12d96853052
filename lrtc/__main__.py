"""The command `lrtc`, also as `python -m lrtc`: Ctrl-C ends it with status 130, from the first import on."""

from __future__ import annotations

import signal
import sys

INTERRUPTED, ENDED = 130, 143  # 128 + the number of the signal, as shells have it


def main() -> None:
    """Run the command line. Interrupted or told to end, it takes back what is half done and says nothing of itself."""
    try:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(ENDED))
        from lrtc.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
