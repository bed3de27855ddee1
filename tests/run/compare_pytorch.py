#!/usr/bin/python3
"""Compares a full-size sample, compiled, with PyTorch in float64, and PyTorch in float32 with the same.

    tests/run/compare_pytorch.py [--model resnet18] [--bin build/bin] [--seeds 5] [--target-cpu native]
                                 [--batches 2,7] [--conv auto] [--threads T]

Needs Debian's python3-torch, python3-torchvision and python3-pil. Per seed: entries infer and loss at batches
1, 2 and 7 with running statistics; at batches 2 and 7 entry backward, and one and five steps of entry
train_step (SGD with momentum 0.9 and weight decay 1e-4, learning rate 0.001). Errors are relative in L2 norm.

What must hold. Outputs, loss, buffers, and parameters after one step: within 1e-4. Gradients, and the momentum
made of them: at full width some ReLU inputs and max-pool ties always lie within rounding of their decision, in
PyTorch's float32 as in ours, so over the seeds the smallest of the medians is at most 4 times PyTorch
float32's smallest plus 1e-5, and no single one above 5e-2. Five steps on so few samples magnify such
differences, PyTorch float32's too: over the seeds the smallest error is at most 4 times PyTorch float32's
smallest plus 1e-4.

Winograd's algorithm rounds about twice as much as direct summation, so in networks of 30 layers and more most
seeds have a decision that differs, where PyTorch has some without: --conv=direct tells that from an error.
"""

import argparse
import copy
import json
import math
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import typing

import numpy
import torch
import torch.nn.functional as F
from torch import nn

from networks import NETWORKS

ROOT = pathlib.Path(__file__).resolve().parents[2]
LR, MOMENTUM, WEIGHT_DECAY, STEPS = 0.001, 0.9, 1e-4, 5
FEW_STEPS = f"{STEPS} steps"
EXACT, LARGEST_GRADIENT, TIMES_PYTORCH = 1e-4, 5e-2, 4


DTYPES = {torch.float32: "F32", torch.uint8: "U8", torch.int32: "I32"}


def write_safetensors(path, tensors):
    header, data = {}, []
    end = 0
    for name, tensor in tensors.items():
        tensor = (tensor.float() if tensor.dtype == torch.float64 else tensor).detach().contiguous()
        data.append(tensor.numpy().tobytes())
        offsets = [end, end := end + len(data[-1])]
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": offsets}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data))


def read_safetensors(path):
    content = path.read_bytes()
    start = 8 + struct.unpack_from("<Q", content)[0]
    tensors = {}
    for name, entry in json.loads(content[8:start]).items():
        if name == "__metadata__":
            continue
        begin, end = (start + o for o in entry["data_offsets"])
        assert entry["dtype"] == "F32", name
        array = numpy.frombuffer(content[begin:end], dtype=numpy.float32).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(array.copy())
    return tensors


def state(model):
    return {n: t.clone() for n, t in model.state_dict().items() if not n.endswith("num_batches_tracked")}


def initial_model(network, seed):
    """PyTorch's initial values, but for batch norms: no parameter starts at zero, statistics are not trivial."""
    torch.manual_seed(seed)
    model = network()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return model


class PyTorch:
    """What the entries give, computed by PyTorch in one precision."""

    def __init__(self, model, network, dtype):
        self.model, self.dtype = copy.deepcopy(model).to(dtype), dtype
        self.prepare, self.output = network.prepare, network.output

    def forward(self, model, inputs):
        predicted = model(self.prepare(inputs["image"], self.dtype))
        loss = F.cross_entropy(predicted, inputs["label"].long())
        return loss, {self.output: predicted.detach(), "loss": loss.detach()}

    def loss(self, inputs):
        with torch.no_grad():
            return self.forward(copy.deepcopy(self.model).eval(), inputs)[1]

    def train(self, inputs):
        """What entry backward gives, and what train_step gives after the first and the last step."""
        model = copy.deepcopy(self.model).train()
        optimizer = torch.optim.SGD(model.parameters(), LR, MOMENTUM, weight_decay=WEIGHT_DECAY)
        results = []
        for step in range(1, STEPS + 1):
            optimizer.zero_grad()
            loss, outputs = self.forward(model, inputs)
            loss.backward()
            if step == 1:
                grads = {f"grad.{n}": p.grad.clone() for n, p in model.named_parameters()}
                buffers = {n: b for n, b in state(model).items() if "running_" in n}
                results.append({**outputs, **grads, **buffers})
            optimizer.step()
            if step in (1, STEPS):
                slots = {f"momentum.{n}": optimizer.state[p]["momentum_buffer"].clone()
                         for n, p in model.named_parameters()}
                results.append({**outputs, **state(model), **slots})
        return results


class Ours:
    """The same, by the compiled model."""

    def __init__(self, library, rnrun, directory, threads):
        self.library, self.rnrun, self.directory, self.threads = library, rnrun, directory, threads
        self.params = directory / "params.safetensors"

    def call(self, entry, inputs, *options):
        given, result = self.directory / "in.safetensors", self.directory / "out.safetensors"
        write_safetensors(given, inputs)
        subprocess.run([self.rnrun, "call", self.library, entry, "--in", given, "--out", result,
                        "--params", self.params, "-j", str(self.threads), *options], check=True)
        return read_safetensors(result)

    def train(self, inputs):
        steps = (self.call("train_step", inputs, "--lr", str(LR), "--steps", str(n)) for n in (1, STEPS))
        return [self.call("backward", inputs), *steps]


