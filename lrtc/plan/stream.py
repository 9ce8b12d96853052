"""The layers that a streaming target builds from a graph, with forks and joins, or every reason why it cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

from lrtc.errors import Fault, FaultList
from lrtc.ir import Elem, Graph, Node, TensorType
from lrtc.ir.ops import (
    Add,
    Affine,
    Channels,
    Clamp,
    Concat,
    Conv2d,
    Crop,
    Flatten,
    Identity,
    Linear,
    Maximum,
    MaxPool2d,
    Pad,
    Rearrange,
    SumPool2d,
    Threshold,
    TopK,
)
from lrtc.plan.forms import takes_sign
from lrtc.plan.rearrange import Move, beats, moves, order_of, walks

POSTS = (Threshold, Affine, Clamp, TopK)  # what takes elements as they come, some at a time
JOINS = (Add, Maximum, Concat)
WINDOWED = (Conv2d, MaxPool2d, SumPool2d, Pad)
SUPPORTED = (*WINDOWED, Linear, Crop, Channels, Flatten, Rearrange, Identity, *JOINS, *POSTS)
INPUT_BITS = 8  # of an element of the input, which is sent as a byte
MOST_LEVELS = 1023  # of a threshold: they lie side by side in one row of a memory


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
    """One layer: a node, and what follows it element by element (`posts`) and has no other reader.

    sources: the values it reads, of the types `inputs`; constants are not among them. serial: it takes elements as they
    enter the network, `width` a beat; other layers take whole pixels. leaves: what it gives leaves the network. final:
    and no other layer reads it, so its folds need not wait for each other. before: rearrangements that a
    rearrangement goes on from. width: elements in a beat of the network's inputs. weight: what a weight is. levels: of
    each threshold, by name. signs: the first post is a threshold that is no more than the sign of accumulators, which
    start from minus its level.
    """

    node: Node
    posts: tuple[Node, ...]
    sources: tuple[str, ...]
    inputs: tuple[TensorType, ...]
    window: Window
    serial: bool = False
    final: bool = False
    leaves: bool = False
    before: tuple[Node, ...] = ()
    width: int = 1
    weight: Elem | None = None
    levels: tuple[tuple[str, int], ...] = ()
    signs: bool = False

    @property
    def points(self) -> tuple[Node, ...]:
        """Return what works on elements."""
        return tuple(node for node in (self.node, *self.posts) if isinstance(node.op, POSTS))

    @property
    def name(self) -> str:
        return self.node.out

    @property
    def origin(self) -> str:
        return self.node.origin

    @property
    def nodes(self) -> tuple[Node, ...]:
        return (*self.before, self.node, *self.posts)

    @property
    def stages(self) -> tuple[Node, ...]:
        """Return the nodes that have hardware of their own."""
        return (*self.before, self.node, *self.posts[int(self.signs) :])

    @property
    def value(self) -> str:
        """Return the name of the value that it gives."""
        return self.nodes[-1].out

    @property
    def input(self) -> TensorType:
        """Return the type of the first value that it reads."""
        return self.inputs[0]

    def type_of(self, source: str) -> TensorType:
        """Return the type of a value that it reads."""
        return self.inputs[self.sources.index(source)]

    @property
    def output(self) -> TensorType:
        return self.nodes[-1].type

    @property
    def outputs(self) -> int:
        """Return the number of channels that the posts work on."""
        return (self.input if isinstance(self.node.op, TopK) else self.node.type).shape[-1]

    @property
    def groups(self) -> int:
        """Return the number of groups of a convolution; 1 for all else."""
        return self.node.op.groups if isinstance(self.node.op, Conv2d) else 1

    @property
    def fan(self) -> int:
        """Return how many elements of a window one output reads."""
        return self.window.fan // self.groups

    @property
    def ranks(self) -> bool:
        """Return whether it ends in indices, which come all at once when the last element was seen."""
        return isinstance(self.nodes[-1].op, TopK)

    def lanes(self, pe: int) -> tuple[int, int]:
        """Return how many channels come at once before the posts, and how often that makes a pixel; pe: of its fold."""
        if self.has_weights:
            return pe, self.outputs // pe
        return (self.width, self.outputs // self.width) if self.serial else (self.outputs, 1)

    def gathers(self, pe: int) -> bool:
        """Return whether what comes of a pixel is put side by side again, to leave at once."""
        return self.lanes(pe)[1] > 1 and not self.ranks and not (self.final and self.has_weights)

    def beat_size(self, pe: int) -> int:
        """Return how many elements leave in one beat."""
        whole = self.ranks or self.gathers(pe)
        return self.output.shape[-1] if whole else self.lanes(pe)[0]

    @property
    def beats_in(self) -> int:
        """Return the beats an image at each input."""
        return self.input.size // self.width if self.serial else prod(self.input.shape[:-1])

    @cached_property
    def moves(self) -> tuple[Move, ...]:
        """Return the stages of rearrangements."""
        order = order_of(self.input.shape, [(n.op.axes, n.op.shape) for n in (*self.before, self.node)])
        return moves(order, self.input.shape[-1], self.node.type.shape[-1])

    @property
    def most_beats(self) -> int:
        """Return the most beats an image between the stages before the posts, but for windows."""
        return beats(self.moves, self.beats_in) if isinstance(self.node.op, Rearrange) else self.beats_in

    @property
    def has_weights(self) -> bool:
        return isinstance(self.node.op, (Conv2d, Linear))

    @property
    def masks_taps(self) -> bool:
        """Return whether its dot product needs the valid bits of taps: of numbers, padding is 0 by itself."""
        return self.slides and any(self.window.padding) and self.input.elem.kind == "b"

    @property
    def joins(self) -> bool:
        return isinstance(self.node.op, JOINS)

    @property
    def sums_frame(self) -> bool:
        """Return whether it adds up whole images, for which no window is kept."""
        whole = self.window.kernel == self.window.image and not any(self.window.padding)
        return isinstance(self.node.op, SumPool2d) and whole

    @property
    def slides(self) -> bool:
        """Return whether windows slide over an image; a linear's only window is its whole input."""
        return isinstance(self.node.op, WINDOWED) and not self.sums_frame


