#!/usr/bin/env python3
"""Classifies an image by a compiled network: classify.py WEIGHTS.safetensors IMAGE [NETWORK.graph]"""

import sys

import numpy as np
import rnc

weights, image = sys.argv[1:3]
network = sys.argv[3] if len(sys.argv) > 3 else "/usr/share/rnc/samples/fashion_resnet20.graph"
net = rnc.compile(network, weights=weights)
scores = net(np.fromfile(image, np.uint8).reshape(1, 1, 28, 28))[0]
best = int(scores.argmax())
print(best, net.classes[best], f"{scores[best]:.2f}")
