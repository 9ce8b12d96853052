"""The model file: what is written is what is read, in one step, and every file that is not one is refused by name."""

from __future__ import annotations

import io
import os
import stat
import warnings
import zipfile

import pytest
import torch
from networks import network
from torch import nn

import lrtc
from lrtc import wholefile
from lrtc.errors import LrtcError
from lrtc.frontend import archive, describe, load, read, save
from lrtc.frontend.modelfile import from_bytes, to_bytes
from lrtc.nn import InputQuantize, LRTConv2d, LRTLinear, LRTScale, LRTSign, discretize


def small() -> nn.Module:
    return nn.Sequential(InputQuantize((2, 3, 3)), LRTConv2d(2, 3, 3), LRTSign(), nn.Flatten(), LRTLinear(3, 2))


def content(model: nn.Module | None = None) -> dict:
    """Return what a good file holds, to be spoilt."""
    data = to_bytes(describe(model or discretize(small()), "m"))
    return torch.load(io.BytesIO(data), weights_only=True)


def packed(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def refusal(value: object) -> str:
    """Return the message for a file with this content."""
    with pytest.raises(LrtcError) as caught:
        from_bytes(value if isinstance(value, bytes) else packed(value), "m.pt")
    return str(caught.value)


# --- writing ---


def test_what_is_written_is_what_is_read(tmp_path):
    for seed in range(8):
        model = network(seed, distribution=bool(seed % 2))
        save(model, tmp_path / "net.pt")
        want, got = describe(model, "net"), read(tmp_path / "net.pt")
        assert got.name == "net"
        assert got.layers == want.layers
        assert got.output == want.output
        assert got.tensors.keys() == want.tensors.keys()
        assert all(torch.equal(got.tensors[k], want.tensors[k]) for k in want.tensors)
        assert all(t.is_contiguous() and not t.requires_grad for t in got.tensors.values())


def test_the_file_is_plain_data_with_a_version(tmp_path):
    save(small(), tmp_path / "net.pt", name="any name")
    held = torch.load(tmp_path / "net.pt", weights_only=True)
    assert {k: held[k] for k in ("format", "version", "producer", "name", "output")} == {
        "format": "lrtc-model",
        "version": 1,
        "producer": f"lrtc {lrtc.__version__}",
        "name": "any name",
        "output": "4",
    }
    assert held["graph"][1] == {
        "name": "1",
        "kind": "LRTConv2d",
        "inputs": ("0",),
        "attrs": {
            "in_channels": 2,
            "out_channels": 3,
            "kernel_size": (3, 3),
            "stride": (1, 1),
            "padding": (0, 0),
            "bias": False,
            "weights": "ternary",
            "discrete": False,
        },
        "origin": "1",
    }
    assert sorted(held["tensors"]) == ["1.alpha", "1.beta", "4.alpha", "4.beta"]


def test_a_discrete_network_keeps_only_its_weights(tmp_path):
    model = discretize(small())
    assert sorted(describe(model, "m").tensors) == ["1.discrete_weight", "4.discrete_weight"]


def test_the_same_model_gives_the_same_bytes(tmp_path):
    model = network(4)
    save(model, tmp_path / "a.pt", name="m")
    save(model, tmp_path / "b.pt", name="m")
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()


def test_load_gives_a_module_in_eval_mode(tmp_path):
    model = discretize(small())
    lrtc.save(model, tmp_path / "m.pt")
    again = lrtc.load(tmp_path / "m.pt")
    assert not again.training
    x = torch.randint(0, 256, (4, 2, 3, 3), dtype=torch.uint8)
    with torch.no_grad():
        assert torch.equal(again(x), model(x))
    assert type(again.get_submodule("1")) is LRTConv2d


def test_a_file_that_is_there_is_kept_when_writing_fails(tmp_path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "m.pt"
    save(small(), path, name="old")
    before = path.read_bytes()
    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(wholefile.os, name, _full_disk)
            with pytest.raises(LrtcError, match=r"m\.pt cannot be written: No space left on device"):
                save(small(), path, name="new")
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["m.pt"]


def _full_disk(*args: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_module_that_cannot_be_described_writes_nothing(tmp_path):
    with pytest.raises(LrtcError, match="1 layer cannot be compiled"):
        save(nn.Sequential(InputQuantize((3,)), nn.GELU()), tmp_path / "m.pt")
    assert os.listdir(tmp_path) == []


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(LrtcError, match="is a folder; give the name of a file in it"):
        save(small(), tmp_path)
    with pytest.raises(LrtcError, match="cannot be written: No such file or directory"):
        save(small(), tmp_path / "none" / "m.pt")


def test_permissions_are_those_of_a_new_file(tmp_path):
    (tmp_path / "other").write_bytes(b"")
    save(small(), tmp_path / "m.pt")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("other", "m.pt")}
    assert len(modes) == 1


# --- files that are not ours ---


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(LrtcError, match=r"none\.pt: no such file\n  hint: a model file is what lrtc\.save"):
        read(tmp_path / "none.pt")
    with pytest.raises(LrtcError, match=r"is a folder; a model is a file, such as model\.pt"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LrtcError, match="is not a regular file"):
        load(tmp_path / "pipe")


def test_a_file_too_large_is_not_read(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lrtc.frontend.modelfile.MAX_BYTES", 1 << 20)
    (tmp_path / "m.pt").write_bytes(bytes(1 << 21))
    with pytest.raises(LrtcError, match="is larger than 1 MiB, the most a model file may have"):
        read(tmp_path / "m.pt")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            b"",
            "m.pt is not a model file\n  hint: the file is empty; load it where it was made and write it with lrtc.s",
        ),
        (
            b"\x80\x04\x95rest",
            "hint: it looks like a pickle; lrtc never unpickles; load it where it was made and write",
        ),
        (b"hello", "m.pt is not a model file\n  hint: a model file is what lrtc.save(model, path) writes"),
        (b"PK\x03\x04", "m.pt is truncated or damaged: it does not end as an archive"),
        (b"\x89HDF\r\n", "m.pt is not a model file"),
    ],
)
def test_foreign_bytes(data: bytes, words: str):
    assert words in refusal(data)


