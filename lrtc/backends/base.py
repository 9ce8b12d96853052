"""What a backend is: a name, the pipeline it wants, what it refuses, and a pure function to text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from lrtc.errors import Fault
from lrtc.ir import Graph


@dataclass(frozen=True)
class Output:
    """files: relative POSIX path → text, in the order a person should read them. plan: the backend's frozen plan."""

    files: Mapping[str, str]
    plan: object


@dataclass(frozen=True)
class Backend:
    """pipeline: a name of `lrtc.passes.PIPELINES`. refuse: every fault of a graph it cannot emit.

    emit(graph, name, options) returns an Output; it is pure: no files, environment, dates or absolute paths.
    """

    name: str
    pipeline: str
    refuse: Callable[[Graph], Iterable[Fault]]
    emit: Callable[[Graph, str, Mapping[str, object]], Output]
    other: Callable[[Mapping[str, object]], str | None] = lambda options: None

    def pipeline_for(self, options: Mapping[str, object]) -> str:
        """Return the pipeline that these options want: `other` may name another one."""
        return self.other(options) or self.pipeline
