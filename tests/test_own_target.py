"""A target of another package: found by its entry point, refused in words, equal to the interpreter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import lrtc
from lrtc import interp
from lrtc.driver import backend_for, open_model, random_feeds, targets
from lrtc.errors import LrtcError
from lrtc.nn import InputQuantize, LRTBatchNorm, LRTLinear, LRTScale, LRTSign, QuantActivation, discretize

OWN = Path(__file__).parents[1] / "examples" / "own_target"
NAMES = """[lrtc.targets]
micropython = lrtc_micropython:BACKEND
lost = lrtc_nowhere:BACKEND
odd = lrtc_micropython:OPS
c = lrtc_nowhere:BACKEND
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the package where an installer would, with two broken targets and one of a name of ours beside it."""
    about = tmp_path / "lrtc_micropython-0.1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lrtc-micropython\nVersion: 0.1.0\n")
    (about / "entry_points.txt").write_text(NAMES)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(OWN))


class Both(nn.Module):
    """Two heads' greater, after codes and signs."""

    def __init__(self):
        super().__init__()
        self.front = nn.Sequential(InputQuantize((20,)), LRTLinear(20, 33), LRTBatchNorm(33), LRTSign())
        self.codes = nn.Sequential(LRTLinear(33, 9, weights="bipolar"), LRTBatchNorm(9), QuantActivation(3, scale=0.5))
        self.a, self.b, self.scale = LRTLinear(9, 4), LRTLinear(33, 4), LRTScale(4)

    def forward(self, x):
        x = self.front(x)
        return self.scale(torch.maximum(self.a(self.codes(x)), self.b(x)))


def test_it_gives_the_integers_of_the_interpreter():
    torch.manual_seed(0)
    net = Both()
    for norm in (net.front[2], net.codes[1]):
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    model = open_model(discretize(net).eval(), "net")
    result = lrtc.compile(model, target="micropython")
    scope: dict = {}
    exec(result.files["net.py"], scope)
    feeds = random_feeds(model.graph, 20)
    want = interp.run(model.graph, feeds)
    got = [scope["run"](row.tolist()) for row in next(iter(feeds.values()))]
    np.testing.assert_array_equal(got, want)
    assert len(np.unique(want)) > 4
    with pytest.raises(LrtcError, match="no engine of verify"):
        result.verify()


def test_what_it_does_not_take_is_refused_by_name():
    with pytest.raises(LrtcError, match=r"conv1.*conv2d is no line of MicroPython yet"):
        lrtc.compile(OWN.parent / "mnist" / "mnist_ternary.pt", target="micropython")


def test_targets_are_named_and_broken_ones_are_told():
    assert targets() == ("c", "verilog", "hls", "micropython", "lost", "odd")
    assert backend_for("c").name == "c"
    with pytest.raises(LrtcError, match="did you mean 'micropython'"):
        backend_for("micropithon")
    with pytest.raises(LrtcError, match="target lost of lrtc_nowhere:BACKEND cannot be loaded: No module named"):
        backend_for("lost")
    with pytest.raises(LrtcError, match="target odd of lrtc_micropython:OPS is no lrtc"):
        backend_for("odd")
