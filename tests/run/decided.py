"""Parameters with which no ReLU input and no max-pool tie of a network lies within rounding of its decision.

At full width some of the millions of ReLU inputs always lie so close to zero that rounding decides, and each one
that differs changes gradients far more than rounding does. Here each channel is moved as a whole, by the bias of the
batch norm before the ReLU, to one side of zero: seven of eight to the positive. Pixels under a window of a max pool
whose two largest values are almost equal are drawn again. Then rounding is all that computations of the same network
differ by, however deep it is.

What is compared must not be a small difference of large terms, either, in which rounding shows as much as it likes:

- Convolutions of nothing but noise map all pixels of all images to nearly one line in 50 layers, and batch norm's
  gradient takes out what lies along it. So an orthogonal matrix outweighs the noise, in the middle of the kernel.
- The last layer is scaled to logits of standard deviation 1: a saturated softmax has gradients that nearly cancel.
"""

import contextlib
import copy
import unittest.mock

import torch
import torch.nn.functional as F
from torch import nn

DISTANCE = 0.5  # of a channel's values from zero, in its standard deviations
CLOSEST_TIE = 2e-6  # of a window's two largest values, in standard deviations
POSITIVE = 0.875  # of the channels
ORTHOGONAL = 2  # times the noise, in norm
MOST_DRAWS = 200


def condition(model):
    """Gives each convolution, per group, an orthogonal matrix in the middle of its kernel and noise everywhere."""
    for conv in (m for m in model.modules() if isinstance(m, nn.Conv2d)):
        kernels = conv.weight.detach().unflatten(0, (conv.groups, -1))
        kernels.copy_(torch.randn(kernels.shape))
        for kernel in kernels:
            matrix = nn.init.orthogonal_(torch.empty(kernel.shape[:2]))
            kernel *= matrix.norm() / kernel.norm()
            kernel[:, :, conv.kernel_size[0] // 2, conv.kernel_size[1] // 2] += ORTHOGONAL * matrix


class Tie(Exception):
    """Windows of a max pool that rounding would decide, and how many rows and columns of windows there are."""


def various_images(batch, shape):
    """u8 images that differ at all scales, from their mean to single pixels, as photographs do.

    Images of noise all have the same mean; a batch norm's gradient then is a small difference of large numbers.
    """
    images, size = torch.zeros(batch, *shape), 1
    while size <= max(shape[1:]):
        images += F.interpolate(torch.randn(batch, shape[0], size, size), shape[1:], mode="bilinear")
        size *= 2
    low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    return ((images - low) / (high - low) * 255).to(torch.uint8)


def by_channel(x):
    return x.transpose(0, 1).flatten(1)


def closest_ties(x, kernel, stride, padding):
    """The windows whose two largest values are almost equal, [number, 3]: image, row, column; and rows, columns."""
    maps = F.pad(x, 4 * (padding,), value=-torch.inf)
    windows = maps.unfold(2, kernel, stride).unfold(3, kernel, stride).flatten(4)
    largest = windows.topk(2, dim=4).values
    gap = (largest[..., 0] - largest[..., 1]) / by_channel(x).std(1).clamp(min=1e-12)[:, None, None]
    return ((gap < CLOSEST_TIE) & (largest[..., 0] > 0)).any(1).nonzero(), windows.shape[2:4]


@contextlib.contextmanager
def patched(model, relu, max_pool):
    """Runs relu(x, batch norm before it) and max_pool(x, kernel, stride, padding) in place of PyTorch's."""
    last = []
    hooks = [m.register_forward_hook(lambda module, *_: last.append(module))
             for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    with unittest.mock.patch.object(F, "relu", lambda x, inplace=False: relu(x, last[-1])), \
         unittest.mock.patch.object(F, "max_pool2d", max_pool):
        yield
    for hook in hooks:
        hook.remove()


def draw_again(images, ties, pooled):
    for n, *at in ties.tolist():
        rows, columns = (slice(i * size // count, -(-(i + 1) * size // count))
                         for i, size, count in zip(at, images.shape[2:], pooled))
        patch = images[n, :, rows, columns]
        patch.copy_(torch.randint(0, 256, patch.shape, dtype=torch.uint8))


def decide(model, images, prepare, seed):
    """Moves the biases of the model's batch norms and draws pixels of images again until all is decided."""
    max_pool2d = F.max_pool2d
    generator = torch.Generator()

    def relu(x, batch_norm):
        low, high = by_channel(x).min(1).values, by_channel(x).max(1).values
        distance = DISTANCE * by_channel(x).std(1)
        positive = torch.rand(len(low), generator=generator) < POSITIVE
        shift = torch.where(positive, distance - low, -distance - high)
        batch_norm.bias += shift
        return (x + shift[:, None, None]).clamp(min=0)

    def max_pool(x, kernel, stride=None, padding=0, *others, **options):
        ties, size = closest_ties(x, kernel, stride or kernel, padding)
        if len(ties):
            raise Tie(ties, size)
        return max_pool2d(x, kernel, stride, padding)

    for _ in range(MOST_DRAWS):
        trial = copy.deepcopy(model).double().train()
        generator.manual_seed(seed)
        try:
            with torch.no_grad(), patched(trial, relu, max_pool):
                logits = trial(prepare(images, torch.float64))
        except Tie as tie:
            draw_again(images, *tie.args)
            continue
        with torch.no_grad():
            for parameter, moved in zip(model.parameters(), trial.parameters()):
                parameter.copy_(moved)
            for parameter in [m for m in model.modules() if isinstance(m, nn.Linear)][-1].parameters():
                parameter /= logits.std()
        return
    raise SystemExit("no images without ties found")
