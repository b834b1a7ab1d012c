"""Neurons that play back what a learning rule reads, and the weights that it learns."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

import jsnn

NO_INPUT = jsnn.SynapseModel(
    name="NO_INPUT",
    params={},
    variables={},
    update=lambda p, x, arriving, post, dt: (x, 0 * arriving),
)


def played(names: tuple[str, ...]) -> jsnn.NeuronModel:
    """Return a neuron whose variables are its inputs, and which spikes if "fires" is 1."""
    return jsnn.NeuronModel(
        params={},
        variables=dict.fromkeys(names, 0.0),
        inputs=names,
        update=lambda p, x, inputs, dt: inputs,
        threshold=lambda p, x: x["fires"] - 0.5,
    )


def weights_of_step(state: jsnn.State, spikes: Any) -> dict[str, jax.Array]:
    """Record the weights of every projection."""
    found = state.projections
    return {name: found[name].plasticity.synapses["weight"] for name in ("dense", "sparse")}


def learnt_over_time(
    rule: jsnn.PlasticityModel,
    params: Mapping[str, Any],
    weights: np.ndarray,
    pre: np.ndarray,
    read: Mapping[str, np.ndarray],
    *,
    dt: float = 1.0,
    initial: Mapping[str, Any] | None = None,
    initial_post: Mapping[str, Any] | None = None,
    back_propagation: int = 0,
) -> np.ndarray:
    """Return the weights after every step, [T, pre, post].

    Dense synapses and sparse ones learn the same.

    Args:
      rule: the learning rule.
      params: of the rule.
      weights: at the start, [pre, post], in the dtype of the run.
      pre: presynaptic spikes, bool [T, pre].
      read: the variables of the postsynaptic neurons over time, {name: [T, post]}; "fires" is 1 in
        the steps of their spikes.
      dt: in ms.
      initial: values of the variables before the first step.
      initial_post: of the postsynaptic traces.
      back_propagation: in steps.
    """
    read = {"fires": np.zeros_like(next(iter(read.values())))} | dict(read)
    neuron = played(tuple(read))
    plastic = jsnn.Plasticity(rule, params, initial_post=initial_post or {})
    indices = [index.ravel()[::-1] for index in np.indices(weights.shape)]
    sparse = jsnn.Sparse(*indices, weights[tuple(indices)], *weights.shape)
    drive = {"a": jsnn.over_time(pre), "b": {k: jsnn.over_time(x) for k, x in read.items()}}
    projections = [
        jsnn.Projection(
            *("a", "b", connectivity, NO_INPUT),
            target="fires",
            back_propagation=back_propagation,
            plasticity=plastic,
            name=name,
        )
        for name, connectivity in (("dense", jsnn.Dense(weights)), ("sparse", sparse))
    ]
    populations = [
        jsnn.Population("a", weights.shape[0], jsnn.SPIKE_SOURCE),
        jsnn.Population("b", weights.shape[1], neuron, initial=initial or {}),
    ]
    network = jsnn.Network(populations, projections, dt=weights.dtype.type(dt))
    record = {"weights": weights_of_step}
    _, recorded = jsnn.simulate(network, drive, len(pre), record=record)
    dense = np.asarray(recorded["weights"]["dense"])
    listed = np.zeros_like(dense)
    listed[:, indices[0], indices[1]] = recorded["weights"]["sparse"]
    np.testing.assert_array_equal(listed, dense)
    assert dense.dtype == weights.dtype
    return dense
