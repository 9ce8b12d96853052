"""Seeded mutations: of bytes, of trees of plain values, and the texts and numbers that break things."""

from __future__ import annotations

import random

TEXTS = (
    "*/ int evil; /*", "../../../etc/passwd", "a\nb\x1b[31mred", "ü–名前–🙂", "a..b", ".", "", " ", "forward",
    "weight.bias", "__class__", "__dict__.x", "${HOME} `id` $(id)", "'\"\\", "{{ 7*7 }}",
    "{% include '/etc/passwd' %}", "{#", "\u202eabc", "x" * 200, "x" * 5000, "input.", "int", "module", "endmodule",
    "always_ff", "`define x", "\\", "??/", "//", "/*", "\0", "con", "%s%n", "-o", "--help", "<script>", "\ud800",
    "é" * 60, "İı", "main", "layer_0", "x", "a/b", "b1", "0",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 127, 128, 255, 256, 1000, 1024, 4096, 16384, 65535, 65536, 1 << 24,
    2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30,
)  # fmt: skip
REALS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 1e-30, 1e30, 3.4e38, 1e308, float("inf"), float("-inf"), float("nan"))
OTHERS = (None, True, False, (), [], {}, (1,), (1, 1), (1, 2, 3), [1, 2], {"a": 1}, b"", ("x",), ((1,),), [[]], 1j)


def spoilt(r: random.Random, data: bytes, other: bytes = b"") -> bytes:
    """Return the bytes with one to six changes: bits, bytes, numbers, pieces gone, doubled, moved, or of `other`."""
    out = bytearray(data)
    for _ in range(r.choice((1, 1, 1, 2, 3, 6))):
        if not out:
            break
        at, n = r.randrange(len(out)), r.choice((1, 2, 4, 8, 30, 300))
        way = r.randrange(9)
        if way == 0:
            out[at] ^= 1 << r.randrange(8)
        elif way == 1:
            out[at] = r.randrange(256)
        elif way == 2:
            del out[at : at + n]
        elif way == 3:
            out[at:at] = out[at : at + n]
        elif way == 4:
            out[at : at + n] = bytes(r.randrange(256) for _ in range(min(n, len(out) - at)))
        elif way == 5:
            value = r.choice(NUMBERS) & (2**64 - 1)
            out[at : at + 4] = value.to_bytes(8, r.choice(("little", "big")))[: r.choice((1, 2, 4, 8))]
        elif way == 6 and other:
            start = r.randrange(len(other))
            out[at : at + n] = other[start : start + n]
        elif way == 7:
            out[at:at] = r.choice(TEXTS).encode("utf-8", "surrogatepass")
        else:
            del out[at:]
    return bytes(out)


def leaf(r: random.Random, old: object = None) -> object:
    """Return a value to put somewhere; often of the kind that was there, so that more than its type is looked at."""
    if type(old) is int and r.random() < 0.75:
        return r.choice((old + 1, old - 1, -old, old * 2, r.choice(NUMBERS), r.randrange(70)))
    if type(old) is float and r.random() < 0.75:
        return r.choice((*REALS, -old, old * 1e30))
    if type(old) is str and r.random() < 0.75:
        return r.choice((r.choice(TEXTS), old + r.choice(TEXTS), old[:-1], old.upper()))
    if type(old) is tuple and r.random() < 0.75:
        return tuple(leaf(r, v) if r.random() < 0.6 else v for v in old) + r.choice(((), (), (1,)))
    return r.choice((r.choice(TEXTS), r.choice(NUMBERS), r.choice(REALS), r.choice(OTHERS)))


def paths(value: object, at: tuple = ()) -> list[tuple]:
    """Return the path of everything inside a tree of dicts and lists."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for key, v in inner for p in ((*at, key), *paths(v, (*at, key)))]


def changed(r: random.Random, tree: object, known: tuple = ()) -> object:
    """Return the tree, which is the caller's own, with one to three changes. known: values worth a try anywhere."""
    for _ in range(r.choice((1, 1, 1, 2, 3))):
        places = paths(tree)
        if not places:
            return leaf(r)
        *way, key = r.choice(places)
        holder = tree
        for step in way:
            holder = holder[step]
        kind = r.randrange(8)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[r.choice(TEXTS)] = holder.pop(key)
        elif kind == 1:
            holder.insert(key, holder[key])
        elif kind == 2:
            other = r.choice(places)
            found: object = tree
            for step in other:
                try:
                    found = found[step]
                except (KeyError, IndexError, TypeError):
                    break
            if not isinstance(found, (dict, list)):  # no cycles
                holder[key] = found
        elif kind == 3 and known:
            holder[key] = r.choice(known)
        elif not isinstance(holder[key], (dict, list)) or r.random() < 0.2:
            holder[key] = leaf(r, holder[key])
    return tree
