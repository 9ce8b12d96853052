"""An op is known wherever one must be: what fails here is what adding it has left out (see the guide, adding.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrtc.backends.c import OPS as IN_C
from lrtc.backends.streaming import FORMULAS
from lrtc.docs.ir_reference import EXAMPLES, _example
from lrtc.driver import TARGETS, compile, random_feeds
from lrtc.errors import LrtcError
from lrtc.interp import MEANING, answers
from lrtc.ir import OPS, Graph
from lrtc.passes import PIPELINES, run_pipeline
from lrtc.plan.stream import SUPPORTED
from lrtc.proof.canonical import cells_of

README = (Path(__file__).parents[2] / "lrtc" / "ir" / "README.md").read_text("utf-8")
REAL = {"scale_bias", "batchnorm", "divide", "sign", "ternarize", "quantize"}  # a pass makes integers of them


@pytest.mark.parametrize("name", OPS)
def test_an_op_is_known_everywhere(name: str):
    op = OPS[name]
    assert f"| `{name}" in README, "lrtc/ir/README.md: a row"
    assert name in EXAMPLES, "lrtc/docs/ir_reference.py: an example"
    if name == "const":
        return
    assert op in MEANING, "lrtc/interp.py: its meaning, a function in MEANING"
    graph = _example(name)
    assert any(node.op.name == name for node in graph.nodes)
    assert list(cells_of(graph)), "lrtc/proof/canonical.py: a rule"
    assert (op in IN_C) == (op in SUPPORTED) == (name not in REAL), "C and the accelerators take it, or a pass ends it"
    assert (name in FORMULAS) == (op in SUPPORTED), "lrtc/backends/streaming.py: its formula"
    feeds = random_feeds(graph, 3)
    want = answers(graph, feeds)
    for pipeline in PIPELINES:
        got = answers(run_pipeline(graph, pipeline), feeds)
        assert all((got[k] == v).all() for k, v in want.items()), pipeline
    refusals = [refused for target in TARGETS if (refused := refusal(graph, target)) is not None]
    assert all(name in refused for refused in refusals), "what a target refuses is named"


def refusal(graph: Graph, target: str) -> str | None:
    """Return what a target says against a graph, None if it takes it."""
    try:
        compile(graph, target)
    except LrtcError as error:
        return str(error)
    return None
