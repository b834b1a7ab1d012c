"""Ways to integrate the neurons of NIR: by their equations, or as a platform steps them."""

from jsnn.models import NeuronModel
from jsnn.nir.neurons import exact, membranes, stepped

_INTEGRATORS = {"I": membranes.I}
_BY_EULER = {
    "LI": membranes.LI_EULER,
    "LIF": stepped.LIF_EULER,
    "CubaLI": membranes.CUBA_LI_EULER,
    "CubaLIF": stepped.CUBA_LIF_EULER,
}

CONVENTIONS: dict[str, dict[str, NeuronModel]] = {
    "exact": {
        **_INTEGRATORS,
        "IF": exact.IF_EXACT,
        "LI": membranes.LI_EXACT,
        "LIF": exact.LIF_EXACT,
        "CubaLI": membranes.CUBA_LI_EXACT,
        "CubaLIF": exact.CUBA_LIF_EXACT,
    },
    "end_of_step": {
        **_INTEGRATORS,
        "IF": stepped.IF_BY_TIME,
        "LI": membranes.LI_EXACT,
        "LIF": stepped.LIF_END_OF_STEP,
        "CubaLI": membranes.CUBA_LI_EXACT,
        "CubaLIF": stepped.CUBA_LIF_END_OF_STEP,
    },
    "euler": {**_INTEGRATORS, "IF": stepped.IF_BY_TIME, **_BY_EULER},
    "nengo": {"LIF": stepped.LIF_END_OF_STEP},
    "norse": {"IF": stepped.IF_BY_STEPS, **_BY_EULER},
    "rockpool": {"LIF": stepped.LIF_SUBTRACTING},
    "sinabs": {
        "IF": stepped.IF_SUBTRACTING,
        "LI": membranes.LI_DECAYING,
        "LIF": stepped.LIF_SUBTRACTING,
    },
    "snntorch": {"LIF": stepped.LIF_EULER, "CubaLIF": stepped.CUBA_LIF_EULER},
    "spinnaker2": {"LIF": stepped.LIF_EULER},
    "spyx": {"IF": stepped.IF_LATE, "LIF": stepped.LIF_LATE, "CubaLIF": stepped.CUBA_LIF_LATE},
}
"""The neuron model of each kind of node, by the name of a convention."""

KIND_OF_MODEL = {model: kind for models in CONVENTIONS.values() for kind, model in models.items()}
"""The kind of node that each of these models stands for."""
