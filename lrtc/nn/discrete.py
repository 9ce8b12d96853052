"""From a trained distribution to one discrete network, and its batchnorm statistics."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from lrtc.nn.heads import IntegerWeights, LRTScale
from lrtc.nn.layers import LRTConv1d, LRTConv2d, LRTLinear
from lrtc.nn.norm import ExactBatchNorm, LRTBatchNorm

RANDOM = (LRTConv2d, LRTConv1d, LRTLinear)
HEADS = (LRTScale, IntegerWeights)  # what rounds its own parameters
NORMS = (LRTBatchNorm, ExactBatchNorm, nn.modules.batchnorm._BatchNorm)
METHODS = ("most_probable", "best_of")


def is_discrete(model: nn.Module) -> bool:
    """Return True if every layer that can be discrete is; a model without such layers is discrete."""
    return all(bool(m.is_discrete) for m in model.modules() if isinstance(m, RANDOM + HEADS))


@torch.no_grad()
def discretize(
    model: nn.Module,
    method: str = "most_probable",
    draws: int = 8,
    loader: Iterable | None = None,
    seed: int = 0,
) -> nn.Module:
    """Return `model`, changed in place: fixed weights, rounded heads, eval mode.

    "most_probable" takes the likeliest value of every weight. "best_of" scores it and `draws` random draws by
    accuracy on `loader`, batches (x, y), and keeps the best, the likeliest on a tie; each candidate is scored with
    statistics re-estimated on that loader, and the kept one keeps them. Pass training or validation data, never
    the test set. Layers that are discrete already stay as they are, so a part of a model can be frozen first.

    The order of this call and `reestimate_batchnorm` around the heads does not matter: a head's rounding depends
    on its own parameters only.
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r} is not known; known: {', '.join(METHODS)}")
    if method == "best_of" and loader is None:
        raise ValueError('method="best_of" needs a loader of (x, y) batches to score the draws on')
    todo = [m for m in model.modules() if isinstance(m, RANDOM) and not m.is_discrete]
    for head in model.modules():
        if isinstance(head, HEADS) and not head.is_discrete:
            head.discretize_()
    for layer in todo:
        layer.discretize_()
    model.eval()
    if method == "best_of":
        _keep_best(model, todo, draws, loader, torch.Generator().manual_seed(seed))
    return model


def _keep_best(model: nn.Module, layers: list[nn.Module], draws: int, loader: Iterable, gen: torch.Generator) -> None:
    best_score, best_state = -1.0, None
    for k in range(draws + 1):
        if k:
            for layer in layers:
                layer.discretize_(gen)
        reestimate_batchnorm(model, loader)
        score = accuracy(model, loader)
        if score > best_score:
            best_score = score
            best_state = {name: t.clone() for name, t in model.state_dict().items()}
    model.load_state_dict(best_state)


@torch.no_grad()
def accuracy(model: nn.Module, loader: Iterable) -> float:
    """Return the share of (x, y) samples whose largest score is at y; the lowest index wins a tie."""
    device = _device(model)
    training = model.training
    model.eval()
    right = total = 0
    for x, y in loader:
        right += int((model(x.to(device)).argmax(1) == y.to(device)).sum())
        total += len(y)
    model.train(training)
    return right / max(total, 1)


class _Reached(Exception):
    pass


@torch.no_grad()
def reestimate_batchnorm(model: nn.Module, loader: Iterable) -> nn.Module:
    """Return `model` with exact population statistics in every batchnorm, changed in place.

    One pass over `loader` per batchnorm, in forward order and with all earlier ones fixed already, sums in float64.
    Statistics from training describe random weights; one fixed network has other ones. `loader` gives x or
    (x, y) batches of training data without augmentation, the same ones on every pass.
    ValueError unless the model is discrete, or if a batchnorm is used twice in a forward pass.
    """
    if not is_discrete(model):
        raise ValueError("batchnorm statistics belong to a discrete network; call discretize(model) first")
    training = model.training
    model.eval()
    for norm in _forward_order(model, loader):
        _reestimate_one(model, norm, loader)
    model.train(training)
    return model


def _inputs(model: nn.Module, loader: Iterable) -> Iterable[Tensor]:
    device = _device(model)
    for batch in loader:
        x = batch[0] if isinstance(batch, (tuple, list)) else batch
        yield x.to(device)


def _device(model: nn.Module) -> torch.device:
    tensor = next(model.parameters(), None)
    return tensor.device if tensor is not None else torch.device("cpu")


def _forward_order(model: nn.Module, loader: Iterable) -> list[nn.Module]:
    order: list[nn.Module] = []
    norms = [(n, m) for n, m in model.named_modules() if isinstance(m, NORMS)]

    def note(name: str):
        def hook(module: nn.Module, _args) -> None:
            if module in order:
                raise ValueError(f"{name}: this batchnorm is used twice in a forward pass; use one per place")
            order.append(module)

        return hook

    hooks = [m.register_forward_pre_hook(note(n)) for n, m in norms]
    try:
        for x in _inputs(model, loader):
            model(x[:1])
            break
    finally:
        for hook in hooks:
            hook.remove()
    return order


def _reestimate_one(model: nn.Module, norm: nn.Module, loader: Iterable) -> None:
    count = 0
    total = torch.zeros(norm.num_features, dtype=torch.float64, device=norm.running_mean.device)
    square = total.clone()

    def collect(_module: nn.Module, args) -> None:
        nonlocal count
        x = args[0].transpose(0, 1).flatten(1).to(torch.float64)  # [C, N·H·W]
        count += x.shape[1]
        total.add_(x.sum(1))
        square.add_(x.square().sum(1))
        raise _Reached

    hook = norm.register_forward_pre_hook(collect)
    try:
        for x in _inputs(model, loader):
            try:
                model(x)
            except _Reached:
                continue
    finally:
        hook.remove()
    if not count:
        raise ValueError("the loader gave no batch; it must give the same batches on every pass")
    mean = total / count
    norm.running_mean.copy_(mean)
    norm.running_var.copy_((square / count - mean.square()).clamp_min(0))
