"""Compiled networks for NumPy: what rnc compiles, runs and trains here, on the CPU.

    import rnc
    net = rnc.compile("resnet18.graph", classes=10)
    net.load_state_dict(torch_model.state_dict())       # or a file of weights
    logits = net(images)
    loss = net.train_step(images, labels, lr=0.01)

The results are those of the commands rnc and rnrun, bit for bit. Arrays are NumPy's, or what NumPy takes as one
without copying, as PyTorch's tensors on the CPU.
"""

from ._libraries import CompileError, Diverged, Error, version
from .compiler import compile, from_torch
from .network import Network, empty

__all__ = ["CompileError", "Diverged", "Error", "Network", "compile", "empty", "from_torch", "version"]
__version__ = version()
