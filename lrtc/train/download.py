"""Files of a data set that are not there, fetched where there is internet: whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lrtc.errors import LrtcError

CHUNK = 1 << 20
WAIT = 30  # seconds without a byte


@dataclass(frozen=True)
class Source:
    """Where one file is: its address, and the MD5 of its bytes, which finds damage and no forgery."""

    url: str
    md5: str


def absent(folder: Path, sources: Mapping[str, Source]) -> list[str]:
    """Return the names of the files that are not in the folder."""
    return [name for name in sources if not (folder / name).is_file()]


def download(folder: Path, sources: Mapping[str, Source]) -> list[str]:
    """Fetch the files that are not in the folder, which is made if need be; return their names.

    LrtcError says which address failed and why; files that came before it are kept.
    """
    names = absent(folder, sources)
    for name in names:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{name}.part"
        try:
            found = _fetch(sources[name].url, part)
            if found != sources[name].md5:
                raise LrtcError(
                    f"{sources[name].url}: what came has MD5 {found}; {sources[name].md5} is expected",
                    hint=f"fetch {name} by other means into {folder}",
                )
            os.replace(part, folder / name)
        finally:
            part.unlink(missing_ok=True)
    return names


def _fetch(url: str, path: Path) -> str:
    """Write what is at the address to a file; return its MD5."""
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with urllib.request.urlopen(url, timeout=WAIT) as answer, path.open("wb") as f:
            while chunk := answer.read(CHUNK):
                digest.update(chunk)
                f.write(chunk)
    except (OSError, ValueError) as e:  # urllib's errors are OSErrors
        raise LrtcError(f"{url}: {e}", hint="--download needs internet; else put the files into the folder") from e
    return digest.hexdigest()
