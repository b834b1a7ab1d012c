"""Plasticity models: learning rules."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax

from jsnn._checks import check_known
from jsnn._pytree import FrozenDict
from jsnn.models.model import CLOCK, Model, Values, check_not_reserved, listed, names_of
from jsnn.models.plasticity.reads import SINCE_SPIKE, SinceSpike, SinceUpdate, check_read
from jsnn.models.quantity import Quantity, quantities

AtSpike = Callable[[Values, Values, Values, Values], Values]


def _no_jump(p: Values, x: Values) -> Values:
    return x


def _no_decay(p: Values, x: Values, dt: jax.Array) -> Values:
    return x


def _no_change(p: Values, s: Values, pre: Values, post: Values) -> Values:
    return s


@dataclass(frozen=True, repr=False)
class PlasticityModel(Model):
    """A learning rule as plain functions of synapses `s` and of traces on both sides.

    In every step, after the neurons have spiked, in this order:

        pre <- update_pre(p, pre, dt);   post <- update_post(p, post, dt)
        s <- each_step(p, s, pre, post, dt)                            for all synapses
        s <- on_pre(p, s, pre, post)     where the presynaptic neuron spiked in this step
        s <- on_post(p, s, pre, post)    where the postsynaptic neuron spiked in this step
        pre <- spike_pre(p, pre), post <- spike_post(p, post)          of the neurons that spiked

    A spike reaches the synapse after the `axonal` part of the projection's delay, and from the
    postsynaptic side after `back_propagation` steps. It delivers the weight before the learning of
    that step, unless `delivers_learnt_weight`.

    Functions on synapses work on each synapse by itself and see arrays that broadcast with one
    another: `s` holds "weight" and the variables of the model, and `pre` and `post` hold the traces
    of the neurons on both sides, "spike", 1 where that neuron spiked in this step and else 0, and
    what the rule reads of the neurons. Variables reach the synapse as late as the spikes of their
    side. If the synapse model sends events, they stand for the presynaptic spikes.

    `reads_pre` and `reads_post` name what a rule reads of the neurons on either side:

        "v"                  the variable v of the neuron, after the step
        "synapse.i_syn"      the variable i_syn of the projection's synapse model, on the
                             postsynaptic side, after the step
        "before.v", "before.synapse.i_syn"    the same variables before the step
        "since_spike"        the time since the last spike that reached the synapse from this side,
                             in ms, without the spikes of this step; infinite before the first

    The functions of the synapses find these in `pre` and `post` by their names, such as
    post["before.v"]. The functions of the traces find those of their side among the parameters.

    Attributes:
      params: parameters, {name: default or `jsnn.Quantity`}. A projection may give each another
        scalar, or one value per synapse if no trace depends on it.
      variables: variables of each synapse with their initial values, besides its weight.
      pre: traces of each presynaptic neuron with their initial values.
      post: traces of each postsynaptic neuron with their initial values.
      on_pre: (params, synapses, pre, post) -> synapses.
      on_post: (params, synapses, pre, post) -> synapses.
      update_pre: (params, traces [pre], dt in ms) -> traces after a step without spikes.
      update_post: (params, traces [post], dt in ms) -> traces after a step without spikes.
      spike_pre: (params, traces [pre]) -> traces of neurons that spiked.
      spike_post: (params, traces [post]) -> traces of neurons that spiked.
      each_step: (params, synapses, pre, post, dt in ms) -> synapses, or None if nothing happens to
        a synapse between spikes.
      reads_pre: what the rule reads of the presynaptic neurons, such as ("v",).
      reads_post: what the rule reads of the postsynaptic neurons.
      weight_bounds: the names of the parameters that are the lowest and the highest weight, such
        as ("w_min", "w_max"), or None. Initial weights outside are an error.
      delivers_learnt_weight: if True, a spike delivers the weight after the learning of the step in
        which it reaches the synapse, as in short-term plasticity, where `on_pre` computes the
        weight of the spike itself. The delay must then be at least 1.
      name: for messages and summaries.
      description: equations, units and source.
    """

    pre: Mapping[str, Any] = field(compare=False)
    post: Mapping[str, Any] = field(compare=False)
    on_pre: AtSpike = _no_change
    on_post: AtSpike = _no_change
    update_pre: Callable[[Values, Values, jax.Array], Values] = _no_decay
    update_post: Callable[[Values, Values, jax.Array], Values] = _no_decay
    spike_pre: Callable[[Values, Values], Values] = _no_jump
    spike_post: Callable[[Values, Values], Values] = _no_jump
    each_step: Callable[[Values, Values, Values, Values, jax.Array], Values] | None = None
    reads_pre: Sequence[str] = ()
    reads_post: Sequence[str] = ()
    weight_bounds: tuple[str, str] | None = None
    delivers_learnt_weight: bool = False

    def __post_init__(self) -> None:
        for side in ("pre", "post"):
            self._read_side(side)
        super().__post_init__()
        for name, quantity in self.params.items():
            if quantity.ndim:
                raise ValueError(
                    f"PlasticityModel, parameter {name!r}: given a table; expected a number, since "
                    "tables are for neurons, synapse models and current sources"
                )
        if not isinstance(self.delivers_learnt_weight, bool):
            raise TypeError(
                "PlasticityModel, delivers_learnt_weight: given "
                f"{self.delivers_learnt_weight!r}; expected True or False"
            )
        if self.weight_bounds is not None:
            what = "PlasticityModel, weight_bounds"
            check_known(names_of(self.weight_bounds, what), self.params, what, "parameter")
        sides = [
            (f"{side} {name}", quantity.kind)
            for side in ("pre", "post")
            for name, quantity in sorted(getattr(self, side).items())
        ]
        object.__setattr__(self, "signature", (*self.signature, *sides))

    def _read_side(self, side: str) -> None:
        """Check the traces and the reads of a side, and add a trace for the time since a spike."""
        traces, what = dict(getattr(self, side)), f"PlasticityModel, reads_{side}"
        since = traces.pop(SINCE_SPIKE, None)
        declared = dict(quantities(traces, f"PlasticityModel, {side}"))
        reads = names_of(getattr(self, f"reads_{side}"), what)
        check_not_reserved(reads, {*declared, "spike"}, what, "a trace")
        check_not_reserved(reads, {*self.params, *CLOCK}, what, "a parameter")
        for name in reads:
            check_read(name, side, what)
        if SINCE_SPIKE in reads:
            if since is not None:
                raise ValueError(f"{what}: {SINCE_SPIKE!r} is also a trace; expected one of them")
            reads = tuple(name for name in reads if name != SINCE_SPIKE)
            since = Quantity(math.inf, "ms")
            for kind, function in (("update", SinceUpdate), ("spike", SinceSpike)):
                of_others = getattr(self, f"{kind}_{side}")
                object.__setattr__(self, f"{kind}_{side}", function(of_others))
        if since is not None:
            declared[SINCE_SPIKE] = since
        object.__setattr__(self, side, FrozenDict(declared))
        object.__setattr__(self, f"reads_{side}", reads)

    def _tables(self) -> list[str]:
        traces = (("Presynaptic traces", self.pre), ("Postsynaptic traces", self.post))
        return [*super()._tables(), *(listed(title, declared) for title, declared in traces)]
