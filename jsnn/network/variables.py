"""Variables of the parts of a network, by the names under which they are recorded."""

from collections.abc import Mapping
from typing import Any

from jsnn._checks import check_known
from jsnn.models.model import Values
from jsnn.network.connectivity import Shared
from jsnn.network.network import Network
from jsnn.network.projection import Projection
from jsnn.network.state import State

_WEIGHT = "weight"


def variables_of(state: State, part: str) -> Values:
    """Return the variables of a population, a projection or a current source in a state.

    Those of a projection are, each with its own shape:

        "weight"                    the weight of each synapse, if the projection is plastic
        "eligibility"               another variable of each synapse, which its rule declares
        "pre.trace", "post.trace"   traces of the rule, one number for each neuron of that side
        "i_syn"                     a variable of the synapse model, one number for each
                                    postsynaptic neuron; "synapse.i_syn" if the rule has an "i_syn"

    Args:
      state: of the network, or of a part of it that has `part`.
      part: its name.
    """
    if part in state.populations:
        return state.populations[part]
    if part in state.sources:
        return state.sources[part]
    projection = state.projections[part]
    learnt = projection.plasticity
    if learnt is None:
        return projection.synapse
    return _named(projection.synapse, learnt.synapses, learnt.pre, learnt.post)


def check_variable(network: Network, part: str, variable: str, what: str) -> None:
    """Raise ValueError, naming `what`, if there is no such part or no such variable of it."""
    parts = {p.name: p for p in network.parts}
    check_known([part], parts, what, "population, projection or current source")
    found = parts[part]
    if isinstance(found, Projection):
        _check_of_projection(found, variable, f"{what}, projection {part!r}")
        return
    kind = "population" if part in network.sizes else "current source"
    check_known([variable], found.model.variables, f"{what}, {kind} {part!r}", "variable")


def _check_of_projection(projection: Projection, variable: str, what: str) -> None:
    declared: Mapping[str, Any] = projection.synapse.variables
    rule = projection.plasticity
    if rule is None and variable in (_WEIGHT, "weights"):
        raise ValueError(f"{what}: given {variable!r}; expected {_instead_of_weights(projection)}")
    if rule is not None:
        of_synapses = {_WEIGHT: None, **rule.model.variables}
        declared = _named(declared, of_synapses, rule.model.pre, rule.model.post)
    check_known([variable], declared, what, "variable")


def _instead_of_weights(projection: Projection) -> str:
    connectivity = projection.connectivity
    if isinstance(connectivity, Shared) and connectivity.learns:
        return f"the projection that has its weights: ({connectivity.of!r}, {_WEIGHT!r})"
    of = connectivity.of if isinstance(connectivity, Shared) else projection.name
    variables = ", ".join(map(repr, projection.synapse.variables)) or "none"
    return (
        f"a variable of its synapse model ({variables}), since it has no plasticity and its "
        f"weights do not change (they are in network.projection({of!r}).connectivity)"
    )


def _named(
    of_model: Mapping[str, Any],
    of_synapses: Mapping[str, Any],
    pre: Mapping[str, Any],
    post: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what belongs to the variables of a plastic projection by their names."""
    named = {
        **of_synapses,
        **{f"pre.{name}": trace for name, trace in pre.items()},
        **{f"post.{name}": trace for name, trace in post.items()},
    }
    return named | {
        f"synapse.{name}" if name in named else name: value for name, value in of_model.items()
    }
