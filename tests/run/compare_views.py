#!/usr/bin/python3
"""rnrun predict --tta against its own predictions of torchvision's views of an image, averaged here.
Usage: compare_views.py --bin DIRECTORY_OF_PROGRAMS"""
import argparse, json, math, subprocess, tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision.transforms import functional as F

NETWORK = """model net(image: u8[N, 3, 16, 24]) {
  x = normalize(image, mean = [0.3, 0.3, 0.3], std = [0.1, 0.1, 0.1])
  conv = conv2d(x, 8, kernel = 5, stride = 2, pad = 2)
  fc = linear(flatten(relu(conv)), 10)
  predict fc
}
"""
SIZE = 16, 24


def views_of(image, kind):
    covering = max(round(SIZE[0] * 256 / 224) / image.height, round(SIZE[1] * 256 / 224) / image.width)
    scaled = F.resize(image, [int(image.height * covering + 1e-9), int(image.width * covering + 1e-9)])
    if image.size == SIZE[::-1]:  # has a border instead
        scaled = F.pad(image, [(round(side * 256 / 224) - side) // 2 for side in SIZE[::-1]])
    if kind == "ten-crop":
        return F.ten_crop(scaled, SIZE)
    return [F.center_crop(scaled, SIZE), F.hflip(F.center_crop(scaled, SIZE))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=Path, required=True)
    bin = parser.parse_args().bin.resolve()
    directory = Path(tempfile.mkdtemp())
    (directory / "net.graph").write_text(NETWORK)
    subprocess.run([bin / "rnc", "net.graph", "-o", "net.so"], cwd=directory, check=True)
    random = np.random.default_rng(1)
    write_weights(directory / "weights.safetensors", {
        "conv.weight": random.normal(0, 0.1, (8, 3, 5, 5)), "conv.bias": random.normal(0, 0.1, 8),
        "fc.weight": random.normal(0, 0.02, (10, 8 * 8 * 12)), "fc.bias": random.normal(0, 0.1, 10)})

    def logarithms(files, *flags):
        """Of the probabilities, by class."""
        command = [bin / "rnrun", "predict", "net.so", "--weights", "weights.safetensors", "--json", "--top", "10", *flags, *files]
        answers = json.loads(subprocess.run(command, cwd=directory, check=True, stdout=subprocess.PIPE).stdout)
        return [{top["index"]: math.log(top["probability"]) for top in answer["top"]} for answer in answers]

    images = [Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8).repeat(5, 0).repeat(5, 1))
              for shape in ((7, 9, 3), (8, 6, 3), (5, 14, 3))]
    images.append(images[0].resize(SIZE[::-1]))
    for i, image in enumerate(images):
        image.save(directory / f"{i}.png")
    worst = 0
    for kind in "flip", "ten-crop":
        for batch in "64", "7", "1":
            own = logarithms([f"{i}.png" for i in range(len(images))], "--tta", kind, "--batch-size", batch)
            for i, image in enumerate(images):
                names = []
                for v, view in enumerate(views_of(image, kind)):
                    view.save(directory / f"{i}_{v}.png")
                    names.append(f"{i}_{v}.png")
                each = logarithms(names)
                # The mean of scores is that of logarithms of probabilities, but for a constant.
                mean = np.array([np.mean([view[k] for view in each]) for k in range(10)])
                mean -= np.log(np.exp(mean).sum())
                plain = logarithms([f"{i}.png"])[0]
                assert max(abs(plain[k] - mean[k]) for k in range(10)) > 1e-2, "views make no difference"
                worst = max(worst, *(abs(own[i][k] - mean[k]) for k in range(10)))
    print(f"largest difference of a logarithm: {worst:.1e}")
    assert worst < 1e-4


def write_weights(path, tensors):
    header, data = {}, b""
    for name, array in tensors.items():
        array = array.astype(np.float32)
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


main()
