"""Pixel-sliced kernels: lists of planes, images wider and narrower than a word, time that no data changes."""

from __future__ import annotations

import numpy as np
import pytest
from c_programs import assert_equal, to_c, to_program
from graph_maker import Maker
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtc.backends.c import LANES
from lrtc.backends.c.menu.lists import FAR, NEAR, NIBBLE, Slots, nibble_lists, records, slots_by_column, slots_by_tap
from lrtc.backends.c.windows import Window
from lrtc.check.emulate import run_emulated
from lrtc.errors import LrtcError
from lrtc.ir import B1, T2, Graph

KERNELS = ("sliced8", "sliced16", "sliced_nibbles")
SEEDS = range(12)


def slots_of(kernel: tuple[int, int], channels: int, by_tap: bool, reach: int = NEAR) -> Slots:
    window = Window(9, 9, channels, kernel, (1, 1), (0, 0, 0, 0), (1, 1))
    return slots_by_tap(window, 3) if by_tap else slots_by_column(window, 3, reach)[0]


@settings(deadline=None, max_examples=200)
@given(
    st.tuples(st.integers(1, 4), st.integers(1, NEAR - 1)), st.integers(1, 70), st.booleans(),
    st.sampled_from((8, 16)), st.sampled_from((NEAR, FAR)), st.sampled_from((0.001, 0.02, 0.1, 0.5, 1.0)),
    st.integers(0, 2**20),
)  # fmt: skip
def test_records_hold_the_planes_and_zeros(kernel, channels, by_tap, size, reach, density, seed):
    slots = slots_of(kernel, channels, by_tap)
    assert sorted([*slots.at.reshape(-1), *slots.zeros]) == list(range(3, slots.size))
    wanted = np.sort(slots.at.reshape(-1)[np.random.default_rng(seed).random(slots.at.size) < density])
    found = records(wanted, slots, size, reach).astype(int)
    planes = (np.cumsum(found[:, 0])[:, None] + found[:, 1:]).reshape(-1)
    assert found[:, 1:].max(initial=0) <= reach
    assert np.array_equal(np.sort(planes[~np.isin(planes, slots.zeros)]), wanted)
    if density == 0.5 and kernel[1] < 8:
        assert len(found) <= -(-len(wanted) // size) * 1.2 + 1


@settings(deadline=None, max_examples=100)
@given(
    st.tuples(st.integers(1, 4), st.integers(1, NIBBLE - 1)), st.integers(1, 70),
    st.sampled_from((0.01, 0.1, 0.5, 1.0)), st.integers(0, 2**20),
)  # fmt: skip
def test_half_bytes_hold_the_planes_and_zeros(kernel, channels, density, seed):
    slots = slots_of(kernel, channels, by_tap=False, reach=NIBBLE)
    masks = np.random.default_rng(seed).random((3, *slots.at.shape)) < density
    lists = nibble_lists([[mask] for mask in masks], slots)
    words = np.split(lists.records, np.cumsum(lists.counts.reshape(-1))[:-1])
    for mask, mine in zip(masks, words, strict=True):
        steps = (mine.astype(np.int64)[:, None] >> np.arange(0, 32, 4) & 15).reshape(-1)
        planes = slots.first - 1 + np.cumsum(steps)
        assert np.array_equal(planes[~np.isin(planes, slots.zeros)], np.sort(slots.at[mask]))


def random_layers(seed: int) -> Graph:
    """Two layers on an image of 1 to 50 columns: any kernel that fits, some of the same width out as in."""
    rng = np.random.default_rng(seed)
    cols, rows = int(rng.choice((1, 2, 3, 5, 8, 16, 17, 31, 32, 33, 50))), int(rng.integers(1, 10))
    m = Maker(f"sliced_{seed}", (rows, cols, int(rng.integers(1, 5))))
    x = m.threshold(m.conv(m.x, int(rng.choice((1, 5, 31, 32, 33, 64))), (1, 1), padding=(0,) * 4))
    for _ in range(2):
        h, w, channels = m.b.facts[x].type.shape
        kernel = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
        dilation = tuple(int(d) for d in rng.integers(1, 3, 2))
        spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        before = [int(rng.integers(0, span)) for span in spans]
        after = [max(span - 1 - b, span - b - size) for span, b, size in zip(spans, before, (h, w), strict=True)]
        padding = (before[0], max(0, after[0]), before[1], max(0, after[1]))  # as wide as the input
        stride = (1, 1) if rng.random() < 0.7 else tuple(int(s) for s in rng.integers(1, 4, 2))
        groups = 2 if channels % 2 == 0 and rng.random() < 0.2 else 1
        elem = B1 if rng.random() < 0.5 else T2
        outputs = int(rng.choice((2, 6, 32, 34, 66)))
        x = m.threshold(m.conv(x, outputs, kernel, elem, stride, padding, dilation, groups))
    return m.done(m.linear_on_image(x, 3))


@pytest.fixture(scope="module")
def networks():
    return [to_c(random_layers(seed), images=4, seed=seed, kernels=KERNELS[seed % 3]) for seed in SEEDS]


def test_any_shape_on_this_machine(networks, tmp_path):
    program = to_program(networks, tmp_path, sanitize=True)
    for network in networks:
        assert {step.kind for step in network.plan.steps} & set(KERNELS)
        assert_equal(network, program.run(network.name, network.x))


@pytest.fixture(scope="module")
def wide():
    """The widths take turns, and so do the kernels."""
    return [
        to_c(random_layers(seed), images=3, seed=seed, kernels=KERNELS[seed % 3], lanes=LANES[1 + seed % 4])
        for seed in range(12, 24)
    ]


def test_wider_words_on_this_machine(wide, tmp_path):
    program = to_program(wide, tmp_path, sanitize=True)
    for network in wide:
        assert f"#define LRTC_LANES {network.plan.lanes} " in network.files[f"{network.name}.c"]
        assert_equal(network, program.run(network.name, network.x))


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4"])
def test_wider_words_on_an_emulated_core(core, wide):
    for network in wide[:2]:
        done = run_emulated(network.files, network.name, network.x[:1], core, network.classes)
        assert np.array_equal(done.logits, network.want[:1])


def test_other_widths_are_refused():
    with pytest.raises(LrtcError, match="no word of 96 lanes; known: 32, 64, 128, 256, 512"):
        to_c(random_layers(0), lanes=96)


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4"])
@pytest.mark.parametrize("seed", [0, 3])
def test_any_shape_on_an_emulated_core_in_the_same_time(seed, core, networks):
    network = networks[seed]
    done = run_emulated(network.files, network.name, network.x, core, network.classes)
    assert_equal(network, done.logits)
    work = {name: n for name, n in done.profile.items() if "conv_v" in name or name.endswith("conv")}
    again = run_emulated(network.files, network.name, network.x[:1], core, network.classes).profile
    assert {name: again[name] for name in work} == work


def test_what_cannot_be_sliced_says_why():
    m = Maker("wide", (4, 80, 2))
    x = m.threshold(m.conv(m.x, 3))
    wide = m.threshold(m.conv(x, 3, (1, 33), padding=(0, 0, 16, 16)))
    step = to_c(m.done(m.linear_on_image(wide, 3))).plan.steps
    from lrtc.backends.c.menu import MENU

    assert MENU["sliced8"].refuse(step[1].matrix) == "the kernel has 33 columns; up to 32 are supported"
    assert MENU["sliced8"].refuse(step[0].matrix) == "its input is u8, not b1"
    assert "not just one threshold" in MENU["sliced8"].refuse(step[2].matrix)
