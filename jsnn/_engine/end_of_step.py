"""End of a step: spikes that reach the synapses go on their way, and synapses learn."""

from collections.abc import Iterable, Mapping
from typing import Any

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
from jsnn._engine.sending import Now, product_of, sent_by, synapses_now
from jsnn._pytree import replace
from jsnn.models.model import Values
from jsnn.network.projection import Projection
from jsnn.network.state import PlasticityState, ProjectionState, State


def end_of_step(
    prepared: Prepared, state: State, now: Now, drive: Mapping[str, Any]
) -> tuple[State, Arrived]:
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
        at_pre = reaching[p.name] if p.synapse.sends is None else now.all_spikes[p.pre]
        at_post = late(before.post_in_flight, step, now.spikes[p.post])
        return _learnt(prepared, p, before, delivered, step, now, at_pre, at_post, drive)

    plastic = {
        p.name: learnt(p) if _delivers_learnt(p) else state.projections[p.name].plasticity
        for p in projections
    }
    listed = [p for p in projections if p.is_listed and p.keeps_sums]
    sums, arrived = send(
        network,
        prepared.devices,
        prepared.groups,
        state,
        now.all_spikes_of_groups,
        {p.name: reaching[p.name] for p in listed if reaching[p.name] is not now.all_spikes[p.pre]},
        {p.name: synapses_now(prepared, p, plastic[p.name]) for p in listed},
        event_driven=prepared.event_driven,
    )
    after = {}
    for p in projections:
        before = sums.projections[p.name]
        arriving, delivered = before.arriving, None
        if p.keeps_sums and not p.is_listed:
            delivered = product_of(prepared, p, plastic[p.name], reaching[p.name])
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
                _of_all(prepared, p.pre, now, before.variables_in_flight),
            ),
            post_variables_in_flight=_with_rows(
                before.post_variables_in_flight, step, now.after.get(p.post, {})
            ),
            plasticity=plastic[p.name] if _delivers_learnt(p) else learnt(p, delivered),
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
    step: jax.Array,
    now: Now,
    at_pre: jax.Array,
    at_post: jax.Array,
    drive: Mapping[str, Any],
) -> PlasticityState:
    """Return the plastic synapses after this step.

    Args:
      prepared: the network.
      projection: the projection that learns.
      before: its state before the step.
      delivered: sums of the weights before this step's learning, if they are made in this step.
      step: the number of the step.
      now: what is known of the step.
      at_pre: the spikes that reach the synapses from the presynaptic side,
        [num_sources].
      at_post: the spikes that reach the synapses from the postsynaptic side, [post].
      drive: the input of this step.
    """
    rule = projection.plasticity
    assert rule is not None
    assert before.plasticity is not None
    pre = _of_all(prepared, projection.pre, now, rule.model.reads_pre)
    read_of_pre = {
        k: reaching_now(projection, before.variables_in_flight.get(k), step, x)
        for k, x in pre.items()
    }
    read_of_post = {
        k: late(before.post_variables_in_flight.get(k), step, now.after[projection.post][k])
        for k in rule.model.reads_post
    }
    return learn(
        for_steps(rule.model, projection.steps_at_once, prepared.network.dtype),
        prepared.learning[projection.name],
        before.plasticity,
        {**rule.params, **drive.get(projection.name, {})},
        {"spike": at_pre, **read_of_pre},
        {"spike": at_post, **read_of_post},
        prepared.network.dt,
        delivered,
        event_driven=prepared.event_driven,
    )


def _with_rows(in_flight: Values, step: jax.Array, after: Values) -> Values:
    """Return variables in flight, with those after this step."""
    return {k: with_new_row(rows, step, after[k]) for k, rows in in_flight.items()}


def _of_all(prepared: Prepared, name: str, now: Now, variables: Iterable[str]) -> Values:
    """Return variables of the neurons of a population on all devices, [N] each."""
    devices = prepared.devices
    return {k: devices.from_all(now.after[name][k], devices.sizes[name]) for k in variables}
