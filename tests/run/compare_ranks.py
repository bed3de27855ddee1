#!/usr/bin/python3
"""Training over ranks against PyTorch's DistributedDataParallel.

    tests/run/compare_ranks.py [--bin build/bin]

Trains a small network with batch norm from the same weights on the same images, in the same order, by four ranks of rnrun
under Open MPI, and by four processes of DistributedDataParallel with gloo, in float64. Each has a quarter of every batch,
one micro-batch: gradients are means over the global batch, and batch norm sees a micro-batch. After one step and after five
the parameters, and with them the gradients, must agree within 1e-5 (relative L2), and the running statistics with the mean
of the four processes': PyTorch's begin each step with those of process 0, rnrun's with the mean, so that one step is
compared. Needs Debian's python3-torch and openmpi-bin.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import torch
import torch.distributed
import torch.multiprocessing
import torch.nn.functional as F
from torch import nn

import compare_training as single
from compare_training import pytorch_weights

LIMIT, RANKS, BATCH, IMAGES, SEED, LR = 1e-5, 4, 32, 160, 5, 0.05


def process(rank, directory, steps):
    """One of RANKS processes: its part of each batch."""
    os.environ.update(MASTER_ADDR="127.0.0.1", GLOO_SOCKET_IFNAME="lo")
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{directory}/meeting{steps}", rank=rank, world_size=RANKS)
    data, start = torch.load(f"{directory}/data.pt"), torch.load(f"{directory}/start.pt")
    model = single.Net()
    model.load_state_dict(start)
    model = nn.parallel.DistributedDataParallel(model.double())
    optimizer = torch.optim.SGD(model.parameters(), LR, momentum=0.9)
    order, part = single.permutation(IMAGES, SEED, 0), BATCH // RANKS
    for step in range(steps):
        own = order[step * BATCH + rank * part:step * BATCH + (rank + 1) * part]
        optimizer.zero_grad()
        F.cross_entropy(model(data["image"][own]), data["label"][own]).backward()
        optimizer.step()
    torch.save(model.module.state_dict(), f"{directory}/pytorch{rank}.pt")
    torch.distributed.destroy_process_group()


def compare(steps, rnrun, directory):
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    subprocess.run(list(map(str, [
        "mpirun.openmpi", "--oversubscribe", "-n", RANKS, rnrun, "train", directory / "net.so", "--data",
        f"tensors:{directory}/train.safetensors", "--weights", directory / "start.safetensors", "--epochs", 1, "--seed", SEED,
        "-b", BATCH, "--lr", LR, "--micro-batches", RANKS, "--limit-batches", steps, "--eval-every", 0, "-j", 1,
        "--output-dir", directory / f"run{steps}"])), check=True, stdout=subprocess.DEVNULL, env=environment)
    torch.multiprocessing.spawn(process, (str(directory), steps), RANKS)
    ours = pytorch_weights.load(directory / f"run{steps}" / "checkpoint-last.safetensors")
    theirs = [torch.load(f"{directory}/pytorch{rank}.pt") for rank in range(RANKS)]
    parameters = {name for name, _ in single.Net().named_parameters()}
    passed = True
    for name, value in theirs[0].items():
        if not value.is_floating_point() or (name not in parameters and steps > 1):
            continue
        expected = value if name in parameters else sum(t[name] for t in theirs) / RANKS
        difference = ((ours[name].double() - expected).norm() / expected.norm()).item()
        good = difference <= LIMIT
        passed = passed and good
        print(f"{steps} steps of {RANKS} ranks: {name} differs by {difference:.1e}: {'PASS' if good else 'FAIL'}", flush=True)
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, default=single.ROOT / "build" / "bin")
    options = parser.parse_args()
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "net.graph").write_text(single.GRAPH.replace("OPTIMIZER", "sgd(momentum = 0.9)"))
        subprocess.run([options.bin / "rnc", directory / "net.graph", "-o", directory / "net.so"], check=True)
        image = torch.randint(0, 256, (IMAGES, 3, 12, 12), dtype=torch.uint8)
        label = torch.randint(0, 4, (IMAGES,))
        pytorch_weights.save({"image": image, "label": label.int()}, directory / "train.safetensors")
        torch.save({"image": image, "label": label}, directory / "data.pt")
        start = single.Net().state_dict()
        torch.save(start, directory / "start.pt")
        pytorch_weights.save({k: v for k, v in start.items() if v.is_floating_point()}, directory / "start.safetensors")
        passed = [compare(steps, options.bin / "rnrun", directory) for steps in (1, 5)]
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
