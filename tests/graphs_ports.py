"""Seeded random graphs of several inputs and outputs: any value may be an output, an input and a value twice too."""

from __future__ import annotations

from graphs_dag import RandomDag

from lrtc.ir import U8, Graph, tensor, verify

NAMES = ("x", "X", "int", "aux_v2", "logits", "arena")  # keywords, twins but for case, names of the emitted code


class RandomPorts(RandomDag):
    """A DAG that begins with up to three inputs and ends in up to five outputs."""

    def __init__(self, seed: int, **options) -> None:
        super().__init__(seed, **options)
        shape = self.b.inputs[0].type.shape
        for _ in range(int(self.rng.integers(0, 3))):
            other = shape if self.rng.random() < 0.5 else (*self.rng.integers(1, 6, 2), int(self.rng.integers(1, 5)))
            self.values.append(self.b.input(self.pick(NAMES), tensor(tuple(map(int, other)), U8)))

    def grow(self) -> Graph:
        super().grow()
        outputs = [self.head(), *(self.pick(self.values) for _ in range(int(self.rng.integers(1, 5))))]
        self.rng.shuffle(outputs)
        named = tuple(f"{self.pick(NAMES)}{k}" for k in range(len(outputs))) if self.rng.random() < 0.5 else ()
        return verify(self.b.finish(outputs, named))


def random_ports(seed: int, **options) -> Graph:
    """Return a legal random graph of several outputs; the same seed and options give the same graph."""
    return RandomPorts(seed, **options).grow()
