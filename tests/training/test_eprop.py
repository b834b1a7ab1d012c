"""E-prop is backpropagation through time without the paths that it is said to leave out."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from jsnn.models.surrogates import spike
from jsnn.training.eprop import EProp, eprop
from tests.networks import F32, spike_trains

INPUTS, HIDDEN, CLASSES, STEPS, LABEL = 7, 6, 3, 150, 1
_RNG = np.random.default_rng(0)
TRAINS = spike_trains(1, (STEPS, INPUTS), 0.3)
INTO = _RNG.normal(0.6, 0.6, (INPUTS, HIDDEN)).astype(F32)
AGAIN = _RNG.normal(0.2, 0.5, (HIDDEN, HIDDEN)).astype(F32)
OUT = _RNG.normal(0, 1, (HIDDEN, CLASSES)).astype(F32)


class Loss(NamedTuple):
    record: dict[str, Any]
    value: Callable[[dict[str, Any], Any], jax.Array]


def triangle(margin: jax.Array) -> jax.Array:
    return 0.3 * jnp.maximum(1 - jnp.abs(margin) / 19, 0) / 19


LIF = dataclasses.replace(jsnn.LIF, surrogate=triangle)
ALIF = dataclasses.replace(jsnn.ALIF, surrogate=triangle)


def network_of(
    model: jsnn.NeuronModel = LIF,
    synapse: jsnn.SynapseModel = jsnn.EXPONENTIAL,
    delays: tuple[int, int] = (1, 1),
    *,
    recurrent: Any = None,
) -> jsnn.Network:
    projections = [
        jsnn.Projection("in", "hidden", jsnn.Dense(INTO), synapse, delay=delays[0]),
        jsnn.Projection("hidden", "out", jsnn.Dense(OUT), synapse, delay=delays[1]),
    ]
    if recurrent is not None:
        projections.append(jsnn.Projection("hidden", "hidden", recurrent, synapse))
    return jsnn.Network(
        [
            jsnn.Population("in", INPUTS, jsnn.SPIKE_SOURCE),
            jsnn.Population("hidden", HIDDEN, model),
            jsnn.Population("out", CLASSES, jsnn.LEAKY_INTEGRATOR),
        ],
        projections,
    )


def values_of(network: jsnn.Network) -> dict[str, dict[str, jax.Array]]:
    return {p.name: {"weights": p.connectivity.weights} for p in network.projections}


def cross_entropy(scores: jax.Array, label: int) -> jax.Array:
    return -jax.nn.log_softmax(scores)[label]


MEAN = Loss({"y": jsnn.MeanVariable("out")}, lambda r, label: cross_entropy(r["y"], label))
LAST_AND_SUM = Loss(
    {"last": jsnn.FinalVariable("out"), "sum": jsnn.SumVariable("out")},
    lambda r, label: cross_entropy(r["last"] + 0.1 * r["sum"], label),
)
EACH_STEP = Loss(
    {"y": jsnn.Variable("out")},
    lambda r, label: jax.vmap(cross_entropy, (0, None))(r["y"], label).sum(),
)
COURSE = Loss({"y": jsnn.Variable("out")}, lambda r, target: 0.5 * ((r["y"] - target) ** 2).sum())
WITH_RATES = Loss(
    {"y": jsnn.MeanVariable("out"), "rate": jsnn.Rate("hidden"), "n": jsnn.SpikeCount("hidden")},
    lambda r, label: (
        cross_entropy(r["y"], label)
        + 1e-4 * (r["rate"] ** 2).mean()
        + 0.01 * (r["n"] - 3).clip(0).sum()
    ),
)
DRIVE = {"in": jsnn.over_time(TRAINS)}


def by_backpropagation(loss: Loss, network: jsnn.Network, target: Any = LABEL) -> Any:
    def value(values: Any) -> jax.Array:
        trained = network.with_params(values)
        return loss.value(jsnn.simulate(trained, DRIVE, STEPS, record=loss.record)[1], target)

    return jax.jit(jax.value_and_grad(value))(values_of(network))


def by_eprop(
    loss: Loss, network: jsnn.Network, target: Any = LABEL, gradient: EProp | None = None
) -> Any:
    gradient = gradient or eprop()
    find = jax.jit(lambda values: gradient(loss, network, values, DRIVE, target, STEPS))
    (value, recorded), found = find(values_of(network))
    assert recorded.keys() == loss.record.keys()
    return value, found


def assert_equal_gradients(got: Any, expected: Any, tolerance: float = 5e-6) -> None:
    assert got.keys() == expected.keys()
    for name, gradient in expected.items():
        scale = np.abs(gradient["weights"]).max()
        assert scale > 0
        np.testing.assert_allclose(
            got[name]["weights"], gradient["weights"], rtol=0, atol=tolerance * scale
        )


@pytest.mark.parametrize(
    ("loss", "model", "synapse", "delays"),
    [
        (LAST_AND_SUM, ALIF, jsnn.DELTA, (2, 1)),
        (WITH_RATES, LIF, jsnn.EXPONENTIAL, (3, 2)),
        (EACH_STEP, dataclasses.replace(jsnn.LIF_CURR_EXP, surrogate=triangle), None, (1, 1)),
        (MEAN, jsnn.IZHIKEVICH, jsnn.ALPHA, (1, 2)),
    ],
    ids=["last and sum", "rates", "each step of two inputs", "Izhikevich"],
)
def test_it_is_exact_for_one_hidden_layer(
    loss: Loss, model: jsnn.NeuronModel, synapse: Any, delays: tuple[int, int]
) -> None:
    if synapse is None:  # the currents are in the neuron model
        network = network_of(model, jsnn.DELTA, delays)
        into = dataclasses.replace(network.projections[0], target="excitatory")
        network = dataclasses.replace(network, projections=[into, *network.projections[1:]])
    else:
        network = network_of(model, synapse, delays)
    if model is jsnn.IZHIKEVICH:
        network = network.with_params({"in_to_hidden": {"weights": INTO * 10}})
    value, expected = by_backpropagation(loss, network)
    got_value, got = by_eprop(loss, network)
    np.testing.assert_allclose(got_value, value, rtol=1e-5)
    assert_equal_gradients(got, expected)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Detached:
    """Dense synapses whose spikes have no derivative."""

    weights: jax.Array

    num_pre = num_post = HIDDEN
    dtype = np.dtype(F32)

    def deliver(self, spikes: jax.Array) -> jax.Array:
        return jsnn.Dense(self.weights).deliver(jax.lax.stop_gradient(spikes))

    def with_weights(self, weights: jax.Array) -> "Detached":
        return Detached(weights)


def test_a_recurrent_network_learns_as_if_its_spikes_came_from_elsewhere() -> None:
    network = network_of(ALIF, recurrent=jsnn.Dense(AGAIN))
    _, expected = by_backpropagation(MEAN, network_of(ALIF, recurrent=Detached(jnp.array(AGAIN))))
    _, got = by_eprop(MEAN, network)
    assert_equal_gradients(got, expected)


ALPHA, RHO, BETA, THRESHOLD, GAMMA = 0.9, 0.98, 0.3, 2.0, 0.3


def published_slope(margin: Any) -> Any:
    return GAMMA / THRESHOLD * jnp.maximum(0, 1 - jnp.abs(margin / THRESHOLD))


def published_update(p: Any, x: Any, current: jax.Array, dt: jax.Array) -> Any:
    """Take a step of the adaptive neuron of Bellec et al. 2020, eqs. 6 to 8.

    The reset has no derivative, but the adaptation has.
    """
    v = ALPHA * x["v"] + current - jax.lax.stop_gradient(x["z"]) * THRESHOLD
    a = RHO * x["a"] + x["z"]
    return {"v": v, "a": a, "z": spike(published_slope, v - THRESHOLD - BETA * a)}


PUBLISHED = jsnn.NeuronModel(
    params={},
    variables={"v": 0.0, "a": 0.0, "z": 0.0},
    update=published_update,
    threshold=lambda p, x: x["z"] - 0.5,
    surrogate=jnp.ones_like,
)


def published_gradients(feedback: np.ndarray) -> dict[str, np.ndarray]:
    """Find the gradients of Bellec et al. 2020, eqs. 3, 4, 24 and 25, in a loop over time.

    The readout of jsnn weighs what arrives with 1 - κ.
    """
    kappa = np.exp(-1 / 20)
    v, a, z, y = np.zeros(HIDDEN), np.zeros(HIDDEN), np.zeros(HIDDEN), np.zeros(CLASSES)
    arriving = {"in_to_hidden": np.zeros(INPUTS), "hidden_to_hidden": z, "hidden_to_out": z}
    vectors = {name: (np.zeros(len(x)), np.zeros((len(x), HIDDEN))) for name, x in arriving.items()}
    late = {name: np.zeros((len(x), HIDDEN)) for name, x in arriving.items()}
    filtered = {name: np.zeros((len(x), HIDDEN)) for name, x in arriving.items()}
    of_out, gradients = np.zeros(HIDDEN), dict.fromkeys(arriving, 0.0)
    slope = np.zeros(HIDDEN)
    for step in range(STEPS):
        y = kappa * y + (1 - kappa) * z @ OUT
        of_out = kappa * of_out + (1 - kappa) * z
        error = np.exp(y) / np.exp(y).sum() - (np.arange(CLASSES) == LABEL)
        gradients["hidden_to_out"] += np.outer(of_out, error)
        arriving["hidden_to_hidden"] = z
        v = ALPHA * v + arriving["in_to_hidden"] @ INTO + z @ AGAIN - z * THRESHOLD
        a = RHO * a + z
        for name in ("in_to_hidden", "hidden_to_hidden"):
            filtered[name] = kappa * filtered[name] + (1 - kappa) * late[name]
            gradients[name] += filtered[name] * (feedback @ error)
            of_v, of_a = vectors[name]
            of_a = slope * of_v[:, None] + (RHO - slope * BETA) * of_a
            vectors[name] = ALPHA * of_v + arriving[name], of_a
        margin = v - THRESHOLD - BETA * a
        z, slope = (margin >= 0).astype(float), np.asarray(published_slope(margin))
        for name in ("in_to_hidden", "hidden_to_hidden"):
            of_v, of_a = vectors[name]
            late[name] = slope * (of_v[:, None] - BETA * of_a)
        arriving["in_to_hidden"] = TRAINS[step].astype(float)
    return gradients


def assert_published(feedback: np.ndarray, gradient: EProp) -> None:
    network = network_of(PUBLISHED, jsnn.DELTA, recurrent=jsnn.Dense(AGAIN))
    _, got = by_eprop(EACH_STEP, network, gradient=gradient)
    expected = published_gradients(feedback)
    assert_equal_gradients(got, {name: {"weights": x} for name, x in expected.items()}, 2e-5)


def test_a_recurrent_network_has_the_published_gradient() -> None:
    assert_published(OUT, eprop())


def test_random_feedback_stays_as_it_is() -> None:
    key = jax.random.key(3)
    fixed = jax.random.normal(jax.random.fold_in(key, 1), OUT.shape) / HIDDEN**0.5
    assert_published(np.asarray(fixed), eprop(key))


def test_a_target_course_is_learnt_in_a_batch() -> None:
    network, trains = network_of(), spike_trains(2, (3, STEPS, INPUTS), 0.3)
    courses = _RNG.normal(0, 1, (3, STEPS, CLASSES)).astype(F32)

    def find(trains: Any, course: Any) -> Any:
        drive = {"in": jsnn.over_time(trains)}
        return eprop()(COURSE, network, values_of(network), drive, course, STEPS)

    def value(values: Any, trains: Any, course: Any) -> jax.Array:
        trained = network.with_params(values)
        drive = {"in": jsnn.over_time(trains)}
        return COURSE.value(jsnn.simulate(trained, drive, STEPS, record=COURSE.record)[1], course)

    _, got = jax.jit(jax.vmap(find))(trains, courses)
    expected = jax.jit(jax.vmap(jax.grad(value), (None, 0, 0)))(values_of(network), trains, courses)
    assert_equal_gradients(got, expected)


def test_memory_does_not_grow_with_time() -> None:
    network = network_of(recurrent=jsnn.Dense(AGAIN))

    def bytes_for(num_steps: int) -> int:
        find = jax.jit(
            lambda values, trains: eprop()(
                MEAN, network, values, {"in": jsnn.over_time(trains)}, LABEL, num_steps
            )
        )
        trains = jax.ShapeDtypeStruct((num_steps, INPUTS), bool)
        compiled = find.lower(values_of(network), trains).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert bytes_for(192) == bytes_for(1920)


def test_what_the_weights_have_no_influence_on_has_no_gradient() -> None:
    loss = Loss({"x": jsnn.FinalVariable("hidden", "refractory")}, lambda r, _: r["x"].sum())
    network = network_of()
    values = {"in_to_hidden": values_of(network)["in_to_hidden"]}
    _, got = jax.jit(lambda: eprop()(loss, network, values, DRIVE, LABEL, STEPS))()
    assert not got["in_to_hidden"]["weights"].any()


def averaging(p: Any, x: Any, current: jax.Array, dt: jax.Array) -> Any:
    return {"v": x["v"] + current - x["v"].mean()}


def shared(p: Any, x: Any, arriving: jax.Array, post: Any, dt: jax.Array) -> Any:
    return x, arriving + arriving.sum()


def refused(
    network: jsnn.Network | None = None,
    loss: Loss = MEAN,
    names: Any = ("in_to_hidden",),
    **more: Any,
) -> Any:
    network = network or network_of()
    values = {name: {"weights": INTO} | more for name in names}
    return eprop()(loss, network, values, DRIVE, LABEL, STEPS)


def spiking_readout() -> jsnn.Network:
    network = network_of()
    out = dataclasses.replace(network.populations[2], model=jsnn.LIF, params={}, initial={})
    return dataclasses.replace(network, populations=[*network.populations[:2], out])


def with_first(**changes: Any) -> jsnn.Network:
    network = network_of()
    first = dataclasses.replace(network.projections[0], **changes)
    return dataclasses.replace(network, projections=[first, *network.projections[1:]])


def of(recording: Any) -> Loss:
    return Loss({"r": recording}, lambda r, label: r["r"].sum())


COUPLED = jsnn.NeuronModel({}, {"v": 0.0}, averaging, lambda p, x: x["v"] - 1, name="COUPLED")
COUPLING = jsnn.SynapseModel({}, {}, shared, name="COUPLING")
DENSE_WITH_DELAYS = jsnn.Dense(INTO, delays=np.ones(INTO.shape, int))
BAD: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "feedback": (lambda: eprop("random"), ValueError, "given 'random'; expected 'symmetric' or"),
    "a seed": (lambda: eprop(3), TypeError, r"feedback: given int; expected jax.random.key"),
    "a projection that is not there": (
        lambda: refused(names=["in_to_hiden"]),
        ValueError,
        "did you mean 'in_to_hidden'",
    ),
    "delays to be trained": (
        lambda: refused(delays=1.0),
        ValueError,
        r"'in_to_hidden': given \['delays'\]; expected 'weights' alone",
    ),
    "sparse synapses": (
        lambda: refused(with_first(connectivity=jsnn.Sparse([0], [0], INTO[0, :1], 7, 6))),
        TypeError,
        "'in_to_hidden', which is trained, of Sparse; expected Dense",
    ),
    "a delay for each synapse": (
        lambda: refused(with_first(connectivity=DENSE_WITH_DELAYS, delay=None)),
        TypeError,
        "Dense with delays; expected Dense with one delay for all",
    ),
    "a plasticity": (
        lambda: refused(
            with_first(plasticity=jsnn.Plasticity(jsnn.STDP, {"w_min": -9, "w_max": 9}))
        ),
        ValueError,
        "which is trained, with a plasticity; expected none",
    ),
    "a delay of 0": (
        lambda: refused(network_of(delays=(0, 1))),
        ValueError,
        "'in_to_hidden' with a delay of 0 to 'hidden'",
    ),
    "neurons that depend on others": (
        lambda: refused(network_of(COUPLED)),
        ValueError,
        "population 'hidden', in whose model COUPLED a neuron may depend on others",
    ),
    "synapses that depend on others": (
        lambda: refused(network_of(synapse=COUPLING)),
        ValueError,
        "'in_to_hidden' with the synapse model 'COUPLING'",
    ),
    "a maximum": (
        lambda: refused(loss=of(jsnn.MaxVariable("out"))),
        ValueError,
        "recording MaxVariable.*expected a Variable of all neurons",
    ),
    "some neurons": (
        lambda: refused(loss=of(jsnn.Variable("out", neurons=(1,)))),
        ValueError,
        r"neurons=\(1,\)",
    ),
    "a readout of spikes": (
        lambda: refused(loss=of(jsnn.SpikeCount("out"))),
        ValueError,
        "given spikes of 'out', to which 'hidden', which learns, projects",
    ),
    "a readout that spikes": (
        lambda: refused(spiking_readout()),
        ValueError,
        "readout 'out' of model LIF, which is not linear",
    ),
    "a layer without a readout": (
        lambda: refused(loss=of(jsnn.MeanVariable("in", "spike"))),
        ValueError,
        "population 'hidden', which learns, but projects to no population that the loss observes",
    ),
    "a parameter of each neuron of the readout": (
        lambda: refused(network_of().with_params({"out": {"tau_m": np.ones(CLASSES, F32)}})),
        ValueError,
        r"given \['tau_m'\] of each neuron for the readout 'out'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_it_cannot_do_is_named(name: str) -> None:
    act, error, message = BAD[name]
    with pytest.raises(error, match=message):
        act()


def test_symmetric_feedback_is_one_value_which_compiles_once() -> None:
    assert jsnn.gradients.eprop() == jsnn.gradients.eprop()
    assert hash(jsnn.gradients.eprop()) == hash(jsnn.gradients.eprop())
