"""What a plasticity is: how the weights of a projection change with the spikes on both sides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax

from jsnn.models.model import Model, Values, defaults, names_of

AtSpike = Callable[[Values, Values, Values, Values], Values]


def _unchanged(p: Values, x: Values) -> Values:
    return x


def _still(p: Values, x: Values, dt: jax.Array) -> Values:
    return x


def _no_change(p: Values, s: Values, pre: Values, post: Values) -> Values:
    return s


@dataclass(frozen=True)
class PlasticityModel(Model):
    """A learning rule as plain functions of synapses `s` and of traces on both sides.

    In every step, after the neurons have spiked, in this order:

        pre <- update_pre(p, pre, dt);   post <- update_post(p, post, dt)
        s <- each_step(p, s, pre, post, dt)                            for all synapses
        s <- on_pre(p, s, pre, post)     where the presynaptic neuron spiked in this step
        s <- on_post(p, s, pre, post)    where the postsynaptic neuron spiked in this step
        pre <- spike_pre(p, pre), post <- spike_post(p, post)          of the neurons that spiked

    Spikes are seen in the step in which they are emitted, on both sides: a delay is on the way from
    synapse to soma. Functions on synapses work on each synapse by itself and see arrays that
    broadcast with one another: `s` holds "weight" and the model's variables, and `pre` and `post`
    hold the traces of the neurons on both sides, "spike", 1 where that neuron spiked in this step
    and else 0, and the variables of the neurons that the rule reads, as they are after the step.

    Attributes:
      params: default parameters; a projection may give each another scalar, and a drive one per
        step. The functions see scalars.
      variables: initial values of the variables of each synapse, besides its weight.
      pre: initial values of the traces of each presynaptic neuron.
      post: initial values of the traces of each postsynaptic neuron.
      on_pre: (params, synapses, pre, post) -> synapses.
      on_post: the same.
      update_pre: (params, traces [pre], dt in ms) -> traces after a step without spikes.
      update_post: (params, traces [post], dt in ms) -> the same.
      spike_pre: (params, traces [pre]) -> traces of neurons that spiked.
      spike_post: (params, traces [post]) -> the same.
      each_step: (params, synapses, pre, post, dt in ms) -> synapses, or None where nothing happens
        to a synapse between spikes.
      reads_pre: names of variables of the presynaptic neuron model, such as ("v",).
      reads_post: the same of the postsynaptic one.
    """

    pre: Mapping[str, Any] = field(compare=False)
    post: Mapping[str, Any] = field(compare=False)
    on_pre: AtSpike = _no_change
    on_post: AtSpike = _no_change
    update_pre: Callable[[Values, Values, jax.Array], Values] = _still
    update_post: Callable[[Values, Values, jax.Array], Values] = _still
    spike_pre: Callable[[Values, Values], Values] = _unchanged
    spike_post: Callable[[Values, Values], Values] = _unchanged
    each_step: Callable[[Values, Values, Values, Values, jax.Array], Values] | None = None
    reads_pre: Sequence[str] = ()
    reads_post: Sequence[str] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        sides = []
        for name in ("pre", "post"):
            values = defaults(getattr(self, name), f"PlasticityModel, {name}")
            sides += sorted((f"{name} {key}", array.dtype.kind) for key, array in values.items())
            what = f"PlasticityModel, reads_{name}"
            reads = names_of(getattr(self, f"reads_{name}"), what)
            for twice in {*values, "spike"}.intersection(reads):
                raise ValueError(
                    f"{what}: {twice!r} is also a trace; expected another name, since the "
                    f"functions find both in `{name}`"
                )
            object.__setattr__(self, f"reads_{name}", reads)
        object.__setattr__(self, "signature", (*self.signature, *sides))
