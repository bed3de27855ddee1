"""The choices that networks of golden files make: how near each is to the other outcome."""

import torch.nn.functional as F


class Decisions:
    """The smallest distance of any ReLU or max-pool from deciding otherwise."""

    smallest = float("inf")

    def note(self, distances):
        if distances.numel():
            self.smallest = min(self.smallest, distances.min().item())


decisions = Decisions()


def relu(x):
    decisions.note(x.detach().abs())
    return F.relu(x)


def max_pool(x, kernel, stride, pad):
    padded = F.pad(x.detach(), (pad, pad, pad, pad), value=-1e9)
    windows = padded.unfold(2, kernel, stride).unfold(3, kernel, stride).flatten(4)
    gap = windows.topk(2).values.diff().abs()
    decisions.note(gap[gap > 0])  # equal elements stay equal in any precision: the first is taken
    return F.max_pool2d(x, kernel, stride, pad)
