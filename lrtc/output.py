"""Writing a folder of generated files: all of it or nothing, and never over what is not ours."""

from __future__ import annotations

import glob
import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lrtc.errors import LrtcError, shown
from lrtc.exchange import exchange
from lrtc.wholefile import write_whole

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

MANIFEST = "lrtc.json"
STAGING = ".lrtc-staging"


def check_folder(folder: Path) -> None:
    """Raise LrtcError unless `folder` is absent, empty, or a folder that lrtc wrote and nobody added to."""
    if not _is_there(folder):
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


def _is_there(folder: Path) -> bool:
    """Return whether there is anything of that name; LrtcError if there can be none."""
    try:
        return folder.exists() or folder.is_symlink()
    except OSError as error:  # longer than a name may be
        what = f"{shown(str(folder))} cannot be looked at: {error.strerror}"
        raise LrtcError(what, hint="choose another -o") from None


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

    Everything is written beside it first and moved in one step: a run that is interrupted at any moment, also by
    kill -9, leaves the old folder or the new one, whole (where folders cannot change places in one step, see
    `exchange`, one that is killed between two steps leaves the old one beside its place). What killed runs left there
    is removed.
    """
    check_folder(folder)
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging, lock = _staging(folder)
    try:
        new = staging / "new"
        new.mkdir()
        everything = {**files, MANIFEST: json.dumps({**manifest, "files": sorted(files)}, indent=2) + "\n"}
        for relative, contents in everything.items():
            path = new / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents.encode("utf-8") if isinstance(contents, str) else contents)
        _put(new, folder, staging / "old")
    except OSError as error:
        raise LrtcError(f"{folder} could not be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if lock is not None:
            os.close(lock)
    return folder


def _put(new: Path, folder: Path, old: Path) -> None:
    """Move `new` to the place of `folder`, which may be there or not; another run may put its own there meanwhile."""
    if folder.exists():
        if exchange(new, folder):
            return
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
            raise
        if not exchange(new, folder):
            raise


def _staging(folder: Path) -> tuple[Path, int | None]:
    """Return a new folder beside `folder`, and what holds a lock on it; what killed runs left there is removed.

    One run at a time does this, so that none takes a folder that is not locked yet for one that was left.
    """
    turn = _locked(folder.parent, wait=True)
    try:
        _remove_left(folder)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", suffix=STAGING, dir=folder.parent))
        return staging, _locked(staging)
    finally:
        if turn is not None:
            os.close(turn)


def _locked(folder: Path, wait: bool = False) -> int | None:
    """Return a handle that holds a lock on a folder as long as this process lives; None if it cannot be had."""
    if fcntl is None:
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(handle)
        return None
    return handle


def _remove_left(folder: Path) -> None:
    """Remove what runs that were killed left beside `folder`: staging that no living process holds."""
    for staging in folder.parent.glob(f".{glob.escape(folder.name)}-*{STAGING}"):
        lock = None
        try:
            lock = _locked(staging)
            if lock is not None:
                shutil.rmtree(staging, ignore_errors=True)
        except OSError:
            continue  # another run removed it
        finally:
            if lock is not None:
                os.close(lock)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to an .npz in one step: the old file or the new one, whole."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    write_whole(path, file.getvalue())
