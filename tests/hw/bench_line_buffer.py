"""Cases of lrtc_line_buffer: images of 1×1 and up, strides beyond the kernel, kernels beyond the image."""

from __future__ import annotations

from random import Random

from hw.case import Case, pack


def sizes(height, width, kh, kw, sh, sw, top, bottom, left, right, dh=1, dw=1):
    """Return (output rows, columns, scanned rows, columns)."""
    kh, kw = (kh - 1) * dh + 1, (kw - 1) * dw + 1
    oh, ow = (height + top + bottom - kh) // sh + 1, (width + left + right - kw) // sw + 1
    return oh, ow, max(top + height, (oh - 1) * sh + kh), max(left + width, (ow - 1) * sw + kw)


def windows(bits, height, width, kh, kw, sh, sw, top, bottom, left, right, dh=1, dw=1):
    """Return a random image and its windows, taps outside the image 0 and not valid."""
    oh, ow, _, _ = sizes(height, width, kh, kw, sh, sw, top, bottom, left, right, dh, dw)

    def frame(rng: Random):
        image = [[rng.getrandbits(bits) for _ in range(width)] for _ in range(height)]
        answer = []
        for y0 in range(-top, -top + oh * sh, sh):
            for x0 in range(-left, -left + ow * sw, sw):
                taps = [(y0 + i * dh, x0 + j * dw) for i in range(kh) for j in range(kw)]
                valid = [0 <= y < height and 0 <= x < width for y, x in taps]
                data = [image[y][x] if ok else 0 for (y, x), ok in zip(taps, valid, strict=True)]
                answer.append((pack(data, bits), pack([int(ok) for ok in valid], 1)))
        return [(pixel,) for row in image for pixel in row], answer

    return frame


# PixelBits, Height, Width, KernelH, KernelW, StrideH, StrideW, four paddings[, DilationH, DilationW]
SHAPES = [
    (1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0),
    (5, 4, 6, 1, 1, 1, 1, 0, 0, 0, 0),
    (2, 5, 7, 1, 1, 2, 3, 0, 0, 0, 0),  # strides beyond the kernel, nothing but a pixel
    (3, 6, 7, 3, 3, 1, 1, 0, 0, 0, 0),
    (4, 5, 4, 3, 3, 1, 1, 1, 1, 1, 1),
    (1, 8, 8, 3, 3, 2, 2, 1, 1, 1, 1),  # the last padded row and column reach no window
    (64, 4, 6, 2, 2, 2, 2, 0, 0, 0, 0),
    (2, 7, 9, 2, 2, 2, 2, 0, 0, 0, 0),  # a row and a column left over
    (3, 8, 8, 3, 3, 3, 3, 0, 0, 0, 0),  # two left over
    (3, 9, 11, 2, 2, 3, 3, 0, 0, 0, 0),  # stride 3 beyond a kernel of 2
    (2, 11, 10, 2, 1, 5, 4, 0, 0, 0, 0),
    (3, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1),  # a kernel beyond the image
    (2, 2, 3, 5, 5, 1, 1, 2, 2, 2, 2),
    (2, 2, 2, 5, 4, 3, 2, 4, 3, 1, 3),
    (3, 1, 9, 1, 4, 1, 1, 0, 0, 2, 1),
    (3, 9, 1, 4, 1, 1, 1, 2, 1, 0, 0),  # one column: the row memories are registers
    (3, 7, 1, 3, 1, 2, 1, 0, 0, 0, 0),
    (3, 5, 2, 3, 2, 1, 1, 1, 0, 0, 0),
    (1, 3, 5, 3, 5, 1, 1, 0, 0, 0, 0),  # one window
    (2, 4, 4, 4, 4, 7, 7, 0, 0, 0, 0),
    (2, 3, 3, 1, 1, 1, 1, 1, 2, 0, 3),  # windows of padding only
    (3, 6, 5, 3, 3, 1, 2, 2, 0, 0, 1),
    (2, 5, 6, 2, 3, 4, 5, 1, 1, 1, 1),
    (3, 7, 8, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2),
    (2, 6, 9, 2, 3, 2, 1, 0, 1, 3, 0, 3, 2),
    (4, 5, 5, 1, 2, 1, 2, 0, 0, 0, 0, 4, 4),
    (1, 3, 2, 3, 2, 1, 1, 5, 4, 2, 3, 2, 2),
]
NAMES = (
    "PixelBits", "Height", "Width", "KernelH", "KernelW", "StrideH", "StrideW",
    "PadTop", "PadBottom", "PadLeft", "PadRight", "DilationH", "DilationW",
)  # fmt: skip


def case(shape) -> Case:
    """Return the case of a shape; without padding behind it, the first window follows its last pixel by one edge."""
    bits, _, width, kh, kw = shape[:5]
    _, _, scan_h, scan_w = sizes(*shape[1:])
    first = ((kh - 1) * width + kw - 1, 0, 1) if not any(shape[7:11]) and shape[11:] in ((), (1, 1)) else None
    return Case(
        "s" + "_".join(map(str, shape)),
        "lrtc_line_buffer",
        dict(zip(NAMES, shape, strict=False)),
        {"data": bits},
        {"data": kh * kw * bits, "border": kh * kw},
        windows(*shape),
        scan_h * scan_w,
        first,
    )


def classed(name, shape, rows, columns) -> Case:
    """Return the case of a shape with classes of windows that begin at these window rows and columns."""
    plain, bits = case(shape), [len(starts).bit_length() for starts in (rows, columns)]
    out_rows, out_columns, *_ = sizes(*shape[1:])

    def frame(rng: Random):
        pixels, answer = plain.frame(rng)
        places = [(y, x) for y in range(out_rows) for x in range(out_columns)]
        found = [sum(y >= k for k in rows) << bits[1] | sum(x >= k for k in columns) for y, x in places]
        taps = shape[3] * shape[4]
        return pixels, [(data, valid | own << taps) for (data, valid), own in zip(answer, found, strict=True)]

    parameters = dict(plain.params)
    for side, starts in (("Row", rows), ("Column", columns)):
        if starts:
            vector = f"{32 * len(starts)}'h{pack(starts, 32):x}"
            parameters |= {f"{side}Classes": len(starts) + 1, f"{side}From": vector}
    outs = {**plain.outs, "border": plain.outs["border"] + sum(bits)}
    return Case(**{**plain.__dict__, "name": name, "params": parameters, "outs": outs, "frame": frame})


CASES = [case(shape) for shape in SHAPES]
CASES += [
    classed("classes3x3", (3, 5, 6, 3, 3, 1, 1, 1, 1, 1, 1), (1, 4), (1, 5)),
    classed("classes5x3", (2, 6, 4, 5, 3, 2, 1, 2, 2, 0, 1), (1, 2), (3,)),
    classed("classes_rows", (2, 4, 3, 3, 1, 1, 2, 1, 0, 0, 0), (1,), ()),
]
