"""How long large networks take to compile: import, passes, C text and the interpreter on one image, on one thread."""

import argparse
import itertools
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import torch
from torch import Tensor, nn

import lrtc
from lrtc.driver import open_model, random_feeds
from lrtc.interp import run
from lrtc.nn import InputQuantize, LRTBatchNorm, LRTConv2d, LRTLinear, LRTScale, LRTSign, discretize


def conv(inputs: int, outputs: int, stride: int = 1, kernel: int = 3, padding: int = 1) -> list[nn.Module]:
    """Convolution, batchnorm, sign."""
    layer = LRTConv2d(inputs, outputs, kernel, stride=stride, padding=padding)
    return [layer, LRTBatchNorm(outputs), LRTSign()]


class Block(nn.Module):
    """A residual block of ResNet-18: the shortcut is added to the integer sums of the second convolution."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.first = nn.Sequential(*conv(inputs, outputs, stride))
        self.second = LRTConv2d(outputs, outputs, 3, padding=1)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else LRTConv2d(inputs, outputs, 1, stride=stride)
        self.norm, self.act = LRTBatchNorm(outputs), LRTSign()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.norm(self.second(self.first(x)) + self.shortcut(x)))


def vgg_small() -> nn.Module:
    """3×32×32 → 128, 128, pool, 256, 256, pool, 512, 512, pool → 10: 4.7 M weights."""
    layers, channels = [InputQuantize((3, 32, 32))], 3
    for outputs, pool in ((128, False), (128, True), (256, False), (256, True), (512, False), (512, True)):
        layers += [*conv(channels, outputs), *([nn.MaxPool2d(2)] if pool else [])]
        channels = outputs
    return nn.Sequential(*layers, nn.Flatten(), LRTLinear(8192, 10), LRTScale(10))


def resnet18() -> nn.Module:
    """3×224×224 → ResNet-18 → 1000, averages at the end as sums: 11.7 M weights."""
    layers = [InputQuantize((3, 224, 224)), *conv(3, 64, 2, 7, 3), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for outputs, stride in ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)):
        layers.append(Block(channels, outputs, stride))
        channels = outputs
    return nn.Sequential(*layers, nn.AvgPool2d(7), LRTBatchNorm(512), LRTSign(), nn.Flatten(), LRTLinear(512, 1000))


NETWORKS = {"vgg_small": vgg_small, "resnet18": resnet18}


def save(name: str, path: Path) -> None:
    """Save the network with random weights, discretised."""
    torch.manual_seed(0)
    lrtc.save(discretize(NETWORKS[name]()), path)


def measure(path: Path) -> None:
    """Compile the file and evaluate one image; print processor seconds and the greatest memory."""
    torch.set_num_threads(1)
    times = [time.process_time()]
    model = open_model(path)
    times.append(time.process_time())
    result = lrtc.compile(model, "c")
    times.append(time.process_time())
    run(result.graph, random_feeds(result.graph, 1))
    times.append(time.process_time())
    parts = [after - before for before, after in itertools.pairwise(times)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    words = ", ".join(f"{what} {t:.1f} s" for what, t in zip(("import", "compile", "interpreter"), parts, strict=True))
    print(f"{path.stem}: {sum(parts):.1f} s ({words}), {peak:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=list(NETWORKS), metavar="NETWORK", help=", ".join(NETWORKS))
    with tempfile.TemporaryDirectory() as folder:
        for name in parser.parse_args().networks:
            path = Path(folder) / f"{name}.pt"
            for step, words in ((save, (name, path)), (measure, (path,))):  # a process each: memory is measured apart
                process = multiprocessing.get_context("spawn").Process(target=step, args=words)
                process.start()
                process.join()
                if process.exitcode:
                    raise SystemExit(process.exitcode)


if __name__ == "__main__":
    main()
