"""Exact networks: networks whose spikes carry the derivative of their time."""

import jax

from jsnn._checks import check_flag, check_type
from jsnn._pytree import replace as replaced
from jsnn.models.model import Values
from jsnn.models.synapses import DELTA, SynapseModel
from jsnn.network.connectivity import Connectivity, LearntDelays, Shared
from jsnn.network.current_source import CurrentSource
from jsnn.network.network import Network
from jsnn.network.population import Population
from jsnn.network.projection import Projection
from jsnn.training.exact.ahead import SHIFTS_AHEAD, as_they_arrive, projections_ahead
from jsnn.training.exact.checks import check_network, is_input, never_spikes
from jsnn.training.exact.connectivity import ShiftsOnGrid, at_nearest_step, parts_of_step
from jsnn.training.exact.flow import Incoming
from jsnn.training.exact.model import SHIFT, exact_model


def exact(network: Network, *, interpolated: bool = False) -> Network:
    """Return a network whose spike times carry their exact derivative.

        def loss(values, trains):
            exact = jsnn.exact(network.with_params(values))
            ...

    The neuron models are rewritten, for any model, so that gradients of `simulate` are those of the
    times at which margins cross 0, not those of surrogates. A spike of step n happens at
    (n + 1) dt + shift; `shift`, in ms, is a variable of every population that spikes.

    On the grid, the default, spikes and variables of a run stay those of `network`, to the bit, and
    the shift is 0 with a derivative, of first order in dt. Interpolated, the shift is the time of
    the crossing within the step, arrivals have their times too, and derivatives are about ten times
    more accurate.

    Populations, current sources and what drives them keep their names. The variables of the
    synapse model of a projection become variables of the population that it reaches,
    "projection.variable", and its parameters become parameters of that population,
    "projection.parameter". `margin`, the threshold margin after the last step, is a variable too.
    Spikes themselves have no derivative.

    Populations that nothing reaches and whose spikes are no crossings in time, such as
    `SPIKE_SOURCE`, stay as they are; their spikes happen at the end of a step.

    Args:
      network: the network; under `jit`, `vmap` and `grad` too, so that gradients pass to its
        weights, parameters and initial values.
      interpolated: let spikes happen within steps, in the run too.

    Raises:
      TypeError: if an argument is of another type.
      ValueError: if the spike times of a population have no derivative, or a projection changes its
        weights; the message says why.
    """
    check_type(network, Network, "exact, network")
    check_flag(interpolated, "exact, interpolated")
    check_network(network)
    changed = {p.name for p in network.populations if not is_input(network, p)}
    shifting = {name for name in changed if not never_spikes(network.population(name).model)}
    incoming = {name: _incoming(network, network.population(name), shifting) for name in changed}
    populations = [
        _population(network, p, incoming[p.name], interpolated) if p.name in changed else p
        for p in network.populations
    ]
    ahead = projections_ahead(network, shifting) if interpolated else set()
    projections: list[Projection] = []
    for p in network.projections:
        is_ahead = p.name in ahead
        projections += _projections(
            network, p, incoming.get(p.post, ()), shifting, interpolated, is_ahead
        )
    sources = [_source(source, changed) for source in network.sources]
    return Network(populations, projections, sources, network.dt)


def _incoming(network: Network, population: Population, shifting: set[str]) -> tuple[Incoming, ...]:
    """Return what reaches a population, in the order in which it is added."""
    model = population.model
    held = [name for name in model.targets if name not in model.impulses]
    found: dict[str, Incoming] = {}
    for p in network.projections:
        if p.post != population.name:
            continue
        name = _input_of(p)
        shifts = _sums_of_shifts(p, shifting)
        before = found.get(name)
        synapse = p.synapse if p.synapse.sends_spikes and p.synapse != DELTA else None
        is_jump = p.target not in held or (synapse is not None and bool(synapse.variables))
        found[name] = Incoming(
            name=name,
            target=p.target,
            is_jump=is_jump,
            synapse=synapse,
            projection=p.name if synapse is not None else "",
            shifts=(*(before.shifts if before else ()), *shifts),
        )
    for s in network.sources:
        if s.population == population.name:
            found[s.name] = Incoming(f"{s.name}.current", s.target, s.target not in held)
    for target in model.targets:
        found[target] = Incoming(target, target, target not in held)
    return tuple(found.values())


