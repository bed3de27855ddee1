#!/usr/bin/python3
"""Networks as other exporters than torch.onnx write them, node by node, against PyTorch's results at batches 1 and 3.

    tests/run/onnx_forms.py --bin build/bin

Keras and TensorFlow by tf2onnx: images [N, H, W, C] turned by Transpose, names with slashes and colons, pads that follow
from auto_pad, sizes by Shape, Cast, Slice and Concat, dense layers as MatMul and Add. PaddlePaddle by paddle2onnx: biases
reshaped to [1, C, 1, 1], activations spelled out, weights in Constant nodes.
"""

import subprocess

import numpy
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

from compare_torchvision import read_safetensors, write_safetensors
from onnx_cases import run_cases

TOLERANCE = 1e-5


class Writer:
    """A graph that grows node by node; weights are random, and known by their names."""

    def __init__(self, opset):
        self.nodes, self.initializers, self.values, self.opset = [], [], {}, opset
        self.random = numpy.random.default_rng(7)

    def node(self, op, inputs, **attributes):
        output = f"StatefulPartitionedCall/model/{op}_{len(self.nodes)}:0"
        self.nodes.append(helper.make_node(op, inputs, [output], name=output[:-2], **attributes))
        return output

    def weight(self, name, *shape, scale=0.3, offset=0.0):
        self.values[name] = torch.from_numpy((self.random.normal(size=shape) * scale + offset).astype(numpy.float32))
        self.initializers.append(numpy_helper.from_array(self.values[name].numpy(), name))
        return name

    def constant(self, value, dtype=numpy.int64):
        output = f"const_{len(self.nodes)}"
        tensor = numpy_helper.from_array(numpy.array(value, dtype))
        self.nodes.append(helper.make_node("Constant", [], [output], value=tensor))
        return output

    def norm(self, x, name, channels):
        parts = [self.weight(f"{name}/gamma:0", channels, offset=1), self.weight(f"{name}/beta:0", channels),
                 self.weight(f"{name}/moving_mean:0", channels),
                 self.weight(f"{name}/moving_variance:0", channels, scale=0.05, offset=1)]
        return self.node("BatchNormalization", [x, *parts], epsilon=1e-3, momentum=0.99)

    def model(self, shape, output, producer):
        x = helper.make_tensor_value_info("input_1", TensorProto.FLOAT, shape)
        y = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "g", [x], [y], self.initializers)
        return helper.make_model(graph, producer_name=producer, opset_imports=[helper.make_opsetid("", self.opset)])


def same_pad(x, kernel, stride, value=0.0):
    """As TensorFlow: the odd one behind."""
    pads = []
    for size in reversed(x.shape[2:]):
        total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)


def batch_norm(w, x, name):
    return F.batch_norm(x, w[f"{name}/moving_mean:0"], w[f"{name}/moving_variance:0"], w[f"{name}/gamma:0"],
                        w[f"{name}/beta:0"], eps=1e-3)


