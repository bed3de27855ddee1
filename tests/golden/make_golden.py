#!/usr/bin/python3
"""Makes the golden files next to this script with PyTorch in float64 (written with 1.13 and Pillow 9.4).

For each case, a directory with a model.graph, it writes what `rnrun call` reads and should give:
    in.safetensors          the entries' inputs
    params.safetensors      parameters and buffers to start from
    loss.safetensors        outputs of entry loss: the predicted value and the loss, with running statistics
    backward.safetensors    outputs of entry backward, grad.* of every parameter, and the updated buffers
    train_step.safetensors  outputs of the last of three steps, and parameters, buffers and optimizer slots then

Inputs are exact in float32; results are rounded to it. Seeds are tried until no ReLU input and no max-pool
choice of any pass lies within MARGIN of its decision, so that rounding cannot flip one.
"""

import json
import pathlib
import re
import struct
import sys

import numpy
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

import maps
import operations
import paper_optimizers
from choices import decisions, max_pool, relu

MARGIN = 1e-4
STEPS = 3


def resize_u8(image, height, width):
    maps = image.reshape(-1, *image.shape[2:]).numpy()
    resized = [numpy.asarray(Image.fromarray(m).resize((width, height), Image.BILINEAR)) for m in maps]
    return torch.from_numpy(numpy.stack(resized)).reshape(*image.shape[:2], height, width)


def normalize(image, mean, std):
    shape = (1, len(mean), 1, 1)
    mean, std = (torch.tensor(v, dtype=torch.float64).reshape(shape) for v in (mean, std))
    return (image.double() / 255 - mean) / std


IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


class Conv(nn.Module):
    def __init__(self):
        super().__init__()
        self.pre = nn.Conv2d(3, 4, 1)
        self.conv = nn.Conv2d(4, 5, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 3))

    def forward(self, x):
        return self.conv(self.pre(x)).flatten(1)


class ConvGroups(nn.Module):
    def __init__(self):
        super().__init__()
        self.pre = nn.Conv2d(3, 6, 1)
        self.grouped = nn.Conv2d(6, 4, 3, padding=1, groups=2)
        self.depthwise = nn.Conv2d(4, 8, 3, stride=2, groups=4, bias=False)

    def forward(self, x):
        return self.depthwise(self.grouped(self.pre(x))).flatten(1)


class Pools(nn.Module):
    def __init__(self):
        super().__init__()
        self.pre = nn.Conv2d(2, 3, 1)

    def forward(self, x):
        x = max_pool(self.pre(x), 3, 2, 1)
        x = F.avg_pool2d(x, (3, 2), (2, 1), (1, 0), count_include_pad=False)
        return F.avg_pool2d(x, 2, 1, 1).flatten(1)


class BatchNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.pre = nn.Conv2d(2, 3, 1)
        self.bn1 = nn.BatchNorm2d(3, eps=1e-3, momentum=0.25)
        self.fc = nn.Linear(60, 7)
        self.bn2 = nn.BatchNorm1d(7)

    def forward(self, x):
        return self.bn2(self.fc(relu(self.bn1(self.pre(x))).flatten(1)))


