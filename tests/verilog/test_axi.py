"""An accelerator with registers behind AXI4-Lite: simulated with cocotbext-axi, driven by the emitted drivers."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from verilog.networks import U2, Maker, tiny

import lrtc
from hw import harness
from lrtc import cli, interp
from lrtc.backends.verilog import emit
from lrtc.backends.verilog.axi import axi_top, network_word, registers, version_word
from lrtc.backends.verilog.reload import differences
from lrtc.check.toolchain import STRICT
from lrtc.check.verilator import build, need_simulator, write_files
from lrtc.driver import compile
from lrtc.errors import LrtcError
from lrtc.ir import B1, Elem
from lrtc.nn import InputQuantize, LRTBatchNorm, LRTConv2d, LRTLinear, LRTScale, LRTSign, discretize

TESTS = Path(__file__).parents[1]
RUN = """
import sys
from pathlib import Path
from cocotb_tools.runner import get_results, get_runner
executable, folder = Path(sys.argv[1]), Path(sys.argv[2])
xml = get_runner("verilator").test(
    hdl_toplevel=executable.name, hdl_toplevel_lang="verilog", test_module="verilog.tb_axi",
    build_dir=executable.parent, test_dir=folder, results_xml=str(folder / "results.xml"),
    test_args=["+verilator+rand+reset+2", "+verilator+seed+1"],
)
ran, failed = get_results(xml)
sys.exit(failed != 0)
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("axi")


@pytest.fixture
def bench(work: Path, tmp_path: Path) -> Callable[[Mapping[str, str], str, dict], None]:
    """Return a function that runs the testbench on the files of an accelerator with registers."""

    def run(files: Mapping[str, str], name: str, job: dict) -> None:
        verilator = need_simulator()
        executable = build(verilator, files, axi_top(name), "", work)
        write_files({path: text for path, text in files.items() if path.endswith((".mem", ".py"))}, tmp_path)
        paths = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
        env = {**verilator.env, "PYTHONPATH": paths, "COCOTB_LOG_LEVEL": "INFO"}
        env |= {"LRTC_AXI_JOB": json.dumps({"folder": str(tmp_path), **job})}
        command = [sys.executable, "-c", RUN, executable, tmp_path]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]

    return run


def images_of(graph, n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *graph.inputs[0].type.shape)).astype(np.uint8)


def test_registers_count_reset_and_refuse(bench):
    graph = tiny()
    files, x = emit(graph, "tiny", {"axi_lite": True}).files, images_of(graph, 5)
    bench(files, "tiny", {
        "registers": {"network": network_word(graph), "layout": 0, "version": [0, 1, 0]},
        "images": x.reshape(len(x), -1).tolist(),
        "want": interp.run(graph, x).tolist(),
    })  # fmt: skip


def test_what_is_written_beside_the_accelerator():
    graph = tiny()
    plain, made = emit(graph, "tiny").files, emit(graph, "tiny", {"axi_lite": True}).files
    assert all(made[path] == text for path, text in plain.items() if path != "files.f")
    assert {*made} - {*plain} == {
        "tiny_axi.sv", "README.md", "rtl/lrtc_axi_lite.sv", "host/lrtc_axi.h", "host/lrtc_axi.py"
    }  # fmt: skip
    assert made["files.f"].splitlines()[-1] == "tiny_axi.sv"
    assert emit(graph, "tiny", {"axi_lite": True}).files == made
    for register in registers(version_word("0.1.0"), network_word(graph), 0):
        assert f"| `0x{register.offset:02x}` | {register.name} |" in made["README.md"]
        assert f"0x{register.offset:02x}  {register.name}\n" in made["tiny_axi.sv"]
        assert f"#define LRTC_AXI_{register.name} 0x{register.offset:02x}u" in made["host/lrtc_axi.h"]
    assert (version_word("1.2.3"), version_word("0.4.0.dev1"), version_word("")) == (0x01020300, 0x00040000, 0)


def test_lint(tmp_path: Path):
    made = emit(tiny(), "tiny", {"axi_lite": True}).files
    write_files(made, tmp_path)
    said = harness.lint("tiny_axi", *(tmp_path / path for path in made["files.f"].split()))
    assert said == ""


def shaped(seed: int):
    """Return a network with every kind of memory; the seed draws weights, levels and scales, and nothing else."""
    m = Maker(f"net{seed}", (9, 8, 2), seed).conv("a", 6, padding=(1, 1, 1, 1)).codes(U2)
    m.conv("b", 4, elem=Elem("i", 4)).threshold().conv("c", 8, padding=(1, 1, 1, 1), elem=B1).threshold()
    m.conv("d", 8, padding=(1, 1, 1, 1), groups=4).pool("p", kernel=(2, 2), stride=(2, 1)).threshold()
    m.linear("e", 12, B1).threshold()
    return m.linear("f", 5, Elem("i", 5)).affine().done()


