"""Flow of a neuron and the synapses that reach it, as one function of its state and of time."""

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.models.model import CLOCK, Values
from jsnn.models.neurons import NeuronModel
from jsnn.models.synapses import SynapseModel


def no_time(dt: jax.Array) -> jax.Array:
    """Return a step that stands for 0, which a model that divides by its step cannot take.

    Rates have a relative error of about dt / τ / 1024 from it.
    """
    return dt * jnp.asarray(2.0**-10, dt.dtype)


@dataclass(frozen=True)
class Incoming:
    """Something that is added to an input or a variable of a neuron in every step; static.

    Attributes:
      name: the input of the exact model that brings it.
      target: the input of the neuron model to which it is added, or one of its variables.
      is_jump: True if it is added to variables at the start of a step; False if it is constant
        within the step.
      synapse: the synapse model that turns arriving weights into it; None if it is added as it is.
      projection: the name of the projection that has the synapse model.
      shifts: the inputs that bring sums of w e, e being the shift of a spike in ms.
    """

    name: str
    target: str
    is_jump: bool
    synapse: SynapseModel | None = None
    projection: str = ""
    shifts: tuple[str, ...] = ()

    def own(self, values: Values) -> Values:
        """Return the parameters or variables of the synapse model, by its names for them."""
        start = f"{self.projection}."
        return {k.removeprefix(start): x for k, x in values.items() if k.startswith(start)}

    def named(self, values: Values) -> Values:
        """Return the parameters or variables of the synapse model, by the names they have here."""
        return {f"{self.projection}.{k}": x for k, x in values.items()}


