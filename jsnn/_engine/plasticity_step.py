"""Plasticity step: one step of a learning rule on the synapses of a projection."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jsnn.models.model import Values
from jsnn.models.plasticity import PlasticityModel
from jsnn.network.connectivity import Modifiable
from jsnn.network.state import PlasticityState


def learn(
    rule: PlasticityModel,
    connectivity: Modifiable,
    state: PlasticityState,
    params: Mapping[str, jax.Array],
    seen_pre: Values,
    seen_post: Values,
    dt: jax.Array,
    delivered: jax.Array | None = None,
) -> PlasticityState:
    """Take one step of a learning rule, in the order that `PlasticityModel` states.

    Args:
      rule: the learning rule.
      connectivity: the connectivity of the projection.
      state: the plastic synapses before the step.
      params: the parameters of the rule, a scalar each.
      seen_pre: {"spike": [pre], 1 where a neuron spiked in this step, else 0}, and the variables
        that the rule reads.
      seen_post: {"spike": [post], ...}, for the postsynaptic neurons.
      dt: in ms.
      delivered: sums of the weights before the step, if they are made in this step.
    """
    p = dict(params)
    spikes_pre, spikes_post = seen_pre["spike"], seen_post["spike"]
    pre = rule.update_pre(p, state.pre, dt)
    post = rule.update_post(p, state.post, dt)

    def both_sides() -> tuple[Values, Values]:
        return (
            {k: connectivity.of_pre(x) for k, x in {**pre, **seen_pre}.items()},
            {k: connectivity.of_post(x) for k, x in {**post, **seen_post}.items()},
        )

    def at_spikes(function: Callable[..., Values], synapses: Values, side: int) -> Values:
        def changed() -> Values:
            sides = both_sides()
            new = function(p, synapses, *sides)
            here = sides[side]["spike"] > 0
            return _like({k: jnp.where(here, new[k], s) for k, s in synapses.items()}, synapses)

        any_spike = jnp.any((spikes_pre, spikes_post)[side] > 0)
        return jax.lax.cond(any_spike & weights_are_read, changed, lambda: synapses)

    # This always holds, but it makes XLA wait until the weights have been delivered, so that it
    # changes them in place and need not copy them all.
    weights_are_read = jnp.all(spikes_post >= 0)
    if delivered is not None:
        weights_are_read &= jnp.all((delivered == 0) | (delivered != 0))
    synapses = state.synapses
    if rule.each_step is not None:
        synapses = _like(rule.each_step(p, synapses, *both_sides(), dt), synapses)
    synapses = at_spikes(rule.on_pre, synapses, 0)
    synapses = at_spikes(rule.on_post, synapses, 1)
    return PlasticityState(
        synapses=synapses,
        pre=_like(_where(spikes_pre, rule.spike_pre(p, pre), pre), state.pre),
        post=_like(_where(spikes_post, rule.spike_post(p, post), post), state.post),
    )


def _where(spikes: jax.Array, spiked: Values, silent: Values) -> Values:
    return {k: jnp.where(spikes > 0, spiked[k], silent[k]) for k in silent}


def _like(values: Values, before: Mapping[str, Any]) -> Values:
    """Return values without weak types, each in the shape and dtype that it had before."""
    return {k: jnp.broadcast_to(values[k], x.shape).astype(x.dtype) for k, x in before.items()}
