"""A compiled network in a PyTorch script: its loop and its optimizer stay, forward and backward pass are compiled."""

from __future__ import annotations

from typing import Any

import torch

from .network import Network


class _Loss(torch.autograd.Function):
    """The loss of a batch, whose gradients the compiled entry has computed with it."""

    @staticmethod
    def forward(ctx: Any, module: "CompiledModule", inputs: tuple, *parameters: torch.Tensor) -> torch.Tensor:
        module.push()
        network = module.network
        loss = network.call("backward", *inputs)["loss"]
        ctx.gradients = [torch.from_numpy(network.tensor(f"grad.{name}")) if module.trained(name) else None
                         for name in module.names]
        module.pull_buffers()
        return torch.tensor(loss)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple:
        return None, None, *(None if g is None else g * gradient for g in ctx.gradients)


class CompiledModule(torch.nn.Module):
    """Parameters and buffers have the network's names, and are copied to it where they have changed.

    In training, module(images, labels) is the network's loss, a scalar that backward() starts from. In evaluation,
    module(images) are the predictions, without gradients.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        kinds = {tensor["name"]: tensor["kind"] for tensor in network.info["tensors"]}
        self.names = [name for name, kind in kinds.items() if kind == "parameter"]
        self._buffer_names = [name for name, kind in kinds.items() if kind == "buffer"]
        self._kinds = kinds
        self._pushed: dict[str, tuple[int, int]] = {}
        for name in self.names:
            value = torch.from_numpy(network.tensor(name))
            self._owner(name).register_parameter(name.rpartition(".")[2],
                                                 torch.nn.Parameter(value, requires_grad=self.trained(name)))
        for name in self._buffer_names:
            self._owner(name).register_buffer(name.rpartition(".")[2], torch.from_numpy(network.tensor(name)))

    def _owner(self, name: str) -> torch.nn.Module:
        """The module in which a tensor of this name stands, made where there is none."""
        owner: torch.nn.Module = self
        for part in name.split(".")[:-1]:
            if part not in owner._modules:
                owner.add_module(part, torch.nn.Module())
            owner = owner._modules[part]
        return owner

    def trained(self, name: str) -> bool:
        """Whether the network computes a gradient for the parameter."""
        return f"grad.{name}" in self._kinds

    def _tensor(self, name: str) -> torch.Tensor:
        return getattr(self._owner(name), name.rpartition(".")[2])

    def push(self) -> None:
        """Gives the network what has changed here since the last time."""
        for name in [*self.names, *self._buffer_names]:
            tensor = self._tensor(name)
            state = (tensor._version, tensor.data_ptr())
            if self._pushed.get(name) != state:
                self.network.set_tensor(name, tensor)
                self._pushed[name] = state

    def pull_buffers(self) -> None:
        """Takes the running statistics of the network."""
        for name in self._buffer_names:
            tensor = self._tensor(name)
            tensor.copy_(torch.from_numpy(self.network.tensor(name)))
            self._pushed[name] = (tensor._version, tensor.data_ptr())

    def forward(self, *inputs: Any) -> torch.Tensor:
        if self.training:
            return _Loss.apply(self, inputs, *(self._tensor(name) for name in self.names))
        self.push()
        return torch.from_numpy(self.network(*inputs))
