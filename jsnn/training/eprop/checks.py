"""Checks that e-prop can find the gradient of what is trained."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from jsnn._checks import check_known
from jsnn._engine.driven import Driven
from jsnn.models.calls import arguments_of
from jsnn.models.dependence import each_by_itself
from jsnn.models.elementwise import is_elementwise
from jsnn.network.connectivity import Dense
from jsnn.network.network import Network
from jsnn.network.projection import Projection
from jsnn.training.eprop.local_step import arriving_through
from jsnn.training.eprop.paths import Path
from jsnn.training.eprop.routes import Routes


def check_trained(network: Network, values: Mapping[str, Any]) -> None:
    """Check that e-prop can find the gradient of the values that are trained.

    Raises:
      ValueError: if a projection is unknown, or anything but weights is trained.
      TypeError: if a projection is of another kind than e-prop takes.
    """
    check_known(values, [p.name for p in network.projections], "eprop, values", "projection")
    for name, given in values.items():
        others = sorted(given.keys() - {"weights"})
        if others:
            raise ValueError(
                f"eprop, values of {name!r}: given {others}; expected 'weights' alone, whose "
                "gradient e-prop finds"
            )
        projection = network.projection(name)
        _check_dense(projection, "is trained")
        check_learning(network, projection.post)


def _check_dense(projection: Projection, why: str) -> None:
    """Raise an error if spikes do not arrive through a matrix of static weights, all at once."""
    what = f"eprop: given projection {projection.name!r}, which {why}"
    kind = projection.connectivity
    if not isinstance(kind, Dense) or kind.max_delay:
        given = type(kind).__name__ + (" with delays" if isinstance(kind, Dense) else "")
        raise TypeError(f"{what}, of {given}; expected Dense with one delay for all")
    if projection.plasticity is not None:
        raise ValueError(f"{what}, with a plasticity; expected none")
    if projection.synapse.sends_each is not None:
        raise ValueError(
            f"{what}, with a synapse model of which each synapse sends a number; expected spikes"
        )


def check_learning(network: Network, population: str) -> None:
    """Check that each neuron of a population depends on its own past and on what arrives alone.

    Raises:
      ValueError: if it does not, or spikes reach it within a step.
    """
    model = network.population(population).model
    if not each_by_itself(model):
        raise ValueError(
            f"eprop: given population {population!r}, in whose model {model.name or ''} a neuron "
            "may depend on others; expected a model that works on each neuron by itself"
        )
    for p in network.projections:
        if p.post != population:
            continue
        if p.delay == 0:
            raise ValueError(
                f"eprop: given projection {p.name!r} with a delay of 0 to {population!r}, which "
                "learns or is read out; expected at least 1"
            )
        arguments = partial(arguments_of, p.synapse, network.dtype)
        if not is_elementwise(p.synapse.update, arguments):
            raise ValueError(
                f"eprop: given projection {p.name!r} with the synapse model {p.synapse.name!r}, in "
                "which a neuron may depend on others; expected one that works on each by itself"
            )


def check_readout(network: Network, projection: Projection) -> None:
    """Check the projection to a readout: its spikes arrive all at once, its numbers are common.

    Raises:
      TypeError: if the connectivity is not Dense.
      ValueError: if parameters differ between neurons of the readout, or numbers are sent.
    """
    _check_dense(projection, "leads to the readout")
    check_learning(network, projection.post)
    if not projection.synapse.sends_spikes:
        raise ValueError(
            f"eprop: given projection {projection.name!r} to the readout, whose synapse model does "
            "not send spikes; expected one that does, such as EXPONENTIAL or DELTA"
        )


def check_linear_readouts(
    network: Network, paths: tuple[Path, ...], routes: dict[str, Routes], now: Driven
) -> None:
    """Raise ValueError if a readout is not linear, or its neurons differ."""
    for name in dict.fromkeys(path.through for path in paths if path.through is not None):
        projection = network.projection(name)
        population = network.population(projection.post)
        of_readout = routes[population.name]
        places = {arriving_through(name), *of_readout.reached_from(arriving_through(name))}
        if any(of in places for _, of in of_readout.that_change):
            raise ValueError(
                f"eprop: given the readout {population.name!r} of model "
                f"{population.model.name or 'without a name'}, which is not linear in what arrives "
                f"through {name!r}; expected a readout that does not spike, such as "
                "LEAKY_INTEGRATOR or INTEGRATOR"
            )
        given = {
            **population.params,
            **projection.params,
            **now.params.get(population.name, {}),
            **now.params.get(name, {}),
        }
        each = sorted(key for key, value in given.items() if np.ndim(value))
        if each:
            raise ValueError(
                f"eprop: given {each} of each neuron for the readout {population.name!r}; expected "
                "one number for all of them"
            )