def test_every_truncation_is_refused():
    data = packed(content())
    for size in [*range(0, len(data), max(1, len(data) // 80)), len(data) - 1]:
        message = refusal(data[:size])
        assert "m.pt is not a model file" in message or "truncated or damaged" in message


def test_a_flipped_bit_is_refused_or_harmless():
    good = packed(content())
    refused = 0
    for i in range(0, len(good), 41):
        data = good[:i] + bytes([good[i] ^ 1 << (i % 8)]) + good[i + 1 :]
        try:
            from_bytes(data, "m.pt")
        except LrtcError as error:
            refused += str(error).startswith("m.pt ")
    assert refused > 10  # the rest was padding, and nothing else was raised


def test_a_legacy_torch_file_is_refused():
    buffer = io.BytesIO()
    torch.save(content(), buffer, _use_new_zipfile_serialization=False)
    assert "it looks like a pickle; lrtc never unpickles" in refusal(buffer.getvalue())


def test_a_pickled_module_is_refused_with_the_remedy():
    message = refusal(small())
    assert message.startswith("m.pt holds Python objects, not data: it needs torch.nn.modules.container.Sequential\n")
    assert (
        "hint: lrtc never runs code from a model file; load it where it was made and write it with lrtc.save("
        in message
    )


def test_a_torchscript_archive_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as out:
        for name in ("data.pkl", "constants.pkl", "code/net.py"):
            out.writestr(f"net/{name}", b"\x80\x02N.")
    with pytest.raises(LrtcError, match="is not a model file: a TorchScript archive"):
        read(tmp_path / "m.pt")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (small().state_dict(), "m.pt is not written by lrtc: a state_dict, which has tensors but no layers\n"),
        (
            dict(small().named_parameters()),
            "m.pt is not written by lrtc: a state_dict, which has tensors but no layers",
        ),
        ({"epoch": 3, "state_dict": small().state_dict()}, "m.pt is not written by lrtc: a training checkpoint\n"),
        ({"a": 1, "b": 2}, "m.pt is not written by lrtc: a dict of a, b\n"),
        ({}, "m.pt is not written by lrtc: a dict of nothing"),
        (torch.zeros(3), "m.pt holds one tensor, not a model"),
        ([1, 2], "m.pt holds a list, not a model"),
        (None, "m.pt holds a NoneType, not a model"),
        ({1: 2}, "m.pt is not written by lrtc: a dict of a value of type int"),
    ],
)
def test_foreign_content(value: object, words: str):
    message = refusal(value)
    assert words in message
    assert "lrtc.save(model, path)" in message


def test_a_state_dict_says_what_to_do():
    hint = "hint: build the model in Python, model.load_state_dict(…), then lrtc.save(model, path)"
    assert hint in refusal(small().state_dict())


# --- our format, spoilt ---


def spoilt(change) -> str:
    held = content()
    change(held)
    return refusal(held)


def test_a_newer_version_asks_for_an_upgrade():
    def change(held: dict) -> None:
        held["version"], held["producer"], held["graph"] = 2, "lrtc 9.1.0", "something new"

    assert spoilt(change) == (
        "m.pt was written by a newer lrtc (lrtc 9.1.0): format 2; this one reads up to 1\n"
        "  hint: upgrade lrtc, or save the model again with this version"
    )


@pytest.mark.parametrize("version", [0, -1, "1", 1.0, None, True])
def test_what_is_no_version(version: object):
    assert "is not a version" in spoilt(lambda held: held.update(version=version))


def test_the_header_is_complete_and_nothing_more():
    def change(held: dict) -> None:
        del held["producer"]
        held["graph"] = {}
        held["extra"] = 1

    assert spoilt(change).splitlines() == [
        "m.pt is not a usable model: 3 faults",
        "  producer: is missing",
        "  graph: is of type dict, not list",
        "  extra: is not part of a model file",
    ]


def conv(held: dict) -> dict:
    return held["graph"][1]


def at(held: dict, layer: int = 1) -> dict:
    return held["graph"][layer]["attrs"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: conv(h).update(kind="LRTConv3d"), "1 (LRTConv3d 2→3): no rule for this layer (did you mean 'LRTC"),
        (lambda h: conv(h).update(kind="GELU"), "1 (GELU 2→3): no rule for this layer; use lrtc.nn.LRTSign"),
        (lambda h: conv(h).update(extra=1), "layer 1: must have exactly name, kind, inputs, attrs, origin"),
        (lambda h: conv(h).pop("kind"), "layer 1: must have exactly name, kind, inputs, attrs, origin"),
        (lambda h: conv(h).update(name=3), "layer 1: name is not str"),
        (lambda h: conv(h).update(inputs=["0"]), "layer 1: inputs is not tuple"),
        (lambda h: conv(h).update(inputs=(0,)), "layer 1: inputs are not names"),
        (lambda h: conv(h).update(inputs=("0",) * 9), "layer 1: more inputs or attributes than a layer has"),
        (lambda h: at(h).update(stride=[1, 1]), "layer 1: attrs hold more than plain finite"),
        (lambda h: at(h).update(stride=((1,), 1)), "layer 1: attrs hold more than plain finite"),
        (lambda h: at(h).update(stride=float("nan")), "layer 1: attrs hold more than plain finite"),
        (lambda h: at(h).update(stride=(0, 1)), "stride=(0, 1) is not supported; stride must be two"),
        (lambda h: at(h).update(stride=(True, 1)), "stride=(True, 1) is not supported"),
        (lambda h: at(h).update(padding=(1, -1)), "padding=(1, -1) is not supported; padding must"),
        (lambda h: at(h).update(in_channels=10**9), "in_channels=1000000000 is not supported; in"),
        (lambda h: at(h).update(weights="binary"), "weights='binary' is not supported; weights must"),
        (lambda h: at(h).update(dilated=2), "1 (LRTConv2d 2→3): has 'dilated', which this layer does not know"),
        (lambda h: at(h).update(dilation=2), "dilation=2 is not supported; dilation must be two whole numbers in 1.."),
        (lambda h: at(h).update(groups=2), "groups=2 is not supported; groups must divide 2 and 3 channels"),
        (lambda h: at(h).update(padding=(1, 1, 1)), "padding=(1, 1, 1) is not supported; padding must be two or four"),
        (lambda h: at(h).pop("stride"), "1 (LRTConv2d 2→3): stride is missing"),
        (lambda h: at(h).update(discrete=False), "1 (LRTConv2d 2→3): its tensor 'beta' is missing"),
        (lambda h: conv(h).update(inputs=()), "1 (LRTConv2d 2→3): takes 0 values; a layer takes one"),
        (lambda h: conv(h).update(inputs=("0", "0")), "1 (LRTConv2d 2→3): takes 2 values; a layer takes one"),
        (lambda h: conv(h).update(inputs=("3",)), "takes the value of '3', which is not before it"),
        (lambda h: conv(h).update(inputs=("1",)), "takes the value of '1', which is not before it"),
        (lambda h: conv(h).update(name="0"), "1 (LRTConv2d 2→3): the name '0' is used twice"),
        (lambda h: conv(h).update(name="input"), "1 (LRTConv2d 2→3): the name 'input' is used twice"),
        (lambda h: conv(h).update(name=""), "a layer's name: 0 characters long; a name has 1 to 200"),
        (lambda h: conv(h).update(origin="x" * 201), "a layer's name: 201 characters long; a name has 1 to 200"),
        (lambda h: h.update(name="x" * 201), "the model's name: 201 characters long; a name has 1 to 200"),
        (lambda h: h.update(output="3"), "4 (LRTLinear 3→2): its value is never used"),
        (lambda h: h.update(output="nowhere"), "output: 'nowhere' is not a layer"),
        (lambda h: h.update(output="input"), "output: 'input' is not a layer"),
        (lambda h: h.update(graph=[]), "there is no layer in it"),
        (lambda h: h.update(graph=[1]), "layer 0: must have exactly name, kind, inputs, attrs, origin"),
        (lambda h: h.update(graph=h["graph"] * 300), "m.pt has 1500 layers; at most 1000 are supported"),
        (lambda h: at(h, 0).update(shape=(2, 0)), "shape=(2, 0) is not supported; shape must be (C, H, W), (C, L) or"),
        (lambda h: at(h, 0).update(zero_point=256), "zero_point=256 is not supported; zero_point must be a whole num"),
        (lambda h: at(h, 0).update(shape=(1, 2**14, 2**14)), "shape must be (C, H, W), (C, L) or (F,), C at most"),
        (lambda h: at(h, 0).update(scale=0.0), "scale=0.0 is not supported; scale must be"),
        (lambda h: h["tensors"].update({"1.bias": torch.zeros(3)}), "1.bias: a tensor that no layer takes"),
        (lambda h: h["tensors"].update({"1.bias": 3}), "tensors: must be tensors under names"),
        (lambda h: h["tensors"].update({7: torch.zeros(3)}), "tensors: must be tensors under names"),
        (lambda h: h["tensors"].pop("1.discrete_weight"), "1 (LRTConv2d 2→3): its tensor 'discrete_weight' is missing"),
    ],
)  # fmt: skip
def test_a_spoilt_graph_is_refused(change, words: str):
    assert words in spoilt(change)


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (torch.zeros(3, 2, 3, 2, dtype=torch.int8), "discrete_weight has shape 3x2x3x2; it must be 3x2x3x3"),
        (torch.zeros(54, dtype=torch.int8), "discrete_weight has shape 54; it must be 3x2x3x3"),
        (torch.zeros((), dtype=torch.int8), "discrete_weight has shape scalar; it must be 3x2x3x3"),
        (torch.zeros(3, 2, 3, 3), "discrete_weight is float32; it must be int8"),
        (torch.zeros(3, 2, 3, 3, dtype=torch.complex64), "discrete_weight is complex64; it must be int8"),
        (torch.zeros(3, 2, 3, 3, dtype=torch.bool), "discrete_weight is bool; it must be int8"),
        (
            torch.full((3, 2, 3, 3), 2, dtype=torch.int8),
            "discrete_weight: values lie in 2..2; they must be -1, 0 or +1",
        ),
        (torch.full((3, 2, 3, 3), -128, dtype=torch.int8), "values lie in -128..-128; they must be -1, 0 or +1"),
        (
            torch.zeros(3, 2, 3, 3, dtype=torch.int8).to_sparse(),
            "m.pt is not a model file: it holds a sparse tensor; te",
        ),
        (
            torch.zeros(1, dtype=torch.int8).expand(3, 2, 3, 3),
            "m.pt is not a model file: a tensor larger than its data",
        ),
    ],
)
def test_a_wrong_tensor_is_refused(tensor: torch.Tensor, words: str):
    assert words in spoilt(lambda held: held["tensors"].update({"1.discrete_weight": tensor}))


