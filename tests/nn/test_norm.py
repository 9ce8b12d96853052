"""Batchnorm of distributions against samples, and the compiled arithmetic bit for bit."""

import numpy as np
import pytest
import torch

from lrtc.nn import ExactBatchNorm, Gaussian, LRTBatchNorm


def _filled(cls, gamma, seed, eps):
    rng = np.random.default_rng(seed)
    norm = cls(len(gamma), eps=eps)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor(gamma, dtype=torch.float32))
        norm.bias.copy_(torch.from_numpy(rng.normal(size=len(gamma)).astype(np.float32)))
        norm.running_mean.copy_(torch.from_numpy((30 * rng.normal(size=len(gamma))).astype(np.float32)))
        norm.running_var.copy_(torch.from_numpy((50 * rng.random(len(gamma))).astype(np.float32)))
    return norm.eval()


GAMMAS = [1.0, -0.7, 0.0, 1e-30, -1e-30, 0.3333, 2.5e4, -0.0, 1e-3, 1.7]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("eps", [1e-3, 1e-5, 0.0])
@pytest.mark.parametrize("cls", [LRTBatchNorm, ExactBatchNorm])
def test_eval_is_decision_d4_bit_for_bit(cls, eps, seed):
    norm = _filled(cls, GAMMAS, seed, eps)
    x = torch.randint(-400, 400, (16, len(GAMMAS), 3, 5)).float()
    f32 = np.float32
    gamma, bias, mean, var = (t.detach().numpy() for t in (norm.weight, norm.bias, norm.running_mean, norm.running_var))
    if cls is LRTBatchNorm:
        gamma = np.abs(gamma)
    alpha = f32(1 / np.sqrt(var.astype(np.float64) + eps)) * gamma
    offset = bias - mean * alpha
    want = x.numpy() * alpha[:, None, None] + offset[:, None, None]
    assert alpha.dtype == offset.dtype == want.dtype == np.float32
    got = norm(x).detach().numpy()
    assert got.view(np.int32).tolist() == want.view(np.int32).tolist()
    flat = norm(x[:, :, 0, 0]).detach().numpy()
    assert flat.view(np.int32).tolist() == np.ascontiguousarray(want[:, :, 0, 0]).view(np.int32).tolist()


def test_exact_batchnorm_ignores_training_mode():
    norm = _filled(ExactBatchNorm, GAMMAS, 0, 1e-5)
    x = torch.randn(4, len(GAMMAS))
    assert torch.equal(norm.train()(x), norm.eval()(x))


@pytest.mark.parametrize("shape", [(64, 5), (16, 5, 4, 4)])
def test_training_on_a_gaussian_normalises_its_samples(shape):
    norm = LRTBatchNorm(5, momentum=1.0, eps=1e-6)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, -2.0, 0.5, 3.0, -1.0]))
        norm.bias.copy_(torch.arange(5.0))
    g = Gaussian(4 * torch.randn(shape) + 2, 9 * torch.rand(shape))
    samples = torch.stack([g.mean + g.var.sqrt() * torch.randn(shape) for _ in range(4000)])
    axes = (0, 1, *range(3, samples.dim()))
    out = norm(g)
    torch.testing.assert_close(norm.running_mean, samples.mean(axes), atol=0.02, rtol=0)
    torch.testing.assert_close(norm.running_var, samples.var(axes), atol=0, rtol=0.02)
    # the output distribution is that of the samples put through the plain arithmetic with |gamma|
    plain = torch.stack([norm.eval()(s) for s in samples[:2000]])
    assert (plain.mean(0) - out.mean).abs().max() < 0.35
    torch.testing.assert_close(plain.mean((0, 1)), out.mean.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(plain.var(0).mean(), out.var.mean(), atol=0, rtol=0.05)


def test_a_shared_variance_counts_as_the_same_for_every_sample():
    mean, var = torch.randn(8, 3, 2, 2), torch.rand(1, 3, 2, 2)
    a, b = LRTBatchNorm(3), LRTBatchNorm(3)
    left, right = a(Gaussian(mean, var)), b(Gaussian(mean, var.expand_as(mean)))
    torch.testing.assert_close(left.mean, right.mean)
    torch.testing.assert_close(left.var.expand_as(right.var), right.var)
    torch.testing.assert_close(a.running_var, b.running_var)


def test_running_statistics_have_momentum_and_eval_uses_them():
    norm = LRTBatchNorm(2, momentum=0.25)
    x = torch.tensor([[1.0, 4.0], [3.0, 8.0]])
    norm(x)
    torch.testing.assert_close(norm.running_mean.tolist(), [0.5, 1.5])
    torch.testing.assert_close(norm.running_var.tolist(), [1.0, 1.75])
    g = norm.eval()(Gaussian(x, torch.ones_like(x)))
    torch.testing.assert_close(g.mean, norm(x))


def test_training_on_a_tensor_is_batchnorm_with_the_absolute_gain():
    norm, plain = LRTBatchNorm(3, eps=1e-5), torch.nn.BatchNorm2d(3)
    x = torch.randn(8, 3, 4, 4)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, -2.0, 0.5]))
        plain.weight.copy_(norm.weight.abs())
    torch.testing.assert_close(norm(x), plain(x))


def test_gradients_are_those_of_finite_differences():
    norm = LRTBatchNorm(3).double()
    m, v = torch.randn(4, 3, 2, 2).double().requires_grad_(), torch.rand(1, 3, 2, 2).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b, *_: tuple(norm(Gaussian(a, b))), (m, v, norm.weight, norm.bias))
