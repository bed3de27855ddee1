#!/usr/bin/python3
"""Exports networks with torch.onnx, compiles the files and compares their outputs with PyTorch's, at batches 1 and 3.

The weights travel in the library: rnrun call is given none. Each network is exported in evaluation, with weights folded,
and as it trains (preserve), where its parameters are counted, too. Without names: small and narrow networks.

Of files that become the same graph but for names, with the same weights, one is compiled: what rnc makes of a file it
makes of the dump of its graph. At opset 13 the batch is a number in the file, at others it is open.

    tests/run/onnx_import.py --bin build/bin                              # small ones, as ctest does
    tests/run/onnx_import.py --bin build/bin --all --opsets 17 13 11 9    # all of torchvision's: hours
    tests/run/onnx_import.py --bin build/bin resnet18 vit_b_16
"""

import argparse
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import torch
import torchvision
from torch import nn

from compare_torchvision import read_safetensors, write_safetensors

TOLERANCE = 1e-5
SMALL = {
    "resnet": (lambda: torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], 10), 64),
    "resnext": (lambda: torchvision.models.ResNet(torchvision.models.resnet.Bottleneck, [1, 1, 1, 1], 10, groups=4,
                                                  width_per_group=4), 64),
    "densenet": (lambda: torchvision.models.DenseNet(4, (2, 2, 2, 2), 8, num_classes=10), 64),
    "mobilenet_v2": (lambda: torchvision.models.MobileNetV2(10, 0.25), 64),
    "shufflenet_v2": (lambda: torchvision.models.ShuffleNetV2([1, 2, 1], [8, 16, 32, 64, 64], 10), 64),
    "squeezenet1_1": (lambda: torchvision.models.squeezenet1_1(weights=None, num_classes=10), 64),
    "convnext": (lambda: torchvision.models.ConvNeXt(
        [torchvision.models.convnext.CNBlockConfig(16, 32, 1), torchvision.models.convnext.CNBlockConfig(32, None, 1)],
        num_classes=10), 64),
    "vit": (lambda: torchvision.models.VisionTransformer(32, 8, 1, 2, 16, 32, num_classes=10), 32),
    "swin": (lambda: torchvision.models.SwinTransformer([4, 4], 16, [2, 2], [2, 4], [4, 4], stochastic_depth_prob=0,
                                                                num_classes=10), 64),
    "layers": (lambda: Layers(), 20),
}
# The oldest opset that torch.onnx can write networks of these names in: of strided slices, of pads that are computed.
OLDEST = {"layers": 10, "swin": 11}
SEGMENTATION = ("fcn_resnet50", "deeplabv3_resnet50")


def oldest(name):
    return max((opset for start, opset in OLDEST.items() if name.startswith(start)), default=0)


class Layers(nn.Module):
    """Layers that torchvision's networks for classification do without."""

    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(3, 8, 3, stride=2, padding=1, output_padding=1)
        self.group_norm = nn.GroupNorm(2, 8)
        self.instance_norm = nn.InstanceNorm2d(8, affine=True)
        self.prelu = nn.PReLU(8)
        self.depthwise = nn.Conv2d(8, 8, 3, groups=8, dilation=2, padding=2)
        self.shuffle = nn.PixelShuffle(2)
        self.head = nn.Linear(2, 10)

    def forward(self, x):
        x = self.prelu(self.group_norm(self.up(x)))
        x = nn.functional.leaky_relu(self.instance_norm(self.depthwise(x)), 0.1) + nn.functional.elu(x)
        a, b = torch.chunk(nn.functional.pad(x, (1, 2, 1, 0)), 2, 1)
        x = nn.functional.interpolate(torch.cat([a, torch.sigmoid(b) * a], 1), scale_factor=2)
        x = torch.clamp(self.shuffle(x), -0.9, 1.1)
        x = (nn.functional.avg_pool2d(x, 3, 2, 1) - nn.functional.max_pool2d(x, 2, 2))[:, :, :42, 1:]
        x = x[:, :, ::2, 1:] * torch.rsqrt(x.square().mean(dim=(2, 3), keepdim=True) + 1)
        x = nn.functional.softplus(x).permute(0, 2, 3, 1).reshape(x.shape[0], -1, 2)
        return torch.log_softmax(self.head(x).max(dim=1).values, 1)


