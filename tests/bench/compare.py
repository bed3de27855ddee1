#!/usr/bin/python3
"""Measures rnc against PyTorch and ONNX Runtime, in turn on the same machine, and prints one table.

    tests/bench/compare.py                  # compiles the samples with build/bin/rnc; about twenty minutes
    tests/bench/compare.py --only cifar_resnet20 --json result.json
    tests/bench/compare.py --precision bf16 # ours with --precision=bf16, PyTorch with autocast; the limit stays that of f32

Each line is a whole training step or the inference of a batch on two threads, everything included. ratio = best
time / time that the convolutions alone would need, counted as direct convolution, at the machine's FMA peak, which
`rnrun bench` measures in its own process; so a ratio below 1 is faster than any direct convolution could be. PyTorch
(Debian: python3-torch python3-torchvision libopenblas0-pthread) runs in its better layout of the two, and keeps the memory
that it has (KEEPS_MEMORY), as every program here. ONNX Runtime is measured for inference
where `node` finds onnxruntime-node (npm install onnxruntime-node --ignore-scripts) and python3-onnx is installed.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# sample, mode, batch, channels and size of the input, classes; further options of rnc
CASES = [
    ("fashion_resnet18", "train", 64, 1, 96, 10),
    ("resnet18", "train", 16, 3, 224, 1000),
    ("cifar_resnet18", "train", 64, 3, 32, 10),
    ("resnet50", "train", 16, 3, 224, 1000),
    ("cifar_resnet20", "train", 128, 3, 32, 10),
    ("resnet18", "infer", 16, 3, 224, 1000),
    ("resnet18", "infer", 1, 3, 224, 1000),
    ("resnet50", "infer", 16, 3, 224, 1000),
    ("resnet50", "infer", 1, 3, 224, 1000),
] + [
    (sample, mode, batch, 3, 224, 1000)
    for sample in ("mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "densenet121", "regnet_y_400mf", "convnext_tiny")
    for mode, batch in (("train", 16), ("infer", 16), ("infer", 1))
]


def measure(step, seconds):
    """Times of repeated runs in ms, after two that do not count."""
    step(), step()
    times = []
    start = time.perf_counter()
    while len(times) < 5 or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - before))
    return {"median_ms": statistics.median(times), "min_ms": min(times)}


def torch_network(sample, channels, classes):
    import torchvision
    from torch import nn
    from torch.nn import functional as F

    if sample == "cifar_resnet20":

        class Block(nn.Module):
            """Zero-padding shortcut (He et al. 2015, option A)."""

            def __init__(self, inputs, out, stride):
                super().__init__()
                self.conv1, self.bn1 = nn.Conv2d(inputs, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
                self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
                self.stride, self.pad = stride, (out - inputs) // 2

            def forward(self, x):
                y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
                if self.pad:
                    x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.pad, self.pad))
                return F.relu(y + x)

        layers, inputs = [nn.Conv2d(channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
        for out, stride in ((16, 1), (32, 2), (64, 2)):
            for i in range(3):
                layers.append(Block(inputs, out, stride if i == 0 else 1))
                inputs = out
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))
    if sample == "cifar_resnet18":
        network = torchvision.models.resnet18(num_classes=classes)
        network.conv1, network.maxpool = nn.Conv2d(channels, 64, 3, 1, 1, bias=False), nn.Identity()
        return network
    if sample == "fashion_resnet18":
        network = torchvision.models.resnet18(num_classes=classes)
        network.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        return network
    return getattr(torchvision.models, sample)(num_classes=classes)


def run_torch(arguments):
    """In a process of its own: its memory is measured too."""
    import resource

    import torch

    sample, mode, batch, channels, size, classes, threads, seconds, precision, layout = arguments
    narrow = torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16")
    torch.set_num_threads(int(threads))
    network = torch_network(sample, int(channels), int(classes))
    x = torch.randn(int(batch), int(channels), int(size), int(size))
    if layout == "channels_last":
        network, x = network.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    if mode == "train":
        y = torch.randint(0, int(classes), (int(batch),))
        optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)

        def step():
            optimizer.zero_grad(set_to_none=True)
            with narrow:
                loss = torch.nn.functional.cross_entropy(network(x), y)
            loss.backward()
            optimizer.step()

    else:
        network.eval()
        if precision == "f32":  # autocast goes by the operations of a network that is not frozen
            network = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.script(network)))

        def step():
            with torch.no_grad(), narrow:
                network(x)

    result = measure(step, float(seconds))
    result["peak_rss_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(result))


ORT_SCRIPT = """
const ort = require('onnxruntime-node');
(async () => {
  const [file, n, c, h, threads, seconds] = process.argv.slice(2).map((v, i) => i ? Number(v) : v);
  const session = await ort.InferenceSession.create(file, {intraOpNumThreads: threads, interOpNumThreads: 1});
  const x = new ort.Tensor('float32', Float32Array.from({length: n * c * h * h}, Math.random), [n, c, h, h]);
  const times = [];
  for (let i = 0; i < 2; ++i) await session.run({x});
  for (const start = Date.now(); times.length < 5 || Date.now() - start < 1e3 * seconds;) {
    const before = process.hrtime.bigint();
    await session.run({x});
    times.push(Number(process.hrtime.bigint() - before) / 1e6);
  }
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({median_ms: times[times.length >> 1], min_ms: times[0]}));
})();
"""


# With glibc's defaults PyTorch has every temporary mapped and cleared anew, which can take as long as its step.
KEEPS_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000", "MALLOC_TOP_PAD_": "1000000000"}


def output_of(command, threads, **more):
    environment = {**KEEPS_MEMORY, **os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def has_torch():
    return subprocess.run([sys.executable, "-c", "import torch, torchvision"], capture_output=True).returncode == 0


def has_ort():
    finds = "require.resolve('onnxruntime-node')"
    if shutil.which("node") is None or subprocess.run(["node", "-e", finds], capture_output=True).returncode != 0:
        return False
    return subprocess.run([sys.executable, "-c", "import onnx, torchvision"], capture_output=True).returncode == 0


def peers_of(case, options, directory):
    """What each peer needs, measured one after the other."""
    sample, mode, batch, channels, size, classes = case
    peers = {}
    if options.torch:
        layouts = ["contiguous", "channels_last"] if mode == "train" else ["contiguous"]
        arguments = [sample, mode, batch, channels, size, classes, options.threads, options.seconds, options.precision]
        runs = [
            output_of([sys.executable, __file__, "--torch-run", *map(str, arguments), layout], options.threads)
            for layout in layouts
        ]
        peers["PyTorch"] = min(runs, key=lambda run: run["min_ms"])
    if options.ort and mode == "infer":
        model = directory / f"{sample}.onnx"
        if not model.exists():
            export = (
                "import sys, torch, torchvision; n, f = sys.argv[1:]; torch.onnx.export(getattr(torchvision.models, n)()"
                ".eval(), torch.randn(1, 3, 224, 224), f, opset_version=13, input_names=['x'], output_names=['y'],"
                " dynamic_axes={'x': {0: 'n'}, 'y': {0: 'n'}})"
            )
            subprocess.run([sys.executable, "-c", export, sample, model], check=True, capture_output=True)
        arguments = [model, batch, channels, size, options.threads, options.seconds]
        command = ["node", "-e", ORT_SCRIPT, "", *map(str, arguments)]
        peers["ONNX Runtime"] = output_of(command, options.threads)
    return peers


def compare(case, options, directory):
    sample, mode, batch, *_ = case
    library = directory / f"{sample}.so"
    if not library.exists():
        command = [options.bin / "rnc", ROOT / "samples" / f"{sample}.graph", "-o", library,
                   f"--precision={options.precision}", *options.rnc]
        subprocess.run(command, check=True)
    bench = [options.bin / "rnrun", "bench", library, "--mode", mode, "-b", str(batch), "-j", str(options.threads), "--json"]
    ours = output_of(bench, options.threads)
    ours.pop("kernels", None)
    peers = peers_of(case, options, directory)
    for peer in peers.values():
        peer["ratio"] = peer["min_ms"] / ours["limit_ms"]
    return {"sample": sample, "mode": mode, "batch": batch, "rnc": ours, **peers}


def line(result):
    ours = result["rnc"]
    text = f"{result['mode']} {result['sample']} b{result['batch']}".ljust(30)
    text += f"{ours['limit_ms']:8.1f} {ours['median_ms']:8.1f} {ours['min_ms']:8.1f} {ours['ratio']:6.2f} "
    text += f"{ours['peak_rss_bytes'] / 1e9:6.2f}"
    for name in ("PyTorch", "ONNX Runtime"):
        peer = result.get(name)
        text += f" {peer['min_ms']:10.1f} {peer['ratio']:6.2f}" if peer else " " * 18
        if name == "PyTorch":
            text += f" {peer['peak_rss_bytes'] / 1e9:6.2f}" if peer else " " * 7
    return text


def main():
    if sys.argv[1:2] == ["--torch-run"]:
        return run_torch(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin", help="where rnc and rnrun are")
    parser.add_argument("--only", action="append", metavar="SAMPLE", help="this sample only; may be repeated")
    parser.add_argument("--mode", choices=["train", "infer"], help="training or inference only")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6, help="of each peer's measurement")
    parser.add_argument("--rnc", action="append", default=[], metavar="OPTION", help="for rnc, as --rnc=--conv=direct")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    options = parser.parse_args()
    options.torch = not options.no_peers and has_torch()
    options.ort = options.torch and has_ort()
    unknown = set(options.only or []) - {case[0] for case in CASES}
    if unknown:
        parser.error(f"there is no measurement of {', '.join(sorted(unknown))}")
    print("ms, ratio to the limit of direct convolution, peak memory in GB".ljust(72) + "PyTorch".ljust(25) + "ONNX Runtime")
    print("".ljust(30) + "   limit   median      min  ratio memory        min  ratio memory        min  ratio", flush=True)
    results = []
    with tempfile.TemporaryDirectory() as directory:
        for case in CASES:
            if case[0] not in (options.only or [case[0]]) or case[1] != (options.mode or case[1]):
                continue
            results.append(compare(case, options, pathlib.Path(directory)))
            print(line(results[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
