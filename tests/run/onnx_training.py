#!/usr/bin/python3
"""Fine-tunes a file of torch.onnx by the two commands of ir/onnx/README.md, step by step as PyTorch.

    tests/run/onnx_training.py --bin build/bin

torchvision's ResNet-18 is exported as it trains, and compiled with a head of 3 classes, raw pixels and a loss; rnrun
trains it on a folder of images. PyTorch does the same in float64 and in float32, from the same values, on the same
images in the same order. What the parameters and statistics have changed by after all steps must be at most four times
as far from float64 as PyTorch's float32 is. Once all layers train, once the head alone.
"""

import subprocess
import sys
import warnings

import numpy
import torch
import torchvision
from PIL import Image
from torch import nn

from compare_torchvision import read_safetensors
from compare_training import permutation
from onnx_cases import run_cases

CLASSES, EACH, SIDE, BATCH, EPOCHS, SEED, LR, MOMENTUM = ["ant", "bee", "cow"], 4, 64, 4, 1, 5, 0.001, 0.9
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TIMES_PYTORCH, FLOOR = 4, 1e-5
FROZEN = ["conv1", "bn1", "layer*"]


def run(*command):
    ended = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if ended.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: status {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout + ended.stderr


def write_images(directory):
    """Pixels and labels, in the order of the folder."""
    generator = numpy.random.default_rng(3)
    pixels, labels = [], []
    for label, name in enumerate(CLASSES):
        (directory / "train" / name).mkdir(parents=True)
        for i in range(EACH):
            image = generator.integers(0, 256, (SIDE, SIDE, 3), dtype=numpy.uint8) // (label + 1)
            Image.fromarray(image).save(directory / "train" / name / f"{i}.png")
            pixels.append(torch.from_numpy(image).permute(2, 0, 1))
            labels.append(label)
    return torch.stack(pixels), torch.tensor(labels)


def export(model, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, torch.randn(1, 3, SIDE, SIDE), path, opset_version=13, input_names=["image"],
                          output_names=["logits"], training=torch.onnx.TrainingMode.PRESERVE,
                          do_constant_folding=False)


def trained_by_pytorch(state, pixels, labels, dtype, head_alone):
    """The state_dict after all steps."""
    model = torchvision.models.resnet18(weights=None)
    model.fc = nn.Linear(512, len(CLASSES))
    model.load_state_dict(state)
    model.to(dtype).train()
    if head_alone:  # batch norm without training uses its statistics
        model.eval().requires_grad_(False)
        model.fc.requires_grad_(True)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], LR, momentum=MOMENTUM)
    mean, std = (torch.tensor(v, dtype=dtype)[:, None, None] for v in (MEAN, STD))
    images = (pixels.to(dtype) / 255 - mean) / std
    for epoch in range(EPOCHS):
        order = permutation(len(labels), SEED, epoch)
        for begin in range(0, len(order), BATCH):
            batch = order[begin:begin + BATCH]
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimizer.step()
    return {k: v.double() for k, v in model.state_dict().items() if v.is_floating_point()}


def error(of, exact, start):
    """Of all changes together, relative in L2."""
    squares = lambda values: sum(v.square().sum().item() for v in values)
    return (squares(of[k] - v for k, v in exact.items()) / squares(v - start[k] for k, v in exact.items())) ** 0.5


def initial_head(train, directory, file_values):
    """What the seed gives the new head: a training at rate 0 leaves it so. The other parameters are the file's."""
    run(*train, "--lr", "0", "--output-dir", directory / "still")
    values = read_safetensors(directory / "still" / "checkpoint-last.safetensors")
    different = [k for k, v in file_values.items()
                 if k in values and not k.startswith("fc.") and "running" not in k and not torch.equal(v, values[k])]
    bound = 1 / 512 ** 0.5
    head = {k: values[k] for k in ("fc.weight", "fc.bias")}
    good = all(v.abs().max() <= bound and v.std() > bound / 4 for v in head.values())
    if different or not good:
        sys.exit(f"initial values: {different} are not the file's; fc.weight is {head['fc.weight']}")
    return head


def compare(name, head_alone, binaries, directory):
    torch.manual_seed(2)
    model = torchvision.models.resnet18(weights=None)
    onnx, library = directory / "resnet18.onnx", directory / "resnet18.so"
    export(model, onnx)
    pixels, labels = write_images(directory / "images")
    (directory / "names.txt").write_text("\n".join(CLASSES) + "\n")
    frozen = [flag for pattern in FROZEN for flag in ("--freeze", pattern)] if head_alone else []
    said = run(binaries / "rnc", onnx, "--head", "fc=3", "--image", "u8, mean=0.485 0.456 0.406, std=0.229 0.224 0.225",
               "--classes", directory / "names.txt", "--loss", "cross_entropy", "--optimizer",
               f"sgd(momentum = {MOMENTUM})", *frozen, "-o", library)
    train = [binaries / "rnrun", "train", library, "--data", directory / "images", "--epochs", EPOCHS, "-b", BATCH,
             "--seed", SEED, "--eval-every", 0, "--lr-scheduler", "constant"]
    start = {k: v.clone() for k, v in model.state_dict().items()}
    start.update(initial_head(train, directory, start))
    run(*train, "--lr", LR, "--output-dir", directory / "run")
    checkpoint = read_safetensors(directory / "run" / "checkpoint-last.safetensors")
    exact, single = (trained_by_pytorch(start, pixels, labels, dtype, head_alone) for dtype in (torch.float64, torch.float32))
    start = {k: v.double() for k, v in start.items()}
    ours = {k: checkpoint[k].double() for k in exact}
    errors = error(ours, exact, start), error(single, exact, start)
    guesses = run(binaries / "rnrun", "predict", library, "--weights", directory / "run",
                  directory / "images" / "train" / "cow" / "0.png")
    good = (errors[0] <= max(TIMES_PYTORCH * errors[1], FLOOR) and "fc (linear 512 to 1000) has 3 outputs" in said
            and all(c in guesses for c in CLASSES))
    print(f"{name}: after {EPOCHS * len(labels) // BATCH} steps, error of what has changed {errors[0]:.2g}, PyTorch's "
          f"{errors[1]:.2g}{'' if good else f': FAILED; {said}{guesses}'}", flush=True)
    return good


def main():
    torch.set_num_threads(2)
    case = lambda *given: lambda *places: compare(*given, *places)
    run_cases(__doc__, [case("all layers", False), case("the head alone", True)])


if __name__ == "__main__":
    main()
