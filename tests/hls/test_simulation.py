"""C simulation of emitted HLS code = interpreter on every output: processes in turn, and side by side as planned."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from graphs import random_feeds, random_network
from graphs_dag import random_dag
from verilog.networks import U4, Maker, special, tiny, turning
from verilog.test_ports import meeting

from lrtc import interp
from lrtc.backends.hls import emit
from lrtc.check.hls import SANITIZE, STRICT, amd_headers, build_hls, run_test_bench
from lrtc.check.toolchain import which
from lrtc.driver import compile, open_model
from lrtc.errors import Mismatch
from lrtc.frontend.data import read_samples
from lrtc.ir import B1, Graph, Ports, feed_rows, in_rows, ports_of
from lrtc.passes import run_pipeline

MNIST = Path(__file__).parents[2] / "examples" / "mnist"
QUICK = ("-O0",)  # to compile costs more than to run
SANITIZED = ("branches", "maxima", "moved", "turned")  # between them every stage of the library
ELSEWHERE = ("never",)  # for other compilers and other integers
NETWORKS, DAGS, TURNING = (1,), (2, 18), (3,)
IMAGES = 5


def cases():
    """Yield (name, graph, options of the backend)."""
    for name, (graph, options) in special().items():
        yield name, graph, options
    for seed in NETWORKS:
        yield f"net{seed}", run_pipeline(random_network(seed), "verilog"), {}
    for seed in DAGS:
        yield f"dag{seed}", run_pipeline(random_dag(seed), "verilog"), {}
    for seed in TURNING:
        yield f"turning{seed}", turning(seed), {}
    yield "wide", wide(), {}
    steps = Maker("steps", (2, 2, 1100)).codes(B1).conv("a", 2, kernel=(2, 2), padding=(0, 1, 1, 0)).codes(U4)
    yield "steps", steps.linear("b", 2, B1).done(), {"fold": {"a": (1, 4400)}}
    yield "meeting", run_pipeline(meeting(), "verilog"), {"target_cycles": 90}


def wide() -> Graph:
    """Beats of 5,600 to 15,400 bits, more than an ap_uint may have, through every stage that takes whole pixels."""
    m = Maker("wide", (2, 3, 4)).conv("a", 700, kernel=(1, 1), elem=B1)
    sums = m.x
    left = m.pool("p", kernel=(1, 2), stride=(1, 1)).x
    m.at(sums).total("t", kernel=(1, 2), stride=(1, 1)).add("plus", left).clamp("limit", -300, 2000)
    m.crop("cut", (0, 0, 0, 1)).pad("q", (0, 0, 0, 1), 5).turn("turned", (1, 0, 2), (2, 2, 700))
    both = m.channels("back", range(699, -1, -1)).concat("both", left).x
    ends = m.total("all", kernel=(2, 2)).flat("flat").codes(B1).linear("more", 3).x
    m.at(both).codes(U4).conv("b", 3, kernel=(2, 2), padding=(0, 1, 0, 1)).flat("rest").linear("fc", 3).add("end", ends)
    return m.done()


def drawn(names):
    """Return name → (files, sizes) and name → (images, answers) of some of the cases."""
    designs, wanted = {}, {}
    for k, (name, graph, options) in enumerate(cases()):
        if not names(name):
            continue
        feeds = random_feeds(graph, IMAGES, seed=k)
        want, ports = in_rows(interp.answers(graph, feeds).values()), ports_of(graph)
        if options.get("output") == "class":
            want, ports = want.argmax(axis=1)[:, None], Ports(ports.taken, (1,))
        designs[name] = emit(graph, name, options).files, ports
        wanted[name] = feed_rows(graph, feeds), want
    return designs, wanted


def hold(program, wanted):
    """Hold a program against what the interpreter answers, in turn and side by side."""
    for name, (x, want) in wanted.items():
        for bounded in (False, True):
            np.testing.assert_array_equal(program.run(name, x, bounded), want, f"{name}, bounded={bounded}")


def test_simulation_equals_the_interpreter(tmp_path):
    designs, wanted = drawn(lambda name: name not in SANITIZED)
    hold(build_hls(designs, tmp_path, flags=(*QUICK, *STRICT)), wanted)


def test_sanitizers_find_nothing(tmp_path):
    designs, wanted = drawn(lambda name: name in SANITIZED)
    used = set(re.findall(r"lrtc::(\w+)<", "".join(files[f"{name}.cpp"] for name, (files, _) in designs.items())))
    stages = {
        "add", "affine", "as_is", "clamp", "concat", "constants", "crop", "downsize", "element", "fork", "frame_sum",
        "from_axis", "maximum", "maxpool", "mvu", "operand", "pad", "points", "regroup", "select", "sumpool",
        "threshold", "to_axis", "topk", "turn", "upsize", "window",
    }  # fmt: skip
    assert used == stages
    hold(build_hls(designs, tmp_path, flags=[flag.replace("-O1", "-O0") for flag in SANITIZE]), wanted)


def opinions():
    """Yield the options of what else is here: clang++, and AMD's own integers where pip's hls4ml is installed."""
    for name in ("clang++", "clang++-14"):
        if tool := which(name):
            yield {"compiler": tool, "flags": (*QUICK, *STRICT)}
            break
    if folder := amd_headers():
        yield {"integers": folder, "flags": QUICK}


def test_other_compilers_and_integers_agree_where_there_are_any(tmp_path):
    designs, wanted = drawn(lambda name: name in ELSEWHERE)
    for k, options in enumerate(opinions()):
        hold(build_hls(designs, tmp_path / str(k), **options), wanted)


def branch(name: str):
    """Return a network in which a branch runs two rows ahead of another, and its files."""
    m = Maker(name, (5, 6, 1)).conv("a", 3, padding=(1, 1, 1, 1)).threshold()
    bits = m.x
    m.conv("b", 3, kernel=(5, 5), padding=(2, 2, 2, 2)).threshold().add("sum", bits).linear("fc", 2)
    graph = m.done()
    return graph, dict(emit(graph, name).files)


def test_short_queues_wrong_ends_and_missing_beats_are_found(tmp_path):
    designs = {}

    def change(name: str, path: str, before: str, after: str) -> None:
        graph, files = branch(name)
        path = path.format(name)
        assert before in files[path]
        files[path] = files[path].replace(before, after)
        designs[name] = files, ports_of(graph)

    graph, files = branch("shallow")
    deepest = max(int(depth) for depth in re.findall(r">, (\d+)> q_", files["sim/shallow_bounded.cpp"]))
    assert deepest > 10
    change("shallow", "sim/{}_bounded.cpp", f">, {deepest}> q_", f">, {deepest - 8}> q_")
    change("late", "{}_tb.cpp", "(beat.last == 1) != (i == 1", "(beat.last == 1) != (i == 0")
    change("less", "{}.cpp", "lrtc::fork<3, 30>", "lrtc::fork<3, 29>")
    change("more", "{}.cpp", "lrtc::from_axis<8, 8, 1, 30>", "lrtc::from_axis<8, 8, 1, 31>")
    program = build_hls(designs, tmp_path, flags=QUICK)
    feeds = random_feeds(graph, 3)
    x = feed_rows(graph, feeds)
    np.testing.assert_array_equal(program.run("shallow", x), interp.run(graph, feeds["x"]).reshape(3, -1))
    for name, bounded, words in (
        ("shallow", True, "wait for each other:.* holds .* is full"),
        ("late", False, "TLAST is not"),
        ("less", False, "is read while it is empty"),
        ("less", True, "wait for each other:.* is empty"),
        ("more", False, "s_axis is read while it is empty"),
    ):
        with pytest.raises(Mismatch, match=re.compile(words, re.DOTALL)):
            program.run(name, x, bounded)


def test_streams_of_the_top_are_those_of_the_bounded_simulation():
    _, files = branch("branch")
    paths = ("branch.cpp", "sim/branch_bounded.cpp")
    declared = [re.findall(r"^    (hls::stream<.*> q_.*;)$", files[path], re.M) for path in paths]
    top = files["branch.cpp"].split("#pragma HLS DATAFLOW")[1]
    called = [
        re.findall(r"^    (\w+\(.*\));$", top, re.M),
        re.findall(r"\[&\] \{ (.*); \}\);", files["sim/branch_bounded.cpp"]),
    ]
    assert declared[0] == declared[1]
    assert called[0] == called[1]


def test_the_test_bench_runs_real_digits():
    model = open_model(MNIST / "mnist_ternary.pt")
    x, _ = read_samples(MNIST / "digits.npz", model.graph.inputs[0])
    files = compile(model, "hls", vectors=model.quantized(x[:20])).files
    readme = (MNIST.parents[1] / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```cpp\n(.*?)^```", readme, re.M | re.S)
    assert shown in files[f"{model.name}.cpp"]
    assert run_test_bench(files, model.name) == f"{model.name}: PASS, 20 images\n"
    assert run_test_bench(files, model.name, bounded=True) == f"{model.name}: PASS, 20 images\n"


def test_the_test_bench_tells_what_differs():
    graph = tiny()
    x = random_feeds(graph, 2)["x"]
    y = interp.run(graph, x)
    files = emit(graph, "tiny", {"vectors": (x.reshape(2, -1), y + np.array([[0, 0, 0], [0, 7, 0]]))}).files
    with pytest.raises(Mismatch, match=rf"status 1: image 1, value 1: want {y[1, 1] + 7}, got {y[1, 1]}\ntiny: FAIL"):
        run_test_bench(files, "tiny")
