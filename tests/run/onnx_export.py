#!/usr/bin/python3
"""Exports networks to ONNX with random weights and compares what becomes of the files with what rnc itself compiles.

Each file must pass ONNX's checker with its shape inference, and be read back by rnc: the library and another file made of
it must have the same outputs, at batches 1 and 3. Where onnxruntime-node is found (NODE_PATH), so must ONNX Runtime have.

    tests/run/onnx_export.py --bin build/bin                       # small networks, as ctest does
    NODE_PATH=/tmp/ort/node_modules tests/run/onnx_export.py --bin build/bin --all    # all samples
    tests/run/onnx_export.py --bin build/bin --opsets 13 21 resnet18
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import numpy
import onnx
import torch

from compare_torchvision import read_safetensors, write_safetensors
from onnx_networks import NETWORKS

HERE = pathlib.Path(__file__).parent
SAMPLES = HERE.parents[1] / "samples"
TOLERANCE = 1e-5
DIRECT = "--conv=direct"  # rounds least
TOLERANCE_OF_IMPORT = 2e-6  # the same sums, if in another order; 5e-7 with vectors of 64 bytes
SAMPLES_IN_CTEST = ("fashion_resnet20", "lenet")
CHECKED_OPSET = onnx.defs.onnx_opset_version()  # the newest that this version of ONNX knows


def run(*command):
    done = subprocess.run([str(c) for c in command], stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(str(c) for c in command)}\n{done.stderr}")


def declared(dump, keywords):
    """Names, types and shapes of what a dump declares."""
    found = {}
    for name, dtype, sizes in re.findall(rf"^ *(?:{keywords}) (\S+) : (\w+)\[(.*?)\]", dump, re.M):
        found[name] = (dtype, [int(s) for s in sizes.split(", ") if s])
    return found


def random_weights(dump, seed):
    """So that values neither vanish nor grow from layer to layer."""
    torch.manual_seed(seed)
    weights = {}
    for name, (_, shape) in declared(dump, "parameter|buffer").items():
        fan_in = int(numpy.prod(shape[1:])) if len(shape) > 1 else 1
        if name.endswith("running_var"):
            weights[name] = torch.empty(shape).uniform_(0.6, 1.4)
        elif len(shape) > 1:
            weights[name] = torch.randn(shape) * (2 / fan_in) ** 0.5
        elif name.endswith("weight"):
            weights[name] = torch.empty(shape).uniform_(0.5, 1.2)
        else:
            weights[name] = torch.empty(shape).uniform_(-0.3, 0.3)
    return weights


def random_inputs(dump, batch, seed):
    torch.manual_seed(seed)
    entry = dump[dump.index("entry infer"):].split("\n  }")[0]
    inputs = {}
    for name, dtype, sizes in re.findall(r"^ *(\S+) : (\w+)\[(.*?)\] = input\(", entry, re.M):
        shape = [batch if s == "N" else int(s) for s in sizes.split(", ") if s]
        if dtype == "u8":
            coarse = torch.rand(shape[:2] + [2, 2] if len(shape) == 4 else shape)  # so that pictures differ
            coarse = torch.nn.functional.interpolate(coarse, shape[2:]) if len(shape) == 4 else coarse
            inputs[name] = ((coarse + 0.3 * torch.rand(shape)) / 1.3 * 255).to(torch.uint8)
        elif dtype == "i32":
            inputs[name] = torch.randint(0, 3, shape, dtype=torch.int32)
        else:
            inputs[name] = torch.randn(shape)
    return inputs


def normalised(inputs, dump):
    """Pixels as normalize makes them, which --float-input asks for."""
    for name, mean, std in re.findall(r"= normalize\((\S+), mean = \[(.*?)\], std = \[(.*?)\]\)", dump):
        mean, std = (torch.tensor([float(v) for v in values.split(",")]).view(-1, 1, 1) for values in (mean, std))
        inputs[name] = (inputs[name].float() / 255 - mean) / std
    return inputs


def differences(ours, others):
    if set(ours) != set(others):
        raise RuntimeError(f"the outputs are {sorted(others)}, not {sorted(ours)}")
    for name, value in ours.items():
        if value.shape != others[name].shape:
            raise RuntimeError(f"{name} is {list(others[name].shape)}, not {list(value.shape)}")
    return max(((others[n].double() - v.double()).abs().max() / v.double().abs().max().clamp(min=1e-30)).item()
               for n, v in ours.items())


class Network:
    """A spec that has been compiled without what trains it, with random weights."""

    def __init__(self, spec, options, directory):
        self.bin, self.directory = options.bin.resolve(), directory
        self.spec, self.library, self.weights = (directory / f"net.{e}" for e in ("graph", "so", "safetensors"))
        self.spec.write_text(re.sub(r"\n  train .*", "", spec))
        dump = directory / "dump.graph"
        run(self.bin / "rnc", self.spec, "-I", SAMPLES, "--passes=derive_entries", "-o", dump)
        self.dump = dump.read_text().replace("`", "")
        write_safetensors(self.weights, random_weights(self.dump, 1))
        run(self.bin / "rnc", self.spec, "-I", SAMPLES, "--weights", self.weights, DIRECT, "-o", self.library)

    def export(self, *flags):
        file = self.directory / "net.onnx"
        run(self.bin / "rnc", self.spec, "-I", SAMPLES, "--weights", self.weights, "-o", file, *flags)
        return file

    def given(self, batch, is_normalised):
        file = self.directory / ("normalised.safetensors" if is_normalised else "in.safetensors")
        inputs = random_inputs(self.dump, batch, batch)
        write_safetensors(file, normalised(inputs, self.dump) if is_normalised else inputs)
        return file

    def call(self, library, given):
        result = self.directory / "out.safetensors"
        run(self.bin / "rnrun", "call", library, "infer", "--in", given, "--out", result)
        return read_safetensors(result)

    def reimported(self, file):
        """The library made of a file, and that of the file made of what was read."""
        libraries = [self.directory / f"again{i}.so" for i in (1, 2)]
        second = self.directory / "again.onnx"
        run(self.bin / "rnc", file, DIRECT, "-o", libraries[0])
        run(self.bin / "rnc", file, "-o", second)
        run(self.bin / "rnc", second, DIRECT, "-o", libraries[1])
        return libraries

    def of_onnx_runtime(self, file, given):
        result = self.directory / "ort.safetensors"
        run("node", HERE / "onnx_runtime.js", given, result, file)
        return read_safetensors(result)


def check(file, opset):
    model = onnx.load(file)
    if opset <= CHECKED_OPSET:
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, strict_mode=True)


def compare(name, spec, opset, flags, options):
    """Whether all outputs are near enough; says how near."""
    label = " ".join([name, *flags, f"opset {opset}"])
    with tempfile.TemporaryDirectory() as scratch:
        try:
            network = Network(spec, options, pathlib.Path(scratch))
            file = network.export(f"--opset={opset}", *flags)
            bytes_before = file.read_bytes()
            check(file, opset)
            good = network.export(f"--opset={opset}", *flags).read_bytes() == bytes_before
            errors = []
            most = TOLERANCE if "--keep-batch-norm" in flags else TOLERANCE_OF_IMPORT  # folded in f32, not f64
            imported = network.reimported(file)
            for batch in (1, 3):
                expected = network.call(network.library, network.given(batch, False))
                given = network.given(batch, "--float-input" in flags)
                for library in imported:
                    errors.append(("import", differences(expected, network.call(library, given)), most))
                if options.runtime:
                    errors.append(("ONNX Runtime", differences(expected, network.of_onnx_runtime(file, given)), TOLERANCE))
        except (RuntimeError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            print(f"{label}: FAILED\n{error}", flush=True)
            return False
    good &= all(error <= most for _, error, most in errors)
    print(f"{label}: " + ", ".join(f"{what} {error:.1e}" for what, error, _ in errors) + ("" if good else ": FAILED"),
          flush=True)
    return good


def spec_of(name):
    return NETWORKS[name] if name in NETWORKS else (SAMPLES / f"{name}.graph").read_text()


def all_samples():
    return [p.stem for p in sorted(SAMPLES.glob("*.graph")) if re.search(r"^model ", p.read_text(), re.M)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    parser.add_argument("--all", action="store_true", help="all samples")
    parser.add_argument("--opsets", type=int, nargs="+", default=[17])
    options = parser.parse_args()
    torch.set_num_threads(2)
    found = shutil.which("node") and subprocess.run(
        ["node", "-e", "require('onnxruntime-node')"], stderr=subprocess.DEVNULL).returncode == 0
    options.runtime = bool(found)
    names = options.networks or (all_samples() if options.all else [*NETWORKS, *SAMPLES_IN_CTEST])
    cases = [(name, opset, ()) for name in names for opset in options.opsets]
    if not options.networks and not options.all:
        cases += [("convolutions", 17, ("--keep-batch-norm",)), ("convolutions", 17, ("--float-input",))]
        cases += [("activations", opset, ()) for opset in (13, 20)] + [("tokens", opset, ()) for opset in (13, 21)]
    good = [compare(name, spec_of(name), opset, flags, options) for name, opset, flags in cases]
    print(f"{sum(good)} of {len(good)} are good; compared with: rnc's own import"
          f"{' and ONNX Runtime' if options.runtime else '; ONNX Runtime (onnxruntime-node) was not found'}")
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
