"""What is kept of a run."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn
from tests import reference
from tests.networks import F32, assert_same, random_images, random_weights

SIZES = (11, 8, 5)
T = 23
WEIGHTS = random_weights(0, SIZES)
IMAGE = random_images(0, 1, SIZES[0])[0]


def network() -> jsnn.Network:
    return jsnn.feedforward(WEIGHTS, jsnn.IF)


def recorded(num_steps: int = T, **record: Any) -> dict[str, Any]:
    return jsnn.simulate(network(), {"layer0": IMAGE}, num_steps, record=record)[1]


def expected_run(num_steps: int = T) -> reference.Run:
    sizes, links = reference.chain(WEIGHTS)
    return reference.integrate_fire(sizes, links, {"layer0": IMAGE}, num_steps)


def test_nothing_is_kept_that_is_not_asked_for() -> None:
    assert recorded() == {}


def test_spikes_are_bools_with_time_first() -> None:
    spikes = recorded(s=jsnn.Spikes("layer1"))["s"]
    assert spikes.dtype == bool
    np.testing.assert_array_equal(spikes, expected_run().spikes["layer1"])


def test_a_variable_is_its_value_at_the_end_of_each_step() -> None:
    np.testing.assert_array_equal(
        recorded(v=jsnn.Variable("layer1"))["v"], expected_run().voltages["layer1"]
    )


@pytest.mark.parametrize("neurons", [(2,), (7, 0, 3), range(3), np.array([1, 1, 6]), []], ids=str)
def test_a_subset_of_neurons_is_kept_in_the_order_asked_for(neurons: Any) -> None:
    got = recorded(
        s=jsnn.Spikes("layer1", neurons=neurons), v=jsnn.Variable("layer1", neurons=neurons)
    )
    run, chosen = expected_run(), np.array(neurons, int)
    np.testing.assert_array_equal(got["s"], run.spikes["layer1"][:, chosen])
    np.testing.assert_array_equal(got["v"], run.voltages["layer1"][:, chosen])


@pytest.mark.parametrize(
    ("every", "num_steps"), [(1, 4), (2, 23), (5, 20), (5, 23), (23, 23), (40, 23)]
)
def test_every_k_keeps_the_last_of_each_k_steps(every: int, num_steps: int) -> None:
    got = recorded(
        num_steps,
        s=jsnn.Spikes("layer0", every=every),
        v=jsnn.Variable("layer1", neurons=[3, 4], every=every),
    )
    run = expected_run(num_steps)
    kept = range(every - 1, num_steps, every)
    np.testing.assert_array_equal(got["s"], run.spikes["layer0"][list(kept)])
    np.testing.assert_array_equal(got["v"], run.voltages["layer1"][list(kept)][:, [3, 4]])
    assert len(got["s"]) == num_steps // every


def test_spike_count_counts_spikes() -> None:
    counts = recorded(n=jsnn.SpikeCount("layer1"))["n"]
    np.testing.assert_array_equal(counts, expected_run().counts("layer1"))
    assert counts.dtype == np.float32


def test_first_spike_is_the_step_of_the_first_spike_and_negative_without_one() -> None:
    spikes = expected_run().spikes
    for name in ("layer0", "layer1", "layer2"):
        first = np.asarray(recorded(f=jsnn.FirstSpike(name))["f"])
        spiked = spikes[name].any(axis=0)
        np.testing.assert_array_equal(first[spiked], spikes[name].argmax(axis=0)[spiked])
        assert np.all(first[~spiked] < 0)
        assert first.dtype == np.int32
    assert not spikes["layer0"].any(axis=0).all()


def test_first_spike_counts_from_the_start_of_the_run() -> None:
    state, _ = jsnn.simulate(network(), {"layer0": 1.0}, 7)
    record = {"f": jsnn.FirstSpike("layer0")}
    _, got = jsnn.simulate(network(), {"layer0": 1.0}, 7, record=record, state=state)
    np.testing.assert_array_equal(got["f"], np.zeros(SIZES[0]))


def test_max_variable_is_the_highest_value_at_the_end_of_a_step() -> None:
    np.testing.assert_array_equal(
        recorded(m=jsnn.MaxVariable("layer1"))["m"], expected_run().voltages["layer1"].max(axis=0)
    )


def test_max_variable_below_zero() -> None:
    got = jsnn.simulate(network(), {"layer0": -1.0}, 3, record={"m": jsnn.MaxVariable("layer0")})[1]
    np.testing.assert_array_equal(got["m"], np.full(SIZES[0], -1.0))


COUNTING = jsnn.NeuronModel(
    params={},
    variables={"v": 0.0, "n": 0},
    update=lambda p, x, current, dt: x | {"v": x["v"] + current * dt},
    threshold=lambda p, x: x["v"] - 1,
    reset=lambda p, x: {"v": jnp.zeros_like(x["v"]), "n": x["n"] + 1},
)


def test_max_variable_of_an_integer_variable() -> None:
    counting = jsnn.Network([jsnn.Population("a", 3, COUNTING)])
    record = {"m": jsnn.MaxVariable("a", "n"), "t": jsnn.Variable("a", variable="n")}
    _, got = jsnn.simulate(counting, {"a": np.array([0.5, 1.0, 0.0], F32)}, 4, record=record)
    np.testing.assert_array_equal(got["m"], [2, 4, 0])
    np.testing.assert_array_equal(got["t"][-1], [2, 4, 0])
    assert got["t"].dtype == np.int32


def test_mean_and_sum_of_a_variable() -> None:
    got = recorded(mean=jsnn.MeanVariable("layer1"), sum=jsnn.SumVariable("layer1"))
    voltages = np.float64(expected_run().voltages["layer1"])
    np.testing.assert_allclose(got["mean"], voltages.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(got["sum"], voltages.sum(axis=0), rtol=1e-5)


def test_mean_of_an_integer_variable_is_a_float() -> None:
    counting = jsnn.Network([jsnn.Population("a", 3, COUNTING)])
    record = {"mean": jsnn.MeanVariable("a", "n")}
    _, got = jsnn.simulate(counting, {"a": np.array([0.5, 1.0, 0.0], F32)}, 4, record=record)
    np.testing.assert_array_equal(got["mean"], np.array([1.0, 2.5, 0.0], F32))


def with_dt(dt: float, **record: Any) -> dict[str, Any]:
    chain = jsnn.feedforward(WEIGHTS, jsnn.IF, dt=dt)
    return jsnn.simulate(chain, {"layer0": IMAGE / F32(dt)}, T, record=record)[1]


def test_rate_is_in_hertz() -> None:
    got = with_dt(0.25, rate=jsnn.Rate("layer0"))["rate"]
    counts = expected_run().counts("layer0")
    np.testing.assert_allclose(got, counts / (T * 0.25e-3), rtol=1e-6)
    assert counts.any()


def test_time_of_the_first_spike_is_the_end_of_its_step_in_ms() -> None:
    got = with_dt(0.25, time=jsnn.FirstSpikeTime("layer0"))["time"]
    spikes = expected_run().spikes["layer0"]
    step = np.where(spikes.any(axis=0), spikes.argmax(axis=0) + 1, T)
    np.testing.assert_array_equal(got, (0.25 * step).astype(F32))
    assert 0 < spikes.any(axis=0).sum() < SIZES[0]


SHIFTED = jsnn.NeuronModel(
    params={"slope": 1.0},
    variables={"v": 0.0, "shift": 0.0},
    update=lambda p, x, current, dt: {
        "v": x["v"] + p["slope"] * dt,
        "shift": (1 - x["v"] - p["slope"] * dt) / p["slope"],
    },
    threshold=lambda p, x: jax.lax.stop_gradient(x["v"] - 1),
    reset=lambda p, x: x | {"v": jnp.zeros_like(x["v"])},
)
"""V rises by `slope` in a ms, so that it reaches 1 after 1 / slope ms."""


def test_time_of_the_first_spike_has_the_shift_from_the_end_of_the_step() -> None:
    slopes = np.array([0.3, 0.55, 0.01], F32)

    def times(slopes: jax.Array) -> jax.Array:
        network = jsnn.Network([jsnn.Population("a", 3, SHIFTED, {"slope": slopes})], dt=0.5)
        return jsnn.simulate(network, {}, 20, record={"t": jsnn.FirstSpikeTime("a")})[1]["t"]

    np.testing.assert_allclose(times(slopes), [1 / 0.3, 1 / 0.55, 10], rtol=1e-6)
    slope_of_times = jax.jacrev(times)(slopes)
    np.testing.assert_allclose(slope_of_times, np.diag([-1 / 0.3**2, -1 / 0.55**2, 0]), rtol=1e-5)


@pytest.mark.parametrize("interpolated", [False, True])
def test_a_silent_neuron_learns_to_spike_by_its_largest_margin(interpolated: bool) -> None:
    """V = I (1 - exp(-t / τ)) is largest at the end, T dt, with dV/dI = 1 - exp(-T dt / τ)."""
    currents = np.array([0.5, 0.9, 1.5], F32)
    params = {"tau_m": 10.0, "r_m": 1.0, "v_rest": 0.0, "v_thresh": 1.0, "tau_refrac": 0.0}
    population = jsnn.Population("a", 3, jsnn.LIF, params | {"v_reset": -1e6}, {"v": 0.0})
    exact = jsnn.exact(jsnn.Network([population], dt=0.5), interpolated=interpolated)

    def times(currents: jax.Array, silent: float) -> jax.Array:
        record = {"t": jsnn.FirstSpikeTime("a", silent)}
        return jsnn.simulate(exact, {"a": currents}, 30, record=record)[1]["t"]

    np.testing.assert_array_equal(times(currents, 3.0), times(currents, 0.0))
    np.testing.assert_array_equal(times(currents, 3.0)[:2], 15.0)
    slopes = jax.jit(jax.jacrev(lambda i: (times(i, 3.0), times(i, 0.0))))(currents)
    missed = -3.0 * (1 - np.exp(-15 / 10))
    np.testing.assert_allclose(np.diag(slopes[0])[:2], [missed, missed], rtol=1e-5)
    np.testing.assert_array_equal(np.diag(slopes[1])[:2], 0)
    np.testing.assert_array_equal(slopes[0][2], slopes[1][2])  # of the one that spikes


def test_time_of_the_first_spike_has_the_derivative_of_the_surrogate() -> None:
    currents = np.array([0.4, 0.3, 0.1], F32)
    model = dataclasses.replace(jsnn.IF, surrogate=jsnn.surrogates.superspike())
    network = jsnn.Network([jsnn.Population("a", 3, model, {"v_thresh": 1.0})], dt=0.5)

    def times(current: jax.Array) -> jax.Array:
        record = {"t": jsnn.FirstSpikeTime("a")}
        return jsnn.simulate(network, {"a": current}, 8, record=record)[1]["t"]

    np.testing.assert_array_equal(times(currents), [2.5, 3.5, 4.0])

    def by_the_book(current: float) -> float:
        """The sum over the steps of dt/dz_k dz_k/dI; the time is linear in each spike z_k."""
        t = 0.5 * np.arange(1, 9)
        z = np.arange(8) == np.argmax(current * t > 1 - 1e-6) if current > 0.2 else np.zeros(8)
        time = lambda z: 0.5 * sum(np.prod(1 - z[:n]) for n in range(8))  # noqa: E731
        of_spike = [
            time(np.where(np.arange(8) == k, 1, z)) - time(np.where(np.arange(8) == k, 0, z))
            for k in range(8)
        ]
        of_current = t / (1 + 10 * np.abs(current * t - 1)) ** 2  # until the reset
        return float(np.sum((np.array(of_spike) * of_current)[: z.argmax() + 1 if z.any() else 8]))

    slopes = np.diag(jax.jacrev(times)(currents))
    np.testing.assert_allclose(slopes, [by_the_book(float(i)) for i in currents], rtol=1e-4)


def total_charge(state: jsnn.State, spikes: dict[str, jax.Array]) -> dict[str, jax.Array]:
    return {"v": state.populations["layer1"]["v"].sum(), "spikes": spikes["layer0"].sum()}


def test_a_function_is_stacked_over_the_steps() -> None:
    got = recorded(t=total_charge)["t"]
    run = expected_run()
    np.testing.assert_array_equal(got["spikes"], run.spikes["layer0"].sum(axis=1))
    np.testing.assert_allclose(got["v"], run.voltages["layer1"].sum(axis=1), rtol=1e-5, atol=1e-6)


@dataclasses.dataclass(frozen=True)
class PopulationRate:
    """A trace of a user's own."""

    population: str
    every: int = 1

    def check(self, network: jsnn.Network, what: str) -> None:
        network.population(self.population)

    def observe(self, state: jsnn.State, spikes: dict[str, jax.Array]) -> jax.Array:
        return spikes[self.population].mean()