class Normed(nn.Module):
    """Without biases before a batch norm, whose gradients would be rounding errors that Adam makes steps of."""

    def __init__(self):
        super().__init__()
        self.pre = nn.Conv2d(2, 5, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(5)
        self.fc = nn.Linear(30, 7)

    def forward(self, x):
        return self.fc(relu(self.bn1(self.pre(x))).flatten(1))


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(9, 11)
        self.fc2 = nn.Linear(11, 5, bias=False)

    def forward(self, x):
        return self.fc2(relu(self.fc1(x)))


class ResizeU8(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(60, 6)

    def forward(self, x):
        return self.fc(normalize(resize_u8(resize_u8(x, 14, 17), 5, 4), *IMAGENET).flatten(1))


class ResizeF32(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(40, 6)

    def forward(self, x):
        for size in ((11, 6), (4, 5)):
            x = F.interpolate(x, size, mode="bilinear", align_corners=False)
        return self.fc(x.flatten(1))


def shortcut(inputs, out, stride, bias=False):
    if stride == 1 and inputs == out:
        return None
    return nn.Sequential(nn.Conv2d(inputs, out, 1, stride, bias=bias), nn.BatchNorm2d(out))


class Plain(nn.Module):
    def __init__(self, inputs, out, stride=1, bias=False):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, out, 3, stride, 1, bias=bias)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=bias)
        self.bn2 = nn.BatchNorm2d(out)

    def convolutions(self, x):
        return self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return relu(self.convolutions(x))


class Basic(Plain):
    def __init__(self, inputs, out, stride=1, bias=False):
        super().__init__(inputs, out, stride, bias)
        self.downsample = shortcut(inputs, out, stride, bias)

    def forward(self, x):
        return relu(self.convolutions(x) + (self.downsample(x) if self.downsample else x))


class BasicZeroPadded(Plain):
    """Option A of He et al. 2015: every second pixel, zero channels on both sides."""

    def __init__(self, inputs, out, stride=1):
        super().__init__(inputs, out, stride)
        self.stride, self.added = stride, out - inputs

    def forward(self, x):
        before = self.added // 2
        pad = (0, 0, 0, 0, before, self.added - before)
        return relu(self.convolutions(x) + F.pad(x[:, :, :: self.stride, :: self.stride], pad))


class Preactivated(nn.Module):
    def __init__(self, inputs, out, stride=1):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, out, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.downsample = nn.Conv2d(inputs, out, 1, stride, bias=False) if stride != 1 or inputs != out else None

    def forward(self, x):
        active = relu(self.bn1(x))
        y = self.conv2(relu(self.bn2(self.conv1(active))))
        return y + (self.downsample(active) if self.downsample else x)


class Bottleneck(nn.Module):
    def __init__(self, inputs, mid, stride=1, groups=1, width=None):
        super().__init__()
        width = width or mid
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * mid, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * mid)
        self.downsample = shortcut(inputs, 4 * mid, stride)

    def forward(self, x):
        y = relu(self.bn2(self.conv2(relu(self.bn1(self.conv1(x))))))
        return relu(self.bn3(self.conv3(y)) + (self.downsample(x) if self.downsample else x))


class Residual(nn.Module):
    """The block of "Dive into Deep Learning"."""

    def __init__(self, inputs, out, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, out, 3, stride, 1)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1)
        self.bn2 = nn.BatchNorm2d(out)
        self.conv3 = nn.Conv2d(inputs, out, 1, stride) if stride != 1 or inputs != out else None

    def forward(self, x):
        y = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        return relu(y + (self.conv3(x) if self.conv3 else x))


