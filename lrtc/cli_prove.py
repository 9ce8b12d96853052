"""What `lrtc verify --prove`, `--certificate` and `lrtc compile --certificate` print."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lrtc.errors import LrtcError
from lrtc.terminal import out, working

if TYPE_CHECKING:
    from lrtc.driver import Model, Result
    from lrtc.proving import Proof


def proofs_of(opened: Model, options: Mapping[str, Mapping[str, object]]) -> list[Proof]:
    """Return the proofs for every target of `options` (target → the backend's options) that takes the network."""
    from lrtc.driver import compile
    from lrtc.proving import Proof, prove

    found = []
    with working("") as progress:
        task = progress.add_task("compiling")
        for target, own in options.items():
            try:
                result = compile(opened, target, **own)
            except LrtcError as error:
                found.append(Proof("function", target, None, f"not compiled: {str(error).splitlines()[0]}"))
                continue
            found += prove(opened, result, lambda text: progress.update(task, description=text))
    return found


def rechecked(certificate: Path, source: Path, opened: Model) -> list[Proof]:
    """Return the proofs of a certificate, made again."""
    from lrtc.proving import recheck

    with working("") as progress:
        task = progress.add_task("reading")
        return recheck(certificate, source, opened, lambda text: progress.update(task, description=text))


def certified(source: Path, opened: Model, result: Result) -> dict[str, str]:
    """Return {name of the certificate: its text} for a network compiled from `source`; LrtcError if a proof fails."""
    from lrtc.proving import CERTIFICATE, certificate, prove

    with working("") as progress:
        task = progress.add_task("proving")
        proofs = list(prove(opened, result, lambda text: progress.update(task, description=text)))
    if failed := [proof for proof in proofs if proof.holds is not True]:
        text = "; ".join(f"{proof.what}: {proof.text}" for proof in failed)
        raise LrtcError(f"no certificate: {text}", hint="leave --certificate out to compile without one")
    return {CERTIFICATE: certificate(source, opened, result, proofs)}


def print_proofs(proofs: list[Proof]) -> None:
    """Print a table of proofs."""
    from lrtc.report.tables import proof_table

    out.print(proof_table(proofs))
    failed = [f"{p.what} ({p.target})" for p in proofs if p.holds is False]
    open_ = [f"{p.what} ({p.target})" for p in proofs if p.holds is None]
    if failed or open_:
        for text, which, style in (("NOT TRUE", failed, "bold red"), ("not decided", open_, "bold yellow")):
            if which:
                out.print(f"{text}: {', '.join(which)}", style=style, highlight=False)
    else:
        out.print("all proven, for every input", style="bold green", highlight=False)
