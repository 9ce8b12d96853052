"""A run from samples to a model file: methods, stages, freezing, faults."""

import copy
import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_digits import tiny_network
from torch import nn

import lrtc
from lrtc.chain import Chain
from lrtc.driver import open_model
from lrtc.errors import LrtcError
from lrtc.nn import accuracy, discretize, is_discrete, parameter_groups, reestimate_batchnorm, straight_through
from lrtc.train import Recipe, Samples, Shift, train
from lrtc.train.diagnose import sign_reports, weight_reports
from lrtc.train.evaluate import distribution_scores, integer_accuracy
from lrtc.train.run import set_signs

QUICK = Recipe(epochs=4, pretrain_epochs=2, batch=16, freeze_from=0.5)


def run(recipe, tiny, out, **options):
    return train(tiny_network(), recipe, *tiny, out, display=False, **options)


@pytest.mark.parametrize("weights", ["ternary", "bipolar"])
@pytest.mark.parametrize("method", ["lrt", "ste"])
def test_what_is_saved_is_what_was_trained_and_compiles(method, weights, tiny, tmp_path):
    recipe = Recipe(method=method, epochs=16, pretrain_epochs=3, batch=16, head_epochs=2, certainty_decay=1e-4)
    out = tmp_path / "net.pt"
    trained = train(tiny_network(weights), recipe, *tiny, out, [Shift(0)], display=False)
    assert is_discrete(trained.net)
    assert trained.validation > 0.6, "rows of three kinds can be told apart"
    samples = tiny[1]
    want = trained.net(samples.x).detach()
    assert torch.equal(want, lrtc.load(out)(samples.x))
    chain = Chain(open_model(out)).run("interp", samples.x.numpy())
    assert np.array_equal(chain.logits, want.numpy())
    assert integer_accuracy(out, samples) == pytest.approx(trained.validation)
    if method == "lrt":
        scores = distribution_scores(trained.random, *tiny, draws=3)
        assert not is_discrete(trained.random)
        assert all(0 <= v <= 1 for v in (scores.distribution, scores.most_probable, scores.draw_mean))
        assert scores == distribution_scores(trained.random, *tiny, draws=3)


def test_the_float_method_trains_the_twin_alone(tiny, tmp_path):
    trained = run(Recipe(method="float", epochs=2, pretrain_epochs=1, batch=16), tiny, tmp_path / "net.pt")
    assert trained.net is trained.twin
    assert not (tmp_path / "net.pt").exists()
    assert trained.validation == accuracy(trained.twin, tiny[1].batches())


def test_a_seed_is_a_result(tiny, tmp_path):
    first, again = (run(QUICK, tiny, tmp_path / f"{k}.pt").net.state_dict() for k in "ab")
    assert all(torch.equal(first[name], again[name]) for name in first)
    torch.manual_seed(5)  # the caller's own stream has no say
    net = tiny_network()
    state = torch.random.get_rng_state()
    recipe = Recipe(epochs=4, pretrain_epochs=2, batch=16, seed=1)
    other = train(net, recipe, *tiny, tmp_path / "c.pt", display=False).net.state_dict()
    assert any(not torch.equal(first[name], other[name]) for name in first)
    assert torch.equal(state, torch.random.get_rng_state())


def test_layers_are_frozen_from_the_input_side_and_logs_say_so(tiny, tmp_path):
    run(Recipe(epochs=8, pretrain_epochs=1, batch=16, freeze_from=0.5), tiny, tmp_path / "net.pt")
    with (tmp_path / "net.pt.run" / "layers.csv").open() as f:
        fixed = {(r["name"], int(r["epoch"])): r["fixed"] == "True" for r in csv.DictReader(f) if r["stage"] == "lrt"}
    starts = {n: min(e for (m, e), is_fixed in fixed.items() if m == n and is_fixed) for n in ("conv1", "conv2", "fc")}
    assert starts == {"conv1": 5, "conv2": 7, "fc": 8}  # epochs 5 of 8, and then after 2/3 and 4/3 more, rounded up
    with (tmp_path / "net.pt.run" / "log.csv").open() as f:
        log = list(csv.DictReader(f))
    assert [(r["stage"], r["epoch"]) for r in log] == [("float", "1")] + [("lrt", str(k)) for k in range(1, 9)]
    assert (tmp_path / "net.pt.run" / "run.png").stat().st_size > 10_000


