"""Steps of NIR graphs in NumPy, node by node, by the forward Euler method."""

from collections import deque
from graphlib import TopologicalSorter
from typing import Any

import nir
import numpy as np


def convolved(node: Any, image: np.ndarray) -> np.ndarray:
    """Slide the kernel of a Conv1d or Conv2d over an image, one output number at a time."""
    axes = image.ndim - 1
    kernel = node.weight.shape[2:]
    stride, dilation = (np.broadcast_to(x, axes) for x in (node.stride, node.dilation))
    if isinstance(node.padding, str):
        is_same = node.padding == "same"
        total = [d * (k - 1) * is_same for k, d in zip(kernel, dilation, strict=True)]
        sides = [(t // 2, t - t // 2) for t in total]
    else:
        sides = [(p, p) for p in np.broadcast_to(node.padding, axes)]
    framed = np.pad(image, [(0, 0), *sides])
    places = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(framed.shape[1:], kernel, stride, dilation, strict=True)
    ]
    out = np.zeros((len(node.weight), *places))
    each_in, each_out = node.weight.shape[1], len(node.weight) // node.groups
    for place in np.ndindex(*out.shape):
        group = place[0] // each_out
        for channel in range(each_in):
            for pixel in np.ndindex(*kernel):
                along = zip(place[1:], stride, pixel, dilation, strict=True)
                at = tuple(p * s + k * d for p, s, k, d in along)
                seen = framed[(group * each_in + channel, *at)]
                out[place] += node.weight[(place[0], channel, *pixel)] * seen
        out[place] += node.bias[place[0]]
    return out


def pooled(node: Any, image: np.ndarray) -> np.ndarray:
    """Slide the window of a pooling node over an image."""
    (high, wide), (down, across) = node.kernel_size, node.stride
    framed = np.pad(image, [(0, 0), *((p, p) for p in node.padding)])
    rows = range(0, framed.shape[1] - high + 1, down)
    columns = range(0, framed.shape[2] - wide + 1, across)
    kind = np.mean if isinstance(node, nir.AvgPool2d) else np.sum
    windows = [[framed[:, y : y + high, x : x + wide] for x in columns] for y in rows]
    return np.array([[kind(w, axis=(1, 2)) for w in row] for row in windows]).transpose(2, 0, 1)


class Stepper:
    """The state of one node; `step` takes its input and returns its output.

    Attributes:
      nearest: the smallest distance of a potential to its threshold so far.
    """

    def __init__(self, node: Any, dt: float) -> None:
        self.node, self.dt, self.nearest = node, dt, np.inf
        self.v: Any = 0.0
        self.i: Any = 0.0
        self.past: deque[np.ndarray] = deque()

    def step(self, x: np.ndarray) -> np.ndarray:
        node, dt = self.node, self.dt
        kind = type(node).__name__
        match kind:
            case "Linear":
                return node.weight @ x
            case "Affine":
                return node.weight @ x + node.bias
            case "Scale":
                return node.scale * x
            case "Conv1d" | "Conv2d":
                return convolved(node, x)
            case "AvgPool2d" | "SumPool2d":
                return pooled(node, x)
            case "Flatten":
                end = node.end_dim % x.ndim
                return x.reshape(*x.shape[: node.start_dim], -1, *x.shape[end + 1 :])
            case "Threshold":
                return self.spikes(x, node.threshold)
            case "Delay":
                self.past.appendleft(x)
                steps = np.round(node.delay / dt).astype(int)
                self.past.extend([np.zeros_like(x)] * (1 + steps.max() - len(self.past)))
                return np.choose(steps, list(self.past)[: 1 + steps.max()])
            case "I" | "IF":
                self.v = self.v + dt * node.r * x
            case "LI" | "LIF":
                self.v = self.v + dt / node.tau * (node.v_leak - self.v + node.r * x)
            case "CubaLI" | "CubaLIF":
                self.i = self.i + dt / node.tau_syn * (node.w_in * x - self.i)
                self.v = self.v + dt / node.tau_mem * (node.v_leak - self.v + node.r * self.i)
            case _:
                return x
        if not kind.endswith("IF"):
            return self.v
        spikes = self.spikes(self.v, node.v_threshold)
        self.v = np.where(spikes > 0, node.v_reset, self.v)
        return spikes

    def spikes(self, v: np.ndarray, threshold: np.ndarray) -> np.ndarray:
        self.nearest = min(self.nearest, float(np.min(np.abs(v - threshold))))
        return (v > threshold).astype(float)


def run(graph: nir.NIRGraph, signals: np.ndarray, dt: float) -> tuple[dict[str, np.ndarray], float]:
    """Run a graph without cycles on the signals of its one Input, [T, ...].

    Returns:
      {Output: [T, ...]}, and the smallest distance of a potential to a threshold.
    """
    before: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for pre, post in graph.edges:
        before[post].append(pre)
    steppers = {name: Stepper(node, dt) for name, node in graph.nodes.items()}
    order = list(TopologicalSorter(before).static_order())
    rows: dict[str, list[np.ndarray]] = {
        name: [] for name, node in graph.nodes.items() if isinstance(node, nir.Output)
    }
    for signal in signals:
        out: dict[str, np.ndarray] = {}
        for name in order:
            arriving = [out[pre] for pre in before[name]] or [signal]
            out[name] = steppers[name].step(sum(arriving[1:], arriving[0]))
        for name, row in rows.items():
            row.append(out[name])
    nearest = min(stepper.nearest for stepper in steppers.values())
    return {name: np.array(row) for name, row in rows.items()}, nearest
