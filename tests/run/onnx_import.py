#!/usr/bin/python3
"""Exports networks with torch.onnx, compiles the files and compares their outputs with PyTorch's, at batches 1 and 3.

The weights travel in the library: rnrun call is given none. Each network is exported in evaluation, with weights folded,
and with --modes preserve as it trains, where its parameters are counted, too. Without names: small and narrow networks.

    tests/run/onnx_import.py --bin build/bin                              # small ones, as ctest does
    tests/run/onnx_import.py --bin build/bin --all --opsets 9 11 13 17    # all of torchvision's, which takes hours
    tests/run/onnx_import.py --bin build/bin resnet18 vit_b_16
"""

import argparse
import pathlib
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


def outputs(binaries, library, image, directory):
    given, result = directory / "in.safetensors", directory / "out.safetensors"
    write_safetensors(given, {"image": image})
    subprocess.run([binaries / "rnrun", "call", library, "infer", "--in", given, "--out", result], check=True)
    return read_safetensors(result)["logits"]


def parameters_of(binaries, onnx):
    weights = onnx.with_suffix(".safetensors")
    subprocess.run([binaries / "rnc", onnx, "-o", weights], check=True, stderr=subprocess.DEVNULL)
    return {name.removeprefix("model."): value for name, value in read_safetensors(weights).items()}


def compare(name, binaries, opset, mode):
    model, size = network(name)
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(scratch)
        onnx, library = directory / "net.onnx", directory / "net.so"
        # At opset 13 the batch is a number in the file.
        label, image = f"{name}, opset {opset}, {mode}", torch.randn(1 if mode == "eval" else 2, 3, size, size)
        try:
            exported(model, image, onnx, opset, mode, dynamic=opset != 13)
        except (torch.onnx.errors.UnsupportedOperatorError, torch.onnx.errors.SymbolicValueError) as error:
            print(f"{label}: torch.onnx cannot write it: {str(error).splitlines()[0][:120]}", flush=True)
            return name not in SMALL
        made = subprocess.run([binaries / "rnc", onnx, "-o", library], stderr=subprocess.PIPE, text=True)
        if made.returncode != 0:
            print(f"{label}: FAILED\n{made.stderr}", flush=True)
            return False
        errors = []
        for batch in (1, 3):
            image = torch.randn(batch, 3, size, size)
            with torch.no_grad():
                expected = model(image)
            errors.append(((outputs(binaries, library, image, directory) - expected).abs().max()
                           / expected.abs().max()).item())
        good = max(errors) <= TOLERANCE
        line = f"{label}: relative errors {errors[0]:.2g} and {errors[1]:.2g}"
        if mode == "preserve":
            ours = parameters_of(binaries, onnx)
            theirs = {k: v for k, v in model.model.state_dict().items() if v.is_floating_point()}
            used = {k: v for k, v in theirs.items() if k in ours and torch.equal(ours[k], v)}
            count = sum(p.numel() for k, p in theirs.items())
            line += f"; {sum(v.numel() for v in used.values())} of {count} elements of the state_dict"
            good &= len(used) == len(theirs) or not name in SMALL
        print(line if good else line + ": FAILED", flush=True)
        return good


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
    parser.add_argument("--opsets", type=int, nargs="+", default=[9, 13, 17])
    parser.add_argument("--modes", nargs="+", default=["eval", "preserve"], choices=["eval", "preserve"])
    options = parser.parse_args()
    torch.set_num_threads(2)
    names = options.networks or list(SMALL)
    if options.all:
        names = [*torchvision.models.list_models(module=torchvision.models), *SEGMENTATION]
    good = [compare(name, options.bin.resolve(), opset, mode)
            for name in names for opset in options.opsets if opset >= oldest(name) for mode in options.modes]
    if not options.networks:
        good += [compare_gradients(name, options.bin.resolve()) for name in ("resnet", "densenet", "vit", "swin")]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
