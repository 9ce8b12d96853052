"""Single layers of `make bench`: counted right, held to what was promised, wrong answers refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import typer

from lrtc import bench, bench_layers
from lrtc.bench_layers import LAYERS, BenchLayer, Row, bench_rows
from lrtc.check.emulate import runs_here
from lrtc.errors import LrtcError, ToolMissing

HERE = [(layer, core) for layer in LAYERS for core in layer.targets if runs_here(core)]


@pytest.mark.parametrize(("layer", "core"), HERE, ids=[f"{layer.name}-{core}" for layer, core in HERE])
def test_layers_keep_their_promise(layer, core):
    """On every core, by the build's flags and by plain -O2."""
    rows = bench_rows(layer, core)
    assert [row.name for row in rows] == [f"mcu/{layer.name}/{core}", f"mcu/{layer.name}/{core}/O2"]
    assert [row for row in rows if not row.ok] == []


@pytest.mark.parametrize("missing", ["", "cortex-m0plus"])
def test_a_core_without_a_compiler_is_named_and_the_others_counted(missing, monkeypatch, tmp_path, capsys):
    def counted(layer, core):
        if core == missing:
            raise ToolMissing(f"no compiler for {core}")
        return [Row(f"mcu/{layer.name}/{core}", 1.0, "instructions/MAC")]

    monkeypatch.setattr(bench, "NETS", ())
    monkeypatch.setattr(bench, "bench_rows", counted)
    monkeypatch.setattr(bench, "bench_x86", list)
    with pytest.raises(typer.Exit):
        bench.main(tmp_path / "bench.json")
    names = {row["name"] for row in json.loads((tmp_path / "bench.json").read_text())}
    assert names == {f"mcu/{layer.name}/{core}" for layer in LAYERS for core in layer.targets if core != missing}
    assert ("mcu/conv64/cortex-m0plus: not counted: no compiler" in capsys.readouterr().out) == bool(missing)


def test_a_wrong_output_is_no_figure(monkeypatch):
    right = bench_layers.interp.run
    monkeypatch.setattr(bench_layers.interp, "run", lambda graph, x: -right(graph, x))
    layer = BenchLayer("first28", bench_layers.first28, 1, {"cortex-m0plus": np.inf})
    with pytest.raises(LrtcError, match="first28 on cortex-m0plus: an output differs"):
        bench_rows(layer, "cortex-m0plus")
