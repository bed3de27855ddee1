"""Networks of golden files that are made for operations, each in a place where it matters."""

import torch
import torch.nn.functional as F
from torch import nn

from choices import decisions, relu


def noted_amax(x, dims, keepdim):
    """The largest elements, which are to be so by some margin."""
    kept = [d for d in range(x.dim()) if d not in dims]
    flat = x.detach().permute(*kept, *dims).flatten(len(kept))
    gap = flat.topk(2, -1).values
    decisions.note(gap[..., 0] - gap[..., 1])
    return x.amax(dims, keepdim)


class Activations(nn.Module):
    """Each activation on a convolution of its own, and their sum."""

    def __init__(self):
        super().__init__()
        for name in "abcdefghijklmnopqrstu":
            setattr(self, name, nn.Conv2d(3, 5, 1))
        self.slope = nn.Parameter(torch.linspace(0.1, 0.5, 5))
        self.fc = nn.Linear(5, 4)

    def bent(self, x, *bends):
        for bend in bends:
            decisions.note((x.detach() - bend).abs())
        return x

    def forward(self, x):
        bent = self.bent
        o, p, q = self.o(x), self.p(x), self.q(x)
        decisions.note((o - p).detach().abs())
        terms = [
            torch.sigmoid(self.a(x)), torch.tanh(self.b(x)), F.silu(self.c(x)), F.gelu(self.d(x)),
            F.gelu(self.e(x), approximate="tanh"), F.relu6(bent(4 * self.f(x), 0, 6)),
            F.leaky_relu(bent(self.g(x), 0), 0.2), F.elu(bent(self.h(x), 0), 0.7),
            F.hardsigmoid(bent(3 * self.i(x), -3, 3)), F.hardswish(bent(3 * self.j(x), -3, 3)),
            F.softplus(bent(2 * self.k(x), 2 / 1.5), 1.5, 2.0), F.mish(self.l(x)),
            F.prelu(bent(self.m(x), 0), self.slope), bent(self.n(x), -0.5, 0.7).clamp(-0.5, 0.7),
            torch.maximum(o, p), torch.minimum(o, 0.3 * p), torch.where(bent(q, 0.2) > 0.2, o, q),
            bent(self.r(x), 0).abs(), torch.exp(self.s(x)), torch.log(1 + self.t(x).square()),
            torch.erf(self.u(x)), (1 + q.square()).pow(-1.5), o.pow(3), bent(p, 0).sign(),
        ]
        decisions.note((o - 0.3 * p).detach().abs())
        return self.fc(sum(terms).mean((2, 3)))


class Gates(nn.Module):
    """Values that spread over others in every way, and what reduces them again."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 20, 3, padding=1)
        self.fc1 = nn.Conv2d(20, 6, 1)
        self.fc2 = nn.Conv2d(6, 20, 1)
        self.s = nn.Parameter(torch.randn(20, 1, 1))
        self.w = nn.Parameter(torch.randn(1, 1, 5, 4))
        self.column = nn.Parameter(torch.randn(5, 1))
        self.fc = nn.Linear(20, 7)
        self.share = nn.Parameter(torch.randn(1, 7))

    def forward(self, image):
        a = relu(self.a(image))
        gate = torch.sigmoid(self.fc2(relu(self.fc1(a.mean((2, 3), keepdim=True)))))
        h = a * gate * self.s + self.w / (2 + torch.tanh(self.column))
        k = h * torch.sigmoid(h.mean(1, keepdim=True)) + h * noted_amax(h, (1,), True) - 0.3
        self.l = k - 0.1 * noted_amax(k, (3,), True)
        m = noted_amax(self.l, (2, 3), False) + self.l.sum((2, 3)) / 20
        fc = self.fc(m)
        fc = fc - fc.mean(1, keepdim=True)
        return fc * self.share + torch.exp(-0.1 * (fc * fc).mean(0, keepdim=True))

    def penalty(self):
        return 0.01 * (self.l * self.l).mean() + 0.001 * self.l.sum() + 0.1 * noted_amax(self.l, (0, 2, 3), False).sum()


class Rolls(nn.Module):
    """Maps, rows and parameters rolled along each of their dimensions."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 20, 3, padding=1)
        self.b = nn.Conv2d(20, 6, 1)
        self.table = nn.Parameter(torch.randn(5, 4))
        self.gain = nn.Parameter(torch.randn(6))
        self.fc = nn.Linear(6, 5)

    def forward(self, image):
        a = torch.tanh(self.a(image))
        b = self.b(torch.roll(a, 7, 1) * torch.roll(a, -1, 2) + torch.roll(a, 9, 3))
        c = b * torch.roll(self.gain, 2, 0).reshape(6, 1, 1) + torch.roll(self.table, -6, 0)
        return torch.roll(self.fc(c.square().mean((2, 3))), -2, 1)


