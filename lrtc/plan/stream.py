"""The chain of layers that a streaming target builds from a graph, or every reason why it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from lrtc.errors import Fault
from lrtc.ir import U8, Graph, Node, TensorType
from lrtc.ir.ops import Affine, Conv2d, Linear, MaxPool2d, Threshold

SUPPORTED = (Conv2d, Linear, Threshold, MaxPool2d, Affine)
LAYERS = (Conv2d, Linear, MaxPool2d)
CODE_BITS = 8  # the widest code that a threshold gives


@dataclass(frozen=True)
class Window:
    """What a layer reads at once: `count` windows a frame, of `taps` taps of `channels` elements.

    image, out: (rows, columns) of input and output; padding: (top, bottom, left, right).
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    image: tuple[int, int]
    out: tuple[int, int]
    channels: int

    @property
    def taps(self) -> int:
        return prod(self.kernel)

    @property
    def fan(self) -> int:
        return self.taps * self.channels

    @property
    def count(self) -> int:
        return prod(self.out)

    @property
    def scan(self) -> tuple[int, int]:
        """Return (rows, columns) of the padded image that a line buffer visits, one position a cycle."""
        (top, _, left, _), sizes = self.padding, zip(self.out, self.stride, self.kernel, strict=True)
        reach = [(out - 1) * stride + kernel for out, stride, kernel in sizes]
        return max(top + self.image[0], reach[0]), max(left + self.image[1], reach[1])


@dataclass(frozen=True)
class StreamLayer:
    """One layer: a conv2d, linear or maxpool node and the threshold or affine on its result, if there is one.

    serial: it takes elements one a beat, as they enter the network; other layers take whole pixels.
    """

    node: Node
    post: Node | None
    input: TensorType
    window: Window
    serial: bool = False

    @property
    def beats_in(self) -> int:
        """Return the beats an image at its input."""
        return self.input.size if self.serial else prod(self.input.shape[:-1])

    @property
    def name(self) -> str:
        return self.node.out

    @property
    def origin(self) -> str:
        return self.node.origin

    @property
    def nodes(self) -> tuple[Node, ...]:
        return (self.node, self.post) if self.post else (self.node,)

    @property
    def output(self) -> TensorType:
        return self.nodes[-1].type

    @property
    def outputs(self) -> int:
        """Return the number of output channels."""
        return self.output.shape[-1]

    @property
    def has_weights(self) -> bool:
        return not isinstance(self.node.op, MaxPool2d)

    @property
    def slides(self) -> bool:
        """Return whether windows slide over an image; a linear's only window is its whole input."""
        return not isinstance(self.node.op, Linear)


def stream_faults(graph: Graph) -> list[Fault]:
    """Return every reason why the graph is no chain of streaming layers; empty if it is one."""
    faults = [fault for node in graph.compute_nodes() for fault in _node_faults(graph, node)]
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return [
            Fault(graph.name, f"{len(graph.inputs)} inputs, {len(graph.outputs)} outputs; one of each is supported")
        ]
    source, result = graph.inputs[0], graph.outputs[0]
    if source.type.elem != U8:
        faults.append(Fault(source.name, f"the input is {source.type}; a stream of bytes (u8) is supported"))
    for name in (source.name, *(node.out for node in graph.compute_nodes())):
        readers = len(graph.users[name]) + (name == result)
        if readers != 1:
            faults.append(Fault(_where(graph, name), f"%{name} has {readers} readers; a stream has exactly one"))
    elem = graph.types[result].elem
    if elem.kind != "i" or result == source.name:
        faults.append(Fault(_where(graph, result), f"the network ends with {elem}; integer logits are supported"))
    return faults


def _node_faults(graph: Graph, node: Node) -> list[Fault]:
    op, where = node.op, node.origin or f"%{node.out}"
    if not isinstance(op, SUPPORTED):
        known = ", ".join(sorted(known.name for known in SUPPORTED))
        return [Fault(where, f"{op.name} has no hardware; supported after the passes: {known}")]
    producer = graph.producers.get(node.ins[0])
    if isinstance(op, Threshold) and op.out.bits > CODE_BITS:
        return [Fault(where, f"a threshold to {op.out}; codes of at most {CODE_BITS} bits are supported")]
    if isinstance(op, Conv2d) and (op.dilation != (1, 1) or op.groups != 1):
        return [Fault(where, f"dilation={op.dilation}, groups={op.groups}; both must be 1")]
    if isinstance(op, (Conv2d, Linear)):
        w = graph.types[node.ins[1]]
        if w.elem.kind not in "bti":
            return [Fault(where, f"the weights are {w.elem}; b1, t2 and signed integers are supported")]
        return []
    if isinstance(op, MaxPool2d):
        return []
    if producer is None or not isinstance(producer.op, (Conv2d, Linear)):
        met = producer.op.name if producer else "the input"
        return [Fault(where, f"{op.name} of {met}; it must follow a conv2d or linear")]
    if isinstance(op, Affine) and graph.users[node.out]:
        return [Fault(where, "affine inside the network; it is supported at its end")]
    return []


def _where(graph: Graph, name: str) -> str:
    producer = graph.producers.get(name)
    return (producer.origin if producer else "") or f"%{name}"


def stream_layers(graph: Graph) -> tuple[StreamLayer, ...]:
    """Return the layers from input to output of a graph without stream faults."""
    layers: list[StreamLayer] = []
    name = graph.inputs[0].name
    while name != graph.outputs[0]:
        (node,) = graph.users[name]
        following = graph.users[node.out]
        post = following[0] if following and not isinstance(following[0].op, LAYERS) else None
        serial = not layers and isinstance(node.op, Linear)
        layers.append(StreamLayer(node, post, graph.types[name], _window(graph, node), serial))
        name = layers[-1].nodes[-1].out
    return tuple(layers)


def _window(graph: Graph, node: Node) -> Window:
    op, shape = node.op, graph.types[node.ins[0]].shape
    if isinstance(op, Linear):
        return Window((1, 1), (1, 1), (0, 0, 0, 0), (1, 1), (1, 1), prod(shape))
    kernel = op.kernel if isinstance(op, MaxPool2d) else graph.types[node.ins[1]].shape[1:3]
    return Window(tuple(kernel), op.stride, op.padding, shape[:2], node.type.shape[:2], shape[2])
