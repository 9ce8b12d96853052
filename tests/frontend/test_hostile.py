"""Files made to do harm: nothing in them runs, nothing is allocated on their word, and their names stay text."""

from __future__ import annotations

import io
import os
import pickle
import struct
import time
import zipfile

import numpy as np
import pytest
import torch
from networks import images, network, to_ir

from lrtc import interp
from lrtc.errors import LrtcError
from lrtc.frontend import describe, lower, read, rebuild
from lrtc.frontend.modelfile import from_bytes, to_bytes
from lrtc.ir import to_text


class Bomb:
    """Unpickling it makes the file `path`."""

    def __init__(self, path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def refusal(data: bytes) -> str:
    with pytest.raises(LrtcError) as caught:
        from_bytes(data, "m.pt")
    return str(caught.value)


def zipped(records: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as out:
        for name, data in records.items():
            out.writestr(f"archive/{name}", data)
    return buffer.getvalue()


def good(seed: int = 1) -> bytes:
    return to_bytes(describe(network(seed, channels=(3,)), "m"))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("form", ["torch", "zip", "bare"])
def test_a_malicious_pickle_does_not_run(protocol: int, form: str, tmp_path):
    mark = tmp_path / "ran"
    thing = {"format": "lrtc-model", "version": 1, "graph": [Bomb(mark)]}
    if form == "torch":
        buffer = io.BytesIO()
        torch.save(thing, buffer, pickle_protocol=max(2, protocol))
        data = buffer.getvalue()
    elif form == "zip":
        data = zipped({"data.pkl": pickle.dumps(thing, protocol), "version": b"3", "byteorder": b"little"})
    else:
        data = pickle.dumps(thing, protocol)
    (tmp_path / "m.pt").write_bytes(data)
    with pytest.raises(LrtcError) as caught:
        read(tmp_path / "m.pt")
    assert os.listdir(tmp_path) == ["m.pt"]
    assert "m.pt" in str(caught.value)
    if form == "torch" and protocol <= 2:
        assert "holds Python objects, not data: it needs posix.mkdir" in str(caught.value)


OPS = {
    "a class": b"c__main__\nNet\n.",
    "a class by stack": b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
    "an instance": b"(i__main__\nNet\n.",
    "an object": b"(c__main__\nNet\no.",
    "an extension": b"\x82\x01.",
    "a call of a dtype": b"ctorch\nFloatStorage\n)R.",
    "a call with arguments": b"ccollections\nOrderedDict\n(]]tR.",
    "a state for a number": b"K\x01}b.",
    "an append to nothing": b"a.",
    "no end": b"K\x01",
    "nothing": b"",
    "no such instruction": b"\xff.",
    "an unknown memo": b"h\x07.",
    "a mark that is not there": b"t.",
    "an absurd memo": b"K\x01r\xff\xff\xff\x7f0.",
    "a key that is a tuple": b"}K\x01\x85K\x01s.",
    "a key twice": b"}(X\x01\x00\x00\x00aK\x01X\x01\x00\x00\x00aK\x02u.",
    "an odd dict": b"}(K\x01u.",
    "a string longer than the file": b"X\xff\xff\xff\x7fabc.",
    "a storage of no file": b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x009X\x03\0\0\0cpuK\x04tQ.",
    "a tensor of nothing": b"ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x00)))NtR.",
}


@pytest.mark.parametrize("name", OPS)
def test_an_instruction_that_torch_does_not_write_is_refused(name: str):
    message = refusal(zipped({"data.pkl": OPS[name], "version": b"3"}))
    assert message.startswith("m.pt ")


def test_a_graph_of_shared_lists_costs_nothing():
    """Each list holds the one before twice: 2^60 elements, if one walked them."""
    code = b"]q\x00"
    for i in range(60):
        code += b"](h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1])
    started = time.monotonic()
    refusal(zipped({"data.pkl": code + b"."}))
    held = torch.load(io.BytesIO(good()), weights_only=True)
    nest: list = []
    for _ in range(60):
        nest = [nest, nest]
    held["graph"] = nest
    buffer = io.BytesIO()
    torch.save(held, buffer)
    refusal(buffer.getvalue())
    assert time.monotonic() - started < 5


def rewritten(data: bytes, change) -> bytes:
    """Return the archive with its records changed by change({name: bytes})."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        records = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    change(records)
    return zipped(records)


def test_rewriting_alone_does_no_harm():
    assert from_bytes(rewritten(good(), lambda records: None), "m.pt").layers == from_bytes(good(), "m.pt").layers


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pickletools about odd strings
@pytest.mark.parametrize("seed", range(4))
def test_a_garbled_description_is_refused_or_sound(seed: int):
    """Checksums are right here: only the reader's own checks stand between the bytes and the compiler."""
    rng = np.random.default_rng(seed)
    data = good()
    refused = 0
    for _ in range(100):

        def change(records: dict) -> None:
            code = bytearray(records["data.pkl"])
            for _ in range(int(rng.integers(1, 4))):
                code[int(rng.integers(len(code)))] = int(rng.integers(256))
            records["data.pkl"] = bytes(code)

        try:
            description = from_bytes(rewritten(data, change), "m.pt")
            lower(description)
            rebuild(description)
        except LrtcError:
            refused += 1
    assert refused > 50


def test_a_storage_longer_than_its_record_is_refused():
    def change(records: dict) -> None:
        records["data/0"] = records["data/0"][:-1]

    assert "whose data has " in refusal(rewritten(good(), change))


def test_a_tensor_beyond_its_storage_is_refused():
    buffer = io.BytesIO()
    torch.save({"format": "lrtc-model", "x": torch.zeros(2, 3)}, buffer)

    def change(records: dict) -> None:
        code = records["data.pkl"]
        assert code.count(b"K\x02K\x03\x86") == 1
        records["data.pkl"] = code.replace(b"K\x02K\x03\x86", b"J\xff\xff\xff\x7fK\x03\x86")

    assert "a tensor larger than its data" in refusal(rewritten(buffer.getvalue(), change))


def test_a_missing_storage_is_refused():
    assert "whose data has None bytes" in refusal(rewritten(good(), lambda records: records.pop("data/0")))


def test_compressed_records_are_refused_before_they_are_unpacked():
    data = zipped({"data.pkl": b"\x80\x02N.", "data/0": bytes(100 << 20)}, zipfile.ZIP_DEFLATED)
    assert len(data) < 1 << 20
    assert "compressed or encrypted records, which torch.save does not write" in refusal(data)


def test_overlapping_records_are_refused():
    """Two directory entries for the same bytes."""
    data = zipped({"data.pkl": b"\x80\x02N.", "data/0": bytes(3000), "data/1": bytes(3000)})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        first = archive.getinfo("archive/data/0").header_offset
        second = archive.getinfo("archive/data/1").header_offset
        start = archive.start_dir
    spoilt = data.replace(struct.pack("<L", second) + b"archive/data/1", struct.pack("<L", first) + b"archive/data/1")
    assert spoilt != data
    shrunk = spoilt[:second] + spoilt[start:]
    end = len(shrunk) - 22
    shrunk = shrunk[: end + 16] + struct.pack("<L", second) + shrunk[end + 20 :]
    message = refusal(shrunk)
    assert "records that overlap" in message or "truncated or damaged" in message


@pytest.mark.parametrize("extra", ["before", "after", "comment"])
def test_bytes_around_the_archive_are_refused(extra: str):
    data = zipped({"data.pkl": b"\x80\x02N."})
    if extra == "before":
        data = data[:30] + b"x" * 50 + data
    if extra == "after":
        data += b"x" * 50
    if extra == "comment":
        data = data[:-2] + b"\x04\x00PK\x05\x06"
    assert refusal(data).startswith("m.pt is ")


def test_two_folders_two_descriptions_or_one_twice_are_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        out.writestr("a/data.pkl", b"N.")
        out.writestr("b/data.pkl", b"N.")
    assert "a zip archive that torch.save has not written" in refusal(buffer.getvalue())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        out.writestr("a/data.pkl", b"N.")
        with pytest.warns(UserWarning, match="Duplicate name"):
            out.writestr("a/data.pkl", b"N.")
    assert "a zip archive that torch.save has not written" in refusal(buffer.getvalue())


def test_a_description_of_megabytes_is_refused():
    assert "a description of 5000002 bytes; at most 4194304 are supported" in refusal(
        zipped({"data.pkl": b"\x80\x02" + b"N" * 5_000_000})
    )


HOSTILE = [
    "*/ int evil; /*",
    "../../../etc/passwd",
    "a\nb\x1b[31mred",
    "ü–名前–🙂",
    "a..b",
    ".",
    "forward",
    "training",
    "weight.bias",
    "__class__",
    "__dict__.x",
    "${HOME} `id` $(id)",
    "'\"\\",
    "{{ 7*7 }}",
    "layer_0",
    "\u202eabc",
    "x" * 200,
    "input.",
    " ",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_only_text(name: str):
    model = network(6, channels=(3, 4), side=(5, 5), norm="lrt")
    held = torch.load(io.BytesIO(to_bytes(describe(model, "m"))), weights_only=True)
    held["name"] = name
    old = {layer["name"]: f"{name[:180]}{i}" if i else name for i, layer in enumerate(held["graph"])}
    for layer in held["graph"]:
        layer["inputs"] = tuple(old.get(n, n) for n in layer["inputs"])
        layer["name"] = layer["origin"] = old[layer["name"]]
    held["output"] = old[held["output"]]
    held["tensors"] = {
        f"{old[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}": value for key, value in held["tensors"].items()
    }
    buffer = io.BytesIO()
    torch.save(held, buffer)
    description = from_bytes(buffer.getvalue(), "m.pt")
    assert description.layers[0].origin == name
    lowered = lower(description)
    x = images(model, 3)
    with torch.no_grad():
        want = model(torch.from_numpy(x))
        again = rebuild(description)
        assert torch.equal(again(torch.from_numpy(x)), want)
        assert torch.equal(rebuild(describe(again, "m"))(torch.from_numpy(x)), want)
    assert (interp.run(lowered.graph, to_ir(x)) == want.numpy()).all()
    text = to_text(lowered.graph)
    assert text.isascii()
    assert "*/" not in text
    assert len(text.splitlines()) == len(lowered.graph.nodes) + 3


def test_names_in_messages_are_one_printable_line():
    held = torch.load(io.BytesIO(good()), weights_only=True)
    held["graph"][1].update(name="evil\n\x1b[2J" + "y" * 190, origin="evil\n\x1b[2J" + "y" * 190, kind="a\rb")
    buffer = io.BytesIO()
    torch.save(held, buffer)
    message = refusal(buffer.getvalue())
    assert r"evil\n\x1b[2Jyyy" in message
    assert all(line.isprintable() for line in message.splitlines())
    assert "…" in message
