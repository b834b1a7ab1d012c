"""The balanced networks: how they are drawn, their statistics, the loop by the book, and jsnn."""

import json

import jax
import matplotlib.image
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import cli
from experiments.balanced import bench, run
from experiments.balanced import simulate as ours
from experiments.balanced.figure import activity, histogram
from experiments.balanced.models import POPULATION, network_of
from experiments.balanced.network import (
    CONSTANTS,
    DT,
    MODELS,
    Definition,
    Edges,
    Run,
    draw,
    draw_edges,
)
from experiments.balanced.plastic import plastic_network
from experiments.parity.comparison import (
    Comparison,
    common_spikes,
    equal_at_first,
    equal_spikes,
    markdown,
    within,
)
from experiments.parity.numpy_reference import coba_step, cuba_step, simulate
from jsnn.analysis import SpikeTrains


def test_all_ordered_pairs_are_equally_likely():
    random = np.random.default_rng(0)
    num_draws, probability = 4000, 0.3
    joined = np.zeros((6, 6))
    for _ in range(num_draws):
        joined[draw_edges(6, probability, random)] += 1
    deviation = np.sqrt(num_draws * probability * (1 - probability))
    assert np.abs(joined - num_draws * probability).max() < 4 * deviation


def test_with_probability_one_every_pair_is_joined_once():
    pre, post = draw_edges(7, 1.0, np.random.default_rng(0))
    np.testing.assert_array_equal(pre * 7 + post, np.arange(49))


@pytest.mark.parametrize("num_neurons", [1000, 4000])
def test_the_in_degree_is_80_whatever_the_size(num_neurons):
    pre, post = draw("cuba", num_neurons, seed=1).edges
    pairs = pre.astype(np.int64) * num_neurons + post
    assert (np.diff(pairs) > 0).all()
    in_degree = np.bincount(post, minlength=num_neurons)
    assert in_degree.mean() == pytest.approx(80, rel=0.01)
    assert in_degree.std() == pytest.approx(np.sqrt(80 * (1 - 80 / num_neurons)), rel=0.1)
    assert (pre == post).any()


def test_excitatory_and_inhibitory_edges_are_all_edges():
    definition = draw("cuba", 200)
    assert definition.excitatory.pre.max() < 160 <= definition.inhibitory.pre.min()
    together = np.concatenate([definition.excitatory.pre, definition.inhibitory.pre])
    np.testing.assert_array_equal(together, definition.edges.pre)


