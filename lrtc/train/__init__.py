"""Training as a recipe: float twin → random weights → discrete network → model file. Needs `lrtc[train]`."""

from lrtc.errors import ToolMissing

try:
    import lightning  # noqa: F401
except ImportError as e:
    raise ToolMissing("lightning is not installed", hint="pip install 'lrtc[train]'") from e

from lrtc.train.data import Flip, Samples, Shift, read_idx_folder
from lrtc.train.diagnose import sign_reports, warnings, weight_reports
from lrtc.train.formats import read_cifar_folder, read_npz_folder, read_packed
from lrtc.train.recipe import Recipe
from lrtc.train.run import Trained, train

__all__ = [
    "Flip",
    "Recipe",
    "Samples",
    "Shift",
    "Trained",
    "read_cifar_folder",
    "read_idx_folder",
    "read_npz_folder",
    "read_packed",
    "sign_reports",
    "train",
    "warnings",
    "weight_reports",
]
