"""`python -m fuzz` in tests/: so many inputs of every kind, by number, watched; exit status 1 if any does harm.

Every input follows from its kind and its number: `--kind K --first N --inputs 1` makes it again. Work is done in a
child, so that one that crashes is counted too.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

LEAST = 60  # inputs of a kind


def main() -> None:
    """Run, print a table, write it as JSON if asked."""
    parse = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parse.add_argument("--inputs", type=int, default=200_000, help="in total")
    parse.add_argument("--first", type=int, default=0, help="the number of the first input of each kind")
    parse.add_argument("--kind", help="only this one")
    parse.add_argument("--json", type=Path)
    parse.add_argument("--trace", action="store_true", help="print tracebacks of faults")
    asked = parse.parse_args()
    from fuzz.inputs import KINDS, SHARES

    if asked.kind and asked.kind not in KINDS:
        parse.error(f"no kind {asked.kind}; known: {', '.join(KINDS)}")
    shares = {asked.kind: 1000} if asked.kind else SHARES
    started, rows, faults = time.monotonic(), {}, []
    for kind, share in shares.items():
        many = round(asked.inputs * share / sum(shares.values()))
        many = many if asked.kind else max(LEAST, many)
        count, found = campaign(kind, asked.first, many)
        rows[kind], faults = count, faults + found
        text = ", ".join(f"{count[k]:,} {k}" for k in ("accepted", "refused", "fault"))
        print(f"{kind:14} {many:>7,} inputs: {text}; slowest {count['slowest_ms']:,} ms", flush=True)
        for number, what, trace in found[:20]:
            print(f"  FAULT --kind {kind} --first {number}: {what}")
            print(trace if asked.trace else "", end="", flush=True)
    total = sum(row["accepted"] + row["refused"] + row["fault"] for row in rows.values())
    print(f"{total:,} inputs in {time.monotonic() - started:.0f} s, {len(faults)} faults")
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps({"inputs": total, "faults": len(faults), "kinds": rows}, indent=2) + "\n")
    sys.exit(1 if faults else 0)


def campaign(kind: str, first: int, many: int) -> tuple[Counter, list[tuple[int, str, str]]]:
    """Return how the inputs `first` … of a kind ended, and the faults (number, what, traceback)."""
    place = mmap.mmap(-1, 8)  # the number that a child is at, which outlives it
    total: Counter = Counter()
    faults = []
    at, end = first, first + many
    while at < end:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            code = 1
            try:
                done = work(kind, range(at, end), place)
                with os.fdopen(write, "w") as pipe:
                    json.dump(done, pipe)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(write)
        with os.fdopen(read) as pipe:
            text = pipe.read()
        _, status = os.waitpid(child, 0)
        if text:
            counted, found = json.loads(text)
            slowest = max(total["slowest_ms"], counted.pop("slowest_ms", 0))
            total.update(counted)
            total["slowest_ms"] = slowest
            faults += found
            at = end
        else:
            number = int.from_bytes(place[:8], "little")
            faults.append((number, f"the process ended with status {os.waitstatus_to_exitcode(status)}", ""))
            total["fault"] += 1
            total["lost"] += number - at  # done, but how they ended went with the child
            at = number + 1
    return total, faults


def work(kind: str, numbers: range, place: mmap.mmap) -> tuple[dict, list]:
    """Run inputs here; return counts and faults."""
    import torch
    from fuzz import guard
    from fuzz.inputs import CORPUS, KINDS, TOML

    torch.set_num_threads(1)
    sys.dont_write_bytecode = True
    top = Path(tempfile.mkdtemp(prefix="fuzz-"))
    folder = top / "a" / "b" / "c" / "d"
    folder.mkdir(parents=True)
    tempfile.tempdir = str(top)  # a command line that makes a folder for a tool makes it where it may
    try:
        for name, file in (("conv.pt", "net.pt"), ("conv.onnx", "net.onnx"), ("data.npz", "data.npz")):
            shutil.copy(CORPUS / name, folder / file)
        (folder / "mine.toml").write_bytes(TOML[0])
        watcher = guard.Guard()
        for number in range(40):  # whatever is imported at its first use
            with_faults(watcher, KINDS[kind], f"{kind} warm {number}", folder, top, kind == "arguments")
        watcher.limit_memory()
        counted, found, slowest = Counter(), [], 0.0
        for number in numbers:
            place[:8] = number.to_bytes(8, "little")
            started = time.process_time()
            how, what, trace = with_faults(watcher, KINDS[kind], f"{kind} {number}", folder, top, kind == "arguments")
            slowest = max(slowest, time.process_time() - started)
            counted[how] += 1
            if how == "fault":
                found.append((number, what, trace))
        counted["slowest_ms"] = round(slowest * 1000)
        return dict(counted), found
    finally:
        os.chdir("/")
        shutil.rmtree(top, ignore_errors=True)


def with_faults(watcher, make, seed: str, folder: Path, top: Path, doors: bool) -> tuple[str, str, str]:
    """Return how one input ended: (verdict, what, traceback)."""
    from fuzz.guard import verdict

    r = random.Random(seed)
    take = make(r, folder)
    try:
        with watcher.watch(top, doors):
            take()
        return (*verdict(None), "")
    except BaseException as error:
        how, what = verdict(error)
        return how, what, "".join(traceback.format_exception(error)) if how == "fault" else ""


if __name__ == "__main__":
    main()
