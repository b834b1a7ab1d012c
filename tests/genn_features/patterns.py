"""Networks and numbers that several of GeNN's feature tests have in common."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jsnn

F32 = np.float32

Values = dict[str, jax.Array]

NEVER = float(np.finfo(F32).min)
"""GeNN's time of a spike that has not been yet."""

SHIFT = np.arange(0.0, 100.0, 10.0, dtype=F32)
"""A number that tells ten neurons apart."""

DECODER = np.array([[(i + 1) >> j & 1 for j in range(4)] for i in range(16)], F32)
"""Weights [16, 4]: neuron i reaches the outputs that are the binary digits of i + 1."""


def decoded(outputs: Any) -> np.ndarray:
    """Return the numbers whose binary digits are the outputs that are 1, [T, 4] -> [T]."""
    return np.isclose(outputs, 1) @ 2 ** np.arange(4)


def listed(weights: np.ndarray, delays: np.ndarray | None = None) -> jsnn.Sparse:
    """Return the weights that are not 0 as a list of synapses."""
    pre, post = np.nonzero(weights)
    of_each = None if delays is None else delays[pre, post]
    return jsnn.Sparse(pre, post, weights[pre, post], *weights.shape, delays=of_each)


def margin(spikes: jax.Array) -> jax.Array:
    """Return the margin of a condition: 0 where it holds, else -1."""
    return jnp.where(spikes, 0.0, -1.0).astype(F32)


def in_pattern(t: jax.Array, size: int) -> jax.Array:
    """Return the neurons that take their turn: neuron i at i ms and every 10 ms after that."""
    id_ = jnp.arange(size, dtype=F32)
    return (t >= id_) & (jnp.mod(t - id_, 10.0) < 1e-4)


PATTERN = jsnn.NeuronModel(
    name="PATTERN",
    params={},
    variables={"s": NEVER, "shift": 0.0},
    update=lambda p, x, current, dt: x | {"s": p["t"] + x["shift"]},
    threshold=lambda p, x: margin(in_pattern(p["t"], x["s"].size)),
)
"""Neurons that spike in turn and hold the time, each with a shift of its own."""

CLOCK = jsnn.NeuronModel(
    name="CLOCK",
    params={},
    variables={"s": NEVER, "shift": 0.0},
    update=lambda p, x, current, dt: x | {"s": p["t"] + x["shift"]},
    threshold=lambda p, x: jnp.full_like(x["s"], -1.0),
)
"""Neurons that hold the time and never spike."""

ALWAYS = jsnn.NeuronModel(
    name="ALWAYS",
    params={},
    variables={"v": 0.0},
    update=lambda p, x, current, dt: x,
    threshold=lambda p, x: jnp.zeros_like(x["v"]),
)
"""Neurons that spike in every step."""

IN_TURN = jsnn.SynapseModel(
    name="IN_TURN",
    params={},
    variables={},
    update=lambda p, x, arriving, post, dt: (x, arriving),
    event=lambda p, pre: margin(in_pattern(p["t"], pre["spike"].size)),
)
"""Spike-like events of ten neurons in turn, whether they spike or not."""


def joined_one_to_one(
    pre: str, post: str, rule: jsnn.PlasticityModel, name: str, **rest: Any
) -> jsnn.Projection:
    """Return ten synapses whose rule writes to its variable w."""
    own = {k: rest.pop(k) for k in ("params", "initial_pre", "initial_post") if k in rest}
    return jsnn.Projection(
        pre,
        post,
        jsnn.OneToOne(np.zeros(10, F32)),
        plasticity=jsnn.Plasticity(rule, **own),
        name=name,
        **rest,
    )


def w_of_each(state: jsnn.State, spikes: dict[str, jax.Array]) -> dict[str, Values]:
    """Record the variables of all plastic synapses."""
    return {
        name: projection.plasticity.synapses
        for name, projection in state.projections.items()
        if projection.plasticity is not None
    }


def seen(late: int, values: Sequence[float] | np.ndarray, num_steps: int = 100) -> np.ndarray:
    """Return what synapses hold in turn, as GeNN's tests expect it, [T, 10].

    Synapse i takes in steps i, i + 10, ... the number of the step `late` steps before and adds its
    own value; until there is one it holds `NEVER`. GeNN's tests write model.t = step + 2: their
    clock is one step on after a step, and their synapses see a spike one step after its emission.

    Args:
      late: the delay in steps.
      values: of each synapse, [10].
      num_steps: T.
    """
    step = np.arange(num_steps)[:, None]
    turns = 10.0 * np.floor((step - late - np.arange(10)) / 10.0)
    return np.where(turns < 0, NEVER, np.arange(10) + turns + values)
