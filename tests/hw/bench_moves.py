"""Cases of what moves or leaves out elements: crop, fill, select, transpose, permute, rearrange, constants, signs."""

from __future__ import annotations

from random import Random

from hw.case import Case, hex_rows, pack, unpack

WIRES = """
wire [{width}-1:0] @moved;
{module} {parameters} u_@moves ({ports} .in_data_i(@in_data_i), .out_data_o(@moved));
lrtc_upsize #(.Width({width}), .Ratio(1)) u_@out (
    .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(@in_valid_i), .in_ready_o(@in_ready_o), .in_data_i(@moved),
    .out_valid_o(@out_valid_o), .out_ready_i(@out_ready_i), .out_data_o(@out_data_o));"""
# The constants beside the input, beat by beat.
CONSTANTS = """
wire @v, @r;
wire [{width}-1:0] @constant;
lrtc_constants {parameters} u_@constants (
    .clk_i(clk_i), .rst_ni(rst_ni), .out_valid_o(@v), .out_ready_i(@r), .out_data_o(@constant));
lrtc_join #(.Streams(2), .Width({width} + 4)) u_@join (
    .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i({{@v, @in_valid_i}}), .in_ready_o({{@r, @in_ready_o}}),
    .in_data_i({{@constant, @in_data_i}}),
    .out_valid_o(@out_valid_o), .out_ready_i(@out_ready_i), .out_data_o(@out_data_o));"""
BEATS = 20


def crop(name, bits, height, width, top, bottom, left, right) -> Case:
    """Return the case of one crop."""

    def frame(rng: Random):
        pixels = [[rng.getrandbits(bits) for _ in range(width)] for _ in range(height)]
        kept = [pixel for row in pixels[top : height - bottom] for pixel in row[left : width - right]]
        return [(pixel,) for row in pixels for pixel in row], [(pixel,) for pixel in kept]

    sizes = {"PixelBits": bits, "Height": height, "Width": width}
    margins = {"Top": top, "Bottom": bottom, "Left": left, "Right": right}
    return Case(
        name, "lrtc_crop", sizes | margins, {"data": bits}, {"data": bits}, frame, height * width,
        (top * width + left, 0, 1),
    )  # fmt: skip


def wires(name, module, parameters, ins, width, answer, ports="") -> Case:
    """Return the case of a module without a clock before a register; `answer` is of one beat."""

    def frame(rng: Random):
        beats = [tuple(rng.getrandbits(bits) for bits in ins.values()) for _ in range(BEATS)]
        return beats, [(answer(*beat),) for beat in beats]

    plain = Case(name, module, parameters, ins, {"data": width}, frame, BEATS, (0, 0, 1))
    body = WIRES.format(width=width, module=module, parameters=plain.parameter_text(), ports=ports)
    return Case(**{**plain.__dict__, "body": body})


def fill(name, taps, width, content) -> Case:
    """Return the case of `content` in the padding."""

    def answer(data: int, valid: int) -> int:
        taken = [pixel if valid >> t & 1 else content for t, pixel in enumerate(unpack(data, width, taps))]
        return pack(taken, width)

    parameters = {"Taps": taps, "Width": width, "Value": f"{width}'h{content:x}"}
    ins = {"data": taps * width, "tap_valid": taps}
    ports = ".in_tap_valid_i(@in_tap_valid_i),"
    return wires(name, "lrtc_fill", parameters, ins, taps * width, answer, ports)


def select(name, count, width, index) -> Case:
    """Return the case of a selection from `count` elements."""
    bits = max(1, (count - 1).bit_length())
    parameters = {
        "InCount": count, "Count": len(index), "Width": width, "IndexBits": bits,
        "Index": f"{len(index) * bits}'h{pack(index, bits):x}",
    }  # fmt: skip

    def answer(data: int) -> int:
        return pack([unpack(data, width, count)[i] for i in index], width)

    return wires(name, "lrtc_select", parameters, {"data": count * width}, len(index) * width, answer)


def transpose(name, rows, columns, width) -> Case:
    """Return the case of one transposition."""

    def answer(data: int) -> int:
        elements = unpack(data, width, rows * columns)
        return pack([elements[r * columns + c] for c in range(columns) for r in range(rows)], width)

    parameters = {"Rows": rows, "Columns": columns, "Width": width}
    total = rows * columns * width
    return wires(name, "lrtc_transpose", parameters, {"data": total}, total, answer)


