"""The kernel `tables`: blocks of 16 windows, segments of words, every ending; what it refuses; time is constant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from c_programs import assert_equal, to_c, to_program
from menu_layers import Layer, network

from lrtc.backends.c import plan_c
from lrtc.backends.c.menu import MENU
from lrtc.backends.c.menu.base import Matrix
from lrtc.backends.c.windows import Window
from lrtc.check.emulate import run_emulated
from lrtc.driver import Model
from lrtc.ir import B1, T2, Elem, tensor
from lrtc.passes import run_pipeline
from lrtc.tuning import tune

WHOLE = {"kernel": (1, 1), "padding": (0, 0, 0, 0), "dilation": (1, 1), "stride": (1, 1)}
SAME = WHOLE | {"kernel": (3, 3), "padding": (1, 1, 1, 1)}
BASE = Layer(1, (4, 4, 33), "b1", "b1", 0.5, 34, SAME, 1, "bits")
SHAPES = {
    "a block": BASE,
    "a position more": replace(BASE, size=(17, 1, 3), conv=SAME | {"kernel": (3, 1), "padding": (1, 1, 0, 0)}),
    "a position less": replace(BASE, size=(3, 5, 65)),
    "one position": replace(BASE, size=(3, 3, 40), conv=SAME | {"padding": (0, 0, 0, 0)}),
    "one position at the border": replace(BASE, size=(1, 1, 4)),
    "linear": replace(BASE, size=(1, 1, 31), conv=None),
    "linear on an image": replace(BASE, size=(3, 5, 1), conv=None, outputs=65),
    "pixels alone": replace(BASE, size=(7, 5, 96), conv=WHOLE, outputs=1),
    "stride": replace(BASE, size=(9, 8, 32), conv=SAME | {"stride": (2, 3), "padding": (2, 0, 1, 2)}),
    "dilation": replace(BASE, size=(6, 7, 31), conv=SAME | {"dilation": (2, 3), "padding": (3, 2, 1, 4)}),
    "groups": replace(BASE, size=(5, 5, 66), groups=2, outputs=6),
    "segments of two sizes": replace(BASE, size=(4, 5, 64), conv=SAME | {"kernel": (2, 2), "padding": (0, 1, 1, 0)}),
    "outputs all 0": replace(BASE, seed=5, outputs=96),
    "integers follow": replace(BASE, ending="affine"),
    "pairs follow": replace(BASE, ending="t2"),
    "an operand follows": replace(BASE, size=(5, 4, 31), ending="add", outputs=33),
    "nothing follows": replace(BASE, size=(5, 4, 2), ending="plain", outputs=5),
}
WIDE = replace(BASE, size=(8, 8, 64), conv=WHOLE, outputs=64, ending="t2")
CASES = [(shape, weights) for shape in SHAPES for weights in ("b1", "t2")]


@pytest.fixture(scope="module")
def networks():
    return {
        case: to_c(network(replace(SHAPES[case[0]], weights=case[1]), f"n{i}"), images=5, seed=i, kernels="tables")
        for i, case in enumerate(CASES)
    }


@pytest.fixture(scope="module")
def program(networks, tmp_path_factory):
    return to_program(networks.values(), tmp_path_factory.mktemp("tables"), sanitize=True)


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_any_shape_under_sanitizers(case, networks, program):
    compiled = networks[case]
    assert "tables" in {step.kind for step in compiled.plan.steps}
    assert_equal(compiled, program.run(compiled.name, compiled.x))


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4"])
@pytest.mark.parametrize("case", [("a position more", "b1"), ("stride", "t2")], ids=" ".join)
def test_an_emulated_core(core, case, networks):
    compiled = networks[case]
    done = run_emulated(compiled.files, compiled.name, compiled.x, core, compiled.classes)
    assert_equal(compiled, done.logits)


@pytest.mark.parametrize("weights", ["b1", "t2"])
def test_time_depends_on_no_data(weights, networks):
    compiled = networks["a block", weights]
    taken = set()
    for image in (np.zeros_like(compiled.x[:1]), np.full_like(compiled.x[:1], 255), compiled.x[:1]):
        done = run_emulated(compiled.files, compiled.name, image, "cortex-m4", compiled.classes)
        (counted,) = [n for function, n in done.profile.items() if function.endswith("_acc")]
        taken.add(counted)
    assert len(taken) == 1


def chosen(layer: Layer, lanes: int = 32) -> str:
    (kind,) = [step.kind for step in plan_c(run_pipeline(network(layer, "n"), "c"), lanes=lanes).steps if step.kernel]
    return kind


def test_it_is_chosen_where_lists_cannot_decide_and_outputs_share_the_tables():
    assert chosen(WIDE) == "tables"
    assert chosen(replace(WIDE, ending="bits")) == "sliced16"
    assert chosen(replace(WIDE, outputs=8)) == "count"
    assert chosen(replace(WIDE, size=(1, 1, 64), conv=None)) == "count"
    assert chosen(WIDE, lanes=256) == "count_wide"


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4"])
def test_where_it_is_chosen_it_is_the_cheapest(core):
    """Of all that a layer may have, as `lrtc tune` measures them, on both cores that the estimate is for."""
    graph = network(replace(WIDE, size=(5, 5, 64)), "n")
    (layer,) = tune(Model("n", graph), core).layers
    assert {"tables", "active", "count"} <= {option.kernel for option in layer.options}
    assert (
        min(layer.options, key=lambda option: option.cost).kernel == "tables" == chosen(replace(WIDE, size=(5, 5, 64)))
    )


@pytest.mark.parametrize(
    ("channels", "elem", "weight", "why"),
    [
        (65536, B1, 1, "a window has 65536 lanes; up to 65535 are supported"),
        (65504, B1, 1, ""),
        (8, T2, 1, "its input is t2, not b1"),
        (8, Elem("i", 32), 1, "its input is i32, not b1"),
        (8, B1, 2, "a weight is beyond -1, 0, +1"),
    ],
)
def test_what_it_refuses(channels, elem, weight, why):
    window = Window(1, 1, channels, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1))
    layer = Matrix(tensor((1, 1, channels), elem), window, np.full((2, 1, 1, channels), weight))
    assert MENU["tables"].refuse(layer) == why