@dataclasses.dataclass(frozen=True)
class LastSpike:
    """A fold of a user's own."""

    population: str

    def check(self, network: jsnn.Network, what: str) -> None:
        network.population(self.population)

    def start(self, network: jsnn.Network) -> jax.Array:
        return jnp.full(network.sizes[self.population], -1, jnp.int32)

    def fold(self, kept: jax.Array, state: jsnn.State, spikes: dict[str, jax.Array]) -> jax.Array:
        return jnp.where(spikes[self.population] > 0, state.step - 1, kept)


@pytest.mark.parametrize("every", [1, 4])
def test_a_trace_of_ones_own(every: int) -> None:
    got = recorded(r=PopulationRate("layer1", every))["r"]
    rate = expected_run().spikes["layer1"].mean(axis=1)[every - 1 :: every]
    np.testing.assert_allclose(got, rate, rtol=1e-6)


def test_a_fold_of_ones_own() -> None:
    spikes = expected_run().spikes["layer1"]
    last = [steps[-1] if (steps := np.flatnonzero(column)).size else -1 for column in spikes.T]
    np.testing.assert_array_equal(recorded(last=LastSpike("layer1"))["last"], last)


def test_recording_does_not_change_a_run() -> None:
    plain, _ = jsnn.simulate(network(), {"layer0": IMAGE}, T)
    watched, _ = jsnn.simulate(
        network(),
        {"layer0": IMAGE},
        T,
        record={"a": jsnn.Spikes("layer1", every=3), "b": total_charge, "c": LastSpike("layer2")},
    )
    assert_same(plain, watched)