class BasicBlocks(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(5, 13, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(13)
        self.layer1 = nn.Sequential(Basic(13, 19, 2), Basic(19, 19))
        self.fc = nn.Linear(19, 5)

    def forward(self, x):
        return self.fc(self.layer1(relu(self.bn1(self.conv1(x)))).mean((2, 3)))


class FrozenBlocks(BasicBlocks):
    """Transfer learning: the stem and the first block stay as they are, their batch norm as in evaluation."""

    def train(self, mode=True):
        super().train(mode)
        for part in (self.conv1, self.bn1, self.layer1[0]):
            part.eval().requires_grad_(False)
        return self


class BottleneckBlocks(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Sequential(Bottleneck(6, 5, 2), Bottleneck(20, 5))
        self.fc = nn.Linear(20, 4)

    def forward(self, x):
        return self.fc(self.layer1(x).mean((2, 3)))


class OptionA(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.layer1 = nn.Sequential(BasicZeroPadded(6, 6))
        self.layer2 = nn.Sequential(BasicZeroPadded(6, 13, 2), BasicZeroPadded(13, 13))
        self.layer3 = nn.Sequential(BasicZeroPadded(13, 21, 2))
        self.layer4 = nn.Sequential(BasicZeroPadded(21, 23))
        self.linear = nn.Linear(23, 5)

    def forward(self, x):
        x = self.layer2(self.layer1(relu(self.bn1(self.conv1(x)))))
        return self.linear(self.layer4(self.layer3(x)).mean((2, 3)))


class Stages(nn.Module):
    """Stages of blocks, global average pooling, a linear layer."""

    def __init__(self, *stages, features, classes):
        super().__init__()
        for index, stage in enumerate(stages, 1):
            self.add_module(f"layer{index}", nn.Sequential(*stage))
        self.fc = nn.Linear(features, classes)

    def forward(self, x):
        for name, stage in self.named_children():
            x = stage(x) if name.startswith("layer") else x
        return self.fc(x.mean((2, 3)))


def plain_blocks():
    return Stages([Plain(4, 9, 2), Plain(9, 9)], features=9, classes=5)


def resnext_blocks():
    stages = ([Bottleneck(6, 6, 2, 3, 12), Bottleneck(24, 6, 1, 3, 12)], [Bottleneck(24, 12, 1, 8, 24)])
    return Stages(*stages, features=48, classes=4)


def wide_blocks():
    return Stages([Bottleneck(5, 4, 2, width=8), Bottleneck(16, 4, width=8)], features=16, classes=4)


def biased_blocks():
    return Stages([Basic(3, 7, 2, bias=True), Basic(7, 7, bias=True)], features=7, classes=5)


class PreactivatedBlocks(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 7, 3, padding=1, bias=False)
        self.layer1 = nn.Sequential(Preactivated(7, 7))
        self.layer2 = nn.Sequential(Preactivated(7, 11, 2), Preactivated(11, 11))
        self.bn = nn.BatchNorm2d(11)
        self.fc = nn.Linear(11, 4)

    def forward(self, x):
        return self.fc(relu(self.bn(self.layer2(self.layer1(self.conv1(x))))).mean((2, 3)))


class AvgPool4(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Sequential(Basic(3, 8, 2))
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        return self.fc(F.avg_pool2d(self.layer1(x), 4).flatten(1))


class Alone(nn.Module):
    """A block whose result is the prediction: its parameters are called y.conv1.weight, ..."""

    def __init__(self, block):
        super().__init__()
        self.y = block

    def forward(self, x):
        return self.y(x)


class SmallResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.layer1 = nn.Sequential(Basic(6, 6))
        self.layer2 = nn.Sequential(Basic(6, 9, 2))
        self.layer3 = nn.Sequential(Basic(9, 12, 2))
        self.fc = nn.Linear(12, 7)

    def forward(self, x):
        x = max_pool(relu(self.bn1(self.conv1(normalize(x, *IMAGENET)))), 3, 2, 1)
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


class SmallD2l(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 7, 2, 3)
        self.bn1 = nn.BatchNorm2d(4)
        self.layer1 = nn.Sequential(Residual(4, 4))
        self.layer2 = nn.Sequential(Residual(4, 7, 2), Residual(7, 7))
        self.fc = nn.Linear(7, 10)

    def forward(self, x):
        x = normalize(resize_u8(x, 20, 20), [0], [1])
        x = max_pool(relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.layer2(self.layer1(x)).mean((2, 3)))


class Standardised(nn.Module):
    """A convolution's weight without its gain, with every filter of mean 0 and variance 1 (Qiao et al. 2019)."""

    def __init__(self, inputs, out, kernel):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out, inputs, kernel, kernel))
        self.gain = nn.Parameter(torch.rand(out) + 0.5)

    def forward(self):
        variance, mean = torch.var_mean(self.weight, (1, 2, 3), unbiased=False, keepdim=True)
        return (self.weight - mean) / torch.sqrt(variance + 1e-5) * self.gain.reshape(-1, 1, 1, 1)


class WeightStandardisation(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = Standardised(3, 10, 3)
        self.mix = nn.Parameter(torch.randn(6, 10))
        self.fc = nn.Linear(6, 5)

    def forward(self, x):
        x = relu(F.conv2d(x, self.conv(), stride=2, padding=1)).mean((2, 3))
        return self.fc(F.linear(x, self.mix.softmax(1)))

    def penalty(self):
        return 0.5 * self.mix.softmax(1).square().sum()


def trained(model):
    return [p for p in model.parameters() if p.requires_grad]


def sgd(lr, **hyper):
    return lambda model: torch.optim.SGD(trained(model), lr, **hyper)


def adam(lr, **hyper):
    return lambda model: torch.optim.Adam(trained(model), lr, **hyper)


def grouped(optimizer, norm_weight_decay, bias_weight_decay, **hyper):
    """Weight decay by groups, as torchvision's set_weight_decay makes them: biases, then batch norms, then the rest."""

    def make(model):
        groups = {"bias": [], "norm": [], "other": []}
        for module in model.modules():
            norm = isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d))
            for name, parameter in module.named_parameters(recurse=False):
                groups["bias" if name == "bias" else "norm" if norm else "other"].append(parameter)
        decays = {"bias": bias_weight_decay, "norm": norm_weight_decay}
        return optimizer([dict(params=p, weight_decay=decays[g]) if g in decays else dict(params=p)
                          for g, p in groups.items()], **hyper)

    return make


# Directory: network, dtype and shape of the input, its name, the predicted value's name, optimizer, label smoothing.
MOMENTUM = dict(momentum=0.9, weight_decay=0.001)
CASES = {
    "conv": (Conv, "f32", (4, 3, 8, 9), "image", "out", sgd(0.1, momentum=0.9, weight_decay=0.01), 0),
    "conv_groups": (ConvGroups, "f32", (3, 3, 6, 5), "image", "out", sgd(0.1, momentum=0.9, dampening=0.3), 0),
    "pools": (Pools, "f32", (3, 2, 11, 9), "image", "out", sgd(0.1, momentum=0.9, nesterov=True), 0),
    "batch_norm": (BatchNorm, "f32", (5, 2, 4, 5), "image", "bn2", sgd(0.1, weight_decay=0.02), 0),
    "linear_adam": (Linear, "f32", (6, 9), "x", "fc2", adam(0.01, betas=(0.8, 0.999), weight_decay=0.01), 0.15),
    "adamw": (Normed, "f32", (5, 2, 4, 5), "image", "fc",
              grouped(torch.optim.AdamW, 0.3, 0.5, lr=0.01, weight_decay=0.1), 0),
    "rmsprop": (BatchNorm, "f32", (5, 2, 4, 5), "image", "bn2",
                grouped(torch.optim.RMSprop, 0, 0.2, lr=0.01, alpha=0.9, eps=0.03, momentum=0.8, weight_decay=0.1), 0),
    "rmsprop_centered": (Linear, "f32", (6, 9), "x", "fc2",
                         lambda model: torch.optim.RMSprop(model.parameters(), 0.01, centered=True), 0),
    "lion": (Normed, "f32", (5, 2, 4, 5), "image", "fc",
             grouped(paper_optimizers.Lion, 0.3, 0.5, lr=0.01, betas=(0.8, 0.95), weight_decay=0.1), 0),
    "lamb": (Normed, "f32", (5, 2, 4, 5), "image", "fc",
             grouped(paper_optimizers.LAMB, 0.3, 0.5, lr=0.01, weight_decay=0.1), 0),
    "lars": (Normed, "f32", (5, 2, 4, 5), "image", "fc",
             grouped(paper_optimizers.LARS, 0, 0, lr=0.5, momentum=0.9, weight_decay=0.1, trust_coefficient=0.02), 0),
    "sgd_groups": (BatchNorm, "f32", (5, 2, 4, 5), "image", "bn2",
                   grouped(torch.optim.SGD, 0, 0, lr=0.1, momentum=0.9, weight_decay=0.1), 0),
    "resize_u8": (ResizeU8, "u8", (2, 3, 9, 13), "image", "fc", sgd(0.1), 0),
    "resize_f32": (ResizeF32, "f32", (2, 2, 7, 6), "image", "fc", sgd(0.1), 0),
    "basic": (BasicBlocks, "f32", (3, 5, 6, 6), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "frozen": (FrozenBlocks, "f32", (3, 5, 6, 6), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "bottleneck": (BottleneckBlocks, "f32", (5, 6, 7, 7), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "resnet": (SmallResNet, "u8", (4, 3, 24, 24), "image", "fc", sgd(0.05, momentum=0.9, weight_decay=1e-4), 0),
    "option_a": (OptionA, "f32", (3, 3, 8, 8), "image", "linear", sgd(0.05, **MOMENTUM), 0),
    "plain": (plain_blocks, "f32", (3, 4, 7, 7), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "resnext": (resnext_blocks, "f32", (3, 6, 7, 7), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "wide": (wide_blocks, "f32", (4, 5, 6, 6), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "activations": (operations.Activations, "f32", (3, 3, 4, 3), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "preactivated": (PreactivatedBlocks, "f32", (3, 3, 6, 6), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "avg_pool4": (AvgPool4, "f32", (3, 3, 14, 14), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "biased": (biased_blocks, "f32", (4, 3, 6, 6), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "residual": (lambda: Alone(Residual(3, 3)), "f32", (4, 3, 6, 6), "x", "y", sgd(0.05, **MOMENTUM), 0),
    "residual_strided": (lambda: Alone(Residual(3, 6, 2)), "f32", (4, 3, 6, 6), "x", "y", sgd(0.05, **MOMENTUM), 0),
    "weight_standardisation": (WeightStandardisation, "f32", (3, 3, 6, 7), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "gates": (operations.Gates, "f32", (3, 3, 5, 4), "image", "scaled", sgd(0.05, **MOMENTUM), 0),
    "rolls": (operations.Rolls, "f32", (3, 3, 5, 4), "image", "rolled", sgd(0.05, **MOMENTUM), 0),
    "library": (operations.Library, "f32", (3, 3, 5, 6), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "maps": (maps.Maps, "f32", (3, 3, 17, 13), "image", "scores", sgd(0.05, **MOMENTUM), 0),
    "large_pools": (maps.LargePools, "f32", (3, 2, 18, 18), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "tokens": (maps.Tokens, "f32", (3, 3, 8, 12), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "dense": (maps.Dense, "f32", (4, 3, 8, 8), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "rows": (maps.Rows, "f32", (5, 4, 21), "image", "fc", sgd(0.05, **MOMENTUM), 0),
    "d2l": (SmallD2l, "u8", (5, 1, 14, 14), "image", "fc", sgd(0.05), 0),
}
SLOTS = {"momentum_buffer": "momentum", "exp_avg": "exp_avg", "exp_avg_sq": "exp_avg_sq",
         "square_avg": "square_avg", "grad_avg": "grad_avg"}


def make(case, seed):
    """The files of a case from this seed, and whether it keeps clear of all decisions."""
    network, dtype, shape, input_name, output_name, optimizer, smoothing = CASES[case]
    torch.manual_seed(seed)
    decisions.smallest = float("inf")
    model = network().double()
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if re.search(r"bn\d?\.|downsample\.1\.", name) and tensor.dtype == torch.float64:
                positive = name.endswith(("weight", "running_var"))
                tensor.uniform_(0.5, 1.5) if positive else tensor.uniform_(-0.5, 0.5)
            if tensor.dtype == torch.float64:
                tensor.copy_(tensor.float())
    x = torch.randint(0, 256, shape, dtype=torch.uint8) if dtype == "u8" else torch.randn(shape).double()
    params = state(model)
    classes = model(x).flatten(1).shape[1]
    label = torch.randint(0, classes, shape[:1], dtype=torch.int32)
    if hasattr(model, "make_label"):
        label = model.make_label(shape[0])
    model.load_state_dict(params, strict=False)

    def run():
        predicted = model(x)
        if hasattr(model, "loss"):
            loss = model.loss(predicted, label.long())
        else:
            loss = F.cross_entropy(predicted.flatten(1), label.long(), label_smoothing=smoothing)
        if hasattr(model, "penalty"):
            loss = loss + model.penalty()
        return loss, {output_name: predicted.detach().clone(), "loss": loss.detach().clone()}

    files = {"in": {input_name: x, "label": label}, "params": params}
    files["loss"] = run_eval(model, run)
    model.train()
    steps = optimizer(model)
    for step in range(STEPS):
        steps.zero_grad()
        loss, outputs = run()
        loss.backward()
        if step == 0:
            gradients = {"grad." + n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad}
            files["backward"] = {**outputs, **gradients, **buffers(model)}
        steps.step()
    slots = {
        f"{SLOTS[key]}.{name}": value
        for name, p in model.named_parameters()
        if p.requires_grad
        for key, value in steps.state[p].items()
        if key in SLOTS and value is not None
    }
    files["train_step"] = {**outputs, **state(model), **slots}
    return files, decisions.smallest > MARGIN


def run_eval(model, run):
    model.eval()
    with torch.no_grad():
        return run()[1]


def known(model, tensors):
    """Without the numbers of batches that nothing reads."""
    counting = {f"{n}.num_batches_tracked" for n, m in model.named_modules() if getattr(m, "momentum", 0) is None}
    counts = {n: t.double() for n, t in tensors if n in counting}
    return {n: t.clone() for n, t in tensors if not n.endswith("num_batches_tracked")} | counts


def state(model):
    return known(model, list(model.state_dict().items()))


def buffers(model):
    return known(model, list(model.named_buffers()))


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in sorted(tensors.items()):
        if tensor.dtype == torch.float64:
            tensor = tensor.float()
        dtype = {torch.float32: "F32", torch.uint8: "U8", torch.int32: "I32"}[tensor.dtype]
        content = tensor.detach().contiguous().numpy().tobytes()
        offsets = [len(data), len(data) + len(content)]
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": offsets}
        data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    root = pathlib.Path(__file__).parent
    torch.set_num_threads(1)
    for case in sys.argv[1:] or CASES:
        for seed in range(10000):
            files, clear = make(case, seed)
            if clear:
                break
        else:
            sys.exit(f"{case}: no seed keeps clear of all decisions")
        for name, tensors in files.items():
            write_safetensors(root / case / f"{name}.safetensors", tensors)
        print(f"{case}: seed {seed}, nearest decision {decisions.smallest:.2g}")


if __name__ == "__main__":
    main()
