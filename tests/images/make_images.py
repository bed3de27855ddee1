#!/usr/bin/env python3
"""Makes the images in this directory and expected.safetensors: their pixels as Pillow decodes them (as
torchvision's loader does, u8[C, H, W]), and "<file> <operation>" as Pillow and torchvision transform them. Needs
Debian's python3-pil, python3-numpy and python3-torchvision; the tests need none of these."""
import json, struct, zlib
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision.transforms import functional as F

here = Path(__file__).parent
random = np.random.default_rng(1)


def picture(height, width, channels):
    """Waves with noise: something to compress, and something to lose."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    waves = 128 + 90 * np.sin(0.31 * x + c) * np.cos(0.23 * y - 2 * c)
    return (waves + random.integers(-30, 30, waves.shape)).clip(0, 255).astype(np.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(rows_of_passes, height, width, depth, colour, interlace=0, extra=b""):
    """A PNG file from bytes of rows, each without its filter byte."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    data = b"".join(b"\0" + row for rows in rows_of_passes for row in rows)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def rows(pixels):
    return [row.tobytes() for row in pixels]


def make_pngs():
    rgb = picture(9, 13, 3)
    Image.fromarray(rgb).save(here / "rgb.png")
    Image.fromarray(rgb[:, :, 0]).save(here / "grey.png")
    Image.fromarray(picture(9, 13, 4)).save(here / "rgba.png")
    Image.fromarray(picture(9, 13, 2), "LA").save(here / "grey_alpha.png")
    Image.fromarray(rgb).quantize(7).save(here / "palette.png", transparency=3)
    Image.fromarray(rgb[:, :, 0] > 128).save(here / "bits.png")
    four = random.integers(0, 256, (9, 7), dtype=np.uint8)  # 13 pixels of 4 bits and some rest
    (here / "grey4.png").write_bytes(png([rows(four)], 9, 13, 4, 0))
    deep = random.integers(0, 65536, (9, 13, 3)).astype(">u2")
    (here / "rgb16.png").write_bytes(png([rows(deep)], 9, 13, 16, 2, extra=chunk(b"tRNS", deep[0, 0].tobytes())))
    adam7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    passes = [rows(rgb[top::down, left::right]) for top, left, down, right in adam7]
    (here / "interlaced.png").write_bytes(png(passes, 9, 13, 8, 2, interlace=1))


def make_jpegs():
    rgb = Image.fromarray(picture(21, 19, 3))
    rgb.save(here / "rgb.jpg", quality=85)
    rgb.save(here / "rgb444.JPEG", quality=95, subsampling=0)
    rgb.save(here / "progressive.jpg", quality=70, progressive=True)
    Image.fromarray(picture(21, 19, 1)[:, :, 0]).save(here / "grey.jpg", quality=60)
    Image.fromarray(picture(21, 19, 4), "CMYK").save(here / "cmyk.jpg", quality=90)
    Image.fromarray(picture(40, 57, 3)).save(here / "large.png")


def planes(image):
    array = np.asarray(image)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def decode(path):
    image = Image.open(path)
    return image.convert("L" if image.mode in ("L", "1", "LA") else "RGB")


def evaluation(image, size):
    return F.center_crop(F.resize(image, int(size * 256 / 224 + 0.5)), [size, size])


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, array in tensors.items():
        header[name] = {"dtype": "U8", "shape": array.shape, "data_offsets": [len(data), len(data) + array.size]}
        data += np.ascontiguousarray(array).tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


make_pngs()
make_jpegs()
expected = {}
for path in sorted(here.iterdir()):
    if path.suffix.lower() in (".png", ".jpg", ".jpeg"):
        expected[path.name] = planes(decode(path))
large = decode(here / "large.png")
for name, source in ("large.png", large), ("turned", large.transpose(Image.ROTATE_90)):
    for size in 8, 24, 32, 40, 57, 64:
        expected[f"{name} fit {size}"] = planes(evaluation(source, size))
expected["turned"] = planes(large.transpose(Image.ROTATE_90))
expected["large.png crop 5 7 20 31 to 16 24"] = planes(F.resized_crop(large, 5, 7, 20, 31, [16, 24]))
expected["large.png crop 11 2 9 6 to 32 32"] = planes(F.resized_crop(large, 11, 2, 9, 6, [32, 32]))
expected["large.png to grey"] = planes(large.convert("L"))
expected["grey.png to RGB"] = planes(decode(here / "grey.png").convert("RGB"))
write_safetensors(here / "expected.safetensors", expected)
