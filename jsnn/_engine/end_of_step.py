"""End of a step: spikes that reach the synapses go on their way, and synapses learn."""

from collections.abc import Iterable

import jax

from jsnn._engine.on_the_way import (
    Arrived,
    late,
    reaching_now,
    send,
    with_new_row,
    with_row,
)
from jsnn._engine.plasticity_step import for_steps, learn
from jsnn._engine.prepared import Prepared
from jsnn._engine.sending import (
    Now,
    plasticity_of,
    product_of,
    sent_by,
    sum_of_each,
    synapses_now,
    with_delays,
)
from jsnn._engine.values import clock
from jsnn._pytree import replace
from jsnn.models.model import Values
from jsnn.models.plasticity.reads import parsed
from jsnn.network.projection import Projection
from jsnn.network.state import PlasticityState, ProjectionState, State


def end_of_step(prepared: Prepared, state: State, now: Now) -> tuple[State, Arrived]:
    """Send what reaches the synapses in this step, and let them learn.

    Returns:
      The state with its projections after the step, and what arrives in the next step.
    """
    network, step = prepared.network, state.step
    projections = [p for p in network.projections if p.name in state.projections]
    sent = {p.name: sent_by(prepared, p, now) for p in projections if p.pre in now.spikes}
    reaching = {
        p.name: reaching_now(p, state.projections[p.name].in_flight, step, sent[p.name])
        if p.keeps_sums
        else sent[p.name]
        for p in projections
        if p.name in sent
    }

    def learnt(p: Projection, delivered: jax.Array | None = None) -> PlasticityState | None:
        before = state.projections[p.name]
        if before.plasticity is None:
            return None
        at_pre = now.all_spikes[p.pre] if p.synapse.sends_numbers else reaching[p.name]
        at_post = late(before.post_in_flight, step, now.spikes[p.post])
        return _learnt(prepared, p, before, delivered, now, at_pre, at_post)

    learnt_first = {p.name: learnt(p) for p in projections if _delivers_learnt(p)}
    read = {p.name: learnt_first.get(p.name, plasticity_of(p, state)) for p in projections}
    listed = [p for p in projections if p.is_listed and p.keeps_sums]
    sums, arrived = send(
        network,
        prepared.devices,
        prepared.groups,
        state,
        now.all_spikes_of_groups,
        {p.name: reaching[p.name] for p in listed if reaching[p.name] is not now.all_spikes[p.pre]},
        {p.name: synapses_now(prepared, p, read[p.name]) for p in listed},
        event_driven=prepared.event_driven,
    )
    after = {}
    for p in projections:
        before = sums.projections[p.name]
        arriving, delivered = before.arriving, None
        if p.has_synaptic_delays and not p.is_listed:
            arriving = with_delays(prepared, p, arriving, step, reaching[p.name])
        elif p.keeps_sums and not p.is_listed:
            delivered = (
                product_of(prepared, p, read[p.name], reaching[p.name])
                if p.synapse.sends_each is None
                else sum_of_each(prepared, p, read[p.name], now)
            )
            arriving = with_row(arriving, step, delivered)
        elif p.keeps_sums and p.plasticity is not None:
            delivered = (
                arrived.inputs[_group_of(prepared, p.post)][p.target]
                if p.shares_sum
                else arrived.sums[p.name]
            )
        after[p.name] = ProjectionState(
            synapse=now.synapses.get(p.name, {}),
            in_flight=with_row(before.in_flight, step, sent.get(p.name)),
            arriving=arriving,
            post_in_flight=with_row(before.post_in_flight, step, now.spikes.get(p.post)),
            variables_in_flight=_with_rows(
                before.variables_in_flight,
                step,
                _read_of_pre(prepared, p, before.variables_in_flight, now),
            ),
            post_variables_in_flight=_with_rows(
                before.post_variables_in_flight,
                step,
                _read_of_post(p, before, before.post_variables_in_flight, now),
            ),
            plasticity=learnt_first[p.name] if _delivers_learnt(p) else learnt(p, delivered),
        )
    return replace(sums, projections=after), arrived


def _group_of(prepared: Prepared, name: str) -> str:
    return next(group[0] for group in prepared.groups if name in group)


def _delivers_learnt(projection: Projection) -> bool:
    rule = projection.plasticity
    return rule is not None and rule.model.delivers_learnt_weight


def _learnt(
    prepared: Prepared,
    projection: Projection,
    before: ProjectionState,
    delivered: jax.Array | None,
    now: Now,
    at_pre: jax.Array,
    at_post: jax.Array,
) -> PlasticityState:
    """Return the plastic synapses after this step.

    Args:
      prepared: the network.
      projection: the projection that learns.
      before: its state before the step.
      delivered: sums of the weights before this step's learning, if they are made in this step.
      now: what is known of the step.
      at_pre: the spikes that reach the synapses from the presynaptic side,
        [num_sources].
      at_post: the spikes that reach the synapses from the postsynaptic side, [post].
    """
    rule, step = projection.plasticity, now.step
    assert rule is not None
    assert before.plasticity is not None
    read_of_pre = {
        k: reaching_now(projection, before.variables_in_flight.get(k), step, x)
        for k, x in _read_of_pre(prepared, projection, rule.model.reads_pre, now).items()
    }
    read_of_post = {
        k: late(before.post_variables_in_flight.get(k), step, x)
        for k, x in _read_of_post(projection, before, rule.model.reads_post, now).items()
    }
    return learn(
        for_steps(rule.model, projection.steps_at_once, prepared.network.dtype),
        prepared.ends[projection.name],
        before.plasticity,
        {**rule.params, **clock(step, prepared.network.dt)},
        {"spike": at_pre, **read_of_pre},
        {"spike": at_post, **read_of_post},
        prepared.network.dt,
        delivered,
        event_driven=prepared.event_driven,
    )


def _with_rows(in_flight: Values, step: jax.Array, after: Values) -> Values:
    """Return variables in flight, with those after this step."""
    return {k: with_new_row(rows, step, after[k]) for k, rows in in_flight.items()}


def _read_of_pre(
    prepared: Prepared, projection: Projection, names: Iterable[str], now: Now
) -> Values:
    """Return what a rule reads of the presynaptic neurons of all devices, {name: [pre]}."""
    name, devices = projection.pre, prepared.devices
    found = {}
    for key in names:
        read = parsed(key)
        variables = (now.before if read.before else now.after)[name]
        found[key] = devices.from_all(variables[read.variable], devices.sizes[name])
    return found


def _read_of_post(
    projection: Projection, before: ProjectionState, names: Iterable[str], now: Now
) -> Values:
    """Return what a rule reads of the postsynaptic neurons and their synapses, {name: [post]}."""
    found = {}
    for key in names:
        read = parsed(key)
        if read.of_synapse:
            variables = before.synapse if read.before else now.synapses[projection.name]
        else:
            variables = (now.before if read.before else now.after)[projection.post]
        found[key] = variables[read.variable]
    return found
