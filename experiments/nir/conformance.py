"""Measurements of conformance: traces of platforms, graphs of the NIR paper, and round trips."""

import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import nir
import numpy as np

import jsnn
from experiments.nir.trained import DT, graph, presentations, trained

UNITS = {"nengo": 0.1, "snntorch": 0.04, "spinnaker2": 0.04}
"""V of the graph in one unit of V of a platform that scales weights or thresholds."""
PLATFORMS = ("nengo", "norse", "rockpool", "sinabs", "snntorch", "spinnaker2", "spyx")
GRAPHS = (
    ("lif_norse.nir", DT, "exact"),
    ("braille_noDelay_bias_zero.nir", DT, "snntorch"),
    ("cnn_sinabs.nir", DT, "sinabs"),
)


def lif(folder: Path) -> list[dict[str, Any]]:
    """Compare the LIF with the exact solution and with the trace of each platform."""
    signal, solved, spikes = np.loadtxt(folder / "lif_exact.csv", delimiter=",").T
    v, found = one_neuron(folder, "exact", signal)
    rows = [compared("exact", "exact solution", v, found, solved, spikes)]
    for platform in PLATFORMS:
        _, trace, fired = np.loadtxt(folder / f"lif_{platform}.csv", delimiter=",").T
        trace = trace * UNITS.get(platform, 1)
        rows.append(compared("exact", platform, v, found, trace, fired))
        own = one_neuron(folder, platform, signal)
        rows.append(compared(platform, platform, *own, trace, fired))
    return rows


def one_neuron(folder: Path, integration: str, signal: np.ndarray) -> tuple[Any, Any]:
    """Run the LIF and return its V and spikes, [T]."""
    reading = jsnn.nir.read(folder / "lif_norse.nir", DT, integration=integration)
    record = {"v": jsnn.Variable("1", "v"), "spikes": jsnn.Spikes("1")}
    drive = reading.drive(signal[:, None])
    _, found = jsnn.simulate(reading.network, drive, len(signal), record=record)
    return np.asarray(found["v"])[:, 0], np.asarray(found["spikes"])[:, 0]


def compared(
    integration: str, other: str, v: Any, spikes: Any, trace: Any, fired: Any
) -> dict[str, Any]:
    """Return the distance of V and the number of bins in which the spikes differ."""
    return {
        "integration": integration,
        "beside": other,
        "largest distance of V": float(np.max(np.abs(v - trace))),
        "bins with another spike": int(np.sum(spikes != (fired > 0))),
        "spikes": int(np.sum(spikes)),
    }


def graphs(folder: Path) -> list[dict[str, Any]]:
    """Run the graphs of the NIR paper."""
    return [loaded(folder / name, *how) for name, *how in GRAPHS]


def loaded(path: Path, dt: float, integration: str) -> dict[str, Any]:
    """Read a graph, run it on random spikes, and write it twice."""
    reading = jsnn.nir.read(path, dt, integration=integration)
    (shape,) = reading.inputs.values()
    signal = np.random.default_rng(0).random((100, *shape)) < 0.1
    drive = reading.drive(signal)
    _, found = jsnn.simulate(reading.network, drive, 100, record=reading.record)
    first = jsnn.nir.write(reading).graph
    second = jsnn.nir.write(jsnn.nir.read(first, dt)).graph
    return {
        "graph": path.name,
        "populations": len(reading.network.populations),
        "edges of one step": [" -> ".join(edge) for edge in reading.one_step],
        "spikes of the output": {k: int(np.sum(v)) for k, v in found.items()},
        "written again as before": equal(first, second),
    }


def equal(a: nir.NIRGraph, b: nir.NIRGraph) -> bool:
    """Compare two graphs field by field."""
    same_ends = list(a.nodes) == list(b.nodes) and a.edges == b.edges
    return same_ends and all(
        np.array_equal(value, b.nodes[name].to_dict()[key])
        for name, node in a.nodes.items()
        for key, value in node.to_dict().items()
    )


def round_trips(python: str, seed: int) -> list[dict[str, Any]]:
    """Run a network that jsnn trained elsewhere, and one of snnTorch here."""
    signal = presentations(seed + 2, 1)[0][0]
    reading = jsnn.nir.read(graph(seed), DT, integration="snntorch")
    network, accuracy = trained(reading, seed)
    reading = replace(reading, network=network)
    rows: list[dict[str, Any]] = [{"network": "jsnn's", "accuracy once trained": accuracy}]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.nir"
        jsnn.nir.write(reading, file)
        for tool in ("snntorch", "norse"):
            there = elsewhere(python, "run", tool, file, signal)
            rows.append(beside(f"jsnn's in {tool}", output(reading, signal), there))
        there = elsewhere(python, "export", "snntorch", file, signal)
        here = output(jsnn.nir.read(file, DT, integration="snntorch"), signal)
        rows.append(beside("snntorch's in jsnn", here, there))
    return rows


def in_norse(python: str, folder: Path, seed: int) -> list[dict[str, Any]]:
    """Run the recurrent and the convolutional graph of the NIR paper in Norse and here."""
    rows = []
    for name in ("braille_noDelay_bias_zero.nir", "cnn_sinabs.nir"):
        reading = jsnn.nir.read(folder / name, DT, integration="norse")
        (shape,) = reading.inputs.values()
        signal = np.random.default_rng(seed).random((200, *shape)) < 0.1
        there = elsewhere(python, "run", "norse", folder / name, signal.astype(np.float32))
        rows.append(beside(f"{name} in norse", output(reading, signal), there))
    return rows


def elsewhere(python: str, action: str, tool: str, file: Path, signal: np.ndarray) -> np.ndarray:
    """Return the spikes of another program, [T, N]; `file` is read by "run", made by "export"."""
    script = Path(__file__).with_name("in_torch.py")
    with tempfile.TemporaryDirectory() as folder:
        given, out = f"{folder}/signal.npy", f"{folder}/spikes.npy"
        np.save(given, signal)
        subprocess.run([python, script, action, tool, file, given, out], check=True)
        return np.load(out) > 0


def beside(name: str, here: np.ndarray, there: np.ndarray) -> dict[str, Any]:
    """Return the number of spikes, and of bins in which they differ."""
    differing = int(np.sum(here != there))
    return {"network": name, "spikes": int(there.sum()), "bins with another spike": differing}


def output(reading: Any, signal: np.ndarray) -> np.ndarray:
    """Return the spikes of the one output, [T, N]."""
    drive = reading.drive(signal)
    _, found = jsnn.simulate(reading.network, drive, len(signal), record=reading.record)
    return np.asarray(next(iter(found.values())))
