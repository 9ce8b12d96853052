"""Emitted RTL = interpreter on every output, with and without stalls; and it takes the cycles that the plan says."""

from __future__ import annotations

import numpy as np
from frontend.test_examples import network, scattered
from graphs import random_input, random_network
from graphs_dag import random_dag
from verilog.bench import bench
from verilog.networks import special, turning

from lrtc import interp
from lrtc.backends.verilog import emit
from lrtc.check.simulate import Job, input_form, simulate_jobs
from lrtc.driver import compile
from lrtc.nn import discretize
from lrtc.passes import run_pipeline
from lrtc.plan.stream import SUPPORTED

SEEDS = {0: 1, 1: 1, 4: 4, 8: 2, 15: 1, 16: 1, 34: 1, 37: 1, 49: 1, 50: 1}  # → how many times slower than by default
DAGS = (2, 10, 18, 33, 35)  # small ones that have every op between them
TURNING = range(8)
FORMS = {
    "planes": {"integers": "planes", "padding": "valid"},
    "products": {"integers": "products", "padding": "classes"},
}
EXAMPLE = "residual_cifar"
IMAGES = 6


def designs():
    """Yield (name, graph, options of the backend)."""
    for seed, slower in SEEDS.items():
        graph = run_pipeline(random_network(seed), "verilog")
        target = emit(graph, "probe").plan.target * slower
        yield f"net{seed}", graph, {"target_cycles": target, "style": "stream"}
    for seed in DAGS:
        yield f"dag{seed}", run_pipeline(random_dag(seed), "verilog"), {}
    for name, (graph, options) in special().items():
        yield name, graph, options
    for seed in TURNING:
        yield f"turning{seed}", turning(seed), {}
    for name, options in FORMS.items():
        for chosen in ("levels", "residual", "grouped"):
            graph, own = special()[chosen]
            yield f"{chosen}_{name}", graph, own | options
    example = compile(discretize(scattered(network("residual_cifar", width=4))).eval(), "verilog")
    yield EXAMPLE, example.graph, {}


def test_rtl_equals_interpreter_and_plan():
    files, jobs, cases = {}, [], []
    for k, (name, graph, options) in enumerate(designs()):
        out = emit(graph, name, options)
        files[name] = out.files
        x = random_input(graph, 4 if name == EXAMPLE else IMAGES, seed=k)
        want = interp.run(graph, x).reshape(len(x), -1)
        if options.get("output") == "class":
            want = want.argmax(axis=1)[:, None]
        for stalls in ("idle", "backpressure"):
            jobs.append(Job(x, want.shape[1], stalls, seed=k, select=k, form=input_form(out.files, name)))
            cases.append((name, out.plan, want))
    for job, (name, plan, want), got in zip(jobs, cases, simulate_jobs(bench(files), "bench", jobs), strict=True):
        where = f"{name} under {job.stalls}, seed {job.seed}"
        differing = np.argwhere(got.outputs != want)
        assert not len(differing), f"{where}: first differs at (image, beat) {tuple(differing[0])}"
        if job.stalls == "idle":
            assert (got.cycles_per_image, got.latency) == (plan.interval, plan.latency), where
            ends = got.frame_ends
        else:
            assert all(stalled >= end for stalled, end in zip(got.frame_ends, ends, strict=True)), where


def test_the_networks_above_cover_what_is_promised():
    met: dict[str, set] = {
        key: set()
        for key in (
            "channels",
            "stride",
            "padding",
            "weights",
            "inputs",
            "pooled",
            "size",
            "direction",
            "post",
            "groups",
        )
    }
    for _, graph, _ in designs():
        met["size"].add(graph.inputs[0].type.shape[:2])
        for node in graph.compute_nodes():
            x = graph.types[node.ins[0]]
            met["post"].add(node.op.name)
            if node.op.name in ("conv2d", "linear"):
                met["channels"] |= {x.shape[-1], node.type.shape[-1]}
                met["weights"].add(str(graph.types[node.ins[1]].elem))
                met["inputs"].add(str(x.elem))
            if node.op.name in ("conv2d", "maxpool"):
                met["stride"] |= set(node.op.stride)
                met["groups"].add(getattr(node.op, "groups", 1))
                met["padding"] |= set(node.op.padding)
            if node.op.name == "maxpool":
                met["pooled"].add(str(x.elem))
            if node.op.name == "maxpool" and len(node.ins) == 2:
                met["direction"] |= set(graph.const(node.ins[1]).tolist())
    assert met["channels"] >= {1, 3, 31, 32, 33, 64}
    assert met["stride"] >= {1, 2, 3}
    assert met["padding"] >= {0, 1, 2}
    assert met["weights"] >= {"b1", "t2", "i2", "i4", "i8"}
    assert met["inputs"] >= {"b1", "t2", "u2", "u4", "u8", "i3"}
    assert met["pooled"] >= {"b1", "t2", "u2"}
    assert met["direction"] == {-1, 1}
    assert met["post"] >= {op.name for op in SUPPORTED} - {"identity"}  # which no graph has after the passes
    assert met["groups"] >= {1, 2, 4, 6}
    assert met["size"] >= {(1, 1)}
    assert any(9 in size for size in met["size"])
