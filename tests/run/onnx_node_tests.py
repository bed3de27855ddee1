#!/usr/bin/python3
"""Runs the node tests of ONNX itself (Debian: libonnx-testdata): each is one node with inputs and outputs.

Prints for each test whether it passes, is refused, with the operator, or fails; exit status 1 if one fails. Inputs of
whole numbers and booleans become initializers first, as exporters write shapes; where the test is refused with arguments
for weights, so do all inputs but the first, and at last all.

    tests/run/onnx_node_tests.py --bin build/bin [PATTERN]
"""

import argparse
import collections
import fnmatch
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import torch
from onnx import numpy_helper

from compare_torchvision import read_safetensors, write_safetensors

DATA = pathlib.Path("/usr/share/libonnx-testdata/data")
RELATIVE, ABSOLUTE = 1e-3, 1e-5  # as ONNX's own runner has them; ours are of f32 for all types


def arrays(directory, kind):
    paths = sorted(directory.glob(f"{kind}_*.pb"), key=lambda p: int(p.stem.split("_")[1]))
    return [numpy_helper.to_array(onnx.TensorProto.FromString(p.read_bytes())) for p in paths]


def with_initializers(model, values, most):
    """The model, and the inputs that stay arguments, of the first `most`."""
    frozen, arguments = onnx.ModelProto.FromString(model.SerializeToString()), {}
    del frozen.graph.input[:]
    for i, (value, array) in enumerate(zip(model.graph.input, values)):
        if array.dtype in (numpy.float32, numpy.uint8) and i < most:
            frozen.graph.input.append(value)
            arguments[value.name] = array
        else:
            frozen.graph.initializer.append(numpy_helper.from_array(array, value.name))
    return frozen, arguments


def compiled(binaries, model, directory):
    """Empty, or why not."""
    path = directory / "net.onnx"
    path.write_bytes(model.SerializeToString())
    made = subprocess.run([binaries / "rnc", path, "-o", directory / "net.so"], stderr=subprocess.PIPE, text=True)
    if made.returncode not in (0, 1):
        raise RuntimeError(f"rnc: {made.stderr}")
    return "" if made.returncode == 0 else made.stderr.strip().splitlines()[0]


def called_with(binaries, directory, arguments):
    given = directory / "in.safetensors"
    write_safetensors(given, {name: torch.from_numpy(array.copy()) for name, array in arguments.items()})
    return subprocess.run([binaries / "rnrun", "call", directory / "net.so", "infer", "--in", given, "--out",
                           directory / "out.safetensors"], stderr=subprocess.PIPE, text=True)


def result_of(binaries, directory, arguments, names):
    called = called_with(binaries, directory, arguments)
    unread = [name for name in arguments if f"'{name}' is no input of entry" in called.stderr]
    if unread:  # but for its shape, or not at all
        called = called_with(binaries, directory, {k: v for k, v in arguments.items() if k not in unread})
    if called.returncode != 0:
        raise RuntimeError(f"rnrun: {called.stderr.strip()}")
    results = read_safetensors(directory / "out.safetensors")
    return [results[name].numpy() for name in names]


def run(binaries, test):
    """"pass", "refused: ..." or "FAILED: ..."."""
    model = onnx.load(test / "model.onnx")
    types = {value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)}
    if onnx.TensorProto.BFLOAT16 in types or "_training_dropout" in test.name:
        return "refused: its data are in bf16, which NumPy has not, or random"
    names = [output.name for output in model.graph.output]
    data = test / "test_data_set_0"
    try:
        values, expected = arrays(data, "input"), arrays(data, "output")
    except Exception as error:
        return f"refused: {error}"
    try:
        with tempfile.TemporaryDirectory() as scratch:
            directory, refusal = pathlib.Path(scratch), ""
            for most in (len(values), 1, 0):
                frozen, arguments = with_initializers(model, values, most)
                refusal = compiled(binaries, frozen, directory)
                if not refusal:
                    break
            if refusal:
                return f"refused: {refusal}"
            for ours, theirs in zip(result_of(binaries, directory, arguments, names), expected):
                numpy.testing.assert_allclose(ours.astype(numpy.float64), theirs.astype(numpy.float64), RELATIVE, ABSOLUTE)
                if ours.shape != theirs.shape:
                    return f"FAILED: {ours.shape} instead of {theirs.shape}"
    except (AssertionError, RuntimeError) as error:
        return "FAILED: " + " ".join(str(error).split())[:300]
    return "pass"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--set", default="node", choices=["node", "simple", "pytorch-operator", "pytorch-converted"])
    parser.add_argument("pattern", nargs="?", default="*")
    options = parser.parse_args()
    counts = collections.Counter()
    for test in sorted((DATA / options.set).iterdir()):
        if not fnmatch.fnmatch(test.name, options.pattern) or not (test / "model.onnx").exists():
            continue
        verdict = run(options.bin.resolve(), test)
        counts[verdict.split(":")[0]] += 1
        print(f"{test.name}: {verdict}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    sys.exit(1 if counts["FAILED"] or not counts["pass"] else 0)


if __name__ == "__main__":
    main()
