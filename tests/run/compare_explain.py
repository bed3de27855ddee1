#!/usr/bin/python3
"""rnrun explain against PyTorch: activations, gradients (torch.autograd.grad) and maps of Grad-CAM of a narrow network in
float64, whose channels fill no vector, with folded batch norm, Winograd's algorithm and two predictions.
Usage: compare_explain.py --bin DIRECTORY_OF_PROGRAMS"""
import argparse, platform, subprocess, tempfile
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from compare_torchvision import read_safetensors, write_safetensors

NETWORK = """
block residual(x, out, stride) {
  conv1 = conv2d(x, out, kernel = 3, stride = stride, pad = 1, bias = false)
  bn1 = batch_norm(conv1)
  conv2 = conv2d(relu(bn1), out, kernel = 3, pad = 1, bias = false)
  bn2 = batch_norm(conv2)
  if stride == 1 { return relu(bn2 + x) }
  shortcut = conv2d(x, out, kernel = 1, stride = stride)
  return relu(bn2 + shortcut)
}

model net(image: u8[N, 3, 36, 44], label: i32[N]) {
  x = normalize(image, mean = [0.4, 0.5, 0.6], std = [0.2, 0.3, 0.25])
  conv1 = conv2d(x, 5, kernel = 3, pad = 1, bias = false)
  bn1 = batch_norm(conv1)
  stem = max_pool(relu(bn1), kernel = 2, stride = 2)
  layer1 = residual(stem, 20, 2)
  depthwise = conv2d(layer1, 20, kernel = 3, pad = 1, groups = 20)
  layer2 = residual(silu(depthwise), 37, 2)
  layer3 = residual(layer2, 37, 1)
  pooled = flatten(global_avg_pool(layer3))
  fc = linear(dropout(pooled, p = 0.5), 7)
  predict fc
  predict layer2
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9)
}
"""
LAYERS = {"": "layer3", "layer3": "layer3", "layer1": "layer1", "layer1.bn2": "layer1.bn2", "conv1": "conv1"}
IMAGES, CLASSES, CHOSEN = 3, 7, 5
TOLERANCE = 1e-4


class Residual(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        if stride > 1:
            self.shortcut = nn.Conv2d(channels, out, 1, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.shortcut(x) if hasattr(self, "shortcut") else x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 5, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(5)
        self.layer1 = Residual(5, 20, 2)
        self.depthwise = nn.Conv2d(20, 20, 3, 1, 1, groups=20)
        self.layer2 = Residual(20, 37, 2)
        self.layer3 = Residual(37, 37, 1)
        self.fc = nn.Linear(37, CLASSES)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = self.layer3(self.layer2(F.silu(self.depthwise(self.layer1(x)))))
        return self.fc(x.mean((2, 3)))


def network():
    torch.manual_seed(3)
    net = Net()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.6, 1.4)
    return net.eval()


def explained(net, pixels, layer, classes):
    """The activation, the gradient of the sum of the chosen scores, the map, and the scores."""
    kept = []
    module = net.get_submodule(layer)
    handle = module.register_forward_hook(lambda _, __, result: kept.append(result))
    mean, std = (torch.tensor(v).double().view(1, 3, 1, 1) for v in ((0.4, 0.5, 0.6), (0.2, 0.3, 0.25)))
    scores = net((pixels.double() / 255 - mean) / std)
    handle.remove()
    places = scores.argmax(1) if classes is None else torch.full((len(pixels),), classes)
    gradient, = torch.autograd.grad(scores.gather(1, places.view(-1, 1)).sum(), kept[0])
    raw = F.relu((gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1, keepdim=True))
    heat = F.interpolate(raw, pixels.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    return kept[0].detach(), gradient, heat.detach(), places


def error(ours, theirs):
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    return ((ours.double() - theirs).abs().max() / theirs.abs().max()).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=Path, required=True)
    bin = parser.parse_args().bin.resolve()
    directory = Path(tempfile.mkdtemp())
    net = network()
    params = {k: v.clone() for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    net.double()
    (directory / "net.graph").write_text(NETWORK)
    write_safetensors(directory / "weights.safetensors", params)
    random = numpy.random.default_rng(1)
    pixels = torch.from_numpy(random.integers(0, 256, (IMAGES, 3, 36, 44), dtype=numpy.uint8))
    names = [f"{i}.png" for i in range(IMAGES)]
    for name, image in zip(names, pixels):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(directory / name)

    def run(*command):
        return subprocess.run(command, cwd=directory, check=True, stdout=subprocess.PIPE, text=True).stdout

    def maps(library, *flags):
        run(bin / "rnrun", "explain", library, *names, "-o", "maps.npz", *flags)
        return numpy.load(directory / "maps.npz")

    worst = 0
    cpus = ["native", "x86-64-v3"] if platform.machine() == "x86_64" else ["native"]
    for cpu, conv in [(cpus[0], "auto"), (cpus[-1], "layer3.*=winograd2,layer1.conv2=winograd4"), (cpus[0], "direct")]:
        compile = [bin / "rnc", "net.graph", f"--target-cpu={cpu}", f"--conv={conv}"]
        run(*compile, "-o", "net.so", "--explain", "--explain=layer1", "--explain=layer1.bn2", "--explain=conv1")
        factors = torch.zeros(IMAGES, CLASSES)
        factors[:, CHOSEN] = 1
        write_safetensors(directory / "in.safetensors", {"image": pixels, "grad_output": factors})
        run(bin / "rnrun", "call", "net.so", "explain", "--in", "in.safetensors", "--params", "weights.safetensors",
            "--out", "out.safetensors")
        ours = read_safetensors(directory / "out.safetensors")
        activations = {name for name in ours if "gradient." + name in ours}
        for layer, module in LAYERS.items():
            activation, gradient, heat, _ = explained(net, pixels, module, CHOSEN)
            name, = (n for n in activations if n == module or n.startswith(module + ".relu"))
            errors = [error(ours[name], activation), error(ours["gradient." + name], gradient)]
            asked = ("--layer", layer) if layer else ()
            own = maps("net.so", "--weights", "weights.safetensors", "--class", str(CHOSEN), *asked)
            errors.append(error(torch.from_numpy(own["map"]), heat))
            own = maps("net.so", "--weights", "weights.safetensors", *asked)
            _, _, heat, places = explained(net, pixels, module, None)
            assert own["class"].tolist() == places.tolist(), (own["class"], places)
            errors.append(error(torch.from_numpy(own["map"]), heat))
            assert max(errors) <= TOLERANCE, (cpu, conv, name, errors)
            worst = max(worst, *errors)

        # One layer alone is differentiated no further than to it, and gives the same; so does a library with its weights.
        run(*compile, "-o", "one.so", "--explain", "--weights", "weights.safetensors")
        entry = run(*compile, "--explain", "--emit=graph").split("entry explain ", 1)[1].split("\n  entry ", 1)[0]
        assert "conv2d_input_grad" not in entry and "weight_grad" not in entry, "differentiated too far back"
        heat = explained(net, pixels, "layer3", CHOSEN)[2]
        for threads in "1", "3":
            own = maps("one.so", "--class", str(CHOSEN), "-j", threads)["map"]
            assert error(torch.from_numpy(own), heat) <= TOLERANCE
            first = own if threads == "1" else first
            assert own.tobytes() == first.tobytes()
    print(f"activations, gradients and maps are within {worst:.1e}, relative to their largest")


if __name__ == "__main__":
    main()
