"""The file model.pt: a description as plain data and tensors, written whole or not at all, read without code.

torch.save of a dict: "format" "lrtc-model", "version" 1, "producer" "lrtc x.y.z", "name", "output" (a layer's name, or
a tuple, list or dict of them, as forward returns them), "inputs" (their names, where there are several), "graph": a
list of {"name", "kind", "inputs", "attrs", "origin"} in topological order (see `description.Layer`), "tensors":
{"origin.parameter": tensor}. Kinds, attributes and tensors are those of the table in `layers`.
"""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lrtc import __version__
from lrtc.errors import Fault, LrtcError, count, shown
from lrtc.frontend.archive import MAX_BYTES, SAVE, Outline, outline
from lrtc.frontend.check import MAX_LAYERS, form_faults, value_faults
from lrtc.frontend.describe import describe
from lrtc.frontend.description import INPUT, Description, Layer
from lrtc.frontend.fields import plain
from lrtc.frontend.rebuild import rebuild
from lrtc.wholefile import write_whole

FORMAT, VERSION = "lrtc-model", 1
HEADER = {"format": str, "version": int, "producer": str, "name": str, "graph": list, "output": object, "tensors": dict}
OPTIONAL = {"inputs": tuple}
LAYER = {"name": str, "kind": str, "inputs": tuple, "attrs": dict, "origin": str}


def save(model: nn.Module, path: str | os.PathLike, name: str | None = None) -> None:
    """Write the model to `path`; a file that is there is replaced at once, or kept if anything fails.

    name: the model's name, the file's stem if not given. LrtcError if a layer has no rule (see `describe`).
    """
    path = Path(path)
    data = to_bytes(describe(model, path.stem if name is None else name))
    write_whole(path, data)


def to_bytes(description: Description) -> bytes:
    """Return the bytes of a model file; the same description gives the same bytes."""
    graph = [
        {"name": v.name, "kind": v.kind, "inputs": v.inputs, "attrs": dict(v.attrs), "origin": v.origin}
        for v in description.layers
    ]
    content = {
        "format": FORMAT,
        "version": VERSION,
        "producer": f"lrtc {__version__}",
        "name": description.name,
        "graph": graph,
        "output": description.output,
        "tensors": {key: t.detach().contiguous().clone() for key, t in description.tensors.items()},
    }
    if description.inputs != (INPUT,):
        content["inputs"] = description.inputs
    buffer = io.BytesIO()
    torch.save(content, buffer)
    data = buffer.getvalue()
    if len(data) > MAX_BYTES:
        raise LrtcError(f"the model needs {len(data)} bytes; a model file has at most {MAX_BYTES}")
    return data


def read(path: str | os.PathLike) -> Description:
    """Return the description that a model file holds; LrtcError says all that is wrong with it. Runs no code of it."""
    where = shown(str(path), 200)
    return from_bytes(_file_bytes(Path(path), where), where)


def load(path: str | os.PathLike) -> nn.Module:
    """Return a torch module in eval mode from a model file."""
    return rebuild(read(path))


def from_bytes(data: bytes, where: str) -> Description:
    """Return the description that the bytes of a model file hold; `where` is what messages call it."""
    content = outline(data, where)
    _check_header(content, where)
    if len(content["graph"]) > MAX_LAYERS:
        raise LrtcError(f"{where} has {len(content['graph'])} layers; at most {MAX_LAYERS} are supported")
    faults: list[Fault] = []
    layers = [_layer(item, i, faults) for i, item in enumerate(content["graph"])]
    outlines = {key: value for key, value in content["tensors"].items() if type(key) is str and type(value) is Outline}
    if len(outlines) != len(content["tensors"]):
        faults.append(Fault("tensors", "must be tensors under names"))
    inputs = content.get("inputs", (INPUT,))
    found = Description(content["name"], tuple(filter(None, layers)), content["output"], outlines, inputs)
    _check(faults or form_faults(found), where)
    tensors = _tensors(data, where, outlines)
    description = replace(found, tensors=tensors)
    _check(value_faults(description), where)
    return description