def stream_faults(graph: Graph) -> list[Fault]:
    """Return every reason why the graph cannot be built of streaming layers; empty if it can."""
    faults = [fault for node in graph.compute_nodes() for fault in _node_faults(graph, node)]
    for source in graph.inputs:
        if source.type.elem.kind != "u" or source.type.elem.bits > INPUT_BITS:
            faults.append(Fault(source.name, f"the input is {source.type}; u1 to u8, a byte each, are supported"))
        if not graph.users[source.name]:
            faults.append(Fault(source.name, "nothing reads the input; leave it out of the model"))
    for k, result in enumerate(graph.outputs):
        elem = graph.types[result].elem
        if elem.is_float or result not in graph.producers:
            faults.append(Fault(_where(graph, result), f"the network ends with {elem}; integer logits are supported"))
        if result in graph.outputs[:k]:
            first = graph.results[graph.outputs.index(result)]
            what = f"the outputs {first} and {graph.results[k]} are one value; let it leave the network once"
            faults.append(Fault(_where(graph, result), what))
    return faults


def _node_faults(graph: Graph, node: Node) -> list[Fault]:
    op, where = node.op, node.origin or f"%{node.out}"
    if not isinstance(op, SUPPORTED):
        known = ", ".join(sorted(known.name for known in SUPPORTED))
        return [Fault(where, f"{op.name} has no hardware; supported after the passes: {known}")]
    if isinstance(op, Threshold) and len(graph.const(node.ins[1])) > MOST_LEVELS + 1:
        count = len(graph.const(node.ins[1])) - 1
        return [Fault(where, f"a threshold of {count} levels; at most {MOST_LEVELS} are supported")]
    if any(graph.types[name].elem.is_float for name in (node.ins[0], node.out)):
        return [Fault(where, "a real value is left here; end the real part with a sign, a ternarize or a quantiser")]
    if not _sources(graph, node):
        return [Fault(where, "all that it reads is constant; compute it before")]
    if isinstance(op, (Conv2d, Linear)) and graph.types[node.ins[1]].elem.is_float:
        return [Fault(where, "the weights are real; b1, t2 and integers are supported")]
    return []


def _sources(graph: Graph, node: Node) -> tuple[str, ...]:
    """Return the values that come to a node as streams."""
    operands = node.ins if isinstance(node.op, JOINS) else node.ins[:1]
    return tuple(name for name in operands if graph.const(name) is None)


def _where(graph: Graph, name: str) -> str:
    producer = graph.producers.get(name)
    return (producer.origin if producer else "") or f"%{name}"


def stream_layers(graph: Graph, width: int = 1, reloadable: bool = False) -> tuple[StreamLayer, ...]:
    """Return the layers of a graph without stream faults, in topological order; the last one gives the result.

    width: elements in a beat of the inputs. LrtcError with the legal ones if they do not make whole pixels or images.
    reloadable: no layer's form depends on the values of constants.
    """
    layers: list[StreamLayer] = []
    fused: set[str] = set()
    moved: dict[str, tuple[Node, ...]] = {}  # rearrangement → those before it, which it takes along
    given = {source.name for source in graph.inputs}
    reads = Counter(name for node in graph.compute_nodes() for name in node.ins)
    for node in graph.compute_nodes():
        if node.out in fused:
            continue
        before = moved.pop(node.out, ())
        if (then := _goes_on(graph, (*before, node))) is not None:
            moved[then.out] = (*before, node)
            continue
        posts = _posts(graph, node)
        fused |= {post.out for post in posts}
        sources = _sources(graph, before[0] if before else node)
        alone = len(sources) == 1 and sources[0] in given and reads[sources[0]] == 1
        serial = isinstance(node.op, (Linear, *POSTS)) and alone
        value = (node, *posts)[-1].out
        leaves = value in graph.outputs
        types = tuple(graph.types[name] for name in sources)
        window, final = _window(graph, node, sources[0]), leaves and not reads[value]
        weight = graph.types[node.ins[1]].elem if isinstance(node.op, (Conv2d, Linear)) else None
        steps = [n for n in (node, *posts) if isinstance(n.op, Threshold)]
        levels = tuple((n.out, len(graph.const(n.ins[1])) - 1) for n in steps)
        signs = bool(posts) and takes_sign(graph, node, posts[0], reloadable)
        layers.append(
            StreamLayer(
                node, posts, sources, types, window, serial, final, leaves, before, width, weight, levels, signs
            )
        )
    faults = FaultList()
    for name, layer in stream_inputs(layers).items() if width != 1 else ():
        if width not in legal_widths(layer, name):
            legal = ", ".join(map(str, legal_widths(layer, name)))
            faults.add(name, f"{width} elements a beat do not divide {layer.type_of(name)}; legal: {legal}")
    faults.check("{n} in the width of the input")
    return tuple(layers)


