"""End of a step: spikes that reach the synapses go on their way, and synapses learn."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax

from jsnn._engine.on_the_way import Arrived, late, send, with_row
from jsnn._engine.plasticity_step import learn
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
        p.name: late(state.projections[p.name].in_flight, step, sent[p.name])
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
        return _learnt(prepared, p, before.plasticity, delivered, now, at_pre, at_post, drive)

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
    before: PlasticityState,
    delivered: jax.Array | None,
    now: Now,
    at_pre: jax.Array,
    at_post: jax.Array,
    drive: Mapping[str, Any],
) -> PlasticityState:
    """Return the plastic synapses after this step.

    Args:
      prepared: the network.
      projection: the projection that learns.
      before: its plastic synapses before the step.
      delivered: sums of the weights before this step's learning, if they are made in this step.
      now: what is known of the step.
      at_pre: the spikes that reach the synapses from the presynaptic side, [pre].
      at_post: the spikes that reach the synapses from the postsynaptic side, [post].
      drive: the input of this step.
    """
    rule = projection.plasticity
    assert rule is not None
    return learn(
        rule.model,
        prepared.learning[projection.name],
        before,
        {**rule.params, **drive.get(projection.name, {})},
        _side(at_pre, _of_all(prepared, projection.pre, now), rule.model.reads_pre),
        _side(at_post, now.after[projection.post], rule.model.reads_post),
        prepared.network.dt,
        delivered,
        event_driven=prepared.event_driven,
    )


def _of_all(prepared: Prepared, name: str, now: Now) -> Values:
    """Return the variables of the neurons of a population on all devices, [N] each."""
    devices = prepared.devices
    return {k: devices.from_all(x, devices.sizes[name]) for k, x in now.after[name].items()}


def _side(spikes: jax.Array, variables: Values, reads: Sequence[str]) -> Values:
    """Return the view that a learning rule has of the neurons on one side."""
    return {"spike": spikes, **{name: variables[name] for name in reads}}
