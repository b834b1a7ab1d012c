"""Exact models: neuron models whose spikes carry the shift of their time."""

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from jsnn.models.model import Values
from jsnn.models.neurons import NeuronModel
from jsnn.models.quantity import Quantity, bounds_of
from jsnn.training.exact.flow import Flow, Incoming
from jsnn.training.exact.grid import step_on_grid
from jsnn.training.exact.interpolated import step_interpolated
from jsnn.training.exact.tangents import stop

MARGIN, SHIFT = "margin", "shift"
"""Variables of an exact model: the threshold margin, and the time of a spike (ms) from the end of
its step."""


@dataclass(frozen=True)
class ExactUpdate:
    """The `update` of an exact model.

    Attributes:
      flow: the neuron and its synapses.
      interpolated: True if spikes have times within a step.
    """

    flow: Flow
    interpolated: bool

    def __call__(self, p: Values, x: Values, given: Values, dt: jax.Array) -> Values:
        flow = self.flow
        before = {k: v for k, v in x.items() if k not in (MARGIN, SHIFT)}
        arriving = {each.name: given[each.name] for each in flow.incoming}
        shifts = {name: given[name] for name in flow.shifted_by}
        take = step_interpolated if self.interpolated else step_on_grid
        step = take(flow, p, before, arriving, shifts, dt)
        margin = jnp.maximum(step.margin, jnp.finfo(step.margin.dtype).min)
        return step.variables | {MARGIN: margin, SHIFT: step.shift}


def _margin(p: Values, x: Values) -> jax.Array:
    return stop(x[MARGIN])


def exact_model(
    model: NeuronModel, incoming: tuple[Incoming, ...], *, interpolated: bool
) -> NeuronModel:
    """Return a model of a neuron and its synapses whose spikes carry the shift of their time.

    Args:
      model: the neuron model.
      incoming: what reaches the neuron.
      interpolated: True if spikes have times within a step.
    """
    synapses = [each for each in incoming if each.synapse is not None]
    params: dict[str, Any] = dict(model.params)
    variables: dict[str, Any] = dict(model.variables)
    for each in synapses:
        assert each.synapse is not None
        params |= _renamed(each, dict(each.synapse.params))
        variables |= _renamed(each, dict(each.synapse.variables))
    shifts = [name for each in incoming for name in each.shifts]
    return NeuronModel(
        name=f"{model.name}, exact".removeprefix(", "),
        description=f"{model.description}\n\nIts spikes carry the `shift` of their time, in ms.",
        params=params,
        variables=variables | {MARGIN: Quantity(-1.0), SHIFT: Quantity(0.0, "ms")},
        update=ExactUpdate(Flow(model, incoming), interpolated),
        threshold=_margin,
        surrogate=model.surrogate,
        inputs=(*(each.name for each in incoming), *shifts),
        derived=model.derived,
        max_dt=model.max_dt,
    )


def _renamed(of: Incoming, declared: dict[str, Quantity]) -> dict[str, Quantity]:
    """Return quantities of a synapse model, by the names that they have in the exact model."""

    def renamed(quantity: Quantity) -> Quantity:
        bounds = {
            kind: f"{of.projection}.{bound}"
            for kind, bound in bounds_of(quantity).items()
            if isinstance(bound, str)
        }
        return replace(quantity, **bounds)  # type: ignore[arg-type]

    return {f"{of.projection}.{name}": renamed(x) for name, x in declared.items()}
