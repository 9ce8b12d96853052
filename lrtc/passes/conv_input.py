"""threshold(x) of an image input → threshold(conv2d(x, 1×1 identity)): streams have thresholds behind layers only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.ir import T2, Graph, tensor
from lrtc.ir.ops import Conv2d, Threshold
from lrtc.passes.rewrite import Rewriter


@dataclass(frozen=True)
class ConvInput:
    """Puts a 1×1 convolution of ones on the diagonal between the input image and its thresholds: acc = x."""

    name: str = "conv-input"

    def run(self, graph: Graph) -> Graph:
        rewriter = Rewriter(graph)
        images = {v.name for v in graph.inputs if len(v.type.shape) == 3}
        for node in graph.nodes:
            if not isinstance(node.op, Threshold) or node.ins[0] not in images:
                rewriter.keep(node)
                continue
            builder, channels = rewriter.builder, node.type.shape[-1]
            eye = np.eye(channels, dtype=np.int8).reshape(channels, 1, 1, channels)
            w = builder.const(f"{node.out}_w", eye, tensor(eye.shape, T2), node.origin)
            acc = builder.add(Conv2d(), [rewriter.map(node.ins[0]), w], f"{node.out}_acc", node.origin)
            rewriter.replace(node, builder.add(node.op, [acc, rewriter.map(node.ins[1])], node.out, node.origin))
        return rewriter.finish()
