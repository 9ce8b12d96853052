"""lrtc: a bit-exact compiler from trained discrete neural networks to C and Verilog.

    import lrtc
    lrtc.save(model, "model.pt")                          # a torch module made of lrtc.nn and plain torch layers
    result = lrtc.compile("model.pt", target="c")         # result.files: {path: text}; write, verify, report
    logits = result.run(images)                           # the compiled C in this process, int32 [N, classes]
    module = lrtc.load("model.pt")                        # the same function as a torch module, in eval mode

Importing this package imports no torch: what needs torch is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrtc.errors import LrtcError

if TYPE_CHECKING:
    from lrtc.api import compile
    from lrtc.driver import Result
    from lrtc.frontend.modelfile import load, save
    from lrtc.ir import Graph

__version__ = "0.1.0"
__all__ = ["Graph", "LrtcError", "Result", "__version__", "compile", "load", "save"]

_LAZY = {
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
