"""lrtc: a bit-exact compiler from trained discrete neural networks to C and Verilog.

    import lrtc
    lrtc.save(model, "model.pt")                          # a torch module made of lrtc.nn and plain torch layers
    result = lrtc.compile("model.pt", target="c")         # result.files: {path: text}; write, verify, report
    lrtc.report_of("model.pt", x=x, y=y).write("r.html")  # and show, size, tune, explore, simulate, synth, …
    logits = result.run(images)                           # the compiled C in this process, int32 [N, classes]
    module = lrtc.load("model.pt")                        # the same function as a torch module, in eval mode

Importing this package imports no torch: what needs torch is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrtc.errors import LrtcError

if TYPE_CHECKING:
    from lrtc.actions import (
        doctor,
        draw,
        explore,
        fits,
        flash,
        prove,
        quantize,
        report_of,
        show,
        simulate,
        size,
        synth,
        tune,
    )
    from lrtc.api import compile
    from lrtc.driver import Result
    from lrtc.frontend.modelfile import load, save
    from lrtc.ir import Graph

__version__ = "0.1.0"
__all__ = [
    "Graph",
    "LrtcError",
    "Result",
    "__version__",
    "compile",
    "doctor",
    "draw",
    "explore",
    "fits",
    "flash",
    "load",
    "prove",
    "quantize",
    "report_of",
    "save",
    "show",
    "simulate",
    "size",
    "synth",
    "tune",
]

_LAZY = {
    "doctor": "lrtc.actions",
    "draw": "lrtc.actions",
    "explore": "lrtc.actions",
    "fits": "lrtc.actions",
    "flash": "lrtc.actions",
    "prove": "lrtc.actions",
    "quantize": "lrtc.actions",
    "report_of": "lrtc.actions",
    "show": "lrtc.actions",
    "simulate": "lrtc.actions",
    "size": "lrtc.actions",
    "synth": "lrtc.actions",
    "tune": "lrtc.actions",
    "Graph": "lrtc.ir",
    "Result": "lrtc.driver",
    "compile": "lrtc.api",
    "load": "lrtc.frontend.modelfile",
    "save": "lrtc.frontend.modelfile",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'lrtc' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
