"""Timing of gradients in PyTorch, one for each line that is read; prints their seconds.

The peers need an environment of their own, so these files import nothing from jsnn, and no other
files import them. `python NAME_peer.py BATCH STEPS INPUTS HIDDEN CLASSES SHARE`
"""

import sys
import time

import numpy as np
import torch

batch, steps, inputs, hidden, classes = map(int, sys.argv[1:6])


def time_gradients(scores_of):
    """Make a gradient of the mean score for each line of the input.

    Args:
      scores_of: a module, spikes [T, B, inputs] -> the readout of each step, [T, B, classes].
    """
    torch.set_num_threads(2)
    random = np.random.default_rng(0)
    drawn = random.random((steps, batch, inputs)) < float(sys.argv[6])
    spikes = torch.tensor(drawn, dtype=torch.float32)
    labels = torch.tensor(random.integers(0, classes, batch))
    for _ in sys.stdin:
        began = time.perf_counter()
        scores_of.zero_grad()
        torch.nn.functional.cross_entropy(scores_of(spikes).mean(0), labels).backward()
        print(time.perf_counter() - began, flush=True)
