"""The reference against torch's own operators and plain loops; exactness where float sums could round."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lrtc import interp
from lrtc.ir import B1, F32, OPS, T2, U8, Elem, Fact, GraphBuilder, TypeRule, tensor
from lrtc.ir.ops import (
    BatchNorm,
    Clamp,
    Conv2d,
    Divide,
    Flatten,
    Linear,
    Maximum,
    MaxPool2d,
    Op,
    Quantize,
    SumPool2d,
    Ternarize,
    Threshold,
    TopK,
)  # fmt: skip


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
    signed = np.array([-200.0, -128.0, -1.5, -0.5, 0.5, 1.5, 126.5, 300.0], np.float32)
    assert interp.quantize(signed, 1.0, 128).tolist() == [0, 0, 126, 128, 128, 130, 254, 255]
    assert interp.quantize(signed, 1.0, 8, 15).tolist() == [0, 0, 6, 8, 8, 10, 15, 15]
    assert interp.quantize(np.array([-3, -1, 1, 3], np.float32), 2.0, 0.5, 1).tolist() == [0, 0, 1, 1]


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


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1), (2, 3)])
def test_grouped_and_dilated_convolutions_equal_torch(groups, dilation):
    rng = np.random.default_rng(groups)
    x = rng.integers(0, 256, (2, 9, 11, 6)).astype(np.uint8)
    w = rng.integers(-1, 2, (12, 3, 2, 6 // groups)).astype(np.int8)
    got = interp.conv2d(Conv2d((2, 1), (1, 1, 2, 2), dilation, groups), x, w)
    t = torch.tensor(x).permute(0, 3, 1, 2).double()
    kernel = torch.tensor(w).permute(0, 3, 1, 2).double()
    want = F.conv2d(t, kernel, stride=(2, 1), padding=(1, 2), dilation=dilation, groups=groups)
    np.testing.assert_array_equal(got, want.permute(0, 2, 3, 1).numpy())
    b = GraphBuilder("g")
    names = [b.input("x", tensor((9, 11, 6), U8)), b.const("w", w)]
    fact = b.facts[b.add(Conv2d((2, 1), (1, 1, 2, 2), dilation, groups), names, "y")]
    assert fact.type.shape == got.shape[1:]
    flat = got.reshape(-1, 12)
    assert (fact.low <= flat.min(axis=0)).all()
    assert (fact.high >= flat.max(axis=0)).all()


@pytest.mark.parametrize("least", [False, True])
def test_the_greater_of_two_values_and_the_smaller(least):
    rng = np.random.default_rng(0)
    op, torchs = Maximum(least), torch.minimum if least else torch.maximum
    for a, b, elem in ((B1, B1, B1), (T2, T2, T2), (B1, T2, Elem("i", 2)), (Elem("u", 3), Elem("i", 3), Elem("i", 4))):
        x, y = (rng.choice([v for v in range(e.low, e.high + 1) if v or e != B1], (9, 5)) for e in (a, b))
        got = interp.maximum(op, x, y)
        np.testing.assert_array_equal(got, torchs(torch.tensor(x), torch.tensor(y)).numpy())
        fact = op.infer([Fact.of(tensor((5,), e)) for e in (a, b)])
        assert fact.type.elem == elem
        assert (fact.low <= got.min()).all()
        assert (fact.high >= got.max()).all()
    with pytest.raises(TypeRule, match=f"the {'least' if least else 'greatest'} of real values is taken"):
        op.infer([Fact.of(tensor((5,), F32)), Fact.of(tensor((5,), B1))])
    with pytest.raises(TypeRule, match="element by element"):
        op.infer([Fact.of(tensor((4,), B1)), Fact.of(tensor((5,), B1))])


def test_average_pooling_is_a_sum_and_a_division():
    rng = np.random.default_rng(0)
    x = rng.integers(-50, 50, (3, 7, 6, 2)).astype(np.int32)
    total = interp.sumpool(SumPool2d((3, 2), (2, 2), (1, 1, 1, 1)), x)
    got = interp.divide(Divide(), total, np.full((1, 2), 6, dtype=np.float32))
    want = F.avg_pool2d(torch.tensor(x).permute(0, 3, 1, 2).float(), (3, 2), (2, 2), (1, 1)).permute(0, 2, 3, 1)
    np.testing.assert_array_equal(got, want.numpy())


def test_decisions_with_several_levels():
    x = np.array([[-2.5, -0.5, -0.4, 0.0, 0.5, 1.5, 2.5, 9.0]], dtype=np.float32)
    assert interp.ternarize(Ternarize(0.5), x).tolist() == [[-1, -1, 0, 0, 1, 1, 1, 1]]
    assert interp.quantize_real(Quantize(Elem("u", 2), 0, 3), x).tolist() == [[0, 0, 0, 0, 0, 2, 2, 3]]
    assert interp.quantize_real(Quantize(Elem("i", 3), -2, 3, "floor"), x).tolist() == [[-2, -1, -1, 0, 0, 1, 2, 3]]
    rows = np.array([[-1, 5], [2, 5], [2, 7], [0, 1]], dtype=np.int32)
    v = np.array([[-2, 4], [-1, 5], [1, 6], [2, 7]], dtype=np.int32)
    assert interp.threshold(Threshold(Elem("u", 2)), v, rows).tolist() == [[0, 3], [1, 1], [1, 1], [3, 0]]
    assert interp.threshold(Threshold(T2), v[:, :1], rows[[0, 1, 3], :1]).tolist() == [[-1], [0], [0], [1]]


def test_ties_go_to_the_lowest_index():
    x = np.array([[3, 7, 7, -1, 7]], dtype=np.int32)
    assert interp.topk(TopK(3), x).tolist() == [[1, 2, 4]]
    assert interp.topk(TopK(1), -x).tolist() == [[3]]


def test_clamp_is_relu_and_hardtanh():
    x = np.array([[-3, 0, 5]], dtype=np.int32)
    assert interp.clamp(Clamp(low=0), x).tolist() == [[0, 0, 5]]
    assert interp.clamp(Clamp(-1, 1), x.astype(np.float32)).tolist() == [[-1, 0, 1]]


def test_weights_of_minus_128_are_as_large_as_they_are():
    """int8 holds −128 but not 128; sums beyond 2^24 need more than float32."""
    x = np.random.default_rng(0).integers(128, 256, (9, 1201), dtype=np.uint8)
    w = np.full((3, 1201), -128, dtype=np.int8)
    w[:, 0] = 1
    assert np.array_equal(interp.linear(Linear(), x, w), x.astype(np.int64) @ w.T.astype(np.int64))
