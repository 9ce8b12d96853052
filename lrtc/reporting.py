"""Reports: what a page, a table or JSON says about a model, or about a folder that `lrtc compile` wrote."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lrtc.chain import Chain
from lrtc.check.cores import core_named
from lrtc.driver import Model, Result, class_count, compile, open_model, random_feeds
from lrtc.errors import LrtcError, ToolMissing
from lrtc.folders import read_compiled
from lrtc.interp import Feeds
from lrtc.report.costs import CostReport, at_cpi, cost_report
from lrtc.report.curves import read_run
from lrtc.report.page import Answers, Facts, accelerator, answers_of, certificate_summary
from lrtc.report.roofline import Roof, roofs_of
from lrtc.tuning import by_layer

CORE = "cortex-m4"
NO_CERTIFICATE = "no certificate was given; `lrtc compile MODEL --certificate` makes one"
NO_LABELS = "no labelled data; give --data with x and y"


@dataclass(frozen=True)
class Subject:
    """What a report is about. sha256: of the model file, "" for a folder, whose files are `result`."""

    model: Model
    sha256: str = ""
    result: Result | None = None
    certificate: Path | None = None

    @property
    def holds(self) -> str:
        """Return the target of a folder, or nothing."""
        return self.result.target if self.result else ""


def subject_of(path: Path, name: str | None = None) -> Subject:
    """Return what is at a path: a folder that `lrtc compile` wrote, or a model file."""
    if not os.path.isdir(path):
        model = open_model(path, name)
        return Subject(model, hashlib.sha256(path.read_bytes()).hexdigest())
    if name:
        raise LrtcError("--name goes with a model; a folder has its name")
    found = read_compiled(path)
    return Subject(found.result.model, "", found.result, found.certificate)


def as_c(subject: Subject, core: str, lanes: int | None = None) -> Result:
    """Return the network as C whose layers can be told apart on a core; LrtcError if a folder holds something else."""
    known = core_named(core)
    if subject.result is None:
        return compile(subject.model, "c", lanes=lanes or known.lanes, **by_layer(core))
    if subject.holds != "c":
        raise LrtcError(f"this folder holds {subject.holds}, not C", hint="`lrtc report MODEL` shows both")
    own = {name: subject.result.options[name] for name in ("kernels", "lanes") if name in subject.result.options}
    if lanes not in (None, own.get("lanes")):
        raise LrtcError("--lanes goes with a model; a folder is compiled already")
    return compile(subject.model, "c", **own, **by_layer(core))


def image_of(result: Result, raw: Feeds | None) -> dict[str, np.ndarray]:
    """Return the image that is measured, input → [1, *shape]: the last of data as torch takes it, or a random one."""
    feeds = random_feeds(result.graph, 3) if raw is None else result.model.quantized(raw)
    return {name: value[-1:] for name, value in feeds.items()}


def costs_of(result: Result, core: str, image: Mapping[str, np.ndarray], cpi: float | None = None) -> CostReport:
    """Return what an image of `image_of` costs on an emulated core."""
    costs = cost_report(result, core, image)
    return at_cpi(costs, cpi) if cpi else costs


def facts_of(
    subject: Subject, core: str = CORE, raw: Feeds | None = None, truth: np.ndarray | None = None, *,
    certificate: Path | None = None, lanes: int | None = None, cpi: float | None = None,
    clock_hz: float | None = None, ua_per_mhz: float | None = None, volts: float | None = None,
    training: Path | None = None, step: Callable[[str], None] = lambda text: None,
) -> Facts:  # fmt: skip
    """Return all that a page shows; what cannot be known is in `lacking` with its reason.

    raw, truth: samples as torch takes them and labels. lanes: of the kernels of C. clock_hz, ua_per_mhz, volts, cpi: of
    the part. training: the folder of its run. step: told what is being worked on.
    """
    lacking: dict[str, str] = {}
    summary, run = None, read_run(training) if training else None
    if certificate := certificate or subject.certificate:
        summary = certificate_summary(certificate, subject.sha256, subject.model.graph)
    else:
        lacking["certificate"] = NO_CERTIFICATE
    c = costs = None
    roofs: tuple[Roof, ...] = ()
    step(f"{core}: one image")
    try:
        c = as_c(subject, core, lanes)
        image = image_of(c, raw)
        costs = costs_of(c, core, image, cpi)
        step(f"{core}: the roof")
        roofs = tuple(roofs_of(c, costs, image))
    except LrtcError as error:
        if c is not None and not isinstance(error, ToolMissing):
            raise
        lacking["costs"] = f"{error.summary} ({error.hint})" if error.hint and not error.faults else str(error)
    step("the accelerator")
    if subject.result is None:
        chip, lacking["accelerator"] = accelerator(subject.model)
    elif subject.holds == "c":
        chip, lacking["accelerator"] = None, "this folder holds C; `lrtc report MODEL` shows both"
    else:
        chip = subject.result
    step("accuracy")
    answers = None
    if truth is None:
        lacking["answers"] = NO_LABELS
    else:
        answers = _answers(subject, raw, truth)
    lacking = {section: why for section, why in lacking.items() if why}
    return Facts(subject.model, c, costs, chip, answers, summary, clock_hz, ua_per_mhz, volts, lacking, roofs, run)


def _answers(subject: Subject, raw: Feeds, truth: np.ndarray) -> Answers | None:
    """Return what an engine answers on labelled data: the compiled C, or the interpreter without a C compiler."""
    chain = Chain(subject.model, result=subject.result)
    try:
        done = chain.run("c", raw)
    except ToolMissing:
        done = chain.run("interp", raw)
    return answers_of(done.classes, truth, class_count(subject.model.graph), done.engine)
