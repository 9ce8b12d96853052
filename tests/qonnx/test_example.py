"""examples/qonnx: the file is what export.py writes, and it is the network that it was written from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from lrtc import interp
from lrtc.driver import open_model

EXAMPLES = Path(__file__).parents[2] / "examples"
FILE = EXAMPLES / "qonnx" / "digits_bipolar.onnx"


def test_the_file_is_what_the_script_writes(tmp_path: Path):
    script, net = EXAMPLES / "qonnx" / "export.py", EXAMPLES / "mnist" / "mnist_bipolar.pt"
    done = subprocess.run([sys.executable, script, net, tmp_path / "out.onnx"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.onnx").read_bytes() == FILE.read_bytes()


def test_it_gives_the_classes_of_the_network_it_came_from():
    with np.load(EXAMPLES / "mnist" / "digits.npz") as digits:
        x, y = digits["x"], digits["y"]
    classes = []
    for path in (FILE, EXAMPLES / "mnist" / "mnist_bipolar.pt"):
        model = open_model(path)
        classes.append(interp.run(model.graph, model.quantized(x)).argmax(axis=1))
    np.testing.assert_array_equal(classes[0], classes[1])
    assert f"{(classes[0] == y).mean():.1%}".replace("%", " %") in (FILE.parent / "README.md").read_text()
