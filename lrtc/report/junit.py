"""Verdicts as JUnit XML, which CI servers show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from lrtc.chain import Verdict
from lrtc.report.tables import cost_text
from lrtc.wholefile import write_whole


def write_junit(path: Path, suite: str, verdicts: Sequence[Verdict]) -> None:
    """Write one test case for each verdict: passed, failed with what differs, or skipped with why."""
    counts = {"tests": len(verdicts), "failures": sum(v.equal is False for v in verdicts), "errors": 0}
    counts["skipped"] = sum(v.equal is None for v in verdicts)
    root = ElementTree.Element("testsuite", {"name": suite, **{key: str(n) for key, n in counts.items()}})
    for v in verdicts:
        case = ElementTree.SubElement(root, "testcase", {"classname": suite, "name": v.engine})
        if v.equal is False:
            ElementTree.SubElement(case, "failure", {"message": v.note or "an output differs"}).text = v.note
        elif v.equal is None:
            ElementTree.SubElement(case, "skipped", {"message": v.note})
        ElementTree.SubElement(case, "system-out").text = f"{v.images} images; {cost_text(v.figures)}"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