def test_recordings_are_static_values_that_do_not_compile_anew(compilations) -> None:
    def run() -> None:
        recorded(
            19,
            a=jsnn.Spikes("layer1", neurons=np.array([1, 2]), every=3),
            b=jsnn.Variable("layer1", neurons=[0]),
            c=LastSpike("layer2"),
            d=total_charge,
        )

    run()
    with compilations() as compiled:
        run()
    assert compiled == []


def test_another_order_of_recordings_compiles_nothing_and_is_that_of_the_result(
    compilations,
) -> None:
    kinds = {"b": jsnn.SpikeCount("layer2"), "a": jsnn.Spikes("layer1"), "c": total_charge}
    expected = recorded(19, **kinds)
    with compilations() as compiled:
        got = recorded(19, **{name: kinds[name] for name in "cab"})
    assert compiled == []
    assert list(expected) == list("bac")
    assert list(got) == list("cab")
    for name in kinds:
        jax.tree.map(np.testing.assert_array_equal, got[name], expected[name])


def test_a_lambda_made_anew_for_each_run_compiles_once(compilations) -> None:
    def voltage(neuron: int, factor: float) -> np.ndarray:
        return recorded(
            19, v=lambda state, spikes: factor * state.populations["layer1"]["v"][neuron]
        )["v"]

    voltage(2, 1.0)
    with compilations() as compiled:
        again = voltage(2, 1.0)
    assert compiled == []
    trace = recorded(19, v=jsnn.Variable("layer1"))["v"]
    np.testing.assert_array_equal(again, trace[:, 2])
    np.testing.assert_array_equal(voltage(3, 1.0), trace[:, 3])
    np.testing.assert_array_equal(voltage(2, -1.0), -trace[:, 2])


