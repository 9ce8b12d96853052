"""From a torch module to a description: a symbolic trace in which every layer that the table may know is a leaf."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import Parameter, Signature
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from lrtc.errors import Fault, LrtcError, count, shown
from lrtc.frontend.check import form_faults, value_faults
from lrtc.frontend.description import INPUT, Description, Layer, label
from lrtc.frontend.fields import plain
from lrtc.frontend.layers import BY_CLASS, REMEDY, known, no_rule

HINT = "the layers of lrtc.nn, MaxPool2d, Flatten, BatchNorm and Dropout of torch.nn can be compiled"


class _Tracer(fx.Tracer):
    """Traces with all layers of torch.nn and of the table (and what derives from them) as leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.where: list[str] = []

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return super().is_leaf_module(m, module_qualified_name) or isinstance(m, tuple(BY_CLASS))

    def call_module(self, m: nn.Module, forward: Callable, args: tuple, kwargs: dict) -> Any:
        self.where.append(self.path_of_module(m))
        result = super().call_module(m, forward, args, kwargs)
        self.where.pop()
        return result


def describe(module: nn.Module, name: str) -> Description:
    """Return the description of a module as it evaluates; `name` is the model's name.

    LrtcError names every layer and operation that has no place in a compiled network, and every fault of values.
    """
    if not isinstance(module, nn.Module):
        raise LrtcError(f"a {type(module).__name__} is not a torch.nn.Module")
    module = getattr(module, "_orig_mod", module)  # what torch.compile wraps
    if type(module) in BY_CLASS:
        module = nn.Sequential(module)
    with _evaluating(module):
        found = _Walk(module, _trace(module))
        found.walk()
    _refuse(found.faults)
    description = Description(name, tuple(found.layers), found.output, found.tensors)
    _refuse(form_faults(description))
    tensors = {key: t.detach().to("cpu", copy=True).contiguous() for key, t in found.tensors.items()}
    description = Description(name, description.layers, description.output, tensors)
    faults = value_faults(description)
    if faults:
        raise LrtcError(f"{count(len({f.where for f in faults}), 'layer')} cannot be described", faults)
    return description