def error(value, exact):
    """Relative, with a floor for gradients that are zero but for rounding: a bias before a batch norm."""
    value, exact = value.double().flatten(), exact.double().flatten()
    result = (value - exact).norm().item() / max(exact.norm().item(), 1e-3)
    return result if math.isfinite(result) else math.inf


def kind_of(name):
    for start in ("grad", "momentum"):
        if name.startswith(start + "."):
            return start
    return "outputs" if name in ("fc", "linear", "loss") else "buffers" if "running_" in name else "parameters"


class Errors(typing.NamedTuple):
    """Of the tensors of one kind for one seed: ours, PyTorch float32's, and our worst tensor."""

    median: float
    largest: float
    pytorch_median: float
    pytorch_largest: float
    worst: str


class Report:
    def __init__(self):
        self.errors = {}  # (entry, kind of tensor, batch) -> Errors per seed

    def add(self, entry, batch, exact, ours, pytorch):
        different = set(exact) ^ set(ours)
        assert not different, f"{entry}: only on one side: {sorted(different)[:5]}"
        for kind in sorted(set(map(kind_of, exact))):
            mine, theirs = ({n: error(side[n], exact[n]) for n in exact if kind_of(n) == kind}
                            for side in (ours, pytorch))
            worst = max(mine, key=mine.get)
            errors = Errors(statistics.median(mine.values()), mine[worst],
                            statistics.median(theirs.values()), max(theirs.values()), worst)
            self.errors.setdefault((entry, kind, batch), []).append(errors)
            print(f"  {entry}: {kind}, batch {batch}: ours {errors.largest:.1e} (median {errors.median:.1e}), "
                  f"PyTorch f32 {errors.pytorch_largest:.1e} ({errors.pytorch_median:.1e})  {worst}", flush=True)

    def print(self):
        """Prints the table; whether all holds."""
        passed = True
        print(f"\n{'over the seeds':45} batch     ours  PyTorch f32  at most")

        def line(text, batch, mine, theirs, limit, name=""):
            nonlocal passed
            passed = passed and mine <= limit
            verdict = "PASS" if mine <= limit else "FAIL"
            print(f"{text:45} {batch:5}  {mine:7.1e}      {theirs:7.1e}  {limit:7.1e}  {verdict}  {name}")

        for (entry, kind, batch), seeds in self.errors.items():
            worst = max(seeds, key=lambda s: s.largest)
            largest = (f"{entry}: {kind}, largest", batch, worst.largest, max(s.pytorch_largest for s in seeds))
            if kind in ("grad", "momentum"):
                theirs = min(s.pytorch_median for s in seeds)
                line(f"{entry}: {kind}, smallest median", batch, min(s.median for s in seeds), theirs,
                     TIMES_PYTORCH * theirs + 1e-5)
                if entry != FEW_STEPS:
                    line(*largest, LARGEST_GRADIENT, worst.worst)
            elif entry == FEW_STEPS:
                theirs = min(s.pytorch_largest for s in seeds)
                line(f"{entry}: {kind}, smallest largest", batch, min(s.largest for s in seeds), theirs,
                     TIMES_PYTORCH * theirs + EXACT)
            else:
                line(*largest, EXACT, worst.worst)
        return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=NETWORKS, metavar="SAMPLE", default="resnet18")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--batches", default="2,7", help="of the training entries")
    parser.add_argument("--target-cpu", default="native")
    parser.add_argument("--conv", default="auto", help="how rnc computes convolutions: auto, direct, ...")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    network = NETWORKS[options.model]
    batches = [int(b) for b in options.batches.split(",")]
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        library = directory / "model.so"
        subprocess.run([options.bin / "rnc", ROOT / "samples" / f"{options.model}.graph", "-o", library,
                        "--target-cpu", options.target_cpu, "--conv", options.conv,
                        "--optimizer", f"sgd(momentum = {MOMENTUM}, weight_decay = {WEIGHT_DECAY})"], check=True)
        ours = Ours(library, options.bin / "rnrun", directory, options.threads)
        for seed in range(options.seeds):
            print(f"seed {seed}", flush=True)
            model = initial_model(network.make, seed)
            exact, pytorch = (PyTorch(model, network, dtype) for dtype in (torch.float64, torch.float32))
            write_safetensors(ours.params, state(model))
            for batch in sorted({1, 2, 7, *batches}):
                inputs = {"image": torch.randint(0, 256, (batch, *network.image), dtype=torch.uint8),
                          "label": torch.randint(0, network.classes, (batch,), dtype=torch.int32)}
                expected, theirs = exact.loss(inputs), pytorch.loss(inputs)
                report.add("loss", batch, expected, ours.call("loss", inputs), theirs)
                predicted = [{network.output: r[network.output]} for r in (expected, theirs)]
                report.add("infer", batch, predicted[0], ours.call("infer", {"image": inputs["image"]}), predicted[1])
                if batch in batches:
                    sides = [side.train(inputs) for side in (exact, ours, pytorch)]
                    for entry, results in zip(("backward", "1 step", FEW_STEPS), zip(*sides)):
                        report.add(entry, batch, *results)
    if not report.print():
        sys.exit("FAIL")
    print("PASS")


if __name__ == "__main__":
    main()