def keras(opset):
    """Its file, the shape of an image in it, and the same in PyTorch."""
    g = Writer(opset)
    x = g.node("Mul", ["input_1", g.constant(1 / 127.5, numpy.float32)])  # Rescaling
    x = g.node("Add", [x, g.constant(-1.0, numpy.float32)])
    x = g.node("Transpose", [x], perm=[0, 3, 1, 2])
    x = g.node("Conv", [x, g.weight("conv/kernel:0", 8, 3, 3, 3), g.weight("conv/bias:0", 8)], auto_pad="SAME_UPPER",
               strides=[2, 2], kernel_shape=[3, 3])
    x = g.node("Clip", [g.norm(x, "bn", 8), g.constant(0.0, numpy.float32), g.constant(6.0, numpy.float32)])  # ReLU6
    pads = g.constant([0, 0, 0, 0, 0, 0, 1, 1])  # ZeroPadding2D(((0, 1), (0, 1)))
    x = g.node("Pad", [x, pads, g.constant(0.0, numpy.float32)], mode="constant")
    x = g.node("Conv", [x, g.weight("depthwise/kernel:0", 8, 1, 3, 3)], group=8, strides=[2, 2], kernel_shape=[3, 3])
    x = g.node("LeakyRelu", [g.norm(x, "bn2", 8)], alpha=0.3)
    pooled = g.node("MaxPool", [x], kernel_shape=[3, 3], strides=[1, 1], auto_pad="SAME_UPPER")
    average = g.node("AveragePool", [x], kernel_shape=[2, 2], strides=[1, 1], auto_pad="SAME_UPPER")
    x = g.node("Concat", [g.node("Transpose", [v], perm=[0, 2, 3, 1]) for v in (pooled, average)], axis=-1)
    gate = g.node("ReduceMean", [x], axes=[1, 2], keepdims=1)  # of a block of squeeze and excitation, channels last
    gate = g.node("Sigmoid", [g.node("Add", [g.node("MatMul", [gate, g.weight("se/kernel:0", 16, 16)]),
                                              g.weight("se/bias:0", 16)])])
    x = g.node("Mul", [x, gate])
    shape = g.node("Cast", [g.node("Shape", [x])], to=TensorProto.INT32)
    if opset >= 10:
        batch = g.node("Slice", [shape, g.constant([0]), g.constant([1]), g.constant([0])])
    else:
        batch = g.node("Slice", [shape], starts=[0], ends=[1], axes=[0])
    target = g.node("Cast", [g.node("Concat", [batch, g.constant([-1], numpy.int32)], axis=0)], to=TensorProto.INT64)
    flat = g.node("Reshape", [x, target])
    turned = g.node("Transpose", [x], perm=[0, 3, 1, 2])
    mean = g.node("GlobalAveragePool", [turned])
    mean = g.node("Squeeze", [mean, g.constant([2, 3])]) if opset >= 13 else g.node("Squeeze", [mean], axes=[2, 3])
    x = g.node("Concat", [flat, mean], axis=1)
    x = g.node("MatMul", [x, g.weight("dense/kernel:0", 7 * 5 * 16 + 16, 10, scale=0.05)])
    y = g.node("Softmax", [g.node("Add", [x, g.weight("dense/bias:0", 10)])], **({"axis": -1} if opset >= 13 else {}))

    def reference(w, image):
        x = (image / 127.5 - 1).permute(0, 3, 1, 2)
        x = F.conv2d(same_pad(x, 3, 2), w["conv/kernel:0"], w["conv/bias:0"], 2)
        x = F.pad(batch_norm(w, x, "bn").clamp(0, 6), (0, 1, 0, 1))
        x = F.leaky_relu(batch_norm(w, F.conv2d(x, w["depthwise/kernel:0"], stride=2, groups=8), "bn2"), 0.3)
        area = F.avg_pool2d(same_pad(torch.ones_like(x), 2, 1), 2, 1)
        average = F.avg_pool2d(same_pad(x, 2, 1), 2, 1) / area
        x = torch.cat([F.max_pool2d(same_pad(x, 3, 1, -numpy.inf), 3, 1), average], 1).permute(0, 2, 3, 1)
        x = x * torch.sigmoid(x.mean((1, 2), keepdim=True) @ w["se/kernel:0"] + w["se/bias:0"])
        x = torch.cat([x.flatten(1), x.mean((1, 2))], 1)
        return torch.softmax(x @ w["dense/kernel:0"] + w["dense/bias:0"], -1)

    return g.model(["unk__1", 28, 20, 3], y, "tf2onnx"), (28, 20, 3), g.values, reference, y


