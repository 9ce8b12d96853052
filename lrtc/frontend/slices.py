"""Slices x[:, a:b], x[:, :, a:b, c:d], x[..., a:b] and torch.narrow as the layers that they mean."""

from __future__ import annotations

from torch import nn

from lrtc.nn import ChannelSlice, SpaceSlice

WHOLE = slice(None)
UNKNOWN = (
    "this index is not supported; channels are taken by x[:, start:stop:step], "
    "rows and columns by x[:, :, a:b, c:d] or x[..., c:d], one after the other"
)


def sliced(index: object) -> nn.Module:
    """Return the layer of x[index]; ValueError for what is neither channels nor rows and columns."""
    parts = index if isinstance(index, tuple) else (index,)
    at = parts.index(...) if ... in parts else len(parts)
    front, back = parts[:at], parts[at + 1 :]
    if not all(isinstance(part, slice) for part in (*front, *back)) or any(part != WHOLE for part in front[:1]):
        raise ValueError(UNKNOWN)
    if not all(v is None or type(v) is int for part in (*front, *back) for v in (part.start, part.stop, part.step)):
        raise ValueError("an index that is computed is not supported; it must be a number")
    channels, space = front[1:2], front[2:]
    if any(part != WHOLE for part in (*space, *back)) or (back and not front):
        if any(part != WHOLE for part in channels) or (space and back) or len(space) > 2 or len(back) > 2:
            raise ValueError(UNKNOWN)
        return _space(space or back, last=bool(back))
    if not front:
        raise ValueError(UNKNOWN)
    start, stop, step = (channels[0].start, channels[0].stop, channels[0].step) if channels else (0, None, 1)
    return ChannelSlice(start or 0, stop, step or 1)


def _space(parts: tuple[slice, ...], last: bool) -> nn.Module:
    start = tuple(part.start or 0 for part in parts)
    stop = tuple(SpaceSlice.END if part.stop is None else part.stop for part in parts)
    return SpaceSlice(start, stop, tuple(part.step or 1 for part in parts), last)


def narrowed(dim: int, start: int, length: int) -> nn.Module:
    """Return the layer of torch.narrow."""
    stop = start + length if start >= 0 or start + length < 0 else None
    if dim not in (1, 2, 3, -1, -2):
        raise ValueError(f"dim={dim} is not supported; channels are dim=1, rows and columns 2 and 3, or -2 and -1")
    part = slice(start, stop)
    if dim < 0:
        return _space((part, WHOLE)[:-dim], last=True)
    return sliced((*(WHOLE for _ in range(dim)), part))
