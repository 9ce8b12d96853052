"""From distributions to one network: most probable weights, best draws, statistics, saved state."""

import copy

import pytest
import torch
from torch import nn

from lrtc.nn import (
    InputQuantize,
    LRTBatchNorm,
    LRTConv2d,
    LRTLinear,
    LRTScale,
    LRTSign,
    QuantLinear,
    accuracy,
    discretize,
    is_discrete,
    reestimate_batchnorm,
)


def _net(kind="ternary", head="scale"):
    last = [LRTLinear(6 * 9, 3, weights=kind), LRTScale(3)] if head == "scale" else [QuantLinear(6 * 9, 3)]
    return nn.Sequential(
        InputQuantize((1, 6, 6)),
        LRTConv2d(1, 4, 3, padding=1, weights=kind),
        LRTBatchNorm(4),
        LRTSign(),
        nn.MaxPool2d(2),
        LRTConv2d(4, 6, 3, padding=1, bias=True, weights=kind),
        LRTBatchNorm(6),
        LRTSign(),
        nn.Flatten(),
        *last,
    )


def _loader(n=3, size=20, seed=1):
    gen = torch.Generator().manual_seed(seed)
    return [
        (
            torch.randint(0, 256, (size, 1, 6, 6), generator=gen, dtype=torch.uint8),
            torch.randint(0, 3, (size,), generator=gen),
        )
        for _ in range(n)
    ]


def test_most_probable_ternary_weights_are_the_largest_probability():
    layer = LRTLinear(5, 1)
    p0 = torch.tensor([0.4, 0.6, 0.3, 0.5, 0.45])
    q = torch.tensor([0.9, 0.9, 0.2, 0.5, 0.0])
    with torch.no_grad():
        layer.alpha.copy_(torch.logit(p0)[None])
        layer.beta.copy_(torch.logit(q)[None])
    discretize(layer)
    best = torch.stack([(1 - p0) * (1 - q), p0, (1 - p0) * q]).argmax(0) - 1
    assert layer.discrete_weight[0].tolist() == best.tolist() == [1, 0, -1, 0, -1]


def test_most_probable_ternary_weights_on_ties():
    layer = LRTLinear(2, 1)
    with torch.no_grad():
        layer.beta.zero_()
        layer.alpha.copy_(torch.tensor([[torch.nn.functional.logsigmoid(torch.tensor(0.0)), -torch.inf]]))
    discretize(layer)
    assert layer.discrete_weight.tolist() == [[0, 1]]  # all three equal: 0; both signs equal: +1


def test_most_probable_bipolar_weights_and_ties():
    layer = LRTLinear(3, 1, weights="bipolar")
    with torch.no_grad():
        layer.beta.copy_(torch.tensor([[-0.1, 0.0, 2.0]]))
    discretize(layer)
    assert layer.discrete_weight.tolist() == [[-1, 1, 1]]


@pytest.mark.parametrize("kind", ["ternary", "bipolar"])
def test_draws_follow_the_probabilities(kind):
    layer = LRTLinear(1, 40_000, weights=kind)
    with torch.no_grad():
        layer.beta.fill_(1.0)
        if kind == "ternary":
            layer.alpha.fill_(-0.5)
    layer.discretize_(torch.Generator().manual_seed(0))
    drawn = layer.discrete_weight.float()
    p0 = float(torch.sigmoid(torch.tensor(-0.5))) if kind == "ternary" else 0.0
    plus = (1 - p0) * float(torch.sigmoid(torch.tensor(1.0)))
    assert abs(float((drawn == 0).float().mean()) - p0) < 0.01
    assert abs(float((drawn == 1).float().mean()) - plus) < 0.01


@pytest.mark.parametrize("head", ["scale", "linear"])
@pytest.mark.parametrize("kind", ["ternary", "bipolar"])
def test_a_discrete_network_gives_integers_and_is_repeatable(kind, head):
    net = _net(kind, head)
    assert not is_discrete(net)
    assert discretize(net) is net
    assert is_discrete(net)
    assert not net.training
    x, _ = _loader(1)[0]
    scores = net(x)
    assert torch.equal(scores, scores.round())
    assert torch.equal(scores, net(x))