NEURON = [0]


def choices_of(neuron: list[int]) -> dict[str, Any]:
    """Functions made anew that record one neuron, the number of which may change."""

    def chosen() -> int:
        return neuron[0]

    return {
        "global": lambda state, spikes: state.populations["layer1"]["v"][NEURON[0]],
        "captured": lambda state, spikes: state.populations["layer1"]["v"][neuron[0]],
        "called": lambda state, spikes: state.populations["layer1"]["v"][chosen()],
        "inner": lambda state, spikes: (lambda: state.populations["layer1"]["v"][NEURON[0]])(),
    }


@pytest.mark.parametrize("name", choices_of([0]))
def test_a_lambda_that_reads_what_may_change_is_read_anew(name: str) -> None:
    trace = recorded(19, v=jsnn.Variable("layer1"))["v"]
    captured = [0]
    for neuron in (2, 3):
        NEURON[0] = captured[0] = neuron
        got = recorded(19, v=choices_of(captured)[name])["v"]
        np.testing.assert_array_equal(got, trace[:, neuron])


ALL_KINDS = {
    "spikes": jsnn.Spikes("layer0"),
    "subset": jsnn.Spikes("layer1", neurons=(1, 2, 3)),
    "sampled": jsnn.Variable("layer1", every=4),
    "sampled spikes": jsnn.Spikes("layer2", neurons=(0,), every=30),
    "variable": jsnn.Variable("layer2", neurons=(4,)),
    "count": jsnn.SpikeCount("layer1"),
    "first": jsnn.FirstSpike("layer2"),
    "max": jsnn.MaxVariable("layer0"),
    "mean": jsnn.MeanVariable("layer0"),
    "time": jsnn.FirstSpikeTime("layer1"),
    "events": jsnn.SpikeEvents("layer1", 70),
    "function": total_charge,
    "own trace": PopulationRate("layer1", 5),
    "own fold": LastSpike("layer0"),
}


