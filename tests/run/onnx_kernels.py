#!/usr/bin/python3
"""Compiles networks once from their .graph and once from a file in ONNX's format: the kernels must be the same, called on
the same memory in the same order. So an imported network is as fast as one that is written by hand.

    tests/run/onnx_kernels.py --bin build/bin [SAMPLE ...]

Each sample is exported with random weights and read back; torchvision's ResNet-18 is exported by torch.onnx, too. Loop IR
is compared from the entries on, with names by their order: of values, buffers and kernels, and the numbers of tensors,
which follow the order of declarations.
"""

import argparse
import difflib
import pathlib
import re
import sys
import tempfile

import torch

import onnx_export
import onnx_import

SAMPLES = ["resnet18", "mobilenet_v3_small", "regnet_y_400mf"]
OF_TORCHVISION = ["resnet18"]  # which writes sums and products in the same order, too
IMAGE = "u8, mean=0.485 0.456 0.406, std=0.229 0.224 0.225"


def by_order(pattern, text, prefix):
    numbers = {}
    for name in re.findall(pattern, text, re.M):
        numbers.setdefault(name, f"{prefix}{len(numbers)}")
    return numbers


def kernels(loops):
    """Entries and kernels, without what the model is called, and with every name by its order."""
    text = re.sub(r' (from|in|at|for|@) "[^"\n]*"( \d+:\d+)?', "", loops[loops.index("\nentry "):])
    called = by_order(r"^kernel ([^\s(]+)", text, "kernel")
    text = re.sub(r"^(kernel |  )([^\s(]+)\(", lambda k: f"{k[1]}{called.get(k[2], k[2])}(", text, flags=re.M)
    text = re.sub(r'\bby "([^"]+)"', lambda k: f"by {called.get(k[1], k[1])}", text)
    begin = text.index("\nkernel ")  # the names in kernels are of places in them
    entries = text[:begin]
    values = by_order(r"^  (?:input|output) (\S+) :", entries, "value")
    entries = re.sub(r"\b(input|output) (\S+?)(?=[\s,]|$)", lambda v: f"{v[1]} {values.get(v[2], v[2])}", entries, flags=re.M)
    buffers, tensors = by_order(r"^  buffer (\S+) :", entries, "#"), by_order(r"\btensor (\d+)", entries, "")
    entries = re.sub(r"\btensor (\d+)", lambda t: f"tensor {tensors[t[1]]}", entries)
    entries = re.sub(r"`[^`]*`|[%\w.@]+", lambda word: buffers.get(word[0], word[0]), entries)
    return (entries + text[begin:]).splitlines()


def compare(label, ours, theirs):
    different = [line for line in difflib.unified_diff(ours, theirs, "graph", "onnx", lineterm="", n=0)]
    print(f"{label}: {len(ours)} lines of loop IR, " + ("the same" if not different else "FAILED"), flush=True)
    print("".join(f"  {line}\n" for line in different[:40]), end="")
    return not different


class Sample:
    def __init__(self, name, binaries, directory):
        self.name, self.rnc, self.directory = name, binaries / "rnc", directory
        text = re.sub(r"\n  (train|loss) .*", "", (onnx_export.SAMPLES / f"{name}.graph").read_text())
        self.spec = directory / "net.graph"
        self.spec.write_text(text)
        self.ours = kernels(self.loops(self.spec, "-I", onnx_export.SAMPLES))

    def loops(self, *arguments):
        file = self.directory / "net.loops"
        onnx_export.run(self.rnc, *arguments, "--emit=loops", "-o", file)
        return file.read_text()

    def exported(self):
        """By rnc, batch norm kept."""
        dump, weights, file = (self.directory / name for name in ("dump.graph", "w.safetensors", "net.onnx"))
        onnx_export.run(self.rnc, self.spec, "-I", onnx_export.SAMPLES, "--passes=derive_entries", "-o", dump)
        tensors = onnx_export.random_weights(dump.read_text().replace("`", ""), 1)
        onnx_export.write_safetensors(weights, tensors)
        onnx_export.run(self.rnc, self.spec, "-I", onnx_export.SAMPLES, "--weights", weights, "--keep-batch-norm", "-o", file)
        return compare(f"{self.name}, exported", self.ours, kernels(self.loops(file)))

    def of_torchvision(self):
        model, size = onnx_import.network(self.name)
        file = self.directory / "torch.onnx"
        onnx_import.export(model, torch.randn(2, 3, size, size), file, 17, "preserve", dynamic=True)
        return compare(f"{self.name}, torchvision's", self.ours, kernels(self.loops(file, "--image", IMAGE)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("samples", nargs="*", default=SAMPLES, metavar="SAMPLE")
    options = parser.parse_args()
    good = []
    for name in options.samples:
        with tempfile.TemporaryDirectory() as scratch:
            sample = Sample(name, options.bin.resolve(), pathlib.Path(scratch))
            good.append(sample.exported())
            if name in OF_TORCHVISION:
                good.append(sample.of_torchvision())
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
