"""Network and batches of latency MNIST."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import jsnn
from experiments.training.data.latency_mnist import LatencyImages

NUM_STEPS = 20  # of 1 ms
READOUT = jsnn.mean_voltage("classes")
LEARNING_RATE = 0.01  # of Adam, at the start of a cosine schedule
TAU_SYN = 5.0  # ms
NEURON = {"tau_m": 20.0, "r_m": 1.0, "v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0}
LONGEST_DELAY, FIRST_WIDTH = 6, 2.0  # steps


def draw(hidden: int, *, recurrent: bool, delays: bool, seed: int) -> jsnn.Network:
    """Draw the network, 784 - hidden - 10, with delays of the hidden layer if asked for."""
    random = np.random.default_rng(seed)

    def projection(
        pre: str, post: str, mean: float, sd: float, *, delays: bool = False
    ) -> jsnn.Projection:
        shape = sizes[pre], sizes[post]
        weights = random.normal(mean, sd, shape).astype(np.float32)
        dense = jsnn.Dense(weights)
        if delays:
            steps = random.uniform(1, LONGEST_DELAY, shape).astype(np.float32)
            dense = jsnn.LearntDelays(weights, steps, LONGEST_DELAY, width=FIRST_WIDTH)
        return jsnn.Projection(pre, post, dense, jsnn.EXPONENTIAL, {"tau": TAU_SYN})

    sizes = {"pixels": 784, "hidden": hidden, "classes": 10}
    readout = {name: NEURON[name] for name in ("tau_m", "r_m", "v_rest")}
    populations = [
        jsnn.Population("pixels", 784, jsnn.SPIKE_SOURCE),
        jsnn.Population("hidden", hidden, jsnn.LIF, NEURON | {"tau_refrac": 0.0}, {"v": 0.0}),
        jsnn.Population("classes", 10, jsnn.LEAKY_INTEGRATOR, readout),
    ]
    projections = [
        projection("pixels", "hidden", 0.06, 0.1, delays=delays),
        projection("hidden", "classes", 0.0, 4 / hidden**0.5),
    ]
    if recurrent:
        projections.append(projection("hidden", "hidden", 0.0, 1 / hidden**0.5))
    return jsnn.Network(populations, projections)


def drive(times: np.ndarray) -> dict[str, Any]:
    """Return the drive of a few images whose pixels spike at `times`, [n, 784]."""
    steps = np.where(np.isfinite(times), times, -1).astype(np.int8)  # pixels spike once at most
    return {"pixels": jsnn.over_time(steps[:, None] == np.arange(NUM_STEPS)[:, None])}


@dataclass(frozen=True)
class Batches:
    """Batches of images, shuffled in each epoch, whose spikes are made when they are needed.

    Attributes:
      images: the images.
      size: the number of images of a batch.
      seed: of the order and the shifts.
      shift: images move by at most so many pixels along each axis, anew in each epoch.
    """

    images: LatencyImages
    size: int
    seed: int
    shift: int = 0

    def __len__(self) -> int:
        return -(-len(self.images.labels) // self.size)

    def batches(self, epoch: int, first: int) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
        random = np.random.default_rng([self.seed, epoch])
        order = random.permutation(len(self.images.labels))
        by = random.integers(-self.shift, self.shift + 1, (len(order), 2))
        for start in range(first * self.size, len(order), self.size):
            chosen = order[start : start + self.size]
            times = shifted(self.images.times[chosen], by[start : start + self.size])
            yield drive(times), self.images.labels[chosen]


def shifted(times: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Return images [n, 784] that have moved by [n, 2] pixels down and to the right."""
    if not by.any():
        return times
    margin = int(np.abs(by).max())
    around = ((0, 0), (margin, margin), (margin, margin))
    padded = np.pad(times.reshape(-1, 28, 28), around, constant_values=np.inf)
    rows, columns = (np.arange(28) + margin - each[:, None] for each in by.T)
    image = np.arange(len(times))[:, None, None]
    return padded[image, rows[:, :, None], columns[:, None, :]].reshape(-1, 784)
