"""Data files: torch's order in, the IR's order out; every file that does not fit is refused before it is believed."""

from __future__ import annotations

import io
import os
import struct
import zipfile

import numpy as np
import pytest

from lrtc.errors import LrtcError
from lrtc.frontend.data import MAX_ELEMENTS, read_data, read_samples, torch_shape
from lrtc.ir import U8, Input, tensor

IMAGE = Input("x", tensor((4, 5, 3), U8), 0.5)
VECTOR = Input("x", tensor((7,), U8))


def write(path, **arrays: object):
    np.savez(path, **arrays)
    return path


def refusal(path, value: Input = IMAGE, classes: int | None = None) -> str:
    with pytest.raises(LrtcError) as caught:
        read_data(path, value, classes)
    return str(caught.value)


def images(n: int = 6, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 200, (n, 3, 4, 5)).astype(dtype)


def test_images_come_in_the_irs_order(tmp_path):
    x, y = read_data(write(tmp_path / "d.npz", x=images(), y=np.arange(6, dtype=np.uint8)), IMAGE)
    assert x.shape == (6, 4, 5, 3)
    assert x.dtype == np.uint8
    assert x.flags.c_contiguous
    assert np.array_equal(x.transpose(0, 3, 1, 2), images())
    assert y.dtype == np.int64
    assert y.tolist() == [0, 1, 2, 3, 4, 5]


def test_labels_and_other_arrays_are_optional(tmp_path):
    np.savez_compressed(tmp_path / "d.npz", x=np.zeros((2, 7), np.uint8), note=np.array(["any"], dtype=object))
    x, y = read_data(tmp_path / "d.npz", VECTOR)
    assert (x.shape, y) == ((2, 7), None)


def test_real_data_is_quantised_and_bytes_are_not(tmp_path):
    real = images(dtype=np.float32) / 2 + np.float32(0.25)
    real[0, 0, 0, :3] = -5.0, 1e9, 0.75
    x, _ = read_data(write(tmp_path / "d.npz", x=real), IMAGE)
    assert np.array_equal(x.transpose(0, 3, 1, 2), np.clip(np.rint(real / 0.5), 0, 255))
    assert x[0, 0, :3, 0].tolist() == [0, 255, 2]
    assert np.array_equal(read_data(write(tmp_path / "b.npz", x=images()), IMAGE)[0], images().transpose(0, 2, 3, 1))


def test_samples_stay_as_torch_takes_them(tmp_path):
    real = images(dtype=np.float32)
    x, _ = read_samples(write(tmp_path / "d.npz", x=real), IMAGE)
    assert x.dtype == np.float32
    assert np.array_equal(x, real)


def test_fortran_order_is_read(tmp_path):
    x, _ = read_data(write(tmp_path / "d.npz", x=np.asfortranarray(images())), IMAGE)
    assert np.array_equal(x.transpose(0, 3, 1, 2), images())


def test_the_shape_as_torch_takes_it():
    assert torch_shape(IMAGE) == (3, 4, 5)
    assert torch_shape(VECTOR) == (7,)


def test_files_that_are_none(tmp_path):
    assert refusal(tmp_path / "none.npz").splitlines() == [
        f"{tmp_path}/none.npz: no such file",
        "  hint: write it with numpy.savez(path, x=images, y=labels); x is N×C×H×W (or N×C×L, N×F), uint8 or float32",
    ]
    assert "is a folder; data is an .npz file" in refusal(tmp_path)
    (tmp_path / "text.npz").write_text("x")
    assert "is not an .npz file, or damaged" in refusal(tmp_path / "text.npz")
    np.save(tmp_path / "one.npy", images())
    assert "is not an .npz file, or damaged" in refusal(tmp_path / "one.npy")
    os.mkfifo(tmp_path / "pipe")
    assert "is not a regular file" in refusal(tmp_path / "pipe")


def test_every_truncation_is_refused(tmp_path):
    data = write(tmp_path / "d.npz", x=images()).read_bytes()
    for size in range(0, len(data), 37):
        (tmp_path / "t.npz").write_bytes(data[:size])
        assert "is not an .npz file, or damaged" in refusal(tmp_path / "t.npz")


@pytest.mark.parametrize("compressed", [False, True])
def test_damage_inside_is_refused(compressed: bool, tmp_path):
    save = np.savez_compressed if compressed else np.savez
    save(tmp_path / "d.npz", x=images(40))
    data = bytearray((tmp_path / "d.npz").read_bytes())
    data[200:260] = bytes(60)
    (tmp_path / "d.npz").write_bytes(data)
    assert "damaged" in refusal(tmp_path / "d.npz")