@pytest.mark.parametrize("what", ["weight", "sign"])
def test_entropies_go_towards_their_targets(what, tiny, tmp_path):
    """Mean entropy of bits a weight, or of |m/s| before the signs: what the logs have of either."""
    ends = {}
    for target in (0.05, 0.6):
        change = {f"{what}_entropy": 100.0, f"{what}_target": (target, target)}
        recipe = Recipe(epochs=4, pretrain_epochs=1, batch=16, freeze_from=1.0, **change)
        out = tmp_path / f"{target}.pt"
        random = run(recipe, tiny, out).random
        reports = weight_reports(random) if what == "weight" else sign_reports(random, tiny[1].batches())
        ends[target] = sum(r.entropy if what == "weight" else -r.median for r in reports)
    assert ends[0.05] < ends[0.6]


@pytest.mark.parametrize("worse", [False, True])
def test_statistics_are_measured_anew_unless_they_are_worse(worse, tiny, tmp_path, monkeypatch):
    scores = iter([0.5, 0.4 if worse else 0.5])
    monkeypatch.setattr("lrtc.train.run.accuracy", lambda *_args: next(scores, 0.0))
    recipe = replace(QUICK, reestimate="unless_worse")
    net = run(recipe, tiny, tmp_path / "net.pt").net
    again = reestimate_batchnorm(copy.deepcopy(net), tiny[0].batches())
    same = all(torch.equal(a, b) for a, b in zip(net.buffers(), again.buffers(), strict=True))
    assert same != worse


def test_settled_weights_go_on_learning_and_nothing_is_random_any_more(tiny, tmp_path):
    recipe = Recipe(epochs=6, pretrain_epochs=1, batch=16, lr=0.1, freeze_from=1.0, settle_from=0.5)
    settled = run(recipe, tiny, tmp_path / "net.pt")
    with (tmp_path / "net.pt.run" / "log.csv").open() as f:
        log = [r for r in csv.DictReader(f) if r["stage"] == "lrt"]
    assert [bool(r["distribution"]) for r in log] == [True] * 3 + [False] * 3
    at_half = discretize(settled.random).state_dict()  # kept as it was before it settled
    assert any(not torch.equal(t, at_half[name]) for name, t in settled.net.state_dict().items() if "discrete" in name)


def test_layers_are_frozen_from_the_output_side_if_told_so(tiny, tmp_path):
    run(Recipe(epochs=4, pretrain_epochs=1, batch=48, freeze_order="output"), tiny, tmp_path / "net.pt")
    with (tmp_path / "net.pt.run" / "layers.csv").open() as f:
        fixed = [r["name"] for r in csv.DictReader(f) if (r["stage"], r["epoch"], r["fixed"]) == ("lrt", "4", "True")]
    assert fixed == ["conv2", "fc"]  # from 60 % and 73 % of the epochs on; the third follows at 87 %


def test_sharpening_makes_weights_certain(tiny, tmp_path):
    entropy = {}
    for rate in (0.0, 0.5):
        recipe = Recipe(epochs=4, pretrain_epochs=1, batch=48, freeze_from=1.0, sharpen=rate, sharpen_from=0.25)
        run(recipe, tiny, tmp_path / "net.pt")
        with (tmp_path / "net.pt.run" / "layers.csv").open() as f:
            rows = [r for r in csv.DictReader(f) if r["stage"] == "lrt" and r["name"] == "conv2"]
        entropy[rate] = [float(r["entropy"]) for r in rows]
    assert entropy[0.0][0] == entropy[0.5][0], "nothing before sharpen_from"
    assert entropy[0.5][3] < 0.8 * entropy[0.0][3]


class _Count:
    """An augmentation that does nothing and counts its calls."""

    calls = 0

    def __call__(self, x, stream):
        _Count.calls += 1
        return x


def test_augmentation_ends_where_the_recipe_says(tiny, tmp_path):
    recipe = Recipe(epochs=4, pretrain_epochs=2, batch=48, augment_until=0.5)
    _Count.calls = 0
    train(tiny_network(), recipe, *tiny, tmp_path / "net.pt", [_Count()], display=False)
    assert _Count.calls == 2 * (2 + 1)  # steps an epoch: 2


