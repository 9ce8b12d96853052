"""The layers that a streaming target builds from a graph, with forks and joins, or every reason why it cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from lrtc.errors import Fault
from lrtc.ir import U8, Graph, Node, TensorType
from lrtc.ir.ops import Add, Affine, Concat, Conv2d, Linear, MaxPool2d, SumPool2d, Threshold

POSTS = (Threshold, Affine)
JOINS = (Add, Concat)
JOINED = 4  # streams that one join takes: the ports in0 to in3 of a layer
SUPPORTED = (Conv2d, Linear, MaxPool2d, SumPool2d, *JOINS, *POSTS)
CODE_BITS = 8  # the widest code that a threshold gives


@dataclass(frozen=True)
class Window:
    """What a layer reads at once: `count` windows a frame, of `taps` taps of `channels` elements.

    image, out: (rows, columns) of input and output; padding: (top, bottom, left, right). dilation: from tap to tap.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    image: tuple[int, int]
    out: tuple[int, int]
    channels: int
    dilation: tuple[int, int] = (1, 1)

    @property
    def span(self) -> tuple[int, int]:
        """Return (rows, columns) from the first tap to the last."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

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
        (top, _, left, _), sizes = self.padding, zip(self.out, self.stride, self.span, strict=True)
        reach = [(out - 1) * stride + span for out, stride, span in sizes]
        return max(top + self.image[0], reach[0]), max(left + self.image[1], reach[1])


@dataclass(frozen=True)
class StreamLayer:
    """One layer: a node, and the threshold or affine on its result if that has no other reader.

    sources: the values it reads, of the types `inputs`. serial: it takes elements one a beat, as they enter the
    network; other layers take whole pixels. final: what it gives leaves the network, so its folds need not wait for
    each other.
    """

    node: Node
    post: Node | None
    sources: tuple[str, ...]
    inputs: tuple[TensorType, ...]
    window: Window
    serial: bool = False
    final: bool = False

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
    def value(self) -> str:
        """Return the name of the value that it gives."""
        return self.nodes[-1].out

    @property
    def input(self) -> TensorType:
        """Return the type of the first value that it reads."""
        return self.inputs[0]

    @property
    def output(self) -> TensorType:
        return self.nodes[-1].type

    @property
    def outputs(self) -> int:
        """Return the number of output channels."""
        return self.output.shape[-1]

    @property
    def beats_in(self) -> int:
        """Return the beats an image at each input."""
        return self.input.size if self.serial else prod(self.input.shape[:-1])

    @property
    def has_weights(self) -> bool:
        return isinstance(self.node.op, (Conv2d, Linear))

    @property
    def joins(self) -> bool:
        return isinstance(self.node.op, JOINS)

    @property
    def sums_frame(self) -> bool:
        """Return whether it adds up whole images, for which no window is kept."""
        return isinstance(self.node.op, SumPool2d) and self.window.kernel == self.window.image

    @property
    def slides(self) -> bool:
        """Return whether windows slide over an image; a linear's only window is its whole input."""
        return isinstance(self.node.op, (Conv2d, MaxPool2d, SumPool2d)) and not self.sums_frame


def stream_faults(graph: Graph) -> list[Fault]:
    """Return every reason why the graph cannot be built of streaming layers; empty if it can."""
    faults = [fault for node in graph.compute_nodes() for fault in _node_faults(graph, node)]
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return [
            Fault(graph.name, f"{len(graph.inputs)} inputs, {len(graph.outputs)} outputs; one of each is supported")
        ]
    source, result = graph.inputs[0], graph.outputs[0]
    if source.type.elem != U8:
        faults.append(Fault(source.name, f"the input is {source.type}; a stream of bytes (u8) is supported"))
    elem = graph.types[result].elem
    if elem.kind not in "iut" or result == source.name:
        faults.append(Fault(_where(graph, result), f"the network ends with {elem}; integer logits are supported"))
    if not graph.users[source.name]:
        faults.append(Fault(source.name, "nothing reads the input"))
    return faults


def _node_faults(graph: Graph, node: Node) -> list[Fault]:
    op, where = node.op, node.origin or f"%{node.out}"
    if not isinstance(op, SUPPORTED):
        known = ", ".join(sorted(known.name for known in SUPPORTED))
        return [Fault(where, f"{op.name} has no hardware; supported after the passes: {known}")]
    if isinstance(op, Threshold) and op.out.bits > CODE_BITS:
        return [Fault(where, f"a threshold to {op.out}; codes of at most {CODE_BITS} bits are supported")]
    if isinstance(op, Conv2d) and op.groups != 1:
        return [Fault(where, f"groups={op.groups}; one group is supported")]
    if len(node.ins) > JOINED and isinstance(op, JOINS):
        return [Fault(where, f"{len(node.ins)} values side by side; at most {JOINED} are supported: join in two steps")]
    if isinstance(op, (Conv2d, Linear)) and graph.types[node.ins[1]].elem.kind not in "bti":
        elem = graph.types[node.ins[1]].elem
        return [Fault(where, f"the weights are {elem}; b1, t2 and signed integers are supported")]
    return []


def _where(graph: Graph, name: str) -> str:
    producer = graph.producers.get(name)
    return (producer.origin if producer else "") or f"%{name}"


def stream_layers(graph: Graph) -> tuple[StreamLayer, ...]:
    """Return the layers of a graph without stream faults, in topological order; the last one gives the result."""
    layers: list[StreamLayer] = []
    fused: set[str] = set()
    source = graph.inputs[0].name
    reads = Counter(name for node in graph.compute_nodes() for name in node.ins)
    for node in graph.compute_nodes():
        if node.out in fused:
            continue
        readers = graph.users[node.out]
        alone = len(readers) == 1 and node.out not in graph.outputs and not isinstance(node.op, POSTS)
        post = readers[0] if alone and isinstance(readers[0].op, POSTS) else None
        fused |= {post.out} if post else set()
        sources = node.ins if isinstance(node.op, JOINS) else node.ins[:1]
        serial = isinstance(node.op, (Linear, *POSTS)) and sources == (source,) and reads[source] == 1
        final = (post or node).out in graph.outputs
        types = tuple(graph.types[name] for name in sources)
        layers.append(StreamLayer(node, post, sources, types, _window(graph, node), serial, final))
    return tuple(layers)


def readers(layers: Iterable[StreamLayer]) -> Counter[str]:
    """Return value → how many streams of it are read; where it is more than one, the stream forks."""
    return Counter(name for layer in layers for name in layer.sources)


def _window(graph: Graph, node: Node) -> Window:
    op, shape = node.op, graph.types[node.ins[0]].shape
    if isinstance(op, Linear):
        return Window((1, 1), (1, 1), (0, 0, 0, 0), (1, 1), (1, 1), prod(shape))
    if isinstance(op, (*JOINS, *POSTS)):
        size = (1, prod(shape[:-1]))
        return Window((1, 1), (1, 1), (0, 0, 0, 0), size, size, shape[-1])
    kernel = graph.types[node.ins[1]].shape[1:3] if isinstance(op, Conv2d) else op.kernel
    dilation = op.dilation if isinstance(op, Conv2d) else (1, 1)
    return Window(tuple(kernel), op.stride, op.padding, shape[:2], node.type.shape[:2], shape[2], dilation)
