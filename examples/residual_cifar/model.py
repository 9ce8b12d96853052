"""A residual network for 3×32×32 images: ternary convolutions, sign activations, integer shortcuts."""

from torch import Tensor, nn

from lrtc.nn import (
    InputQuantize,
    LRTBatchNorm,
    LRTConv2d,
    LRTSign,
    QuantActivation,
    QuantConv2d,
    QuantLinear,
)


class Block(nn.Module):
    """Return sign(bn(conv(sign(bn(conv(x)))) + shortcut(x))): the ±1 input is added to an integer accumulator."""

    def __init__(self, channels: int, out: int, stride: int = 1):
        super().__init__()
        self.conv1 = LRTConv2d(channels, out, 3, stride, padding=1)
        self.bn1, self.sign1 = LRTBatchNorm(out), LRTSign()
        self.conv2 = LRTConv2d(out, out, 3, padding=1)
        plain = channels == out and stride == 1
        self.shortcut = nn.Identity() if plain else LRTConv2d(channels, out, 1, stride)
        self.bn2, self.sign2 = LRTBatchNorm(out), LRTSign()

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.sign1(self.bn1(self.conv1(x))))
        return self.sign2(self.bn2(y + self.shortcut(x)))


def network(width: int = 16, classes: int = 10) -> nn.Sequential:
    """Return the untrained network, uint8 [N, 3, 32, 32] → class scores [N, classes]."""
    return nn.Sequential(
        InputQuantize((3, 32, 32)),
        QuantConv2d(3, width, 3, padding=1, bits=4),
        LRTBatchNorm(width),
        LRTSign(),
        Block(width, width),
        Block(width, 2 * width, stride=2),  # 16×16
        Block(2 * width, 4 * width, stride=2),  # 8×8
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        QuantActivation(bits=4, signed=True, scale=1 / 8),
        QuantLinear(4 * width, classes),
    )
