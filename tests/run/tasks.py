#!/usr/bin/python3
"""What rnrun trains besides classifiers: numbers, classes of pixels, images, several labels, embeddings, several heads,
losses alone.

    tests/run/tasks.py [--bin build/bin]

Trains a small network of each kind, once in one go and once stopped after an epoch and resumed, which must give the same
bits; then the figures of `rnrun eval` must be those that NumPy and PyTorch make of what `rnrun call` predicts. Needs
Debian's python3-torch and python3-pil.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "samples")]
import numpy as np
import pytorch_weights
import torch
import torch.nn.functional as F
from PIL import Image

TRAIN, VAL, IGNORED = 24, 10, 255

BODY = """
  conv1 = conv2d(x, 8, kernel = 3, pad = 1)
  conv2 = conv2d(relu(conv1), 8, kernel = 3, pad = 1)
"""
END = "train adam()\n  recipe(epochs = 2, batch_size = 8, lr = 0.01 TASK)\n}\n"
IMAGE = "  x = normalize(image, mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25])"
POOLED = "  features = flatten(global_avg_pool(relu(conv2)))\n"


# Of samples that are made of pictures with a class each.
EMBED = "  embed = shared(embedding)\n  a = embed(image)\n  predict a\n"
TRIPLET = EMBED + "  loss triplet(a, embed(near), embed(far), margin = 0.2)\n"
PAIR = EMBED + "  loss contrastive(a, embed(other), same)\n"
BLOCK = "block embedding(image) {\n" + IMAGE + BODY + POOLED + "  return l2_normalize(linear(features, 6))\n}\n"


def images(count, side=16):
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8)


def correlation_of(values, width):
    """Something that can be learnt: means of the channels."""
    return (values.float() / 255).mean((2, 3))[:, :width]


def numbers(count):
    x = images(count)
    return {"image": x, "size": correlation_of(x, 2) * 3 + torch.rand(count, 2)}


def labels(count):
    x = images(count)
    return {"image": x, "tags": (torch.rand(count, 3) < correlation_of(x, 3)).float()}


def heads(count):
    x = images(count)
    return {"image": x, "label": torch.randint(0, 4, (count,), dtype=torch.int32), "age": torch.rand(count, 1) * 80}


def twins(count):
    x = images(count)
    first = (correlation_of(x, 1)[:, 0] > 0.5).int()
    return {"image": x, "first": first, "second": torch.randint(0, 3, (count,), dtype=torch.int32)}


def classes(count):
    label = torch.arange(count, dtype=torch.int32) % 3
    x = (images(count).float() / 2 + 4 * label[:, None, None, None]).round().byte()
    return {"image": x, "label": label}


def rows(count):
    return {"row": torch.rand(count, 4, 20), "wanted": torch.rand(count, 8, 20)}


def masks(count):
    x = images(count)
    label = (x[:, 0].long() * 3 // 256).int()
    label[torch.rand(label.shape) < 0.1] = IGNORED
    return {"image": x, "label": label}


def pairs(count):
    x = images(count).float() / 255
    x = F.avg_pool2d(x, 5, 1, 2)
    noisy = (x + 0.1 * torch.randn(x.shape)).clamp(0, 1)
    return {"noisy": (noisy * 255).round().byte(), "clean": (x * 255).round().byte()}


def picture(tensor):
    return Image.fromarray(tensor.permute(1, 2, 0).numpy())


def write_masks(directory, data):
    for folder in ("images", "masks"):
        (directory / folder).mkdir(parents=True)
    for i, (image, label) in enumerate(zip(data["image"], data["label"])):
        picture(image).save(directory / "images" / f"{i:03}.png")
        mask = Image.fromarray(label.byte().numpy(), mode="P" if i % 2 else "L")
        if i % 2:
            mask.putpalette([v for k in range(256) for v in (k, 255 - k, k // 2)])
        mask.save(directory / "masks" / f"{i:03}.png")


def write_pairs(directory, data):
    for folder, name in (("input", "noisy"), ("target", "clean")):
        (directory / folder).mkdir(parents=True)
        for i, image in enumerate(data[name]):
            picture(image).save(directory / folder / f"{i:03}.png")


def write_classes(directory, data):
    for i, (image, label) in enumerate(zip(data["image"], data["label"])):
        folder = directory / f"class{label}"
        folder.mkdir(parents=True, exist_ok=True)
        picture(image).save(folder / f"{i:03}.png")


def write_tensors(directory, data):
    pytorch_weights.save({k: v.contiguous() for k, v in data.items()}, directory.with_suffix(".safetensors"))


def r2(said, wanted):
    spread = ((wanted - wanted.mean(0)) ** 2).sum(0)
    return float((1 - ((said - wanted) ** 2).sum(0) / spread).mean())


def number_figures(said, wanted):
    said, wanted = said.double(), wanted.double()
    return {"mae": (said - wanted).abs().mean().item(), "rmse": ((said - wanted) ** 2).mean().sqrt().item(),
            "r2": r2(said, wanted)}


def average_precision(score, there):
    order = np.argsort(-score, kind="stable")
    right = np.cumsum(there[order])
    last = np.r_[np.where(np.diff(score[order]))[0], len(score) - 1]
    precision, recall = right[last] / (last + 1), right[last] / there.sum()
    return float(np.sum(np.diff(np.r_[0, recall]) * precision))


def label_figures(said, wanted):
    said, there = said.numpy(), wanted.numpy() > 0.5
    counts = [((said >= 0) & there).sum(0), ((said >= 0) & ~there).sum(0), ((said < 0) & there).sum(0)]
    f1 = lambda right, wrong, missed: 2 * right / np.maximum(2 * right + wrong + missed, 1)
    found = [average_precision(said[:, k], there[:, k]) for k in range(3) if there[:, k].any()]
    return {"mean_ap": float(np.mean(found)), "micro_f1": float(f1(*[c.sum() for c in counts])),
            "macro_f1": float(f1(*counts).mean())}


def mask_figures(said, wanted):
    predicted, wanted = said.argmax(1), wanted.long()
    counted = wanted != IGNORED
    shares = []
    for k in range(said.shape[1]):
        a, b = (predicted == k) & counted, wanted == k
        if (a | b).any():
            shares.append(((a & b).sum() / (a | b).sum()).item())
    return {"miou": float(np.mean(shares)), "pixel_accuracy": (predicted == wanted)[counted].double().mean().item()}


def image_figures(said, wanted):
    a, b = said.double().clamp(0, 1), wanted.double() / 255
    psnr = -10 * ((a - b) ** 2).mean((1, 2, 3)).log10()
    g = torch.exp(-(torch.arange(11).double() - 5) ** 2 / (2 * 1.5 ** 2))
    kernel = torch.outer(g, g)[None, None] / g.sum() ** 2
    mean = lambda x: F.conv2d(x.reshape(-1, 1, *x.shape[2:]), kernel)
    ma, mb = mean(a), mean(b)
    va, vb, ab = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    ssim = (2 * ma * mb + 1e-4) * (2 * ab + 9e-4) / ((ma * ma + mb * mb + 1e-4) * (va + vb + 9e-4))
    return {"psnr": psnr.mean().item(), "ssim": ssim.mean().item()}


def head_figures(said, wanted):
    logits, ages = said
    label, age = wanted
    order = logits.argsort(1, descending=True)
    found = {"label_top1": (order[:, 0] == label).double().mean().item(), "label_top5": 1.0}
    return found | {f"age_{k}": v for k, v in number_figures(ages, age).items()}


def recall(said, wanted):
    """Of the nearest others, by distance, those of the same class."""
    distance = torch.cdist(said.double(), said.double())
    distance.fill_diagonal_(math.inf)
    hits = wanted[distance.sort(dim=1, stable=True)[1]] == wanted[:, None]
    return {f"recall_at_{k}": float(hits[:, :k].any(1).double().mean()) for k in (1, 5)}


def twin_figures(said, wanted):
    """The predictions are named in the other order than the targets, and belong to what their losses say."""
    found = {}
    for name, logits, target in zip(("second", "first"), said, reversed(wanted)):
        found[f"{name}_top1"] = (logits.argmax(1) == target).double().mean().item()
    return found


class Case:
    """A model, its data, and flags that have nothing to do there."""

    def __init__(self, inputs, body, make, write, targets, figures, task="", vain=()):
        self.vain = vain
        self.graph = (BLOCK if "shared" in body else "") + f"model net({inputs}) {{\n{body}  {END.replace('TASK', task)}"
        self.make, self.write, self.targets, self.figures = make, write, targets, figures


CASES = {
    "regression": Case("image: u8[N, 3, 16, 16], size: f32[N, 2]", IMAGE + BODY + POOLED +
                       "  fc = linear(features, 2)\n  predict fc\n  loss mse(fc, size)\n",
                       numbers, write_tensors, ["size"], number_figures),
    "multi_label": Case("image: u8[N, 3, 16, 16], tags: f32[N, 3]", IMAGE + BODY + POOLED +
                        "  fc = linear(features, 3)\n  predict fc\n  loss bce_with_logits(fc, tags)\n",
                        labels, write_tensors, ["tags"], label_figures, ', task = "multi_label"'),
    "segmentation": Case("image: u8[N, 3, 16, 16], label: i32[N, 16, 16]", IMAGE + BODY +
                         "  scores = conv2d(relu(conv2), 3, kernel = 1)\n  predict scores\n"
                         f"  loss cross_entropy(scores, label, ignore_index = {IGNORED})\n",
                         masks, write_masks, ["label"], mask_figures),
    "images": Case("noisy: f32[N, 3, 16, 16], clean: f32[N, 3, 16, 16]", "  x = noisy" + BODY +
                   "  out = conv2d(relu(conv2), 3, kernel = 3, pad = 1)\n  denoised = noisy - out\n"
                   "  predict denoised\n  loss mse(denoised, clean)\n",
                   pairs, write_pairs, ["clean"], image_figures, vain=("--noise", 25)),
    "heads": Case("image: u8[N, 3, 16, 16], label: i32[N], age: f32[N, 1]", IMAGE + BODY + POOLED +
                  "  fc = linear(features, 4)\n  years = linear(features, 1)\n  predict fc\n  predict years\n"
                  "  loss classes = cross_entropy(fc, label)\n  loss ages = 0.001 * mse(years, age)\n",
                  heads, write_tensors, ["label", "age"], head_figures),
    "twins": Case("image: u8[N, 3, 16, 16], first: i32[N], second: i32[N]", IMAGE + BODY + POOLED +
                  "  a = linear(features, 3)\n  b = linear(features, 3)\n  predict a\n  predict b\n"
                  "  loss one = cross_entropy(b, first)\n  loss two = cross_entropy(a, second)\n",
                  twins, write_tensors, ["first", "second"], twin_figures, vain=("--sampler", "balanced")),
    "embedding": Case("image: u8[N, 3, 16, 16], label: i32[N]", IMAGE + BODY + POOLED +
                      "  fc = linear(features, 6)\n  logits = cos_face(fc, label, 3)\n  predict fc\n"
                      "  loss cross_entropy(logits, label)\n", classes, write_tensors, ["label"], recall,
                      ', task = "similarity"'),
    "triplets": Case("image: u8[N, 3, 16, 16], near: u8[N, 3, 16, 16], far: u8[N, 3, 16, 16]", TRIPLET, classes,
                     write_classes, ["label"], recall, ', task = "similarity", hflip = 0.5'),
    "pairs": Case("image: u8[N, 3, 16, 16], other: u8[N, 3, 16, 16], same: f32[N, 1]", PAIR, classes, write_classes,
                  ["label"], recall, ', task = "similarity"'),
    "losses": Case("row: f32[N, 4, 20], wanted: f32[N, 8, 20]", "  conv = conv1d(rows_as_maps(row), 8, kernel = 3, pad = 1)\n"
                   "  predict conv\n  loss error = mean(square(reshape(conv, shape = [-1, 8, 20]) - wanted))\n",
                   rows, write_tensors, [], None, vain=("--hflip", 0.5)),
}


class Programs:
    def __init__(self, directory, work):
        self.directory, self.work = directory, work

    def status(self, program, *arguments):
        return subprocess.run([str(self.directory / program), *map(str, arguments)], cwd=self.work, text=True,
                              capture_output=True)

    def run(self, program, *arguments):
        done = self.status(program, *arguments)
        if done.returncode != 0:
            sys.exit(f"FAILED: {program} {' '.join(map(str, arguments))}: {done.stderr}{done.stdout}")
        return done.stdout


def call(programs, case, data):
    """What the model predicts: of each `predict`."""
    given = {k: v for k, v in data.items() if k not in case.targets}
    if case.write is write_pairs:
        given = {k: v.float() / 255 for k, v in given.items()}
    pytorch_weights.save(given, programs.work / "in")
    programs.run("rnrun", "call", "net.so", "infer", "--in", "in", "--out", "out", "--params",
                 "whole/checkpoint-last.safetensors")
    return list(pytorch_weights.load(programs.work / "out").values())


def check(name, case, programs):
    (programs.work / "net.graph").write_text(case.graph)
    programs.run("rnc", "net.graph", "-o", "net.so")
    data = {split: case.make(count) for split, count in (("train", TRAIN), ("val", VAL))}
    for split, tensors in data.items():
        case.write(programs.work / "data" / split, tensors)
    train = lambda *flags: programs.run("rnrun", "train", "net.so", "--data", "data", *flags)
    if case.vain:
        done = programs.status("rnrun", "train", "net.so", "--data", "data", "--output-dir", "vain", *case.vain)
        if done.returncode != 2 or str(case.vain[0]) not in done.stderr:
            return f"{name}: {case.vain} is taken: {done.stderr}"
    if "ignore_index" in case.graph:
        blank = case.make(4)
        case.write(programs.work / "blank" / "train", blank | {t: torch.full_like(blank[t], IGNORED) for t in case.targets})
        done = programs.status("rnrun", "train", "net.so", "--data", "blank", "--output-dir", "vain")
        if done.returncode != 1 or f"is {IGNORED} everywhere, which counts nothing" not in done.stderr:
            return f"{name}: a batch without labels: {done.stderr}"
    log = train("--output-dir", "whole", "-j", 1)
    train("--output-dir", "parts", "-j", 2, "--epochs", 1)
    train("--output-dir", "parts", "-j", 2, "--epochs", 2, "--resume")
    last = [(programs.work / run / "checkpoint-last.safetensors") for run in ("whole", "parts")]
    first, second = (pytorch_weights.load(path) for path in last)
    if any(not torch.equal(first[k], second[k]) for k in first):
        return f"{name}: resuming or other threads change the result"
    found = json.loads(programs.run("rnrun", "eval", "net.so", "--weights", last[0], "--data", "data", "--json"))
    if case.figures is None:
        said = log.splitlines()[-2]
        return None if abs(found["error"] - found["loss"]) < 1e-6 and "loss" in said else f"{name}: {found}"
    said, wanted = call(programs, case, data["val"]), [data["val"][t] for t in case.targets]
    want = case.figures(said, wanted) if len(wanted) > 1 else case.figures(said[0], wanted[0])
    for key, value in want.items():
        if not math.isclose(found[key], value, rel_tol=1e-4, abs_tol=1e-6):
            return f"{name}: {key} is {found[key]}, not {value}"
    epochs = [json.loads(line) for line in (programs.work / "whole" / "metrics.jsonl").read_text().splitlines()]
    key = next(iter(want))
    if not math.isclose(epochs[-1][f"test_{key}"], found[key], rel_tol=1e-6):
        return f"{name}: training logged {epochs[-1]}"
    print(f"{name}: " + ", ".join(f"{k} {found[k]:.6f}" for k in want), flush=True)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
    parser.add_argument("--only", help="one of: " + ", ".join(CASES))
    options = parser.parse_args()
    torch.manual_seed(1)
    for name, case in CASES.items():
        if options.only not in (None, name):
            continue
        with tempfile.TemporaryDirectory() as directory:
            work = pathlib.Path(directory)
            (work / "data").mkdir()
            fault = check(name, case, Programs(options.bin.resolve(), work))
        if fault:
            sys.exit("FAILED: " + fault)


if __name__ == "__main__":
    main()
