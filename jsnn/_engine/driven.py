"""Drive of a presentation as a run takes it: inputs and parameters, constant or over time."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from jsnn._engine.inputs import CURRENT, Drive, OverTime
from jsnn._pytree import replace
from jsnn.network.network import Network
from jsnn.network.part_numbers import PLASTICITY


class Driven(NamedTuple):
    """Inputs and parameters of a presentation.

    Attributes:
      inputs: {population: {input: () or [N]}}.
      params: {population, projection or current source: {parameter: value}}; those of the learning
        rule of a projection are {"plasticity": {parameter: value}}.
    """

    inputs: dict[str, dict[str, Any]]
    params: dict[str, dict[str, Any]]

    @property
    def names(self) -> set[str]:
        """The names of the parts that are driven."""
        return {*self.inputs, *self.params}

    def of(self, names: set[str]) -> "Driven":
        """Return the inputs and parameters of some parts, by their names."""
        return Driven(*({k: x for k, x in each.items() if k in names} for each in self))


def split(network: Network, drive: Drive) -> tuple[Driven, Driven]:
    """Divide a drive into its constant part and its time courses, with one row for each step."""
    constant, varying = Driven({}, {}), Driven({}, {})
    sizes = network.sizes
    for name, given in drive.items():
        values = given if isinstance(given, Mapping) else {CURRENT: given}
        inputs = network.population(name).model.targets if name in sizes else ()
        for key, value in values.items():
            if isinstance(value, Mapping):  # of the learning rule
                for parameter, x in value.items():
                    params = (varying if isinstance(x, OverTime) else constant).params
                    of_rule = params.setdefault(name, {}).setdefault(key, {})
                    of_rule[parameter] = getattr(x, "values", x)
                continue
            kind = varying if isinstance(value, OverTime) else constant
            into = kind.inputs if key in inputs else kind.params
            into.setdefault(name, {})[key] = getattr(value, "values", value)
    return constant, varying


def joined(
    constant: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the inputs of one step: the constant ones, and this step's row of the time courses."""
    names = dict.fromkeys([*constant, *now])
    return {name: {**constant.get(name, {}), **now.get(name, {})} for name in names}


def with_driven_params(network: Network, params: Mapping[str, Mapping[str, Any]]) -> Network:
    """Return a network with parameters of a drive in place of its own."""
    if not params:
        return network

    def changed(part: Any) -> Any:
        given = dict(params.get(part.name, {}))
        of_rule = given.pop(PLASTICITY, None)
        if given:
            part = replace(part, params={**part.params, **given})
        if of_rule:
            rule = part.plasticity
            part = replace(part, plasticity=replace(rule, params={**rule.params, **of_rule}))
        return part

    return replace(
        network,
        populations=tuple(map(changed, network.populations)),
        projections=tuple(map(changed, network.projections)),
        sources=tuple(map(changed, network.sources)),
    )
