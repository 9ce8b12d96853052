"""The reference against torch's own operators and plain loops; exactness where float sums could round."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lrtc import interp
from lrtc.ir import OPS, U8, GraphBuilder, tensor
from lrtc.ir.ops import BatchNorm, Conv2d, Flatten, Linear, MaxPool2d, Op


@pytest.mark.parametrize("seed", range(12))
def test_conv2d_equals_torch_in_float64(seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(3, 9, 2)
    x = rng.integers(0, 256, (2, *shape, 3)).astype(np.uint8)
    w = rng.integers(-1, 2, (5, *rng.integers(1, 4, 2), 3)).astype(np.int8)
    stride, pad = tuple(map(int, rng.integers(1, 4, 2))), tuple(map(int, rng.integers(0, 3, 4)))
    got = interp.conv2d(Conv2d(stride, pad), x, w)
    padded = F.pad(torch.tensor(x).permute(0, 3, 1, 2).double(), (pad[2], pad[3], pad[0], pad[1]))
    want = F.conv2d(padded, torch.tensor(w).permute(0, 3, 1, 2).double(), stride=stride).permute(0, 2, 3, 1)
    np.testing.assert_array_equal(got, want.numpy())


@pytest.mark.parametrize("signed", [False, True])
def test_maxpool_equals_torch(signed):
    rng = np.random.default_rng(3)
    x = rng.integers(-9, 9, (2, 7, 6, 4)).astype(np.int32)
    f = rng.choice([-1, 1], 4).astype(np.int8) if signed else None
    got = interp.maxpool(MaxPool2d((3, 2), (2, 1), (1, 1, 1, 1)), x, f)
    factor = 1 if f is None else torch.tensor(f).view(-1, 1, 1)
    t = torch.tensor(x).permute(0, 3, 1, 2).double() * factor
    want = (F.max_pool2d(t, (3, 2), (2, 1), (1, 1)) * factor).permute(0, 2, 3, 1)
    np.testing.assert_array_equal(got, want.numpy())


def test_flatten_is_torchs():
    x = np.arange(24).reshape(1, 2, 3, 4)
    want = torch.tensor(x).permute(0, 3, 1, 2).flatten(1).numpy()
    np.testing.assert_array_equal(interp.flatten(Flatten("CHW"), x), want)


def test_sums_beyond_float32_are_exact():
    n = 1 << 18
    x = np.full((1, n), 255, dtype=np.uint8)
    w = np.full((1, n), 127, dtype=np.int8)
    x[0, 0], want = 254, 127 * (255 * n - 1)
    assert want < 1 << 33
    w[0, n // 4 :] = 0
    want = 127 * (255 * (n // 4) - 1)
    assert interp.linear(Linear(), x, w)[0, 0] == want
    assert want > 1 << 24


def test_batchnorm_rounds_every_step_to_float32():
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(4, 50)).astype(np.float32)
    rows[3] = np.abs(rows[3])
    x = rng.integers(-4000, 4000, (20, 50)).astype(np.int32)
    got = interp.batchnorm(BatchNorm(1e-3, absolute=False), x, rows)
    for c in range(50):
        a = np.float32(np.float32(1 / np.sqrt(float(rows[3, c]) + 1e-3)) * rows[0, c])
        b = np.float32(rows[1, c] - np.float32(rows[2, c] * a))
        for n in range(20):
            assert got[n, c] == np.float32(np.float32(np.float32(x[n, c]) * a) + b)


def test_real_data_is_quantised_half_to_even_and_clamped():
    x = np.array([-1.0, 0.5, 1.5, 2.5, 255.4, 1e9], dtype=np.float32)
    assert interp.quantize(x, 1.0).tolist() == [0, 0, 2, 2, 255, 255]


def test_every_op_has_a_meaning():
    assert {op for op in OPS.values() if op.name != "const"} == set(interp.MEANING)
    assert all(issubclass(op, Op) and op.__doc__ for op in OPS.values())


def test_batches_do_not_change_results():
    b = GraphBuilder("g")
    x = b.input("x", tensor((5, 5, 2), U8))
    rng = np.random.default_rng(0)
    w = b.const("w", rng.integers(-1, 2, (4, 3, 3, 2)).astype(np.int8))
    graph = b.finish([b.add(Conv2d(), [x, w], "y")])
    data = rng.integers(0, 256, (7, 5, 5, 2)).astype(np.uint8)
    np.testing.assert_array_equal(interp.run(graph, data, batch=2), interp.run(graph, data))
    with pytest.raises(ValueError, match="the graph takes"):
        interp.run(graph, data[:, :4])
