"""A keyword-spotting network on 10 coefficients × 101 frames: convolutions along time, 2-bit and ±1 activations."""

from collections import OrderedDict

from torch import nn

from lrtc.nn import (
    InputQuantize,
    LRTBatchNorm,
    LRTConv1d,
    LRTLinear,
    LRTScale,
    LRTSign,
    QuantActivation,
)


def network(width: int = 32, classes: int = 12) -> nn.Sequential:
    """Return the untrained network, uint8 [N, 10, 101] → class scores [N, classes]; byte 128 stands for 0."""
    return nn.Sequential(
        OrderedDict(
            input=InputQuantize((10, 101), zero_point=128),
            conv1=LRTConv1d(10, width, 9, stride=2, padding=4),  # 51 frames
            bn1=LRTBatchNorm(width),
            code1=QuantActivation(bits=2, scale=0.5),  # unsigned: also the ReLU
            depth2=LRTConv1d(width, width, 9, padding=8, groups=width, dilation=2),
            bn2=LRTBatchNorm(width),
            sign2=LRTSign(),
            point2=LRTConv1d(width, 2 * width, 1),
            bn3=LRTBatchNorm(2 * width),
            sign3=LRTSign(),
            pool3=nn.MaxPool1d(3),  # 17 frames
            flatten=nn.Flatten(),
            fc=LRTLinear(2 * width * 17, classes),
            scale=LRTScale(classes),
        )
    )