def network(name):
    """With random weights and statistics, and the size of its images."""
    torch.manual_seed(1)
    if name in SMALL:
        make, size = SMALL[name]
        model = make()
    elif name in SEGMENTATION:
        model, size = getattr(torchvision.models.segmentation, name)(weights=None, weights_backbone=None), 65
    else:
        options = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
        model, size = getattr(torchvision.models, name)(weights=None, **options), 224
        size = {"inception_v3": 299}.get(name, size)
    for key, value in model.state_dict().items():
        if key.endswith("running_mean"):
            value.uniform_(-0.3, 0.3)
        if key.endswith("running_var"):
            value.uniform_(0.6, 1.4)
        if key.endswith("layer_scale") or (value.ndim == 2 and not value.any()):
            value.uniform_(-0.5, 0.5)
    return Single(model).eval(), size


class Single(nn.Module):
    """One output, whatever the network returns."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        y = self.model(x)
        return y["out"] if isinstance(y, dict) else y if isinstance(y, torch.Tensor) else y[0]


def export(model, image, path, opset, mode, dynamic):
    preserving = mode == "preserve"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, image, path, opset_version=opset, input_names=["image"], output_names=["logits"],
                          training=torch.onnx.TrainingMode.PRESERVE if preserving else torch.onnx.TrainingMode.EVAL,
                          do_constant_folding=not preserving,
                          dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}} if dynamic else None)


def exported(model, image, path, opset, mode, dynamic):
    """With an open batch, if PyTorch can do that: of shapes that depend on it, not at opset 9."""
    try:
        export(model, image, path, opset, mode, dynamic)
    except torch.onnx.errors.SymbolicValueError:
        export(model, image, path, opset, mode, dynamic=False)


def rnc(binaries, *arguments):
    """What it writes to standard output; a failure is told with what it says of it."""
    done = subprocess.run([binaries / "rnc", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"rnc: {done.stderr}")
    return done.stdout


def outputs(binaries, library, image, directory):
    given, result = directory / "in.safetensors", directory / "out.safetensors"
    write_safetensors(given, {"image": image})
    subprocess.run([binaries / "rnrun", "call", library, "infer", "--in", given, "--out", result], check=True)
    return read_safetensors(result)["logits"]


class Imported:
    """What rnc makes of a file, with names that do not depend on the file's: those that are declared, by their order."""

    def __init__(self, binaries, onnx):
        weights = onnx.with_suffix(".safetensors")
        dump = rnc(binaries, onnx, "--emit=graph", "-o", "-")
        rnc(binaries, onnx, "-o", weights)
        self.weights = read_safetensors(weights)
        weights.unlink()
        numbers = {}
        for name in re.findall(r"^ *(?:parameter |buffer )?(`[^`]*`|\S+) :", dump, re.M):
            numbers.setdefault(name, f"#{len(numbers)}")
        without_places = re.sub(r"  (@|in|#) .*$", "", dump, flags=re.M)
        text = re.sub(r"`[^`]*`|[\w.%/:]+", lambda word: numbers.get(word[0], word[0]), without_places)
        values = {numbers.get(name, numbers.get(f"`{name}`")): hashlib.sha256(value.numpy().tobytes()).hexdigest()
                  for name, value in self.weights.items()}
        self.key = hashlib.sha256(f"{text}{sorted(values.items())}".encode()).hexdigest()


def expected_of(model, size):
    images = [torch.randn(batch, 3, size, size) for batch in (1, 3)]
    with torch.no_grad():
        return [(image, model(image)) for image in images]


def relative_errors(binaries, onnx, expected):
    library = onnx.with_suffix(".so")
    rnc(binaries, onnx, "-o", library)
    errors = [((outputs(binaries, library, image, onnx.parent) - logits).abs().max() / logits.abs().max()).item()
              for image, logits in expected]
    library.unlink()
    return errors


def counted(name, model, weights):
    """Whether all parameters and statistics are there, but for those that only training uses; and in words."""
    ours = {key.removeprefix("model."): value for key, value in weights.items()}
    theirs = {k: v for k, v in model.model.state_dict().items() if v.is_floating_point()}
    missing = [k for k, v in theirs.items() if k not in ours or not torch.equal(ours[k], v)]
    found = sum(v.numel() for k, v in theirs.items() if k not in missing)
    said = f"; {found} of {sum(v.numel() for v in theirs.values())} elements of the state_dict"
    wanted = [k for k in missing if not re.match("aux", k)]
    return not wanted, said + (f", without {', '.join(wanted)}" if wanted else "")


