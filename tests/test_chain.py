"""Which engines a run of the chain uses: the default, the cores that were asked for, unknown names."""

from __future__ import annotations

import pytest

from lrtc.chain import CORES, DEFAULT_ENGINES, chosen_engines
from lrtc.errors import LrtcError


def test_the_default_is_quick_and_cores_come_before_rtl():
    assert chosen_engines(None, None) == list(DEFAULT_ENGINES)
    assert chosen_engines(None, "cortex-m7, rv32imc") == ["torch", "interp", "c", "cortex-m7", "rv32imc", "rtl", "hls"]
    assert chosen_engines("c,cortex-m0", "cortex-m3") == ["c", "cortex-m3"]
    assert chosen_engines("c", "all") == ["c", *CORES]


def test_unknown_names_get_the_nearest():
    with pytest.raises(
        LrtcError, match=r"no core 'cortex-m6' \(did you mean 'cortex-m\w+'\?\); known: cortex-m0, .*all"
    ):
        chosen_engines(None, "cortex-m6")
    with pytest.raises(LrtcError, match=r"no engine 'rlt' \(did you mean 'rtl'\?\); known: torch"):
        chosen_engines("c,rlt", None)
