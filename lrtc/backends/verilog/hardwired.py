"""What the template of a hard-wired layer sees: gates and registers by pipeline stage, as expressions."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.backends.verilog.netlist import Chain, Stream, bundle
from lrtc.plan.fold import LayerFold
from lrtc.plan.gates import Gate
from lrtc.plan.hardwired import Wired
from lrtc.plan.stream import StreamLayer, absorbed_posts


@dataclass(frozen=True)
class StageView:
    """One stage: (name, expression) of its gates, and of the registers at its end."""

    gates: tuple[tuple[str, str], ...]
    registers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class HardwiredView:
    """A hard-wired module. taps: bits of in_tap_valid_i, 0 if it has none; unused: whether some input bit is not read.

    outputs: what goes into each bit of out_data_o.
    """

    module: str
    note: tuple[str, ...]
    in_bits: int
    taps: int
    unused: bool
    stages: tuple[StageView, ...]
    outputs: tuple[str, ...]
    gate_count: int
    flop_count: int


def hardwired_view(module: str, note: tuple[str, ...], wired: Wired, in_bits: int, taps: int = 0) -> HardwiredView:
    """Return the view of a netlist on `in_bits` of data and, if it has that many inputs, on the valid bits of taps."""
    names = _Names(wired, in_bits)
    gates: list[list[tuple[str, str]]] = [[] for _ in range(wired.stages)]
    registers: list[list[tuple[str, str]]] = [[] for _ in range(wired.stages)]
    for signal, gate in wired.gates.items():
        at = wired.stage[signal]
        gates[at].append((names.signal(signal, at), names.gate(gate, at)))
    for signal, delay in sorted(wired.delays.items()):
        first = wired.stage.get(signal, 0)
        for at in range(first, first + delay):
            registers[at].append((names.signal(signal, at + 1), names.signal(signal, at)))
    read = {literal >> 1 for gate in wired.gates.values() for literal in gate.ins}
    read |= {literal >> 1 for literal in wired.outputs}
    return HardwiredView(
        module=module,
        note=note,
        in_bits=in_bits,
        taps=taps,
        unused=in_bits + taps > wired.inputs or any(k not in read for k in range(1, wired.inputs + 1)),
        stages=tuple(StageView(tuple(g), tuple(r)) for g, r in zip(gates, registers, strict=True)),
        outputs=tuple(names.literal(literal, wired.stages - 1) for literal in wired.outputs),
        gate_count=len(wired.gates),
        flop_count=wired.flops,
    )


def wired_module(module: str) -> str:
    """Return the name of the module with the weights of a layer's module."""
    return f"{module}_wired"


def wired_dot(chain: Chain, layer: StreamLayer, fold: LayerFold, module: str) -> None:
    """Add the instance of a layer's hard-wired weights."""
    bits = layer.outputs if absorbed_posts(layer) else layer.outputs * layer.node.type.elem.bits
    taps = (("in_tap_valid_i", "window_border"),) if layer.slides else ()
    note = f"{layer.fan} inputs of {layer.outputs} outputs, in {fold.stages} stages"
    out = Stream("bits" if absorbed_posts(layer) else "acc", bits)
    chain.add(wired_module(module), "u_wired", out, note=note, ports=taps)


class _Names:
    """Names of signals at a stage: a signal of an earlier stage has passed through registers."""

    def __init__(self, wired: Wired, data: int) -> None:
        self.wired, self.data = wired, data

    def signal(self, signal: int, at: int) -> str:
        delay = at - self.wired.stage.get(signal, 0)
        if signal > self.wired.inputs:
            return f"g{signal}_q{delay}" if delay else f"g{signal}"
        if delay:
            return f"x{signal - 1}_q{delay}"
        k = signal - 1
        return f"in_data_i[{k}]" if k < self.data else f"in_tap_valid_i[{k - self.data}]"

    def literal(self, literal: int, at: int) -> str:
        if literal < 2:
            return f"1'b{literal}"
        return f"{'~' * (literal & 1)}{self.signal(literal >> 1, at)}"

    def gate(self, gate: Gate, at: int) -> str:
        ins = [self.literal(literal, at) for literal in gate.ins]
        if gate.kind == "table":
            size = 1 << len(ins)
            return f"1'({size}'h{gate.table:0{size // 4}x} >> {bundle(ins)})"
        if gate.kind == "maj":
            a, b, c = ins
            return f"({b} & {c}) | ({a} & ({b} | {c}))"
        return {"xor": " ^ ", "and": " & "}[gate.kind].join(ins)
