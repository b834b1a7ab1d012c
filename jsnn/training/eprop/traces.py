"""Traces of eligibility: the derivative of each neuron with respect to each of its weights."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp

from jsnn.training.eprop.local_step import AtPlaces, Place, Route

Traces = AtPlaces
"""{place: [pre, post]}, the derivatives of what is there with respect to the weights."""


def start_traces(places: Sequence[Place], shape: tuple[int, int], dtype: jnp.dtype) -> Traces:
    """Return the traces before the first step."""
    return {place: jnp.zeros(shape, dtype) for place in places}


def next_traces(
    traces: Traces,
    derivatives: Mapping[Route, jax.Array],
    entrance: Place,
    entering: jax.Array,
    places: Sequence[Place],
) -> Traces:
    """Return the traces after a step, ε' = ∂x'/∂x ε + ∂x'/∂a ∂a/∂w.

    Args:
      traces: of the variables x before the step.
      derivatives: of the step, {(after, before): [post] or ()}.
      entrance: the place of a, at which the weights have their effect.
      entering: ∂a/∂w, [pre, post], or [pre, 1] for spikes that arrive at all neurons.
      places: the traces to return.
    """
    before = {**traces, entrance: entering}
    shape = next(iter(traces.values())).shape

    def after(place: Place) -> jax.Array:
        terms = [
            jnp.broadcast_to(jnp.atleast_1d(derivatives[place, of])[None] * x, shape)
            for of, x in before.items()
            if (place, of) in derivatives
        ]
        return sum(terms, start=jnp.zeros(shape, entering.dtype))

    return {place: after(place) for place in places}
