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
