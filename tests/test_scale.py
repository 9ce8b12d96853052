"""A network of VGG-small's size compiles, and within the memory that was promised."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

MEASURE = Path(__file__).parent.parent / "examples" / "scale" / "measure.py"


def test_vgg_small_compiles():
    done = subprocess.run([sys.executable, MEASURE, "vgg_small"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (megabytes,) = re.fullmatch(r"vgg_small: [\d.]+ s \(.*\), (\d+) MB\n", done.stdout).groups()
    assert int(megabytes) <= 2048
