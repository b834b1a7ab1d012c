"""Schedule of a run: which populations are stepped together, and which are run before the rest.

Populations that are joined in a loop have to be stepped together; a loop, or a population that is
in none, is a *stage*. A stage depends only on stages before it, so each is run over all steps by
itself, and a projection between two stages becomes one product over time and batch instead of one
per step. This needs memory for the spikes and sums of all steps, which is bounded here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jsnn._engine.driven import Driven
from jsnn._engine.groups import Groups, each_alone, groups_of
from jsnn._engine.recording_plan import RecordingPlan, folds_each_neuron, part_seen_by
from jsnn._kernels import native
from jsnn.models.dependence import each_by_itself
from jsnn.network.connectivity import Dense, OneToOne, Shared
from jsnn.network.network import Network
from jsnn.network.projection import Projection
from jsnn.recording import SpikeCount

_MOST_BYTES = 2**21
"""Most bytes of spikes and sums that one presentation may need if it is run in stages."""

Stage = tuple[str, ...]
"""Names of populations that are stepped together."""


@dataclass(frozen=True)
class Schedule:
    """The order and the manner in which populations are run; static.

    Attributes:
      stages: in the order in which they are run.
      tabulated: populations of which one neuron is run for each distinct current, each a stage.
      given: populations whose spikes are the drive, each a stage.
      event_driven: if True, spikes are delivered one by one instead of by whole products.
      groups: the populations of a single stage, in groups.
    """

    stages: tuple[Stage, ...]
    tabulated: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    event_driven: bool = False
    groups: Groups = ()


def together(network: Network, *, event_driven: bool) -> Schedule:
    """Return the schedule with all populations in one stage, as the semantics define a step."""
    groups = groups_of(network) if event_driven else each_alone(network.order)
    return Schedule((tuple(network.order),), event_driven=event_driven, groups=groups)


def quickest_schedule(
    network: Network,
    constant: Driven,
    varying: Driven,
    planned: RecordingPlan,
    num_steps: int,
) -> Schedule:
    """Return the quickest schedule of a run from a fresh state.

    On a CPU without the kernels of `jsnn._kernels.native`, a product over time costs more cache
    than it saves, and everything is stepped together.

    Args:
      network: the network that is simulated.
      constant: the part of the drive that is constant in time; its parameters are in the network.
      varying: the part of the drive that has one row for each step.
      planned: the recordings.
      num_steps: T.
    """
    on_cpu = jax.default_backend() == "cpu"
    kernels = on_cpu and native.available()
    whole = together(network, event_driven=kernels)
    stages = loops(network)
    recordings = [r for _, r in (*planned.stacked, *planned.folded)]
    pays = num_steps > 1 and len(stages) > 1 and (kernels or not on_cpu)
    if not pays or not _may_be_divided(network, stages, recordings, num_steps):
        return whole
    tabulated = tuple(
        name
        for name in network.sizes
        if kernels
        and name not in varying.names
        and _is_tabulated(network, name, constant, recordings)
    )
    given = tuple(name for name in network.sizes if _is_given(network, name, varying, recordings))
    return Schedule(stages, tabulated, given, event_driven=kernels)


def _may_be_divided(
    network: Network, stages: tuple[Stage, ...], recordings: Sequence[Any], num_steps: int
) -> bool:
    """Return True if the stages of a run may be run one after the other."""
    each_looks_at_one = all(part_seen_by(recording) is not None for recording in recordings)
    fits = bytes_over_time(network, stages, num_steps) <= _MOST_BYTES
    is_whole = network.mesh is None
    learns_elsewhere = any(p.shares_learning_weights for p in network.projections)
    return each_looks_at_one and fits and is_whole and not learns_elsewhere


def _is_tabulated(network: Network, name: str, constant: Driven, recordings: Sequence[Any]) -> bool:
    """Return True if one neuron can be run for all neurons of equal current."""
    return _neurons_differ_by_drive_alone(network, name, constant) and all(
        folds_each_neuron(r) for r in recordings if part_seen_by(r) == name
    )


def _is_given(network: Network, name: str, varying: Driven, recordings: Sequence[Any]) -> bool:
    """Return True if the drive of a population is its spikes, [T, N], and nothing else is asked."""
    trains = varying.inputs.get(name, {}).get("current")
    if trains is None or trains.dtype != np.bool_ or trains.ndim != 2:
        return False
    return _driven_alone(network, name) and all(
        isinstance(r, SpikeCount) for r in recordings if part_seen_by(r) == name
    )


def loops(network: Network) -> tuple[Stage, ...]:
    """Return the strongly connected populations, a stage each, in an order in which spikes pass."""
    reached = {name: _reached_from(network, name) for name in network.order}
    stages = {
        tuple(n for n in network.order if n in reached[name] and name in reached[n])
        for name in network.order
    }
    # A stage is reached by fewer populations than the stages to which it projects.
    return tuple(
        sorted(stages, key=lambda stage: (sum(stage[0] in r for r in reached.values()), stage))
    )


def parts_in(network: Network, stage: Stage) -> set[str]:
    """Return the names of what a stage steps: populations, and what makes their input."""
    reaching = {p.name for p in network.projections if p.post in stage}
    return {*stage, *reaching, *(s.name for s in network.sources if s.population in stage)}


def leaving(network: Network, stage: Stage) -> list[Projection]:
    """Return the projections from a stage to another one."""
    return [p for p in network.projections if p.pre in stage and p.post not in stage]


def is_joined(projection: Projection) -> bool:
    """Return True if both sides of a projection have to be stepped together.

    This is so if they change its synapses, if it sends something else than spikes, or if its
    synapses are a list or have delays of their own, so that spikes become sums when they are
    emitted. It is also so if the input within a step is the weight of a single spike: within the
    step LLVM multiplies that weight before it looks at the spike, and rounds differently from a sum
    that was made before.
    """
    become_sums = projection.is_listed or projection.has_synaptic_delays
    if projection.plasticity is not None or become_sums:
        return True
    in_the_step = projection.delay == 0 and isinstance(projection.connectivity, OneToOne | Shared)
    return in_the_step or not projection.synapse.sends_spikes


def _reached_from(network: Network, name: str) -> set[str]:
    """Return a population, those that its spikes may influence, and those joined to them."""
    reached, new = {name}, {name}
    while new:
        forwards = {p.post for p in network.projections if p.pre in new}
        backwards = {p.pre for p in network.projections if p.post in new and is_joined(p)}
        new = (forwards | backwards) - reached
        reached |= new
    return reached


def bytes_over_time(network: Network, stages: tuple[Stage, ...], num_steps: int) -> int:
    """Return the bytes of the spikes and sums that pass between stages in one presentation."""
    sent = [projection for stage in stages for projection in leaving(network, stage)]
    spikes = sum(network.sizes[name] for name in {projection.pre for projection in sent})
    sums = sum(network.sizes[projection.post] for projection in sent)
    return num_steps * (spikes + sums * np.dtype(network.dtype).itemsize)


def _driven_alone(network: Network, name: str) -> bool:
    """Return True if nothing but the drive reaches a population."""
    projected_to = any(projection.post == name for projection in network.projections)
    joined = any(is_joined(p) for p in network.projections if p.pre == name)
    driven = any(source.population == name for source in network.sources)
    return not projected_to and not joined and not driven


def _neurons_differ_by_drive_alone(network: Network, name: str, constant: Driven) -> bool:
    population = network.population(name)
    same_for_all = (*population.params.values(), *population.initial.values())
    outgoing = [projection for projection in network.projections if projection.pre == name]
    return (
        name in constant.inputs
        and population.model.targets == ("current",)
        and all(np.ndim(value) == 0 for value in same_for_all)
        and _driven_alone(network, name)
        and bool(outgoing)
        and all(isinstance(projection.connectivity, Dense) for projection in outgoing)
        and not any(is_joined(projection) for projection in outgoing)
        and not population.model.draws
        and each_by_itself(population.model)
    )