def _goes_on(graph: Graph, chain: tuple[Node, ...]) -> Node | None:
    """Return the rearrangement that alone reads the last of some, if nested counters do them all at once."""
    readers = graph.users[chain[-1].out]
    if not isinstance(chain[-1].op, Rearrange) or len(readers) != 1 or chain[-1].out in graph.outputs:
        return None
    if not isinstance(readers[0].op, Rearrange):
        return None
    shape = graph.types[chain[0].ins[0]].shape
    return readers[0] if walks(order_of(shape, [(n.op.axes, n.op.shape) for n in (*chain, readers[0])])) else None


def legal_widths(layer: StreamLayer, name: str) -> tuple[int, ...]:
    """Return how many elements a beat of the input `name` may carry to its first reader, ascending."""
    size, channels = layer.type_of(name).size, layer.type_of(name).shape[-1]
    if layer.serial and isinstance(layer.node.op, Linear):
        return divisors(size)
    pixels = () if layer.serial else divisors(size // channels)
    return tuple(sorted({*divisors(channels), *(k * channels for k in pixels)}))


def divisors(n: int) -> tuple[int, ...]:
    """Return the divisors of n, ascending."""
    low = [d for d in range(1, int(n**0.5) + 1) if n % d == 0]
    return tuple(sorted({*low, *(n // d for d in low)}))


def _posts(graph: Graph, node: Node) -> tuple[Node, ...]:
    """Return the chain of posts behind a node that nothing else reads, each of another kind; `topk` ends it."""
    chain = [node]
    while len(readers := graph.users[chain[-1].out]) == 1 and chain[-1].out not in graph.outputs:
        kinds = {type(before.op) for before in chain}
        if TopK in kinds or not isinstance(readers[0].op, POSTS) or type(readers[0].op) in kinds:
            break
        chain.append(readers[0])
    return tuple(chain[1:])


def absorbed_posts(layer: StreamLayer) -> tuple[Node, ...]:
    """Return the posts that a hard-wired layer does itself: a threshold behind the dot product that gives ±1."""
    first = layer.posts[:1]
    return first if first and isinstance(first[0].op, Threshold) and first[0].op.out.kind == "b" else ()


def readers(layers: Iterable[StreamLayer]) -> Counter[str]:
    """Return value → how many streams of it are read, an output among them; more than one make the stream fork."""
    return Counter(name for layer in layers for name in (*layer.sources, *([layer.value] if layer.leaves else ())))


def stream_inputs(layers: Sequence[StreamLayer]) -> dict[str, StreamLayer]:
    """Return input of the network → the first layer that reads it."""
    made, found = {layer.value for layer in layers}, {}
    for layer in layers:
        for name in layer.sources:
            if name not in made:
                found.setdefault(name, layer)
    return found


def stream_outputs(layers: Sequence[StreamLayer]) -> tuple[StreamLayer, ...]:
    """Return the layers whose values leave the network."""
    return tuple(layer for layer in layers if layer.leaves)


def _window(graph: Graph, node: Node, x: str) -> Window:
    op = node.op
    shape, out = graph.types[x].shape, node.type.shape
    if isinstance(op, Linear):
        return Window((1, 1), (1, 1), (0, 0, 0, 0), (1, 1), (1, 1), prod(shape))
    if isinstance(op, (Pad, Crop)):
        padding = op.padding if isinstance(op, Pad) else (0, 0, 0, 0)
        return Window((1, 1), (1, 1), padding, shape[:2], out[:2], shape[2])
    if not isinstance(op, WINDOWED):
        size, pixels = (1, prod(shape[:-1])), (1, prod(out[:-1]))
        return Window((1, 1), (1, 1), (0, 0, 0, 0), size, pixels, shape[-1])
    kernel = graph.types[node.ins[1]].shape[1:3] if isinstance(op, Conv2d) else op.kernel
    dilation = op.dilation if isinstance(op, Conv2d) else (1, 1)
    return Window(tuple(kernel), op.stride, op.padding, shape[:2], out[:2], shape[2], dilation)
