"""Several inputs and outputs of torch modules: file, rebuilt module, interpreter, C agree; what is wrong is named."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import lrtc
from lrtc import interp
from lrtc.chain import Chain, verify_chain
from lrtc.driver import open_model
from lrtc.errors import LrtcError
from lrtc.frontend import describe, lower, read
from lrtc.frontend.data import read_feeds
from lrtc.frontend.modelfile import from_bytes, to_bytes
from lrtc.nn import InputQuantize, LRTBatchNorm, LRTConv2d, LRTLinear, LRTScale, LRTSign, LRTTernarySign

ENDS = ("tuple", "list", "dict", "one", "signs")


class Fusion(nn.Module):
    """An image, a signal and numbers, each through a body of its own, meet; what comes back depends on `end`."""

    def __init__(self, seed: int, end: str) -> None:
        super().__init__()
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        h, w, c, f, n = (int(v) for v in rng.integers(1, 7, 5))
        classes, kinds = int(rng.integers(1, 6)), ("bipolar", "ternary")
        self.shapes = {"image": (c, h, w), "numbers": (f,), "int": (c, n)}
        self.image = nn.Sequential(InputQuantize((c, h, w)), LRTConv2d(c, 5, 3, padding=1, weights=kinds[seed % 2]),
                                   LRTBatchNorm(5), LRTSign(), nn.Flatten())  # fmt: skip
        self.numbers = nn.Sequential(InputQuantize((f,), scale=0.5), LRTLinear(f, 9), LRTBatchNorm(9), LRTSign())
        self.signal = nn.Sequential(InputQuantize((c, n), scale=1.0), nn.Flatten())
        self.fuse = LRTLinear(5 * h * w + 9, classes)
        self.scale, self.sign, self.third = LRTScale(classes), LRTSign(), LRTTernarySign(0.5)
        self.side = LRTLinear(c * n, 3)
        self.end = end

    def forward(self, image, numbers, int):
        signal, numbers = self.signal(int), self.numbers(numbers)  # in another order than they come
        image = self.image(image)
        sums = self.fuse(torch.cat([image, numbers], 1))
        side = self.side(signal)
        if self.end == "tuple":
            return self.scale(sums), side
        if self.end == "list":
            return [side, sums, side]
        if self.end == "dict":
            return {"scores": self.scale(sums), "class": side, "class ": torch.argmax(sums, 1)}
        if self.end == "signs":
            return self.sign(sums), self.third(side), numbers
        return torch.cat([sums, side], 1)


def fusion(seed: int, end: str) -> Fusion:
    net = Fusion(seed, end).eval()
    for module in net.modules():
        if isinstance(module, LRTBatchNorm):
            nn.init.normal_(module.running_mean, std=3.0)
            nn.init.normal_(module.weight)
    return lrtc.nn.discretize(net)


def samples(net: Fusion, n: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.integers(0, 256, (n, *shape), dtype=np.uint8) for name, shape in net.shapes.items()}


def answers(net: nn.Module, data: dict[str, np.ndarray]) -> list[np.ndarray]:
    with torch.no_grad():
        given = net(*(torch.from_numpy(x) for x in data.values()))
    values = given.values() if isinstance(given, dict) else [given] if isinstance(given, torch.Tensor) else given
    return [v.numpy().reshape(len(v), -1) for v in values]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("seed", range(4))
def test_every_engine_agrees(end: str, seed: int, tmp_path):
    net = fusion(seed, end)
    data, path = samples(net, 7, seed), tmp_path / "net.pt"
    want = answers(net, data)
    lrtc.save(net, path)
    loaded = lrtc.load(path)
    with torch.no_grad():
        given = (f(*(torch.from_numpy(x) for x in data.values())) for f in (net, loaded))
        assert len({type(v) for v in given}) == 1
    assert all(np.array_equal(a, b) for a, b in zip(want, answers(loaded, data), strict=True))
    model = open_model(path)
    assert [v.name for v in model.graph.inputs] == ["image", "numbers", "int"]
    got = interp.answers(model.graph, model.quantized(data))
    assert all(np.array_equal(a, b) for a, b in zip(want, got.values(), strict=True))
    verdicts = list(verify_chain(Chain(model), data, engines=("torch", "interp", "c")))
    assert [(v.engine, v.equal, v.note) for v in verdicts] == [(e, True, "") for e in ("torch", "interp", "c")]


@pytest.mark.parametrize(("end", "names"), [
    ("tuple", ("out0", "out1")), ("dict", ("scores", "class", "class_v2")), ("one", ("logits",)),
])  # fmt: skip
def test_outputs_have_names(end: str, names: tuple[str, ...]):
    assert lower(describe(fusion(1, end), "m")).graph.results == names


def test_the_file_says_what_it_must_and_no_more(tmp_path):
    net = fusion(1, "dict")
    lrtc.save(net, tmp_path / "net.pt")
    held = torch.load(tmp_path / "net.pt", weights_only=True)
    assert held["inputs"] == ("image", "numbers", "int")
    assert list(held["output"]) == ["scores", "class", "class "]
    assert to_bytes(read(tmp_path / "net.pt")) == (tmp_path / "net.pt").read_bytes()
    again, first = describe(lrtc.load(tmp_path / "net.pt"), "net"), read(tmp_path / "net.pt")
    assert (again.layers, again.output, again.inputs) == (first.layers, first.output, first.inputs)


CHANGES = [
    (lambda h: h.update(inputs=("image", "numbers")), "takes the value of 'int', which is not before it"),
    (lambda h: h.update(inputs=("image", "numbers", "int", "ghost")), "input ghost: no layer takes it"),
    (lambda h: h.update(inputs=("image", "image", "numbers", "int")), "inputs: a name is there twice"),
    (lambda h: h.update(inputs=()), "inputs: there are 0; 1 to 64 are supported"),
    (lambda h: h.update(inputs=(1, "numbers", "int")), "inputs: a name is a value of type int; it must be text"),
    (lambda h: h.update(inputs=["image", "numbers", "int"]), "inputs: is of type list, not tuple"),
    (lambda h: h.update(output=("scale", 3)), "output: a name is a value of type int; it must be text"),
    (lambda h: h.update(output=("scale", "scale", "ghost")), "output: 'ghost' is not a layer"),
    (lambda h: h.update(output=("scale", "int")), "output: 'int' is not a layer"),
    (lambda h: h.update(output=()), "output: there are 0; 1 to 64 are supported"),
    (lambda h: h.update(output=("scale",) * 65), "output: there are 65; 1 to 64 are supported"),
    (lambda h: h.update(output={"": "scale", "b": "side"}), "output: a name is 0 characters long"),
    (lambda h: h.update(output=None), "output: is of type NoneType, not str"),
    (lambda h: h.pop("output"), "output: is missing"),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_changed_files_are_refused(change, words: str, tmp_path):
    lrtc.save(fusion(1, "tuple"), tmp_path / "net.pt")
    held = torch.load(tmp_path / "net.pt", weights_only=True)
    change(held)
    torch.save(held, tmp_path / "bad.pt")
    with pytest.raises(LrtcError) as caught:
        from_bytes((tmp_path / "bad.pt").read_bytes(), "bad.pt")
    assert words in str(caught.value)


class Bad(nn.Module):
    """Two inputs of which one goes past its quantiser, or through it twice."""

    def __init__(self, twice: bool) -> None:
        super().__init__()
        self.quantize, self.fc, self.twice = InputQuantize((4,)), LRTLinear(4, 2), twice

    def forward(self, a, b):
        if self.twice:
            return self.fc(self.quantize(a)), self.fc(self.quantize(b)), self.fc(self.quantize(b))
        return self.fc(self.quantize(a)), self.fc(b)


def test_each_input_goes_through_one_quantiser():
    for twice, words in ((True, "quantises the b once more"), (False, "takes the input b")):
        with pytest.raises(LrtcError, match=f"{words}; each input goes through one lrtc.nn.InputQuantize, used once"):
            open_model(Bad(twice).eval())


def test_real_data_of_each_input_has_its_own_scale():
    net = fusion(2, "tuple")
    data = samples(net, 5, 2)
    scales = (net.image[0].scale, 0.5, 1.0)
    real = {name: x.astype(np.float32) * np.float32(scale)
            for (name, x), scale in zip(data.items(), scales, strict=True)}  # fmt: skip
    model = open_model(net)
    assert all(np.array_equal(q, model.quantized(data)[name]) for name, q in model.quantized(real).items())


def written(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_data_files_hold_an_array_for_each_input(tmp_path):
    net = fusion(3, "tuple")
    data, graph = samples(net, 5, 3), open_model(net).graph
    path = written(tmp_path / "d.npz", **data, y=np.arange(5) % 2)
    feeds, y = read_feeds(path, graph.inputs, 2)
    assert list(feeds) == ["image", "numbers", "int"]
    assert all(np.array_equal(feeds[name], x) for name, x in data.items())
    assert y.tolist() == [0, 1, 0, 1, 0]


def test_data_files_that_do_not_fit_are_refused_by_name(tmp_path):
    net = fusion(3, "tuple")
    data, graph = samples(net, 5, 3), open_model(net).graph
    short = {"image": data["image"], "int": data["int"][:4], "extra": data["image"], "y": np.arange(5) + 7}
    with pytest.raises(LrtcError) as caught:
        read_feeds(written(tmp_path / "d.npz", **short), graph.inputs, 2)
    shape = data["numbers"].shape[1]
    assert str(caught.value).splitlines() == [
        f"{tmp_path}/d.npz does not fit the model: 4 faults",
        f"  numbers: is missing; the model takes N×{shape}",
        "  extra: is no input of the model; its inputs are image, numbers, int; y holds labels",
        "  int: has 4 samples; image has 5",
        "  y: labels lie in 7..11; they must lie in 0..1",
        "  hint: write it with numpy.savez(path, image=…, numbers=…, int=…, y=…); each input is N×C×H×W (or N×C×L, "
        "N×F), uint8 or float32",
    ]


class Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.fc = InputQuantize((3,)), InputQuantize((3,)), LRTLinear(3, 2)

    def forward(self, x, y):
        return self.fc(self.a(x)) + self.fc(self.b(y))


def test_labels_give_way_to_an_input_of_their_name(tmp_path):
    graph = open_model(Named().eval()).graph
    x = np.zeros((2, 3), np.uint8)
    feeds, labels = read_feeds(written(tmp_path / "d.npz", x=x, y=x + 1, labels=np.array([1, 0])), graph.inputs, 2)
    assert feeds["y"].max() == 1
    assert labels.tolist() == [1, 0]


def lrtc_command(*words: object) -> subprocess.CompletedProcess:
    argv = [sys.executable, "-m", "lrtc.cli", *map(str, words)]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_the_command_line_verifies_and_writes_every_output(tmp_path):
    net = fusion(1, "dict")
    lrtc.save(net, tmp_path / "net.pt")
    data = samples(net, 6, 1)
    path = written(tmp_path / "d.npz", **data, y=np.zeros(6, np.int64))
    engines = ("--engines", "torch,interp,c,cortex-m0", "--slow-images", 2)
    done = lrtc_command("verify", tmp_path / "net.pt", "--data", path, *engines)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all equal, every logit of every image" in done.stdout
    done = lrtc_command("run", tmp_path / "net.pt", "--data", path, "-o", tmp_path / "out.npz")
    assert done.returncode == 0, done.stdout + done.stderr
    with np.load(tmp_path / "out.npz") as held:
        assert list(held) == ["scores", "class", "class_v2"]
        assert all(np.array_equal(a, b) for a, b in zip(held.values(), answers(net, data), strict=True))
    shown = lrtc_command("show", tmp_path / "net.pt").stdout
    assert "return scores = %" in shown
