"""The four networks, uint8 [N, 1, 28, 28] → class scores [N, 10]."""

from collections import OrderedDict

from torch import nn

from lrtc.nn import InputQuantize, LRTBatchNorm, LRTConv2d, LRTLinear, LRTReLU, LRTScale, LRTSign, QuantLinear


def network_a(weights: str = "ternary", activation: str = "sign") -> nn.Sequential:
    """Return three strided convolutions and a linear layer, all of discrete weights.

    weights: ternary or bipolar. activation: sign, or relu, to be quantised after training.
    """
    act = LRTReLU if activation == "relu" else LRTSign
    return nn.Sequential(
        OrderedDict(
            input=InputQuantize((1, 28, 28)),
            conv1=LRTConv2d(1, 16, 3, stride=2, padding=1, weights=weights),  # 16×14×14
            bn1=LRTBatchNorm(16),
            **{f"{activation}1": act()},
            conv2=LRTConv2d(16, 32, 3, stride=2, padding=1, weights=weights),  # 32×7×7
            bn2=LRTBatchNorm(32),
            **{f"{activation}2": act()},
            conv3=LRTConv2d(32, 64, 3, stride=2, padding=1, weights=weights),  # 64×4×4
            bn3=LRTBatchNorm(64),
            **{f"{activation}3": act()},
            flatten=nn.Flatten(),
            fc=LRTLinear(64 * 4 * 4, 10, weights=weights),
            scale=LRTScale(10),
        )
    )


def network_b() -> nn.Sequential:
    """Return two strided 5×5 convolutions and a linear layer, ternary, then a linear layer of 8-bit weights."""
    return nn.Sequential(
        OrderedDict(
            input=InputQuantize((1, 28, 28)),
            conv1=LRTConv2d(1, 32, 5, stride=2),  # 32×12×12
            bn1=LRTBatchNorm(32),
            sign1=LRTSign(),
            conv2=LRTConv2d(32, 64, 5, stride=2),  # 64×4×4
            bn2=LRTBatchNorm(64),
            sign2=LRTSign(),
            flatten=nn.Flatten(),
            fc1=LRTLinear(64 * 4 * 4, 512),
            bn3=LRTBatchNorm(512),
            sign3=LRTSign(),
            fc2=QuantLinear(512, 10),
        )
    )


def network_c() -> nn.Sequential:
    """Return 784-256-256-256-10 on pixels cut at half, every weight and activation ±1 (FINN's SFC)."""
    return nn.Sequential(
        OrderedDict(
            input=InputQuantize((1, 28, 28), zero_point=128),
            cut=LRTSign(),
            flatten=nn.Flatten(),
            fc1=LRTLinear(28 * 28, 256, weights="bipolar"),
            bn1=LRTBatchNorm(256),
            sign1=LRTSign(),
            fc2=LRTLinear(256, 256, weights="bipolar"),
            bn2=LRTBatchNorm(256),
            sign2=LRTSign(),
            fc3=LRTLinear(256, 256, weights="bipolar"),
            bn3=LRTBatchNorm(256),
            sign3=LRTSign(),
            fc4=LRTLinear(256, 10, weights="bipolar"),
            scale=LRTScale(10),
        )
    )


def network_d() -> nn.Sequential:
    """Return the network of the 2018 paper with signs: two 5×5 convolutions with max-pools, two linear layers."""
    return nn.Sequential(
        OrderedDict(
            input=InputQuantize((1, 28, 28)),
            conv1=LRTConv2d(1, 32, 5, padding=2),
            bn1=LRTBatchNorm(32),
            sign1=LRTSign(),
            pool1=nn.MaxPool2d(2),  # 32×14×14
            conv2=LRTConv2d(32, 64, 5, padding=2),
            bn2=LRTBatchNorm(64),
            sign2=LRTSign(),
            pool2=nn.MaxPool2d(2),  # 64×7×7
            flatten=nn.Flatten(),
            fc1=LRTLinear(64 * 7 * 7, 512),
            bn3=LRTBatchNorm(512),
            sign3=LRTSign(),
            fc2=QuantLinear(512, 10),
        )
    )
