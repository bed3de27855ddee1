"""Samples that torchvision has no network for, written in PyTorch after their papers; parameters have the samples' names."""

import functools

import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models.resnet import Bottleneck, ResNet


class SqueezedBottleneck(Bottleneck):
    """Hu et al. 2018."""

    def __init__(self, inputs, planes, *others, **named):
        super().__init__(inputs, planes, *others, **named)
        self.se = torchvision.ops.SqueezeExcitation(4 * planes, 4 * planes // 16)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.se(self.bn3(self.conv3(y))) + (x if self.downsample is None else self.downsample(x)))


def resnet50d():
    """He et al. 2019: three convolutions in the stem, and shortcuts that take means."""
    model = torchvision.models.resnet50()
    convs = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.Conv2d(32, 32, 3, 1, 1, bias=False),
             nn.Conv2d(32, 64, 3, 1, 1, bias=False)]
    model.conv1 = nn.Sequential(convs[0], nn.BatchNorm2d(32), nn.ReLU(), convs[1], nn.BatchNorm2d(32), nn.ReLU(), convs[2])
    for layer in (model.layer1, model.layer2, model.layer3, model.layer4):
        conv, norm = layer[0].downsample
        stride, = set(conv.stride)
        pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        layer[0].downsample = nn.Sequential(pool, nn.Conv2d(conv.in_channels, conv.out_channels, 1, bias=False), norm)
    return model


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.avg_pool2d(torch.sigmoid(self.conv1(x)), 2)
        x = F.avg_pool2d(torch.sigmoid(self.conv2(x)), 2).flatten(1)
        return self.fc3(torch.sigmoid(self.fc2(torch.sigmoid(self.fc1(x)))))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(784, 256), nn.Linear(256, 256), nn.Linear(256, 10)

    def forward(self, x):
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.flatten(1))))))


class Dropped(nn.Module):
    """He et al. 2016, figure 4 (e), nothing dropped."""

    def __init__(self, inputs, out, stride):
        super().__init__()
        self.bn1, self.bn2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(out)
        self.conv1 = nn.Conv2d(inputs, out, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.downsample = nn.Conv2d(inputs, out, 1, stride, bias=False) if stride > 1 or inputs != out else None

    def forward(self, x):
        active = F.relu(self.bn1(x))
        shortcut = x if self.downsample is None else self.downsample(active)
        return self.conv2(F.relu(self.bn2(self.conv1(active)))) + shortcut


class Scaled(nn.Module):
    """De and Smith 2020."""

    def __init__(self, inputs, out, stride):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(inputs, out, 3, stride, 1), nn.Conv2d(out, out, 3, 1, 1)
        self.downsample = nn.Conv2d(inputs, out, 1, stride) if stride > 1 or inputs != out else None
        self.alpha = nn.Parameter(torch.tensor(0.7))

    def forward(self, x):
        active = F.relu(x)
        shortcut = x if self.downsample is None else self.downsample(active)
        return self.alpha * self.conv2(F.relu(self.conv1(active))) + shortcut


class SmallResNet(nn.Module):
    """Three stages of three blocks for images of 32x32."""

    def __init__(self, block, bias, norm):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=bias)
        widths = (16, 16, 32, 64)
        for i in (1, 2, 3):
            blocks = [block(widths[i - (b == 0)], widths[i], 2 if b == 0 and i > 1 else 1) for b in range(3)]
            setattr(self, f"layer{i}", nn.Sequential(*blocks))
        self.bn = nn.BatchNorm2d(64) if norm else None
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return self.fc(F.relu(x if self.bn is None else self.bn(x)).mean((2, 3)))


