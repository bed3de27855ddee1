#!/usr/bin/python3
"""Weights trained here give the same logits in PyTorch, and PyTorch's here.

    tests/run/compare_logits.py [--bin build/bin] [MODEL ...]

Models: resnet18, resnet50, resnext50_32x4d (torchvision's) and cifar_resnet20, cifar_resnet56 (He et al. 4.2, shortcuts
of option A); by default cifar_resnet20. Each is trained for some steps on generated images, by rnrun and by PyTorch; the
weights go to the other side, and both compute the logits of the same images. They must agree within 1e-4 (relative L2).
Needs Debian's python3-torch and python3-torchvision.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "samples")]
import pytorch_weights
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

LIMIT, IMAGES, STEPS, BATCH = 1e-4, 5, 6, 4


class Basic(nn.Module):
    """Two 3x3 convolutions; where the shape changes, the shortcut takes every second pixel and pads channels."""

    def __init__(self, inputs, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.stride, self.padding = stride, (out - inputs) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.padding, self.padding)))


class CifarResNet(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        inputs = 16
        for index, out in enumerate((16, 32, 64), 1):
            layer = [Basic(inputs if i == 0 else out, out, 2 if i == 0 and index > 1 else 1) for i in range(blocks)]
            self.add_module(f"layer{index}", nn.Sequential(*layer))
            inputs = out
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for index in (1, 2, 3):
            x = getattr(self, f"layer{index}")(x)
        return self.linear(x.mean((2, 3)))


# The network, the size of its images, the number of classes, the name of its output.
MODELS = {
    "resnet18": (torchvision.models.resnet18, 224, 1000, "fc"),
    "resnet50": (torchvision.models.resnet50, 224, 1000, "fc"),
    "resnext50_32x4d": (torchvision.models.resnext50_32x4d, 224, 1000, "fc"),
    "cifar_resnet20": (lambda: CifarResNet(3), 32, 10, "linear"),
    "cifar_resnet56": (lambda: CifarResNet(9), 32, 10, "linear"),
}


def normalized(images):
    mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return (images.float() / 255 - mean) / std


def random_images(count, size):
    return torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8)


def train_in_pytorch(model, size, classes):
    optimizer = torch.optim.SGD(model.parameters(), 0.01, 0.9)
    model.train()
    for _ in range(STEPS):
        optimizer.zero_grad()
        labels = torch.randint(0, classes, (BATCH,))
        F.cross_entropy(model(normalized(random_images(BATCH, size))), labels).backward()
        optimizer.step()


def compare(name, rnc, rnrun, directory):
    network, size, classes, output = MODELS[name]
    library, weights, images, result = (directory / f for f in ("model.so", "weights", "images", "result"))
    run = lambda *command: subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    run(rnc, ROOT / "samples" / f"{name}.graph", "-o", library)
    run(rnrun, "train", library, "--data", "shapes", "--epochs", 1, "--limit-batches", STEPS, "-b", BATCH, "--lr", 0.01,
        "--eval-every", 0, "--output-dir", directory / "run")
    inputs = random_images(IMAGES, size)
    pytorch_weights.save({"image": inputs}, images)

    def difference(model, file):
        run(rnrun, "call", library, "infer", "--in", images, "--params", file, "--out", result)
        ours = pytorch_weights.read(result)[0][output].double()
        with torch.no_grad():
            theirs = model.eval()(normalized(inputs)).double()
        return ((ours - theirs).norm() / theirs.norm()).item()

    model = network()
    checkpoint = next((directory / "run").glob("checkpoint*.safetensors"))
    model.load_state_dict(pytorch_weights.load(checkpoint))
    there = difference(model, checkpoint)
    model = network()
    train_in_pytorch(model, size, classes)
    pytorch_weights.save(model.state_dict(), weights)
    here = difference(model, weights)
    passed = max(there, here) <= LIMIT
    print(f"{name}: trained here, logits in PyTorch differ by {there:.1e}; trained in PyTorch, logits here differ by "
          f"{here:.1e}; at most {LIMIT:.0e}: {'PASS' if passed else 'FAIL'}", flush=True)
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=["cifar_resnet20"], metavar="MODEL", help=", ".join(MODELS))
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
    options = parser.parse_args()
    torch.manual_seed(1)
    passed = True
    for name in options.models:
        with tempfile.TemporaryDirectory() as directory:
            passed = compare(name, options.bin / "rnc", options.bin / "rnrun", pathlib.Path(directory)) and passed
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
