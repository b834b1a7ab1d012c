"""Plasticity step: one step of a learning rule on the synapses of a projection."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from jsnn._kernels import native
from jsnn._kernels.visits import Rule, change_visited
from jsnn.models.calls import abstract_clock, variable_dtype
from jsnn.models.elementwise import is_elementwise
from jsnn.models.model import Values
from jsnn.models.plasticity import PlasticityModel
from jsnn.models.plasticity.model import AtSpike
from jsnn.network.connectivity import TwoSided, Visitable
from jsnn.network.state import PlasticityState

_FEWEST = 512
"""Number of synapses that have to be fewer than a pass over all can change in the same time."""

Sides = tuple[Values, Values]
"""View that a rule has of the presynaptic neurons, and of the postsynaptic ones."""


def learn(
    rule: PlasticityModel,
    connectivity: TwoSided,
    state: PlasticityState,
    params: Mapping[str, jax.Array],
    seen_pre: Values,
    seen_post: Values,
    dt: jax.Array,
    delivered: jax.Array | None = None,
    *,
    event_driven: bool = False,
) -> PlasticityState:
    """Take one step of a learning rule, in the order that `PlasticityModel` states.

    Args:
      rule: the learning rule.
      connectivity: the neurons on both sides of each synapse.
      state: the plastic synapses before the step.
      params: the parameters of the rule and the clock, a scalar each, or one value per synapse.
      seen_pre: {"spike": [pre], 1 where a neuron spiked in this step, else 0}, and the variables
        that the rule reads.
      seen_post: {"spike": [post], ...}, for the postsynaptic neurons.
      dt: in ms.
      delivered: sums of the weights before the step, if they are made in this step.
      event_driven: visit the synapses of the neurons that spiked alone, if the connectivity can.
    """
    p = {name: value for name, value in params.items() if not jnp.ndim(value)}
    each = {name: value for name, value in params.items() if jnp.ndim(value)}
    before = ({**state.pre, **seen_pre}, {**state.post, **seen_post})
    pre, post = sides = _updated(rule, p, dt, before)
    synapses = state.synapses
    if rule.each_step is not None:
        at_synapses = _at(connectivity, sides)
        after = _like(rule.each_step(p | each, synapses, *at_synapses, dt), synapses)
        synapses = _where_exists(connectivity, after, synapses)
    # What is read has to be read before it is changed, so that XLA changes it in place.
    read = [seen_post["spike"], *([] if delivered is None else [delivered])]
    visits = event_driven and _is_worth_visiting(connectivity)
    late = visits and _updates_by_place(rule, connectivity.dtype)
    synapses = (_by_visits if visits else _by_passes)(
        rule, late, connectivity, synapses, (p, dt), each, before if late else sides, read
    )
    return PlasticityState(
        synapses=synapses,
        pre=_after_spikes(
            seen_pre["spike"], rule.spike_pre, _with(p, pre, rule.reads_pre), pre, state.pre
        ),
        post=_after_spikes(
            seen_post["spike"], rule.spike_post, _with(p, post, rule.reads_post), post, state.post
        ),
    )


def for_steps(rule: PlasticityModel, num_steps: int, dtype: Any) -> PlasticityModel:
    """Return a rule for the spikes of several steps, which reach the synapses in one step.

    Presynaptic neurons have a trace for each of the steps. What a rule does with the traces of all
    neurons, it does for each step by itself.

    Args:
      rule: the learning rule.
      num_steps: the number of the steps.
      dtype: of the weights.
    """
    if num_steps == 1:
        return rule
    by_place, reads = _updates_by_place(rule, dtype), tuple(rule.reads_pre)
    update = rule.update_pre if by_place else _OfEachStep(rule.update_pre, num_steps, reads)
    return replace(rule, update_pre=update, spike_pre=_OfEachStep(rule.spike_pre, num_steps, reads))


@dataclass(frozen=True)
class _OfEachStep:
    """A function of the traces of all neurons, called for each of some steps by itself."""

    function: Callable[..., Values]
    num_steps: int
    reads: tuple[str, ...]

    def __call__(self, p: Values, traces: Values, *dt: jax.Array) -> Values:
        if not traces:
            return {}

        def of_one(traces: Values, read: Values) -> Values:
            return _like(self.function(p | read, traces, *dt), traces)

        def by_step(values: Values) -> Values:
            return {k: x.reshape(self.num_steps, -1) for k, x in values.items()}

        read = {k: p[k] for k in self.reads}
        after = jax.vmap(of_one)(by_step(traces), by_step(read))
        return {k: x.ravel() for k, x in after.items()}


def _by_passes(
    rule: PlasticityModel,
    late: bool,
    connectivity: TwoSided,
    synapses: Values,
    params: tuple[Values, jax.Array],
    each: Values,
    seen: Sides,
    read: Sequence[jax.Array],
) -> Values:
    """Change the synapses of the neurons that spiked, by passes over all synapses.

    Args:
      rule: the learning rule.
      late: True if `seen` holds the traces before this step.
      connectivity: the neurons on both sides of each synapse.
      synapses: the variables of the synapses.
      params: the parameters of the rule that are scalars, and dt in ms.
      each: the parameters that have one value per synapse.
      seen: what the rule sees of the neurons.
      read: arrays that have to be computed before the synapses are changed.
    """
    # This always holds, but it makes XLA wait.
    are_read = functools.reduce(jnp.logical_and, [jnp.all((x == 0) | (x != 0)) for x in read])
    for side in (0, 1):
        synapses = jax.lax.cond(
            jnp.any(seen[side]["spike"] > 0) & are_read,
            functools.partial(_pass, rule, late, side),
            lambda synapses, *_: synapses,
            *(synapses, params, each, seen, connectivity),
        )
    return synapses


def _pass(
    rule: PlasticityModel,
    late: bool,
    side: int,
    synapses: Values,
    params: tuple[Values, jax.Array],
    each: Values,
    seen: Sides,
    connectivity: TwoSided,
) -> Values:
    """Change the synapses of the neurons that spiked on one side, by a pass over all synapses."""
    p, dt = params
    both = _at(connectivity, _updated(rule, p, dt, seen) if late else seen)
    new = (rule.on_pre, rule.on_post)[side](p | each, synapses, *both)
    here = both[side]["spike"] > 0
    after = _like({k: jnp.where(here, new[k], s) for k, s in synapses.items()}, synapses)
    return _where_exists(connectivity, after, synapses)


def _where_exists(connectivity: TwoSided, after: Values, before: Values) -> Values:
    """Return values of synapses after a change, and those before it where there is no synapse."""
    exists = getattr(connectivity, "exists", None)
    if exists is None:
        return after
    return {k: jnp.where(exists, x, before[k]) for k, x in after.items()}


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _by_visits(
    rule: PlasticityModel,
    late: bool,
    connectivity: Visitable,
    synapses: Values,
    params: tuple[Values, jax.Array],
    each: Values,
    seen: Sides,
    read: Sequence[jax.Array],
) -> Values:
    """Change the synapses of the neurons that spiked, and visit no others.

    Arguments and derivative are those of `_by_passes`.
    """

    def change(
        function: AtSpike, params: Any, each: Values, synapses: Values, *sides: Values
    ) -> Values:
        p, dt = params
        return function(p | each, synapses, *(_updated(rule, p, dt, sides) if late else sides))

    def on_cpu(
        connectivity: Visitable, synapses: Values, params: Any, each: Values, seen: Sides, read: Any
    ) -> Values:
        on_pre, on_post = (functools.partial(change, f) for f in (rule.on_pre, rule.on_post))
        indices = (connectivity.synapses_of(0), connectivity.synapses_of(1))
        passes = (functools.partial(_pass, rule, late, 0), functools.partial(_pass, rule, late, 1))
        return change_visited(
            Rule((on_pre, on_post), passes),
            indices,
            synapses,
            params,
            each,
            seen,
            connectivity,
            read,
        )

    return jax.lax.platform_dependent(
        *(connectivity, synapses, params, each, seen, read),
        cpu=on_cpu,
        default=functools.partial(_by_passes, rule, late),
    )


@_by_visits.defjvp
def _by_visits_jvp(rule: PlasticityModel, late: bool, primals: Any, tangents: Any) -> Any:
    return jax.jvp(functools.partial(_by_passes, rule, late), primals, tangents)


def _is_worth_visiting(connectivity: TwoSided) -> bool:
    """Return True if the synapses of single neurons can be visited, and are few among all."""
    return (
        isinstance(connectivity, Visitable)
        and native.available()
        and connectivity.synapses_of(0).most >= _FEWEST
    )


@functools.lru_cache
def _updates_by_place(rule: PlasticityModel, dtype: Any) -> bool:
    """Return True if the trace of a neuron is updated by itself, so that visits may do it."""

    def arguments(traces: Mapping[str, Any], reads: Sequence[str], size: int) -> Any:
        scalars = dict.fromkeys(rule.params, jax.ShapeDtypeStruct((), dtype))
        read = dict.fromkeys(reads, jax.ShapeDtypeStruct((size,), dtype))
        kinds = {k: variable_dtype(trace, dtype) for k, trace in traces.items()}
        each = {k: jax.ShapeDtypeStruct((size,), kind) for k, kind in kinds.items()}
        params = scalars | read | abstract_clock(dtype)
        return params, each, jax.ShapeDtypeStruct((), dtype)

    return all(
        is_elementwise(update, functools.partial(arguments, traces, reads))
        for update, traces, reads in (
            (rule.update_pre, rule.pre, rule.reads_pre),
            (rule.update_post, rule.post, rule.reads_post),
        )
    )


def _updated(rule: PlasticityModel, p: Values, dt: jax.Array, sides: Sequence[Values]) -> Sides:
    """Return what a rule sees of the neurons, with their traces after a step without spikes."""
    pre, post = sides
    of_pre, of_post = _with(p, pre, rule.reads_pre), _with(p, post, rule.reads_post)
    return (
        {**pre, **rule.update_pre(of_pre, {name: pre[name] for name in rule.pre}, dt)},
        {**post, **rule.update_post(of_post, {name: post[name] for name in rule.post}, dt)},
    )


def _with(p: Values, side: Values, reads: Sequence[str]) -> Values:
    """Return the parameters with what the rule reads of the neurons of a side."""
    return p | {name: side[name] for name in reads}


def _at(connectivity: TwoSided, sides: Sides) -> Sides:
    """Return what a rule sees at each synapse."""
    pre, post = sides
    return (
        {k: connectivity.of_pre(x) for k, x in pre.items()},
        {k: connectivity.of_post(x) for k, x in post.items()},
    )


def _after_spikes(
    spikes: jax.Array, jump: Any, p: Values, seen: Values, before: Mapping[str, Any]
) -> Values:
    """Return the traces after the spikes, in the dtypes that they had before the step."""
    silent = {k: seen[k] for k in before}
    spiked = jump(p, silent)
    return _like({k: jnp.where(spikes > 0, spiked[k], silent[k]) for k in silent}, before)


def _like(values: Values, before: Mapping[str, Any]) -> Values:
    """Return values without weak types, each in the shape and dtype that it had before."""
    return {k: jnp.broadcast_to(values[k], x.shape).astype(x.dtype) for k, x in before.items()}
