"""The committed digits network on an iCE40 UP5K: whether it fits, and the images a second at the Fmax reached.

What is placed is simulated first, through its serial line: every class of the digits equals the interpreter's.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lrtc import interp
from lrtc.backends.verilog.board import board_files, board_top
from lrtc.bench_layers import Row
from lrtc.boards.fpga import fpga_named
from lrtc.check.fpga import part_named
from lrtc.check.serial import Sent, run_serial
from lrtc.driver import class_count, compile, open_model
from lrtc.errors import LrtcError
from lrtc.frontend.data import read_feeds
from lrtc.synthesis import planned_budget, synthesize_model

BOARD = "icebreaker"
FOLD = {"fold": {"conv1": (2, 3)}, "target_cycles": 12_000}  # `lrtc synth … --fold conv1=2x3 --cycles 12000`
LEAST_IMAGES = 1_000.0  # a second
IMAGES = 20  # that are simulated


def up5k_rows(examples: Path = Path("examples/mnist")) -> list[Row]:
    """Return what the network takes of the device, and its speed; LrtcError if it does not fit or answers wrongly."""
    model, board = open_model(examples / "mnist_ternary.pt"), fpga_named(BOARD)
    _check(model, examples / "digits.npz")
    made = synthesize_model(model, board.device, board, **FOLD)
    used = made.synthesis.used
    (cells, all_cells), (rams, all_rams) = used["ICESTORM_LC"], used["ICESTORM_RAM"]
    return [
        Row("hw/up5k-fits", cells, "logic cells", all_cells),
        Row("hw/up5k-fits/rams", rams, "block RAMs of 4 kbit", all_rams),
        Row("hw/up5k-fits/bitstream", sum(map(len, made.synthesis.images.values())), "bytes"),
        Row("hw/up5k-fmax", made.synthesis.fmax / 1e6, "MHz"),
        Row("hw/up5k-images-per-second", made.images_per_second, "images/s at Fmax", LEAST_IMAGES, at_least=True),
    ]


def _check(model, digits: Path) -> None:
    board, classes = fpga_named(BOARD), class_count(model.graph)
    budget = planned_budget(part_named(board.device), place=True)
    result = compile(model, "verilog", output="class", budget=budget, **FOLD)
    files = {**result.files, **board_files(result.graph, result.name, board, classes)}
    raw, _ = read_feeds(digits, model.graph.inputs, classes)
    feeds = model.quantized({name: x[:IMAGES] for name, x in raw.items()})
    want = next(iter(interp.answers(model.graph, feeds).values())).reshape(IMAGES, -1).argmax(axis=1)
    sent = Sent(np.ascontiguousarray(next(iter(feeds.values()))).tobytes(), IMAGES)
    (heard,) = run_serial(files, board_top(result.name), board.clocks_per_bit, [sent])
    if list(heard.data) != want.tolist():
        raise LrtcError(f"the serial line answers {heard.data}, the interpreter {want.tolist()}")
