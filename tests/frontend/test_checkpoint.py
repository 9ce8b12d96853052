"""Research checkpoints, made up here with their names and shapes: what goes where, and the words for what does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lrtc import interp
from lrtc.errors import LrtcError
from lrtc.frontend import describe, load_checkpoint, lower
from lrtc.frontend.data import to_input
from lrtc.nn import (
    InputQuantize,
    LRTBatchNorm,
    LRTConv2d,
    LRTGain,
    LRTLinear,
    LRTSign,
    QuantLinear,
    discretize,
    reestimate_batchnorm,
)


def network(**options: object) -> nn.Sequential:
    return nn.Sequential(
        InputQuantize((2, 6, 6)),
        LRTConv2d(2, 4, 3, padding=1, **options),
        LRTGain(4),
        LRTSign(),
        LRTConv2d(4, 3, 3, stride=2, bias=True),
        LRTBatchNorm(3),
        LRTSign(),
        nn.Flatten(),
        LRTLinear(12, 6),
        LRTSign(),
        QuantLinear(6, 5),
    )


def checkpoint(seed: int = 0) -> dict[str, Tensor]:
    """Return what the research code would save for that network."""
    g = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=g)

    return {
        "conv1.alpha": normal(4, 2, 3, 3, 1),
        "conv1.betta": normal(4, 2, 3, 3, 1),
        "conv1.bias": normal(4),
        "conv1.gain": normal(4, 1, 1),
        "conv1.test_weight": normal(4, 2, 3, 3),
        "conv2.alpha": normal(3, 4, 3, 3, 1),
        "conv2.betta": normal(3, 4, 3, 3, 1),
        "conv2.bias": normal(3),
        "bn2.weight": normal(3),
        "bn2.bias": normal(3),
        "bn2.running_mean": torch.zeros(3),
        "bn2.running_var": torch.ones(3),
        "fc1.alpha": normal(6, 12, 1),
        "fc1.betta": normal(6, 12, 1),
        "fc2.weight": normal(5, 6),
        "fc2.bias": normal(5),
    }


def refusal(model: nn.Module, state: object) -> str:
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with pytest.raises(LrtcError) as caught:
        load_checkpoint(model, state)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items()), "the module was changed"
    return str(caught.value)


def test_every_tensor_finds_its_place():
    model, state = network(), checkpoint()
    report = load_checkpoint(model, state)
    assert torch.equal(model[1].alpha, state["conv1.alpha"][..., 0])
    assert torch.equal(model[1].beta, state["conv1.betta"][..., 0])
    assert torch.equal(model[2].gain, state["conv1.gain"].reshape(-1))
    assert torch.equal(model[2].bias, state["conv1.bias"])
    assert torch.equal(model[4].bias, state["conv2.bias"])
    assert torch.equal(model[5].weight, state["bn2.weight"])
    assert torch.equal(model[8].alpha, state["fc1.alpha"][..., 0])
    assert torch.equal(model[10].weight, state["fc2.weight"])
    assert report.unused == ("conv1.test_weight",)
    assert report.notes == ("bn2 has no usable statistics; call lrtc.nn.reestimate_batchnorm after discretize",)
    assert str(report).splitlines()[:2] == [
        "conv1.betta 4x2x3x3x1 → 1.beta, in order",
        "conv1.alpha 4x2x3x3x1 → 1.alpha, in order",
    ]
    assert "not taken: conv1.test_weight\nnote: bn2 has no usable" in str(report)


def test_names_go_before_order():
    model, state = network(), checkpoint()
    swapped = {k.replace("conv1.", "features.1.").replace("conv2.", "features.4."): v for k, v in state.items()}
    named = nn.Module()
    named.features = model
    keys = [k for k in swapped if k.startswith("features.4.")] + [k for k in swapped if "features.4." not in k]
    report = load_checkpoint(named, {"state_dict": {f"module.{k}": swapped[k] for k in keys}})
    assert "features.1.betta 4x2x3x3x1 → features.1.beta, by name" in report.matched
    assert torch.equal(model[4].beta, state["conv2.betta"][..., 0])


def test_a_loaded_network_is_compiled_bit_for_bit():
    model = network()
    load_checkpoint(model, checkpoint(3))
    x = torch.randint(0, 256, (40, 2, 6, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    reestimate_batchnorm(discretize(model), [x])
    graph = lower(describe(model, "m")).graph
    with torch.no_grad():
        want = model(x).numpy()
    assert np.array_equal(interp.run(graph, to_input(x.numpy(), graph.inputs[0])), want)


def test_bipolar_layers_take_betta_alone():
    state = checkpoint()
    del state["conv1.alpha"]
    model = network(weights="bipolar")
    load_checkpoint(model, state)
    assert torch.equal(model[1].beta, state["conv1.betta"][..., 0])
    assert "conv1: has no alpha; 1 is ternary: give it weights='bipolar'" in refusal(network(), state)
    assert "conv1: has alpha, so its weights are ternary; 1 is bipolar" in refusal(model, checkpoint())


def test_every_misfit_is_reported_at_once_and_nothing_is_written():
    state = checkpoint()
    state["conv1.betta"] = state["conv1.betta"][:, :1]
    state["conv2.alpha"][0] = -float("inf")
    state["conv3.betta"] = torch.zeros(1, 1, 1)
    del state["fc2.weight"], state["fc2.bias"]
    lines = refusal(network(), state).splitlines()
    assert lines[:1] + sorted(lines[1:-1]) == [
        "the checkpoint does not fit the module: 4 faults",
        "  10 (QuantLinear): finds no weights in the checkpoint",
        "  conv1.betta: has shape 4x1x3x3x1; 1.beta is 4x2x3x3 (or 4x2x3x3x1)",
        "  conv2.alpha: has values that are NaN or infinite; every value must be finite",
        "  conv3: its logits find no layer in the module",
    ]
    assert lines[-1] == (
        "  hint: build the module as the checkpoint's was: the same layers in order, LRTGain where it has a gain"
    )


def test_a_gain_without_a_place_is_refused_unless_it_does_nothing():
    model = network()
    model[2] = nn.Identity()
    state = checkpoint()
    message = refusal(model, state)
    assert "conv1: its gain has no place; put lrtc.nn.LRTGain after 1" in message
    assert "conv1: its bias has no place; put lrtc.nn.LRTGain after 1" in message
    state["conv1.gain"], state["conv1.bias"] = torch.ones(4, 1, 1), torch.zeros(4)
    load_checkpoint(model, state)


@pytest.mark.parametrize("state", [None, [], {"state_dict": 3}, {3: torch.zeros(1)}])
def test_what_is_no_state_dict_is_refused(state: object):
    assert "a checkpoint is a state dict: names → tensors" in refusal(network(), state)


def test_a_checkpoint_without_logits_is_refused():
    assert "the checkpoint holds no logits: no tensors named alpha and betta" in refusal(
        network(), {"conv1.weight": torch.zeros(4, 2, 3, 3)}
    )
