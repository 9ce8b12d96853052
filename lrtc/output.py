"""Writing a folder of generated files: all of it or nothing, and never over what is not ours."""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lrtc.errors import LrtcError
from lrtc.wholefile import write_whole

MANIFEST = "lrtc.json"


def check_folder(folder: Path) -> None:
    """Raise LrtcError unless `folder` is absent, empty, or a folder that lrtc wrote and nobody added to."""
    if not folder.exists() and not folder.is_symlink():
        parent = next(p for p in folder.absolute().parents if p.exists())
        if not parent.is_dir():
            raise LrtcError(f"{folder}: {parent} is a file", hint="choose another -o")
        if not os.access(parent, os.W_OK):
            raise LrtcError(f"{folder}: {parent} cannot be written to", hint="choose another -o")
        return
    if not folder.is_dir():
        raise LrtcError(f"{folder} is a file, not a folder", hint="choose another -o, or remove the file")
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}
    if not found:
        return
    ours = _manifest_files(folder)
    if ours is None:
        raise LrtcError(
            f"{folder} holds files that lrtc did not write (no {MANIFEST} in it)",
            hint="choose a new or empty folder with -o",
        )
    if strangers := sorted(found - ours):
        names = ", ".join(strangers[:3]) + (", …" if len(strangers) > 3 else "")
        raise LrtcError(f"{folder} holds files beside those that lrtc wrote: {names}", hint="move them, or choose -o")


def _manifest_files(folder: Path) -> set[str] | None:
    """Return the files that a manifest in `folder` lists, itself included, or None if there is no sound one."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(files, list) or not all(isinstance(f, str) for f in files):
        return None
    return {*files, MANIFEST}


def write_folder(folder: Path, files: Mapping[str, str | bytes], manifest: Mapping[str, object]) -> Path:
    """Write files and manifest into `folder`, replacing what lrtc wrote there before; return the folder.

    Everything is written beside it first and moved in one step: an interrupted run leaves the old folder, whole.
    """
    check_folder(folder)
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        new = staging / "new"
        new.mkdir()
        everything = {**files, MANIFEST: json.dumps({**manifest, "files": sorted(files)}, indent=2) + "\n"}
        for relative, contents in everything.items():
            path = new / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents.encode("utf-8") if isinstance(contents, str) else contents)
        if folder.exists():
            folder.rename(staging / "old")
        try:
            new.rename(folder)
        except OSError:
            if (staging / "old").exists():
                (staging / "old").rename(folder)
            raise
    except OSError as error:
        raise LrtcError(f"{folder} could not be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to an .npz in one step: the old file or the new one, whole."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    write_whole(path, file.getvalue())
