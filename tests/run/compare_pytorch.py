#!/usr/bin/python3
"""Compares full-size samples, compiled, with PyTorch in float64, and PyTorch in float32 with the same.

    tests/run/compare_pytorch.py [--model resnet18,...|all] [--bin build/bin] [--seeds 5] [--target-cpu native]
                                 [--batches 2,7] [--cases decided,initial,followed] [--conv auto] [--threads T]

Per seed: entries infer and loss at batches 1, 2 and 7 with running statistics; at batches 2 and 7 entry backward, and
one and five steps of entry train_step (SGD with momentum 0.9 and weight decay 1e-4). Case initial takes PyTorch's
initial values and learning rate 0.001. Case followed does too, but PyTorch in float64 follows the decisions of what it
is compared with (decisions.py). Case decided takes the values of decided.py and learning rate 0.0001, as the last
layer's inputs are far from zero there. Steps that overshoot multiply rounding errors, each of them: in case followed
the learning rate is so low that the first step changes no parameter by more than a thousandth.

Needs Debian's python3-torch, python3-torchvision and python3-pil.

What must hold is said in errors.py.
"""

import argparse
import contextlib
import copy
import functools
import itertools
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "samples")]
import decided
import decisions
import pytorch_weights
import torch
import torch.nn.functional as F
from errors import FEW_STEPS, STEPS, Report
from networks import NETWORKS
from torch import nn

LR = {"initial": 0.001, "followed": 0.001, "decided": 0.0001}
LARGEST_CHANGE = 0.001  # of a parameter by the first step in case followed, in norm
MOMENTUM, WEIGHT_DECAY = 0.9, 1e-4


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


def layers_before_max_pool(model):
    """torchvision's model has a module for it, those of networks.py a flag."""
    return ("conv1", "bn1") if getattr(model, "maxpool", None) or getattr(model, "max_pool", False) else ()


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

    def train(self, inputs, lr, forward_passes=STEPS * (contextlib.nullcontext,)):
        """What entry backward gives, and what train_step gives after the first and the last step.

        `forward_passes`: for each step the context, given the model, of its forward pass.
        """
        model = copy.deepcopy(self.model).train()
        optimizer = torch.optim.SGD(model.parameters(), lr, MOMENTUM, weight_decay=WEIGHT_DECAY)
        results = []
        for step, forward_pass in enumerate(forward_passes, 1):
            optimizer.zero_grad()
            with forward_pass(model):
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

    def __init__(self, name, options, directory):
        self.name, self.options, self.directory = name, options, directory
        self.params = directory / "params.safetensors"
        self.library = self.compiled(*self.sample, "model.so")

    @property
    def sample(self):
        return (ROOT / "samples" / f"{self.name}.graph", "--optimizer",
                f"sgd(momentum = {MOMENTUM}, weight_decay = {WEIGHT_DECAY})")

    def compiled(self, *source_and_result):
        """The path of the file named last, made by rnc of the source named first, with the options between."""
        *arguments, result = source_and_result
        subprocess.run([self.options.bin / "rnc", *arguments, "-o", self.directory / result, "--conv",
                        self.options.conv, "--target-cpu", self.options.target_cpu], check=True)
        return self.directory / result

    @functools.cached_property
    def library_with_relus(self):
        dump = self.compiled(*self.sample, "--passes=derive_entries,differentiate", "--emit=graph", "relus.graph")
        dump.write_text(decisions.with_relus(dump.read_text()))
        return self.compiled(dump, "relus.so")

    def call(self, entry, inputs, *options, library=None, params=None):
        given, result = self.directory / "in.safetensors", self.directory / "out.safetensors"
        pytorch_weights.save(inputs, given)
        subprocess.run([self.options.bin / "rnrun", "call", library or self.library, entry, "--in", given, "--out",
                        result, "--params", params or self.params, "-j", str(self.options.threads), *options],
                       check=True)
        return pytorch_weights.read(result)[0]

    def after_steps(self, number, inputs, lr):
        return self.call("train_step", inputs, "--lr", str(lr), "--steps", str(number))

    def train(self, inputs, lr):
        return [self.call("backward", inputs), *(self.after_steps(n, inputs, lr) for n in (1, STEPS))]

    def decisions(self, inputs, lr):
        """Of each step's forward pass, as a list of what ReLUs gave.

        Another library returns them, in its entry backward, for the weights before the step. That it computes the same
        is seen by what both return, in every bit: outputs, loss and all buffers.
        """
        before = self.params
        for step in range(1, STEPS + 1):
            result = self.call("backward", inputs, library=self.library_with_relus, params=before)
            after = self.after_steps(step, inputs, lr)
            different = [n for n in set(result) & set(after) if not torch.equal(result[n], after[n])]
            assert not different, f"step {step}: with outputs added, others are computed: {sorted(different)[:5]}"
            yield decisions.relus_of(result)
            before = self.directory / "before.safetensors"
            pytorch_weights.save({name: after[name] for name in pytorch_weights.read(self.params)[0]}, before)


