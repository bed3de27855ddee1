#!/usr/bin/python3
"""Gradient accumulation, clipping and learning rates of single layers, step by step as PyTorch.

    tests/run/compare_training.py [--bin build/bin]

Trains a small network with batch norm from the same weights on the same images, in the same order, by rnrun and by
PyTorch in float64: batches whose gradients are averaged over a step's images, torch.nn.utils.clip_grad_norm_, SGD or
Adam, groups of parameters with rates of their own. Some steps must be clipped and some not. The parameters and running statistics after all steps must agree within
1e-4 (relative L2). Needs Debian's python3-torch.
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
from torch import nn

LIMIT, IMAGES, BATCH, EPOCHS, SEED, LR = 1e-4, 56, 8, 2, 5, 0.05

GRAPH = """
model net(image: u8[N, 3, 12, 12], label: i32[N]) {
  x = normalize(image, mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25])
  conv1 = conv2d(x, 8, kernel = 3, pad = 1, bias = false)
  bn1 = batch_norm(conv1)
  conv2 = conv2d(relu(bn1), 8, kernel = 3, stride = 2, pad = 1)
  fc = linear(flatten(global_avg_pool(relu(conv2))), 4)
  predict fc
  loss cross_entropy(fc, label)
  train OPTIMIZER
  recipe(epochs = 1, batch_size = 8, lr = 0.05)
}
"""

LR_MULT = "conv1=0.1,bn1.*=0.5,fc=2"


def groups(model):
    """What LR_MULT says."""
    rates = {model.conv1: 0.1, model.bn1: 0.5, model.conv2: 1, model.fc: 2}
    return [dict(params=layer.parameters(), lr=LR * factor) for layer, factor in rates.items()]


# The optimizer in the graph's words and in PyTorch's, batches per step, the largest norm (0: any), further flags.
CASES = {
    "accumulate": ("sgd(momentum = 0.9)", lambda m: torch.optim.SGD(m.parameters(), LR, momentum=0.9), 3, 0, []),
    "clip": ("sgd(momentum = 0.9, weight_decay = 1e-3)",
             lambda m: torch.optim.SGD(m.parameters(), LR, momentum=0.9, weight_decay=1e-3), 1, 0.45, []),
    "accumulate and clip": ("sgd()", lambda m: torch.optim.SGD(m.parameters(), LR), 2, 0.45, []),
    "the same with Adam": ("adam()", lambda m: torch.optim.Adam(m.parameters(), LR), 3, 0.45, []),
    "rates of layers": ("sgd(momentum = 0.9, weight_decay = 0.01)",
                        lambda m: torch.optim.SGD(groups(m), LR, momentum=0.9, weight_decay=0.01), 1, 0,
                        ["--lr-mult", LR_MULT]),
    "the same with AdamW": ("adamw(weight_decay = 0.1)", lambda m: torch.optim.AdamW(groups(m), LR, weight_decay=0.1), 3, 0.45,
                            ["--lr-mult", LR_MULT]),
}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, 2, 1)
        self.fc = nn.Linear(8, 4)

    def forward(self, image):
        x = (image.double() / 255 - 0.5) / 0.25
        return self.fc(F.relu(self.conv2(F.relu(self.bn1(self.conv1(x))))).mean((2, 3)))


def philox(key, stream, counter):
    """Four random numbers of 32 bits: Philox4x32-10, as runtime/support/random.h."""
    low, high = (lambda x: x & 0xFFFFFFFF), (lambda x: x >> 32)
    x, k0, k1 = [low(counter), high(counter), low(stream), high(stream)], low(key), high(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = [high(p1) ^ x[1] ^ k0, low(p1), high(p0) ^ x[3] ^ k1, low(p0)]
        k0, k1 = low(k0 + 0x9E3779B9), low(k1 + 0xBB67AE85)
    return x


def permutation(count, seed, epoch):
    """The order of an epoch's images: runtime/support/random.h."""
    name = 0xCBF29CE484222325
    for c in b"shuffle":
        name = ((name ^ c) * 0x100000001B3) % 2**64
    numbers = (n for counter in range(2**40) for n in philox(seed, (name + epoch) % 2**64, counter))
    order = list(range(count))
    for i in range(count, 1, -1):
        while (product := next(numbers) * i) % 2**32 < (2**32 - i) % i:
            pass
        j = product >> 32
        order[i - 1], order[j] = order[j], order[i - 1]
    return order


def train_in_pytorch(model, optimizer, images, labels, accumulate, largest_norm):
    """Whether some steps were clipped, and some not."""
    model.train()
    clipped = []
    for epoch in range(EPOCHS):
        order = permutation(IMAGES, SEED, epoch)
        for begin in range(0, IMAGES, BATCH * accumulate):
            step = order[begin:begin + BATCH * accumulate]
            optimizer.zero_grad()
            for first in range(0, len(step), BATCH):
                batch = step[first:first + BATCH]
                share = len(batch) / len(step)
                (share * F.cross_entropy(model(images[batch]), labels[batch])).backward()
            if largest_norm > 0:
                norm = nn.utils.clip_grad_norm_(model.parameters(), largest_norm)
                clipped.append(norm.item() > largest_norm)
            optimizer.step()
    return largest_norm == 0 or (any(clipped) and not all(clipped))


def compare(name, case, rnc, rnrun, directory):
    optimizer_text, make_optimizer, accumulate, largest_norm, flags = case
    graph, library, data, start = (directory / f for f in ("net.graph", "net.so", "train.safetensors", "start"))
    run = lambda *command: subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    graph.write_text(GRAPH.replace("OPTIMIZER", optimizer_text))
    run(rnc, graph, "-o", library)
    images = torch.randint(0, 256, (IMAGES, 3, 12, 12), dtype=torch.uint8)
    labels = torch.randint(0, 4, (IMAGES,))
    pytorch_weights.save({"image": images, "label": labels.int()}, data)
    model = Net()
    pytorch_weights.save({k: v for k, v in model.state_dict().items() if v.is_floating_point()}, start)
    model.double()
    run(rnrun, "train", library, "--data", f"tensors:{data}", "--weights", start, "--epochs", EPOCHS, "--seed", SEED,
        "-b", BATCH, "--lr", LR, "--accumulate", accumulate, "--clip-grad-norm", largest_norm, "--eval-every", 0,
        "--output-dir", directory / "run", *flags)
    both = train_in_pytorch(model, make_optimizer(model), images, labels, accumulate, largest_norm)
    ours = pytorch_weights.load(directory / "run" / "checkpoint-last.safetensors")
    theirs = {k: v for k, v in model.state_dict().items() if v.is_floating_point()}
    worst = max((((ours[k].double() - v).norm() / v.norm()).item(), k) for k, v in theirs.items())
    passed = worst[0] <= LIMIT and both and ours.keys() == theirs.keys()
    print(f"{name}: {accumulate} batches a step, largest norm {largest_norm or 'any'}: parameters differ by at most "
          f"{worst[0]:.1e} ({worst[1]}){'' if both else '; all steps alike were clipped or not'}: "
          f"{'PASS' if passed else 'FAIL'}", flush=True)
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
    options = parser.parse_args()
    torch.manual_seed(1)
    passed = True
    for name, case in CASES.items():
        with tempfile.TemporaryDirectory() as directory:
            passed = compare(name, case, options.bin / "rnc", options.bin / "rnrun", pathlib.Path(directory)) and passed
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
