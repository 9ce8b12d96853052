"""The examples that are shapes: torch = rebuilt from the file = interpreter = passes, and they can be trained."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from engines import check
from networks import images
from torch import nn

from lrtc.frontend import describe, lower
from lrtc.nn import LRTBatchNorm, discretize, parameter_groups, reestimate_batchnorm

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def network(folder: str, **options: int) -> nn.Module:
    spec = importlib.util.spec_from_file_location(f"{folder}_model", EXAMPLES / folder / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return module.network(**options)


def scattered(model: nn.Module) -> nn.Module:
    """Return the discrete model with batchnorms that are not all alike."""
    x = torch.from_numpy(images(model, 12, 1))
    reestimate_batchnorm(discretize(model), [x])
    for m in model.modules():
        if isinstance(m, LRTBatchNorm):
            nn.init.normal_(m.weight)
            nn.init.normal_(m.bias)
    return model


@pytest.mark.parametrize("folder", ["residual_cifar", "keywords"])
def test_the_example_holds_on_every_engine(folder: str, tmp_path):
    check(scattered(network(folder)), tmp_path / "m.pt", 0)


@pytest.mark.parametrize("folder", ["residual_cifar", "keywords"])
def test_the_example_can_be_trained(folder: str):
    model = network(folder, width=4).train()
    x = torch.from_numpy(images(model, 8, 0))
    y = torch.arange(8) % 10
    optimizer = torch.optim.Adam(parameter_groups(model, 1e-2))
    for _ in range(2):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    assert all(p.grad is None or bool(torch.isfinite(p.grad).all()) for p in model.parameters())
    with_gradient = [n for n, p in model.named_parameters() if p.grad is not None and bool((p.grad != 0).any())]
    assert any("conv1" in n for n in with_gradient)


def test_the_residual_graph_adds_integers_and_signs():
    graph = lower(describe(discretize(network("residual_cifar")), "m")).graph
    adds = [node for node in graph.nodes if node.op.name == "add"]
    assert [node.origin for node in adds] == ["4.add", "5.add_1", "6.add_2"]
    assert str(graph.types[adds[0].ins[1]].elem) == "b1"
    assert np.prod(graph.types[graph.outputs[0]].shape) == 10


def test_every_readme_says_what_was_not_trained():
    for folder, words in (
        ("residual_cifar", "This is a shape, not a result: the weights are random and nothing was trained."),
        ("keywords", "no accuracy is known"),
        ("cifar", "have never been trained on CIFAR"),
    ):
        assert words in (EXAMPLES / folder / "README.md").read_text(encoding="utf-8")
