"""Under autocast, and under torch.compile, layers compute what they compute without."""

import pytest
import torch
import torch.nn.functional as F
from tiny_digits import tiny_network

from lrtc.nn import LRTConv2d, LRTLinear, Moments, QuantConv2d, QuantLinear, discretize


def _half():
    return torch.autocast("cpu", torch.bfloat16)


def test_bytes_squares_and_variances_keep_full_precision():
    layer, x = LRTConv2d(1, 3, 5), torch.randint(0, 256, (2, 1, 9, 9)).float()
    want = layer(x)
    with _half():
        got = layer(x)
    assert torch.equal(got.mean, want.mean)
    assert torch.equal(got.var, want.var)
    h = Moments(torch.rand(2, 1, 9, 9) * 2 - 1, torch.ones(2, 1, 9, 9))
    want = layer(h)
    with _half():
        got = layer(h)
    assert torch.equal(got.var, want.var)


def test_the_mean_of_signs_may_be_halved_and_comes_out_in_full_precision():
    layer, x = LRTLinear(300, 4), torch.where(torch.randn(5, 300) >= 0, 1.0, -1.0)
    want = layer(x)
    with _half():
        got = layer(x)
    assert got.mean.dtype == got.var.dtype == torch.float32
    assert torch.equal(got.var, want.var)
    torch.testing.assert_close(got.mean, want.mean, rtol=0, atol=0.2)
    assert not torch.equal(got.mean, want.mean), "else nothing was halved, and this test shows nothing"


@pytest.mark.parametrize("kind", ["ternary", "bipolar"])
def test_discrete_layers_stay_exact(kind):
    layer = discretize(LRTLinear(3000, 7, weights=kind))
    x = torch.randint(0, 256, (3, 3000)).float()
    with _half():
        got = layer(x)
    assert torch.equal(got, (x.long() @ layer.discrete_weight.long().T).float())


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(QuantLinear(900, 7), (3, 900)), (QuantConv2d(3, 4, 9), (2, 3, 12, 12))],
    ids=["linear", "conv"],
)
def test_integer_layers_stay_exact_and_their_variances_whole(layer, shape):
    moments = Moments(torch.rand(shape) * 2 - 1, torch.ones(shape))
    want = layer.eval()(moments)
    with _half():
        got = layer(moments)
    assert all(torch.equal(a, b) for a, b in zip(got, want, strict=True))
    x = torch.randint(0, 256, shape).float()
    want = discretize(layer)(x)
    with _half():
        got = layer(x)
    assert torch.equal(got, want)
    assert float(want.abs().max()) > 256, "else half precision would do"


def test_a_compiled_network_has_the_same_loss_and_gradients():
    net = tiny_network()
    x, y = torch.randint(0, 256, (16, 1, 8, 8), dtype=torch.uint8), torch.randint(0, 3, (16,))
    found = []
    for f in (net, torch.compile(net, backend="aot_eager")):
        net.zero_grad()
        torch.manual_seed(1)
        loss = F.cross_entropy(f(x), y)
        loss.backward()
        found.append([loss.detach(), *(p.grad.clone() for p in net.parameters())])
    for want, got in zip(*found, strict=True):
        torch.testing.assert_close(got, want)
