"""The kinds of inputs: each makes the one of a seed, and says how it is taken in; the seed decides all."""

from __future__ import annotations

import io
import json
import os
import random
import shlex
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import onnx
import torch
from fuzz.mutate import NUMBERS, OTHERS, TEXTS, changed, leaf, spoilt

from lrtc import cli
from lrtc.boards import board_names
from lrtc.boards.fpga import parse_fpga
from lrtc.boards.reading import parse_board, read_table, tomllib
from lrtc.driver import Model, compile
from lrtc.errors import LrtcError
from lrtc.frontend import lower, rebuild
from lrtc.frontend.layers import RULES
from lrtc.frontend.modelfile import from_bytes
from lrtc.frontend.qonnx import import_qonnx
from lrtc.frontend.qonnx.table import HANDLERS
from lrtc.ir import Graph, to_text
from lrtc.ir.saved import from_data, to_data

CORPUS = Path(__file__).parent / "corpus"
BOARDS = CORPUS.parents[2] / "lrtc" / "boards"
PLACES = ("../../../etc/passwd", "/etc/passwd", "net.onnx", "", ".", "a\0b", "/dev/zero")
TARGETS = ("c", "verilog", "hls")
Take = Callable[[], None]  # what the program does with an input


def _bytes(*names: str) -> list[bytes]:
    return [(CORPUS / name).read_bytes() for name in names]


PT = _bytes("conv.pt", "dense.pt", "mixed.pt", "signal.pt")
ONNX = _bytes("conv.onnx", "dense.onnx")
NETWORKS = [json.dumps(to_data(lower(from_bytes(data, "m.pt")).graph)) for data in PT]
TOML = [path.read_bytes() for folder in (BOARDS, BOARDS / "fpga") for path in sorted(folder.glob("*.toml"))]
FRAMES = len(board_names())  # of TOML: those of processors, then those of FPGAs
ARGUMENTS = [line for line in (CORPUS / "arguments.txt").read_text(encoding="utf-8").splitlines() if line]
WORDS = sorted({word for line in ARGUMENTS for word in shlex.split(line)})


def _network(graph: Graph, r: random.Random) -> None:
    """Go on with a graph that was accepted: print it, and compile one of ten to one of the targets."""
    text = to_text(graph)
    if not text.isascii() or "*/" in text:
        raise AssertionError("the text of the graph is not inert")
    if r.random() < 0.1:
        files = compile(Model("net", graph), r.choice(TARGETS)).files
        for path, content in files.items():
            if Path(path).is_absolute() or ".." in Path(path).parts or not path.isascii():
                raise AssertionError(f"a file {path!r}")
            if isinstance(content, str) and not content.replace("\n", "").replace("\t", "").isprintable():
                raise AssertionError(f"{path} has control characters")


def _model(data: bytes, r: random.Random) -> Take:
    def take() -> None:
        description = from_bytes(data, "m.pt")
        lowered = lower(description)
        if r.random() < 0.3:
            rebuild(description)
        _network(lowered.graph, r)

    return take


