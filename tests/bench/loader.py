#!/usr/bin/python3
"""Images per second of decoding and augmentation (random crop, flip, RandAugment, random erasing), here and by
torchvision's DataLoader, in turns: loader.py --bin build/bin --data DIRECTORY, which has train/<class>/*.jpg of 32x32.
The program is built by `ninja -C build bench_loader`."""
import argparse, statistics, subprocess, time
from pathlib import Path

import torch
from torchvision import datasets, transforms

BATCH = 128


def torchvision_speed(data, workers, batches):
    pipeline = transforms.Compose([
        transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(),
        transforms.RandAugment(interpolation=transforms.InterpolationMode.BILINEAR), transforms.PILToTensor(),
        transforms.RandomErasing(0.25, value=128)])
    folder = datasets.ImageFolder(data / "train", pipeline)
    loader = torch.utils.data.DataLoader(folder, BATCH, shuffle=True, num_workers=workers)
    start, images = time.monotonic(), 0
    for batch, _ in loader:
        images += len(batch)
        if images >= batches * BATCH:
            break
    return images / (time.monotonic() - start)


def own_speed(bin, data, workers, batches):
    command = [bin / "bench_loader", data, str(workers), str(batches)]
    return float(subprocess.run(command, check=True, capture_output=True).stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batches", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=5)
    a = parser.parse_args()
    own, other = [], []
    for _ in range(a.rounds):
        own.append(own_speed(a.bin, a.data, a.workers, a.batches))
        other.append(torchvision_speed(a.data, a.workers, a.batches))
        print(f"{own[-1]:.0f} images/s, torchvision {other[-1]:.0f}", flush=True)
    ratio = statistics.median(x / y for x, y in zip(own, other))
    print(f"{statistics.median(own):.0f} images/s, torchvision {statistics.median(other):.0f}; ratio {ratio:.2f}")


main()
