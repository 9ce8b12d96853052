"""Networks for 3×32×32 images, uint8 [N, 3, 32, 32] → class scores [N, classes]: ternary weights, sign activations."""

from collections import OrderedDict

from torch import Tensor, nn

from lrtc.nn import (
    InputQuantize,
    LRTBatchNorm,
    LRTConv2d,
    LRTGain,
    LRTSign,
    QuantActivation,
    QuantConv2d,
    QuantLinear,
)


def vgg(classes: int = 10, wide: int = 128) -> nn.Sequential:
    """Return six 3×3 convolutions, every second one strided, a gain and a bias behind each, batchnorm behind the last.

    The main network of the research code behind Berger 2023; its last layer, of full precision there, has 8 bits here.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(input=InputQuantize((3, 32, 32), zero_point=128))
    channels = (3, wide, wide, 2 * wide, 2 * wide, 4 * wide, 4 * wide)
    for k in range(1, 7):
        layers[f"conv{k}"] = LRTConv2d(channels[k - 1], channels[k], 3, stride=2 - k % 2, padding=1)
        layers[f"gain{k}"] = LRTGain(channels[k])
        if k == 6:
            layers["bn6"] = LRTBatchNorm(channels[k])
        layers[f"sign{k}"] = LRTSign()
    layers["flatten"] = nn.Flatten()
    layers["fc"] = QuantLinear(4 * wide * 16, classes)
    return nn.Sequential(layers)


def vgg_small(classes: int = 10, wide: int = 128) -> nn.Sequential:
    """Return six 3×3 convolutions with a batchnorm each and three max-pools."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(input=InputQuantize((3, 32, 32), zero_point=128))
    channels = (3, wide, wide, 2 * wide, 2 * wide, 2 * wide, 2 * wide)
    for k in range(1, 7):
        layers[f"conv{k}"] = LRTConv2d(channels[k - 1], channels[k], 3, padding=1)
        layers[f"bn{k}"] = LRTBatchNorm(channels[k])
        layers[f"sign{k}"] = LRTSign()
        if k % 2 == 0:
            layers[f"pool{k}"] = nn.MaxPool2d(2)
    layers["flatten"] = nn.Flatten()
    layers["fc"] = QuantLinear(2 * wide * 16, classes)
    return nn.Sequential(layers)


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


def resnet(widths: tuple[int, ...], blocks: int, classes: int = 10) -> nn.Sequential:
    """Return stages of residual blocks behind a convolution of 8-bit weights; the average has 8 bits."""
    layers: list[nn.Module] = [
        InputQuantize((3, 32, 32), zero_point=128),
        QuantConv2d(3, widths[0], 3, padding=1),
        LRTBatchNorm(widths[0]),
        LRTSign(),
    ]
    before = widths[0]
    for stage, width in enumerate(widths):
        for k in range(blocks):
            layers.append(Block(before, width, 2 if stage and not k else 1))
            before = width
    average = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), QuantActivation(bits=8, signed=True, scale=1 / 64)]
    return nn.Sequential(*layers, *average, QuantLinear(before, classes))


def resnet18(classes: int = 10, wide: int = 64) -> nn.Sequential:
    """Return the residual network of four stages of two blocks."""
    return resnet((wide, 2 * wide, 4 * wide, 8 * wide), 2, classes)


def resnet20(classes: int = 10, wide: int = 16) -> nn.Sequential:
    """Return the residual network of three stages of three blocks."""
    return resnet((wide, 2 * wide, 4 * wide), 3, classes)
