"""The window that a kernel slides over an image."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """How a kernel slides over an image [rows, cols, channels]; padding (top, bottom, left, right)."""

    rows: int
    cols: int
    channels: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    out: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)

    @property
    def extent(self) -> tuple[int, int]:
        """Return the rows and columns that the kernel spans."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @property
    def taps(self) -> int:
        """Return the pixels under the kernel."""
        return self.kernel[0] * self.kernel[1]

    @property
    def covers_pixels(self) -> bool:
        """Return whether every window is one run of memory: one pixel, or the whole image."""
        whole = self.kernel == self.extent == (self.rows, self.cols) and self.out == (1, 1)
        return not any(self.padding) and (self.kernel == (1, 1) or whole)


def framed(window: Window) -> tuple[int, int]:
    """Return (rows, bytes a row) of the image in the frame that lets pairs of windows be read without a test."""
    top, _, left, _ = window.padding
    pairs = (window.out[1] + 1) // 2
    rows = (window.out[0] - 1) * window.stride[0] + window.extent[0]
    cols = (2 * pairs - 1) * window.stride[1] + window.extent[1]
    if top == left == 0 and rows <= window.rows and cols <= window.cols:
        return window.rows, window.cols * window.channels
    return rows, cols * window.channels
