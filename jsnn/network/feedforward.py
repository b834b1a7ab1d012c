"""Feed-forward networks: chains of dense layers."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jax.typing import ArrayLike

from jsnn.models.neurons import NeuronModel
from jsnn.models.synapses import DELTA, SynapseModel
from jsnn.network.connectivity import Dense
from jsnn.network.network import Network
from jsnn.network.population import Population
from jsnn.network.projection import Projection
from jsnn.network.values import Given


def feedforward(
    weights: Sequence[ArrayLike],
    model: NeuronModel,
    *,
    params: Given | None = None,
    synapse: SynapseModel = DELTA,
    delay: int = 1,
    dt: ArrayLike = 1.0,
) -> Network:
    """Chain dense layers: populations "layer0", "layer1", ..., all of one model.

    Args:
      weights: one matrix per projection, [pre, post], in nA.
      model: the neuron model of every layer, the input layer included.
      params: parameters of every layer, each a scalar.
      synapse: the synapse model of every projection.
      delay: the delay of every projection, in steps.
      dt: the length of a step, in ms.

    Raises:
      TypeError: if `weights` is one array, or a matrix is not an array of floats.
      ValueError: if there are no weights, or two matrices do not chain; the message names the pair.
    """
    if hasattr(weights, "shape"):
        raise TypeError(
            f"feedforward: given one array of shape {np.shape(weights)}; expected a list of them"
        )
    if isinstance(weights, Mapping):
        raise TypeError(
            f"feedforward: given {type(weights).__name__}; expected a list of matrices, a layer "
            "each"
        )
    if not len(weights):
        raise ValueError("feedforward: given no weights; expected at least one matrix")
    layers = [_layer(matrix, f"weights {i}_{i + 1}") for i, matrix in enumerate(weights)]
    check_chain([(layer.num_pre, layer.num_post) for layer in layers])
    sizes = [layers[0].num_pre, *(layer.num_post for layer in layers)]
    return Network(
        populations=[
            Population(f"layer{i}", size, model, dict(params or {})) for i, size in enumerate(sizes)
        ],
        projections=[
            Projection(f"layer{i}", f"layer{i + 1}", layer, synapse=synapse, delay=delay)
            for i, layer in enumerate(layers)
        ],
        dt=dt,
    )


def _layer(matrix: Any, what: str) -> Dense:
    try:
        return Dense(matrix)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{what}: {error}") from None


def check_chain(shapes: Sequence[tuple[int, ...]]) -> None:
    """Raise ValueError if matrices of these shapes, each (pre, post), do not chain."""
    pairs = list(itertools.pairwise(shapes))
    for i, (first, second) in enumerate(pairs):
        if first[1] != second[0]:
            transposed = all(a[0] == b[1] for a, b in pairs)
            hint = " (transposed? each is to be (pre, post))" if transposed else ""
            raise ValueError(
                f"weights {i}_{i + 1} and {i + 1}_{i + 2} do not chain: given shapes {first} and "
                f"{second}{hint}; expected as many presynaptic neurons in the second, {second[0]}, "
                f"as postsynaptic ones in the first, {first[1]}"
            )