@functools.cache
def returned_bytes() -> dict[str, int]:
    """What three presentations really return, recording by recording."""
    images = np.tile(IMAGE, (3, 1))
    got = jax.vmap(lambda x: jsnn.simulate(network(), {"layer0": x}, T, record=ALL_KINDS)[1])(
        images
    )
    return {name: sum(leaf.nbytes for leaf in jax.tree.leaves(kept)) for name, kept in got.items()}


@pytest.mark.parametrize("name", ALL_KINDS)
def test_recorded_bytes_are_the_bytes_returned(name: str) -> None:
    asked = jsnn.recorded_bytes(network(), {name: ALL_KINDS[name]}, T, num_presentations=3)
    assert asked == returned_bytes()[name]


def test_recorded_bytes_of_everything_add_up() -> None:
    asked = jsnn.recorded_bytes(network(), ALL_KINDS, T)
    assert asked == sum(returned_bytes().values()) / 3


def test_recorded_bytes_runs_and_compiles_nothing(compilations) -> None:
    net = network()
    with compilations() as compiled:
        jsnn.recorded_bytes(net, {"s": jsnn.Spikes("layer0")}, 10**9, num_presentations=10**6)
    assert compiled == []


def test_the_bytes_of_the_main_job() -> None:
    """100 steps x 922 neurons x 10,000 images as bool: 0.92 GB."""
    big = jsnn.feedforward([np.zeros((784, 128), F32), np.zeros((128, 10), F32)], jsnn.IF)
    record = {name: jsnn.Spikes(name) for name in big.sizes}
    assert jsnn.recorded_bytes(big, record, 100, num_presentations=10_000) == 922_000_000


def test_spike_list_is_in_order_of_time() -> None:
    spikes = np.zeros((4, 3), bool)
    spikes[3, 0] = spikes[0, 2] = spikes[0, 1] = spikes[2, 2] = True
    steps, neurons = jsnn.spike_list(spikes)
    assert steps.tolist() == [0, 0, 2, 3]
    assert neurons.tolist() == [1, 2, 2, 0]


def test_spike_list_of_a_recording_rebuilds_it() -> None:
    spikes = recorded(s=jsnn.Spikes("layer0"))["s"]
    steps, neurons = jsnn.spike_list(spikes)
    rebuilt = np.zeros(spikes.shape, bool)
    rebuilt[steps, neurons] = True
    np.testing.assert_array_equal(rebuilt, spikes)


def test_spike_list_of_silence_is_empty() -> None:
    steps, neurons = jsnn.spike_list(np.zeros((5, 2), bool))
    assert steps.size == neurons.size == 0


def test_a_current_source_that_runs_away_is_found() -> None:
    growing = jsnn.CurrentSourceModel(
        params={},
        variables={"x": 1e30},
        current=lambda p, x, key, dt: ({"x": x["x"] * 1e5}, jnp.zeros_like(x["x"])),
    )
    network = jsnn.Network(
        [jsnn.Population("a", 2, jsnn.IF)], [], [jsnn.CurrentSource("s", "a", growing)]
    )
    _, recorded = jsnn.simulate(network, {}, 5, record={"first": jsnn.NonFinite()})
    assert recorded["first"]["sources['s']['x']"] == 1
    assert recorded["first"]["populations['a']['v']"] == -1


def test_numbers_are_not_checked_where_nothing_can_be_raised() -> None:
    network = jsnn.Network([jsnn.Population("a", 2, jsnn.IF)])
    with pytest.raises(TypeError, match=r"check_finite: .*jit.*jsnn\.NonFinite\(\)"):
        jax.jit(lambda n: jsnn.simulate(n, {}, 5, check_finite=True))(network)


def test_what_carries_gradients_and_what_does_not() -> None:
    network = jsnn.feedforward([np.full((1, 1), 0.7, F32)], jsnn.IF)
    record = {
        "bools": jsnn.Spikes("layer1"),
        "floats": lambda state, spikes: spikes["layer1"],
        "count": jsnn.SpikeCount("layer1"),
        "trace": jsnn.Variable("layer1"),
    }

    def sums(current: jax.Array) -> dict[str, jax.Array]:
        _, recorded = jsnn.simulate(network, {"layer0": current}, 4, record=record)
        return {name: rows.astype(F32).sum() for name, rows in recorded.items()}

    gradient = jax.jacrev(sums)(jnp.float32(0.6))
    assert gradient["bools"] == 0
    assert gradient["floats"] == gradient["count"] != 0
    assert gradient["trace"] != 0
