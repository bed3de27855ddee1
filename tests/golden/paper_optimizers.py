"""Optimizers that PyTorch has not, written from their papers' algorithms.

Tensors of one dimension, biases and the parameters of norms, are not adapted to their norms by LAMB and LARS, as in the
authors' code."""
import torch


class Lion(torch.optim.Optimizer):
    """Chen et al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2."""

    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for theta in group["params"]:
                g = theta.grad
                m = self.state[theta].get("exp_avg", torch.zeros_like(theta))
                c = beta1 * m + (1 - beta1) * g
                theta -= group["lr"] * (torch.sign(c) + group["weight_decay"] * theta)
                self.state[theta]["exp_avg"] = beta2 * m + (1 - beta2) * g


class LAMB(torch.optim.Optimizer):
    """You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", 2020, algorithm 2."""

    def __init__(self, params, lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for x in group["params"]:
                state, g = self.state[x], x.grad
                t = state["t"] = state.get("t", 0) + 1
                m = state["exp_avg"] = beta1 * state.get("exp_avg", 0) + (1 - beta1) * g
                v = state["exp_avg_sq"] = beta2 * state.get("exp_avg_sq", 0) + (1 - beta2) * g**2
                r = m / (1 - beta1**t) / ((v / (1 - beta2**t)).sqrt() + group["eps"])
                update = r + group["weight_decay"] * x
                x -= group["lr"] * trust(x, update, x.norm() / update.norm()) * update


class LARS(torch.optim.Optimizer):
    """You et al., "Large batch training of convolutional networks", 2017; momentum as torch.optim.SGD has it."""

    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, trust_coefficient=0.001, eps=1e-8):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay,
                                      trust_coefficient=trust_coefficient, eps=eps))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta = group["weight_decay"]
            for w in group["params"]:
                g = w.grad
                rate = group["trust_coefficient"] * w.norm() / (g.norm() + beta * w.norm() + group["eps"])
                v = group["momentum"] * self.state[w].get("momentum_buffer", 0) + trust(w, g, rate) * (g + beta * w)
                self.state[w]["momentum_buffer"] = v
                w -= group["lr"] * v


def trust(parameter, update, ratio):
    return ratio if parameter.dim() > 1 and parameter.norm() > 0 and update.norm() > 0 else 1.0