class DnCnn(nn.Module):
    class Convolved(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.bn = nn.Conv2d(64, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64)

        def forward(self, x):
            return F.relu(self.bn(self.conv(x)))

    def __init__(self):
        super().__init__()
        self.conv1, self.conv17 = nn.Conv2d(1, 64, 3, 1, 1), nn.Conv2d(64, 1, 3, 1, 1, bias=False)
        self.middle = nn.Sequential(*[self.Convolved() for _ in range(15)])

    def forward(self, x):
        return x - self.conv17(self.middle(F.relu(self.conv1(x))))


class SrResNet(nn.Module):
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(64, 64, 3, 1, 1), nn.Conv2d(64, 64, 3, 1, 1)
            self.bn1, self.bn2 = nn.BatchNorm2d(64), nn.BatchNorm2d(64)
            self.slope = nn.Parameter(torch.linspace(0.1, 0.4, 64))

        def forward(self, x):
            return x + self.bn2(self.conv2(F.prelu(self.bn1(self.conv1(x)), self.slope)))

    class Upsampled(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(64, 256, 3, 1, 1)
            self.slope = nn.Parameter(torch.linspace(0.1, 0.4, 64))

        def forward(self, x):
            return F.prelu(F.pixel_shuffle(self.conv(x), 2), self.slope)

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = nn.Conv2d(3, 64, 9, 1, 4), nn.Conv2d(64, 64, 3, 1, 1), nn.Conv2d(64, 3, 9, 1, 4)
        self.bn2 = nn.BatchNorm2d(64)
        self.slope = nn.Parameter(torch.linspace(0.1, 0.4, 64))
        self.residuals = nn.Sequential(*[self.Residual() for _ in range(16)])
        self.twice = nn.Sequential(*[self.Upsampled() for _ in range(2)])

    def forward(self, x):
        first = F.prelu(self.conv1(x), self.slope)
        return self.conv3(self.twice(first + self.bn2(self.conv2(self.residuals(first)))))


class Res2Bottleneck(Bottleneck):
    """Gao et al. 2019."""

    def __init__(self, inputs, planes, stride=1, downsample=None, *others, **named):
        super().__init__(inputs, planes, stride, downsample, *others, **named)
        width = planes * 26 // 64
        self.first = stride > 1 or downsample is not None
        self.conv1, self.bn1 = nn.Conv2d(inputs, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        del self.conv2, self.bn2
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, stride, 1, bias=False) for _ in range(3))
        self.bns = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(3))
        self.conv3 = nn.Conv2d(4 * width, 4 * planes, 1, bias=False)

    def forward(self, x):
        parts = F.relu(self.bn1(self.conv1(x))).chunk(4, 1)
        made = []
        for i, (conv, bn) in enumerate(zip(self.convs, self.bns)):
            seen = parts[i] if i == 0 or self.first else parts[i] + made[-1]
            made.append(F.relu(bn(conv(seen))))
        last = F.avg_pool2d(parts[3], 3, self.stride, 1) if self.first else parts[3]
        y = self.bn3(self.conv3(torch.cat([*made, last], 1)))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class FcnResNet50(nn.Module):
    def __init__(self):
        super().__init__()
        model = torchvision.models.segmentation.fcn_resnet50(weights=None, weights_backbone=None, aux_loss=True)
        self.backbone, self.classifier, self.aux_classifier = model.backbone, model.classifier, model.aux_classifier

    def forward(self, x):
        features = self.backbone(x)
        y, aux = (F.interpolate(head(features[f]), x.shape[2:], mode="bilinear", align_corners=False)
                  for f, head in (("out", self.classifier), ("aux", self.aux_classifier)))
        return (y, aux) if self.training else y


class ResUnet(nn.Module):
    """Zhang et al. 2018."""

    class Residual(nn.Module):
        def __init__(self, inputs, out, stride=1):
            super().__init__()
            self.bn1, self.bn2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(out)
            self.conv1 = nn.Conv2d(inputs, out, 3, stride, 1, bias=False)
            self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
            self.shortcut = nn.Conv2d(inputs, out, 1, stride, bias=False)

        def forward(self, x):
            return self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(x)))))) + self.shortcut(x)

    class Up(nn.Module):
        def __init__(self, inputs, out):
            super().__init__()
            self.grown, self.block = nn.ConvTranspose2d(inputs, out, 2, 2), ResUnet.Residual(2 * out, out)

        def forward(self, x, beside):
            return self.block(torch.cat([self.grown(x), beside], 1))

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 1, 1)
        widths = (32, 32, 64, 128, 256, 512)
        for i in range(1, 5):
            setattr(self, f"down{i}", self.Residual(widths[i - 1], widths[i], 2 if i > 1 else 1))
            setattr(self, f"up{i}", self.Up(widths[i + 1], widths[i]))
        self.bridge = self.Residual(256, 512, 2)
        self.scores = nn.Conv2d(32, 2, 1)

    def forward(self, x):
        maps = [self.stem(x)]
        for i in range(1, 5):
            maps.append(getattr(self, f"down{i}")(maps[-1]))
        x = self.bridge(maps[-1])
        for i in (4, 3, 2, 1):
            x = getattr(self, f"up{i}")(x, maps[i])
        return self.scores(x)


