"""The diagnostics against counts by hand; tables, CSV files and the picture."""

import math

import pytest
import torch
from tiny_digits import tiny_network

from lrtc.errors import LrtcError
from lrtc.nn import LRTLinear, LRTSign, discretize, straight_through
from lrtc.train import sign_reports, warnings, weight_reports
from lrtc.train.plot import plot_run
from lrtc.train.watch import layer_table


@torch.no_grad()
def test_weights_are_reported_as_counted_by_hand():
    layer = LRTLinear(2, 2)
    layer.alpha.copy_(torch.tensor([[5.0, 5.0], [-5.0, 0.0]]))
    layer.beta.copy_(torch.tensor([[0.0, 0.0], [5.0, 0.0]]))
    (report,) = weight_reports(torch.nn.Sequential(layer), clip=5.0)
    assert (report.zeros, report.at_limit, report.dead, report.channels) == (0.75, 0.5, 1, 2)
    sg = 1 / (1 + math.exp(-5))
    p = [[(1 - sg) / 2, sg, (1 - sg) / 2]] * 2 + [[sg * (1 - sg), 1 - sg, sg * sg], [0.25, 0.5, 0.25]]
    want = sum(-v * math.log2(v) for row in p for v in row) / 4
    assert report.entropy == pytest.approx(want, rel=1e-5)
    assert report.saturated == 0.75
    discretize(layer)
    (fixed,) = weight_reports(torch.nn.Sequential(layer))
    assert (fixed.fixed, fixed.entropy, fixed.saturated, fixed.zeros) == (True, 0.0, 1.0, 0.75)


def test_the_straight_through_baseline_is_reported_too():
    names = [r.name for r in weight_reports(straight_through(tiny_network()))]
    assert names == ["conv1", "conv2", "fc"]


def test_signs_are_reported_and_channels_that_never_change_are_named():
    net = torch.nn.Sequential(LRTLinear(4, 3, bias=True), LRTSign())
    with torch.no_grad():
        net[0].bias.copy_(torch.tensor([0.0, 100.0, 0.0]))
        net[0].alpha.copy_(torch.tensor([[-3.0] * 4, [-3.0] * 4, [9.0] * 4]))
    batches = [(torch.where(torch.randn(200, 4) >= 0, 1.0, -1.0), torch.zeros(200))] * 2
    (report,) = sign_reports(net, batches)
    assert sum(report.histogram) == 2 * 200 * 3
    assert report.histogram[-1] >= 400  # the channel with the large bias lies beyond
    assert (report.constant, report.channels) == (1, 3)
    said = warnings(weight_reports(net), [report])
    assert said == [
        "0: 1 of 3 channels have only zero weights",
        "1: 1 of 3 channels never change their sign",
    ]
    (numbers,) = sign_reports(discretize(net), batches)
    assert numbers.histogram is None
    assert layer_table(weight_reports(net), [numbers]).row_count == 2


def test_logits_at_their_limit_are_named():
    net = torch.nn.Sequential(LRTLinear(4, 3, weights="bipolar"))
    torch.nn.init.constant_(net[0].beta, 5.0)
    assert warnings(weight_reports(net, 5.0), []) == ["0: 100% of the logits are at their limit; they learn no more"]


def test_a_folder_without_a_log_is_refused(tmp_path):
    with pytest.raises(LrtcError, match=r"no log\.csv with a row"):
        plot_run(tmp_path)
