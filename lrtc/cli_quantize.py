"""lrtc quantize: integers out of real activations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lrtc.cli_options import parse_bits
from lrtc.terminal import out, print_json, print_notes, working

ModelPath = Annotated[Path, typer.Argument(metavar="MODEL", help="a model.pt written by lrtc.save")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for machines")]


def quantize(
    model: ModelPath,
    calibrate: Annotated[Path, typer.Option("--calibrate", help="an .npz with x: its samples choose the steps")],
    result: Annotated[Path, typer.Option("-o", "--output-file", help="the model file to write")],
    bits: Annotated[
        int | None, typer.Option("--bits", help="of every activation, 2 to 8; default: 4, of an .onnx file's inputs 8")
    ] = None,
    own: Annotated[
        list[str] | None, typer.Option("--layer", metavar="LAYER=BITS", help="other bits behind one layer")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="an .npz with x and y to measure on; default: the calibration set")
    ] = None,
    images: Annotated[int, typer.Option("--images", help="samples that choose the steps, at most", min=1)] = 1000,
    as_json: AsJson = False,
) -> None:
    """Make integers of the real activations (ReLU) of MODEL, by a calibration set; say what that costs.

    Of an .onnx file, whose activations have their quantisers, real inputs without one get one.

    Example: lrtc quantize relu.pt --calibrate train.npz --bits 4 -o relu4.pt
    """
    from lrtc.frontend.quantize_file import quantize_file
    from lrtc.report.tables import quantiser_table, written_json, written_text

    chosen = dict(parse_bits(text) for text in own or ())
    with working("") as progress:
        task = progress.add_task("reading")
        done = quantize_file(
            model, calibrate, result, bits, chosen, data, images,
            lambda text: progress.update(task, description=text),
        )  # fmt: skip
    if as_json:
        print_json({"file": str(result), **written_json(done)})
        return
    out.print(quantiser_table(done))
    print_notes(done.notes)
    out.print(written_text(done, data or calibrate), markup=False, highlight=False, soft_wrap=True)
    out.print(f"wrote {result}", markup=False, highlight=False, soft_wrap=True)