def _refuse(faults: list[Fault]) -> None:
    if faults:
        places = len({fault.where for fault in faults})
        raise LrtcError(f"{count(places, 'layer')} cannot be compiled", faults, HINT)


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Put the module into eval mode, and every part back into its own mode afterwards."""
    modes = [(m, m.training) for m in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for m, mode in modes:
            m.training = mode


def _trace(module: nn.Module) -> fx.Graph:
    tracer = _Tracer()
    try:
        return tracer.trace(module)
    except Exception as error:  # the user's forward runs here: whatever it raises is about the user's model
        where = next((w for w in reversed(tracer.where) if w), type(module).__name__)
        text = shown(" ".join(str(error).split()), 200)
        fault = Fault(shown(where), f"{type(error).__name__}: {text}; forward must do the same for every input")
        raise LrtcError(
            "the model cannot be traced", [fault], "put layers one after another, without if or for on values"
        ) from error


# --- functions and methods that mean a layer: names of their arguments, and the module they stand for ---


def _signature(*names: str, **defaults: Any) -> Signature:
    required = [Parameter(n, Parameter.POSITIONAL_OR_KEYWORD) for n in names]
    optional = [Parameter(n, Parameter.POSITIONAL_OR_KEYWORD, default=v) for n, v in defaults.items()]
    return Signature(required + optional)


POOL = _signature("input", "kernel_size", stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False)
TORCH_POOL = _signature("input", "kernel_size", stride=None, padding=0, dilation=1, ceil_mode=False)
DROP = _signature("input", p=0.5, training=True, inplace=False)


def _dropout(p: float, training: bool, inplace: bool) -> nn.Module:
    if training:
        raise ValueError("training=True is not supported; pass training=self.training")
    return nn.Identity()


FUNCTIONS: dict[object, tuple[Signature, Callable[..., nn.Module]]] = {
    torch.flatten: (_signature("input", start_dim=0, end_dim=-1), nn.Flatten),
    "flatten": (_signature("input", start_dim=0, end_dim=-1), nn.Flatten),
    F.max_pool2d: (POOL, nn.MaxPool2d),
    torch.max_pool2d: (TORCH_POOL, nn.MaxPool2d),
    F.dropout: (DROP, _dropout),
    "contiguous": (_signature("input"), nn.Identity),
}
AS_IT_IS = "leave it out: lrtc.nn.InputQuantize(shape, scale) takes the data as it is"
OPERATION_REMEDY = {
    "sign": "use lrtc.nn.LRTSign",
    "sgn": "use lrtc.nn.LRTSign",
    "argmax": "leave it out: a compiled network gives the scores and the class",
    **dict.fromkeys(("float", "to", "type", "truediv", "div"), AS_IT_IS),
}
RESHAPES = ("view", "reshape", torch.reshape)


class _Walk:
    """Turns a traced graph into layers and tensors; what it cannot turn is a fault, and the value passes through."""

    def __init__(self, module: nn.Module, graph: fx.Graph) -> None:
        self.modules = dict(module.named_modules(remove_duplicate=False))
        self.graph = graph
        self.layers: list[Layer] = []
        self.tensors: dict[str, torch.Tensor] = {}
        self.faults: list[Fault] = []
        self.output = ""
        self.names: dict[fx.Node, str] = {}
        self.used_names = {INPUT}
        self.sizes: set[fx.Node] = set()  # shapes and sizes: they mean something only inside view and reshape

    def walk(self) -> None:
        needed = self._needed()
        for node in self.graph.nodes:
            if node in needed:
                getattr(self, f"_{node.op}")(node)

    def _needed(self) -> set[fx.Node]:
        """Return the nodes that the output depends on."""
        needed = {node for node in self.graph.nodes if node.op == "output"}
        for node in reversed(self.graph.nodes):
            if node in needed:
                needed.update(node.all_input_nodes)
        return needed

    def _fault(self, where: str, what: str) -> None:
        self.faults.append(Fault(where, what))

    def _placeholder(self, node: fx.Node) -> None:
        if INPUT in self.names.values():
            self._fault(f"forward({shown(node.name)})", "a second input; a network has one")
        self.names[node] = INPUT

    def _get_attr(self, node: fx.Node) -> None:
        self._fault(shown(node.target), "a parameter outside a layer is not supported; use the layers of lrtc.nn")

    def _output(self, node: fx.Node) -> None:
        result = node.args[0]
        if not isinstance(result, fx.Node):
            self._fault("forward", f"returns a {type(result).__name__}; a network returns one tensor")
        elif self.names.get(result, INPUT) == INPUT and not self.faults:
            self._fault("forward", "returns its input; there is no layer in it")
        else:
            self.output = self.names.get(result, INPUT)

    def _call_module(self, node: fx.Node) -> None:
        self._layer(node, self.modules[node.target], node.target)

    def _call_function(self, node: fx.Node) -> None:
        if self._is_size(node):
            self.sizes.add(node)
            return
        origin = self._origin(node)
        name = getattr(node.target, "__name__", str(node.target))
        if node.target in RESHAPES:
            self._layer(node, self._reshape(node, origin), origin)
        elif node.target in FUNCTIONS:
            self._layer(node, self._as_module(node, origin), origin)
        else:
            self._unknown(node, origin, name)

    _call_method = _call_function

    def _is_size(self, node: fx.Node) -> bool:
        """Return whether a node is x.shape, x.size(…), or an element of one."""
        if node.target is getattr:
            return node.args[1:] == ("shape",)
        if node.op == "call_method" and node.target == "size":
            return True
        return node.target is operator.getitem and node.args[0] in self.sizes

    def _is_batch(self, value: object) -> bool:
        """Return whether a value is the number of samples: x.shape[0] or x.size(0)."""
        if not isinstance(value, fx.Node) or value not in self.sizes:
            return False
        index = value.args[1] if len(value.args) > 1 else value.kwargs.get("dim")
        if value.target is operator.getitem:
            return index == 0
        return value.target == "size" and index == 0

    def _reshape(self, node: fx.Node, origin: str) -> nn.Module | None:
        sizes = node.args[1:] or (node.kwargs.get("shape"),)
        if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
            sizes = tuple(sizes[0])
        if len(sizes) == 2 and self._is_batch(sizes[0]) and sizes[1] == -1:
            return nn.Flatten()
        text = ", ".join("…" if isinstance(s, fx.Node) else str(s) for s in sizes)
        self._fault(shown(origin), f"reshape to ({text}) is not supported; use torch.flatten(x, 1)")
        return None

    def _as_module(self, node: fx.Node, origin: str) -> nn.Module | None:
        signature, make = FUNCTIONS[node.target]
        try:
            bound = signature.bind(*node.args, **node.kwargs)
            bound.apply_defaults()
            given = {k: v for k, v in bound.arguments.items() if k != "input"}
            if any(isinstance(v, fx.Node) for v in given.values()):
                raise ValueError("an argument that is computed is not supported; it must be a number")
            return make(**given)
        except (TypeError, ValueError) as error:
            self._fault(shown(origin), str(error))
            return None

    def _unknown(self, node: fx.Node, origin: str, name: str) -> None:
        remedy = next((text for kind, text in REMEDY.items() if kind.lower() == name.replace("_", "").lower()), "")
        remedy = OPERATION_REMEDY.get(name, remedy)
        many = getattr(node.target, "__module__", "") == "_operator"
        many = many or sum(n not in self.sizes for n in node.all_input_nodes) > 1
        remedy = remedy or ("a compiled network is a chain of layers" if many else f"known: {known()}")
        self._fault(f"{shown(origin)} ({shown(name)})", f"no rule for this operation; {remedy}")
        self._pass_through(node)

    def _pass_through(self, node: fx.Node) -> None:
        inputs = [n for n in node.all_input_nodes if n in self.names]
        self.names[node] = self.names[inputs[0]] if inputs else INPUT

    def _origin(self, node: fx.Node) -> str:
        """Return a path for an operation that is no module: that of the module it stands in, and its name."""
        stack = list(node.meta.get("nn_module_stack", {}))
        return f"{stack[-1]}.{node.name}" if stack and stack[-1] else node.name

    def _layer(self, node: fx.Node, module: nn.Module | None, origin: str) -> None:
        if module is None:
            self._pass_through(node)
            return
        where, faults = _read_faults(module, origin)
        if node.op == "call_module" and (len(node.args) != 1 or node.kwargs):
            faults.append("is called with more than one value; a layer takes one")
        if faults:
            self.faults += [Fault(where, what) for what in faults]
            self._pass_through(node)
            return
        rule = BY_CLASS[type(module)]
        attrs = rule.attrs(module)
        name = self._unique(origin)
        self.layers.append(Layer(name, rule.kind, (self._value(node.all_input_nodes[0]),), attrs, origin))
        self.names[node] = name
        for key, tensor in rule.tensors(module, rule.specs(attrs)).items():
            self.tensors[f"{origin}.{key}"] = tensor.detach()

    def _value(self, node: fx.Node) -> str:
        return self.names.get(node, INPUT)

    def _unique(self, origin: str) -> str:
        name, k = origin, 1
        while name in self.used_names:
            k += 1
            name = f"{origin}@{k}"
        self.used_names.add(name)
        return name


def _read_faults(module: nn.Module, origin: str) -> tuple[str, list[str]]:
    """Return the place that messages name, and why this module cannot be described, if so."""
    kind = type(module).__name__
    public = {k: v for k, v in vars(module).items() if plain(v)}
    where = label(origin, kind, public)
    rule = BY_CLASS.get(type(module))
    if rule is None:
        base = next((c.__name__ for c in type(module).__mro__[1:] if c in BY_CLASS), None)
        if base:
            return where, [f"derives from {base}, and may compute something else; use {base} itself"]
        return where, [no_rule(kind)]
    faults = list(rule.refusals(module))
    if module._forward_hooks or module._forward_pre_hooks:
        faults.append("has forward hooks, which a compiled network cannot run; remove them")
    if not faults:
        attrs = rule.attrs(module)
        for name, check in rule.fields.items():
            if what := check(attrs[name]):
                faults.append(f"{name}={shown(repr(attrs[name]), 40)} is not supported; {name} {what}")
    return where, faults


__all__ = ["describe"]