def constants(name, width, depth) -> Case:
    """Return the case of constants beside a stream of 4 bits."""
    rng = Random(name)
    rows = [rng.getrandbits(width) for _ in range(depth)]

    def frame(rng: Random):
        beats = [rng.getrandbits(4) for _ in range(depth)]
        return [(beat,) for beat in beats], [(beat | row << 4,) for beat, row in zip(beats, rows, strict=True)]

    parameters = {"Width": width, "Depth": depth, "File": f"{name}.hex"}
    files = {f"{name}.hex": hex_rows(rows, width)}
    plain = Case(name, "lrtc_constants", parameters, {"data": 4}, {"data": width + 4}, frame, depth, (0, 0, 1), files)
    body = CONSTANTS.format(width=width, parameters=plain.parameter_text())
    return Case(**{**plain.__dict__, "body": body})


def _vector(numbers) -> str:
    return f"{len(numbers) * 32}'h{pack(numbers, 32):x}"


def _walk(counts, strides) -> list[int]:
    """Return the places that nested counters reach, in order; counter 0 is the fastest."""
    places = [0]
    for count, stride in zip(counts, strides, strict=True):
        places = [place + step * stride for step in range(count) for place in places]
    return places


def rearrange(name, width, counts, strides, blocks=1) -> Case:
    """Return the case of blocks of words in another order."""
    walk = _walk(counts, strides)

    def frame(rng: Random):
        words = [[rng.getrandbits(width) for _ in walk] for _ in range(blocks)]
        return [(word,) for own in words for word in own], [(own[place],) for own in words for place in walk]

    parameters = {
        "Width": width, "Words": len(walk), "Axes": len(counts), "Counts": _vector(counts), "Strides": _vector(strides)
    }  # fmt: skip
    latency = (len(walk) - 1, 0, 2)
    return Case(
        name, "lrtc_rearrange", parameters, {"data": width}, {"data": width}, frame, blocks * len(walk), latency
    )


def permute(name, width, counts, strides) -> Case:
    """Return the case of elements of a beat in another order."""
    walk = _walk(counts, strides)

    def answer(data: int) -> int:
        elements = unpack(data, width, len(walk))
        return pack([elements[place] for place in walk], width)

    parameters = {
        "Count": len(walk), "Width": width, "Axes": len(counts), "Counts": _vector(counts), "Strides": _vector(strides)
    }  # fmt: skip
    total = len(walk) * width
    return wires(name, "lrtc_permute", parameters, {"data": total}, total, answer)


def sign(name, count, width) -> Case:
    """Return the case of signs."""

    def answer(data: int) -> int:
        return pack([number >> (width - 1) ^ 1 for number in unpack(data, width, count)], 1)

    return wires(name, "lrtc_sign", {"Count": count, "Width": width}, {"data": count * width}, count, answer)


CASES = [
    sign("sign1", 1, 1),
    sign("sign3", 3, 5),
    rearrange("rearrange2x2", 3, [2, 2], [2, 1]),
    rearrange("rearrange3x5", 7, [3, 5], [5, 1], 2),
    rearrange("rearrange_axes", 1, [3, 2, 2, 5], [2, 30, 1, 6]),
    rearrange("rearrange_rows", 4, [3, 4, 2], [1, 6, 3], 3),
    permute("permute2x3", 2, [2, 3], [3, 1]),
    permute("permute_axes", 1, [3, 2, 2, 5], [2, 30, 1, 6]),
    crop("crop_none", 3, 3, 4, 0, 0, 0, 0),
    crop("crop_all_sides", 5, 6, 7, 1, 2, 2, 1),
    crop("crop_to_one", 2, 3, 5, 2, 0, 0, 4),
    crop("crop_row", 1, 1, 6, 0, 0, 3, 1),
    fill("fill_one", 1, 6, 0x2A),
    fill("fill_taps", 4, 3, 5),
    select("select_same", 1, 4, [0]),
    select("select_shuffle", 6, 2, [4, 0, 5, 1, 3, 2]),
    select("select_some", 5, 3, [3, 3, 0]),
    select("select_more", 3, 1, [2, 0, 0, 1, 2, 2, 1]),
    transpose("transpose1", 1, 1, 5),
    transpose("transpose", 4, 3, 2),
    constants("constants1", 3, 1),
    constants("constants5", 7, 5),
]
