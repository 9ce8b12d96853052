"""Real digits in both styles: every logit of the RTL is the interpreter's, and the digits are told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from verilog.networks import Maker

from lrtc import interp
from lrtc.backends.verilog import emit
from lrtc.check.drive import drive
from lrtc.ir import B1, T2, Graph, tensor
from lrtc.ir.ops import Affine, Linear

DIGITS = Path(__file__).parents[2] / "examples" / "mnist" / "digits.npz"
FITTED, SENT = 800, 100  # digits that the last layer is fitted to, and others that are sent
APART = 0.2  # how much means of bits, −1 to 1, have to lie apart to count
RIGHT = 0.7  # of those, at least; guessing tells 0.1 apart


def features() -> Maker:
    """Return 28×28 bytes → black or white → 8 random ±1 filters of 4×4 → bits."""
    m = Maker("digits", (28, 28, 1), seed=3).threshold([100], [0])
    return m.conv("filters", 8, kernel=(4, 4), stride=(3, 3), elem=B1).threshold(np.full(8, -4), np.zeros(8))


def network(x: np.ndarray, y: np.ndarray) -> Graph:
    """Return the filters and, for each class, which bits are oftener 1, or −1, in it than in others, less the mean."""
    bits = interp.run(features().done(), x).astype(np.int64)
    means = np.stack([bits[y == c].mean(0) for c in range(10)])
    apart = means - means.mean(0)
    weights = (np.sign(apart) * (np.abs(apart) > APART)).astype(np.int8)
    scores = np.tensordot(bits, weights, ([1, 2, 3], [1, 2, 3]))
    rows = np.stack([np.ones(10), -np.round(scores.mean(0))]).astype(np.int32)
    m = features()
    m.x = m.b.add(Linear(), [m.x, m.b.const("w", weights, tensor(weights.shape, T2, "OHWI"))], "scores", "scores")
    m.x = m.b.add(Affine(), [m.x, m.b.const("s", rows)], "logits", "logits")
    return m.done()


@pytest.fixture(scope="module")
def case() -> tuple[Graph, np.ndarray, np.ndarray]:
    with np.load(DIGITS) as digits:
        x, y = digits["x"].reshape(-1, 28, 28, 1), digits["y"]
    graph, sent = network(x[:FITTED], y[:FITTED]), x[FITTED : FITTED + SENT]
    want = interp.run(graph, sent).reshape(SENT, 10)
    assert (want.argmax(1) == y[FITTED : FITTED + SENT]).mean() >= RIGHT
    return graph, sent, want


@pytest.mark.parametrize("style", ["stream", "unrolled"])
def test_real_digits_give_the_logits_of_the_interpreter(case, style):
    graph, x, want = case
    out = emit(graph, "digits", {"style": style})
    wired = [fold.stages > 0 for fold in out.plan.layers if fold.slots]
    assert wired == [style == "unrolled"] * 2
    assert drive(out.files, "digits", x, want).cycles_per_image == out.plan.interval