def _zipped(records: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        for name, data in records.items():
            out.writestr(name, data)
    return buffer.getvalue()


def model_bytes(r: random.Random, folder: Path) -> Take:
    """A model file whose bytes are changed as they lie in the archive."""
    return _model(spoilt(r, r.choice(PT), r.choice(PT)), r)


def model_records(r: random.Random, folder: Path) -> Take:
    """A model file with changed records under right checksums: the description's instructions, tensors, names."""
    with zipfile.ZipFile(io.BytesIO(r.choice(PT))) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    pickled = next(name for name in records if name.endswith("/data.pkl"))
    name = pickled if r.random() < 0.8 else r.choice(list(records))
    way = r.randrange(12)
    if way == 0:
        del records[name]
    elif way == 1:
        records[r.choice((name + "x", "../" + name, f"a/{r.choice(TEXTS[:30])}"))] = records.pop(name)
    else:
        records[name] = spoilt(r, records[name], records[pickled])
    return _model(_zipped(records), r)


def _tensor(r: random.Random, t: torch.Tensor) -> object:
    way = r.randrange(6)
    if way == 0:
        return t.to(r.choice((torch.float64, torch.float32, torch.int8, torch.int32, torch.uint8, torch.bool)))
    if way == 1:
        return t.reshape(-1) if r.random() < 0.5 else t.unsqueeze(0)
    if way == 2:
        return torch.zeros(tuple(r.choice((0, 1, 2, 3)) for _ in range(r.randrange(5))), dtype=t.dtype)
    t = t.clone()
    if t.numel():
        flat, at = t.view(-1), r.randrange(t.numel())
        if t.is_floating_point():
            flat[at] = r.choice((0.0, float("nan"), float("inf"), 3e38, -3e38, 1e-45, -1e-30, 1e12))
        elif t.dtype != torch.bool:
            flat[at] = r.choice((0, 1, -1, 2, torch.iinfo(t.dtype).max, torch.iinfo(t.dtype).min))
    return t


def _renamed(r: random.Random, held: dict) -> None:
    """Give layers other names, wherever the file says them, so that it stays sound."""
    new: dict[str, str] = {}
    for i, layer in enumerate(held["graph"]):
        if r.random() < 0.7:
            new[layer["name"]] = r.choice(TEXTS)[:190] + (str(i) if r.random() < 0.8 else "")
    for layer in held["graph"]:
        layer["inputs"] = tuple(new.get(name, name) for name in layer["inputs"])
        layer["name"] = layer["origin"] = new.get(layer["name"], layer["name"])
    held["output"] = new.get(held["output"], held["output"]) if type(held["output"]) is str else held["output"]
    pieces = ((key.rpartition("."), value) for key, value in held["tensors"].items())
    held["tensors"] = {f"{new.get(layer, layer)}.{name}": value for (layer, _, name), value in pieces}


def _attribute(r: random.Random, held: dict) -> None:
    """Change one attribute of one layer, tensors fitting or not."""
    layer = r.choice(held["graph"])
    if layer["attrs"]:
        key = r.choice(list(layer["attrs"]))
        layer["attrs"][key] = leaf(r, layer["attrs"][key])


def model_graph(r: random.Random, folder: Path) -> Take:
    """A model file written by torch.save of a changed description: kinds, links, attributes, tensors, names."""
    held = torch.load(io.BytesIO(r.choice(PT)), weights_only=True)
    if r.random() < 0.3:
        _renamed(r, held)
    for _ in range(r.choice((0, 1, 1, 2))):
        way = r.randrange(6)
        if way == 0:
            held = changed(r, held, (*RULES, *(layer["name"] for layer in held["graph"])))
        elif way == 1 and held["tensors"]:
            key = r.choice(list(held["tensors"]))
            held["tensors"][key] = _tensor(r, held["tensors"][key])
        elif way == 2:
            layer = r.choice(held["graph"])
            layer["kind"] = r.choice(list(RULES))
        elif way == 3:
            a, b = r.choice(held["graph"]), r.choice(held["graph"])
            a["inputs"], b["inputs"] = b["inputs"], a["inputs"]
        else:
            _attribute(r, held)
        if type(held) is not dict or not isinstance(held.get("graph"), list) or not _whole(held):
            break
    buffer = io.BytesIO()
    torch.save(held, buffer)
    return _model(buffer.getvalue(), r)


def _whole(held: dict) -> bool:
    """Return whether a description still has the form that the next change relies on."""
    keys = {"name", "kind", "inputs", "attrs", "origin"}
    tensors = held.get("tensors")
    return (
        bool(held["graph"])
        and all(type(v) is dict and keys <= set(v) and type(v["attrs"]) is dict for v in held["graph"])
        and all(isinstance(v["name"], str) and isinstance(v["inputs"], tuple) for v in held["graph"])
        and isinstance(tensors, dict)
        and all(isinstance(t, torch.Tensor) for t in tensors.values())
    )


def _onnx(data: bytes, r: random.Random, folder: Path) -> Take:
    path = folder / "net.onnx"
    path.write_bytes(data)
    return lambda: _network(import_qonnx(path, "net").graph, r)


def onnx_bytes(r: random.Random, folder: Path) -> Take:
    """A protobuf whose bytes are changed."""
    return _onnx(spoilt(r, r.choice(ONNX), r.choice(ONNX)), r, folder)


def onnx_graph(r: random.Random, folder: Path) -> Take:
    """A protobuf written of a changed model: operations, links, attributes, shapes, tensors, external files."""
    model = onnx.ModelProto.FromString(r.choice(ONNX))
    graph = model.graph
    for _ in range(r.choice((1, 1, 2, 3))):
        node, tensor = r.choice(graph.node), r.choice(graph.initializer)
        way = r.randrange(12)
        names = [*(n for v in graph.node for n in (*v.input, *v.output)), r.choice(TEXTS[:30])]
        if way == 0:
            node.op_type = r.choice((*HANDLERS, *TEXTS[:4]))
        elif way == 1 and node.input:
            node.input[r.randrange(len(node.input))] = r.choice(names)
        elif way == 2 and node.output:
            node.output[r.randrange(len(node.output))] = r.choice(names)
        elif way == 3 and node.attribute:
            _spoil_attribute(r, r.choice(node.attribute))
        elif way == 4:
            dims = [abs(int(d)) if (d := leaf(r, v)) and type(d) is int and abs(d) < 2**63 else 3 for v in tensor.dims]
            del tensor.dims[:]
            tensor.dims.extend(-d if r.random() < 0.1 else d for d in dims)
        elif way == 5:
            tensor.data_type = r.choice((*range(24), 1000, -1))
        elif way == 6:
            tensor.raw_data = spoilt(r, tensor.raw_data)
        elif way == 7:
            tensor.ClearField("raw_data")
            tensor.data_location = 1
            where = r.choice((*PLACES, *TEXTS[:6]))
            for key, value in (("location", where), ("offset", str(leaf(r, 0))), ("length", str(leaf(r, 48)))):
                entry = tensor.external_data.add()
                entry.key, entry.value = key, value.encode("utf-8", "replace").decode()
        elif way == 8:
            side = r.choice((*graph.input, *graph.output)).type.tensor_type
            if side.shape.dim:
                r.choice(side.shape.dim).dim_value = r.choice([n for n in NUMBERS if -(2**63) <= n < 2**63])
        elif way == 9:
            graph.node.add().CopyFrom(node)
        elif way == 10:
            graph.node.remove(node)
        else:
            _rename_onnx(r, graph, node)
        if not graph.node or not graph.initializer:
            break
    return _onnx(model.SerializeToString(), r, folder)


def _spoil_attribute(r: random.Random, attribute: onnx.AttributeProto) -> None:
    whole = [n for n in NUMBERS if -(2**63) <= n < 2**63]
    if attribute.type == onnx.AttributeProto.INT:
        attribute.i = r.choice(whole)
    elif attribute.type == onnx.AttributeProto.FLOAT:
        attribute.f = r.choice((0.0, -1.0, float("nan"), float("inf"), 1e38, 1e-45))
    elif attribute.type == onnx.AttributeProto.INTS:
        values = [r.choice(whole) if r.random() < 0.4 else v for v in attribute.ints]
        del attribute.ints[:]
        attribute.ints.extend(values[: r.choice((0, 1, 9, 9, 9))])
    elif attribute.type == onnx.AttributeProto.STRING:
        attribute.s = r.choice(TEXTS).encode("utf-8", "surrogatepass")
    if r.random() < 0.15:
        attribute.type = r.randrange(12)
    if r.random() < 0.1:
        attribute.name = r.choice(("axis", "axes", "pads", "perm", "x"))


def _rename_onnx(r: random.Random, graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    """Give a node and the value it makes another name, wherever it is said, so that the file stays sound."""
    text = r.choice(TEXTS).encode("utf-8", "replace").decode()
    node.name = text
    if node.output:
        old = node.output[0]
        for other in graph.node:
            for names in (other.input, other.output):
                for k, name in enumerate(names):
                    if name == old:
                        names[k] = text
        for end in graph.output:
            if end.name == old:
                end.name = text


def board_bytes(r: random.Random, folder: Path) -> Take:
    """A board file whose text is changed."""
    path = folder / ("mine.toml" if r.random() < 0.95 else f"{r.choice(('a b', 'ü', '-x', 'A'))}.toml")
    path.write_bytes(spoilt(r, r.choice(TOML), r.choice(TOML)))

    def take() -> None:
        table = read_table(path)
        (parse_board if r.random() < 0.7 else parse_fpga)("mine", table, "mine.toml")

    return take


def _of_toml(value: object) -> object:
    """Return a tree of what TOML has: no None, no tuples, no bytes."""
    if isinstance(value, dict):
        return {str(key): _of_toml(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_of_toml(inner) for inner in value]
    return value if isinstance(value, (str, int, float)) else str(value)


def board_table(r: random.Random, folder: Path) -> Take:
    """A board file of changed fields: other values, names, tables and lists."""
    at = r.randrange(len(TOML))
    table = _of_toml(changed(r, tomllib.loads(TOML[at].decode()), TEXTS))
    return lambda: (parse_board if at < FRAMES else parse_fpga)("mine", table, "mine.toml") and None


def arguments(r: random.Random, folder: Path) -> Take:
    """A command line: one of the corpus with words changed, doubled, left out, of other lines, or hostile."""
    words = shlex.split(r.choice(ARGUMENTS))
    for _ in range(r.choice((0, 1, 1, 2, 3))):
        at = r.randrange(1, len(words) + 1)
        way = r.randrange(6)
        if way == 0:
            del words[at - 1]
        elif way == 1:
            words[at:at] = [r.choice(WORDS)]
        elif way == 2:
            word = r.choice((r.choice(TEXTS), str(r.choice(NUMBERS)), str(r.choice(OTHERS))))
            words[at - 1 : at] = [word.replace("\0", "")]
        elif way == 3:
            words[at:at] = [r.choice(TEXTS).replace("\0", "")]
        elif way == 4:
            words[at - 1 : at] = [words[at - 1] + r.choice(("=", "x", ",", "0", "..", "\n"))]
        else:
            words[at - 1 : at] = [r.choice(WORDS)]
        words = words or ["show"]
    return lambda: _command(words, folder)


def _command(words: list[str], folder: Path) -> None:
    kept = sys.argv, sys.stdout, sys.stderr
    os.chdir(folder)
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape")
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    sys.argv, sys.stdout, sys.stderr = ["lrtc", *words], out, said
    try:
        cli.main()
    except SystemExit as end:
        said.flush()
        text = said.buffer.getvalue().decode()
        if "Traceback" in text:
            raise AssertionError(text[-400:]) from None
        if end.code not in (0, None):
            raise LrtcError(f"exit status {end.code}") from None
    finally:
        sys.argv, sys.stdout, sys.stderr = kept


def network_data(r: random.Random, folder: Path) -> Take:
    """The network that a folder carries, with changed fields: what `lrtc report DIR` reads."""
    tree = json.loads(r.choice(NETWORKS))
    data = changed(r, tree, TEXTS) if r.random() < 0.97 else tree

    def take() -> None:
        try:
            graph = from_data(data)
        except ValueError as error:
            raise LrtcError(str(error)) from None
        _network(graph, r)

    return take


KINDS: dict[str, Callable[[random.Random, Path], Take]] = {
    "model-bytes": model_bytes, "model-records": model_records, "model-graph": model_graph, "onnx-bytes": onnx_bytes,
    "onnx-graph": onnx_graph, "board-bytes": board_bytes, "board-table": board_table, "network-data": network_data,
    "arguments": arguments,
}  # fmt: skip
SHARES = {  # one beside the other
    "model-bytes": 200, "model-records": 200, "model-graph": 100, "onnx-bytes": 150, "onnx-graph": 100,
    "board-bytes": 120, "board-table": 120, "network-data": 50, "arguments": 10,
}  # fmt: skip
