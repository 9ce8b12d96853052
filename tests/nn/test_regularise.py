"""Entropies in the loss: against their definition, and by what they do to a layer."""

import math

import pytest
import torch

from lrtc.nn import Gaussian, LRTLinear
from lrtc.nn.regularise import random_layers, sign_entropy, uncertainty, weight_entropy


@pytest.mark.parametrize("weights", ["ternary", "bipolar", (-2, -1, 0, 1, 2)])
def test_the_entropy_of_weights_is_that_of_their_draws(weights):
    torch.manual_seed(0)
    layer = LRTLinear(3, 2, weights=weights)
    for p in layer.logits():
        torch.nn.init.normal_(p)
    stream = torch.Generator().manual_seed(1)
    draws = []
    for _ in range(3000):
        layer.discretize_(stream)
        draws.append(layer.discrete_weight.clone())
        layer.is_discrete.fill_(False)
    draws = torch.stack(draws)
    shares = torch.stack([(draws == v).double().mean(0) for v in layer.values], -1)
    want = -(shares * shares.clamp_min(1e-12).log()).sum(-1).mean()
    assert float(weight_entropy(layer).detach()) == pytest.approx(float(want), abs=0.02)


def test_the_entropy_of_signs_is_finite_and_right_however_certain_they_are():
    z = torch.tensor([0.0, 1.0, -1.0, 60.0, -60.0], requires_grad=True)
    p = 0.5 * math.erfc(-1 / math.sqrt(2))
    want = [math.log(2), *[-p * math.log(p) - (1 - p) * math.log(1 - p)] * 2, 0, 0]
    got = [sign_entropy(Gaussian(z[k : k + 1], torch.ones(1)), eps=1e-12) for k in range(5)]
    assert [float(h.detach()) for h in got] == pytest.approx(want, abs=1e-6)
    sum(got).backward()
    assert torch.isfinite(z.grad).all()
    assert z.grad[1] < 0 < z.grad[2], "more certain is less entropy"


def test_discrete_layers_have_no_entropy_to_regularise():
    layer = LRTLinear(4, 4, weights="bipolar")
    assert random_layers(layer) == [layer]
    torch.nn.init.zeros_(layer.beta)
    assert float(uncertainty(layer).detach()) == 4 * 4 / 4
    assert float(uncertainty(LRTLinear(4, 4))) == 0
    layer.discretize_()
    assert random_layers(layer) == []
