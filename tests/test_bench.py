"""Single layers of `make bench`: counted right, held to what was promised, wrong answers refused."""

from __future__ import annotations

import numpy as np
import pytest

from lrtc import bench_layers
from lrtc.bench_layers import LAYERS, BenchLayer, bench_rows
from lrtc.errors import LrtcError


@pytest.mark.parametrize("layer", LAYERS, ids=[layer.name for layer in LAYERS])
def test_layers_keep_their_promise(layer):
    """On every core, by the build's flags and by plain -O2."""
    rows = bench_rows(layer)
    assert [row.name for row in rows[::2]] == [f"mcu/{layer.name}/{core}" for core in layer.targets]
    assert [row for row in rows if not row.ok] == []


def test_a_wrong_output_is_no_figure(monkeypatch):
    right = bench_layers.interp.run
    monkeypatch.setattr(bench_layers.interp, "run", lambda graph, x: -right(graph, x))
    layer = BenchLayer("first28", bench_layers.first28, 1, {"cortex-m0plus": np.inf})
    with pytest.raises(LrtcError, match="first28 on cortex-m0plus: an output differs"):
        bench_rows(layer)
