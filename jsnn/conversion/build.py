"""Layers with a scale become populations and projections."""

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jsnn.conversion.ann import Layer, MaxPool, Weighted, each_neuron, rescaled
from jsnn.conversion.neurons import EMITTED, RELAY, TOTAL, counted
from jsnn.conversion.recipe import Recipe
from jsnn.models.current_sources import CONSTANT
from jsnn.models.neurons import INTEGRATOR, NeuronModel
from jsnn.models.synapses import SynapseModel
from jsnn.network.connectivity import Chain
from jsnn.network.current_source import CurrentSource
from jsnn.network.network import Network
from jsnn.network.population import Population
from jsnn.network.projection import Projection


@dataclass(frozen=True)
class Prepared:
    """A layer with what its neurons need.

    Attributes:
      layer: of the artificial network; a calibration may have changed it.
      scale: λ, the activation of one spike a step, [channels].
      v_init: initial potential in thresholds, () or [N].
    """

    layer: Layer
    scale: np.ndarray
    v_init: Any = 0.0


@dataclass(frozen=True)
class Place:
    """Where a layer has gone.

    Attributes:
      population: its name.
      unit: the activation that one spike a step (or a sum of digits of 1) stands for, [channels].
    """

    population: str
    unit: np.ndarray


@dataclass(frozen=True)
class Built:
    """A network, where each layer has gone, and the first layer's W for an analog input."""

    network: Network
    places: tuple[Place, ...]
    entry: Any


def build(prepared: list[Prepared], recipe: Recipe) -> Built:
    """The network of these layers; the last one is the output.

    A neuron that spikes has weights W_l λ_(l-1) θ / λ_l and biases b_l θ / λ_l, θ its threshold; an
    output that integrates has W_l λ_(l-1) and b_l.
    """
    dtype = np.dtype(_weighted(prepared)[0].layer.weights.dtype)
    firing, coding = recipe.firing, recipe.coding
    once = firing.digits is not None
    populations: list[Population] = []
    projections: list[Projection] = []
    sources: list[CurrentSource] = []
    places: list[Place] = []
    pre: tuple[str, SynapseModel] | None = None
    if coding.model is not None:
        size = prepared[0].layer.weights.num_pre  # type: ignore[union-attr]
        populations.append(_input(recipe, size))
        pre = ("input", coding.synapse)
    entry = None
    before = np.asarray([input_unit(recipe)])
    depth = pools = 0  # layers with weights so far, and poolings since the last one
    for i, each in enumerate(prepared):
        layer, last = each.layer, i == len(prepared) - 1
        if isinstance(layer, MaxPool):
            pools += 1
            name = f"pool{depth}" if pools == 1 else f"pool{depth}_{pools}"
            populations.append(Population(name, layer.size, RELAY))
            assert pre is not None
            projections.append(Projection(pre[0], name, layer.pool, synapse=TOTAL, delay=0))
            pre = (name, EMITTED)
            places.append(Place(name, before))
            continue
        integrates = last and recipe.read.of == "potential"
        name = "output" if last else f"hidden{depth + 1}"
        threshold = 1.0 if integrates else recipe.v_thresh
        weights = rescaled(layer, before * threshold, each.scale)
        connectivity = weights[0] if len(weights) == 1 else Chain(weights)
        per_volt = each_neuron(each.scale / threshold, layer.size)
        bias = np.asarray(layer.bias, np.float64) / per_volt
        v = np.asarray(each.v_init) * recipe.v_thresh + (bias if once else 0.0)
        pooled = not last and isinstance(prepared[i + 1].layer, MaxPool)
        model = INTEGRATOR if integrates else _model(firing.model, pooled)
        params: dict[str, Any] = {} if integrates else {**firing.params}
        if "v_thresh" in model.params:
            params["v_thresh"] = recipe.v_thresh
        if "start" in model.params:
            params["start"] = float(depth * params["num_steps"])
        if "listens" in model.params:
            params["listens"] = 1.0 if pre is None else params["num_steps"]
        populations.append(Population(name, layer.size, model, params, {"v": _canonical(v, dtype)}))
        if not once and np.any(bias):
            magnitude = {"magnitude": _canonical(bias, dtype)}
            sources.append(CurrentSource(f"{name}_bias", name, CONSTANT, params=magnitude))
        if pre is None:
            entry = connectivity
        else:
            projections.append(
                Projection(pre[0], name, connectivity, synapse=pre[1], delay=recipe.delay)
            )
        places.append(Place(name, each.scale))
        pre, before, depth, pools = (name, firing.synapse), each.scale, depth + 1, 0
    return Built(Network(populations, projections, sources), tuple(places), entry)


def input_unit(recipe: Recipe) -> float:
    """The pixel that an input spike a step stands for, or that an analog input of 1 does."""
    model = recipe.coding.model
    thresholds = recipe.v_thresh if model is not None and "v_thresh" in model.params else 1.0
    return thresholds / recipe.coding.scale


def _weighted(prepared: list[Prepared]) -> list[Any]:
    return [each for each in prepared if isinstance(each.layer, Weighted)]


def _input(recipe: Recipe, size: int) -> Population:
    model = recipe.coding.model
    assert model is not None
    own = {"v_thresh": recipe.v_thresh, "num_steps": recipe.coding.num_steps}
    params = {name: value for name, value in own.items() if name in model.params}
    start = {"v": recipe.v_init * recipe.v_thresh} if "v" in model.variables else {}
    return Population("input", size, model, params, start)


def _model(model: NeuronModel, pooled: bool) -> NeuronModel:
    return counted(model) if pooled and "total" not in model.variables else model


def _canonical(values: np.ndarray, dtype: Any) -> Any:
    return float(values) if values.ndim == 0 else jnp.asarray(values, dtype)


def prepare(layers: tuple[Layer, ...], scales: list[np.ndarray], recipe: Recipe) -> list[Prepared]:
    """Each layer with its scale and initial potential; an output that integrates starts at 0."""
    v_init = recipe.v_init
    prepared = [
        Prepared(layer, scale, v_init if isinstance(layer, Weighted) else 0.0)
        for layer, scale in zip(layers, scales, strict=True)
    ]
    if recipe.read.of == "potential":
        prepared[-1] = replace(prepared[-1], scale=np.ones(1), v_init=0.0)
    return prepared


def with_bias(layer: Weighted, bias: np.ndarray) -> Weighted:
    """The layer with another bias, [post]."""
    changed = jnp.asarray(bias, jax.tree.leaves(layer.bias)[0].dtype)
    return Weighted(layer.name, layer.parts, changed, layer.shape, layer.activation)
