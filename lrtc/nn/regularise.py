"""What can be added to the loss so that distributions become more, or less, certain."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lrtc.nn.discrete import RANDOM
from lrtc.nn.distribution import Gaussian, standardize
from lrtc.nn.sampling import VARIANCE_EPS


def random_layers(model: nn.Module) -> list[nn.Module]:
    """Return the layers of discrete weights that are still distributions, in the order of their registration."""
    return [m for m in model.modules() if isinstance(m, RANDOM) and not m.is_discrete]


def uncertainty(layer: nn.Module) -> Tensor:
    """Return Σ q(1 − q) over the weights of a random bipolar layer (Shayer 2018, section 3.4), 0 for other weights."""
    if layer.weights != "bipolar":
        return torch.zeros((), device=layer.discrete_weight.device)
    q = torch.sigmoid(layer.beta)
    return (q * (1 - q)).sum()


def weight_entropy(layer: nn.Module) -> Tensor:
    """Return the mean over the weights of a random layer of H = −Σ p ln p, nats: ln 3 at most for ternary ones."""
    p = layer.probabilities()
    return torch.special.entr(p).sum(-1).mean()


def sign_entropy(g: Gaussian, eps: float = VARIANCE_EPS) -> Tensor:
    """Return the mean of H = −p ln p − q ln q of sign(y), y ~ N(m, s²), p = Φ(m/s), q = 1 − p: nats, ln 2 at most."""
    z = standardize(g, eps)
    log_p, log_q = torch.special.log_ndtr(z), torch.special.log_ndtr(-z)
    return -(log_p.exp() * log_p + log_q.exp() * log_q).mean()