@pytest.mark.parametrize("model", MODELS)
def test_a_seed_is_a_network(model):
    first, again, other = (draw(model, 200, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.edges.post, again.edges.post)
    np.testing.assert_array_equal(first.v, again.v)
    assert not np.array_equal(first.v, other.v)


def test_start_values_are_those_of_brians_examples():
    cuba, coba = draw("cuba"), draw("coba")
    assert -60 <= cuba.v.min() < -59.9
    assert -50.1 < cuba.v.max() < -50
    assert coba.v.mean() == pytest.approx(-65, abs=0.3)
    assert coba.v.std() == pytest.approx(5, rel=0.05)
    # the mean of max(0, X) of a normal X is mean * cdf + deviation * pdf
    assert coba.g_e.mean() == pytest.approx(4.0, abs=0.1)
    assert coba.g_i.mean() == pytest.approx(20.2, abs=0.8)
    assert min(coba.g_e.min(), coba.g_i.min()) == 0


@pytest.mark.parametrize("num_neurons", [75, 4001])
def test_sizes_that_do_not_fit_are_refused(num_neurons):
    with pytest.raises(ValueError, match=f"given {num_neurons}; expected a multiple of 5"):
        draw("cuba", num_neurons)


def test_the_statistics_are_of_all_neurons_and_of_each_kind():
    trains = np.zeros((1000, 10), bool)
    trains[::50, :8] = trains[::25, 8:] = True
    assert run.statistics_of(SpikeTrains.of_recorded(trains, DT)) == {
        "num_spikes": 240,
        "rate": 240.0,
        "excitatory_rate": 200.0,
        "inhibitory_rate": 400.0,
        "cv": 0.0,
    }
    silent = SpikeTrains.of_recorded(np.zeros_like(trains), DT)
    assert run.statistics_of(silent)["cv"] is None
    assert run.mean_and_deviation([]) == {}


@given(st.lists(st.floats(0, 50), min_size=1), st.sampled_from([0.1, 2.0]))
def test_a_histogram_counts_every_value(values, width):
    counts, edges = histogram(np.array(values), width)
    assert counts.sum() == len(values)
    assert edges[0] == 0
    np.testing.assert_allclose(np.diff(edges), width)


def test_cuba_step_is_the_solution_of_the_linear_equations():
    c, t = CONSTANTS["cuba"], 0.1 * np.arange(300)
    decay = {tau: np.exp(-t / tau) for tau in (c.tau_m, c.tau_e, c.tau_i)}
    g_e, g_i = 10 * decay[c.tau_e], -4 * decay[c.tau_i]
    v = (
        c.v_rest
        - 8 * decay[c.tau_m]
        + 10 * c.tau_e / (c.tau_e - c.tau_m) * (decay[c.tau_e] - decay[c.tau_m])
        - 4 * c.tau_i / (c.tau_i - c.tau_m) * (decay[c.tau_i] - decay[c.tau_m])
    )
    np.testing.assert_allclose(cuba_step(v, g_e, g_i, c)[:-1], v[1:], rtol=1e-14)


def test_coba_step_is_exact_while_the_conductances_are_constant():
    c, t = CONSTANTS["coba"], 0.1 * np.arange(300)
    g_e, g_i = 0.7, 3.0
    total = 1 + g_e + g_i
    v_inf = (-60 + 0 * g_e - 80 * g_i) / total
    v = v_inf + 9 * np.exp(-t * total / 20)
    np.testing.assert_allclose(
        coba_step(v, np.full(300, g_e), np.full(300, g_i), c)[:-1], v[1:], rtol=1e-14
    )


def test_an_unconnected_cuba_neuron_spikes_at_the_period_of_its_closed_form():
    c, none = CONSTANTS["cuba"], np.zeros(0, np.int32)
    alone = Definition("cuba", Edges(none, none), np.full(5, -60.0), np.zeros(5), np.zeros(5))
    run = simulate(alone, 3000)
    crossing = c.tau_m * np.log((c.v_rest - c.v_reset) / (c.v_rest - c.v_thresh))
    updates = int(np.ceil(crossing / DT))
    expected = np.arange(updates - 1, 3000, updates + 49)  # held for 49 updates after a spike
    np.testing.assert_array_equal(run.steps, np.repeat(expected, 5))
    np.testing.assert_array_equal(run.neurons, np.tile(np.arange(5), len(expected)))


@pytest.mark.parametrize("delay", [0, 1, 7])
def test_spikes_act_on_the_voltage_in_the_step_after_they_arrive(delay):
    v = np.full(100, -60.0)
    v[:80], v[80] = -49.5, -50.3  # the excitatory neurons spike in step 0, and 80 through them
    edges = Edges(np.arange(80, dtype=np.int32), np.full(80, 80, np.int32))
    run = simulate(Definition("cuba", edges, v, np.zeros(100), np.zeros(100)), 20, delay)
    np.testing.assert_array_equal(run.steps, [0] * 80 + [delay + 1])
    assert run.neurons[-1] == 80


@pytest.mark.parametrize("delay", [0, 1])
@pytest.mark.parametrize("model", MODELS)
def test_jsnn_gives_the_spikes_of_the_loop_by_the_book(model, delay):
    definition = draw(model, 400)
    expected = simulate(definition, 2000, delay)
    with jax.enable_x64(True):
        found = ours.simulate(definition, 2000, delay, np.float64)
    assert len(expected.steps) > 400
    np.testing.assert_array_equal(found.steps, expected.steps)
    np.testing.assert_array_equal(found.neurons, expected.neurons)


@pytest.mark.parametrize("model", MODELS)
def test_in_float32_spikes_are_the_same_at_first(model, monkeypatch):
    monkeypatch.setattr(ours, "BLOCK", 100)  # two and a rest
    definition = draw(model, 400)
    row = common_spikes("", ours.simulate(definition, 250), simulate(definition, 250), 250, 0.95)
    assert row.passed, row


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_voltage_on_the_threshold_does_not_spike_and_the_next_one_does(dtype):
    with jax.enable_x64(True):
        neurons = network_of(draw("cuba", 200), dtype=dtype).population(POPULATION)
        above = np.nextafter(dtype(-50), dtype(0))
        voltages = jax.numpy.array([-50, above], dtype)
        x = {"v": voltages, "refractory": jax.numpy.zeros_like(voltages)}
        margin = np.asarray(neurons.model.threshold(neurons.params, x))
    np.testing.assert_array_equal(margin >= 0, [False, True])


@pytest.mark.parametrize("model", MODELS)
def test_the_figure_shows_every_spike_of_a_small_network(model):
    run = simulate(draw(model, 200), 1000)
    figure = activity(SpikeTrains(run.steps, run.neurons, 200, 1000 * DT, DT))
    raster = figure.axes[0]
    dots = np.concatenate([kind.get_offsets() for kind in raster.collections])
    assert len(dots) == len(run.steps)
    assert {axes.get_xlabel() for axes in figure.axes} == {
        "time [ms]",
        "rate [Hz]",
        "CV of intervals, neurons with at least 10 spikes",
    }


def test_the_figure_of_a_silent_network_is_drawn(tmp_path):
    silent = SpikeTrains.of_recorded(np.zeros((1000, 200), bool), DT)
    activity(silent).savefig(tmp_path / "silent.png")


def test_the_experiment_writes_its_figure_and_what_it_found(tmp_path, monkeypatch, capsys):
    picture, path = tmp_path / "b.png", tmp_path / "b.json"
    flags = ["--num-neurons", "200", "--num-networks", "2", "--duration-ms", "50", "--seed", "5"]
    argv = ["run", "--float64", *flags, "--out", str(picture), "--json", str(path)]
    monkeypatch.setattr("sys.argv", argv)
    cli.run(run.Config, run.main, "")
    results = json.loads(path.read_text())
    assert results["num_steps"] == 500
    by_the_book = {str(seed): simulate(draw("cuba", 200, seed), 500) for seed in (5, 6)}
    found = {seed: network["num_spikes"] for seed, network in results["networks"].items()}
    assert found == {seed: len(run.steps) for seed, run in by_the_book.items()}
    assert matplotlib.image.imread(picture).shape[2] == 4
    assert "2 active networks, 0 silent" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flag", "value"), [("--num-neurons", "7"), ("--num-networks", "0"), ("--duration-ms", "0")]
)
def test_what_the_experiment_cannot_run_is_refused(flag, value, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["run", flag, value, "--out", str(tmp_path / "b.png")])
    with pytest.raises(SystemExit) as stopped:
        cli.run(run.Config, run.main, "")
    assert stopped.value.code == 1
    assert f"given {float(value):g}" in capsys.readouterr().err.replace("0.0", "0")


