"""Every module of the library, and a whole layer, passes the protocol tests in Verilator."""

import pytest

from hw import harness

MODULES = list(dict.fromkeys((group, case.module) for group in harness.GROUPS for case in harness.cases(group)))


@pytest.mark.parametrize(("group", "module"), MODULES, ids=[module for _, module in MODULES])
def test_module(group, module, tmp_path):
    harness.run(group, module, tmp_path)
