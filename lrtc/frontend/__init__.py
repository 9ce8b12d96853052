"""Torch modules and model files to the IR, and data files to its input."""

from lrtc.frontend.checkpoint import load_checkpoint
from lrtc.frontend.data import read_data
from lrtc.frontend.describe import describe
from lrtc.frontend.description import Description
from lrtc.frontend.lower import Lowered, lower
from lrtc.frontend.modelfile import load, read, save
from lrtc.frontend.rebuild import discretized, rebuild

__all__ = [
    "Description",
    "Lowered",
    "describe",
    "discretized",
    "load",
    "load_checkpoint",
    "lower",
    "read",
    "read_data",
    "rebuild",
    "save",
]
