"""Options of the HLS target: the chip that its scripts are written for."""

from __future__ import annotations

from typing import Annotated

import typer

from lrtc.errors import LrtcError

Part = Annotated[str | None, typer.Option("--part", help="of AMD, for the scripts; default: xc7z020clg400-1 (HLS)")]
Control = Annotated[str | None, typer.Option("--control", help="none, or axilite: a port that starts images (HLS)")]


def chip_options(target: str, part: str | None, clock: str | None, control: str | None) -> dict[str, object]:
    """Return the options of the HLS backend from the command line's; LrtcError for another target."""
    from lrtc.report.costs import hertz

    given = {name: value for name, value in (("part", part), ("control", control)) if value is not None}
    if target == "hls":
        return given | ({"clock": hertz(clock)} if clock is not None else {})
    if given:
        raise LrtcError(f"{', '.join(f'--{name}' for name in given)}: only --target hls has this option")
    return {}
