#!/usr/bin/python3
"""What rnc says of models in ONNX's format that are wrong, hostile or not supported: exit status 1 within a second or
two, little memory, and the message.

    tests/run/onnx_errors.py --bin build/bin
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from onnx import TensorProto, helper

SECONDS, KIBIBYTES = 5, 2_000_000  # of a loaded machine; of addresses
X = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])
Y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
HUGE = 2 ** 62


def node(op, inputs, output="y", **attributes):
    return helper.make_node(op, inputs, [output], name=f"the_{op}", **attributes)


def tensor(name, dims, data=b"", dtype=TensorProto.FLOAT):
    return TensorProto(name=name, dims=dims, raw_data=data, data_type=dtype)


def numbers(name, *values):
    return tensor(name, [len(values)], b"".join(v.to_bytes(8, "little") for v in values), TensorProto.INT64)


def external(location, **entries):
    made = TensorProto(name="w", dims=[8, 3, 3, 3], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        made.external_data.add(key=key, value=str(value))
    return made


def model(nodes, initializers=(), inputs=(X,), outputs=(Y,), opset=13):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]).SerializeToString()


def of_size(*dims):
    return [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(dims))]


CONV, RELU = [node("Conv", ["x", "w"])], [node("Relu", ["x"])]
WEIGHT = tensor("w", [8, 3, 3, 3], bytes(864))
# By name: the file, and what is said of it.
CASES = {
    "garbage": (b"\x08" + bytes(range(256)) * 10, "not a model in ONNX's format, or a damaged one"),
    "empty": (b"", "not a model in ONNX's format"),
    "lying_length": (b"\x08\x07" + b"\x3a\xff\xff\xff\x7f" * 3, "not a model in ONNX's format"),
    "truncated": (model(CONV, [WEIGHT])[:-100], "not a model in ONNX's format"),
    "opset": (model(RELU, opset=99), "it is of opset 99; 6 to 21 are read"),
    "cycle": (model([node("Relu", ["b"], "a"), node("Relu", ["a"], "b")]),
              "node 'the_Relu' reads 'b', which nothing before it computes"),
    "computed_twice": (model(RELU + RELU), "'y' is computed twice"),
    "initializer_twice": (model(CONV, [WEIGHT, WEIGHT]), "two initializers are called 'w'"),
    "input_twice": (model(RELU, inputs=[X, X]), "two inputs are called 'x'"),
    "no_outputs": (model(RELU, outputs=[]), "it has no outputs"),
    "open_size": (model(RELU, inputs=of_size("batch", 3, "height", 8)),
                  "input 'x' is [batch, 3, height, 8]: only the first size, the batch, may be open; say the others with "
                  "--set height=NUMBER"),
    "huge_input": (model(RELU, inputs=of_size(1, HUGE, HUGE, 4)), "is too large"),
    "negative_input": (model(RELU, inputs=of_size(1, -5)), "every size must be at least 1"),
    "huge_weight": (model(CONV, [tensor("w", [HUGE, HUGE, 3, 3])]), "tensor 'w': it is larger than any machine's memory"),
    "lying_weight": (model(CONV, [tensor("w", [8, 3, 30000, 30000], b"1234")]),
                     "tensor 'w': it has 4 bytes, and its shape takes 86400000000"),
    "absolute": (model(CONV, [external("/etc/passwd")]), "'/etc/passwd' is not a path inside the model's directory"),
    "upwards": (model(CONV, [external("a/../../b")]), "'a/../../b' is not a path inside the model's directory"),
    "link": (model(CONV, [external("link")]), "'link' leads out of the model's directory"),
    "pipe": (model(CONV, [external("pipe")]), "'pipe' is not a regular file"),
    "short": (model(CONV, [external("data", offset=HUGE)]), "data, which has 100"),
    "expand": (model([node("Expand", ["x", "s"])], [numbers("s", 2 ** 40, 2 ** 40, 2 ** 40, 1)]), "is too large"),
    "constants": (model([node("ConstantOfShape", ["s"], f"c{i}") for i in range(5000)] + RELU, [numbers("s", 2 ** 20)]),
                  "the model has too many constants"),
    "pads": (model([node("Pad", ["x", "p"])], [numbers("p", *[HUGE] * 8)]), f"pads of {HUGE}"),
    "tile": (model([node("Tile", ["x", "r"])], [numbers("r", 1, 2 ** 40, 1, 1)]), f"{2 ** 40} repeats along dimension 1"),
    "stride": (model([node("Conv", ["x", "w"], strides=[0, 0], auto_pad="SAME_UPPER")], [WEIGHT]),
               "stride must be at least 1"),
    "step": (model([node("Slice", ["x", "from", "to", "a", "s"])],
                   [numbers("from", 7), numbers("to", 2 ** 63), numbers("a", 2), numbers("s", 2 ** 64 - 1)]), "steps of -1"),
    "batch": (model([node("Transpose", ["x"], perm=[1, 0, 2, 3])], inputs=of_size("batch", 3, 8, 8)),
              "the batch of output 'y', [3, N, 8, 8], is not its first dimension"),
    "unsupported": (model([node("TopK", ["x"], "a"), node("GridSample", ["a"], mode="bilinear")]),
                    "node 'the_TopK' (TopK, opset 13): this operator is not supported; of f32[1, 3, 8, 8]\n"),
    "both_unsupported": (model([node("TopK", ["x"], "a"), node("GridSample", ["a"], mode="bilinear")]),
                         "node 'the_GridSample' (GridSample, opset 13): this operator is not supported; mode = 'bilinear'; of nothing\n"),
}

FC = [node("Flatten", ["x"], "f"), node("Gemm", ["f", "fc.weight", "b"], transB=1)]
FC_WEIGHTS = [tensor("fc.weight", [4, 192], bytes(3072)), tensor("b", [4], bytes(16))]
LINEAR = model(FC, FC_WEIGHTS)
TWO_IMAGES = model([node("Add", ["x", "z"])], inputs=[X, helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 3, 8, 8])])
FORM = "must be 'u8, mean=0.485 0.456 0.406, std=0.229 0.224 0.225'"
# By name: the file, flags, and what is said.
FLAGS = {
    "head_name": (LINEAR, ["--head", "fx=3"], "--head fx: no last layer is called so; there is fc (linear 192 to 4)"),
    "head_form": (LINEAR, ["--head", "fc"], "--head fc: must be NAME=OUTPUTS, such as fc=10, with 1 to 1000000 outputs"),
    "head_count": (LINEAR, ["--head", "fc=99999999999999999999"], "must be NAME=OUTPUTS"),
    "head_none": (model(RELU), ["--head", "fc=3"], "the model has none with a weight of its own"),
    "head_hostile": (model(FC, [tensor("fc.weight", [4, HUGE]), FC_WEIGHTS[1]]), ["--head", "fc=3"],
                     f"no weight can have 3 x {HUGE} elements"),
    "head_shared": (model([FC[0], node("Gemm", ["f", "w", "b"], "a", transB=1), node("Gemm", ["f", "w", "b"], "c", transB=1),
                           node("Add", ["a", "c"])], [tensor("w", [4, 192], bytes(3072)), FC_WEIGHTS[1]]),
                    ["--head", "the_Gemm=3"], "several last layers are called so"),
    "image_type": (LINEAR, ["--image", "f32"], f"{FORM}, where scale="),
    "image_word": (LINEAR, ["--image", "u8, means=1"], "'means=1' is none of these"),
    "image_number": (LINEAR, ["--image", "u8, mean=1 x"], "'x' is no number"),
    "image_channels": (LINEAR, ["--image", "u8, mean=1 2"], "--image: mean has 2 numbers, and the image 3 channels"),
    "image_std": (LINEAR, ["--image", "u8, std=0"], "std must be greater than 0"),
    "image_layout": (LINEAR, ["--image", "u8, layout=nhwc"], "with 8 channels; layout=nhwc is for files that take [N, H, W, C]"),
    "image_which": (TWO_IMAGES, ["--image", "u8"], "more than one of the inputs x f32["),
    "classes_count": (LINEAR, ["--classes", "three"], "three has 3 names, and the prediction y is f32[N, 4]"),
    "classes_empty": (LINEAR, ["--classes", "gap"], "--classes: line 2 of gap is empty"),
    "classes_bytes": (LINEAR, ["--classes", "bytes"], "bytes:1:1: error: this is not a text file"),
    "classes_missing": (LINEAR, ["--classes", "nowhere"], "cannot read 'nowhere'"),
    "unread_result": (model([helper.make_node("Dropout", ["x"], ["a", "m"], name="drop"), node("Relu", ["m"])],
                            inputs=of_size("batch", 3, 8, 8)), [],
        "node 'the_Relu' (Relu, opset 13): it takes 'm', a result of its node that is not read"),
}


def said(binaries, directory, name, content, flags=()):
    """The message, or what is wrong with how rnc ended."""
    path = directory / f"{name}.onnx"
    path.write_bytes(content)
    start = time.monotonic()
    ended = subprocess.run(["sh", "-c", f"ulimit -v {KIBIBYTES}; exec \"$@\"", "sh", binaries / "rnc", path, "-o",
                            directory / "made.so", *flags], capture_output=True, text=True, cwd=directory)
    seconds = time.monotonic() - start
    if ended.returncode != 1 or seconds > SECONDS or (directory / "made.so").exists():
        return f"status {ended.returncode} after {seconds:.1f} s: {ended.stderr}"
    return ended.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    binaries, failures = parser.parse_args().bin.resolve(), 0
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(scratch)
        (directory / "data").write_bytes(bytes(100))
        (directory / "link").symlink_to("/etc/passwd")
        os.mkfifo(directory / "pipe")
        (directory / "three").write_text("ant\nbee\ncow\n")
        (directory / "gap").write_text("ant\n\nbee\ncow\n")
        (directory / "bytes").write_bytes(b"\xff\xfe\n" * 4)
        cases = {name: (content, [], expected) for name, (content, expected) in CASES.items()} | FLAGS
        for name, (content, flags, expected) in cases.items():
            message = said(binaries, directory, name, content, flags)
            if expected not in message or message.startswith("status"):
                failures += 1
                print(f"{name}: expected '{expected}', got: {message}")
    print(f"{len(cases)} files, {failures} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
