"""Proofs about a compiled network, over every input: its graph against the real-valued one, ranges, memory, streams."""

from lrtc.proof.equivalence import Equivalence, prove_equal
from lrtc.proof.memory import Memory, prove_memory
from lrtc.proof.ranges import Ranges, prove_ranges

__all__ = ["Equivalence", "Memory", "Ranges", "prove_equal", "prove_memory", "prove_ranges"]
