"""Builder of a spiking network: layers with a scale become populations and projections."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from jsnn.conversion.activation import Clipped
from jsnn.conversion.channel_scaling import each_neuron, rescaled
from jsnn.conversion.emission import GRADED, POTENTIAL, Emission
from jsnn.conversion.layer_population import LayerPopulation
from jsnn.conversion.layers import Layer, MaxPool, Weighted, chained, depths, entering
from jsnn.conversion.neurons import EMITTED, RELAY, TOTAL, counted
from jsnn.conversion.prepared import Prepared
from jsnn.conversion.recipe import Recipe
from jsnn.models.current_sources import CONSTANT
from jsnn.models.neurons import INTEGRATOR, NeuronModel
from jsnn.models.synapses import SynapseModel
from jsnn.network.current_source import CurrentSource
from jsnn.network.network import Network
from jsnn.network.population import Population
from jsnn.network.projection import Projection


@dataclass(frozen=True)
class Built:
    """Spiking network and its relation to the artificial one.

    Attributes:
      network: the spiking network.
      layers: the population of each layer.
      analog_weights: {population: connectivities from the pixels to it}, through which images pass
        before a presentation and then add up; empty if there are input neurons.
    """

    network: Network
    layers: tuple[LayerPopulation, ...]
    analog_weights: Mapping[str, tuple[Any, ...]]


def prepare(layers: tuple[Layer, ...], scales: list[np.ndarray], recipe: Recipe) -> list[Prepared]:
    """Give each layer its scale and initial potential; an output that integrates starts at 0.

    Neurons of a layer whose activation saturates do not stand for more than that: of what they can
    emit in a step, λ is the part that one spike stands for.
    """
    most = recipe.firing.emission.most_per_step
    prepared = [
        Prepared(
            layer,
            np.minimum(scale, _highest(layer) / most),
            recipe.v_init if isinstance(layer, Weighted) else 0.0,
        )
        for layer, scale in zip(layers, scales, strict=True)
    ]
    if recipe.output.integrates:
        prepared[-1] = replace(prepared[-1], scale=np.ones(1), v_init=0.0)
    return prepared


def _highest(layer: Layer) -> float:
    """Return the value at which the activation of a layer saturates."""
    if isinstance(layer, Weighted) and isinstance(layer.activation, Clipped):
        return layer.activation.highest
    return np.inf


def build(prepared: list[Prepared], recipe: Recipe) -> Built:
    """Build the network of these layers; the last one is the output.

    Each branch of a layer is a projection. A neuron of layer l that spikes, with the threshold θ,
    has the bias b_l θ / λ_l and from each neuron of layer k the weight

        W_lk λ_k θ / λ_l

    so that all branches bring activations in the same unit. Shortcuts are scaled in this way by Hu,
    Tang & Pan 2018, "Spiking deep residual networks", arXiv:1805.01352. An output that integrates
    has W_lk λ_k and b_l.
    """
    layers = [each.layer for each in prepared]
    pooled = {layer.source for layer in layers if isinstance(layer, MaxPool)}
    first = layers[0]
    assert isinstance(first, Weighted)  # the readers give no other
    builder = _Builder(recipe, first.dtype, depths(layers))
    if recipe.coding.model is not None:
        builder.add_input(first.branches[0].num_inputs, recipe.coding.model)
    for i, each in enumerate(prepared):
        if isinstance(each.layer, MaxPool):
            builder.add_max_pool(each.layer)
        elif i == len(prepared) - 1:
            builder.add_output(each, each.layer)
        else:
            builder.add_hidden(each, each.layer, pooled=i in pooled)
    return builder.built()


@dataclass(frozen=True)
class _Sender:
    """Neurons whose spikes stand for the image or for the activations of a layer.

    Attributes:
      name: name of the population; None for an analog input, which has no neurons.
      synapse: synapse model that carries a spike on.
      unit: pixel or activation that one spike a step stands for, [1] or [channels].
    """

    name: str | None
    synapse: SynapseModel
    unit: np.ndarray


@dataclass(frozen=True)
class _Neurons:
    """Neurons of a weighted layer.

    Attributes:
      model: neuron model.
      threshold: potential that stands for the scale of the layer.
      params: parameters of the model.
      emission: variables with what the neurons emit.
    """

    model: NeuronModel
    threshold: float
    params: Mapping[str, float]
    emission: Emission


class _Builder:
    """Network under construction, to which layers are added in their order."""

    def __init__(self, recipe: Recipe, dtype: np.dtype[Any], depths_of: list[int]) -> None:
        coding = recipe.coding
        self.recipe = recipe
        self.dtype = dtype
        self.depths = depths_of
        self.populations: list[Population] = []
        self.projections: list[Projection] = []
        self.sources: list[CurrentSource] = []
        self.layers: list[LayerPopulation] = []
        self.analog_weights: dict[str, tuple[Any, ...]] = {}
        self.image = _Sender(None, coding.synapse, np.asarray([coding.unit(recipe.v_thresh)]))
        self.senders: list[_Sender] = []  # of each layer
        self.num_weighted = 0
        self.num_pools = 0  # since the last weighted layer

    def add_input(self, size: int, model: NeuronModel) -> None:
        """Add input neurons."""
        recipe, coding = self.recipe, self.recipe.coding
        params, initial = dict(coding.params), {}
        if coding.integrates:
            params["v_thresh"] = recipe.v_thresh
            initial["v"] = recipe.v_init * recipe.v_thresh
        self.populations.append(Population("input", size, model, params, initial))
        self.image = replace(self.image, name="input")

    def add_hidden(self, prepared: Prepared, layer: Weighted, *, pooled: bool) -> None:
        """Add neurons that fire, and keep the sum of their spikes if max pooling looks at it."""
        name = f"hidden{self.num_weighted + 1}"
        self._add_weighted(name, prepared, layer, self._firing_neurons(with_total=pooled))

    def add_output(self, prepared: Prepared, layer: Weighted) -> None:
        """Add output neurons, which integrate or fire."""
        if self.recipe.output.integrates:
            neurons = _Neurons(INTEGRATOR, 1.0, {}, POTENTIAL)
        else:
            neurons = self._firing_neurons()
        self._add_weighted("output", prepared, layer, neurons)

    def add_max_pool(self, layer: MaxPool) -> None:
        """Add neurons that relay the largest sum in each window, within the same step."""
        pooled = self.layers[layer.source]
        self.num_pools += 1
        number = "" if self.num_pools == 1 else f"_{self.num_pools}"
        name = f"pool{self.num_weighted}{number}"
        emission = replace(GRADED, most_per_step=pooled.emission.most_per_step)
        self.populations.append(Population(name, layer.size, RELAY))
        self.projections.append(Projection(pooled.name, name, layer.pool, synapse=TOTAL, delay=0))
        self._add_layer(LayerPopulation(name, pooled.unit, emission), EMITTED)

    def built(self) -> Built:
        """Return the network."""
        network = Network(self.populations, self.projections, self.sources)
        return Built(network, tuple(self.layers), self.analog_weights)

    def _add_layer(self, population: LayerPopulation, synapse: SynapseModel) -> None:
        self.layers.append(population)
        self.senders.append(_Sender(population.name, synapse, population.unit))

    def _firing_neurons(self, *, with_total: bool = False) -> _Neurons:
        firing, v_thresh = self.recipe.firing, self.recipe.v_thresh
        model, emission = firing.model, firing.emission
        if with_total and emission.total is None:
            model, emission = counted(model), emission.with_total("total")
        in_front = self.depths[len(self.layers)] - 1
        params = {**firing.params(in_front), "v_thresh": v_thresh}
        return _Neurons(model, v_thresh, params, emission)

    def _add_weighted(
        self, name: str, prepared: Prepared, layer: Weighted, neurons: _Neurons
    ) -> None:
        firing = self.recipe.firing
        bias = _bias(prepared, layer, neurons.threshold)
        v = np.asarray(prepared.v_init) * neurons.threshold + (bias if firing.in_digits else 0.0)
        initial = {"v": _canonical(v, self.dtype)}
        self.populations.append(
            Population(name, layer.size, neurons.model, neurons.params, initial)
        )
        if not firing.in_digits and np.any(bias):
            magnitude = {"magnitude": _canonical(bias, self.dtype)}
            self.sources.append(CurrentSource(f"{name}_bias", name, CONSTANT, params=magnitude))
        senders = entering(layer, self.image, self.senders)
        for branch, sender in zip(layer.branches, senders, strict=True):
            weights = rescaled(branch.parts, sender.unit * neurons.threshold, prepared.scale)
            self._connect(sender, name, chained(weights))
        self._add_layer(LayerPopulation(name, prepared.scale, neurons.emission), firing.synapse)
        self.num_weighted, self.num_pools = self.num_weighted + 1, 0

    def _connect(self, sender: _Sender, post: str, connectivity: Any) -> None:
        pre, synapse, delay = sender.name, sender.synapse, self.recipe.delay
        if pre is None:
            self.analog_weights[post] = (*self.analog_weights.get(post, ()), connectivity)
            return
        number = 1 + sum((p.pre, p.post) == (pre, post) for p in self.projections)
        name = "" if number == 1 else f"{pre}_to_{post}_{number}"
        self.projections.append(
            Projection(pre, post, connectivity, synapse=synapse, delay=delay, name=name)
        )


def _bias(prepared: Prepared, layer: Weighted, threshold: float) -> np.ndarray:
    """Return the bias of a layer as an input of its neurons, [N]."""
    per_volt = each_neuron(prepared.scale / threshold, layer.size)
    return np.asarray(layer.bias, np.float64) / per_volt


def _canonical(values: np.ndarray, dtype: Any) -> Any:
    return float(values) if values.ndim == 0 else jnp.asarray(values, dtype)
