"""Cases of the modules that move beats and do not compute: skid buffer, FIFO, width converters, frame marker."""

from __future__ import annotations

from random import Random

from hw.case import Case, pack


def through(width: int, beats: int):
    """Return a frame of random beats that come out as they went in."""

    def frame(rng: Random):
        values = [(rng.getrandbits(width),) for _ in range(beats)]
        return values, values

    return frame


def upsize(width: int, ratio: int, groups: int):
    """Return a frame of `groups` output beats."""

    def frame(rng: Random):
        values = [[rng.getrandbits(width) for _ in range(ratio)] for _ in range(groups)]
        return [(v,) for group in values for v in group], [(pack(group, width),) for group in values]

    return frame


def downsize(width: int, ratio: int, groups: int):
    """Return a frame of `groups` input beats."""

    def frame(rng: Random):
        wide, narrow = upsize(width, ratio, groups)(rng)[::-1]
        return wide, narrow

    return frame


def frame_last(width: int, beats: int):
    """Return one frame, its last beat marked."""

    def frame(rng: Random):
        values = [rng.getrandbits(width) for _ in range(beats)]
        return [(v,) for v in values], [(v, int(i == beats - 1)) for i, v in enumerate(values)]

    return frame


CASES = [
    *(
        Case(f"skid{w}", "lrtc_skid_buffer", {"Width": w}, {"data": w}, {"data": w}, through(w, 40), 40, (0, 0, 1))
        for w in (1, 8, 70)
    ),
    *(
        Case(
            f"fifo{w}x{d}", "lrtc_fifo", {"Width": w, "Depth": d}, {"data": w}, {"data": w},
            through(w, 40), 40, (0, 0, 2),
        )
        for w, d in ((1, 2), (9, 3), (33, 16))
    ),
    *(
        Case(
            f"up{w}x{r}", "lrtc_upsize", {"Width": w, "Ratio": r}, {"data": w}, {"data": w * r},
            upsize(w, r, 4), 4 * r, (r - 1, 0, 1),
        )
        for w, r in ((1, 1), (5, 1), (1, 2), (1, 64), (7, 3), (33, 4))
    ),
    *(
        Case(
            f"down{w}x{r}", "lrtc_downsize", {"Width": w, "Ratio": r}, {"data": w * r}, {"data": w},
            downsize(w, r, 4), 4 * r, (0, 0, 1),
        )
        for w, r in ((1, 1), (5, 1), (1, 2), (1, 64), (7, 3), (33, 4))
    ),
    *(
        Case(
            f"last{w}x{b}", "lrtc_frame_last", {"Width": w, "Beats": b}, {"data": w}, {"data": w, "last": 1},
            frame_last(w, b), b, (0, 0, 1),
        )
        for w, b in ((1, 1), (8, 2), (4, 5), (16, 8))
    ),
]  # fmt: skip