class ChannelNorm(nn.Module):
    """LayerNorm of the channels of each pixel."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(channels) + 0.5)
        self.bias = nn.Parameter(torch.randn(channels))

    def forward(self, x):
        return F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias).permute(0, 3, 1, 2)


class Cbam(nn.Module):
    def __init__(self, channels, mid):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, mid, 1, bias=False)
        self.fc2 = nn.Conv2d(mid, channels, 1, bias=False)
        self.conv = nn.Conv2d(2, 1, 3, padding=1, bias=False)

    def forward(self, x):
        pooled = [x.mean((2, 3), keepdim=True), noted_amax(x, (2, 3), True)]
        x = x * torch.sigmoid(sum(self.fc2(relu(self.fc1(p))) for p in pooled))
        pixels = torch.cat([noted_amax(x, (1,), True), x.mean(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.conv(pixels))


class Squeeze(nn.Module):
    def __init__(self, channels, mid):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, mid, 1)
        self.fc2 = nn.Conv2d(mid, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(F.silu(self.fc1(x.mean((2, 3), keepdim=True)))))


class Library(nn.Module):
    """The blocks of std.graph."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 12, 3, padding=1)
        self.n1 = nn.GroupNorm(4, 12)
        self.s = Squeeze(12, 5)
        self.c = Cbam(12, 4)
        self.n2 = ChannelNorm(12)
        self.n3 = nn.InstanceNorm2d(12, affine=True)
        self.n4 = nn.LayerNorm(12)
        self.fc = nn.Linear(12, 5)
        self.target = nn.Parameter(torch.randn(1, 5))
        for norm in (self.n1, self.n3, self.n4):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias)

    def forward(self, image):
        x = self.n2(self.c(self.s(F.silu(self.n1(self.a(image))))))
        self.y = self.fc(self.n4(self.n3(x * x).abs().mean((2, 3))))
        return self.y

    def penalty(self):
        y, target = self.y, self.target.expand_as(self.y)
        distance = (y - target).detach().abs()
        for bend in (0, 0.5, 1):
            decisions.note((distance - bend).abs())
        share = torch.sigmoid(self.target).expand_as(y)
        p = torch.sigmoid(y)
        likelihood = p * share + (1 - p) * (1 - share)
        dice = 1 - (2 * (p * share).sum(1) + 1) / ((p + share).sum(1) + 1)
        regressions = F.mse_loss(y, target) + F.l1_loss(y, target) + F.smooth_l1_loss(y, target, beta=0.5)
        binary = F.binary_cross_entropy_with_logits(y, share, pos_weight=torch.tensor(2.0))
        hard = (share > 0.5).double()
        cross = F.binary_cross_entropy_with_logits(y, hard, reduction="none")
        right = p * hard + (1 - p) * (1 - hard)
        focal = ((0.25 * hard + 0.75 * (1 - hard)) * (1 - right) ** 2 * cross).mean()
        kl = F.kl_div(F.logsigmoid(y), share, reduction="batchmean")
        other = torch.roll(y, 1, 1)
        cosine = F.cosine_similarity(y, other).mean()
        triplet = F.triplet_margin_loss(y, target, other, margin=3.0)
        return regressions + F.huber_loss(y, target) + binary + focal + dice.mean() + 0.1 * kl + cosine + triplet
