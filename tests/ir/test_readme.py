"""The IR's specification lists every op, with the attributes it has."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from lrtc.ir import OPS

README = Path(__file__).parents[2] / "lrtc" / "ir" / "README.md"


def test_every_op_and_attribute_is_in_the_table():
    listed = {}
    for name, attributes in re.findall(r"^\| `([a-z0-9_]+)(?:\{([^}]*)\})?` \|", README.read_text(), re.M):
        listed[name] = tuple(a.strip() for a in attributes.split(",")) if attributes else ()
    ops = {name: listed[name] for name in OPS}
    want = {name: tuple(f.name for f in fields(op)) if name != "const" else () for name, op in OPS.items()}
    assert ops == want
