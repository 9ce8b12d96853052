"""From a model file of real activations to one of integers, with what that costs in accuracy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lrtc.errors import LrtcError
from lrtc.frontend.calibrate import Quantiser, accuracy, quantize
from lrtc.frontend.data import read_feeds
from lrtc.frontend.lower import entries, lower
from lrtc.frontend.modelfile import read, to_bytes
from lrtc.wholefile import write_whole

BITS = 4
INPUT_BITS = 8


@dataclass(frozen=True)
class Written:
    """What was made of a model: the network, how many samples chose its steps, and accuracies where there are labels.

    before, after: share of right classes with real and with quantised activations, of `measured` samples.
    """

    quantisers: tuple[Quantiser, ...]
    notes: tuple[str, ...]
    calibrated: int
    measured: int = 0
    before: float | None = None
    after: float | None = None


def quantize_file(
    model: Path,
    calibrate: Path,
    result: Path,
    bits: int | None,
    own: Mapping[str, int],
    data: Path | None,
    images: int,
    step: Callable[[str], None] = lambda text: None,
) -> Written:
    """Write the quantised network to `result`, and return what was made; see `calibrate.quantize`.

    Of an .onnx file the real inputs are quantised; see `stating.state_inputs`. bits: by default BITS, INPUT_BITS of
    inputs. calibrate: the .npz whose first `images` samples choose the steps. data: the .npz with labels to measure
    on, by default the calibration set's. LrtcError before anything is written.
    """
    if model.suffix.lower() == ".onnx":
        return _stated(model, calibrate, result, bits or INPUT_BITS, own, images)
    description = read(model)
    sources = entries(description)

    def feeds(path: Path) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        samples, labels = read_feeds(path, sources)
        return {name: samples[v.name] for name, v in zip(description.inputs, sources, strict=True)}, labels

    x, y = feeds(calibrate)
    tested = (x, y) if data is None else feeds(data)
    x = {name: samples[:images] for name, samples in x.items()}
    used = min(len(samples) for samples in x.values())
    step(f"calibrating on {used:,} samples")
    done = quantize(description, x, bits or BITS, own)
    made = replace(done.description, name=result.stem)
    lower(made)
    written = Written(done.quantisers, done.notes, used)
    if tested[1] is not None:
        step(f"measuring on {len(tested[1]):,} samples")
        before, after = (accuracy(d, *tested) for d in (done.before, made))
        written = replace(written, measured=len(tested[1]), before=before, after=after)
    write_whole(result, to_bytes(made))
    return written


def _stated(model: Path, calibrate: Path, result: Path, bits: int, own: Mapping[str, int], images: int) -> Written:
    from lrtc.frontend.qonnx.stating import state_inputs

    if own:
        raise LrtcError("--layer: of an .onnx file only inputs are quantised here, all with --bits")
    done = state_inputs(model, calibrate, bits, images)
    write_whole(result, done.data)
    quantisers = tuple(Quantiser(f"input {name}", scale) for name, scale in done.scales.items())
    return Written(quantisers, (), done.calibrated)