def test_best_of_keeps_the_draw_that_scores_best(tiny, tmp_path):
    recipe = Recipe(epochs=4, pretrain_epochs=1, batch=16, freeze_from=0.25, freeze="best_of", freeze_draws=3)
    assert is_discrete(run(recipe, tiny, tmp_path / "net.pt").net)


@pytest.mark.parametrize("where", ["train", "validation"])
def test_what_is_random_at_the_end_is_chosen_among_draws_too(where, tiny, tmp_path):
    recipe = Recipe(epochs=1, pretrain_epochs=1, batch=48, freeze_from=1.0, freeze="best_of", freeze_draws=12)
    recipe = replace(recipe, choose_on=where)
    trained = run(recipe, tiny, tmp_path / "net.pt")
    judges = tiny[where == "validation"].batches()
    first = discretize(copy.deepcopy(trained.random))
    likely = accuracy(reestimate_batchnorm(first, judges), judges)
    best = accuracy(reestimate_batchnorm(copy.deepcopy(trained.net), judges), judges)
    assert best > likely, "a network this young has better draws than its likeliest weights"


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": (1.0, 0.3)},
        {"distill": 0.5},
        {"label_smoothing": 0.1},
        {"precision": "bf16-mixed"},
        {"variance_floor": 0.1},
        {"sign_window": 0.8},
    ],
    ids=str,
)
def test_options_of_the_loss_and_of_the_signs(options, tiny, tmp_path):
    recipe = Recipe(epochs=2, pretrain_epochs=1, batch=16, **options)
    trained = run(recipe, tiny, tmp_path / "net.pt")
    assert torch.equal(trained.net(tiny[1].x), lrtc.load(tmp_path / "net.pt")(tiny[1].x))


def test_the_floor_of_the_variance_is_that_of_the_recipe_in_all_layers(tiny, tmp_path):
    trained = run(Recipe(epochs=1, pretrain_epochs=0, batch=48, variance_floor=0.2), tiny, tmp_path / "net.pt")
    for net in (trained.net, trained.random):
        floors = {n: m.variance_floor for n, m in net.named_modules() if hasattr(m, "variance_floor")}
        assert floors == {"sign1": 0.2, "sign2": 0.2, "scale": 0.2}


@pytest.mark.parametrize("method", ["lrt", "ste"])
def test_the_window_of_the_signs_is_that_of_the_recipe(method, tiny, tmp_path):
    nets = []
    for window in (0.0, 0.8):
        recipe = Recipe(method=method, epochs=1, pretrain_epochs=0, batch=48, sign_window=window)
        nets.append(run(recipe, tiny, tmp_path / f"{window}.pt").net)
        assert {m.window for m in nets[-1].modules() if hasattr(m, "window")} == {window}
    assert not torch.equal(nets[0].bn1.bias, nets[1].bn1.bias), "the gradient of the signs is another"


def test_a_window_of_ones_own_layer_is_no_hyper_parameter():
    class Windowed(nn.Identity):
        window = 7

    net = nn.Sequential(lrtc.nn.LRTSign(), Windowed(), lrtc.nn.LRTTernarySign())
    set_signs(net, Recipe(sign_window=0.8))
    assert [m.window for m in net] == [0.8, 7, 0.8]


def test_straight_through_weights_do_not_decay():
    net = straight_through(tiny_network())
    groups = parameter_groups(net, 0.1)
    decay = {id(p): g["weight_decay"] for g in groups for p in g["params"]}
    assert [decay[id(m.latent)] for m in (net.conv1, net.conv2, net.fc)] == [0.0, 0.0, 0.0]
    assert all(id(p) not in decay for p in (net.conv1.layer.alpha, net.conv1.layer.beta))


def test_labels_out_of_range_are_refused(tiny, tmp_path):
    part, held_out = tiny
    y = part.y.clone()
    y[[7, 9]] = 3
    words = "2 of 96 labels are out of range; sample 7 has 3, the network has 3 classes: 0 to 2 are supported"
    with pytest.raises(LrtcError, match=words):
        train(tiny_network(), QUICK, Samples(part.x, y), held_out, tmp_path / "net.pt", display=False)


