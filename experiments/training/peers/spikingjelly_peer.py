"""Script that makes gradients in SpikingJelly; `torch_timing` has its arguments."""

import torch
from spikingjelly.activation_based import functional, layer, neuron
from torch_timing import classes, hidden, inputs, time_gradients


class Network(torch.nn.Module):
    """Neurons with exponential synapses, and two filters in a row as the readout."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            layer.Linear(inputs, hidden, bias=False),
            layer.SynapseFilter(tau=5.0),
            neuron.LIFNode(tau=20.0, v_threshold=1.0, v_reset=0.0, detach_reset=True),
            layer.Linear(hidden, classes, bias=False),
            layer.SynapseFilter(tau=5.0),
            layer.SynapseFilter(tau=20.0),
        )
        functional.set_step_mode(self.layers, "m")

    def forward(self, spikes):
        functional.reset_net(self.layers)
        return self.layers(spikes)


time_gradients(Network())
