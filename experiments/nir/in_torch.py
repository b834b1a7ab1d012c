"""Networks from NIR in snnTorch or Norse, run by a Python that has them and not jsnn.

python in_torch.py run snntorch GRAPH.nir SIGNAL.npy SPIKES.npy: read a graph and run it.
python in_torch.py export snntorch GRAPH.nir SIGNAL.npy SPIKES.npy: run a network of its own, and
export it.
"""

import importlib
import sys
from typing import Any

import numpy as np

DT = 1e-4  # s; snnTorch has no other


def read_by(tool: str, graph: Any) -> Any:
    """Return a graph as a module of a tool."""
    if tool == "snntorch":
        return importlib.import_module("snntorch.import_nir").import_from_nir(graph)
    return importlib.import_module("norse.torch").from_nir(graph, dt=DT)


def spikes_of(module: Any, signal: Any) -> np.ndarray:
    """Run a module step by step and return its output, [T, N]."""
    torch = importlib.import_module("torch")
    state, rows = None, []
    with torch.no_grad():
        for x in torch.from_numpy(signal)[:, None]:
            out = module(x) if state is None else module(x, state)
            out, state = out if isinstance(out, tuple) else (out, None)
            rows.append(out.numpy().ravel())
    return np.array(rows)


def own_network(inputs: int) -> Any:
    """Return a network of snnTorch with a reset to zero, which its export assumes."""
    torch, snn = importlib.import_module("torch"), importlib.import_module("snntorch")
    torch.manual_seed(0)
    flags = {"init_hidden": True, "reset_mechanism": "zero", "reset_delay": False}

    def each(size: int, value: float) -> Any:
        """Return a parameter of each neuron, as nir 1.0.8 refuses one for all."""
        return torch.full((size,), value)

    return torch.nn.Sequential(
        torch.nn.Linear(inputs, 30),
        snn.Leaky(beta=each(30, 0.9), threshold=each(30, 0.4), **flags),
        torch.nn.Linear(30, 8),
        snn.Synaptic(alpha=each(8, 0.8), beta=each(8, 0.9), threshold=each(8, 9.0), **flags),
    )


def main() -> None:
    nir = importlib.import_module("nir")
    action, tool, graph, signal, spikes = sys.argv[1:]
    given = np.load(signal).astype(np.float32)
    if action == "export":
        torch = importlib.import_module("torch")
        module = own_network(given.shape[1])
        export = importlib.import_module("snntorch.export_nir").export_to_nir
        nir.write(graph, export(module, torch.from_numpy(given[:1]), ignore_dims=[0]))
        for layer in module:
            if hasattr(layer, "reset_hidden"):
                layer.reset_hidden()
    else:
        module = read_by(tool, nir.read(graph))
    np.save(spikes, spikes_of(module, given))


main()
