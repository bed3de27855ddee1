"""Networks of golden files for maps, tokens, rows and dense layers."""

import torch
import torch.nn.functional as F
from torch import nn

from choices import decisions, relu


def max_pool(x, kernel, stride):
    windows = x.detach().unfold(2, kernel, stride).unfold(3, kernel, stride).flatten(4)
    decisions.note(windows.topk(2).values.diff().abs())
    return F.max_pool2d(x, kernel, stride)


def adaptive_max_pool(x, size):
    for i in range(size[0]):
        for j in range(size[1]):
            h, w = x.shape[2:]
            window = x.detach()[:, :, i * h // size[0]:-(-(i + 1) * h // size[0]), j * w // size[1]:-(-(j + 1) * w // size[1])]
            decisions.note(window.flatten(2).topk(2).values.diff().abs())
    return F.adaptive_max_pool2d(x, size)


class Maps(nn.Module):
    """Pads, pools and resizes of all kinds, and a class for each pixel."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 20, 3, stride=2)
        self.b = nn.Conv2d(20, 6, 3)
        self.c = nn.Conv2d(20, 6, 3, padding="same", dilation=2)
        self.d = nn.Conv2d(20, 6, 1)
        self.e = nn.Conv2d(20, 6, (2, 3), padding=(0, 1))

    def make_label(self, n):
        return torch.randint(0, 6, (n, 17, 13), dtype=torch.int32)

    def forward(self, image):
        a = self.a(F.pad(image, (0, 1, 1, 2)))
        p = F.avg_pool2d(a, 3, 2, 1, ceil_mode=True)
        q = F.interpolate(p, (8, 6), mode="nearest")
        r = self.b(F.pad(q, (2, 2, 1, 3), mode="reflect"))
        s = self.c(F.pad(F.interpolate(a, scale_factor=1.7, mode="bilinear"), (1, 0, 2, 1), mode="replicate"))
        t = self.d(F.pad(max_pool(F.pad(a, (1, 0, 0, 1), value=-100.0), 3, 2), (1, 2, 0, 1), value=0.3))
        bicubic = F.interpolate(t, (17, 13), mode="bicubic")
        u = self.e(F.pad(adaptive_max_pool(a, (5, 3)), (1, 1, 0, 2), mode="circular"))
        v = self.d(F.lp_pool2d(1 + a.square(), 2, 2, 2))
        w = self.d(F.adaptive_avg_pool2d(a, (4, 5)))
        return (F.interpolate(r, (17, 13), mode="bilinear", align_corners=True)
                + F.interpolate(s, (17, 13), mode="area") + bicubic
                + F.interpolate(u, (17, 13), mode="nearest-exact") + F.interpolate(v, (17, 13), mode="bilinear")
                + F.interpolate(w, (17, 13), mode="bicubic", align_corners=True))

    def loss(self, predicted, label):
        weight = torch.tensor([1.0, 0.5, 2.0, 1.0, 0.25, 3.0], dtype=torch.float64)
        first = F.cross_entropy(predicted, label, weight=weight, label_smoothing=0.1, ignore_index=2)
        soft = torch.softmax(predicted.flip(1), 1)
        return (first + F.cross_entropy(predicted, label) + F.cross_entropy(predicted, soft, weight=weight)
                + 0.1 * F.nll_loss(F.log_softmax(0.5 * predicted, 1), label))


class LargePools(nn.Module):
    """Pools of windows that are computed along rows and then down columns."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(2, 6, 3, padding=1)
        self.fc = nn.Linear(6 * (7 + 10 + 5), 5)

    def forward(self, image):
        a = self.a(image)
        windows = F.pad(a.detach(), (5, 5, 4, 4), value=-1e9).unfold(2, 9, 2).unfold(3, 11, 3).flatten(4)
        decisions.note(windows.topk(2).values.diff().abs())
        p = F.max_pool2d(a, (9, 11), (2, 3), (4, 5), ceil_mode=True)
        q = F.avg_pool2d(a, (10, 8), (3, 2), (5, 4), ceil_mode=True, count_include_pad=False)
        r = F.avg_pool2d(a, 9, 4, 2, ceil_mode=True)
        return self.fc(torch.cat([v.square().mean(2).flatten(1) for v in (p, q, r)], 1))


class Tokens(nn.Module):
    """A block of a vision transformer."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 24, 4, stride=4)
        self.position = nn.Parameter(torch.randn(6, 24))
        self.norm1 = nn.LayerNorm(24)
        self.norm2 = nn.LayerNorm(24)
        self.attention = nn.ModuleDict({"qkv": nn.Linear(24, 72), "proj": nn.Linear(24, 24)})
        self.fc1 = nn.Linear(24, 40)
        self.fc2 = nn.Linear(40, 24)
        self.fc = nn.Linear(54, 5)

    def attend(self, x):
        n, s, c = x.shape
        q, k, v = (t.reshape(n, s, 3, 8).permute(0, 2, 1, 3) for t in self.attention["qkv"](x).chunk(3, 2))
        weights = (q @ k.transpose(2, 3) / 8 ** 0.5).softmax(-1)
        return self.attention["proj"]((weights @ v).permute(0, 2, 1, 3).reshape(n, s, c))

    def forward(self, image):
        x = self.patches(image).flatten(2).permute(0, 2, 1) + self.position
        x = x + self.attend(self.norm1(x))
        x = x + self.fc2(F.gelu(self.fc1(self.norm2(x))))
        mixed, crossed = torch.tanh(x @ self.position.T), torch.tanh(x.transpose(1, 2) @ self.position)
        return self.fc(torch.cat([x.mean(1), mixed.mean(1), crossed.mean(1)], 1))


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(6, 6, 3, padding=1, groups=2, bias=False)
        self.bn = nn.BatchNorm1d(6)

    def forward(self, x):
        return x + torch.tanh(self.bn(self.conv(x)))


class Rows(nn.Module):
    """Rows of numbers, and a branch that two of them share."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv1d(4, 6, 5, stride=2, padding=2)
        self.norm = nn.BatchNorm1d(6, affine=False)
        self.branch = Branch()
        self.total = nn.BatchNorm1d(6, momentum=None)
        self.conv = nn.ModuleList(nn.Conv1d(6, 6, 3, padding=d, dilation=d) for d in (1, 2))
        self.fc = nn.Linear(12, 5)

    def forward(self, x):
        stem = self.norm(self.stem(x))
        left = self.branch(stem)
        right = self.branch(self.total(stem).flip(1))
        for conv in self.conv:
            left = relu(conv(left))
        pooled = F.avg_pool1d(left, 2).mean(2), right.mean(2)
        return self.fc(torch.cat(pooled, 1))


class Dense(nn.Module):
    """Values that are joined, split and joined again."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.batch_norm = nn.BatchNorm2d(16)
        self.conv1 = nn.Conv2d(16, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 32, 1)
        self.conv3 = nn.Conv2d(64, 16, 3, stride=2, padding=1)
        self.fc = nn.Linear(16, 5)

    def forward(self, image):
        a = torch.sigmoid(self.stem(image))
        first = torch.cat([a, torch.tanh(self.conv1(self.batch_norm(a)))], 1)
        c = torch.tanh(self.conv2(torch.tanh(first)))
        second = torch.cat([first, F.avg_pool2d(c, 3, 1, 1)], 1)
        left, right = second.chunk(2, 1)
        q = second.chunk(4, 1)
        joined = torch.cat([q[3], left * torch.sigmoid(right), q[1]], 1)
        return self.fc(self.conv3(joined).mean((2, 3)))
