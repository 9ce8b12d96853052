"""The emitted text: its form, what it may not contain, names that try to break out of it, refusals."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from c_programs import assert_equal, to_c, to_program
from graphs import random_network

import lrtc
from lrtc import interp
from lrtc.backends.c import BACKEND, emit, refuse
from lrtc.backends.c.comments import comment_text
from lrtc.errors import LrtcError
from lrtc.ir import B1, T2, U8, Elem, Graph, GraphBuilder, tensor, verify
from lrtc.ir.ops import Affine, Clamp, Conv2d, Linear, MaxPool2d, ScaleBias, Sign, Threshold
from lrtc.passes import run_pipeline

FORBIDDEN = ("malloc", "stdio", "stdlib", "string.h", "float", "double", "printf", "goto")
HOSTILE = (
    "*/ int x; /*", "a\nb", "a\\", "??/\n", "???/", "\\\n*/", "/*/", "**//", "ключ", "\0", "// x", "%s", "{{ 1 }}", '"',
)  # fmt: skip


def tiny() -> Graph:
    """A conv with padding, a pool, a padded 1-bit conv and a head: every common form on one page."""
    rng = np.random.default_rng(5)
    b = GraphBuilder("tiny")

    def weight(shape, choices, elem):
        return b.const("w", rng.choice(choices, shape).astype(np.int8), tensor(shape, elem))

    def levels(n, spread):
        rows = np.stack([rng.integers(-spread, spread, n), rng.integers(0, 2, n)]).astype(np.int32)
        return b.const("levels", rows)

    x = b.input("x", tensor((4, 5, 1), U8), scale=1 / 255)
    x = b.add(Conv2d((1, 1), (1, 1, 1, 1)), [x, weight((3, 3, 3, 1), (-1, 0, 1), T2)], "conv1", "features.0")
    x = b.add(Threshold(), [x, levels(3, 200)], "act1", "features.1+features.2")
    flip = b.const("f", np.array([1, -1, 1], np.int8), tensor((3,), B1))
    x = b.add(MaxPool2d(), [x, flip], "pool1", "features.3")
    x = b.add(Conv2d((1, 1), (0, 1, 0, 1)), [x, weight((2, 2, 2, 3), (-1, 1), B1)], "conv2", "features.4")
    x = b.add(Threshold(), [x, levels(2, 3)], "act2", "features.5")
    shape = (2, *b.facts[x].type.shape)
    x = b.add(Linear(), [x, weight(shape, (-1, 0, 1), T2)], "fc", "head.fc")
    rows = np.array([[3, -2], [100, -100]], np.int32)
    return verify(b.finish([b.add(Affine(), [x, b.const("rows", rows)], "scale", "head.scale")]))


def test_golden(golden, monkeypatch):
    monkeypatch.setattr(lrtc, "__version__", "0.0.0")
    network = to_c(tiny(), images=3)
    for path, text in network.files.items():
        kernels = re.compile(r"(/\* ---- kernels.*?\*/\n).*?(/\* ---- the network)", re.DOTALL)
        golden(f"c/{path}", kernels.sub(r"\1\n(verbatim from hw/c)\n\n\2", text))


def test_the_golden_network_is_right(tmp_path):
    network = to_c(tiny(), images=20)
    assert_equal(network, to_program([network], tmp_path).run("tiny", network.x))


def test_the_same_network_gives_the_same_bytes():
    first, second = to_c(random_network(4)), to_c(random_network(4))
    assert first.files == second.files
    assert list(first.files) == ["net4.c", "net4.h", "net4_test.c"]


@pytest.mark.parametrize("seed", range(6))
def test_text_is_plain_c99(seed):
    for text in to_c(random_network(seed), images=2).files.values():
        assert text.isascii()
        assert text.endswith("\n")
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        assert not [word for word in FORBIDDEN if re.search(rf"\b{re.escape(word)}\b", code)]
        assert "//" not in code
        assert not re.search(r"[ \t]$", text, re.MULTILINE)


def test_kernels_are_verbatim_and_only_those_needed():
    network = to_c(tiny(), images=2)
    text = network.files["tiny.c"]
    hw = Path(lrtc.__file__).parent.parent / "hw" / "c"
    for name in ("word", "count_b1", "count_t2", "gather", "maxpool_b1", "pad_u8"):
        assert (hw / f"lrtc_{name}.h").read_text() in text
    assert "lrtc_slice_u8" not in text
    assert "lrtc_gather_u8" not in text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_comment_cannot_be_left(text):
    safe = comment_text(text)
    assert safe.isascii()
    assert safe.isprintable()
    assert not re.search(r"\*/|/\*|\\|\?\?|\n", safe)


def test_hostile_layer_names_stay_inert(tmp_path):
    """Every hostile text as an origin: it compiles without a warning, also of nested comments and trigraphs."""
    graph = random_network(11)
    nodes = tuple(replace(n, origin=HOSTILE[i % len(HOSTILE)] * (1 + i % 2)) for i, n in enumerate(graph.nodes))
    network = to_c(replace(graph, name="hostile", nodes=nodes))
    program = to_program([network], tmp_path, extra=["-Wcomment", "-Wtrigraphs"])
    assert_equal(network, program.run("hostile", network.x))


def test_a_users_template_goes_first(tmp_path):
    (tmp_path / "model.h.j2").write_text("/* mine: {{ m.name }} */\n")
    graph = run_pipeline(tiny(), "c")
    files = emit(graph, "tiny", {"templates": tmp_path}).files
    assert files["tiny.h"] == "/* mine: tiny */\n"
    assert "tiny_run" in files["tiny.c"]


def test_without_vectors_there_is_no_self_test():
    assert list(emit(run_pipeline(tiny(), "c"), "tiny").files) == ["tiny.c", "tiny.h"]


def test_header_says_what_a_caller_must_know():
    header = to_c(tiny(), images=2).files["tiny.h"]
    for line in ("#define TINY_INPUT_BYTES 20", "#define TINY_CLASSES 2", "row, column, channel", "TINY_ARENA_BYTES"):
        assert line in header
    for promise in ("no pointer is NULL", "aligned as int32_t", "none of these overlap", "they share one arena"):
        assert promise in header
    entrant = to_c(tiny(), images=2, context=True).files["tiny.h"]
    assert "Calls with different contexts may overlap in time" in entrant
    assert "one arena" not in entrant


def test_unknown_options_and_reserved_names_are_refused_together():
    with pytest.raises(LrtcError) as error:
        emit(run_pipeline(tiny(), "c"), "lrtc_net", {"vector": None, "fold": {}})
    for words in ("2 fault", "no such option (did you mean 'vectors'?)", "names that begin with lrtc"):
        assert words in str(error.value).replace("3 fault", "2 fault")


def test_what_c_cannot_do_is_refused_all_at_once():
    b = GraphBuilder("bad")
    x = b.input("x", tensor((2, 3), Elem("i", 8)))
    w = b.const("w", np.ones((2, 2, 3), np.int8), tensor((2, 2, 3), B1, "OHI"))
    x = b.add(Linear(), [x, w], "fc", "fc")
    x = b.add(Sign(), [x], "sign", "act")
    assert [str(f) for f in refuse(b.finish([x]))] == [
        "input x: i8 is not supported; the input must be u1 to u8",
        "input x: i8[2x3:RC] is not supported; the input must be [C] or [H,W,C]",
        "act (sign): this operation is not supported in C here; known: add, affine, channels, clamp, concat, const, "
        "conv2d, crop, flatten, identity, linear, maximum, maxpool, pad, rearrange, sumpool, threshold, topk",
    ]


def test_real_values_that_are_left_are_refused_by_the_layer_that_makes_them():
    b = GraphBuilder("real")
    x = b.input("x", tensor((3,), U8))
    rows = b.const("rows", np.ones((2, 3), np.float32))
    x = b.add(ScaleBias(), [b.add(Clamp(0, None), [b.add(ScaleBias(), [x, rows], "a", "bn1")], "b", "relu"), rows], "c")
    faults = [str(f) for f in refuse(run_pipeline(b.finish([x]), "c"))]
    assert [f.split(":")[0] for f in faults] == ["bn1 (scale_bias)", "relu (clamp)", "c (scale_bias)"]
    assert all("end the real part with a sign, a ternarize or a quantiser" in f for f in faults)


def test_values_that_are_not_packed_or_too_wide_are_refused():
    assert any("not packed into words of 32 bits" in str(f) for f in refuse(run_pipeline(tiny(), "integer")))
    b = GraphBuilder("far")
    x = b.input("x", tensor((3,), U8))
    rows = np.array([[2**23] * 3, [0] * 3], np.int32)
    x = b.add(Affine(), [x, b.const("rows", rows)], "wide", "scale")
    assert [str(f) for f in refuse(b.finish([x]))] == []
    x = b.add(Affine(), [x, b.const("rows", np.array([[1, 1, -1], [0] * 3], np.int32))], "far", "far")
    assert "too far apart; 31 bits are supported" in str(refuse(b.finish([x]))[0])


def test_backend_is_what_the_driver_expects():
    assert (BACKEND.name, BACKEND.pipeline) == ("c", "c")
    result = lrtc.compile(tiny(), target="c")
    assert list(result.files) == ["tiny.c", "tiny.h", "tiny_test.c"]
    assert interp.run(result.graph, np.zeros((1, 4, 5, 1), np.uint8)).shape == (1, 2)
