"""The PyTorch side of `steps`: the same three networks, written out. Needs only PyTorch; run by its own environment."""

import sys
import time

import torch
from torch import nn


def cbr(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    padding = kernel // 2
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, padding), nn.BatchNorm2d(outputs, 1e-5), nn.ReLU())


class Fire(nn.Module):
    def __init__(self, inputs: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.one, self.three = nn.Conv2d(squeeze, expand, 1), nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.one(x)), torch.relu(self.three(x))], 1)


def squeezenet(width: float) -> tuple[nn.Module, int]:
    """SqueezeNet 1.1 up to its pooled features."""

    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2)

    fires = [Fire(64, 16, 64), Fire(128, 16, 64), pool(), Fire(128, 32, 128), Fire(256, 32, 128), pool()]
    fires += [Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256)]
    return nn.Sequential(nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool(), *fires, *pooled()), 512


def pooled() -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten()]


class Block(nn.Module):
    """Four kernels on the same input, concatenated with earlier maps, normalised once."""

    def __init__(self, inputs: int, filters: int, stride: int, skipped: int = 0) -> None:
        super().__init__()
        self.branches = nn.ModuleList(cbr(inputs, filters, kernel, stride) for kernel in (1, 3, 5, 7))
        self.channels = 4 * filters + skipped
        self.normalise = nn.BatchNorm2d(self.channels, 1e-5)

    def forward(self, x, *skips):
        return self.normalise(torch.cat([*(branch(x) for branch in self.branches), *skips], 1))


class DCNN(nn.Module):
    """Alzubaidi et al. 2021, Cancers 13(7):1590."""

    def __init__(self, width: float) -> None:
        super().__init__()

        def f(number: int) -> int:
            return max(1, round(number * width))

        self.stem = nn.Sequential(cbr(3, f(32), 3, 1), cbr(f(32), f(32), 5, 2))
        self.b1 = Block(f(32), f(32), 1, f(32))
        self.b2 = Block(self.b1.channels, f(64), 2)
        self.b3 = Block(self.b2.channels, f(64), 1, self.b2.channels)
        self.s4 = cbr(self.b2.channels, f(32), 3, 2)
        self.b4 = Block(self.b3.channels, f(128), 2, f(32))
        self.s5 = cbr(self.b1.channels, f(32), 3, 4)
        self.b5 = Block(self.b4.channels, f(256), 1, self.b4.channels + f(32))
        self.s60, self.s61 = cbr(f(32), f(32), 3, 8), cbr(self.b1.channels, f(32), 3, 8)
        self.s62, self.s64 = cbr(self.b2.channels, f(32), 3, 4), cbr(self.b4.channels, f(32), 3, 2)
        self.b6 = Block(self.b5.channels, f(384), 2, 4 * f(32))
        self.out = nn.Sequential(*pooled(), nn.Linear(self.b6.channels, f(1200)))

    def forward(self, x):
        x0 = self.stem(x)
        x1 = self.b1(x0, x0)
        x2 = self.b2(x1)
        x3 = self.b3(x2, x2)
        x4 = self.b4(x3, self.s4(x2))
        x5 = self.b5(x4, x4, self.s5(x1))
        return self.out(self.b6(x5, self.s60(x0), self.s61(x1), self.s62(x2), self.s64(x4)))


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, filters: int, stride: int) -> None:
        super().__init__()
        # keras.applications' ResNet-50 strides in the first convolution, and its convolutions have biases.
        self.path = nn.Sequential(
            cbr(inputs, filters, 1, stride),
            cbr(filters, filters, 3, 1),
            nn.Conv2d(filters, 4 * filters, 1),
            nn.BatchNorm2d(4 * filters),
        )
        same = stride == 1 and inputs == 4 * filters
        self.short = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(inputs, 4 * filters, 1, stride), nn.BatchNorm2d(4 * filters))
        )

    def forward(self, x):
        return torch.relu(self.path(x) + self.short(x))


def resnet50(width: float) -> tuple[nn.Module, int]:
    layers: list[nn.Module] = [cbr(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for filters, depth, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for number in range(depth):
            layers.append(Bottleneck(inputs, filters, stride if number == 0 else 1))
            inputs = 4 * filters
    return nn.Sequential(*layers, *pooled()), inputs


def main() -> None:
    name, width, side, batch, steps = sys.argv[1], float(sys.argv[2]), *map(int, sys.argv[3:6])
    if name == "dcnn":
        backbone: nn.Module = DCNN(width)
        features = max(1, round(1200 * width))
    else:
        backbone, features = {"squeezenet": squeezenet, "resnet50": resnet50}[name](width)
    net = nn.Sequential(backbone, nn.Dropout(0.5), nn.Linear(features, 2)).train()
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    # As ours: bytes come in, the network's own scaling is part of the step.
    images, y = torch.randint(0, 256, (batch, 3, side, side), dtype=torch.uint8), torch.arange(batch) % 2

    def run() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.float() / 127.5 - 1), y)
            loss.backward()
            optimizer.step()
            loss.item()

    print(sum(weight.numel() for weight in net.parameters()), flush=True)
    run()
    for _ in sys.stdin:
        began = time.perf_counter()
        run()
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
