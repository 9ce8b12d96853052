"""This machine as a core: counted twice alike, refused by name, and words as wide as a compiler here has registers."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from c_programs import assert_equal, to_c
from graph_maker import Maker
from graphs import random_network

from lrtc.bench_x86 import CORE, bench_x86
from lrtc.check import native
from lrtc.check.cores import CORES
from lrtc.check.emulate import run_emulated, runs_here
from lrtc.check.stack import worst_stack
from lrtc.check.toolchain import C99, STRICT, compile_c, run_tool, which, write_files
from lrtc.errors import LrtcError, ToolMissing
from lrtc.ir import Graph

HOSTS = [name for name, core in CORES.items() if core.family == "host" and runs_here(name)]
CALLGRIND = [name for name in HOSTS if name == "host" and which("valgrind") and native.platform.machine() == "x86_64"]
X86 = [c for c in ("gcc", "clang") if shutil.which(c) and native.platform.machine() == "x86_64"]
ARM64 = [c for c in ("aarch64-linux-gnu-gcc",) if shutil.which(c)]
VARIANTS = {  # flags of GCC and Clang on x86-64 → what /proc/cpuinfo must say
    (): (), ("-mpopcnt",): ("popcnt",), ("-mavx2",): ("avx2",), ("-mavx512f", "-mavx512vl"): ("avx512f", "avx512vl"),
}  # fmt: skip


@pytest.fixture(scope="module")
def network():
    return to_c(random_network(7, size=(3, 5)), images=3)


@pytest.mark.parametrize("core", HOSTS)
def test_a_host_answers_and_counts(network, core):
    done = run_emulated(network.files, network.name, network.x, core, network.classes)
    assert_equal(network, done.logits)
    assert sum(done.profile.values()) == done.cost[-1]
    assert {f"{network.name}_{i + 1}_" for i in range(len(network.plan.steps))} == {
        "_".join(name.split("_")[: len(network.name.split("_")) + 1]) + "_"
        for name in done.profile
        if name != f"{network.name}_run"
    }
    assert 0 < done.stack <= worst_stack(network.files, network.name, CORES[core]).bytes + 64  # libc's memset


@pytest.mark.parametrize("core", CALLGRIND)
def test_two_ways_to_count_agree(core, network, monkeypatch):
    """But for what the C library takes for processors of different kinds."""
    called = run_emulated(network.files, network.name, network.x[:1], core, network.classes)
    monkeypatch.setitem(CORES, core, replace(CORES[core], stepped=True))
    stepped = run_emulated(network.files, network.name, network.x[:1], core, network.classes)
    assert set(stepped.profile) == set(called.profile)
    for layer, instructions in called.profile.items():
        assert abs(stepped.profile[layer] - instructions) <= 60 + instructions // 100, layer


def test_what_a_host_lacks_is_named(network, monkeypatch):
    monkeypatch.setattr(native, "processor_flags", lambda: frozenset(("avx2", "popcnt")))
    with pytest.raises(ToolMissing, match="host_avx512: this machine's processor has no avx512f, avx512vl"):
        run_emulated(network.files, network.name, network.x, "host_avx512", network.classes)
    assert not runs_here("host_avx512")
    monkeypatch.setattr(native.platform, "system", lambda: "Plan9")
    with pytest.raises(ToolMissing, match="host: instructions are counted on Linux"):
        run_emulated(network.files, network.name, network.x, "host", network.classes)
    monkeypatch.setattr(native.platform, "system", lambda: "Linux")
    monkeypatch.setattr(native.platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(native, "which", lambda name: None)
    with pytest.raises(ToolMissing, match=r"valgrind.* is not on PATH\n.*apt-get install valgrind"):
        run_emulated(network.files, network.name, network.x, "host", network.classes)


def bits_on_an_image() -> Graph:
    """Return a network whose layer is on 20×20 pixels, in words of any width."""
    m = Maker("bits", (20, 20, 2))
    x = m.threshold(m.conv(m.x, 40, (1, 1), padding=(0,) * 4))
    return m.done(m.linear_on_image(m.threshold(m.conv(x, 33, (3, 3))), 3))


def self_test(lanes: int, tool, flags: tuple[str, ...], run: tuple[str, ...] | None, folder: Path) -> None:
    """Compile a network's self-test without a warning, and let it pass where `run` is what starts it."""
    network = to_c(bits_on_an_image(), images=2, lanes=lanes, kernels="sliced16")
    assert "lrtc_add16" in network.files[f"{network.name}.c"]
    write_files(network.files, folder)
    arguments = [*C99, "-O2", *STRICT, *flags, "-DLRTC_SELFTEST_MAIN", f"{network.name}.c", f"{network.name}_test.c"]
    compile_c(tool, [*arguments, "-o", "selftest"], folder, "compiling")
    if run is not None:
        assert run_tool([*run, str(folder / "selftest")], folder, "self-test").status == 0


@pytest.mark.parametrize("compiler", X86)
@pytest.mark.parametrize("flags", VARIANTS, ids=lambda flags: "".join(flags) or "plain")
def test_variants_of_x86(flags, compiler, tmp_path):
    able = set(VARIANTS[flags]) <= native.processor_flags()
    for lanes in (32, 64, 256) if flags != ("-mavx512f", "-mavx512vl") else (128, 256, 512):
        self_test(lanes, which(compiler), flags, () if able else None, tmp_path)


@pytest.mark.parametrize("compiler", ARM64)
def test_variants_of_arm64(compiler, tmp_path):
    qemu = which("qemu-aarch64")
    for lanes in (64, 128):
        self_test(lanes, which(compiler), ("-static",), (qemu.path,) if qemu else None, tmp_path)


@pytest.mark.parametrize("core", [name for name in HOSTS if name == CORE.name])
def test_the_race_compares_what_it_times(core, monkeypatch):
    """A time on a shared machine proves nothing, so the ratio is not held here."""
    (row,) = bench_x86()
    assert (row.name, row.unit, row.target) == ("mcu/conv64/x86", "× VPOPCNTDQ", 1.0)
    assert 0.1 < row.value < 10
    from lrtc import bench_x86 as module

    right = module.border
    monkeypatch.setattr(module, "border", lambda *a: replace(right(*a), missing=right(*a).missing + 8))
    with pytest.raises(LrtcError, match="the race: race ended with status 1"):
        bench_x86()


def test_processor_flags_are_read():
    assert np.all([isinstance(flag, str) for flag in native.processor_flags()])
    assert native.processor_flags()
