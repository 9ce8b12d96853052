"""The comment above each function: where it comes from, shapes, the formula in words."""

from __future__ import annotations

from lrtc.backends.c.comments import comment_text
from lrtc.backends.c.menu import MENU
from lrtc.backends.c.steps import Step
from lrtc.ir import Graph

FORMULA = {name: kernel.formula for name, kernel in MENU.items()} | {
    "pool_bits": "y[c] = the greatest of +-1 in the window (OR); the least where a channel's direction is -1 (AND)",
    "pool_integers": "acc[c] = the greatest in the window; the least where a channel's direction is -1",
    "pool_sums": "acc[c] = sum of x over the window",
    "map": "acc[c] = x[c]",
    "place": "acc[c] = x[c] inside the image, else the padding value",
    "place_words": "y = x inside the image, else the padding value, word by word",
    "maximum_words": "y = the greater of both (OR), the smaller (AND) where it says least, word by word",
    "join": "y = the operands side by side",
    "concat": "acc[c] = the operands side by side",
    "channels": "acc[c] = x[index[c]]",
    "flatten": "acc[k] = element k of x in the order of the flatten",
    "rearrange": "acc = the elements in the order of the axes, in the shape of y",
    "topk": "y[k] = index of the greatest x that is left, the lowest index among equals",
}
STAGE = {
    "affine": "then acc * multiplier + offset",
    "clamp": "then clamped",
    "add": "then the other operand is added",
    "greatest": "then the other operand is taken where it is greater",
    "least": "then the other operand is taken where it is smaller",
    "levels": "then the levels reached are counted",
}


def comment(graph: Graph, step: Step) -> tuple[str, ...]:
    """Return the lines above a function: origins, shapes, formula, what happens to an element then."""
    shapes = [str(graph.types[step.xs[0]])]
    for node in step.nodes:
        operands = "".join(f", {graph.types[i]}" for i in node.ins[1:])
        attributes = "".join(f" {k}={v}".replace(" ", "") + " " for k, v in node.op.attributes().items()).strip()
        shapes.append(f"  {node.op.name}{operands}{' ' + attributes if attributes else ''} -> {node.type}")
    title = ", ".join(step.origins)[:200] or (step.nodes[0].out if step.nodes else "output")
    stages = [STAGE[stage.kind] for stage in step.stages]
    if step.level is not None:
        decision = "y[o] = +1 where acc[o] >= level[o]"
        folded = step.kernel is not None and step.kernel.folds(step.matrix)
        stages.append(step.kernel.decision if folded else decision)
        if step.negated is not None and step.negated.any():
            stages.append("where the threshold is flipped, the weights are negated and the level is 1 - level")
        elif step.flip is not None and step.flip.any():
            stages.append("the other way round where flipped")
    formula = FORMULA[step.kind] if step.nodes else f"{graph.results[step.output]} = x"
    return tuple(comment_text(line) for line in (title, *shapes, formula, *stages))