def test_a_file_without_x(tmp_path):
    message = refusal(write(tmp_path / "d.npz", images=images(), labels=np.zeros(6)))
    assert "d.npz has no `x`; it holds images, labels" in message
    assert "has no `x`; it holds nothing" in refusal(write(tmp_path / "e.npz"))


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((6, 4, 5, 3), np.uint8), "x: is 6×4×5×3; the model takes N×3×4×5"),
        (np.zeros((6, 4, 5), np.uint8), "x: is 6×4×5; the model takes N×3×4×5"),
        (np.zeros((3, 4, 5), np.uint8), "x: is 3×4×5; the model takes N×3×4×5"),
        (np.uint8(3), "x: is one number; the model takes N×3×4×5"),
        (np.zeros((0, 3, 4, 5), np.uint8), "x: has no samples"),
        (np.zeros((6, 3, 4, 5)), "x: is float64; it must be uint8, or float32 (x.astype('float32'))"),
        (np.zeros((6, 3, 4, 5), np.int64), "x: is int64; it must be uint8"),
        (np.zeros((6, 3, 4, 5), np.bool_), "x: is bool; it must be uint8"),
        (np.full((6, 3, 4, 5), np.nan, np.float32), "x: 360 values are NaN or infinite, the first at (0, 0, 0, 0)"),
        (np.full((6, 3, 4, 5), np.inf, np.float32), "x: 360 values are NaN or infinite, the first at (0, 0, 0, 0)"),
    ],
)
def test_x_that_does_not_fit(x: np.ndarray, words: str, tmp_path):
    assert words in refusal(write(tmp_path / "d.npz", x=x))


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.zeros(5, int), "y: has shape 5; 6 samples need 6 labels"),
        (np.zeros((6, 10), int), "y: has shape 6×10; 6 samples need 6 labels"),
        (np.int64(1), "y: has shape one number; 6 samples need 6 labels"),
        (np.zeros(6), "y: is float64; labels must be integers"),
        (np.array(["a"] * 6), "y: is <U1; labels must be integers"),
        (np.array([0, 1, 2, 3, 4, 10]), "y: labels lie in 0..10; they must lie in 0..9"),
        (np.array([0, 1, 2, 3, 4, -1]), "y: labels lie in -1..4; they must lie in 0..9"),
        (np.array([0, 0, 0, 0, 0, 2**64 - 1], np.uint64), "y: labels lie in 0..18446744073709551615; they must lie in"),
    ],
)
def test_labels_that_do_not_fit(y: np.ndarray, words: str, tmp_path):
    assert words in refusal(write(tmp_path / "d.npz", x=images(), y=y), classes=10)


def test_labels_without_a_number_of_classes(tmp_path):
    path = write(tmp_path / "d.npz", x=images(), y=np.array([0, 0, 0, 0, 0, 2**62]))
    assert "they must lie in 0..16777215" in refusal(path)


def test_all_faults_come_at_once(tmp_path):
    message = refusal(write(tmp_path / "d.npz", x=np.zeros((6, 3, 4)), y=np.zeros(5)))
    assert message.splitlines()[:5] == [
        f"{tmp_path}/d.npz does not fit the model: 4 faults",
        "  x: is 6×3×4; the model takes N×3×4×5",
        "  x: is float64; it must be uint8, or float32 (x.astype('float32'))",
        "  y: has shape 5; 6 samples need 6 labels",
        "  y: is float64; labels must be integers",
    ]


class Bomb:
    """Unpickling it makes the folder `path`."""

    def __init__(self, path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("name", ["x", "y", "other"])
def test_objects_are_never_unpickled(name: str, tmp_path):
    arrays = {"x": images(), "y": np.zeros(6, int)}
    arrays[name] = np.array([Bomb(tmp_path / "ran")], dtype=object)
    path = write(tmp_path / "d.npz", **arrays)
    if name == "other":
        read_data(path, IMAGE)
    else:
        assert f"{name} holds Python objects; lrtc never unpickles data" in refusal(path)
    assert os.listdir(tmp_path) == ["d.npz"]


def header(shape: tuple, dtype: str = "|u1") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (header((1 << 40, 3, 4, 5)), f"x has 1099511627776×3×4×5 values; at most {MAX_ELEMENTS} are supported"),
        (header((1 << 20, 3, 4, 5)), "x is said to be 1048576×3×4×5, but its data is shorter"),
        (header((-4, 3, 4, 5)), "d.npz: x"),
        (header((6, 3, 4, 5), "|O"), "x holds Python objects; lrtc never unpickles data"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "d.npz: x is damaged: "),
        (b"\x93NUMPY\x07\x00\xff\xff{", "d.npz: x is damaged: "),
        (header(("__import__('os').mkdir('ran')",)), "d.npz: x is damaged: "),
        (b"", "d.npz: x is damaged: "),
        (b"text", "d.npz: x is damaged: "),
    ],
)
def test_headers_are_not_believed(member: bytes, words: str, tmp_path):
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as out:
        out.writestr("x.npy", member)
    assert words in refusal(tmp_path / "d.npz")


def test_a_compressed_bomb_is_not_unpacked(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out, out.open("x.npy", "w") as member:
        member.write(header((1 << 20, 3, 64, 64)))
        member.write(bytes(64 << 20))
    (tmp_path / "d.npz").write_bytes(buffer.getvalue())
    assert "values; at most " in refusal(tmp_path / "d.npz")