def test_a_quantized_tensor_is_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions of torch are about to drop them
        tensor = torch.quantize_per_tensor(torch.zeros(3, 2, 3, 3), 1.0, 0, torch.qint8)
    message = spoilt(lambda held: held["tensors"].update({"1.discrete_weight": tensor}))
    assert "it holds a quantized tensor; tensors must be plain float32, int8 or int32" in message


def test_zeros_among_bipolar_weights_are_refused():
    held = content(discretize(nn.Sequential(InputQuantize((3,)), LRTLinear(3, 2, weights="bipolar"))))
    held["tensors"]["1.discrete_weight"][0, 0] = 0
    assert "1 (LRTLinear 3→2): discrete_weight: values lie in " in refusal(held)
    assert "they must be -1 or +1" in refusal(held)


def test_integers_outside_their_bits_are_refused():
    held = content(discretize(nn.Sequential(InputQuantize((3,)), LRTLinear(3, 2), LRTScale(2, bits=4))))
    held["tensors"]["2.multiplier"][0] = 8
    held["tensors"]["2.offset"][1] = 1 << 25
    message = refusal(held)
    assert "2 (LRTScale 2): multiplier: values lie in 7..8; they must lie in -7..7" in message
    assert "2 (LRTScale 2): offset: values lie in 0..33554432; they must lie in -16777216..16777216" in message


