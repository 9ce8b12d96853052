"""From a torch module to a description: a symbolic trace in which every layer that the table may know is a leaf."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import fx, nn

from lrtc.errors import Fault, LrtcError, count, shown
from lrtc.frontend.check import form_faults, value_faults
from lrtc.frontend.description import INPUT, Description, Layer, Returns, label
from lrtc.frontend.fields import plain
from lrtc.frontend.functions import (
    FUNCTIONS,
    MEETINGS,
    OPERATION_REMEDY,
    PARTS,
    bound,
    operands,
)
from lrtc.frontend.layers import BY_CLASS, REMEDY, known, no_rule
from lrtc.frontend.rebuild import Rebuilt
from lrtc.frontend.reshapes import RESHAPES, Shapes, first_value
from lrtc.frontend.slices import sliced

MEET = "values meet in a sum, in torch.maximum, torch.minimum or torch.cat only"
HINT = "the layers of lrtc.nn and torch's own pools, BatchNorm, ReLU, Flatten, sums can be compiled"


class _Tracer(fx.Tracer):
    """Traces with all layers of torch.nn and of the table (and what derives from them) as leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.where: list[str] = []

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return super().is_leaf_module(m, module_qualified_name) or isinstance(m, tuple(BY_CLASS))

    def create_args_for_root(
        self, root_fn: Callable, is_module: bool, concrete_args: Any = None
    ) -> tuple[Callable, list]:
        if not isinstance(self.root, Rebuilt):
            return super().create_args_for_root(root_fn, is_module, concrete_args)
        return root_fn, [
            self.root,
            *(self.create_proxy("placeholder", name, (), {}) for name in self.root.described_inputs),
        ]

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
    description = Description(name, tuple(found.layers), found.output, found.tensors, found.inputs)
    _refuse(form_faults(description))
    tensors = {key: t.detach().to("cpu", copy=True).contiguous() for key, t in found.tensors.items()}
    description = replace(description, tensors=tensors)
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


