"""The networks of samples/, written in PyTorch after their papers: what compare_pytorch.py compares with.

NETWORKS names each sample's network: how to make it, what is done to its u8 images, their shape, the number of classes
and what the prediction is called. Parameters have the names of the samples'.
"""

import functools
import typing

import numpy
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from torch import nn


class Plain(nn.Module):
    """Two 3x3 convolutions with batch norm."""

    def __init__(self, inputs, out, stride=1, bias=False):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, out, 3, stride, 1, bias=bias)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=bias)
        self.bn2 = nn.BatchNorm2d(out)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.residual(x))


class Projected(Plain):
    """He et al. 2015, option B."""

    def __init__(self, inputs, out, stride=1, bias=False):
        super().__init__(inputs, out, stride, bias)
        if stride != 1 or inputs != out:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, out, 1, stride, bias=bias), nn.BatchNorm2d(out))

    def forward(self, x):
        return F.relu(self.residual(x) + (self.downsample(x) if hasattr(self, "downsample") else x))


class Padded(Plain):
    """He et al. 2015, option A."""

    def forward(self, x):
        y = self.residual(x)
        if y.shape != x.shape:
            quarter = y.shape[1] // 4
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, quarter, quarter))
        return F.relu(y + x)


class Residual(Plain):
    """The block of "Dive into Deep Learning", section 8.6."""

    def __init__(self, inputs, out, stride=1):
        super().__init__(inputs, out, stride, bias=True)
        self.conv3 = nn.Conv2d(inputs, out, 1, stride) if stride != 1 or inputs != out else None

    def forward(self, x):
        return F.relu(self.residual(x) + (self.conv3(x) if self.conv3 else x))


class Preactivated(nn.Module):
    """He et al. 2016, figure 4 (e)."""

    def __init__(self, inputs, out, stride=1):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, out, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.downsample = nn.Conv2d(inputs, out, 1, stride, bias=False) if stride != 1 or inputs != out else None

    def forward(self, x):
        active = F.relu(self.bn1(x))
        shortcut = self.downsample(active) if self.downsample else x
        return self.conv2(F.relu(self.bn2(self.conv1(active)))) + shortcut


class ResNet(nn.Module):
    """A stem, stages of blocks and a linear layer called `head`."""

    def __init__(self, block, depths, widths, stem, classes, head="fc", pool=None, final_norm=False):
        super().__init__()
        self.conv1 = stem
        if not final_norm:
            self.bn1 = nn.BatchNorm2d(stem.out_channels)
        self.max_pool = stem.stride == (2, 2)
        self.stages, channels = len(widths), stem.out_channels
        for index, (depth, width) in enumerate(zip(depths, widths), 1):
            first = block(channels, width, 1 if index == 1 else 2)
            self.add_module(f"layer{index}", nn.Sequential(first, *(block(width, width) for _ in range(depth - 1))))
            channels = width
        if final_norm:
            self.bn = nn.BatchNorm2d(channels)
        self.add_module(head, nn.Linear(channels, classes))
        self.head, self.pool, self.final_norm = head, pool, final_norm

    def forward(self, x):
        x = self.conv1(x)
        x = x if self.final_norm else F.relu(self.bn1(x))
        x = F.max_pool2d(x, 3, 2, 1) if self.max_pool else x
        for index in range(1, self.stages + 1):
            x = getattr(self, f"layer{index}")(x)
        x = F.relu(self.bn(x)) if self.final_norm else x
        x = F.avg_pool2d(x, self.pool).flatten(1) if self.pool else x.mean((2, 3))
        return getattr(self, self.head)(x)


def wide_stem(inputs=3, bias=False):
    return nn.Conv2d(inputs, 64, 7, 2, 3, bias=bias)


def narrow_stem(out):
    return nn.Conv2d(3, out, 3, 1, 1, bias=False)


def imagenet(block, depths, classes=1000, **options):
    return ResNet(block, depths, (64, 128, 256, 512), wide_stem(), classes, **options)


