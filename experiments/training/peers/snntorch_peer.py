"""Script that makes gradients in snnTorch; `torch_timing` has its arguments."""

import math

import snntorch
import torch
from torch_timing import classes, hidden, inputs, time_gradients

LEAK, DECAY = math.exp(-1 / 20), math.exp(-1 / 5)


class Network(torch.nn.Module):
    """Neurons with exponential synapses, and a leaky readout with such ones."""

    def __init__(self):
        super().__init__()
        self.in_to_hidden = torch.nn.Linear(inputs, hidden, bias=False)
        self.hidden_to_out = torch.nn.Linear(hidden, classes, bias=False)
        self.hidden = snntorch.Synaptic(alpha=DECAY, beta=LEAK, reset_mechanism="zero")
        self.out = snntorch.Synaptic(alpha=DECAY, beta=LEAK, reset_mechanism="none")

    def forward(self, spikes):
        of_hidden, of_out, scores = self.hidden.init_synaptic(), self.out.init_synaptic(), []
        for arriving in self.in_to_hidden(spikes):
            spiked, *of_hidden = self.hidden(arriving, *of_hidden)
            _, *of_out = self.out(self.hidden_to_out(spiked), *of_out)
            scores.append(of_out[1])
        return torch.stack(scores)


time_gradients(Network())
