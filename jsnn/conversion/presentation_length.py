"""Number of steps that a presentation of a converted network takes."""

from jsnn._checks import positive_int
from jsnn.conversion.recipe import Recipe
from jsnn.network.network import Network


def needed_steps(network: Network, recipe: Recipe) -> dict[str, int]:
    """Return {reason: number of steps}; a presentation takes at least the largest number."""
    output, coding, firing = recipe.output, recipe.coding, recipe.firing
    needed = {
        "the way to the output": 1 + sum(p.delay for p in network.projections),
        f"an answer read from step {output.start} on": 1 + output.start,
    }
    if coding.num_steps is not None:
        needed[f"{coding.name} coding"] = coding.num_steps
    if firing.digits is not None and firing.in_turn:
        turns = sum(p.model == firing.model for p in network.populations)
        needed[f"{firing.digits} steps of each of {turns} layers in turn"] = firing.digits * turns
    elif firing.digits is not None:
        needed[f"{firing.digits} digits, one a step"] = firing.digits
    return needed


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
    steps = positive_int(num_steps, "num_steps")
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
