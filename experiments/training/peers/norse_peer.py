"""Script that makes gradients in Norse; `torch_timing` has its arguments."""

import norse.torch as norse
import torch
from torch_timing import classes, hidden, inputs, time_gradients

RATES = {"tau_syn_inv": torch.tensor(1 / 0.005), "tau_mem_inv": torch.tensor(1 / 0.02)}  # 1/s


class Network(torch.nn.Module):
    """Neurons with exponential synapses, and a leaky readout with such ones."""

    def __init__(self):
        super().__init__()
        self.layers = norse.SequentialState(
            torch.nn.Linear(inputs, hidden, bias=False),
            norse.LIF(norse.LIFParameters(**RATES)),
            torch.nn.Linear(hidden, classes, bias=False),
            norse.LI(norse.LIParameters(**RATES)),
        )

    def forward(self, spikes):
        return self.layers(spikes)[0]


time_gradients(Network())
