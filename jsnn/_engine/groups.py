"""Groups: populations of one neuron model that are stepped as one array.

A step costs a little for every array, so eight populations of one model are stepped in the time of
one. Groups follow from the structure of a network, never from its numbers, and change no bit: in a
group are only populations whose neurons work each by themselves, and which get their input from
running sums, current sources and the drive alone.
"""

from collections.abc import Iterable, Mapping
from itertools import accumulate

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.models.dependence import each_by_itself
from jsnn.models.model import Values
from jsnn.network.network import Network
from jsnn.network.population import Population

Group = tuple[str, ...]
"""The names of its populations; the first one is also the name of the group."""

Groups = tuple[Group, ...]


def each_alone(names: Iterable[str]) -> Groups:
    """Return a group for each population."""
    return tuple((name,) for name in names)


def groups_of(network: Network) -> Groups:
    """Return the groups of a network, in the order in which a step visits them."""
    groups: list[list[str]] = []
    for name in network.order:
        population = network.population(name)
        mine = next((g for g in groups if _fits(network, population, g)), None)
        if mine is None:
            groups.append([name])
        else:
            mine.append(name)
    return tuple(map(tuple, groups))


def _fits(network: Network, population: Population, group: list[str]) -> bool:
    model = population.model
    return (
        model == network.population(group[0]).model
        and all(_has_running_sums_alone(network, name) for name in (population.name, group[0]))
        and all(quantity.ndim == 0 for quantity in model.params.values())
        and each_by_itself(model)
    )


def _has_running_sums_alone(network: Network, name: str) -> bool:
    reaching = [p for p in network.projections if p.post == name]
    return all(p.shares_sum and p.keeps_sums for p in reaching)


def places(sizes: Mapping[str, int], group: Group) -> dict[str, slice]:
    """Return {population: the neurons of the group that are its own}."""
    ends = list(accumulate(sizes[name] for name in group))
    return {name: slice(end - sizes[name], end) for name, end in zip(group, ends, strict=True)}


def size_of(network: Network, group: Group) -> int:
    """Return the number of neurons of a group."""
    return sum(network.sizes[name] for name in group)


def targets_into(network: Network, group: Group) -> tuple[str, ...]:
    """Return the inputs of the neurons of a group, and the variables to which something adds."""
    targets = [p.target for p in network.projections if p.post in group]
    targets += [source.target for source in network.sources if source.population in group]
    return tuple(dict.fromkeys([*network.population(group[0]).model.targets, *targets]))


def join(
    network: Network, groups: Groups, by_population: Mapping[str, Values]
) -> dict[str, Values]:
    """Turn {population: {variable: [N]}} into {group: {variable: [N of the group]}}."""
    return {
        group[0]: {
            variable: joined([by_population[name][variable] for name in group])
            for variable in by_population[group[0]]
        }
        for group in groups
    }


def divide(network: Network, groups: Groups, by_group: Mapping[str, Values]) -> dict[str, Values]:
    """Turn {group: {variable: [N of the group]}} into {population: {variable: [N]}}."""
    return {
        name: {k: x if len(group) == 1 else x[place] for k, x in by_group[group[0]].items()}
        for group in groups
        for name, place in places(network.sizes, group).items()
    }


def joined(arrays: list[jax.Array]) -> jax.Array:
    """Return arrays one after the other; one array as it is."""
    return arrays[0] if len(arrays) == 1 else jnp.concatenate(arrays)


def parameters(network: Network, groups: Groups, *, are_equal: bool) -> dict[str, Values]:
    """Return {group: {parameter: () or [N of the group]}}, the derived ones among them.

    Args:
      network: the network.
      groups: its groups.
      are_equal: let the numbers of the first population of a group stand for all.
    """
    return {group[0]: _parameters(network, group, are_equal) for group in groups}


def _parameters(network: Network, group: Group, are_equal: bool) -> Values:
    populations = [network.population(name) for name in group]
    model, sizes = populations[0].model, [population.size for population in populations]
    if len(group) == 1:
        return model.complete_params(populations[0].params, network.dt)
    given = {name: [p.params[name] for p in populations] for name in model.params}
    numbers = {name for name, values in given.items() if not any(map(np.ndim, values))}
    if len(numbers) == len(given) and not are_equal:  # derive from one number for each population
        stacked = {name: jnp.stack(values) for name, values in given.items()}
        complete = model.complete_params(stacked, network.dt)
        return {name: _spread(list(values), sizes) for name, values in complete.items()}
    of_group = {
        name: values[0] if are_equal and name in numbers else _spread(values, sizes)
        for name, values in given.items()
    }
    return model.complete_params(of_group, network.dt)


def _spread(values: list[jax.Array], sizes: list[int]) -> jax.Array:
    """Return values of populations, () or [N] each, as one array with one for each neuron."""
    return joined([jnp.broadcast_to(x, (n,)) for x, n in zip(values, sizes, strict=True)])


def have_equal_numbers(network: Network, groups: Groups) -> jax.Array:
    """Return True if populations of a group that give a parameter one number each agree on it.

    Then a step reads one number where it would read one for each neuron. Under `vmap` the answer is
    False, since numbers may differ from row to row and one answer is needed for all of them.
    """
    pairs = [
        (network.population(first).params[name], network.population(other).params[name])
        for first, *others in groups
        for other in others
        for name in network.population(first).params
    ]
    numbers = [pair for pair in pairs if all(np.ndim(value) == 0 for value in pair)]
    return _all_equal([a for a, _ in numbers], [b for _, b in numbers])


@jax.custom_batching.custom_vmap
def _all_equal(one: list[jax.Array], other: list[jax.Array]) -> jax.Array:
    return jnp.all(jnp.stack([a == b for a, b in zip(one, other, strict=True)] + [jnp.bool_(True)]))


@_all_equal.def_vmap
def _(size: int, batched: object, *_: object) -> tuple[jax.Array, bool]:
    return jnp.bool_(False), False