def _input_of(p: Projection) -> str:
    """Return the name of the input that brings the weights of a projection.

    Projections that are one running sum share an input.
    """
    return f"weights into {p.target}" if p.shares_sum else f"{p.name}.weights"


def _sums_of_shifts(p: Projection, shifting: set[str]) -> tuple[str, ...]:
    """Return the names of the inputs that bring Σ w e of a projection."""
    if not p.synapse.sends_spikes:
        return ()
    of_spikes = (_shifts_of(p),) if p.pre in shifting else ()
    of_delays = (_parts_of(p),) if isinstance(p.connectivity, LearntDelays) else ()
    return of_spikes + of_delays


def _shifts_of(p: Projection) -> str:
    return f"{p.name}.shifts"


def _parts_of(p: Projection) -> str:
    return f"{p.name}.parts"


def _population(
    network: Network, population: Population, incoming: tuple[Incoming, ...], interpolated: bool
) -> Population:
    params, initial = dict(population.params), dict(population.initial)
    for each in incoming:
        if each.synapse is not None:
            projection = network.projection(each.projection)
            params |= each.named(dict(projection.params))
            initial |= each.named(dict(projection.initial))
    return Population(
        population.name,
        population.size,
        exact_model(population.model, incoming, interpolated=interpolated),
        params,
        initial,
    )


def _projections(
    network: Network,
    p: Projection,
    incoming: tuple[Incoming, ...],
    shifting: set[str],
    interpolated: bool,
    is_ahead: bool,
) -> list[Projection]:
    """Return the projections that take the place of one."""
    if not incoming:
        return [p]
    if not p.synapse.sends_spikes:
        return [replaced(p, target=_input_of(p))]
    real = p.connectivity if isinstance(p.connectivity, LearntDelays) else None
    connectivity = at_nearest_step(real) if real else p.connectivity
    weights = replaced(
        p, connectivity=connectivity, synapse=DELTA, params={}, initial={}, target=_input_of(p)
    )
    if is_ahead:
        weights = replaced(weights, delay=p.delay - 1, axonal=None)
        shifts = _beside(weights, connectivity, SHIFTS_AHEAD, _shifts_of(p))
        return [weights, replaced(shifts, params={"dt": network.dt})]
    found = [weights]
    if p.pre in shifting:
        to_shifts = connectivity if interpolated else ShiftsOnGrid(_synapses(network, weights))
        found.append(_beside(weights, to_shifts, _SHIFTS, _shifts_of(p)))
    if real:
        parts = parts_of_step(real, network.dt, interpolated=interpolated)
        found.append(_beside(weights, parts, DELTA, _parts_of(p)))
    return found


def _beside(
    weights: Projection, connectivity: Connectivity, synapse: SynapseModel, name: str
) -> Projection:
    """Return a projection beside that of weights, into an input of the same name."""
    return replaced(weights, connectivity=connectivity, synapse=synapse, target=name, name=name)


def _synapses(network: Network, p: Projection) -> Connectivity:
    """Return the connectivity of a projection as the steps of a run have it."""
    if isinstance(p.connectivity, LearntDelays):
        return p.connectivity.spread()
    if not isinstance(p.connectivity, Shared):
        return p.connectivity
    return p.connectivity.resolved(network.projection(p.connectivity.of).connectivity)


def _source(source: CurrentSource, changed: set[str]) -> CurrentSource:
    if source.population not in changed:
        return source
    return replaced(source, target=f"{source.name}.current")


def _send_shift(p: Values, pre: Values) -> jax.Array:
    return pre[SHIFT]


_SHIFTS = SynapseModel(
    name="SHIFTS",
    description="Shifts of spike times, in every step: Σ w e over the presynaptic neurons.",
    params={},
    variables={},
    update=as_they_arrive,
    sends=_send_shift,
)
