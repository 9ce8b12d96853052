"""Folders of compiled networks: what `lrtc compile` writes carries its network, so that a folder alone can be read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lrtc import __version__
from lrtc.asked import options_of, plain_options
from lrtc.driver import TARGETS, Model, Result, compile, legal_name
from lrtc.errors import Fault, LrtcError, count, shown
from lrtc.ir.saved import from_data, to_data
from lrtc.output import MANIFEST, write_folder
from lrtc.proving import CERTIFICATE, digest_of, read_certificate, same_but_vectors

LARGEST = 512 << 20  # bytes of a file that is read
AGAIN = "compile the model again: `lrtc compile MODEL -o DIR`"


@dataclass(frozen=True)
class Folder:
    """A folder whose files are what its network compiles to. certificate: whether one is there, about these files."""

    path: Path
    result: Result
    certificate: Path | None = None


def network_file(name: str) -> str:
    """Return the file of a folder that carries the network as it was read."""
    return f"{name}_network.json"


def write_compiled(folder: Path, result: Result, more: Mapping[str, str] | None = None) -> list[str]:
    """Write what was compiled, its network, `more` files and the manifest into a folder, all or none; return names."""
    carried = json.dumps(to_data(result.model.graph), separators=(",", ":"), sort_keys=True) + "\n"
    files = {**result.files, **(more or {}), network_file(result.name): carried}
    prefix = str(result.options.get("prefix") or "")
    manifest = {
        "lrtc": __version__,
        "target": result.target,
        "name": result.name,
        **({"symbols": prefix + result.name} if prefix else {}),
        "network": network_file(result.name),
        "options": plain_options(result.options),
        "sha256": {path: hashlib.sha256(text.encode()).hexdigest() for path, text in sorted(files.items())},
    }
    write_folder(folder, files, manifest)
    return sorted(files)


def read_compiled(folder: Path) -> Folder:
    """Return what is in a folder that `lrtc compile` wrote; LrtcError names what is missing, changed or of other kinds.

    The files are those that were written (SHA-256), and compiling the network that the folder carries gives them again,
    but for the vectors of a self-test.
    """
    where = shown(str(folder), 200)
    manifest = _manifest(folder, where)
    _check_hashes(folder, where, manifest["sha256"])
    graph_of = str(manifest["network"])
    try:
        graph = from_data(json.loads((folder / graph_of).read_text(encoding="utf-8")))
        model = Model(legal_name(str(manifest["name"])), graph)
        result = compile(model, str(manifest["target"]), **options_of(manifest["options"]))
    except (ValueError, RecursionError, OSError, TypeError, KeyError, AttributeError) as error:
        raise LrtcError(f"{where}: {shown(graph_of)} is no network: {shown(str(error), 120)}", hint=AGAIN) from None
    other = [
        Fault(shown(name), "compiling gives another file")
        for name, text in result.files.items()
        if not _is_text(folder / name, text) and not same_but_vectors(folder / name, text)
    ]
    if other:
        made = str(manifest["lrtc"])
        hint = AGAIN if made == __version__ else f"it was written by lrtc {shown(made)}, this is {__version__}; {AGAIN}"
        raise LrtcError(f"{where} is not what its network compiles to", other, hint)
    certificate = folder / CERTIFICATE if CERTIFICATE in manifest["sha256"] else None
    if certificate and read_certificate(certificate)["graph"]["read"] != digest_of(graph):
        raise LrtcError(f"{where}: {CERTIFICATE} is about another network", hint=AGAIN)
    return Folder(folder, result, certificate)


def _manifest(folder: Path, where: str) -> dict:
    """Return a manifest that carries a network, its fields of the right kinds."""
    hint = "`lrtc compile MODEL -o DIR` writes one"
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        target, listed = found["target"], found["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise LrtcError(f"{where} is no folder that lrtc compiled to: no sound {MANIFEST} in it", hint=hint) from None
    if target not in TARGETS:
        known = {"bitstream": "its report.json has its figures", "firmware": "`lrtc size --board` has its figures"}
        more = known.get(target) if isinstance(target, str) else None
        raise LrtcError(
            f"{where} holds {shown(target)}, not a compiled network{f'; {more}' if more else ''}", hint=hint
        )
    kinds = {"lrtc": str, "name": str, "network": str, "options": dict, "sha256": dict}
    if "network" not in found:
        raise LrtcError(f"{where} carries no network: an older lrtc wrote it", hint=AGAIN)
    if any(not isinstance(found.get(key), kind) for key, kind in kinds.items()) or not isinstance(listed, list):
        raise LrtcError(f"{where}: {MANIFEST} is not as lrtc writes it", hint=AGAIN)
    hashes = found["sha256"]
    if found["network"] not in hashes or not all(isinstance(h, str) for h in hashes.values()):
        raise LrtcError(f"{where}: {MANIFEST} is not as lrtc writes it", hint=AGAIN)
    if {"model", "target", "name", "watch", "vectors", "verify"} & set(found["options"]):
        raise LrtcError(f"{where}: {MANIFEST} has options that are none", hint=AGAIN)
    return found


def _check_hashes(folder: Path, where: str, hashes: Mapping[str, str]) -> None:
    faults = []
    for name, wanted in hashes.items():
        try:
            file = (folder / name).resolve()
            if not file.is_relative_to(folder.resolve()):
                raise LrtcError(f"{where}: {MANIFEST} names the file {shown(name)!r} outside of the folder", hint=AGAIN)
            size = file.stat().st_size
            data = file.read_bytes() if file.is_file() and size <= LARGEST else None
        except (OSError, ValueError):  # ValueError: a name that no file can have
            data = None
        if data is None:
            faults.append(Fault(shown(name), "is missing"))
        elif hashlib.sha256(data).hexdigest() != wanted:
            faults.append(Fault(shown(name), "was changed since lrtc wrote it"))
    if faults:
        hint = f"{AGAIN}, or put the files back"
        raise LrtcError(f"{where} is not as lrtc wrote it: {count(len(faults), 'fault')}", faults, hint)


def _is_text(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False