def test_logits_that_are_not_finite_name_the_layer():
    held = content(small())
    held["tensors"]["1.alpha"][0, 0, 0, :2] = float("nan")
    held["tensors"]["4.beta"][1, 1] = -float("inf")
    assert refusal(held).splitlines() == [
        "m.pt is not a usable model: 2 faults",
        "  1 (LRTConv2d 2→3): alpha: 2 of 54 values are NaN or infinite; every value must be finite",
        "  4 (LRTLinear 3→2): beta: 1 of 6 values are NaN or infinite; every value must be finite",
    ]


def test_all_faults_of_form_come_at_once():
    def change(held: dict) -> None:
        conv(held)["attrs"]["stride"] = (0, 0)
        held["graph"][2]["kind"] = "LRTSing"
        held["tensors"]["4.discrete_weight"] = torch.zeros(2, 2)

    first, stride, kind, dtype, shape = spoilt(change).splitlines()
    assert first == "m.pt is not a usable model: 4 faults"
    assert stride.endswith("stride=(0, 0) is not supported; stride must be two whole numbers in 1..1024")
    assert kind.startswith("  2 (LRTSing): no rule for this layer (did you mean 'LRTSign'?); known: AdaptiveAvgPool1d")
    assert dtype == "  4 (LRTLinear 3→2): discrete_weight is float32; it must be int8"
    assert shape == "  4 (LRTLinear 3→2): discrete_weight has shape 2x2; it must be 2x3"


