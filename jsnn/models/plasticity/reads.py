"""Variables of neurons and synapse models that a learning rule reads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jsnn.models.model import Values
from jsnn.models.rounding import product

SINCE_SPIKE = "since_spike"
"""Name of the time since the last spike of a side."""

_BEFORE = "before."
_SYNAPSE = "synapse."


class Read(NamedTuple):
    """A variable that a rule reads.

    Attributes:
      variable: its name.
      before: True for its value before the step.
      of_synapse: True for a variable of the synapse model, False for one of the neuron.
    """

    variable: str
    before: bool
    of_synapse: bool


def parsed(name: str) -> Read:
    """Return the variable that a name such as "before.synapse.i_syn" stands for."""
    rest = name.removeprefix(_BEFORE)
    return Read(rest.removeprefix(_SYNAPSE), rest != name, rest.startswith(_SYNAPSE))


def check_read(name: str, side: str, what: str) -> None:
    """Raise ValueError if a name reads the synapse model on the presynaptic side.

    Args:
      name: the name that is read.
      side: "pre" or "post".
      what: the rule, for messages.
    """
    if side == "pre" and parsed(name).of_synapse:
        raise ValueError(
            f"{what}: given {name!r}; expected it in reads_post, since the variables of a synapse "
            "model belong to the postsynaptic side"
        )


@dataclass(frozen=True)
class SinceUpdate:
    """Update of the traces of a side, and of the time since a spike.

    Attributes:
      of_others: the update of the other traces.
    """

    of_others: Callable[[Values, Values, jax.Array], Values]

    def __call__(self, p: Values, x: Values, dt: jax.Array) -> Values:
        steps = jnp.round(x[SINCE_SPIKE] * (1 / dt)) + 1  # so that rounding does not add up
        return _others(self.of_others, p, x, dt) | {SINCE_SPIKE: product(steps, dt)}


@dataclass(frozen=True)
class SinceSpike:
    """Effect of a spike on the traces of a side, and on the time since a spike.

    Attributes:
      of_others: the effect on the other traces.
    """

    of_others: Callable[[Values, Values], Values]

    def __call__(self, p: Values, x: Values) -> Values:
        return _others(self.of_others, p, x) | {SINCE_SPIKE: jnp.zeros_like(x[SINCE_SPIKE])}


def _others(function: Callable[..., Values], p: Values, x: Values, *dt: jax.Array) -> Values:
    return function(p, {name: trace for name, trace in x.items() if name != SINCE_SPIKE}, *dt)
