#!/usr/bin/python3
"""Weights from files of torch.save and others, against what torch.load and numpy.load make of them: every number that
`rnrun export` writes must have the same bits. Files that call for more than tensors, or are damaged, must be refused."""

import argparse
import collections
import json
import os
import pathlib
import pickle
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

import numpy
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "samples"))
import pytorch_weights  # noqa: E402

NET = """
model net(image: u8[N, 3, 8, 8], label: i32[N]) {
  conv1 = conv2d(normalize(image, mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5]), 4, kernel = 3, pad = 1, bias = false)
  bn1 = batch_norm(conv1)
  fc = linear(flatten(relu(bn1)), 10)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9)
  recipe(epochs = 1, batch_size = 4, lr = 0.05)
}
"""


class Net(torch.nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(4)
        self.fc = torch.nn.Linear(4 * 8 * 8, classes)

    def forward(self, x):
        return self.fc(torch.relu(self.bn1(self.conv1(x))).flatten(1))


class Exec:
    def __reduce__(self):
        return os.system, ("touch executed",)


def failed(text):
    sys.exit(f"FAILED: {text}")


def rnrun(*arguments, status=0, says=()):
    started = time.monotonic()
    done = subprocess.run([BIN / "rnrun", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != status:
        failed(f"status {done.returncode}, not {status}: {arguments}\n{done.stdout}{done.stderr}")
    for text in [says] if isinstance(says, str) else says:
        if text not in done.stderr:
            failed(f"no message \"{text}\": {arguments}\n{done.stderr}")
    if status != 0 and time.monotonic() - started > 30:
        failed(f"took {time.monotonic() - started:.0f} s to refuse: {arguments}")
    return done.stderr


def exported(path, *options, says=()):
    rnrun("export", "net.so", "--weights", path, "-o", "out.npz", *options, says=says)
    return dict(numpy.load("out.npz"))


def same(name, actual, expected):
    expected = {k: v for k, v in expected.items() if not k.endswith("num_batches_tracked")}
    if actual.keys() != expected.keys():
        failed(f"{name}: {sorted(actual)}, not {sorted(expected)}")
    for key, value in expected.items():
        value = value.detach().float().numpy()
        if actual[key].shape != value.shape or actual[key].tobytes() != value.tobytes():
            failed(f"{name}: {key} differs")


def renamed(state, prefix):
    return collections.OrderedDict((prefix + k, v) for k, v in state.items())


def shared(state):
    """Views of one storage, some of them transposed."""
    flat = torch.cat([v.flatten() for v in state.values()])
    result, at = {}, 0
    for key, value in state.items():
        result[key] = flat[at:at + value.numel()].view(value.shape)
        at += value.numel()
    result["fc.weight"] = result["fc.weight"].reshape(256, 10).t()
    result["conv1.weight"] = result["conv1.weight"].reshape(3, 3, 3, 4).permute(3, 2, 0, 1)
    result["bn1.bias"] = result["bn1.weight"][1:2].expand(4)
    return result


def trained():
    """A network after a step, its optimizer and its scheduler."""
    model = Net()
    optimizer = torch.optim.AdamW(model.parameters(), amsgrad=True)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    torch.nn.functional.cross_entropy(model(torch.randn(4, 3, 8, 8)), torch.arange(4)).backward()
    optimizer.step()
    scheduler.step()
    return model, optimizer, scheduler


def check_good():
    model, optimizer, scheduler = trained()
    state = model.state_dict()
    floats = {k: v for k, v in state.items() if v.is_floating_point()}
    average = torch.optim.swa_utils.AveragedModel(model)
    double = {k: v.double() for k, v in floats.items()}
    cases = {
        "plain": (state, state, ()),
        "parameters": (dict(model.named_parameters()) | dict(model.named_buffers()), state, ()),
        "module": (renamed(state, "module."), state, 'all names begin with "module.", which is left out'),
        "nested": (renamed(state, "_orig_mod.module."), state, 'all names begin with "_orig_mod.module."'),
        "backbone": (renamed(state, "state_dict.backbone."), state, 'all names begin with "state_dict.backbone."'),
        "lightning": ({"epoch": 3, "pytorch-lightning_version": "2.0", "state_dict": renamed(state, "model."),
                       "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [scheduler.state_dict()],
                       "loops": None, "big": 1 << 100, "rate": 0.1, "names": ("a", ["b"], {"c": ()})},
                      state, ["the weights are those of 'state_dict'", 'all names begin with "model."']),
        "torchvision": ({"model": state, "optimizer": optimizer.state_dict(), "lr_scheduler": scheduler.state_dict(),
                         "epoch": 3, "loss": torch.tensor(0.5), "model_ema": average.state_dict()},
                        state, "the weights are those of 'model', not of 'model_ema'"),
        "averaged": (average.state_dict(), state, 'all names begin with "module."'),
        "half": ({k: v.half() for k, v in floats.items()}, {k: v.half() for k, v in floats.items()},
                 "7 tensors of f16 were converted to f32"),
        "bfloat16": ({k: v.bfloat16() for k, v in floats.items()}, {k: v.bfloat16() for k, v in floats.items()},
                     "7 tensors of bf16 were converted to f32"),
        "double": (double, double, "7 tensors of f64 were converted to f32"),
        "shared": (shared(floats), shared(floats), ()),
        "channels_last": (Net().to(memory_format=torch.channels_last).state_dict(),) * 2 + ((),),
    }
    for name, (saved, expected, says) in cases.items():
        for protocol in (2, 4):
            torch.save(saved, f"{name}.pth", pickle_protocol=protocol)
            same(name, exported(f"{name}.pth", says=says), expected)
    print(f"{len(cases)} kinds of files are read as torch.load reads them")


def check_partial():
    state = Net(classes=37).state_dict()
    torch.save(state, "other_head.pth")
    rnrun("export", "net.so", "--weights", "other_head.pth", "-o", "out.npz", status=1,
          says="(--partial loads the 5 tensors that do): it has weights for 37 classes, the model has 10")
    loaded = exported("other_head.pth", "--partial", says="5 of 7 tensors loaded")
    for key in loaded:
        if not key.startswith("fc.") and loaded[key].tobytes() != state[key].numpy().tobytes():
            failed(f"--partial: {key}")
    without = {k: v for k, v in Net().state_dict().items() if not k.startswith("bn1.")}
    torch.save(without, "missing.pth")
    said = rnrun("export", "net.so", "--weights", "missing.pth", "-o", "out.npz", status=1,
                 says="missing: bn1.weight, bn1.bias, bn1.running_mean, bn1.running_var")
    if "classes" in said:
        failed("the error tells of classes")
    torch.save({k: v.int() for k, v in Net().state_dict().items()}, "whole.pth")
    rnrun("export", "net.so", "--weights", "whole.pth", "-o", "out.npz", status=1, says="fc.bias: i32[10]")


def check_refused():
    for name, content, says in [
        ("executing", {"a": Exec()}, "its pickle imports posix.system"),
        ("model", Net(), "its pickle imports __main__.Net"),
        ("namespace", {"model": Net().state_dict(), "args": argparse.Namespace(a=1)},
         "its pickle imports argparse.Namespace"),
        ("array", {"a": numpy.ones(3)}, "its pickle imports numpy.core.multiarray._reconstruct"),
        ("complex", {"a": torch.ones(3, dtype=torch.complex64)}, "its pickle imports torch.ComplexFloatStorage"),
        ("nothing", {"a": 1}, "it has no dictionary with tensors"),
        ("tensor", torch.ones(3), "it has no dictionary with tensors"),
    ]:
        torch.save(content, f"{name}.pth")
        rnrun("export", "net.so", "--weights", f"{name}.pth", "-o", "out.npz", status=1, says=[f"{name}.pth: ", says])
    if os.path.exists("executed"):
        failed("a pickle was executed")
    torch.save(Net().state_dict(), "old.pth", _use_new_zipfile_serialization=False)
    rnrun("export", "net.so", "--weights", "old.pth", "-o", "out.npz", status=1, says="from before PyTorch 1.6")
    pathlib.Path("p.pkl").write_bytes(pickle.dumps({"a": 1}))
    rnrun("export", "net.so", "--weights", "p.pkl", "-o", "out.npz", status=1, says="from before PyTorch 1.6")
    numpy.savez("some.npz", a=numpy.ones(3))
    rnrun("export", "net.so", "--weights", "some.npz", "-o", "out.npz", status=1, says="it has no data.pkl")
    with zipfile.ZipFile("plain.pth") as good, zipfile.ZipFile("deflated.pth", "w", zipfile.ZIP_DEFLATED) as bad:
        for entry in good.infolist():
            bad.writestr(entry.filename, good.read(entry))
    rnrun("export", "net.so", "--weights", "deflated.pth", "-o", "out.npz", status=1, says="is compressed")


def check_damaged():
    """Cut off anywhere, or with any byte changed: refused, or as before where the byte means nothing."""
    good = pathlib.Path("plain.pth").read_bytes()
    expected = torch.load("plain.pth")
    for cut in range(0, len(good), 997):
        pathlib.Path("cut.pth").write_bytes(good[:cut])
        rnrun("export", "net.so", "--weights", "cut.pth", "-o", "out.npz", status=1, says="cut.pth: ")
    generator = numpy.random.default_rng(1)
    refused = 0
    for at in generator.integers(0, len(good), 100):
        changed = bytearray(good)
        changed[at] ^= 1 << int(generator.integers(0, 8))
        pathlib.Path("changed.pth").write_bytes(changed)
        done = subprocess.run([BIN / "rnrun", "export", "net.so", "--weights", "changed.pth", "-o", "out.npz"],
                              capture_output=True, text=True)
        if done.returncode == 1 and "changed.pth" in done.stderr:
            refused += 1
        elif done.returncode == 0:
            same(f"byte {at}", dict(numpy.load("out.npz")), expected)
        else:
            failed(f"byte {at} changed: status {done.returncode}\n{done.stderr}")
    print(f"cut off: always refused; a byte changed: {refused} of 100 refused, the others make no difference")


def check_shards():
    state = {k: v for k, v in Net().state_dict().items() if v.is_floating_point()}
    os.makedirs("sharded")
    names = sorted(state)
    parts = {f"model-0000{i + 1}-of-00002.safetensors": names[i::2] for i in range(2)}
    for file, part in parts.items():
        pytorch_weights.save({k: state[k] for k in part}, f"sharded/{file}")
    index = {"metadata": {"total_size": 1}, "weight_map": {k: file for file, part in parts.items() for k in part}}
    path = pathlib.Path("sharded/model.safetensors.index.json")
    path.write_text(json.dumps(index))
    same("shards", exported(path), state)
    same("shards", exported("sharded", says="the weights are read from sharded/model.safetensors.index.json"), state)
    for change, says in [
        ({"fc.other": list(parts)[0]}, "the tensor 'fc.other' is in none of its files"),
        ({"fc.bias": "../net.so"}, "the tensor 'fc.bias' is in \"../net.so\", which is no file beside the index"),
        ({"fc.bias": "none"}, "cannot read sharded/none"),
    ]:
        path.write_text(json.dumps({"weight_map": index["weight_map"] | change}))
        rnrun("export", "net.so", "--weights", path, "-o", "out.npz", status=1, says=says)
    path.write_text("[" * 100000)
    rnrun("export", "net.so", "--weights", path, "-o", "out.npz", status=1, says="index of weights")
    rnrun("export", "net.so", "--weights", "/etc", "-o", "out.npz", status=1, says="the directory /etc has no weights")


def check_export():
    generator = numpy.random.default_rng(2)
    state = {k: v for k, v in Net().state_dict().items() if v.is_floating_point()}
    bits = generator.integers(0, 1 << 32, 2560, dtype=numpy.uint32)
    values = numpy.nan_to_num(bits.view(numpy.float32), nan=1.0)  # of all sizes
    state["fc.weight"] = torch.from_numpy(numpy.where(numpy.abs(values) > 65504, values * 0, values)).view(10, 256)
    small = torch.from_numpy(generator.integers(0, 1 << 31, 256).astype(numpy.uint32).view(numpy.float32).copy())
    state["fc.weight"][0] = torch.nan_to_num(small, nan=1.0).clamp(max=1) * 2e-4  # f16 has these without all digits
    state["bn1.bias"] = torch.tensor([0.0, -0.0, 65504, 2.0 ** -25])
    torch.save(state, "values.pth")
    for dtype, torch_type in (("f16", torch.float16), ("bf16", torch.bfloat16), ("f32", torch.float32)):
        rnrun("export", "net.so", "--weights", "values.pth", "-o", "out.safetensors", "--dtype", dtype)
        content = pathlib.Path("out.safetensors").read_bytes()
        start = 8 + struct.unpack_from("<Q", content)[0]
        header = json.loads(content[8:start])
        if header.pop("__metadata__")["format"] != "pt":
            failed("the format of an exported file")
        for key, value in state.items():
            entry = header.pop(key)
            begin, end = entry["data_offsets"]
            expected = value.contiguous().to(torch_type)
            expected = expected.view(torch.int16).numpy() if dtype != "f32" else expected.numpy()
            if entry["dtype"] != dtype.upper() or content[start + begin:start + end] != expected.tobytes():
                failed(f"--dtype {dtype}: {key}")
        if header:
            failed(f"exported besides: {header}")
        rnrun("eval", "net.so", "out.safetensors", "--data", "shapes", "--limit-batches", "1")
    Net().load_state_dict({k: torch.from_numpy(v) for k, v in exported("values.pth").items()})
    rnrun("export", "net.so", "--weights", "values.pth", "-o", "out.npz", "--dtype", "f16")
    if numpy.load("out.npz")["bn1.bias"].dtype != numpy.float16:
        failed("--dtype f16 in .npz")
    rnrun("export", "net.so", "--weights", "values.pth", "-o", "o.npz", "--dtype", "bf16", status=2, says="NumPy has no")
    rnrun("export", "net.so", "--weights", "values.pth", "-o", "o.onnx", status=2, says="must end in")
    rnrun("export", "net.so", "-o", "o.npz", status=2, says="--weights")
    state["bn1.bias"][0] = 65520
    torch.save(state, "large.pth")
    rnrun("export", "net.so", "--weights", "large.pth", "-o", "o.npz", "--dtype", "f16", status=1,
          says="tensor 'bn1.bias' has 65520, which is beyond f16")


def main():
    global BIN
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    BIN = parser.parse_args().bin.resolve()
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        pathlib.Path("net.graph").write_text(NET)
        subprocess.run([BIN / "rnc", "net.graph", "-o", "net.so"], check=True)
        for check in (check_good, check_partial, check_refused, check_damaged, check_shards, check_export):
            check()
        os.chdir("/")


main()
