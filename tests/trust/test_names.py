"""Names in a model may be anything: of every target the text stays legal and inert, as the tools themselves judge."""

from __future__ import annotations

import io
import re
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from fuzz.mutate import TEXTS
from torch import nn

from lrtc import nn as lnn
from lrtc.check.hls import host_cxx
from lrtc.check.toolchain import C99, STRICT, compile_c, host_cc, run_tool, write_files
from lrtc.check.verilator import lint
from lrtc.driver import Result, compile, open_model
from lrtc.errors import LrtcError
from lrtc.frontend import describe
from lrtc.frontend.modelfile import to_bytes
from lrtc.resources import share

EVIL = "evil"  # in every name, so that it can be looked for
MORE = (
    "*/#include <evil.h>\n/*", "`include \"evil\"", "`undef", "${evil}", "{{ evil }}", "{% raw %}", "#}", "{{", "}}",
    "// \\\n evil", "\\evil ", "$finish", "endmodule module evil", "while", "unsigned", "logic", "wire", "lrtc_dot",
    "stdint.h", "..\\..\\evil", "C:evil", "CON.evil", "a\tb", "\u2028evil", "e\u0301vil", "\x7f", "\ufeff", "%n%n",
    "\x00", "-Wl,evil", "0evil", "_", "__evil", "evil'\"`$(touch evil)", "]]>", "<evil>", "\r\nevil", "/**/",
    "*\\\n/ evil", "(* evil *)", "??/", "R\"(evil", "#pragma evil", "@evil", "'h0", "virtual", "namespace",
)  # fmt: skip
NAMES = list(OrderedDict.fromkeys(t[:150] for t in (*TEXTS, *MORE) if t != "\ud800"))


def hostile() -> bytes:
    """Return a model file: layers enough for every name, each once as the name of a layer and its origin."""
    count = len(NAMES) // 3 + 1
    layers: list[tuple[str, nn.Module]] = [("quantize", lnn.InputQuantize((4,)))]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        for k in range(count):
            bn = nn.BatchNorm1d(4)
            bn.running_mean.copy_(torch.randn(4))
            layers += [(f"fc{k}", lnn.LRTLinear(4, 4)), (f"bn{k}", bn), (f"sign{k}", lnn.LRTSign())]
        layers += [("head", lnn.LRTLinear(4, 3)), ("scale", lnn.LRTScale(3))]
        net = nn.Sequential(OrderedDict(layers))
        lnn.discretize(net)
    held = torch.load(io.BytesIO(to_bytes(describe(net.eval(), "m"))), weights_only=True)
    old = {
        layer["name"]: f"{name} {EVIL}{k}" for k, (layer, name) in enumerate(zip(held["graph"], NAMES, strict=False))
    }
    assert len(old) == len(NAMES), "every name is used"
    for layer in held["graph"]:
        layer["inputs"] = tuple(old.get(n, n) for n in layer["inputs"])
        layer["name"] = layer["origin"] = old.get(layer["name"], layer["name"])
    held["name"] = "*/`evil\n{{ 1 }}"
    held["output"] = old.get(held["output"], held["output"])
    tensors = {key.rpartition("."): value for key, value in held["tensors"].items()}
    held["tensors"] = {f"{old.get(layer, layer)}.{part}": value for (layer, _, part), value in tensors.items()}
    buffer = io.BytesIO()
    torch.save(held, buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("names") / "ev il`*.pt"
    path.write_bytes(hostile())
    return open_model(path)


def check(result: Result, folder: Path) -> None:
    """Check what must hold of every target: plain text, no name outside of comments but as part of an identifier."""
    said = 0
    for path, text in result.files.items():
        assert re.fullmatch(r"[A-Za-z0-9_./-]+", path), path
        assert (folder / path).resolve().is_relative_to(folder.resolve())
        if not isinstance(text, str) or path.startswith(("rtl/", "sim/", "lrtc_")):
            continue
        assert text.isascii(), path
        assert all(line.isprintable() for line in text.replace("\t", " ").split("\n")), path
        if path.endswith((".c", ".h", ".cpp", ".hpp", ".sv")):
            said += len(re.findall(rf"(?:/\*|//|^\s+).*{EVIL}\d", text, re.MULTILINE))
            bare = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
            for word in re.findall(rf"\S*{EVIL}\S*", bare):
                assert re.fullmatch(rf"[\w\[\](){{}}<>,;:.&*+=#\"/-]*{EVIL}[\w\[\](){{}}<>,;:.&*+=#\"/-]*", word), word
                assert not re.search(rf"(?<!\w){EVIL}(?!\w)", word), f"{word} stands alone in {path}"
    assert said > len(NAMES) // 2, "the names are there, in comments"


def test_c(model, tmp_path: Path):
    result = compile(model, "c", report=True)
    check(result, tmp_path)
    write_files(dict(result.files), tmp_path)
    flags = [*C99, *STRICT, "-Wcomment", "-Wtrigraphs", "-O1"]
    sources = [path for path in result.files if path.endswith(".c")]
    compile_c(host_cc(), [*flags, "-DLRTC_SELFTEST_MAIN", *sources, "-o", "selftest"], tmp_path, "hostile names")
    assert run_tool([str(tmp_path / "selftest")], tmp_path, "self-test").status == 0


def test_verilog(model, tmp_path: Path):
    result = compile(model, "verilog", style="unrolled")
    check(result, tmp_path)
    assert lint(result.files, result.name) == ""


def test_hls(model, tmp_path: Path):
    result = compile(model, "hls")
    check(result, tmp_path)
    write_files(dict(result.files), tmp_path)
    flags = [
        "-std=c++14",
        "-Wall",
        "-Wextra",
        "-Wcomment",
        "-Wtrigraphs",
        "-Wno-unknown-pragmas",
        "-Werror",
        "-fsyntax-only",
    ]
    search = ["-I.", f"-I{share('hw') / 'hls' / 'sim'}"]
    compile_c(host_cxx(), [*flags, *search, f"{result.name}.cpp", f"{result.name}_tb.cpp"], tmp_path, "hostile names")


STEMS = ("stdint", "int", "always_ff", "namespace", "lrtc_dot", "linux")


@pytest.mark.parametrize("stem", STEMS)
def test_names_of_files_that_mean_something(stem: str, tmp_path: Path):
    """The file's own name becomes those of functions, modules and files: it is another then, or refused in words."""
    path = tmp_path / f"{stem}.pt"
    path.write_bytes((Path(__file__).parents[1] / "fuzz" / "corpus" / "dense.pt").read_bytes())
    model = open_model(path)
    refused: list[str] = []
    for target in ("c", "verilog", "hls"):
        try:
            files = compile(model, target).files
        except LrtcError as error:
            refused.append(str(error))
            continue
        if target == "c":
            write_files(dict(files), tmp_path)
            sources = [name for name in files if name.endswith(".c")]
            compile_c(host_cc(), ["-std=gnu99", "-Wall", "-Werror", "-I.", "-fsyntax-only", *sources], tmp_path, stem)
        elif target == "verilog":
            assert lint(files, model.name) == ""
        else:
            write_files(dict(files), tmp_path / "hls")
            search = ["-I.", f"-I{share('hw') / 'hls' / 'sim'}"]
            words = ["-std=gnu++14", "-fsyntax-only", "-Wno-unknown-pragmas", *search, f"{model.name}.cpp"]
            compile_c(host_cxx(), words, tmp_path / "hls", stem)
    assert all("choose another" in text for text in refused)
