"""Write the bipolar digit network as a QONNX file, as another tool would: real weights behind BipolarQuant nodes."""

import argparse
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

import lrtc

DOMAIN = "qonnx.custom_op.general"


class Builder:
    """Collects nodes and constants; every method returns the name of the value it makes."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=np.float32), name))
        return name

    def node(self, op, inputs, name, domain="", **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, domain=domain, **attributes))
        return name

    def bipolar(self, x, name):
        return self.node("BipolarQuant", [x, self.constant(f"{name}_scale", 1.0)], name, DOMAIN)


def model(state):
    """Return the ONNX model of a discrete network's state_dict; the input is an image between 0 and 1."""
    b = Builder()
    step = [b.constant(n, v) for n, v in (("byte", 1 / 255), ("zero", 0.0), ("bits", 8.0))]
    x = b.node("Quant", ["x", *step], "pixels", DOMAIN, signed=0, narrow=0, rounding_mode="ROUND")
    for k, unit in ((1, 1 / 255), (2, 1.0), (3, 1.0)):  # the sums of the first layer are in units of one byte
        weight = b.bipolar(b.constant(f"conv{k}_real", state[f"conv{k}.discrete_weight"]), f"conv{k}_weight")
        x = b.node("Conv", [x, weight], f"conv{k}", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        gamma, beta = np.abs(state[f"bn{k}.weight"]), state[f"bn{k}.bias"]
        mean, var = state[f"bn{k}.running_mean"], state[f"bn{k}.running_var"]
        rows = {"gamma": gamma, "beta": beta, "mean": mean * unit, "var": (var + 1e-3) * unit**2}
        names = [b.constant(f"bn{k}_{name}", row) for name, row in rows.items()]
        x = b.bipolar(b.node("BatchNormalization", [x, *names], f"bn{k}", epsilon=0.0), f"sign{k}")
    x = b.node("Flatten", [x], "flatten", axis=1)
    weight = b.bipolar(b.constant("fc_real", state["fc.discrete_weight"].T), "fc_weight")
    x = b.node("MatMul", [x, weight], "fc")
    x = b.node("Mul", [x, b.constant("multiplier", state["scale.multiplier"])], "scaled")
    b.node("Add", [x, b.constant("offset", state["scale.offset"])], "scores")
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 28, 28])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 10])
    graph = helper.make_graph(b.nodes, "digits", [image], [scores], b.constants)
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(DOMAIN, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="lrtc example")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("net", type=Path, help="a discrete network of examples/mnist, such as mnist_bipolar.pt")
    parser.add_argument("out", type=Path, help="the .onnx file to write")
    words = parser.parse_args()
    state = {name: value.numpy() for name, value in lrtc.load(words.net).state_dict().items()}
    made = model(state)
    checker.check_model(made)
    save(made, str(words.out))
    print(f"wrote {words.out}")


if __name__ == "__main__":
    main()
