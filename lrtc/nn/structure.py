"""Layers without parameters that compute what a compiled network computes: sums, averages, channels, classes.

Torch's own operations mean the same and are described as these; a rebuilt network runs these, so that the arithmetic
does not depend on which kernel torch picks. All but TopClasses take distributions too.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrtc.nn.distribution import Gaussian, Moments
from lrtc.nn.layers import pair


class Add(nn.Module):
    """Return a + b: the end of a shortcut; of distributions, independent ones."""

    def forward(self, a: Tensor | Gaussian | Moments, b: Tensor | Gaussian | Moments) -> Tensor | Gaussian | Moments:
        return a + b


class Maximum(nn.Module):
    """Return max(a, b), element by element: maxout; of distributions as `lrtc.nn.operations.maximum` has it."""

    def forward(self, a: Tensor | Gaussian | Moments, b: Tensor | Gaussian | Moments) -> Tensor | Gaussian | Moments:
        return torch.maximum(a, b)


class Minimum(nn.Module):
    """Return min(a, b), element by element."""

    def forward(self, a: Tensor | Gaussian | Moments, b: Tensor | Gaussian | Moments) -> Tensor | Gaussian | Moments:
        return torch.minimum(a, b)


class Concat(nn.Module):
    """Return its values side by side along the channels, axis 1; a given one among distributions has no variance."""

    def forward(self, *values: Tensor | Gaussian | Moments) -> Tensor | Gaussian | Moments:
        return torch.cat(values, dim=1)


class ChannelSlice(nn.Module):
    """Return x[:, start:stop:step]; stop=None reaches to the last channel."""

    def __init__(self, start: int = 0, stop: int | None = None, step: int = 1):
        super().__init__()
        self.start, self.stop, self.step = start, stop, step

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.start : self.stop : self.step]

    def extra_repr(self) -> str:
        return f"{self.start}, {self.stop}, {self.step}"


class SpaceSlice(nn.Module):
    """Return x[:, :, start:stop:step, …]: rows and columns of an image, places of a signal; one or two axes.

    last: the axes are the last ones, x[..., start:stop:step], instead of those after the channels.
    """

    END = 1 << 14  # a stop beyond every image and signal that is supported

    def __init__(
        self, start: tuple[int, ...] = (0,), stop: tuple[int, ...] = (END,), step: tuple[int, ...] = (1,),
        last: bool = False,
    ):  # fmt: skip
        super().__init__()
        self.start, self.stop, self.step, self.last = tuple(start), tuple(stop), tuple(step), last

    def slices(self) -> tuple[slice, ...]:
        """Return the slice of each axis."""
        return tuple(map(slice, self.start, self.stop, self.step))

    def forward(self, x: Tensor) -> Tensor:
        return x[(..., *self.slices())] if self.last else x[(slice(None), slice(None), *self.slices())]

    def extra_repr(self) -> str:
        return f"{self.start}, {self.stop}, {self.step}, last={self.last}"


class Permute(nn.Module):
    """Return x.permute(dims): the axes in another order, the batch first. dims: of N×C×L or N×C×H×W, 0 the first."""

    def __init__(self, dims: tuple[int, ...]):
        super().__init__()
        self.dims = tuple(dims)

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.dims)

    def extra_repr(self) -> str:
        return str(self.dims)


class Transpose(nn.Module):
    """Return x.transpose(first, second), neither of them the batch."""

    def __init__(self, first: int, second: int):
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(self.first, self.second)

    def extra_repr(self) -> str:
        return f"{self.first}, {self.second}"


class Reshape(nn.Module):
    """Return x.reshape(N, *shape). shape: (features), (C, L) or (C, H, W); one of them may be −1."""

    def __init__(self, shape: tuple[int, ...]):
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self.shape)

    def extra_repr(self) -> str:
        return str(self.shape)


class ChannelChunk(nn.Module):
    """Return x.chunk(chunks, dim=1)[index]: one of the parts that the channels are split into."""

    def __init__(self, chunks: int, index: int):
        super().__init__()
        self.chunks, self.index = chunks, index

    def forward(self, x: Tensor) -> Tensor:
        return x.chunk(self.chunks, dim=1)[self.index]

    def extra_repr(self) -> str:
        return f"{self.chunks}, {self.index}"


def divided(total: Tensor, divisor: int) -> Tensor:
    """Return total / divisor, one rounding to float32 (D17)."""
    return total / torch.full((), divisor, dtype=total.dtype, device=total.device)  # a number might become a product


class SumPool2d(nn.Module):
    """Return the sums over windows, [N, C, H, W] → [N, C, Ho, Wo], padded taps 0: integers stay integers."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
    ):
        super().__init__()
        self.kernel_size, self.padding = pair(kernel_size), pair(padding)
        self.stride = self.kernel_size if stride is None else pair(stride)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, self.kernel_size, self.stride, self.padding, divisor_override=1)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class ExactAvgPool2d(SumPool2d):
    """Return the averages over windows, padded taps counted as 0: the sum, divided once (D17).

    Of a Gaussian a Gaussian, of Moments Moments: independent positions, so s'² = Σ s² / taps².
    """

    def forward(self, x: Tensor | Gaussian | Moments) -> Tensor | Gaussian | Moments:
        if isinstance(x, (Gaussian, Moments)):
            return F.avg_pool2d(x, self.kernel_size, self.stride, self.padding)
        return divided(super().forward(x), self.kernel_size[0] * self.kernel_size[1])


class ExactAvgPool1d(nn.Module):
    """Return the averages over windows of a signal [N, C, L], padded taps counted as 0 (D17); of distributions too."""

    def __init__(self, kernel_size: int, stride: int | None = None, padding: int = 0):
        super().__init__()
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def forward(self, x: Tensor | Gaussian | Moments) -> Tensor | Gaussian | Moments:
        if isinstance(x, (Gaussian, Moments)):
            return F.avg_pool1d(x, self.kernel_size, self.stride, self.padding)
        row = (x[:, :, None], (1, self.kernel_size), (1, self.stride), (0, self.padding))
        return divided(F.avg_pool2d(*row, divisor_override=1)[:, :, 0], self.kernel_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class ExactMean(nn.Module):
    """Return the average over the last `axes` axes, H and W (2) or L (1): the sum, divided once (D17).

    Of a Gaussian a Gaussian, of Moments Moments: independent positions, so s'² = Σ s² / n².
    """

    def __init__(self, axes: int = 2, keepdim: bool = False):
        super().__init__()
        self.axes, self.keepdim = axes, keepdim

    def forward(self, x: Tensor | Gaussian | Moments) -> Tensor | Gaussian | Moments:
        over = tuple(range(-self.axes, 0))
        if isinstance(x, (Gaussian, Moments)):
            return torch.mean(x, over, self.keepdim)
        return divided(x.sum(over, keepdim=self.keepdim), x.shape[2:].numel())

    def extra_repr(self) -> str:
        return f"axes={self.axes}, keepdim={self.keepdim}"


class TopClasses(nn.Module):
    """Return the indices [N, k] of the k greatest of the scores [N, C], the lowest index first among equals."""

    def __init__(self, k: int = 1):
        super().__init__()
        self.k = k

    def forward(self, x: Tensor) -> Tensor:
        return torch.sort(x, dim=1, descending=True, stable=True).indices[:, : self.k]

    def extra_repr(self) -> str:
        return f"k={self.k}"
