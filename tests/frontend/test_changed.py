"""Files whose graph was changed at random: refused in words, or lowered to what torch computes of them."""

from __future__ import annotations

import copy
import io
import random

import numpy as np
import pytest
import torch
from mixed_networks import mixed
from networks import images

from lrtc import interp
from lrtc.errors import LrtcError
from lrtc.frontend import describe, lower, rebuild
from lrtc.frontend.data import to_input
from lrtc.frontend.modelfile import from_bytes, to_bytes

VALUES = (0, 1, 2, 3, 7, -1, 1024, 1 << 24, True, 0.5, -0.0, 1e30, "x", (), (0,), (0, 0), (1, 1), (2, 1), (1, 2, 0, 1))
RARE = ("groups", "dilation", "zero_point", "start", "stop", "step", "value")


def changed(graph: list[dict], r: random.Random) -> None:
    """Change one thing of a graph: a value, an input, or a kind."""
    item, what = r.choice(graph), r.random()
    if what < 0.6 and item["attrs"]:
        item["attrs"][r.choice(list(item["attrs"]))] = r.choice(VALUES)
    elif what < 0.7:
        item["attrs"][r.choice(RARE)] = r.choice(VALUES)
    elif what < 0.85:
        item["inputs"] = tuple(r.choice(graph)["name"] for _ in range(r.choice((1, 1, 2, 3))))
    else:
        item["kind"] = r.choice(graph)["kind"]


@pytest.mark.parametrize("seed", range(60))
def test_a_changed_graph_is_refused_or_means_the_same_to_all(seed: int):
    r, model = random.Random(seed), mixed(seed)
    good = torch.load(io.BytesIO(to_bytes(describe(model, "m"))), weights_only=True)
    for _ in range(15):
        held = copy.deepcopy(good)
        changed(held["graph"], r)
        buffer = io.BytesIO()
        torch.save(held, buffer)
        try:
            description = from_bytes(buffer.getvalue(), "m.pt")
            graph = lower(description).graph
        except LrtcError:
            continue
        module = rebuild(description)
        x = images(module, 3, seed)
        with torch.no_grad():
            want = module(torch.from_numpy(x)).numpy()
        assert np.array_equal(interp.run(graph, to_input(x, graph.inputs[0])), want)
