"""The notebook: kept without outputs, and run from its first cell to its last as a reader would."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "examples" / "mnist"
NAME = "from_training_to_verilator.ipynb"


def test_it_is_kept_without_outputs():
    cells = nbformat.read(FOLDER / NAME, as_version=4).cells
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells if cell.cell_type == "code")


@pytest.mark.e2e
def test_it_goes_from_training_to_verilator(tmp_path: Path):
    here = tmp_path / "examples" / "mnist"
    here.mkdir(parents=True)
    for name in (NAME, "digits.npz", "calibration.npz"):
        shutil.copy(FOLDER / name, here)
    book = nbformat.read(here / NAME, as_version=4)
    NotebookClient(book, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(here)}}).execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    said = "".join(output.text for output in outputs if output.output_type == "stream")
    assert "all 10,000 logits are those of torch" in said
    for stalls in ("idle", "backpressure"):
        assert f"rtl {stalls} equal: True" in said
    pictures = [kind for output in outputs for kind in output.get("data", {}) if kind.startswith("image/")]
    assert sorted(pictures) == ["image/png"] * 3 + ["image/svg+xml"]
    assert (tmp_path / "build" / "notebook" / "frame.svg").is_file()
