"""The roof of C: a layer as large as the roof's reaches it, a small one does not, and what has none says why."""

from __future__ import annotations

import numpy as np
import pytest
from graph_maker import Maker

from lrtc.bench_layers import conv64, linear1024
from lrtc.driver import Model
from lrtc.ir import B1, T2, U8, Elem
from lrtc.report.roofline import roofs_json, roofs_of
from lrtc.reporting import Subject, as_c, costs_of, image_of


def roofs(graph, core: str = "cortex-m4"):
    c = as_c(Subject(Model(graph.name, graph)), core)
    image = image_of(c, None)
    return roofs_of(c, costs_of(c, core, image), image)


@pytest.mark.parametrize("graph", [conv64, linear1024])
def test_a_layer_as_large_as_the_roofs_reaches_it(graph):
    rows = roofs(graph())
    (row,) = [row for row in rows if row.macs > 100_000]
    assert row.reached == pytest.approx(1, abs=0.08), row
    assert row.above == round((row.own - row.roof) * row.macs)


def test_small_layers_stay_below_and_padding_is_no_work():
    m = Maker("small", (6, 6, 3))
    x = m.decide(m.conv(m.x, 8, padding=(1, 1, 1, 1)), T2)
    x = m.conv(x, 8, groups=8)
    rows = roofs(m.done(x))
    first, grouped = rows
    assert first.macs == 16 * 16 * 3 * 8  # 16 of 18 taps of an axis are pixels
    assert first.roof < first.own
    assert grouped.roof is grouped.reached is grouped.above is None
    assert "groups" in grouped.why
    assert roofs_json(rows)["layers"][1]["why"] == grouped.why


def test_a_kernel_that_takes_no_layer_as_large_has_no_roof():
    """The input of integers has 6 channels, which a large layer has 64 of, and `sums` and `patterns` take few taps."""
    m = Maker("few", (6,), Elem("u", 3))
    (row,) = roofs(m.done(m.decide(m.linear(m.x, 8), B1)))
    assert row.kernel in ("sums", "patterns")
    assert (row.roof, row.why) == (None, f"{row.kernel} takes no layer as large")


def test_inputs_of_signed_integers_have_no_roof():
    m = Maker("wide", (40,), U8)
    rows = roofs(m.done(m.linear(m.decide(m.linear(m.x, 8), Elem("i", 4)), 4)))
    assert rows[0].roof
    assert "i4" in rows[1].why
    assert np.isfinite(rows[1].own)