class _Walk:
    """Turns a traced graph into layers and tensors; what it cannot turn is a fault, and the value passes through."""

    def __init__(self, module: nn.Module, graph: fx.Graph) -> None:
        self.modules = dict(module.named_modules(remove_duplicate=False))
        self.graph = graph
        self.layers: list[Layer] = []
        self.tensors: dict[str, torch.Tensor] = {}
        self.faults: list[Fault] = []
        self.output: Returns = ""
        self.names: dict[fx.Node, str] = {}
        self.inputs = (INPUT,)
        self.used_names: set[str] = set()
        self.shapes = Shapes()
        self.parts: dict[fx.Node, tuple[fx.Node, Callable[[object], nn.Module]]] = {}  # chunk, split and topk

    def walk(self) -> None:
        needed = self._needed()
        taken = [node.target for node in self.graph.nodes if node in needed and node.op == "placeholder"]
        if len(taken) > 1:
            self.inputs = tuple(taken)
        self.used_names.update(self.inputs)
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
        if node.target.startswith("*"):
            self._fault(f"forward({shown(node.target)})", "is no input; name each tensor that forward takes")
        self.names[node] = node.target if len(self.inputs) > 1 else INPUT

    def _get_attr(self, node: fx.Node) -> None:
        self._fault(shown(node.target), "a parameter outside a layer is not supported; use the layers of lrtc.nn")

    def _output(self, node: fx.Node) -> None:
        result = node.args[0]
        if isinstance(result, fx.Node):
            self.output = self._returned(result, "its input")
        elif isinstance(result, dict):
            self.output = {name: self._returned(value, f"its input as {name!r}") for name, value in result.items()}
        elif type(result) is tuple or isinstance(result, list):
            several = [self._returned(value, f"its input as number {k}") for k, value in enumerate(result)]
            self.output = tuple(several) if type(result) is tuple else several
        else:
            what = f"returns a {type(result).__name__}; a network returns a tensor, or a tuple, list or dict of tensors"
            self._fault("forward", what)

    def _returned(self, value: object, what: str) -> str:
        """Return the name of a value that forward returns; `what` it would be if no layer stood before it."""
        name = self._value(value) if isinstance(value, fx.Node) else ""
        if not name:
            kind = type(value).__name__
            self._fault("forward", f"returns a {kind} among its outputs; each of them must be a tensor")
        elif value in self.parts or value in self.shapes.steps:
            self._fault("forward", "returns all parts of a chunk, split or topk together; take them by their index")
        elif name in self.inputs and not self.faults:
            self._fault("forward", f"returns {what}; there is no layer in it")
        return name

    def _call_module(self, node: fx.Node) -> None:
        self._layer(node, self.modules[node.target], node.target)

    def _call_function(self, node: fx.Node) -> None:
        if self.shapes.is_size(node):
            return
        origin = self._origin(node)
        if self.shapes.step(node):
            self._pass_through(node)
            return
        try:
            self._operation(node, origin)
        except (TypeError, ValueError, IndexError) as error:
            self._fault(shown(origin), str(error))
            self._pass_through(node)

    _call_method = _call_function

    def _operation(self, node: fx.Node, origin: str) -> None:
        """Turn a function or a method into a layer; ValueError says why it is none."""
        target, source = node.target, first_value(node)
        if target in RESHAPES:
            value, module = self.shapes.layer(node)
            self._layer(node, module, origin, [value])
        elif source in self.shapes.steps:
            raise ValueError("works on channels taken apart; put them together again as torch.nn.ChannelShuffle does")
        elif target in FUNCTIONS:
            self._layer(node, bound(node, FUNCTIONS), origin)
        elif target in PARTS:
            self.parts[node] = (node.all_input_nodes[0], bound(node, PARTS))
            self._pass_through(node)
        elif target in (operator.getitem, getattr) and source in self.parts:
            value, part = self.parts[source]
            self._layer(node, part(node.args[1]), origin, [value])
        elif target is operator.getitem and isinstance(source, fx.Node):
            self._layer(node, sliced(node.args[1]), origin, [source])
        elif target in MEETINGS:
            self._layer(node, MEETINGS[target](), origin, operands(node))
        else:
            self._unknown(node, origin, getattr(target, "__name__", str(target)))

    def _unknown(self, node: fx.Node, origin: str, name: str) -> None:
        remedy = next((text for kind, text in REMEDY.items() if kind.lower() == name.replace("_", "").lower()), "")
        remedy = OPERATION_REMEDY.get(name, remedy)
        many = getattr(node.target, "__module__", "") == "_operator"
        many = many or sum(n not in self.shapes.sizes for n in node.all_input_nodes) > 1
        remedy = remedy or (MEET if many else f"known: {known()}")
        self._fault(f"{shown(origin)} ({shown(name)})", f"no rule for this operation; {remedy}")
        self._pass_through(node)

    def _pass_through(self, node: fx.Node) -> None:
        inputs = [n for n in node.all_input_nodes if n in self.names]
        self.names[node] = self.names[inputs[0]] if inputs else self.inputs[0]

    def _origin(self, node: fx.Node) -> str:
        """Return a path for an operation that is no module: that of the module it stands in, and its name."""
        stack = list(node.meta.get("nn_module_stack", {}))
        return f"{stack[-1]}.{node.name}" if stack and stack[-1] else node.name

    def _layer(self, node: fx.Node, module: nn.Module, origin: str, values: Sequence[fx.Node] = ()) -> None:
        """Add the layer that a node is; `values` are what it takes, by default what the node takes."""
        values = values or (node.args if node.op == "call_module" else node.all_input_nodes[:1])
        where, faults = _read_faults(module, origin)
        least, most = BY_CLASS[type(module)].inputs if type(module) in BY_CLASS else (1, 1)
        wrong = node.op == "call_module" and (node.kwargs or not all(isinstance(v, fx.Node) for v in values))
        if wrong or not least <= len(values) <= most:
            words = "a layer takes one" if most == 1 else f"this one takes {least} to {most}"
            faults.append(f"is called with {'other than one value' if most == 1 else f'{len(values)} values'}; {words}")
        if any(v in self.parts for v in values):
            faults.append("takes all parts of a chunk, split or topk together; take one of them by its index")
        if faults:
            self.faults += [Fault(where, what) for what in faults]
            self._pass_through(node)
            return
        rule = BY_CLASS[type(module)]
        attrs = rule.attributes(module)
        name = self._unique(origin)
        self.layers.append(Layer(name, rule.kind, tuple(self._value(v) for v in values), attrs, origin))
        self.names[node] = name
        for key, tensor in rule.tensors(module, rule.specs(attrs)).items():
            self.tensors[f"{origin}.{key}"] = tensor.detach()

    def _value(self, node: fx.Node) -> str:
        return self.names.get(node, self.inputs[0])

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
        attrs = rule.attributes(module)
        for name, what in rule.faults(attrs):
            faults.append(f"{name}={shown(repr(attrs[name]), 40)} is not supported; {name} {what}")
    return where, faults


__all__ = ["describe"]
