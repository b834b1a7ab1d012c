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
        _check_of_projection(found, variable, what)
        return
    kind = "population" if part in network.sizes else "current source"
    known = found.model.variables
    if variable == "spikes" and part in network.sizes and variable not in known:
        raise ValueError(
            f"{what}: given variable {variable!r} of {part!r}; expected jsnn.Spikes({part!r}), "
            "which records spikes"
        )
    check_known([variable], known, f"{what}, {kind} {part!r}", "variable")


def _check_of_projection(projection: Projection, variable: str, what: str) -> None:
    declared: Mapping[str, Any] = projection.synapse.variables
    rule = projection.plasticity
    if rule is not None:
        of_synapses = {_WEIGHT: None, **rule.model.variables}
        declared = _named(declared, of_synapses, rule.model.pre, rule.model.post)
    elif variable in (_WEIGHT, "weights"):
        known = ", ".join(map(repr, declared)) or "none"
        raise ValueError(
            f"{what}: given {variable!r} of projection {projection.name!r}, which has no "
            f"plasticity; expected one of its variables (known: {known}), "
            f"{_where_weights_are(projection)}"
        )
    check_known([variable], declared, f"{what}, projection {projection.name!r}", "variable")


def _where_weights_are(projection: Projection) -> str:
    connectivity = projection.connectivity
    if isinstance(connectivity, Shared) and connectivity.learns:
        return f"or those of {connectivity.of!r}, which learns the weights"
    of = connectivity.of if isinstance(connectivity, Shared) else projection.name
    field = ".weights" if hasattr(connectivity, "weights") else ""
    return f"since weights do not change: network.projection({of!r}).connectivity{field}"


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
