"""How many steps a presentation of a converted network needs, and what needs them."""

from jsnn._checks import positive_int
from jsnn.conversion.recipe import Recipe
from jsnn.network.network import Network


def needed_steps(network: Network, recipe: Recipe) -> dict[str, int]:
    """{what needs them: how many}; a presentation takes the largest number at least."""
    read, coding, digits = recipe.read, recipe.coding, recipe.firing.digits
    needed = {
        "the way to the output": 1 + sum(p.delay for p in network.projections),
        f"an answer read from step {read.start} on": 1 + read.start,
    }
    if coding.num_steps is not None:
        needed[f"{coding.name} coding"] = coding.num_steps
    if digits is not None and recipe.firing.in_turn:
        turns = sum(p.model is recipe.firing.model for p in network.populations)
        needed[f"{digits} steps of each of {turns} layers in turn"] = digits * turns
    elif digits is not None:
        needed[f"{digits} digits, one a step"] = digits
    return needed


def _most_needed(network: Network, recipe: Recipe) -> tuple[str, int]:
    needed = needed_steps(network, recipe)
    return max(needed.items(), key=lambda item: item[1])


def least_steps(network: Network, recipe: Recipe) -> int:
    """The steps that a presentation takes at least.

    Raises ValueError where a coding is made for fewer than the answer needs.
    """
    what, least = _most_needed(network, recipe)
    exactly = recipe.coding.num_steps
    if exactly is not None and exactly < least:
        raise ValueError(
            f"recipe, coding: given {recipe.coding.name} of {exactly} steps; expected at least "
            f"{least} for {what}"
        )
    return least


def check_steps(num_steps: int, network: Network, recipe: Recipe) -> int:
    """`num_steps`, or ValueError where they are too few, or other than a coding is made for."""
    steps = positive_int(num_steps, "num_steps")
    what, least = _most_needed(network, recipe)
    if steps < least:
        raise ValueError(f"num_steps: given {steps}; expected at least {least} for {what}")
    exactly = recipe.coding.num_steps
    if exactly is not None and steps > least:
        raise ValueError(
            f"num_steps: given {steps}; expected {least}, since {recipe.coding.name} coding is "
            f"made for {exactly}"
        )
    return steps