def test_one_module_cannot_be_two_layers():
    model = discretize(nn.Sequential(InputQuantize((4,)), LRTLinear(4, 4), LRTSign(), LRTLinear(4, 4)))

    def change(held: dict) -> None:
        held["graph"][3]["origin"] = "1"
        held["graph"][3]["attrs"]["weights"] = "bipolar"
        del held["tensors"]["3.discrete_weight"]

    held = content(model)
    change(held)
    assert "1 (LRTLinear 4→4): '1' is used twice, as different layers" in refusal(held)


def test_strided_and_shared_tensors_are_read_as_dense_ones():
    held = content(discretize(small()))
    weight = held["tensors"]["1.discrete_weight"]
    storage = torch.zeros(3, 3, 3, 4, dtype=torch.int8)
    view = storage[..., :2].permute(0, 3, 1, 2)
    view.copy_(weight)
    held["tensors"]["1.discrete_weight"] = view
    found = from_bytes(packed(held), "m.pt").tensors["1.discrete_weight"]
    assert torch.equal(found, weight)
    assert found.is_contiguous()
    assert found.untyped_storage().nbytes() == weight.numel()


def test_the_limits_are_stated():
    assert (archive.MAX_BYTES, archive.MAX_PICKLE, archive.MAX_RECORDS) == (256 << 20, 4 << 20, 20_000)
