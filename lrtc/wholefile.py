"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from lrtc.errors import LrtcError, shown


def write_whole(path: Path, data: bytes) -> None:
    """Write the bytes beside the target and rename: `path` is the old file or the new one, never a part of one.

    LrtcError if that cannot be done; nothing is left behind then.
    """
    where = shown(str(path), 200)
    if os.path.isdir(path):
        raise LrtcError(f"{where} is a folder; give the name of a file in it")
    try:
        _write(path, data)
    except OSError as error:
        raise LrtcError(f"{where} cannot be written: {error.strerror}") from error


def _write(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".lrtc.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)  # mkstemp's files are private
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
