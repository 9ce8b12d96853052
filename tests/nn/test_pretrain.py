"""Initial values from a full-precision twin; what an optimiser is told."""

import math

import pytest
import torch
from torch import nn

from lrtc.nn import (
    InputQuantize,
    LRTBatchNorm,
    LRTConv2d,
    LRTGain,
    LRTLinear,
    LRTScale,
    LRTSign,
    QuantLinear,
    clip_logits,
    float_twin,
    init_from_float,
    parameter_groups,
)
from lrtc.nn import weights as W


class _Net(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.front = nn.Sequential(
            InputQuantize((1, 6, 6)),
            LRTConv2d(1, 4, 3, stride=2, padding=1, bias=True, weights=kind),
            LRTBatchNorm(4),
            LRTSign(),
        )
        self.fc = LRTLinear(36, 5, weights=kind)
        self.bn = LRTBatchNorm(5)
        self.sign = LRTSign()
        self.last = LRTLinear(5, 3, weights=kind)
        self.scale = LRTScale(3)

    def forward(self, x):
        return self.scale(self.last(self.sign(self.bn(self.fc(self.front(x).flatten(1))))))


@pytest.mark.parametrize("kind", ["ternary", "bipolar"])
def test_logits_follow_the_formula(kind):
    weight = torch.randn(50, 40) * 0.03
    alpha, beta = W.logits_from_float(weight, kind)
    v = (weight / weight.std(unbiased=False)).clamp(-1, 1).double()
    for k in range(0, 2000, 37):
        t = float(v.flatten()[k])
        if kind == "ternary":
            p0 = min(max(0.95 - 0.9 * abs(t), 0.05), 0.95)
            q = min(max((1 + t / (1 - p0)) / 2, 0.05), 0.95)
            assert math.isclose(float(alpha.flatten()[k]), math.log(p0 / (1 - p0)), abs_tol=1e-4)
        else:
            q = min(max((1 + t) / 2, 0.05), 0.95)
        assert math.isclose(float(beta.flatten()[k]), math.log(q / (1 - q)), abs_tol=1e-4)


def test_a_gaussian_weight_starts_as_random_as_the_method_says():
    alpha, beta = W.logits_from_float(torch.randn(400, 400), "ternary")
    mean, second = W.moments(alpha, beta)
    assert abs(float(torch.sigmoid(alpha).mean()) - 0.38) < 0.01
    assert abs(float((W.most_probable(alpha, beta) == 0).float().mean()) - 0.39) < 0.01
    assert abs(float((second - mean**2).mean()) - 0.23) < 0.01
    mean, second = W.moments(*W.logits_from_float(torch.randn(400, 400), "bipolar"))
    assert abs(float((second - mean**2).mean()) - 0.55) < 0.01


@pytest.mark.parametrize("weight", [torch.zeros(2, 3), torch.ones(1, 1)])
def test_degenerate_weights_give_finite_logits(weight):
    for kind in ("ternary", "bipolar"):
        assert all(torch.isfinite(t).all() for t in W.logits_from_float(weight, kind) if t is not None)


@pytest.mark.parametrize("kind", ["ternary", "bipolar"])
def test_the_twin_has_the_topology_and_gives_the_logits(kind):
    net = _Net(kind)
    twin = float_twin(net)
    x = torch.randint(0, 256, (7, 1, 6, 6), dtype=torch.uint8)
    assert twin(x).shape == net(x).shape == (7, 3)
    assert not any(isinstance(m, (LRTConv2d, LRTLinear, LRTSign, LRTBatchNorm)) for m in twin.modules())
    with torch.no_grad():
        twin.front[2].weight.copy_(torch.tensor([1.0, -2.0, 0.5, 1.0]))
        twin.scale.bias.copy_(torch.tensor([1.0, 2.0, 3.0]))
    assert init_from_float(net, twin) is net
    alpha, beta = W.logits_from_float(twin.fc.weight.detach(), kind)
    assert torch.equal(net.fc.beta.detach(), beta)
    assert kind == "bipolar" or torch.equal(net.fc.alpha.detach(), alpha)
    assert net.front[2].weight.tolist() == [1.0, 2.0, 0.5, 1.0]
    assert net.scale.bias.tolist() == [1.0, 2.0, 3.0]
    last_std = twin.last.weight.std(unbiased=False)
    torch.testing.assert_close(net.scale.scale.detach(), last_std.expand(3))
    conv = twin.front[1]
    torch.testing.assert_close(net.front[1].bias, conv.bias * 255 / conv.weight.std(unbiased=False))


def test_mean_scores_follow_the_twin_where_nothing_is_clipped():
    net = nn.Sequential(LRTLinear(40, 6, weights="bipolar"), LRTScale(6)).eval()
    twin = float_twin(net)
    with torch.no_grad():
        twin[0].weight.copy_(torch.where(torch.rand(6, 40) < 0.5, 0.2, -0.2))  # |w| = std: clipped at .95 only
        init_from_float(net, twin)
        x = torch.where(torch.randn(9, 40) >= 0, 1.0, -1.0)
        torch.testing.assert_close(net(x), 0.9 * twin.eval()(x), atol=0.1, rtol=0.03)


def test_a_full_precision_head_is_copied():
    net = nn.Sequential(LRTLinear(4, 3), LRTSign(), QuantLinear(3, 2))
    twin = float_twin(net)
    init_from_float(net, twin)
    assert torch.equal(net[2].weight, twin[2].weight)
    assert isinstance(float_twin(QuantLinear(3, 2)), nn.Linear)


def test_gains_keep_the_thresholds_of_the_twin():
    net = nn.Sequential(InputQuantize((9,)), LRTLinear(9, 4), LRTGain(4), LRTSign(), LRTLinear(4, 2), LRTScale(2))
    twin = float_twin(net)
    with torch.no_grad():
        twin[2].bias.normal_()
        twin[2].gain.uniform_(-2, 2)
    init_from_float(net, twin)
    std = twin[1].weight.std(unbiased=False)
    torch.testing.assert_close(net[2].gain, twin[2].gain)
    torch.testing.assert_close(net[2].bias, twin[2].bias * 255 / std)
    torch.testing.assert_close(net[5].scale, twin[4].weight.std(unbiased=False).expand(2))


def test_groups_decay_logits_and_matrices_but_no_gain():
    net = nn.Sequential(_Net("ternary"), QuantLinear(3, 2))
    groups = parameter_groups(net, 0.01, probability_decay=1e-9, weight_decay=1e-3)
    assert sum(len(g["params"]) for g in groups) == len(list(net.parameters()))
    by_decay = {g["weight_decay"]: g["params"] for g in groups}
    assert len(by_decay[1e-9]) == 6
    assert [p.shape for p in by_decay[1e-3]] == [(2, 3)]
    assert all(p.dim() == 1 for p in by_decay[0.0])
    assert all(g["lr"] == 0.01 for g in groups)
    rates = {g["weight_decay"]: g["lr"] for g in parameter_groups(net, 0.01, 1e-9, 1e-3, affine_lr=0.002)}
    assert rates == {1e-9: 0.01, 1e-3: 0.002, 0.0: 0.002}


@pytest.mark.parametrize("kind", ["ternary", "bipolar"])
def test_clipping_bounds_every_logit_and_nothing_else(kind):
    net = _Net(kind)
    with torch.no_grad():
        for p in net.parameters():
            p.fill_(-9.0)
    clip_logits(net, 4.0)
    assert float(net.fc.beta.detach().min()) == -4.0
    assert kind == "bipolar" or float(net.fc.alpha.detach().min()) == -4.0
    assert float(net.bn.weight.detach().min()) == -9.0


@pytest.mark.parametrize("kind", ["ternary", "bipolar"])
@pytest.mark.parametrize("mode", ["gumbel", "moment"])
def test_training_steps_lower_the_loss(kind, mode):
    net = _Net(kind)
    for m in net.modules():
        if isinstance(m, LRTSign):
            m.mode = mode
    gen = torch.Generator().manual_seed(0)
    y = torch.arange(60) % 3
    x = torch.randint(0, 120, (60, 1, 6, 6), generator=gen)
    x[torch.arange(60), 0, 2 * y] = 255  # the class is a bright row
    net(x.byte())
    adam = torch.optim.Adam(parameter_groups(net, 0.05))
    losses = []
    for _ in range(60):
        loss = nn.functional.cross_entropy(net(x.byte()), y)
        adam.zero_grad()
        loss.backward()
        adam.step()
        clip_logits(net)
        losses.append(float(loss.detach()))
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])