def test_networks_of_the_benchmark_have_as_many_synapses_each():
    first, second = (bench.draw_with_as_many_synapses(200, seed) for seed in (0, 1))
    for definition in (first, second):
        pairs = definition.edges.pre.astype(np.int64) * 200 + definition.edges.post
        assert (np.diff(pairs) > 0).all()
        assert len(definition.excitatory.pre) == 160 * 80
        assert len(definition.inhibitory.pre) == 40 * 80
    assert not np.array_equal(first.edges.post, second.edges.post)


def test_many_networks_are_timed_beside_one(monkeypatch):
    monkeypatch.setattr(bench, "SMALL", 100)
    config = bench.Config(num_networks=3, repeats=1)
    assert set(bench.many_networks(config, 5)) == {"seconds_of_one", "seconds_of_all", "ratio"}


def test_learning_is_delayed_as_in_brian():
    """Brian2's delay lies before the synapse: a spike is learnt from when it arrives there."""
    projections = plastic_network(draw("cuba", 100), delay=3).projections
    assert {(each.delay, each.axonal, each.back_propagation) for each in projections} == {(4, 3, 0)}


def test_a_comparison_says_where_spikes_begin_to_differ():
    early = Run(np.array([1, 2, 5]), np.array([3, 0, 1]), 0.0, 0.0)
    other = Run(np.array([1, 4, 5]), np.array([3, 0, 1]), 0.0, 0.0)
    assert equal_spikes("a", early, early).passed
    assert equal_spikes("a", early, other) == Comparison(
        "a", "equal", "3 and 3 spikes, equal for 0.2 ms", False
    )
    assert equal_at_first("a", early, other, 2).passed
    assert not equal_at_first("a", early, other, 3).passed
    assert common_spikes("a", early, other, 2, 0.95).measured == "100.00 % of 1"
    assert not common_spikes("a", early, other, 6, 0.95).passed
    assert within("a", 5.7, 5.69, 0.1).passed
    assert not within("a", float("nan"), 5.69, 0.1).passed
    assert markdown([within("rate", 6.0, 5.0, 0.5, " Hz")])[-1] == (
        "| rate | 5 +- 0.5 Hz | 6.000 Hz | **no** |"
    )
