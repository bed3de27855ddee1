#!/usr/bin/env python3
"""Makes the images in this directory and expected.safetensors: their pixels as Pillow decodes them (as
torchvision's loader does, u8[C, H, W]), and "<file> <operation>" as Pillow and torchvision transform them. Needs
Debian's python3-pil, python3-numpy and python3-torchvision; the tests need none of these."""
import json, struct, zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
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


def bmp(rows, width, height, depth, compression=0, palette=b"", masks=b"", header=40):
    """A BMP file from bytes of rows, each a multiple of 4 long."""
    size = header + len(masks) + len(palette)
    info = struct.pack("<IiiHHIIiiII", header, width, height, 1, depth, compression, 0, 0, 0, 0, 0)
    if header == 12:
        info = struct.pack("<IHHHH", header, width, height, 1, depth)
    data = b"".join(rows)
    return struct.pack("<2sIHHI", b"BM", 14 + size + len(data), 0, 0, 14 + size) + info + masks + palette + data


def random_rows(width, height, depth):
    return [random.bytes((width * depth + 31) // 32 * 4) for _ in range(height)]


def make_bmps():
    rgb = picture(9, 13, 3)
    Image.fromarray(rgb).save(here / "rgb.bmp")
    Image.fromarray(rgb[:, :, 0]).save(here / "grey.bmp")
    Image.fromarray(rgb[:, :, 0] > 128).save(here / "bits.bmp")
    Image.fromarray(rgb).quantize(7).save(here / "palette.bmp")
    Image.fromarray(picture(9, 13, 4)).save(here / "rgba.bmp")
    (here / "from_top.bmp").write_bytes(bmp(random_rows(13, 9, 24), 13, -9, 24))
    (here / "palette4.bmp").write_bytes(bmp(random_rows(13, 9, 4), 13, 9, 4, palette=random.bytes(64)))
    (here / "os2.bmp").write_bytes(bmp(random_rows(13, 9, 8), 13, 9, 8, palette=random.bytes(768), header=12))
    (here / "five_bits.bmp").write_bytes(bmp(random_rows(13, 9, 16), 13, 9, 16))
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    (here / "six_bits.bmp").write_bytes(bmp(random_rows(13, 9, 16), 13, 9, 16, 3, masks=masks))
    masks = struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00)
    (here / "fields.bmp").write_bytes(bmp(random_rows(13, 9, 32), 13, 9, 32, 3, masks=masks))


def make_gifs():
    rgb = Image.fromarray(picture(21, 19, 3))
    rgb.quantize(50).save(here / "palette.gif", interlace=0)
    rgb.quantize(200).save(here / "interlaced.gif", interlace=1)
    Image.fromarray(picture(21, 19, 1)[:, :, 0]).save(here / "grey.gif")
    frames = [Image.fromarray(picture(21, 19, 3)).quantize(16) for _ in range(3)]
    frames[0].save(here / "animated.gif", save_all=True, append_images=frames[1:], transparency=3)
    # A screen that is larger than the frame: what is around has the transparent colour, or the first.
    for name, transparent in ("window.gif", None), ("window_transparent.gif", 5):
        extra = {} if transparent is None else {"transparency": transparent}
        frames[1].save(here / name, **extra)
        content = bytearray((here / name).read_bytes())
        content[6:10] = struct.pack("<HH", 25, 30)
        at = content.index(b"," + struct.pack("<HHHH", 0, 0, 19, 21))
        content[at + 1 : at + 5] = struct.pack("<HH", 2, 4)
        (here / name).write_bytes(content)


def make_webps():
    rgb = Image.fromarray(picture(21, 19, 3))
    rgb.save(here / "rgb.webp", quality=80)
    rgb.save(here / "lossless.webp", lossless=True)
    Image.fromarray(picture(21, 19, 4)).save(here / "rgba.webp", lossless=True, exact=True)
    frames = [Image.fromarray(picture(21, 19, 3)) for _ in range(2)]
    frames[0].save(here / "animated.webp", save_all=True, append_images=frames[1:], lossless=True)


def make_tiffs():
    rgb = Image.fromarray(picture(21, 19, 3))
    grey = Image.fromarray(picture(21, 19, 1)[:, :, 0])
    rgb.save(here / "rgb.tif")
    for name in "lzw", "adobe_deflate", "jpeg", "packbits", "zstd", "lzma", "webp":
        rgb.save(here / f"{name}.tiff", compression=f"tiff_{name}" if name in ("lzw", "adobe_deflate") else name)
    grey.save(here / "grey.tif")
    grey.save(here / "inverted.tif", tiffinfo={262: 0})
    grey.point(lambda v: 255 * (v > 128)).convert("1").save(here / "group4.tif", compression="group4")
    rgb.quantize(40).save(here / "palette.tif")
    Image.fromarray(picture(21, 19, 4)).save(here / "rgba.tif")
    Image.fromarray(picture(21, 19, 2), "LA").save(here / "grey_alpha.tif")
    Image.fromarray(picture(21, 19, 4), "CMYK").save(here / "cmyk.tif")
    for orientation in range(2, 9):
        rgb.save(here / f"turned{orientation}.tif", tiffinfo={274: orientation}, compression="tiff_lzw")
    (here / "tiles.tif").write_bytes(tiff(19, 21, 8, 2, picture(32, 32, 3), tile=16))
    (here / "planes.tif").write_bytes(tiff(19, 21, 8, 2, picture(21, 19, 3), planar=2))
    (here / "rgb16.tif").write_bytes(tiff(19, 21, 16, 2, random.integers(0, 65536, (21, 19, 3)).astype("<u2")))
    (here / "premultiplied.tif").write_bytes(tiff(19, 21, 8, 2, picture(21, 19, 4), extra=1))
    four = random.integers(0, 256, (21, 10, 1), dtype=np.uint8)
    (here / "grey4.tif").write_bytes(tiff(19, 21, 4, 1, four, samples=1))


def tiff(width, height, bits, photometric, pixels, samples=None, planar=1, tile=None, extra=None):
    """An uncompressed TIFF file, little-endian, of pixels[row, column, sample]."""
    samples = samples or pixels.shape[2]
    if tile:
        parts = [pixels[y : y + tile, x : x + tile] for y in range(0, height, tile) for x in range(0, width, tile)]
    else:
        parts = [pixels[:, :, i] for i in range(samples)] if planar == 2 else [pixels]
    blobs = [part.tobytes() for part in parts]
    offsets = [8 + sum(map(len, blobs[:i])) for i in range(len(blobs))]
    entries = {256: [width], 257: [height], 258: [bits] * samples, 259: [1], 262: [photometric], 277: [samples], 284: [planar]}
    entries.update({322: [tile], 323: [tile], 324: offsets, 325: list(map(len, blobs))} if tile else
                   {273: offsets, 278: [height], 279: list(map(len, blobs))})
    if extra is not None:
        entries[338] = [extra]
    data = b"".join(blobs)
    data += b"\0" * (len(data) % 2)
    directory, tail = struct.pack("<H", len(entries)), b""
    tail_at = 8 + len(data) + 2 + 12 * len(entries) + 4
    for key, values in sorted(entries.items()):
        kind, code = (4, "I") if key in (273, 279, 324, 325) else (3, "H")
        value = struct.pack(f"<{len(values)}{code}", *values)
        if len(value) > 4:
            value, tail = struct.pack("<I", tail_at + len(tail)), tail + value + b"\0" * (len(value) % 2)
        directory += struct.pack("<HHI4s", key, kind, len(values), value.ljust(4, b"\0"))
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory + struct.pack("<I", 0) + tail


def make_exif():
    """Upright pixels of each are "<file> upright"; orientation 9 there is none of."""
    rgb = Image.fromarray(picture(21, 19, 3))
    for orientation in (*range(1, 10),):
        exif = Image.Exif()
        exif[0x010F] = "maker"
        exif[0x0112] = orientation
        rgb.save(here / f"held{orientation}.jpg", exif=exif, quality=90)
    for kind in "png", "webp":
        exif = Image.Exif()
        exif[0x0112] = 6
        rgb.save(here / f"held6.{kind}", exif=exif)


def planes(image):
    array = np.asarray(image)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def decode(path):
    image = Image.open(path)
    grey = image.mode in ("L", "1", "LA") and image.format not in ("GIF", "BMP")
    return image.convert("L" if grey else "RGB")


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
make_bmps()
make_gifs()
make_webps()
make_tiffs()
make_exif()
deep = random.integers(0, 65536, (9, 13)).astype("<u2")
for name in "grey16.png", "grey16.tif":  # refused
    Image.fromarray(deep.astype(np.int32) if name.endswith("png") else deep).save(here / name)
expected = {}
for path in sorted(here.iterdir()):
    if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff") and path.stem != "grey16":
        expected[path.name] = planes(decode(path))
    if path.name.startswith("held"):
        expected[f"{path.name} upright"] = planes(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
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