@dataclass(frozen=True)
class Flow:
    """Motion of a neuron and its synapses, x <- φ(x, h); static.

    In its methods, `p` are all parameters, those that the neuron model derives from the step among
    them; `x` the variables of the neuron and its synapses; `arriving` {input: [N]}, what reaches
    the neuron in the step; times are in ms.

    Attributes:
      model: the neuron model.
      incoming: what reaches it, in the order in which it is added.
    """

    model: NeuronModel
    incoming: tuple[Incoming, ...]

    def __call__(self, p: Values, x: Values, arriving: Values, h: jax.Array) -> Values:
        """Move the state by a step h, as the models do it."""
        neuron = {name: x[name] for name in self.model.variables}
        targets = [*self.model.targets, *(each.target for each in self.incoming)]
        total = dict.fromkeys(targets, jnp.zeros_like(next(iter(arriving.values()))))
        synapses: Values = {}
        for each in self.incoming:
            added = arriving[each.name]
            if each.synapse is not None:
                params = each.own(p) | {name: p[name] for name in CLOCK}
                reads = {name: x[name] for name in each.synapse.reads}
                own, added = each.synapse.update(params, each.own(x), added, reads, h)
                synapses |= each.named(own)
            total[each.target] = total[each.target] + added
        inputs = {name: total[name] for name in self.model.targets}
        raised = {k: v + total[k] for k, v in neuron.items() if k in total and k not in inputs}
        given = inputs if self.model.inputs else inputs["current"]
        return {**self.model.update(p, {**neuron, **raised}, given, h), **synapses}

    def margin(self, p: Values, x: Values) -> jax.Array:
        """Return the threshold margin, [N]."""
        return self.model.threshold(p, {name: x[name] for name in self.model.variables})

    def reset(self, p: Values, x: Values) -> Values:
        """Return the state after a spike."""
        return x | self.model.reset(p, {name: x[name] for name in self.model.variables})

    def moved(self, p: Values, x: Values, arriving: Values, h: jax.Array) -> Values:
        """Move neurons that are not refractory by any step h."""
        derived = self.model.derived
        own = {} if derived is None else derived({name: p[name] for name in self.model.params}, h)
        return self({**p, **own}, self.free(x), arriving, h)

    def rate(self, p: Values, x: Values, arriving: Values, h: jax.Array) -> Values:
        """Return the derivative of `moved` with respect to h, in 1/ms."""
        return jax.jvp(lambda h: self.moved(p, x, arriving, h), (h,), (jnp.ones_like(h),))[1]

    def rate_now(self, p: Values, x: Values, arriving: Values, dt: jax.Array) -> Values:
        """Return dx/dt, after the jumps that arrive; what a refractory neuron holds has 0."""
        rate = self.rate(p, x, arriving, no_time(dt))
        refractory = self.model.refractory
        if refractory is None:
            return rate
        left = refractory.left
        waits = x[left] > 0
        held = {k: jnp.where(waits, 0, rate[k]) for k in refractory.holds}
        return rate | held | {left: -waits.astype(x[left].dtype)}

    def jumped(self, p: Values, x: Values, arriving: Values, dt: jax.Array) -> Values:
        """Return the state right after the jumps that arrive, in no time."""
        none = {each.name: jnp.zeros_like(next(iter(arriving.values()))) for each in self.incoming}
        return self.moved(p, x, none | arriving, no_time(dt))

    def free(self, x: Values) -> Values:
        """Return the variables of neurons whose refractory time is over."""
        refractory = self.model.refractory
        return (
            x if refractory is None else x | {refractory.left: jnp.zeros_like(x[refractory.left])}
        )

    def as_held(self, x: Values, before: Values) -> Values:
        """Return variables of neurons that are refractory if they are or were before."""
        refractory = self.model.refractory
        if refractory is None:
            return x
        left = refractory.left
        return x | {left: jnp.maximum(x[left], before[left])}

    def moving(self, x: Values) -> list[str]:
        """Return the names of the variables that have rates: floats of each neuron."""
        return [k for k, v in x.items() if np.issubdtype(v.dtype, np.floating) and v.ndim]

    def leaping(self, x: Values) -> list[str]:
        """Return the names of the variables that may change at a spike of the neuron."""
        return [k for k in self.moving(x) if k not in self.autonomous]

    def slope(self, p: Values, x: Values, rate: Values) -> jax.Array:
        """Return dm/dt of the threshold margin for rates dx/dt, [N]."""
        rates = {k: rate[k] for k in self.moving(x)}
        moving = {k: x[k] for k in rates}
        return jax.jvp(lambda moving: self.margin(p, x | moving), (moving,), (rates,))[1]

    def where(self, spiked: jax.Array, after: Values, moved: Values) -> Values:
        """Return the state after the step; variables that neurons share do not change at spikes."""
        return {k: jnp.where(spiked, after[k], v) if v.ndim else v for k, v in moved.items()}

    def without_jumps(self, arriving: Values) -> Values:
        """Return what is constant within the step, with 0 in place of jumps at its start."""
        return {k: jnp.zeros_like(a) if self.is_jump(k) else a for k, a in arriving.items()}

    def shifted(self, arriving: Values, shifts: Values) -> Values:
        """Return what arrives, with the sums of w e added to the sums of w."""
        out = dict(arriving)
        for name, sums in shifts.items():
            of = self.shifted_by[name]
            out[of] = out[of] + sums
        return out

    def jumps_shifted(self, shifts: Values) -> Values:
        """Return {input that jumps: Σ w e}, over all that add to it."""
        sums: Values = {}
        for name, of in self.shifted_by.items():
            if self.is_jump(of):
                sums[of] = sums[of] + shifts[name] if of in sums else shifts[name]
        return sums

    @cached_property
    def autonomous(self) -> frozenset[str]:
        """The variables of synapses that do not see the neuron, so that its spikes leave them."""
        return frozenset(
            name
            for each in self.incoming
            if each.synapse is not None and not each.synapse.reads
            for name in each.named(dict(each.synapse.variables))
        )

    @cached_property
    def shifted_by(self) -> dict[str, str]:
        """{input of shifts: the input that brings the weights}."""
        return {shift: each.name for each in self.incoming for shift in each.shifts}

    @cached_property
    def _by_name(self) -> dict[str, Incoming]:
        return {each.name: each for each in self.incoming}

    def is_jump(self, name: str) -> bool:
        """Return True if an input jumps at the start of a step."""
        return self._by_name[name].is_jump

    @cached_property
    def has_direct_shifts(self) -> bool:
        """True if something jumps without a synapse model, at times of its own."""
        return any(self.jumps_at_once(name) for name in self.shifted_by.values())

    def jumps_at_once(self, name: str) -> bool:
        """Return True if an input jumps without a synapse model, and may reach the margin."""
        return self.is_jump(name) and self._by_name[name].synapse is None