def inputs_of(case, model, network, batch, seed):
    """Inputs; case decided also moves the model's parameters."""
    if case != "decided":
        return {"image": torch.randint(0, 256, (batch, *network.image), dtype=torch.uint8),
                "label": torch.randint(0, network.classes, (batch,), dtype=torch.int32)}
    decided.condition(model)
    images = decided.various_images(batch, network.image)
    decided.decide(model, images, network.prepare, seed)
    return {"image": images, "label": torch.randperm(network.classes)[torch.arange(batch) % network.classes].int()}


def follow(exact, relus_of_steps, inputs, lr):
    """What `exact` gives when it decides as another did, and how far from deciding so it is."""
    passes = [decisions.Followed(relus) for relus in relus_of_steps]
    return exact.train(inputs, lr, passes), max(p.distance for p in passes)


def small_steps(lr, inputs, pytorch):
    """The learning rate, or the largest that changes no parameter much."""
    grads = pytorch.train(inputs, 0, [contextlib.nullcontext])[0]
    change = max((grads[f"grad.{n}"].norm() / p.norm()).item() for n, p in pytorch.model.named_parameters())
    return min(lr, LARGEST_CHANGE / change)


def train_following(inputs, lr, batch, exact, ours, pytorch, report):
    """As train, with an `exact` that follows."""
    lr = small_steps(lr, inputs, pytorch)
    relus = [[] for _ in range(STEPS)]
    theirs = pytorch.train(inputs, lr, [functools.partial(decisions.recorded, relus=r) for r in relus])
    exact_theirs, distance_theirs = follow(exact, relus, inputs, lr)
    exact_ours, distance_ours = follow(exact, list(ours.decisions(inputs, lr)), inputs, lr)
    report.add_decisions("followed", batch, distance_ours, distance_theirs)
    return zip(exact_ours, ours.train(inputs, lr)), zip(exact_theirs, theirs)


def train(inputs, lr, exact, ours, pytorch):
    """Pairs of what is exact and what is compared with it, per entry: ours, and PyTorch's."""
    expected = exact.train(inputs, lr)
    return zip(expected, ours.train(inputs, lr)), zip(expected, pytorch.train(inputs, lr))


def compare(case, model, network, batch, trains, seed, ours, report):
    """All entries on one batch; those that train if `trains`."""
    inputs = inputs_of(case, model, network, batch, seed)
    exact, pytorch = (PyTorch(model, network, dtype) for dtype in (torch.float64, torch.float32))
    pytorch_weights.save(state(model), ours.params)
    expected, theirs = exact.loss(inputs), pytorch.loss(inputs)
    report.add(case, "loss", batch, (expected, ours.call("loss", inputs)), (expected, theirs))
    expected, theirs = ({network.output: result[network.output]} for result in (expected, theirs))
    report.add(case, "infer", batch, (expected, ours.call("infer", {"image": inputs["image"]})), (expected, theirs))
    if trains:
        sides = (train_following(inputs, LR[case], batch, exact, ours, pytorch, report) if case == "followed" else
                 train(inputs, LR[case], exact, ours, pytorch))
        for entry, mine, theirs in zip(("backward", "1 step", FEW_STEPS), *sides):
            report.add(case, entry, batch, mine, theirs)


def compare_model(name, options):
    """Prints all errors and the table of one sample; whether all holds."""
    print(f"== {name}", flush=True)
    network = NETWORKS[name]
    report = Report(layers_before_max_pool(network.make()))
    batches = [int(b) for b in options.batches.split(",")]
    with tempfile.TemporaryDirectory() as directory:
        ours = Ours(name, options, pathlib.Path(directory))
        for seed, case in itertools.product(range(options.seeds), options.cases.split(",")):
            print(f"seed {seed}", flush=True)
            model = initial_model(network.make, seed)
            for batch in sorted({1, 2, 7, *batches} if case == "initial" else batches):
                compare(case, copy.deepcopy(model), network, batch, batch in batches, seed, ours, report)
    return report.print()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="resnet18", help="samples, by comma, or all")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--batches", default="2,7", help="of the training entries")
    parser.add_argument("--cases", default="decided,initial")
    parser.add_argument("--target-cpu", default="native")
    parser.add_argument("--conv", default="auto", help="how rnc computes convolutions: auto, direct, ...")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    models = list(NETWORKS) if options.model == "all" else options.model.split(",")
    unknown = set(models) - set(NETWORKS)
    if unknown:
        parser.error(f"no such sample: {', '.join(unknown)}; there are {', '.join(NETWORKS)}")
    failed = [model for model in models if not compare_model(model, options)]
    if failed:
        sys.exit(f"FAIL: {', '.join(failed)}")
    print(f"PASS: {len(models)} of {len(models)}")


if __name__ == "__main__":
    main()
