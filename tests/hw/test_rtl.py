"""Every module of the library passes the protocol tests in Verilator."""

import importlib

import pytest

from hw import harness

BENCHES = ("bench_streams", "bench_line_buffer", "bench_dot", "bench_mvu", "bench_heads", "bench_conv")
MODULES = [
    (bench, module)
    for bench in BENCHES
    for module in dict.fromkeys(case.module for case in importlib.import_module(f"hw.{bench}").CASES)
]


@pytest.mark.parametrize(("bench", "module"), MODULES, ids=[module for _, module in MODULES])
def test_module(bench, module, tmp_path):
    harness.run(bench, module, tmp_path)
