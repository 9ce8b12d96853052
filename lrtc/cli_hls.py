"""Options of the HLS target: the chip that its scripts are written for."""

from __future__ import annotations

from typing import Annotated

import typer

Part = Annotated[str | None, typer.Option("--part", help="of AMD, for the scripts; default: xc7z020clg400-1 (HLS)")]
Control = Annotated[str | None, typer.Option("--control", help="none, or axilite: a port that starts images (HLS)")]
