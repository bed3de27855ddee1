#!/usr/bin/python3
"""The Python package: the same bits as rnrun, errors that say what was expected, PyTorch's tensors and modules, what a
call costs, and that nothing leaks.

Usage: python_api.py --bin DIRECTORY_OF_PROGRAMS (the package is found in ../python from there)
"""
import argparse
import ctypes
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import threading
import time
import _thread

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "samples"))
from pytorch_weights import read, save  # noqa: E402

TEXT = """
const classes = 10

model net(image: u8[N, 1, 28, 28], label: i32[N]) {
  x = normalize(image, mean = [0.3], std = [0.3])
  conv1 = conv2d(x, 5, kernel = 3, stride = 2, pad = 1, bias = false)
  bn1 = batch_norm(conv1)
  fc = linear(flatten(global_avg_pool(relu(bn1))), classes)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9)
}
"""
TINY = "model tiny(x: f32[N, 4]) {\n  y = relu(x)\n  predict y\n}\n"


class Net(torch.nn.Module):
    """TEXT in PyTorch."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 5, 3, stride=2, padding=1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(5)
        self.fc = torch.nn.Linear(5, 10)

    def forward(self, image):
        x = (image / 255 - 0.3) / 0.3
        return self.fc(torch.relu(self.bn1(self.conv1(x))).mean((2, 3)))


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def close(a, b, what, tolerance=1e-5):
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    error = np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-30)
    check(error < tolerance, f"{what}: relative error {error:.1e}")


def refused(text, f, kind=None):
    """f raises rnc.Error (or `kind`) and says this."""
    try:
        f()
    except (kind or rnc.Error) as error:
        check(text in str(error), f'no message "{text}": {error}')
    else:
        check(False, f'not refused: "{text}"')


def batch(count=4):
    random = np.random.default_rng(1)
    return (random.integers(0, 256, (count, 1, 28, 28), np.uint8), random.integers(0, 10, count, np.int32))


def same_as_rnrun(bin_, net):
    """Inference, three training steps, evaluation."""
    images, labels = batch()
    save({"image": torch.from_numpy(images)}, "in.safetensors")
    save({"image": torch.from_numpy(images), "label": torch.from_numpy(labels)}, "train.safetensors")

    def call(*arguments):
        subprocess.run([bin_ / "rnrun", "call", net.path, *arguments, "--out", "out.safetensors"], check=True)
        return {name: value.numpy() for name, value in read("out.safetensors")[0].items()}

    net.initialize(3)
    expected = call("infer", "--in", "in.safetensors", "--seed", "3")
    check(np.array_equal(net(images), expected["fc"]), "infer")
    check(np.array_equal(net(torch.from_numpy(images)), expected["fc"]), "a tensor of PyTorch")
    aligned = rnc.empty(images.shape, np.uint8)
    aligned[:] = images
    check(np.array_equal(net(aligned), expected["fc"]) and net.copied_bytes == 0, "no copies of aligned arrays")
    for _ in range(3):
        loss = net.train_step(images, torch.from_numpy(labels).long(), lr=0.05)
    expected = call("train_step", "--in", "train.safetensors", "--seed", "3", "--lr", "0.05", "--steps", "3")
    check(np.float32(loss) == expected["loss"] and net.steps == 3, "loss of the third step")
    check(all(np.array_equal(value, expected[name]) for name, value in net.state_dict().items()), "state_dict")
    net.save("trained.safetensors")
    expected = call("loss", "--in", "train.safetensors", "--params", "trained.safetensors")
    evaluated = net.evaluate(image=images, label=labels)
    check(evaluated["loss"] == expected["loss"] and np.array_equal(evaluated["fc"], expected["fc"]), "evaluate")
    net.save_checkpoint("net.safetensors")
    other = rnc.Network(net.path, threads=1)
    other.load_checkpoint("net.safetensors")
    check(other.train_step(images, labels, lr=0.1) == net.train_step(images, labels, lr=0.1), "checkpoint")
    check(np.array_equal(other.tensor("momentum.fc.weight"), net.tensor("momentum.fc.weight")), "momentum")


def compiling(bin_):
    """From a text, a file and again; errors with the caret."""
    net = rnc.compile(TEXT)
    start = time.monotonic()
    check(rnc.compile(TEXT).path == net.path and time.monotonic() - start < 5, "compiled once")
    pathlib.Path("net.graph").write_text(TEXT)
    check(rnc.compile("net.graph", classes=7).evaluate is not None, "a file")
    check(rnc.compile(TEXT, classes=7)(batch()[0]).shape == (4, 7), "classes")
    pathlib.Path(net.path).unlink()  # the one that runs keeps its file
    pathlib.Path(net.path).write_bytes(b"damaged")
    check(rnc.compile(TEXT).path == net.path, "a damaged file in the cache is made anew")
    refused("text:2:12: error:", lambda: rnc.compile(TINY.replace("relu(x)", "relu(z)")), rnc.CompileError)
    refused("\n  y = relu(z)\n           ^", lambda: rnc.compile(TINY.replace("relu(x)", "relu(z)")), rnc.CompileError)
    refused("no.graph", lambda: rnc.compile("no.graph"), rnc.CompileError)
    refused("--optimiser", lambda: rnc.compile(TEXT, optimiser="sgd"), rnc.CompileError)
    check(rnc.compile(TEXT, optimizer="adam").info["optimizer"].startswith("adam"), "an option")
    return net


def to_onnx():
    """The weights of the moment as ONNX, from a file, an ONNX model and a module; not of a source that is another."""
    images = batch()[0]
    pathlib.Path("net.graph").write_text(TEXT)
    net = rnc.compile("net.graph")
    net.initialize(5)
    net.to_onnx("net.onnx")
    again = rnc.compile("net.onnx")
    close(again(images), net(images), "an ONNX file with its weights")
    again.to_onnx("again.onnx", opset=13)
    close(rnc.compile("again.onnx")(images), net(images), "an ONNX file of an ONNX file")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3)).eval()
    example = torch.rand(2, 3, 2, 2)
    rnc.from_torch(module, example).to_onnx("module.onnx")
    close(rnc.compile("module.onnx")(example), module(example).detach(), "an ONNX file of a module")
    refused("is a library: rnc.compile its source", lambda: rnc.Network(net.path).to_onnx("no.onnx"))
    pathlib.Path("net.graph").write_text(TEXT.replace("relu(bn1)", "sigmoid(bn1)"))
    refused("net.graph has changed since it was compiled", lambda: net.to_onnx("no.onnx"))
    check(not pathlib.Path("no.onnx").exists(), "a refused file")


def variants():
    """One library for several CPUs, by another name for each."""
    if platform.machine() != "x86_64":
        return
    fat = rnc.compile(TEXT, target_cpu="x86-64-v3,x86-64")
    check([variant["name"] for variant in fat.info["variants"]] == ["x86-64-v3", "x86-64"], "variants")
    check(rnc.compile(TEXT, target_cpu=["x86-64-v3", "x86-64"])._model != fat._model, "a list of CPUs")
    images, labels = batch()
    for variant in fat.info["variants"]:
        if not variant["runs"]:
            refused("needs CPU features", lambda name=variant["name"]: rnc.Network(fat.path, variant=name))
            continue
        one = rnc.compile(TEXT, target_cpu=variant["name"])
        of_fat = rnc.compile(TEXT, target_cpu="x86-64-v3,x86-64", variant=variant["name"])
        check(of_fat.info["cpu"] == variant["name"] and of_fat.path == fat.path, "the variant that was asked for")
        for net in (one, of_fat):
            net.initialize(3)
        check(one.train_step(images, labels, lr=0.1) == of_fat.train_step(images, labels, lr=0.1)
              and np.array_equal(one(images), of_fat(images)), f"the bits of {variant['name']}")
        of_fat.load_state_dict(fat.state_dict())
    refused("has no variant z80; it has x86-64-v3, x86-64", lambda: rnc.Network(fat.path, variant="z80"))
    os.environ["RNRUN_VARIANT"] = "x86-64"
    check(rnc.Network(fat.path).info["cpu"] == "x86-64", "RNRUN_VARIANT")
    del os.environ["RNRUN_VARIANT"]


def errors(net):
    images, labels = batch()
    refused("u8[4, 1, 28, 27] given for input 'image: u8[4, 1, 28, 28]'", lambda: net(images[..., :27]))
    refused("f64[4, 1, 28, 28] given for 'image: u8[N, 1, 28, 28]'", lambda: net(images / 255))
    refused("float16[4, 1, 28, 28] given for", lambda: net(images.astype(np.float16)))
    refused("u8[28, 28] given for 'image: u8[N, 1, 28, 28]'", lambda: net(images[0, 0]))
    refused("infer has no input 'images'; it takes image", lambda: net(images=images))
    refused("nothing given for input 'label", lambda: net.train_step(images, lr=0.1))
    refused("nothing given for input 'lr: f64[]'", lambda: net.train_step(images, labels))
    refused("'label' has 10, which is none of the 10 classes",
            lambda: net.train_step(images, np.full(4, 10, np.int32), lr=0.1))
    refused("'label' has numbers beyond i32", lambda: net.train_step(images, labels + 2**40, lr=0.1))
    refused("no tensor 'fc.wieght'", lambda: net.tensor("fc.wieght"))
    state = net.state_dict()
    wrong = {**state, "fc.weight": np.zeros((3, 5), np.float32), "more": np.zeros(1)}
    refused("'fc.weight' is [3, 5], the network has [10, 5]; 'more' is not of this network",
            lambda: net.load_state_dict(wrong))
    check(all(np.array_equal(value, state[name]) for name, value in net.state_dict().items()), "nothing has changed")
    refused("missing.safetensors", lambda: net.load_state_dict("missing.safetensors"))
    net.set_tensor("fc.bias", np.full(10, np.inf, np.float32))
    refused("the loss is", lambda: net.train_step(images, labels, lr=0.1), rnc.Diverged)
    net.load_state_dict(state)


def pytorch(net):
    """Weights of a module, its training step, and a module made of the network."""
    torch.manual_seed(0)
    module = Net()
    images, labels = (torch.from_numpy(value) for value in batch())
    net.load_state_dict(module.state_dict())
    module.load_state_dict({name: torch.from_numpy(value) for name, value in net.state_dict().items()}, strict=False)
    close(net(images), module.eval()(images).detach(), "logits of PyTorch")

    compiled = net.as_torch_module().train()
    check(set(compiled.state_dict()) == {name for name in module.state_dict() if "num_batches" not in name}, "names")
    pairs = [(m, torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9)) for m in (compiled, module.train())]
    for _ in range(3):
        losses = []
        for m, optimizer in pairs:
            optimizer.zero_grad()
            loss = m(images, labels) if m is compiled else torch.nn.functional.cross_entropy(m(images), labels.long())
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        close(*losses, "loss of a step in PyTorch's loop")
    for name, value in compiled.state_dict().items():
        close(value, module.state_dict()[name], f"{name} after three steps", 1e-4)
    close(compiled.eval()(images), module.eval()(images).detach(), "logits after three steps", 1e-4)

    floats = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(),
                                 torch.nn.Linear(8 * 36, 10)).eval()
    example = torch.rand(5, 3, 6, 6)
    close(rnc.from_torch(floats, example[:2])(example), floats(example).detach(), "from_torch")


def fitting(bin_):
    """On a data set: the weights of `rnrun train` from the same ones."""
    net = rnc.compile(TEXT)
    net.initialize(5)
    net.save("first.safetensors")
    settings = dict(limit_batches=5, batch_size=8, epochs=2, lr=0.05)
    epochs = net.fit("shapes", **settings)
    check(len(epochs) == 2 and net.steps == 10, "two epochs")
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    subprocess.run([bin_ / "rnrun", "train", net.path, "--data", "shapes", "--weights", "first.safetensors",
                    "--output-dir", "run", *flags], check=True, stdout=subprocess.DEVNULL)
    expected = read("run/checkpoint-last.safetensors")[0]
    check(all(np.array_equal(value, expected[name]) for name, value in net.state_dict().items()), "fit")
    refused("--epoch", lambda: net.fit("shapes", epochz=1))


LOOP = """
#include "runtime/rnrun.h"
int loop(rnrun_session* s, const rnrun_array* in, const rnrun_array* out, int count) {
  for (int i = 0; i < count; ++i)
    if (rnrun_infer(s, in, 1, out, 1)) return 1;
  return 0;
}
"""


def overhead(bin_):
    """Of a call from Python over one from C, in microseconds of this thread: the best of several rounds."""
    net = rnc.compile(TINY, threads=1)
    x = rnc.empty((2, 4))
    x[:] = 1
    pathlib.Path("loop.c").write_text(LOOP)
    library = bin_.parent / "lib"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", f"-I{ROOT}", "loop.c", f"-L{library}", "-lrnrun", "-o", "loop.so"],
                   check=True)
    loop = ctypes.CDLL("./loop.so").loop
    entry = net._entry("infer")
    result = rnc.empty((2, 4))
    arrays = entry.arrays({"x": x}), entry.arrays({"y": result})
    count = 2000
    in_c, in_python = [], []
    for _ in range(7):
        start = time.thread_time()
        check(loop(ctypes.c_void_p(net._session), *arrays, count) == 0, "the loop in C")
        in_c.append(time.thread_time() - start)
        start = time.thread_time()
        for _ in range(count):
            net(x)
        in_python.append(time.thread_time() - start)
    c, python = 1e6 * min(in_c) / count, 1e6 * min(in_python) / count
    print(f"a call takes {c:.1f} us from C, {python:.1f} us from Python: {python - c:.1f} us more")
    check(python - c < 20, "the overhead of a call")
    return net, x


def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def leaks(tiny, x, net):
    images, labels = batch()

    def use(times):
        for i in range(times):
            tiny(x)
            net.train_step(images, labels, lr=0.0)
            if i % 100 == 0:
                rnc.Network(tiny.path, threads=2)(x)
                refused("given for", lambda: tiny(images))

    use(500)
    before = resident()
    use(10000)
    check(resident() - before < 2**20, f"10,000 calls take {(resident() - before) / 2**20:.1f} MiB")


def threads(net):
    """Python runs while a network does; Ctrl-C is heard while one is compiled."""
    images = np.tile(batch()[0], (500, 1, 1, 1))
    worker = threading.Thread(target=lambda: [net(images) for _ in range(5)])
    counted = 0
    worker.start()
    while worker.is_alive():
        counted += 1
        time.sleep(0)
    worker.join()
    check(counted > 100, "the lock is released while computing")
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    try:
        rnc.compile(ROOT / "samples" / "resnet50.graph", conv="direct")
    except KeyboardInterrupt:
        return
    check(False, "no KeyboardInterrupt")


def main():
    global rnc
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    bin_ = parser.parse_args().bin.resolve()
    sys.path.insert(0, str(bin_.parent / "python"))
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        os.environ["XDG_CACHE_HOME"] = directory
        import rnc
        net = compiling(bin_)
        same_as_rnrun(bin_, net)
        to_onnx()
        variants()
        errors(net)
        pytorch(net)
        check("train_step(image" in net.summary() and net.profile()["mode"] == "infer", "summary and profile")
        fitting(bin_)
        leaks(*overhead(bin_), net)
        threads(net)


main()
