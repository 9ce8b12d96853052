"""The network: three strided convolutions and a linear layer of discrete weights, signs or ReLUs between them."""

from collections import OrderedDict

from torch import nn

from lrtc.nn import InputQuantize, LRTBatchNorm, LRTConv2d, LRTLinear, LRTReLU, LRTScale, LRTSign


def network(weights: str = "ternary", activation: str = "sign") -> nn.Sequential:
    """Return the untrained network, uint8 [N, 1, 28, 28] → class scores [N, 10].

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