FOLD = {"a": (3, 2), "b": (2, 6), "c": (4, 4), "d": (2, 2), "e": (1, 1), "f": (5, 3)}


def test_another_network_of_the_shape_is_loaded(bench):
    graphs = [shaped(seed) for seed in (1, 2, 3)]
    made = [emit(g, g.name, {"reloadable": True, "fold": FOLD}).files for g in graphs]
    words = [json.loads(files[f"{g.name}_load.json"]) for g, files in zip(graphs, made, strict=True)]
    maps = [json.loads(files[f"{g.name}_reload.json"]) for g, files in zip(graphs, made, strict=True)]
    assert len({m["layout"] for m in maps}) == 1
    assert len({m["network"] for m in maps}) == 3
    kinds = {m["name"].partition(".")[2] for m in maps[0]["memories"]}
    assert kinds == {"weight", "start", "threshold", "affine"}
    assert "lrtc_dense_core" in made[0]["net1_e.sv"]
    x = images_of(graphs[0], 6, seed=5)
    want = [interp.run(g, x).tolist() for g in graphs]
    loads = [{"words": words[k], "want": want[k]} for k in (1, 2, 0)]
    job = {"images": x.reshape(len(x), -1).tolist(), "want": want[0], "loads": loads}
    bench(made[0], "net1", job)


def test_the_map_leaves_no_two_memories_at_one_place_and_the_header_says_the_same():
    graph = shaped(4)
    files = emit(graph, "net4", {"reloadable": True, "fold": FOLD}).files
    table = json.loads(files["net4_reload.json"])
    taken = [
        m["address"] + 4 * (row * m["stride"] + k)
        for m in table["memories"] for row in range(m["rows"]) for k in range(m["words"])
    ]  # fmt: skip
    assert len(taken) == len({*taken})
    for m in table["memories"]:
        macro = f"NET4_{m['name'].replace('.', '_').upper()}"
        assert (
            f"#define {macro}_ADDRESS 0x{m['address']:x}u\n#define {macro}_ROWS {m['rows']}u" in files["net4_reload.h"]
        )
        assert f"| {m['name']} | `0x{m['address']:x}` | {m['rows']} | {m['bits']} |" in files["README.md"]


def test_networks_of_other_shapes_differ_and_are_told_apart():
    a, b = (emit(Maker(n, (9,), 1).linear("a", out).threshold().linear("b", 3).done(), n, {"reloadable": True}).files
            for n, out in (("one", 8), ("two", 12)))  # fmt: skip
    ours, theirs = json.loads(a["one_reload.json"]), json.loads(b["two_reload.json"])
    assert ours["layout"] != theirs["layout"]
    said = differences(ours, theirs)
    assert any(text.startswith("a.weight: 8 rows in one") or text.startswith("a.weight") for text in said), said
    assert differences(ours, ours) == []


def test_what_cannot_be_loaded_is_refused_by_name():
    shifted = Maker("s", (4, 4, 2)).conv("a", 3).shifted("b").threshold().linear("c", 3).done()
    amid = Maker("m", (4, 4, 2)).conv("a", 3).affine().pool("p").linear("c", 3).done()
    turned = Maker("t", (4, 4, 2)).conv("a", 2).threshold().pool("p", (1, -1), kernel=(2, 2)).linear("c", 3).done()
    for graph, says in (
        (shifted, r"body\.b: a constant beside a stream cannot be loaded"),
        (amid, r"scale: an integer scale amid the network cannot be loaded"),
        (turned, r"body\.p: directions of a max-pool are wiring"),
    ):
        with pytest.raises(LrtcError, match=says):
            emit(graph, graph.name, {"reloadable": True})
    with pytest.raises(LrtcError, match="weights are wires in style unrolled, nothing can be loaded; use style stream"):
        emit(tiny(), "tiny", {"reloadable": True, "style": "unrolled"})