def compare(name, binaries, opsets, mode):
    """At all opsets; what was compiled of earlier ones counts for files that become the same."""
    model, size = network(name)
    expected, compiled, good = expected_of(model, size), {}, []
    for opset in opsets:
        label = f"{name}, opset {opset}, {mode}"
        with tempfile.TemporaryDirectory() as scratch:
            onnx = pathlib.Path(scratch) / "net.onnx"
            try:
                exported(model, torch.randn(1 if mode == "eval" else 2, 3, size, size), onnx, opset, mode, opset != 13)
                imported = Imported(binaries, onnx)
                fits, said = counted(name, model, imported.weights) if mode == "preserve" else (True, "")
                same = compiled.get(imported.key)
                if same is None:
                    errors = relative_errors(binaries, onnx, expected)
                    compiled[imported.key] = opset, errors
                    line = f"relative errors {errors[0]:.2g} and {errors[1]:.2g}{said}"
                else:
                    errors, line = same[1], f"the same as at opset {same[0]}{said}"
                good.append(max(errors) <= TOLERANCE and fits)
            except (torch.onnx.errors.UnsupportedOperatorError, torch.onnx.errors.SymbolicValueError) as error:
                good.append(name not in SMALL)
                line = f"torch.onnx cannot write it: {str(error).splitlines()[0][:120]}"
            except RuntimeError as error:
                good.append(False)
                line = str(error)
        print(f"{label}: {line}{'' if good[-1] else ': FAILED'}", flush=True)
    return all(good)


def compare_gradients(name, binaries):
    """Of a step from the weights in the file, with the loss that rnc adds, with PyTorch's in training."""
    model, size = network(name)
    image, label = torch.randn(4, 3, size, size), torch.randint(0, 10, (4,), dtype=torch.int32)
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(scratch)
        onnx, library = directory / "net.onnx", directory / "net.so"
        export(model, image, onnx, 13, "preserve", dynamic=True)
        subprocess.run([binaries / "rnc", onnx, "-o", library, "--loss", "cross_entropy", "--optimizer",
                        "sgd(momentum = 0.9)"], check=True)
        write_safetensors(directory / "in", {"image": image, "label": label})
        subprocess.run([binaries / "rnrun", "call", library, "backward", "--in", directory / "in", "--out",
                        directory / "out"], check=True)
        ours = read_safetensors(directory / "out")

    def gradients(model, image):
        model.zero_grad()
        nn.functional.cross_entropy(model.train()(image), label.long()).backward()
        return {f"grad.{key}": value.grad.double() for key, value in model.named_parameters()}

    state = {k: v.clone() for k, v in model.state_dict().items()}
    single = gradients(model, image)
    model.load_state_dict(state)
    exact = gradients(model.double(), image.double())
    total = sum(g.square().sum() for g in exact.values())
    errors = [(sum((of[k].double() - g).square().sum() for k, g in exact.items()) / total).sqrt().item()
              for of in (ours, single)]
    good = errors[0] <= max(4 * errors[1], 1e-5)
    print(f"{name}: error of gradients {errors[0]:.2g}, PyTorch's {errors[1]:.2g}{'' if good else ': FAILED'}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    parser.add_argument("--all", action="store_true", help="all of torchvision's for classification, and two others")
    parser.add_argument("--opsets", type=int, nargs="+", default=[17, 13, 9])
    parser.add_argument("--modes", nargs="+", default=["eval", "preserve"], choices=["eval", "preserve"])
    options = parser.parse_args()
    torch.set_num_threads(2)
    names = options.networks or list(SMALL)
    if options.all:
        names = [*torchvision.models.list_models(module=torchvision.models), *SEGMENTATION]
    good = [compare(name, options.bin.resolve(), [o for o in options.opsets if o >= oldest(name)], mode)
            for name in names for mode in options.modes]
    if not options.networks:
        good += [compare_gradients(name, options.bin.resolve()) for name in ("resnet", "densenet", "vit", "swin")]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