class Cifar20(nn.Module):
    """He et al. 2015, section 4.2, up to the pooled features."""

    class Basic(nn.Module):
        def __init__(self, inputs, out, stride):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(inputs, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
            self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
            other = stride > 1 or inputs != out
            self.downsample = nn.Sequential(nn.Conv2d(inputs, out, 1, stride, bias=False), nn.BatchNorm2d(out)) if other else None

        def forward(self, x):
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            return F.relu(y + (x if self.downsample is None else self.downsample(x)))

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        widths = (16, 16, 32, 64)
        for i in (1, 2, 3):
            blocks = [self.Basic(widths[i - (b == 0)], widths[i], 2 if b == 0 and i > 1 else 1) for b in range(3)]
            setattr(self, f"layer{i}", nn.Sequential(*blocks))

    def forward(self, x):
        return self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))).mean((2, 3))


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.features, self.fc = Cifar20(), nn.Linear(64, 1)

    def forward(self, left, right):
        return self.fc((self.features(left) - self.features(right)).abs())


class ResNet1d(nn.Module):
    class Basic(nn.Module):
        def __init__(self, inputs, out, stride):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv1d(inputs, out, 7, stride, 3, bias=False), nn.BatchNorm1d(out)
            self.conv2, self.bn2 = nn.Conv1d(out, out, 7, 1, 3, bias=False), nn.BatchNorm1d(out)
            other = stride > 1 or inputs != out
            self.downsample = nn.Sequential(nn.Conv1d(inputs, out, 1, stride, bias=False), nn.BatchNorm1d(out)) if other else None

        def forward(self, x):
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            return F.relu(y + (x if self.downsample is None else self.downsample(x)))

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv1d(1, 32, 15, 4, 7, bias=False), nn.BatchNorm1d(32)
        widths = (32, 32, 64, 128, 256)
        for i in range(1, 5):
            blocks = [self.Basic(widths[i - (b == 0)], widths[i], 2 if b == 0 and i > 1 else 1) for b in range(2)]
            setattr(self, f"layer{i}", nn.Sequential(*blocks))
        self.fc = nn.Linear(256, 10)

    def forward(self, x):
        x = F.max_pool1d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean(2))


def with_aux(share, ignored=-100):
    """The loss of what a network gives in training: its output, and those half way."""
    def loss(outputs, target):
        terms = [F.cross_entropy(y, target, ignore_index=ignored) for y in outputs]
        return terms[0] + share * sum(terms[1:])
    return loss


# The network, and the shape and name of what it takes: bytes, or numbers where it is not "image".
OTHERS = {
    "se_resnet50": (lambda: ResNet(SqueezedBottleneck, [3, 4, 6, 3]), (3, 224, 224), "image"),
    "resnet50d": (resnet50d, (3, 224, 224), "image"),
    "resnet50_gn": (lambda: torchvision.models.resnet50(norm_layer=functools.partial(nn.GroupNorm, 32)),
                    (3, 224, 224), "image"),
    "googlenet": (lambda: torchvision.models.googlenet(weights=None, init_weights=False), (3, 224, 224), "image"),
    "inception_v3": (lambda: torchvision.models.inception_v3(weights=None, init_weights=False), (3, 299, 299), "image"),
    "res2net50": (lambda: ResNet(Res2Bottleneck, [3, 4, 6, 3]), (3, 224, 224), "image"),
    "fcn_resnet50": (FcnResNet50, (3, 97, 97), "image"),
    "resunet": (ResUnet, (3, 64, 64), "image"),
    "siamese_resnet20": (Siamese, (3, 32, 32), "left,right"),
    "resnet1d": (ResNet1d, (1, 4001), "row"),
    "lenet": (LeNet, (1, 28, 28), "image"),
    "mlp": (Mlp, (1, 28, 28), "image"),
    "cifar_preact_drop_resnet20": (lambda: SmallResNet(Dropped, False, True), (3, 32, 32), "image"),
    "cifar_skipinit_resnet20": (lambda: SmallResNet(Scaled, True, False), (3, 32, 32), "image"),
    "dncnn": (DnCnn, (1, 40, 40), "noisy"),
    "srresnet": (SrResNet, (3, 24, 24), "small"),
}
# rnc --set for images of that size.
SETTINGS = {"fcn_resnet50": ["size=97"], "resunet": ["side=64"], "resnet1d": ["length=4001"]}
# Targets that are like the output; all others are labels.
TARGETS = {"dncnn": "clean", "srresnet": "large"}
# Losses that are not the cross entropy of labels, nor the mean square.
LOSSES = {"googlenet": with_aux(0.3), "inception_v3": with_aux(0.4), "fcn_resnet50": with_aux(0.5, 255),
          "siamese_resnet20": F.binary_cross_entropy_with_logits}
