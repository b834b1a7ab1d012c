"""Gradients of one batch side by side: cosines of each layer, seconds, memory, and refusals."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import jax
import numpy as np

import jsnn
from experiments.training import latency_mnist_network as task

LOSS = jsnn.losses.cross_entropy(task.READOUT)


@dataclass(frozen=True)
class Mean:
    """The mean of several gradients, with the loss of the first."""

    parts: tuple[Any, ...]

    def network(self, network: jsnn.Network) -> jsnn.Network:
        return self.parts[0].network(network)

    def of(self, loss: Any, num_steps: int, record: Mapping[str, Any] | None = None) -> Any:
        each = [part.of(loss, num_steps, record) for part in self.parts]

        def value_and_grad(*arguments: Any, **named: Any) -> Any:
            values, gradients = zip(*(f(*arguments, **named) for f in each), strict=True)
            return values[0], jax.tree.map(lambda *parts: sum(parts) / len(parts), *gradients)

        return value_and_grad


SURROGATE, EXACT = jsnn.gradients.surrogate(), jsnn.gradients.exact()
GRADIENTS = {"surrogate": SURROGATE, "exact": EXACT, "e-prop": jsnn.gradients.eprop()}
INTERPOLATED = {"interpolated": jsnn.gradients.exact(interpolated=True)}
BOTH = {"surrogate + exact": Mean((SURROGATE, EXACT))}


def draw(depth: int, hidden: int, recurrent: bool, seed: int) -> jsnn.Network:
    """Draw the network, 784 - hidden layers - 10."""
    random = np.random.default_rng(seed)
    layers = [f"hidden{number}" for number in range(1, depth + 1)]
    sizes = {"pixels": 784, **dict.fromkeys(layers, hidden), "classes": 10}
    narrow = hidden**-0.5
    spread = [(0.06, 0.1), *[(0.08, 3 * narrow)] * (depth - 1), (0.0, 4 * narrow)]
    joined = list(zip(pairwise(sizes), spread, strict=True))
    if recurrent:
        joined += [((name, name), (0.0, narrow)) for name in layers]
    readout = {name: task.NEURON[name] for name in ("tau_m", "r_m", "v_rest")}
    neuron = jsnn.LIF, task.NEURON | {"tau_refrac": 0.0}, {"v": 0.0}
    return jsnn.Network(
        [
            jsnn.Population("pixels", 784, jsnn.SPIKE_SOURCE),
            *(jsnn.Population(name, hidden, *neuron) for name in layers),
            jsnn.Population("classes", 10, jsnn.LEAKY_INTEGRATOR, readout),
        ],
        [
            jsnn.Projection(
                *names,
                jsnn.Dense(np.float32(random.normal(mean, sd, [sizes[name] for name in names]))),
                *(jsnn.EXPONENTIAL, {"tau": task.TAU_SYN}),
            )
            for names, (mean, sd) in joined
        ],
    )


def compared(
    network: jsnn.Network, gradients: Mapping[str, Any], batch: Any, title: str
) -> dict[str, Any]:
    """Return cosines, seconds, megabytes and refusals of the gradients of a batch."""
    made: dict[str, Any] = {}
    found: dict[str, Any] = {"refused": {}, "seconds": {}, "megabytes": {}, "cosines": {}}
    for name, gradient in gradients.items():
        function = jax.jit(gradient.of(LOSS, task.NUM_STEPS))
        given = jax.device_put((network, jsnn.trainable(network), *batch))
        try:
            compiled = function.lower(*given).compile()
        except ValueError as error:
            found["refused"][name] = str(error)
            print(f"{title}, {name}: refused: {error}")
            continue
        made[name] = jax.device_get(compiled(*given)[1])
        found["seconds"][name] = statistics.median(seconds(compiled, given) for _ in range(5))
        found["megabytes"][name] = compiled.memory_analysis().temp_size_in_bytes / 1e6
        cost = f"{found['seconds'][name]:.3f} s, {found['megabytes'][name]:.1f} MB"
        print(f"{title}, {name}: {cost}")
    for one, other in combinations(made, 2):
        names = [projection.name for projection in network.projections]
        cosines = {p: cosine(made[one][p], made[other][p]) for p in names}
        found["cosines"][f"{one} and {other}"] = cosines
        shown = ", ".join(f"{name} {value:.3f}" for name, value in cosines.items())
        print(f"{title}, cosine of {one} and {other}: {shown}")
    return found


def seconds(compiled: Any, given: Any) -> float:
    began = time.perf_counter()
    jax.block_until_ready(compiled(*given))
    return time.perf_counter() - began


def cosine(one: Any, other: Any) -> float:
    a, b = (each["weights"].ravel().astype(np.float64) for each in (one, other))
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), np.finfo(float).tiny))
