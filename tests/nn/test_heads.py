"""Heads: their training-time scores, and their rounding to integers on one step."""

import pytest
import torch

from lrtc.nn import Gaussian, LRTScale, Moments, QuantLinear


def _scale(scale, bias, bits=8):
    head = LRTScale(len(scale), bits)
    with torch.no_grad():
        head.scale.copy_(torch.tensor(scale))
        head.bias.copy_(torch.tensor(bias))
    return head


def test_scale_rounds_on_one_step_and_keeps_signs():
    head = _scale([0.5, -0.25, 0.0, 0.1], [1.0, -2.0, 0.0, 0.003])
    head.discretize_()
    step = 0.5 / 127
    assert head.multiplier.tolist() == [127, -64, 0, 25]  # −63.5 goes to the even side
    assert head.offset.tolist() == [round(1 / step), round(-2 / step), 0, 1]
    acc = torch.tensor([[10.0, -7.0, 5.0, 100.0]])
    assert head(acc).tolist() == [[1270 + 254, 448 - 508, 0, 2501]]
    assert head.multiplier.dtype == head.offset.dtype == torch.int32


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_scale_multipliers_fill_their_signed_bits(bits):
    head = _scale([3.0, -1.0], [0.0, 0.0], bits)
    head.discretize_()
    assert int(head.multiplier.abs().max()) == 2 ** (bits - 1) - 1


@pytest.mark.parametrize("seed", range(3))
def test_scale_keeps_the_largest_score(seed):
    torch.manual_seed(seed)
    head = _scale([0.031] * 10, torch.randn(10).tolist())
    acc = torch.randint(-200, 200, (500, 10)).float()
    before = head(acc)
    head.discretize_()
    step = 0.031 / 127
    torch.testing.assert_close(head(acc) * step, before.detach(), atol=step, rtol=1e-5)
    top = before.topk(2, dim=1).values
    clear = top[:, 0] - top[:, 1] > 2 * step
    assert torch.equal(head(acc).argmax(1)[clear], before.argmax(1)[clear])


def test_scale_without_gain_rounds_the_bias():
    head = _scale([0.0, 0.0], [1.0, -0.5])
    head.discretize_()
    assert head.offset.tolist() == [127, -64]
    zero = _scale([0.0, 0.0], [0.0, 0.0])
    zero.discretize_()
    assert zero(torch.ones(1, 2)).tolist() == [[0, 0]]


def test_scores_of_a_gaussian_are_sampled_in_training_and_means_in_eval():
    head = _scale([2.0, -1.0], [0.5, 1.0])
    g = Gaussian(torch.ones(40_000, 2), torch.full((40_000, 2), 9.0))
    z = head.train()(g)
    torch.testing.assert_close(z.mean(0), torch.tensor([2.5, 0.0]), atol=0.1, rtol=0)
    torch.testing.assert_close(z.std(0), torch.tensor([6.0, 3.0]), atol=0.1, rtol=0)
    assert torch.equal(head.eval()(g)[0], torch.tensor([2.5, 0.0]))


def test_scores_beyond_exact_float_integers_are_refused():
    head = _scale([1.0], [0.0])
    head.discretize_()
    assert head(torch.tensor([[2.0**24 // 127 - 1]])) < 2**24
    with pytest.raises(ValueError, match="LRTScale: a logit reaches"):
        head(torch.tensor([[2.0**24 // 127 + 1]]))
    with pytest.raises(ValueError, match="LRTScale: a logit reaches"):
        _scale([1e-9], [10.0]).discretize_()
    wide = QuantLinear(4, 1)
    with torch.no_grad():
        wide.weight.fill_(1e-9)
        wide.bias.fill_(1.0)
    with pytest.raises(ValueError, match="QuantLinear: a logit reaches"):
        wide.discretize_()


def test_quant_linear_rounds_on_one_step():
    head = QuantLinear(30, 4)
    torch.nn.init.normal_(head.bias)
    x = torch.where(torch.randn(20, 30) >= 0, 1.0, -1.0)
    before = head(x).detach()
    head.discretize_()
    step = float(head.weight.detach().abs().max()) / 127
    assert torch.equal(head.discrete_weight, torch.round(head.weight.double() / step).to(torch.int8))
    assert torch.equal(head(x), (x.long() @ head.discrete_weight.long().T + head.offset).float())
    torch.testing.assert_close(head(x) * step, before, atol=16 * step, rtol=0)


def test_quant_linear_on_moments_against_samples():
    head = QuantLinear(12, 3)
    mean = torch.rand(1, 12) * 2 - 1
    h = torch.where(torch.rand(40_000, 12) < (1 + mean) / 2, 1.0, -1.0)
    want = head(h)
    pair = Moments(mean.expand(40_000, -1), torch.ones(40_000, 12))
    got = head.train()(pair)
    torch.testing.assert_close(got.mean(0), want.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(got.std(0), want.std(0), atol=0.02, rtol=0)
    assert torch.equal(head.eval()(pair)[0], head.eval()(pair)[1])


def test_impossible_bits_are_refused():
    with pytest.raises(ValueError, match="bits=1 is not supported; 2 to 16 are"):
        LRTScale(3, bits=1)
    with pytest.raises(ValueError, match="bits=9 is not supported; 2 to 8 are"):
        QuantLinear(3, 3, bits=9)
