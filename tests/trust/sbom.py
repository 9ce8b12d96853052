"""What lrtc depends on, as installed here: a CycloneDX bill of materials of the wheel, or a lock of all extras.

`python tests/trust/sbom.py` prints the former, `--lock` the latter. Nothing is asked of any network.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lrtc.boards.reading import tomllib

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK_HEAD = """\
# Every package of the test environment with its version, as the suite ran on Python {}.{}, {}:
# `make setup CONSTRAINTS=tests/lock.txt` installs these. Written by `python tests/trust/sbom.py --lock`.
# No hashes: pip checks them of all packages or of none, and refuses an editable install then, as `make setup` is; torch
# is another wheel on every platform and index. Hashes of one machine's wheels would stop the others.
"""


def closure(requirements: Iterable[str]) -> tuple[dict[str, Distribution], dict[str, set[str]], list[str]]:
    """Return (name → distribution of all that is needed, name → what it needs itself, what is not installed here)."""
    waiting = [("", Requirement(text)) for text in requirements]
    found: dict[str, Distribution] = {}
    needs: dict[str, set[str]] = {"": set()}
    done, absent = set(), []
    while waiting:
        by, wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        needs.setdefault(by, set()).add(name)
        if (name, frozenset(wanted.extras)) in done:
            continue
        done.add((name, frozenset(wanted.extras)))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            absent.append(name)
            continue
        needs.setdefault(name, set())
        for text in found[name].requires or ():
            inner = Requirement(text)
            if inner.marker is None or any(inner.marker.evaluate({"extra": e}) for e in ("", *wanted.extras)):
                waiting.append((name, inner))
    return found, needs, sorted(absent)


def applicable(texts: Iterable[str]) -> list[str]:
    """Return the requirements whose markers hold here."""
    return [text for text in texts if (marker := Requirement(text).marker) is None or marker.evaluate({"extra": ""})]


def bill() -> dict[str, object]:
    """Return the CycloneDX 1.5 document of the wheel: itself and all that its dependencies bring, as installed here."""
    found, needs, absent = closure(applicable(PROJECT["dependencies"]))
    if absent:
        raise SystemExit(f"not installed: {', '.join(absent)}")
    refs = {name: f"pkg:pypi/{name}@{own.version}" for name, own in found.items()} | {
        "": f"pkg:pypi/{PROJECT['name']}@{PROJECT['version']}"
    }
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application", "bom-ref": refs[""], "name": PROJECT["name"], "version": PROJECT["version"],
                "purl": refs[""], "licenses": [{"license": {"id": PROJECT["license"]}}],
            }
        },
        "components": [
            {"type": "library", "bom-ref": refs[name], "name": name, "version": found[name].version,
             "purl": refs[name], **_license(found[name])}
            for name in sorted(found)
        ],
        "dependencies": [
            {"ref": refs[name], "dependsOn": sorted(refs[inner] for inner in needs[name])} for name in sorted(needs)
        ],
    }  # fmt: skip


def _license(own: Distribution) -> dict[str, object]:
    if text := own.metadata.get("License-Expression"):
        return {"licenses": [{"expression": text}]}
    names = [c.rpartition(" :: ")[2] for c in own.metadata.get_all("Classifier") or () if c.startswith("License ::")]
    return {"licenses": [{"license": {"name": name}} for name in names]} if names else {}


def lock() -> str:
    """Return a line name==version for all that the dependencies and every extra bring; what is absent as a comment."""
    extras = [text for group in PROJECT["optional-dependencies"].values() for text in group]
    found, _, absent = closure(applicable([*PROJECT["dependencies"], *extras]))
    lines = [f"{name}=={own.version.partition('+')[0]}" for name, own in sorted(found.items())]
    head = LOCK_HEAD.format(*sys.version_info[:2], sys.platform)
    return head + "".join(f"{line}\n" for line in (*lines, *(f"# not installed: {name}" for name in absent)))


if __name__ == "__main__":
    sys.stdout.write(lock() if sys.argv[1:] == ["--lock"] else json.dumps(bill(), indent=2) + "\n")
