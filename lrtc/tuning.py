"""Measure every kernel that a layer may have on an emulated core, and choose by what was measured."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lrtc import interp
from lrtc.asked import octets
from lrtc.check.cores import core_named
from lrtc.check.emulate import build_network, run_emulated
from lrtc.check.firmware import Firmware
from lrtc.check.stack import calls_of
from lrtc.driver import Model, Result, compile, random_feeds
from lrtc.errors import DoesNotFit, LrtcError, Mismatch, nearest, shown
from lrtc.ir import Graph, feed_rows, in_rows, to_text
from lrtc.plan.select import OBJECTIVES, Budget, Layer, Option, select

FORMAT = 1


@dataclass(frozen=True)
class Tuning:
    """What was measured of a network on a core, for one image. unit: cycles (estimated, exact on AVR) or instructions.

    digest: of the network. rest: the cost of what has no choice; flash, ram: its bytes (ram: the most alive at once).
    lanes: pixels in a word of pixel-sliced kernels.
    """

    name: str
    digest: str
    core: str
    unit: str
    rest: int
    flash: int
    ram: int
    layers: tuple[Layer, ...]
    lanes: int = 32


@dataclass(frozen=True)
class Chosen:
    """A choice: layer → kernel, for `kernels=` of the C target, and its options in the order of the layers."""

    tuning: Tuning
    options: tuple[Option, ...]

    @property
    def kernels(self) -> dict[str, str]:
        """Return layer → kernel."""
        return {layer.key: o.kernel for layer, o in zip(self.tuning.layers, self.options, strict=True)}

    @property
    def cost(self) -> int:
        """Return the cost of an image."""
        return self.tuning.rest + sum(option.cost for option in self.options)

    def lines(self) -> list[str]:
        """Return why each layer has its kernel, a line each."""
        return [
            _because(layer, option, self.tuning.unit)
            for layer, option in zip(self.tuning.layers, self.options, strict=True)
        ]


def _because(layer: Layer, chosen: Option, unit: str) -> str:
    others = sorted((o for o in layer.options if o is not chosen), key=lambda o: o.cost)
    says = [f"{o.kernel} {o.cost / max(1, chosen.cost):.2f}×, {o.flash - chosen.flash:+,} B" for o in others[:3]]
    return (
        f"{layer.name}: {chosen.kernel}, {chosen.cost:,} {unit}, flash {chosen.flash:,} B, RAM {chosen.ram:,} B "
        f"({'; '.join(says) if says else 'no other kernel can'})"
    )


def digest_of(graph: Graph) -> str:
    """Return what tells two networks apart: types, ops and constants, not what they are called."""
    found = hashlib.sha256(to_text(graph).replace(f"@{graph.name}(", "@(", 1).encode())
    for node in graph.nodes:
        if (value := graph.const(node.out)) is not None:
            found.update(np.ascontiguousarray(value).tobytes())
    return found.hexdigest()[:16]


def tune(model: Model, core: str, feeds: Mapping[str, np.ndarray] | None = None, lanes: int | None = None) -> Tuning:
    """Return every legal kernel of every layer measured on `core`; ToolMissing without its compiler or emulator.

    feeds: an image, input → data in the IR's order; random by default. lanes: the core's own by default. Each build
    gives every layer its next kernel, so there are as many as one layer has kernels; each answer is compared with the
    interpreter's. Where a build does not fit the core's board, its kernels are measured one by one among the smallest,
    and what does not fit is left out.
    """
    form = {"lanes": lanes or core_named(core).lanes}
    first = compile(model, "c", verify=False, **form)
    image = feeds or random_feeds(first.graph, 3)
    image = {name: value[-1:] for name, value in image.items()}
    want = in_rows(interp.answers(first.graph, image).values())[0]
    legal, small = legal_kernels(first), smallest_kernels(first)
    found: dict[str, dict[str, Option]] = {key: {} for key in legal}
    unit, rest, flash = "instructions", 0, 0
    waiting = [
        {key: names[min(turn, len(names) - 1)] for key, names in legal.items()}
        for turn in range(max((len(kernels) for kernels in legal.values()), default=1))
    ]
    waiting = [kernels for i, kernels in enumerate(waiting) if kernels not in waiting[:i]]
    tried: list[dict[str, str]] = []
    while waiting:
        kernels = waiting.pop(0)
        tried.append(kernels)
        result = compile(model, "c", verify=False, kernels=kernels, **form, **by_layer(core))
        rows = feed_rows(result.graph, image)
        try:
            done = run_emulated(dict(result.files), result.name, rows, core, result.ports)
        except DoesNotFit:
            if kernels == small:
                raise
            alone = [small, *({**small, key: name} for key, name in kernels.items() if small[key] != name)]
            waiting += [k for k in alone if k not in waiting and k not in tried]
            continue
        if not np.array_equal(done.logits[0], want):
            raise Mismatch(f"{core}: with the kernels {kernels} the logits are not the interpreter's")
        unit, costs = ("cycles", done.cycles) if done.cycles else (done.unit, done.profile)
        options = _options(result, costs, done.firmware)
        for key, option in options.items():
            found[key].setdefault(option.kernel, option)
        rest = sum(costs.values()) - sum(option.cost for option in options.values())
        kept = {part for option in options.values() for part in option.shared}
        kept_bytes = sum(n for _, n in kept) + sum(option.flash for option in options.values())
        flash = max(flash, done.sizes.flash - kept_bytes)
    names = {step.nodes[0].out: ", ".join(step.origins) or step.y for step in first.plan.steps if step.kernel}
    layers = tuple(Layer(key, names[key], tuple(options.values())) for key, options in found.items())
    return Tuning(first.name, digest_of(first.graph), core, unit, rest, flash, _fixed_ram(first), layers, form["lanes"])


def _options(result: Result, costs: Mapping[str, int], firmware: Firmware) -> dict[str, Option]:
    """Return layer → what its kernel costs in this build."""
    places = [*firmware.functions, *firmware.objects]
    sizes = {name: size for _, size, name in firmware.functions}
    calls = calls_of(dict(result.files), result.name, core_named(firmware.core))
    found = {}
    for i, step in enumerate(result.plan.steps):
        if not step.kernel:
            continue
        prefix = f"{result.name}_{i + 1}_"
        mine = {name for _, _, name in places if name.startswith(prefix)}
        shared = sorted((name, sizes[name]) for name in _reached(calls, mine) if name in sizes and name not in mine)
        found[step.nodes[0].out] = Option(
            step.kernel.name,
            sum(n for name, n in costs.items() if name.startswith(prefix)),
            sum(size for _, size, name in places if name in mine),
            _alive(result, i),
            step.kernel.constant_time,
            tuple(shared),
        )
    return found


def _reached(calls: Mapping[str, set[str]], functions: set[str]) -> set[str]:
    found, waiting = set(), list(functions)
    while waiting:
        for callee in calls.get(waiting.pop(), ()):
            if callee not in found:
                found.add(callee)
                waiting.append(callee)
    return found


def by_layer(core: str) -> dict[str, object]:
    """Return the options of the C target with which an emulator of `core` tells what each layer costs."""
    known = core_named(core)
    return {} if known.unicorn or known.family == "host" else {"profile": {}}


def legal_kernels(result: Result) -> dict[str, tuple[str, ...]]:
    """Return layer → its kernels, the default first."""
    from lrtc.backends.c.menu import legal

    return {
        step.nodes[0].out: tuple(dict.fromkeys((step.kernel.name, *legal(step.matrix))))
        for step in result.plan.steps
        if step.kernel
    }


def smallest_kernels(result: Result) -> dict[str, str]:
    """Return layer → the kernel with which the network takes the least RAM, and of those the one with least tables."""
    layers = _estimated(result, by_bytes=True)
    chosen = select(layers, Budget("ram"))
    return {layer.key: option.kernel for layer, option in zip(layers, chosen, strict=True)}


def table_bytes(result: Result) -> int:
    """Return the bytes of the tables of all kernels."""
    return sum(step.kernel.constant_bytes(step.matrix) for step in result.plan.steps if step.kernel)


def ram_steps(result: Result) -> list[int]:
    """Return the bytes of RAM that choices of kernels can keep to, rising: no two allow the same kernels."""
    layers, least = _estimated(result, by_bytes=True), _fixed_ram(result)
    least = max([least, *(min(option.ram for option in layer.options) for layer in layers)])
    return sorted({least, *(o.ram for layer in layers for o in layer.options if o.ram > least)})


def kernels_within(result: Result, tables: int, ram: int) -> dict[str, str] | None:
    """Return layer → kernel with at most so many bytes of tables and of arena at any step, or None if there are none.

    Nothing is measured: of the kernels that a layer may have, the default counts as fastest, then the menu's order.
    """
    layers = _estimated(result, by_bytes=False)
    try:
        chosen = select(layers, Budget("speed", tables, ram), ram=_fixed_ram(result))
    except LrtcError:
        return None
    return {layer.key: option.kernel for layer, option in zip(layers, chosen, strict=True)}


def _fixed_ram(result: Result) -> int:
    return max((_alive(result, i) for i, step in enumerate(result.plan.steps) if not step.kernel), default=0)


def _estimated(result: Result, by_bytes: bool) -> list[Layer]:
    """Return the layers with what each kernel takes of memory; it costs its tables, or its place in the menu."""
    from lrtc.backends.c.menu import MENU

    layers = []
    for i, step in enumerate(result.plan.steps):
        if step.kernel:
            values = _alive(result, i) - (step.scratch + 3) // 4 * 4
            found = [MENU[name] for name in legal_kernels(result)[step.nodes[0].out]]
            sizes = [(k.constant_bytes(step.matrix), values + (k.scratch(step.matrix) + 3) // 4 * 4) for k in found]
            options = tuple(
                Option(kernel.name, tables if by_bytes else place, tables, ram)
                for place, (kernel, (tables, ram)) in enumerate(zip(found, sizes, strict=True))
            )
            layers.append(Layer(step.nodes[0].out, step.y, options))
    return layers


def _alive(result: Result, index: int) -> int:
    slots = result.plan.arena.slots
    return sum(slot.buffer.size for slot in slots if slot.buffer.first <= index <= slot.buffer.last)


def compile_tuned(model: Model, tuning: Tuning, budget: Budget, **options: object) -> tuple[Result, Chosen]:
    """Return the network compiled to C with the best choice under the budget, and the choice.

    A budget of flash is held against the linked program: where that is larger than the sum of what was measured (its
    parts are aligned, and placed, differently), the choice is made again with that much less. LrtcError if nothing
    fits, or if another network was measured. options: those of the C target.
    """
    if tuning.digest != digest_of(compile(model, "c", verify=False).graph):
        raise LrtcError(f"the table was measured on another network than {model.name}; run `lrtc tune` again")
    if (options.get("lanes") or tuning.lanes) != tuning.lanes:
        raise LrtcError(
            f"--lanes {options['lanes']}: the table was measured with {tuning.lanes} lanes",
            hint=f"`lrtc tune --lanes {options['lanes']}` measures again",
        )
    options |= {"lanes": tuning.lanes}
    fixed = tuning.flash
    while True:
        chosen = Chosen(tuning, select(tuning.layers, budget, fixed, tuning.ram))
        over = 0 if budget.flash is None else _flash(model, chosen) - budget.flash
        if over <= 0:
            return compile(model, "c", kernels=chosen.kernels, **options), chosen
        fixed += over


def choose(
    model: Model, core: str | None, tuned: Path | None, optimize: str | None, flash: int | str | None,
    ram: int | str | None, constant_time: bool = False, **options: object,
) -> tuple[Result, Chosen] | None:  # fmt: skip
    """Return the network as C with kernels chosen by cost, and the choice; None when nothing asks for one.

    core: measured on now, unless `tuned` is a table of `lrtc tune`. flash, ram: bytes, or "64K".
    """
    if optimize and optimize not in OBJECTIVES:
        raise LrtcError(f"--optimize {optimize}{nearest(optimize, OBJECTIVES)}: {', '.join(OBJECTIVES)} are supported")
    if not (core or tuned or optimize or flash or ram or constant_time):
        return None
    if not (core or tuned):
        raise LrtcError("a choice by cost needs a core to measure on", hint="give --core, or --tuned with a table")
    budget = Budget(optimize or "speed", octets(flash, "--flash"), octets(ram, "--ram"), constant_time)
    table = read_tuning(tuned) if tuned else tune(model, str(core), lanes=options.get("lanes"))
    if core and table.core != core:
        raise LrtcError(f"{tuned} was measured on {table.core}, not on {core}")
    return compile_tuned(model, table, budget, **options)


def _flash(model: Model, chosen: Chosen) -> int:
    result = compile(model, "c", verify=False, kernels=chosen.kernels, lanes=chosen.tuning.lanes)
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        return build_network(dict(result.files), result.name, chosen.tuning.core, Path(folder)).sizes.flash


def write_text(tuning: Tuning) -> str:
    """Return the table as JSON."""
    return json.dumps({"format": FORMAT, **asdict(tuning)}, indent=1) + "\n"


def read_tuning(path: Path) -> Tuning:
    """Return a table that `lrtc tune` wrote; LrtcError for anything else."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("format") != FORMAT:
            raise ValueError("it has another format")
        layers = [
            Layer(layer["key"], layer["name"], tuple(_option(option) for option in layer["options"]))
            for layer in data.pop("layers")
        ]
        return Tuning(**data, layers=tuple(layers))
    except OSError as error:
        raise LrtcError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LrtcError(f"{path}: no table of `lrtc tune`: {shown(str(error))}") from None


def _option(data: dict) -> Option:
    shared = tuple((str(name), int(size)) for name, size in data.pop("shared"))
    return Option(**data, shared=shared)
