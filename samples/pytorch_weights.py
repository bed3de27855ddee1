#!/usr/bin/python3
"""Weights between rnrun and PyTorch: safetensors files without the package safetensors.

    samples/pytorch_weights.py WEIGHTS.pth WEIGHTS.safetensors    a state_dict saved by torch.save, for rnc --weights

and in Python, with names and shapes as they are in both:

    import pytorch_weights
    model.load_state_dict(pytorch_weights.load("runs/resnet18/checkpoint-best.safetensors"))
    pytorch_weights.save(model.state_dict(), "resnet18.safetensors")
"""

import json
import pathlib
import struct
import sys

import numpy
import torch

DTYPES = {"F32": numpy.float32, "F64": numpy.float64, "I64": numpy.int64, "I32": numpy.int32, "U8": numpy.uint8}


def read(path):
    """All tensors of a file, and its metadata."""
    content = pathlib.Path(path).read_bytes()
    start = 8 + struct.unpack_from("<Q", content)[0]
    header = json.loads(content[8:start])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (start + offset for offset in entry["data_offsets"])
        array = numpy.frombuffer(content[begin:end], dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(array.copy())
    return tensors, metadata


def load(path):
    """The state_dict in a file. Of a checkpoint: the weights, averaged ones where it has them, without the
    optimizer's state, whose names are those of the parameters behind a prefix: "momentum.fc.weight"."""
    tensors, metadata = read(path)
    if not metadata.get("format", "").startswith("rnrun checkpoint"):
        return tensors
    weights = {name: tensor for name, tensor in tensors.items() if name.partition(".")[2] not in tensors}
    return {name: tensors.get("ema." + name, tensor) for name, tensor in weights.items()}


def save(state_dict, path):
    """Writes a state_dict."""
    names = {numpy.dtype(dtype): name for name, dtype in DTYPES.items()}
    header, data, end = {}, [], 0
    for name, tensor in state_dict.items():
        array = numpy.ascontiguousarray(tensor.detach().cpu().numpy()).reshape(tensor.shape)
        data.append(array.tobytes())
        offsets = [end, end := end + len(data[-1])]
        header[name] = {"dtype": names[array.dtype], "shape": list(tensor.shape), "data_offsets": offsets}
    text = json.dumps(header).encode()
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    state_dict = torch.load(sys.argv[1], map_location="cpu")
    for key in ("state_dict", "model"):  # as training scripts wrap it
        if isinstance(state_dict.get(key), dict):
            state_dict = state_dict[key]
    save({name.removeprefix("module."): tensor for name, tensor in state_dict.items()}, sys.argv[2])


if __name__ == "__main__":
    main()
