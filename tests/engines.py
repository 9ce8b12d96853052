"""Holds the engines in software against torch: the file, the rebuilt module, the interpreter, the passes."""

from __future__ import annotations

import numpy as np
import torch
from networks import images
from torch import nn

from lrtc import interp
from lrtc.frontend import lower, read, rebuild, save
from lrtc.frontend.data import to_input
from lrtc.ir import Graph, verify
from lrtc.nn import ExactBatchNorm
from lrtc.passes import run_pipeline


def with_exact_batchnorm(model: nn.Module) -> nn.Module:
    """Return the model with every plain batchnorm, changed in place, computing DESIGN D4."""
    for name, norm in list(model.named_modules()):
        if isinstance(norm, nn.modules.batchnorm._BatchNorm):
            exact = ExactBatchNorm(norm.num_features, norm.eps).eval()
            held = {k: v for k, v in norm.state_dict().items() if k != "num_batches_tracked"}
            exact.load_state_dict(held)
            parent, _, leaf = name.rpartition(".")
            setattr(model.get_submodule(parent), leaf, exact)
            for i, (function, operands) in enumerate(getattr(model, "steps", [])):
                if function is norm:
                    model.steps[i] = (exact, operands)
    return model


def check(model: nn.Module, path, seed: int) -> tuple[Graph, np.ndarray]:
    """Hold every engine in software against torch on random and extreme inputs; return the graph and those inputs."""
    save(model, path)
    description = read(path)
    lowered = lower(description)
    x = images(model, 6, seed)
    feed = to_input(x, lowered.graph.inputs[0])
    got = interp.run(verify(lowered.graph), feed)
    with torch.no_grad():
        rebuilt = rebuild(description)(torch.from_numpy(x)).numpy()
        want = with_exact_batchnorm(model)(torch.from_numpy(x)).numpy().reshape(len(x), -1)
    assert np.array_equal(rebuilt, got), "rebuilt"
    if any(layer.kind == "TopClasses" for layer in description.layers):
        scores = with_exact_batchnorm(model)  # torch may choose any among equals: compare classes by their scores
        scores.steps.pop()
        with torch.no_grad():
            s = scores(torch.from_numpy(x)).numpy()
        assert np.array_equal(np.take_along_axis(s, want, 1), np.take_along_axis(s, got.astype(int), 1)), "classes"
    else:
        assert np.array_equal(want, got), "torch"
    graph = run_pipeline(lowered.graph, "integer", probe=feed)
    assert np.array_equal(interp.run(graph, feed), got), "passes"
    return lowered.graph, feed
