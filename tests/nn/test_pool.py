"""Max-pooling of distributions against samples of them."""

import pytest
import torch
import torch.nn.functional as F
from engines import check
from networks import images
from torch import nn

from lrtc.nn import (
    Gaussian,
    InputQuantize,
    LRTBatchNorm,
    LRTConv2d,
    LRTMaxPool2d,
    LRTSign,
    Moments,
    QuantLinear,
    discretize,
    float_twin,
    reestimate_batchnorm,
)
from lrtc.nn.distribution import sign_mean

SAMPLES = 20_000
GEOMETRY = [(2, None, 0), (3, 2, 1), ((1, 3), (2, 1), (0, 1))]


@pytest.mark.parametrize("geometry", GEOMETRY)
def test_moments_are_those_of_sampled_signs(geometry):
    pool, mean = LRTMaxPool2d(*geometry), torch.rand(1, 2, 5, 6) * 2 - 1
    got = pool(Moments(mean, torch.ones_like(mean)))
    u = torch.rand(SAMPLES, 2, 5, 6)
    drawn = pool(torch.where(u < (1 + mean) / 2, 1.0, -1.0))
    torch.testing.assert_close(got.mean[0], drawn.mean(0), atol=0.04, rtol=0)
    assert (got.second == 1).all()


def test_certain_signs_stay_certain():
    mean = torch.tensor([[[[-1.0, -1.0], [-1.0, -1.0]], [[1.0, -1.0], [0.0, 0.5]]]], requires_grad=True)
    got = LRTMaxPool2d(2)(Moments(mean, torch.ones_like(mean)))
    assert got.mean.flatten().tolist() == [-1.0, 1.0]
    got.mean.sum().backward()
    assert torch.isfinite(mean.grad).all()
    with pytest.raises(ValueError, match="knows ±1 activations only"):
        LRTMaxPool2d(2)(Moments(mean, torch.zeros_like(mean)))


@pytest.mark.parametrize("geometry", GEOMETRY)
@pytest.mark.parametrize("shared", [False, True])
def test_a_maximum_of_gaussians_has_their_mean_and_variance(geometry, shared):
    pool, mean = LRTMaxPool2d(*geometry), 2 * torch.randn(1, 2, 5, 6)
    var = torch.rand((1, 2, 1, 1) if shared else (1, 2, 5, 6)) + 0.1
    got = pool(Gaussian(mean, var))
    drawn = pool(mean + var.sqrt() * torch.randn(SAMPLES, 2, 5, 6))
    torch.testing.assert_close(got.mean[0], drawn.mean(0), atol=0.06, rtol=0)
    torch.testing.assert_close(got.var[0], drawn.var(0), atol=0.05, rtol=0.12)


def test_of_two_gaussians_clark_is_exact_and_differentiable():
    pool = LRTMaxPool2d((1, 2))
    mean, var = torch.randn(1, 1, 1, 2).double(), torch.rand(1, 1, 1, 2).double() + 0.1
    got = pool(Gaussian(mean, var))
    drawn = (mean + var.sqrt() * torch.randn(400_000, 1, 1, 2)).amax(-1)
    torch.testing.assert_close(got.mean.squeeze(), drawn.mean(), atol=5e-3, rtol=0)
    torch.testing.assert_close(got.var.squeeze(), drawn.var(), atol=8e-3, rtol=0)
    mean.requires_grad_(), var.requires_grad_()
    assert torch.autograd.gradcheck(lambda m, v: tuple(pool(Gaussian(m, v))), (mean, var))
    same = pool(Gaussian(torch.zeros(1, 1, 1, 2), torch.zeros(1, 1, 1, 2)))
    assert float(same.mean.abs() + same.var) < 1e-5


def test_a_sign_of_the_maximum_is_nearly_the_maximum_of_the_signs():
    g = Gaussian(torch.randn(1, 3, 8, 8), torch.rand(1, 3, 8, 8) + 0.2)
    moment = LRTMaxPool2d(2)(LRTSign(mode="moment")(g))
    torch.testing.assert_close(sign_mean(LRTMaxPool2d(2)(g)), moment.mean, atol=0.12, rtol=0)


@pytest.mark.parametrize("before", [True, False])
def test_it_is_compiled_as_the_pool_it_is(before, tmp_path):
    pair = [LRTMaxPool2d(2), LRTSign()] if before else [LRTSign(), LRTMaxPool2d(2)]
    net = nn.Sequential(
        InputQuantize((1, 6, 6)),
        LRTConv2d(1, 3, 3, padding=1),
        LRTBatchNorm(3),
        *pair,
        nn.Flatten(),
        QuantLinear(27, 4),
    )
    x = torch.from_numpy(images(net, 12, 1))
    assert float_twin(net)(x).shape == (12, 4)
    F.cross_entropy(net.train()(x), torch.zeros(12, dtype=torch.long)).backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())
    check(reestimate_batchnorm(discretize(net), [x]), tmp_path / "net.pt", seed=2)


def test_its_moments_go_through_a_network():
    net = nn.Sequential(
        LRTConv2d(1, 3, 3, padding=1), LRTBatchNorm(3), LRTSign(mode="moment"), LRTMaxPool2d(2),
        LRTConv2d(3, 2, 3), LRTBatchNorm(2), LRTSign(mode="moment"), nn.Flatten(), QuantLinear(2, 2),
    )  # fmt: skip
    assert net(torch.randn(5, 1, 6, 6)).shape == (5, 2)