def test_c_loads_what_python_loads(tmp_path: Path):
    graph = shaped(1)
    files = emit(graph, "net1", {"reloadable": True, "fold": FOLD}).files
    write_files({path: text for path, text in files.items() if path.endswith((".h", ".py"))}, tmp_path)
    (tmp_path / "main.c").write_text(MAIN)
    flags = ["-std=c99", *STRICT, "-fsanitize=address,undefined", "-o", "main", "main.c"]
    subprocess.run(["cc", *flags], cwd=tmp_path, check=True)
    said = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout.split("\n")
    assert said[:3] == ["short -1", "layout -2", "lost -3"]
    words, sent = json.loads(files["net1_load.json"]), []
    spec = importlib.util.spec_from_file_location("lrtc_axi", tmp_path / "host" / "lrtc_axi.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    registers_ = {0: module.ID, module.LAYOUT: words[1]}

    def write(offset: int, word: int) -> None:
        sent.append(f"{offset:x} {word:x}")
        if offset >= 64:
            check = registers_.get(module.CHECK, 0)
            registers_[module.WORDS] = registers_.get(module.WORDS, 0) + 1
            registers_[module.CHECK] = (check << 1 & 0xFFFFFFFF | check >> 31) ^ word

    module.Accelerator(lambda offset: registers_.get(offset, 0), write).load(words)
    assert said[3:-2] == sent
    assert said[-2:] == ["loaded 0", ""]


def torch_model(path: Path, seed: int, width: int = 8, twins: bool = False) -> Path:
    torch.manual_seed(seed)
    net = nn.Sequential(
        InputQuantize((1, 8, 8)), LRTConv2d(1, width, 3, padding=1, weights="ternary"), nn.MaxPool2d(2),
        nn.BatchNorm2d(width), LRTSign(), LRTConv2d(width, 4, 3, weights="bipolar"), LRTBatchNorm(4), LRTSign(),
        nn.Flatten(), LRTLinear(16, 3, weights="ternary"), LRTScale(3),
    ).eval()  # fmt: skip
    with torch.no_grad():
        net[3].weight.copy_(torch.randn(width))  # falling channels: a pool of bits would need directions
        net[3].bias[1] = 1e6 if twins else 0  # a constant channel, which a network that is fixed does without
    lrtc.save(discretize(net), path)
    return path


def test_networks_from_torch_share_a_layout_whatever_their_values(tmp_path: Path, capsys, monkeypatch):
    paths = [torch_model(tmp_path / f"n{k}.pt", k, twins=k == 2) for k in range(3)]
    made = [compile(path, "verilog", reloadable=True) for path in paths]
    maps = [json.loads(r.files[f"n{k}_reload.json"]) for k, r in enumerate(made)]
    assert len({m["layout"] for m in maps}) == 1
    assert len({m["network"] for m in maps}) == 3

    def command(*words: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["lrtc", "compile", *map(str, words), "--target", "verilog"])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return int(stopped.value.code or 0), capsys.readouterr().err

    wider = torch_model(tmp_path / "wider.pt", 4, width=12)
    assert command(paths[0], "-o", tmp_path / "a", "--reloadable") == (0, "")
    assert command(paths[1], "-o", tmp_path / "b", "--reloadable", "--like", tmp_path / "a") == (0, "")
    for words, says in (
        ((wider, "--reloadable", "--like", tmp_path / "a"), "wider cannot be loaded into the accelerator in"),
        ((paths[1], "--like", tmp_path / "a"), "--like goes with --reloadable"),
        ((paths[1], "--reloadable", "--like", tmp_path), "holds no reloadable accelerator"),
    ):
        status, said = command(*words, "-o", tmp_path / "c")
        assert status == 2
        assert says in said
        assert not (tmp_path / "c").exists()


MAIN = """#include <stdint.h>
#include <stdio.h>
static uint32_t words_seen, check_seen, layout, loud, lose;
static uint32_t get(uint32_t offset)
{
    return offset == 0x0cu ? layout : offset == 0x24u ? words_seen : offset == 0x28u ? check_seen : 0u;
}
static void put(uint32_t offset, uint32_t word)
{
    if (offset == 0x10u && word == 1u) {
        words_seen = check_seen = 0u;
    }
    if (offset >= 64u && lose) {
        lose = 0u;
    } else if (offset >= 64u) {
        words_seen++;
        check_seen = ((check_seen << 1) | (check_seen >> 31)) ^ word;
    }
    if (loud) {
        printf("%x %x\\n", (unsigned)offset, (unsigned)word);
    }
}
#define LRTC_AXI_READ(regs, offset) ((void)(regs), get(offset))
#define LRTC_AXI_WRITE(regs, offset, word) ((void)(regs), put((offset), (word)))
#include "host/lrtc_axi.h"
#include "net1_load.h"
#include "net1_reload.h"
int main(void)
{
    const size_t count = sizeof net1_load / sizeof net1_load[0];
    size_t k;
    for (k = 0; k < count; k++) {
        if (lrtc_axi_load(NULL, net1_load, k) != LRTC_AXI_NO_LIST) {
            return 1;
        }
    }
    printf("short %d\\n", lrtc_axi_load(NULL, net1_load, count - 1u));
    layout = NET1_LAYOUT ^ 1u;
    printf("layout %d\\n", lrtc_axi_load(NULL, net1_load, count));
    layout = NET1_LAYOUT;
    lrtc_axi_hold(NULL);
    lose = 1u;
    printf("lost %d\\n", lrtc_axi_load(NULL, net1_load, count));
    loud = 1u;
    k = (size_t)lrtc_axi_load(NULL, net1_load, count);
    printf("loaded %d\\n", (int)k);
    return 0;
}
"""