def paddle(opset):
    g = Writer(opset)
    weight = g.random.normal(size=(8, 3, 3, 3)).astype(numpy.float32) * 0.3
    x = g.node("Conv", ["input_1", g.constant(weight, numpy.float32)], pads=[1, 1, 1, 1], strides=[2, 2], group=1,
               kernel_shape=[3, 3], dilations=[1, 1])
    bias = g.node("Reshape", [g.weight("conv2d_0.b_0", 8), g.constant([1, 8, 1, 1])])
    x = g.norm(g.node("Add", [x, bias]), "batch_norm2d_0", 8)
    shifted = g.node("Add", [x, g.constant([3.0], numpy.float32)])  # hard_swish
    cut = g.node("Clip", [shifted, g.constant(0.0, numpy.float32), g.constant(6.0, numpy.float32)])
    x = g.node("Div", [g.node("Mul", [x, cut]), g.constant([6.0], numpy.float32)])
    gate = g.node("Conv", [g.node("GlobalAveragePool", [x]), g.weight("conv2d_1.w_0", 8, 8, 1, 1)])
    x = g.node("Mul", [x, g.node("HardSigmoid", [gate], alpha=0.2, beta=0.5)])
    x = g.node("Resize", [x, "", g.constant([1, 1, 2, 2], numpy.float32)], mode="nearest",
               coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    x = g.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=0, count_include_pad=0)
    x = g.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    shape = g.node("Shape", [x])
    batch = g.node("Slice", [shape, g.constant([0]), g.constant([1]), g.constant([0])])
    x = g.node("Reshape", [x, g.node("Concat", [batch, g.constant([-1])], axis=0)])
    x = g.node("MatMul", [x, g.weight("linear_0.w_0", 8 * 7 * 5, 10, scale=0.1)])
    y = g.node("Add", [x, g.weight("linear_0.b_0", 10)])

    def reference(w, image):
        x = F.conv2d(image, torch.from_numpy(weight), w["conv2d_0.b_0"], 2, 1)
        x = F.hardswish(batch_norm(w, x, "batch_norm2d_0"))
        x = x * (0.2 * F.conv2d(x.mean((2, 3), keepdim=True), w["conv2d_1.w_0"]) + 0.5).clamp(0, 1)
        return F.max_pool2d(x, 2).flatten(1) @ w["linear_0.w_0"] + w["linear_0.b_0"]

    return g.model([-1, 3, 28, 20], y, "PaddlePaddle"), (3, 28, 20), g.values, reference, y


def compare(name, form, opset, binaries, directory, flags=()):
    model, shape, weights, reference, output = form(opset)
    file, library, given, result = (directory / f for f in ("net.onnx", "net.so", "in", "out"))
    file.write_bytes(model.SerializeToString())
    raw = bool(flags)  # pixels [N, C, H, W]
    made = subprocess.run([binaries / "rnc", file, *flags, "-o", library], capture_output=True, text=True)
    if made.returncode != 0:
        print(f"{name}, opset {opset}: FAILED\n{made.stderr}")
        return False
    errors = []
    for batch in (1, 3):
        image = torch.randint(0, 256, (batch, *shape)).float() if name == "keras" else torch.randn(batch, *shape)
        write_safetensors(given, {"input_1": image.permute(0, 3, 1, 2).to(torch.uint8).contiguous() if raw else image})
        subprocess.run([binaries / "rnrun", "call", library, "infer", "--in", given, "--out", result], check=True)
        ours, exact = read_safetensors(result)[output], reference(weights, image)
        errors.append(((ours - exact).abs().max() / exact.abs().max()).item())
    good = max(errors) <= TOLERANCE
    print(f"{name}, opset {opset}{', raw pixels' if raw else ''}: relative errors {errors[0]:.2g} and {errors[1]:.2g}"
          f"{'' if good else ': FAILED'}", flush=True)
    return good


def main():
    torch.manual_seed(1)
    pixels = ["--image", "u8, layout=nhwc, scale=1"]
    case = lambda *given: lambda *places: compare(*given[:3], *places, *given[3:])
    run_cases(__doc__, [case("keras", keras, 11), case("keras", keras, 13), case("keras", keras, 17, pixels),
                        case("paddle", paddle, 11), case("paddle", paddle, 15)])


if __name__ == "__main__":
    main()
