#!/usr/bin/python3
"""Compares samples with the networks of torchvision that they are called after, or with those of other_networks.py.

Parameters and buffers must have the same names and shapes, and logits, of random weights and images, be as near to
float64 as four times PyTorch's own float32. With --gradients, so must the gradients of a step be, by the norm of the
difference: of a few elements at a bend, rounding chooses the other side. Nothing is dropped.

    tests/run/compare_torchvision.py build/bin                       # all networks
    tests/run/compare_torchvision.py build/bin --gradients mobilenet_v2
"""

import argparse
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

import numpy
import torch
import torch.nn.functional as F
import torchvision

from other_networks import LOSSES, OTHERS, SETTINGS, TARGETS

NETWORKS = ("alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "mobilenet_v2", "mobilenet_v3_small",
            "regnet_y_400mf", "shufflenet_v2_x1_0", "squeezenet1_1", "vgg16_bn")
SEEDS = (1, 2, 3)
SAMPLES = pathlib.Path(__file__).parents[2] / "samples"
# What the samples subtract and divide by: of ImageNet, CIFAR-10 and images of one channel.
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CIFAR = ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
DTYPES = {torch.float32: "F32", torch.uint8: "U8", torch.int32: "I32"}


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        content = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    content = path.read_bytes()
    size, = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        if entry["dtype"] in ("F32", "I32"):
            values = numpy.frombuffer(content[begin:end], {"F32": numpy.float32, "I32": numpy.int32}[entry["dtype"]])
            tensors[name] = torch.from_numpy(values.copy()).reshape(entry["shape"])
    return tensors


def network(name, seed):
    """With random weights and statistics, in evaluation."""
    torch.manual_seed(seed)
    model = OTHERS[name][0]() if name in OTHERS else getattr(torchvision.models, name)(weights=None)
    for key, value in model.state_dict().items():
        if key.endswith("running_mean"):
            value.uniform_(-0.3, 0.3)
        if key.endswith("running_var"):
            value.uniform_(0.6, 1.4)
        if key.endswith("layer_scale"):
            value.uniform_(-0.5, 0.5)
    for module in model.modules():  # in training, too
        if isinstance(module, torch.nn.Dropout):
            module.p = 0
        if isinstance(module, torchvision.ops.StochasticDepth):
            module.p = 0
    return model.eval()


def tensors_of(model):
    return {k: v.clone() for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}


def compiled(name, binaries, directory, trains):
    """The sample without dropout, and without what trains it, which takes longest to compile."""
    text = (SAMPLES / f"{name}.graph").read_text()
    text = re.sub(r"\b(dropout|drop_path)\(", r"undropped(", text)
    text += "\ninline block undropped(x, p = 0) { return x }\n"
    if not trains:
        text = re.sub(r"\n  train .*", "", text)
    spec, library = directory / f"{name}.graph", directory / f"{name}.so"
    spec.write_text(text)
    settings = ["--set=" + s for s in SETTINGS.get(name, ())]
    subprocess.run([binaries / "rnc", spec, "-I", SAMPLES, "-o", library, *settings], check=True)
    return library


def call(binaries, library, entry, directory, inputs, params):
    given, weights, result = (directory / f"{n}.safetensors" for n in ("in", "params", "out"))
    write_safetensors(given, inputs)
    write_safetensors(weights, params)
    subprocess.run([binaries / "rnrun", "call", library, entry, "--in", given, "--params", weights, "--out", result],
                   check=True)
    return read_safetensors(result)


def preprocessed(image):
    if image.dtype != torch.uint8:
        return image
    statistics = ((0,), (1,)) if image.shape[1] == 1 else CIFAR if image.shape[3] == 32 else IMAGENET
    mean, std = (torch.tensor(v, dtype=torch.float32).view(1, -1, 1, 1) for v in statistics)
    return (image.float() / 255 - mean) / std


def inputs_of(name, count):
    """What the network takes, by name: bytes where it is an image."""
    _, shape, given = OTHERS.get(name, (None, (3, 224, 224), "image"))
    if given in ("image", "left,right"):
        return {n: torch.randint(0, 256, (count, *shape), dtype=torch.uint8) for n in given.split(",")}
    return {given: torch.randn(count, *shape)}


def compare_logits(name, model, binaries, library, directory):
    inputs = inputs_of(name, 1)
    ours = call(binaries, library, "infer", directory, inputs, tensors_of(model))
    logits, = ours.values()
    xs = [preprocessed(image) for image in inputs.values()]
    with torch.no_grad():
        single = model(*xs)
        exact = model.double()(*(x.double() for x in xs))
        model.float()
    scale = exact.abs().max()
    error, pytorch = ((v.double() - exact).abs().max().item() / scale.item() for v in (logits, single))
    return error, pytorch, error <= 4 * max(pytorch, 2e-7)


def target_of(name, result):
    """The loss's target and its name, for an output of the network in evaluation."""
    if name in TARGETS:
        return TARGETS[name], torch.randn(result.shape)
    if name == "siamese_resnet20":
        return "same", torch.randint(0, 2, result.shape).float()
    rows = (result.shape[0], *result.shape[2:])
    return "label", torch.randint(0, result.shape[1], rows, dtype=torch.int32)


def loss_of(name, y, target):
    if name in LOSSES:
        return LOSSES[name](y, target.long() if target.dtype == torch.int32 else target.to(y.dtype))
    return F.cross_entropy(y, target.long()) if target.dtype == torch.int32 else F.mse_loss(y, target.to(y.dtype))


def compare_gradients(name, model, binaries, library, directory):
    inputs = inputs_of(name, 4)
    params = tensors_of(model)
    xs = [preprocessed(image) for image in inputs.values()]
    with torch.no_grad():
        target_name, target = target_of(name, model(*xs))
    ours = call(binaries, library, "backward", directory, {**inputs, target_name: target}, params)

    def gradients(model, xs):
        model.load_state_dict(params, strict=False)
        model.zero_grad()
        loss_of(name, model.train()(*xs), target).backward()
        return {"grad." + name: parameter.grad.double() for name, parameter in model.named_parameters()}

    single = gradients(model, xs)
    exact = gradients(model.double(), [x.double() for x in xs])
    total = sum(g.square().sum() for g in exact.values())
    distances = [(sum((of[k].double() - g).square().sum() for k, g in exact.items()) / total).sqrt().item()
                 for of in (ours, single)]
    return *distances, distances[0] <= max(4 * distances[1], 1e-5)


def compare(name, binaries, gradients):
    """Where rounding chose other sides at bends than PyTorch's, another draw of weights decides: a wrong gradient is wrong
    in each."""
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(scratch)
        library = compiled(name, binaries, directory, gradients)
        for seed in SEEDS if gradients else SEEDS[:1]:
            model = network(name, seed)
            error, pytorch, good = compare_logits(name, model, binaries, library, directory)
            line = f"{name}: error of outputs {error:.2g}, PyTorch's {pytorch:.2g}"
            if not good or not gradients:
                break
            error, pytorch, good = compare_gradients(name, model, binaries, library, directory)
            line += f"; of gradients {error:.2g}, PyTorch's {pytorch:.2g}"
            if good:
                break
        print(line if good else line + ": FAILED", flush=True)
        return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    parser.add_argument("--gradients", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(2)
    good = [compare(name, options.binaries.resolve(), options.gradients) 
            for name in options.networks or (*NETWORKS, *OTHERS)]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
