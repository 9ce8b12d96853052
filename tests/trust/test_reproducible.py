"""Same version, model and options: same bytes, whatever the hash seed, the locale, the working folder, the zone."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
MODELS = ("conv.pt", "mixed.pt", "conv.onnx")
TARGETS = ("c", "verilog", "hls")
HASHES = """
import hashlib, json, sys
from lrtc.driver import compile
from lrtc.errors import LrtcError
found = {}
for model in sys.argv[1].split(","):
    for target in sys.argv[2].split(","):
        try:
            files = compile(model, target, name="net").files
        except LrtcError as error:
            files = {"refusal": str(error)}
        for path, text in files.items():
            data = text.encode() if isinstance(text, str) else text
            found[f"{model.rpartition('/')[2]} {target} {path}"] = hashlib.sha256(data).hexdigest()
print(json.dumps(found))
"""
SURROUNDINGS = (
    {"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC"},
    {"PYTHONHASHSEED": "4242", "LC_ALL": "C.UTF-8", "TZ": "Pacific/Kiritimati", "COLUMNS": "31"},
    {"PYTHONHASHSEED": "random", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "SOURCE_DATE_EPOCH": "1"},
)


def hashes(cwd: Path, changes: dict[str, str]) -> dict[str, str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **changes}
    models = ",".join(str(CORPUS / name) for name in MODELS)
    words = [sys.executable, "-c", HASHES, models, ",".join(TARGETS)]
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> dict[str, str]:
    return hashes(tmp_path_factory.mktemp("first"), SURROUNDINGS[0])


def test_there_is_something_to_compare(first):
    for model in MODELS:
        for target in TARGETS:
            assert sum(key.startswith(f"{model} {target} ") for key in first) >= 3, (model, target)
    assert len(set(first.values())) > 20


@pytest.mark.parametrize("changes", SURROUNDINGS[1:], ids=["other seed", "Turkish"])
def test_the_same_bytes_in_other_surroundings(first, changes, tmp_path):
    folder = tmp_path / "ein Ordner mit ü"
    folder.mkdir()
    assert hashes(folder, changes) == first


def test_a_model_in_another_folder_is_the_same(first, tmp_path):
    """The path of a file is in no output."""
    copy = tmp_path / "conv.pt"
    copy.write_bytes((CORPUS / "conv.pt").read_bytes())
    from lrtc.driver import compile

    for target in TARGETS:
        for path, text in compile(copy, target, name="net").files.items():
            data = text.encode() if isinstance(text, str) else text
            assert hashlib.sha256(data).hexdigest() == first[f"conv.pt {target} {path}"], path
            assert str(tmp_path).encode() not in data
