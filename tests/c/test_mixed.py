"""Networks of torch modules drawn by hypothesis, shortcuts and several precisions: torch = interpreter = C."""

from __future__ import annotations

from dataclasses import replace

import pytest
from c_programs import Compiled, assert_equal, to_c, to_program
from drawn import examples
from engines import check
from mixed_networks import mixed_of

COUNT = 24


@pytest.fixture(scope="module")
def networks(tmp_path_factory) -> list[Compiled]:
    """Return networks whose answers by the interpreter are those of torch."""
    path, found = tmp_path_factory.mktemp("mixed") / "m.pt", []
    for k, drawn in enumerate(examples(COUNT)):
        graph, feed = check(mixed_of(drawn), path, k)
        found.append(to_c(replace(graph, name=f"mixed{k}"), feed=feed))
    return found


def test_c_equals_torch(networks, tmp_path):
    program = to_program(networks, tmp_path)
    for network in networks:
        assert_equal(network, program.run(network.name, network.x))