def test_a_part_can_be_frozen_and_stays_as_it_was():
    net = _net()
    discretize(net[1])
    fixed = net[1].discrete_weight.clone()
    with torch.no_grad():
        net[1].beta.neg_()
    assert not is_discrete(net)
    assert net.train()(_loader(1)[0][0]).shape == (20, 3)  # the rest still trains on it
    discretize(net)
    assert torch.equal(net[1].discrete_weight, fixed)


def test_best_of_is_never_worse_than_the_most_probable_on_its_loader():
    loader = _loader()
    for seed in range(3):
        net = _net()
        likeliest = reestimate_batchnorm(discretize(copy.deepcopy(net)), loader)
        best = discretize(copy.deepcopy(net), "best_of", draws=6, loader=loader, seed=seed)
        again = discretize(copy.deepcopy(net), "best_of", draws=6, loader=loader, seed=seed)
        assert accuracy(best, loader) >= accuracy(likeliest, loader)
        assert all(torch.equal(t, again.state_dict()[name]) for name, t in best.state_dict().items())
    assert accuracy(best, loader) > accuracy(likeliest, loader)  # random labels: some draw is luckier


def test_best_of_no_draws_is_the_most_probable():
    net = _net()
    best = discretize(copy.deepcopy(net), "best_of", draws=0, loader=_loader())
    assert torch.equal(best[1].discrete_weight, discretize(net)[1].discrete_weight)


def test_wrong_calls_are_refused():
    with pytest.raises(ValueError, match="method='mean' is not known; known: most_probable, best_of"):
        discretize(_net(), "mean")
    with pytest.raises(ValueError, match="needs a loader"):
        discretize(_net(), "best_of")
    with pytest.raises(ValueError, match="call discretize"):
        reestimate_batchnorm(_net(), _loader())
    with pytest.raises(ValueError, match="gave no batch"):
        reestimate_batchnorm(discretize(_net()), iter(_loader(1)))
    norm = LRTBatchNorm(2)
    with pytest.raises(ValueError, match="used twice"):
        reestimate_batchnorm(nn.Sequential(norm, LRTSign(), norm), [torch.randn(3, 2)])


@pytest.mark.parametrize("with_labels", [True, False])
def test_reestimated_statistics_are_those_of_the_population(with_labels):
    net = discretize(_net())
    loader = _loader(n=4, size=17)
    reestimate_batchnorm(net, loader if with_labels else [x for x, _ in loader])
    x = torch.cat([x for x, _ in loader])
    for k in (2, 6):
        y = net[:k](x).double()  # with all earlier batchnorms as they are now
        torch.testing.assert_close(net[k].running_mean, y.mean((0, 2, 3)).float())
        torch.testing.assert_close(net[k].running_var, y.var((0, 2, 3), correction=0).float())


def test_reestimation_keeps_the_mode_and_serves_plain_batchnorms():
    net = nn.Sequential(nn.BatchNorm1d(3, affine=False), nn.Linear(3, 2), nn.BatchNorm1d(2)).train()
    x = torch.randn(50, 3) * 4 + 1
    reestimate_batchnorm(net, [x[:20], x[20:]])
    assert net.training
    torch.testing.assert_close(net[0].running_mean, x.mean(0))
    torch.testing.assert_close(net[2].running_var, net[1](net[0].eval()(x)).var(0, correction=0))


@pytest.mark.parametrize("head", ["scale", "linear"])
@pytest.mark.parametrize("kind", ["ternary", "bipolar"])
def test_state_dict_round_trip(kind, head):
    net = reestimate_batchnorm(discretize(_net(kind, head)), _loader())
    other = _net(kind, head).eval()
    other.load_state_dict(net.state_dict())
    assert is_discrete(other)
    x, _ = _loader(1, seed=9)[0]
    assert torch.equal(other(x), net(x))


def test_accuracy_counts_largest_scores():
    head = nn.Identity()
    batches = [(torch.tensor([[1.0, 1.0], [0.0, 2.0]]), torch.tensor([0, 1])), (torch.eye(2), torch.tensor([1, 1]))]
    assert accuracy(head, batches) == 0.75
