"""Lets PyTorch follow the decisions of another computation of the same network: of ReLUs and max pools.

At full width rounding decides some of the millions of ReLU inputs and max-pool ties, and each one that differs changes
gradients far more than rounding does. A float64 network that decides as the computation it is compared with does
differs from it by rounding only, however deep it is. That it may decide so is checked: what it follows must be within
rounding of what it would have decided itself.

Decisions are kept as the results of a forward pass' ReLUs, in order: an input is positive where the result is, and a
max pool of a network takes the first maximum of the last ReLU's result.
"""

import contextlib
import itertools
import re

import torch
import torch.nn.functional as F
from decided import by_channel, patched

RELU = re.compile(r"^    (\S+) : f32\[N, [^]]*\] = relu\(", re.MULTILINE)
ENTRY = "  entry backward {\n"


def with_relus(dump):
    """A dump, as it is after pass differentiate, whose entry backward also returns relu.0, relu.1, ..."""
    before, entry, after = dump.partition(ENTRY)
    body, end, others = after.partition("\n  }\n")
    outputs = (f"\n    output relu.{i} = {name}" for i, name in enumerate(RELU.findall(body)))
    return before + entry + body + "".join(outputs) + end + others


def relus_of(result):
    """The list of them in what such an entry returned."""
    numbers = itertools.takewhile(lambda i: f"relu.{i}" in result, itertools.count())
    return [result[f"relu.{i}"] for i in numbers]


@contextlib.contextmanager
def recorded(model, relus):
    """The model's next forward pass appends its decisions to list `relus`."""
    relu, max_pool2d = F.relu, F.max_pool2d

    def record(x, _):
        result = relu(x)
        relus.append(result.detach())
        return result

    with patched(model, record, max_pool2d):
        yield


class Followed:
    """A forward pass that takes `relus` for its decisions.

    `distance` is then how far its own values are from deciding so, at most, in standard deviations of their channel:
    an input from zero, a maximum from what was taken for it.
    """

    def __init__(self, relus):
        self.relus, self.distance = relus, 0.0

    def note(self, distances, x):
        of_channel = by_channel(distances).amax(1) / by_channel(x).std(1).clamp(min=1e-12)
        self.distance = max(self.distance, of_channel.max().item())

    @contextlib.contextmanager
    def __call__(self, model):
        max_pool2d, waiting, last = F.max_pool2d, list(self.relus), None

        def relu(x, _):
            nonlocal last
            last = waiting.pop(0)
            positive = last > 0
            own = x.detach()
            self.note(torch.where(positive == (own > 0), 0, own.abs()), own)
            return x * positive

        def max_pool(x, kernel, stride=None, padding=0, *_, **__):
            taken = max_pool2d(last, kernel, stride, padding, return_indices=True)[1]
            result = x.flatten(2).gather(2, taken.flatten(2)).reshape(taken.shape)
            own = x.detach()
            self.note(max_pool2d(own, kernel, stride, padding) - result.detach(), own)
            return result

        with patched(model, relu, max_pool):
            yield
        assert not waiting, f"{len(waiting)} of {len(self.relus)} ReLUs were not in the forward pass"
