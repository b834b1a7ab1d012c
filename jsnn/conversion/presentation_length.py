"""Number of steps that a presentation of a converted network takes."""

from collections.abc import Callable

from jsnn._checks import number_of_steps
from jsnn.conversion.recipe import Recipe
from jsnn.network.network import Network
from jsnn.network.population import Population
from jsnn.network.projection import Projection


def needed_steps(network: Network, recipe: Recipe) -> dict[str, int]:
    """Return {reason: number of steps}; a presentation takes at least the largest number."""
    output, coding, firing = recipe.output, recipe.coding, recipe.firing
    needed = {
        "the way to the output": 1 + _longest_way(network, _nothing, _delay),
        f"an answer read from step {output.start} on": 1 + output.start,
    }
    if coding.num_steps is not None:
        needed[f"{coding.name} coding"] = coding.num_steps
    if firing.digits is not None and firing.in_turn:
        turns = _longest_way(network, lambda p: int(p.model == firing.model), _nothing)
        needed[f"{firing.digits} steps of each of {turns} layers in turn"] = firing.digits * turns
    elif firing.digits is not None:
        needed[f"{firing.digits} digits, one a step"] = firing.digits
    return needed


def _longest_way(
    network: Network, at: Callable[[Population], int], between: Callable[[Projection], int]
) -> int:
    """Return the largest sum over populations and projections on a way to the last population.

    Args:
      network: its populations stand in an order in which spikes pass.
      at: number of a population.
      between: number of a projection.
    """
    longest: dict[str, int] = {}
    for population in network.populations:
        entering = [p for p in network.projections if p.post == population.name]
        before = max((longest[p.pre] + between(p) for p in entering), default=0)
        longest[population.name] = before + at(population)
    return longest[network.populations[-1].name]


def _nothing(part: Population | Projection) -> int:
    return 0


def _delay(projection: Projection) -> int:
    return int(projection.delay)


def _most_needed(network: Network, recipe: Recipe) -> tuple[str, int]:
    return max(needed_steps(network, recipe).items(), key=lambda item: item[1])


def least_steps(network: Network, recipe: Recipe) -> int:
    """Return the smallest number of steps that a presentation can take.

    Raises:
      ValueError: if the coding is made for fewer steps than the answer needs.
    """
    reason, least = _most_needed(network, recipe)
    exactly = recipe.coding.num_steps
    if exactly is not None and exactly < least:
        raise ValueError(
            f"recipe, coding: given {recipe.coding.name} of {exactly} steps; expected at least "
            f"{least} for {reason}"
        )
    return least


def check_steps(num_steps: int, network: Network, recipe: Recipe) -> int:
    """Return `num_steps` if a presentation can take so many.

    Raises:
      ValueError: if there are too few steps, or another number than the coding is made for.
      TypeError: if `num_steps` is not an integer.
    """
    steps = number_of_steps(num_steps, "num_steps")
    reason, least = _most_needed(network, recipe)
    if steps < least:
        raise ValueError(f"num_steps: given {steps}; expected at least {least} for {reason}")
    exactly = recipe.coding.num_steps
    if exactly is not None and steps > least:
        raise ValueError(
            f"num_steps: given {steps}; expected {least}, since {recipe.coding.name} coding is "
            f"made for {exactly}"
        )
    return steps
