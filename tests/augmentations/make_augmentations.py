#!/usr/bin/env python3
"""Makes expected.safetensors: "<picture> <operation> <numbers>" are the pixels, u8[C, H, W], that torchvision makes of
Pillow's images; "magnitudes <policy> <operation>" and "policy <name>" its tables,
"coefficients <corners>" what makes a perspective of a picture of 20x30. Needs Debian's python3-pil,
python3-numpy and python3-torchvision; the tests need none of these."""
import json, struct
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode, autoaugment, functional as F

here = Path(__file__).parent
random = np.random.default_rng(1)
OPERATIONS = {"Identity": "identity", "ShearX": "shear_x", "ShearY": "shear_y", "TranslateX": "translate_x",
              "TranslateY": "translate_y", "Rotate": "rotate", "Brightness": "brightness", "Color": "color",
              "Contrast": "contrast", "Sharpness": "sharpness", "Posterize": "posterize", "Solarize": "solarize",
              "AutoContrast": "autocontrast", "Equalize": "equalize", "Invert": "invert"}
MODES = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


def picture(height, width, channels):
    """Waves with noise, of middling contrast."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    waves = 120 + 70 * np.sin(0.41 * x + c) * np.cos(0.33 * y - 2 * c)
    pixels = (waves + random.integers(-30, 30, waves.shape)).clip(3, 250).astype(np.uint8)
    return Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)


def planes(image):
    array = np.asarray(image)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def policy_operations(image):
    """By name and magnitude, as the policies apply them."""
    for mode in MODES:
        cases = [(name, m) for name in ("ShearX", "ShearY") for m in (-0.99, 0.27)]
        cases += [(name, m) for name in ("TranslateX", "TranslateY") for m in (-5.8, 3.2, 40)]
        cases += [("Rotate", m) for m in (-135, -27, 9, 90, 180)]
        for name, magnitude in cases:
            yield f"{OPERATIONS[name]} {magnitude} {mode.value}", autoaugment._apply_op(image, name, magnitude, mode, None)
    cases = [(name, m) for name in ("Brightness", "Color", "Contrast", "Sharpness") for m in (-0.99, -0.27, 0, 0.81)]
    cases += [("Posterize", m) for m in (2, 5, 8)] + [("Solarize", m) for m in (0.0, 76.5, 255.0)]
    cases += [(name, 0) for name in ("AutoContrast", "Equalize", "Invert", "Identity")]
    for name, magnitude in cases:
        yield f"{OPERATIONS[name]} {magnitude} nearest", autoaugment._apply_op(image, name, magnitude, MODES[0], None)


def other_operations(image):
    yield "hflip", F.hflip(image)
    yield "vflip", F.vflip(image)
    for turn in -0.5, -0.13, 0.02, 0.3, 0.5:
        yield f"hue {turn}", F.adjust_hue(image, turn)
    for mode in MODES:
        for angle, x, y, scale, shear in (30, 2, -1, 0.7, 10), (-100, 0, 3, 1.4, -25), (0, 1, 1, 0.5, 0):
            yield (f"affine {angle} {x} {y} {scale} {shear} {mode.value}",
                   F.affine(image, angle, [x, y], scale, [shear, 0.0], interpolation=mode))
    for size, sigma in (3, 0.1), (3, 1.3), (7, 2.0):
        yield f"blur {size} {sigma}", F.gaussian_blur(image, size, sigma)
    for corners, moved in perspectives(image):
        numbers = F._get_perspective_coeffs(corners, moved)
        yield f"perspective {' '.join(map(str, numbers))}", F.perspective(image, corners, moved)


def perspectives(image):
    right, bottom = image.width - 1, image.height - 1
    corners = [[0, 0], [right, 0], [right, bottom], [0, bottom]]
    yield corners, [[1, 2], [right - 2, 0], [right, bottom - 1], [2, bottom - 3]]
    yield corners, [[3, 0], [right, 3], [right - 3, bottom], [0, bottom - 2]]


def tables():
    for policy, bins, arguments in (autoaugment.RandAugment(), 31, (31, (33, 47))), (
            autoaugment.TrivialAugmentWide(), 31, (31,)), (autoaugment.AutoAugment(), 10, (10, (33, 47))):
        for name, (magnitudes, signed) in policy._augmentation_space(*arguments).items():
            values = magnitudes.double().expand(bins).numpy()
            yield f"magnitudes {type(policy).__name__} {OPERATIONS[name]} {int(signed)}", values
    for corners, moved in perspectives(picture(20, 30, 1)):
        numbers = np.array(F._get_perspective_coeffs(corners, moved), np.float64)
        yield f"coefficients {' '.join(str(x) for point in moved for x in point)}", numbers
    names = list(OPERATIONS)
    for policy in autoaugment.AutoAugmentPolicy:
        pairs = autoaugment.AutoAugment(policy).policies
        yield f"policy {policy.value}", np.array([[(names.index(name), p, m or 0) for name, p, m in pair] for pair in pairs])


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, array in tensors.items():
        header[name] = {"dtype": {"u": "U8", "f": "F64"}[array.dtype.kind], "shape": array.shape,
                        "data_offsets": [len(data), len(data) + array.nbytes]}
        data += np.ascontiguousarray(array).tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


expected = {}
for name, shape in ("rgb", (13, 11, 3)), ("grey", (9, 10, 1)), ("square", (8, 8, 1)):
    image = picture(*shape)
    expected[name] = planes(image)
    for operation, result in [*policy_operations(image), *other_operations(image)]:
        expected[f"{name} {operation}"] = planes(result)
expected["dark"] = planes(Image.fromarray(np.full((4, 5, 3), 17, np.uint8)))  # without contrast
for name in "AutoContrast", "Equalize":
    dark = Image.fromarray(expected["dark"].transpose(1, 2, 0).copy())
    expected[f"dark {OPERATIONS[name]} 0 nearest"] = planes(autoaugment._apply_op(dark, name, 0, MODES[0], None))
many = random.integers(0, 4, (16, 33), dtype=np.uint8) ** 3  # few values, of which the last is rare
expected["many"] = many[None]
expected["many equalize 0 nearest"] = planes(F.equalize(Image.fromarray(many)))
rgb = Image.fromarray(expected["rgb"].transpose(1, 2, 0).copy())
for i, crop in enumerate(F.ten_crop(F.resize(rgb, int(8 * 256 / 224 + 0.5)), [8, 8])):
    expected[f"rgb view {i}"] = planes(crop)
# Every hue: all colours of 16 levels.
levels = np.arange(16) * 17
cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(64, 64, 3).astype(np.uint8)
expected["cube"] = planes(Image.fromarray(cube))
expected["cube hue 0.123"] = planes(F.adjust_hue(Image.fromarray(cube), 0.123))
expected.update(tables())
# Numbers first: their data must be aligned.
write_safetensors(here / "expected.safetensors", dict(sorted(expected.items(), key=lambda item: item[1].dtype.kind)))
