#!/usr/bin/python3
"""Compares samples compiled with rnc --precision=bf16 with PyTorch in float64, and PyTorch's autocast in bf16 with the same.

    tests/run/precision.py [--model cifar_resnet20,...] [--bin build/bin] [--seeds 3] [--batch 16] [--target-cpu native]

What must hold: gradients, over all parameters, and predictions are no further from float64 than autocast's; so they are
in the mean of the seeds, and by no seed are they a quarter further. The bits do not depend on the number of threads,
nor on --memory-budget. A training step's memory that grows with the batch is at most 0.6 of that in f32. Needs Debian's
python3-torch.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import types

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "samples"), str(ROOT / "tests" / "run")]
import pytorch_weights
import torch
import torch.nn.functional as F
from compare_pytorch import Ours, PyTorch, initial_model, inputs_of, state
from networks import NETWORKS

MOST_IN_A_SEED = 1.25
MOST_MEMORY = 0.6


class Autocast(PyTorch):
    def forward(self, model, inputs):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            predicted = model(self.prepare(inputs["image"], self.dtype))
        loss = F.cross_entropy(predicted.float(), inputs["label"].long())
        return loss, {self.output: predicted.float().detach(), "loss": loss.detach()}


class OursInBf16(Ours):
    def compiled(self, *source_and_result):
        *arguments, result = source_and_result
        return super().compiled(*arguments, "--precision=bf16", result)


def distance(results, exact, names):
    """Of all these tensors together, in the L2 norm, as a share of theirs."""
    error = sum((results[n].double() - exact[n].double()).square().sum() for n in names)
    return (error / sum(exact[n].double().square().sum() for n in names)).sqrt().item()


def step_bytes_per_sample(library, options):
    """What each image adds to the memory of a training step."""
    text = subprocess.run([options.bin / "rnrun", "info", "--json", "-b", "1024", library], check=True,
                          capture_output=True, text=True).stdout
    return next(entry for entry in json.loads(text)["entries"] if entry["name"] == "train_step")["arena_per_sample"]


def check_model(name, options, directory):
    """What does not hold."""
    network = NETWORKS[name]
    ours = OursInBf16(name, options, directory)
    wrong, sums = [], {}
    for seed in range(options.seeds):
        model = initial_model(network.make, seed)
        inputs = inputs_of("initial", model, network, options.batch, seed)
        pytorch_weights.save(state(model), ours.params)
        exact = PyTorch(model, network, torch.float64).train(inputs, 0.0)[0]
        theirs = Autocast(model, network, torch.float32).train(inputs, 0.0)[0]
        mine = ours.call("backward", inputs)
        for what, names in (("gradients", [n for n in exact if n.startswith("grad.")]),
                            ("predictions", [network.output])):
            a, b = distance(mine, exact, names), distance(theirs, exact, names)
            print(f"{name}, seed {seed}: {what} are off by {a:.4f}, autocast's by {b:.4f}", flush=True)
            if a > MOST_IN_A_SEED * b:
                wrong.append(f"{name}, seed {seed}: {what}")
            mean = sums.setdefault(what, [0, 0])
            mean[0] += a
            mean[1] += b
        if seed == 0:
            for threads in (1, 3):
                ours.options = types.SimpleNamespace(**{**vars(options), "threads": threads})
                again = ours.call("backward", inputs)
                if any(not torch.equal(again[n], mine[n]) for n in mine):
                    wrong.append(f"{name}: other bits with {threads} threads")
            ours.options = options
            tight = ours.compiled(*ours.sample, "--memory-budget", options.budget, "tight.so")
            again = ours.call("backward", inputs, library=tight)
            if step_bytes_per_sample(tight, options) >= step_bytes_per_sample(ours.library, options):
                wrong.append(f"{name}: the memory budget changes nothing")
            if any(not torch.equal(again[n], mine[n]) for n in mine):
                wrong.append(f"{name}: other bits with a memory budget")
    wrong += [f"{name}: the mean of {what}" for what, (a, b) in sums.items() if a > b]
    plain = Ours(name, options, directory)
    share = step_bytes_per_sample(ours.compiled(*ours.sample, "b.so"), options) / step_bytes_per_sample(
        plain.library, options)
    print(f"{name}: a training step takes {share:.3f} of f32's memory")
    return wrong + ([f"{name}: memory"] if share > MOST_MEMORY else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="cifar_resnet20")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--budget", default="40M", help="of the training step that must have the same bits")
    parser.add_argument("--target-cpu", default="native")
    parser.add_argument("--threads", type=int, default=2)
    options = types.SimpleNamespace(**vars(parser.parse_args()), conv="auto")
    wrong = []
    for name in options.model.split(","):
        with tempfile.TemporaryDirectory() as directory:
            wrong += check_model(name, options, pathlib.Path(directory))
    if wrong:
        sys.exit("FAIL: " + "; ".join(wrong))
    print("PASS")


if __name__ == "__main__":
    main()