def _file_bytes(path: Path, where: str) -> bytes:
    try:
        if path.is_dir():
            raise LrtcError(f"{where} is a folder; a model is a file, such as model.pt")
        if not path.exists():
            raise LrtcError(f"{where}: no such file", hint="a model file is what lrtc.save(model, path) writes")
        if not path.is_file():
            raise LrtcError(f"{where} is not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise LrtcError(f"{where} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_BYTES:
        raise LrtcError(f"{where} is larger than {MAX_BYTES >> 20} MiB, the most a model file may have")
    return data


def _check_header(content: Any, where: str) -> None:
    """Refuse what is not version 1 of our format, by name."""
    if isinstance(content, Outline):
        raise LrtcError(f"{where} holds one tensor, not a model", hint=SAVE)
    if not isinstance(content, dict):
        raise LrtcError(f"{where} holds a {type(content).__name__}, not a model", hint=SAVE)
    if content.get("format") != FORMAT:
        raise LrtcError(f"{where} is not written by lrtc: {_foreign(content)}", hint=_foreign_hint(content))
    number = content.get("version")
    if type(number) is not int or number < 1:
        raise LrtcError(f"{where}: version={shown(repr(number) if plain(number) else number)} is not a version")
    if number > VERSION:
        written = content.get("producer")
        by = f" ({shown(written)})" if type(written) is str else ""
        what = f"{where} was written by a newer lrtc{by}: format {number}; this one reads up to {VERSION}"
        raise LrtcError(what, hint="upgrade lrtc, or save the model again with this version")
    faults = [
        Fault(
            key,
            "is missing" if key not in content else f"is of type {type(content[key]).__name__}, not {kind.__name__}",
        )
        for key, kind in (HEADER | {key: kind for key, kind in OPTIONAL.items() if key in content}).items()
        if kind is not object and type(content.get(key)) is not kind
    ]
    if "output" not in content:
        faults.append(Fault("output", "is missing"))
    faults += [Fault(shown(key), "is not part of a model file") for key in content if key not in HEADER | OPTIONAL]
    _check(faults, where)


def _foreign(content: dict) -> str:
    if content and all(isinstance(value, Outline) for value in content.values()):
        return "a state_dict, which has tensors but no layers"
    if "state_dict" in content:
        return "a training checkpoint"
    return f"a dict of {', '.join(shown(key, 20) for key in list(content)[:5]) or 'nothing'}"


def _foreign_hint(content: dict) -> str:
    if "state_dict" in content or any(isinstance(value, Outline) for value in content.values()):
        return "build the model in Python, model.load_state_dict(…), then lrtc.save(model, path)"
    return SAVE


def _layer(item: Any, index: int, faults: list[Fault]) -> Layer | None:
    """Return one layer of the graph, or None and a fault if it is not plain data of the right form."""
    where = f"layer {index}"
    if type(item) is not dict or set(item) != set(LAYER):
        faults.append(Fault(where, f"must have exactly {', '.join(LAYER)}"))
        return None
    wrong = [f"{key} is not {kind.__name__}" for key, kind in LAYER.items() if type(item[key]) is not kind]
    if not wrong and (len(item["inputs"]) > 8 or len(item["attrs"]) > 32):
        wrong = ["more inputs or attributes than a layer has"]
    if not wrong and not all(type(name) is str for name in item["inputs"]):
        wrong = ["inputs are not names"]
    if not wrong and not all(type(k) is str and plain(v) for k, v in item["attrs"].items()):
        wrong = ["attrs hold more than plain finite values"]
    faults.extend(Fault(where, what) for what in wrong)
    return None if wrong else Layer(**item)


def _tensors(data: bytes, where: str, outlines: dict[str, Outline]) -> dict[str, torch.Tensor]:
    """Return the tensors, dense, contiguous and each with its own memory."""
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        loaded = {key: content["tensors"][key] for key in outlines}
        for key, known in outlines.items():
            if (loaded[key].dtype, tuple(loaded[key].shape)) != (known.dtype, known.shape):
                raise ValueError(f"{key} is not what it was said to be")
        return {key: t.detach().clone(memory_format=torch.contiguous_format) for key, t in loaded.items()}
    except Exception as error:  # torch.load raises many kinds for a damaged file
        what = f"{where} is damaged: its tensors cannot be read ({type(error).__name__})"
        raise LrtcError(what, hint="copy or save it again") from error


def _check(faults: list[Fault], where: str) -> None:
    if faults:
        raise LrtcError(f"{where} is not a usable model: {count(len(faults), 'fault')}", faults)