def biased():
    block = functools.partial(Projected, bias=True)
    return ResNet(block, (2, 2, 2, 2), (64, 128, 256, 512), wide_stem(bias=True), 1000)


def fashion_resnet18():
    return ResNet(Residual, (2, 2, 2, 2), (64, 128, 256, 512), wide_stem(1, bias=True), 10)


def fashion_resnet20():
    return ResNet(Projected, (3, 3, 3), (16, 32, 64), nn.Conv2d(1, 16, 3, 1, 1, bias=False), 10)


def cifar(block, depth):
    return ResNet(block, 3 * ((depth - 2) // 6,), (16, 32, 64), narrow_stem(16), 10, head="linear")


def cifar_resnet18():
    return ResNet(Projected, (2, 2, 2, 2), (64, 128, 256, 512), narrow_stem(64), 10)


def cifar_preact_resnet18():
    return ResNet(Preactivated, (2, 2, 2, 2), (64, 128, 256, 512), narrow_stem(64), 10, final_norm=True)


def wrn_16_4():
    return ResNet(Preactivated, (2, 2, 2), (64, 128, 256), narrow_stem(16), 10, final_norm=True)


def normalize(mean, std):
    def prepare(images, dtype):
        means, stds = (torch.tensor(v, dtype=dtype).reshape(1, -1, 1, 1) for v in (mean, std))
        return (images.to(dtype) / 255 - means) / stds
    return prepare


def resize(size, prepare):
    def resized(images, dtype):
        maps = images.reshape(-1, *images.shape[2:]).numpy()
        maps = [numpy.asarray(Image.fromarray(m).resize((size, size), Image.BILINEAR)) for m in maps]
        return prepare(torch.from_numpy(numpy.stack(maps)).reshape(*images.shape[:2], size, size), dtype)
    return resized


class Network(typing.NamedTuple):
    make: typing.Callable
    prepare: typing.Callable
    image: tuple
    classes: int
    output: str = "fc"


IMAGENET = normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CIFAR = normalize((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))
LARGE, SMALL, FASHION = (3, 224, 224), (3, 32, 32), (1, 28, 28)
TORCHVISION = "resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d wide_resnet50_2".split()
NETWORKS = {
name: Network(getattr(torchvision.models, name), IMAGENET, LARGE, 1000) for name in TORCHVISION}
NETWORKS |= {
  "resnet18_biased" : Network(biased, IMAGENET, LARGE, 1000),
                      "resnet18_avg_pool4"
      : Network(lambda
                : imagenet(Projected, (2, 2, 2, 2), 10, pool = 4), IMAGENET, LARGE, 10),
        "plain18" : Network(lambda
                            : imagenet(Plain, (2, 2, 2, 2)), IMAGENET, LARGE, 1000),
                    "plain34" : Network(lambda
                                        : imagenet(Plain, (3, 4, 6, 3)), IMAGENET, LARGE, 1000),
                                "fashion_resnet18"
      : Network(fashion_resnet18, resize(96, normalize((0, ), (1, ))), FASHION, 10),
        "fashion_resnet20" : Network(fashion_resnet20, normalize((0.286, ), (0.353, )), FASHION, 10),
                             "cifar_resnet18" : Network(cifar_resnet18, CIFAR, SMALL, 10),
                                                "cifar_resnet18_224"
      : Network(cifar_resnet18, resize(224, CIFAR), SMALL, 10),
        "cifar_preact_resnet18" : Network(cifar_preact_resnet18, CIFAR, SMALL, 10),
                                  "wrn_16_4" : Network(wrn_16_4, CIFAR, SMALL, 10),
}
for depth in (20, 32, 44, 56, 110):
    for suffix, block in (("", Padded), ("_b", Projected)):
        make = functools.partial(cifar, block, depth)
        NETWORKS[f"cifar_resnet{depth}{suffix}"] = Network(make, IMAGENET, SMALL, 10, "linear")
for depth in (20, 56):
    NETWORKS[f"cifar_plain{depth}"] = Network(functools.partial(cifar, Plain, depth), IMAGENET, SMALL, 10, "linear")