def test_inputs_that_are_not_finite_are_refused(tiny, tmp_path):
    x = tiny[0].x.float()
    x[5, 0, 2, 2] = float("nan")
    with pytest.raises(LrtcError, match="1 of 96 inputs are not finite; the first is sample 5"):
        train(tiny_network(), QUICK, Samples(x, tiny[0].y), tiny[1], tmp_path / "net.pt", display=False)


def test_accelerators_that_are_not_there_are_refused(tiny, tmp_path):
    with pytest.raises(LrtcError, match=r"accelerator='abacus'.*\n  hint: accelerator='cpu'"):
        run(QUICK, tiny, tmp_path / "net.pt", trainer={"accelerator": "abacus"})


def test_inputs_of_another_shape_are_refused(tiny, tmp_path):
    wide = Samples(tiny[0].x[..., :7], tiny[0].y)
    words = r"inputs \(1, 8, 7\) do not fit the network\n  input \(InputQuantize\): .*expected \(N, 1, 8, 8\)"
    with pytest.raises(LrtcError, match=words):
        train(tiny_network(), QUICK, wide, tiny[1], tmp_path / "net.pt", display=False)
    with pytest.raises(LrtcError, match=r"shapes \(1, 8, 8\) and \(1, 8, 7\) do not belong together"):
        train(tiny_network(), QUICK, tiny[1], wide, tmp_path / "net.pt", display=False)
    with pytest.raises(LrtcError, match=r"96 inputs and labels \(32,\) do not fit"):
        Samples(tiny[0].x, tiny[1].y)


class _Mean(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (nn.ReLU(), r"  sign1 \(ReLU\): relu of a Gaussian.*use lrtc.nn.LRTReLU"),
        (_Mean(), r"  sign1 \(_Mean\): .*x.mean is a tensor, not a method: use lrtc.nn.ExactMean"),
    ],
)
def test_layers_that_know_no_distribution_are_refused_by_name_before_training(layer, words, tiny, tmp_path):
    net = tiny_network()
    net.sign1 = layer
    with pytest.raises(LrtcError, match=words):
        train(net, QUICK, *tiny, tmp_path / "net.pt", display=False)


class _Breaks(nn.Module):
    """The identity, until it has been called often enough."""

    def __init__(self, calls: int):
        super().__init__()
        self.left = calls

    def forward(self, x):
        self.left -= self.training
        return x if self.left > 0 else x * float("nan")


def test_a_loss_that_is_nan_stops_with_the_layer_and_the_step(tiny, tmp_path):
    net = tiny_network()
    net.sign1 = nn.Sequential(net.sign1, _Breaks(14))  # 6 steps an epoch: in the third of the discrete stage
    with pytest.raises(LrtcError) as caught:
        train(net, Recipe(epochs=5, pretrain_epochs=0, batch=16), *tiny, tmp_path / "net.pt", display=False)
    text = str(caught.value)
    assert "a gradient is not finite in step 13 of the lrt stage" in text
    assert "sign1.1 (_Breaks): the first values that are not finite are here" in text
    kept = tmp_path / "net.pt.run" / "lrt.ckpt"
    assert f"the last good checkpoint is {kept}" in text
    saved = torch.load(kept, weights_only=False)
    assert saved["epoch"] == 1
    assert all(bool(torch.isfinite(t).all()) for t in saved["state_dict"].values())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"method": "gumbel"}, "method='gumbel' is not known; known: lrt, ste, float"),
        ({"freeze_order": "middle"}, "freeze_order='middle' is not known; known: input, output"),
        ({"choose_on": "test"}, "choose_on='test' is not known; known: train, validation"),
        ({"epochs": 2.5}, "epochs=2.5 is not supported; a whole number is expected"),
        ({"lr": float("nan")}, "lr=nan is not supported; a number is expected"),
        ({"temperature": 1.0}, "temperature=1.0 is not supported; a pair, each a number is expected"),
        ({"variance_floor": 0.0}, "variance_floor=0.0 is not supported; it must be above 0"),
        ({"lr": -1.0}, "lr=-1.0 is not supported; it must not be below 0"),
        ({"batch": 9, "parts": 2}, "batch=9 is not supported; it must be a multiple of parts=2"),
        ({"temperature": (1.0, 0.0)}, "both must be above 0"),
        ({"distill": 2.0}, "distill=2.0 is not supported"),
    ],
)
def test_recipes_that_cannot_be_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words.replace("(", r"\(").replace(")", r"\)")):
        Recipe(**wrong)
