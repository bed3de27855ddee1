#!/usr/bin/env python3
"""A loop of PyTorch's with a compiled forward and backward pass: torch_training.py [NETWORK.graph]"""

import sys

import rnc
import torch

network = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/rnc/samples/fashion_resnet20.graph"
torch.manual_seed(0)
module = rnc.compile(network).as_torch_module()
optimizer = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9)
images = torch.randint(0, 256, (32, 1, 28, 28), dtype=torch.uint8)
labels = torch.randint(0, 10, (32,), dtype=torch.int32)
losses = []
for step in range(10):
    optimizer.zero_grad()
    loss = module(images, labels)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(f"loss {losses[0]:.4f}, after {len(losses) - 1} steps {losses[-1]:.4f}")
