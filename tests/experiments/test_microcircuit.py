"""The cortical microcircuit: its numbers, its scaling, how it is drawn, and a tiny run."""

import dataclasses
import json
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import scipy.stats

import jsnn
from experiments import cli
from experiments.microcircuit import bench, contenders, network, run
from experiments.microcircuit.contenders import Measured
from experiments.microcircuit.figure import activity
from experiments.microcircuit.network import (
    C_M,
    DT,
    EXTERNAL_IN_DEGREES,
    POPULATIONS,
    PROBABILITIES,
    RATES,
    SIZES,
    TAU_M,
    TAU_SYN,
    circuit,
    peak_current,
)
from experiments.parity.microcircuit import wired
from experiments.parity.microcircuit_statistics import no_further
from jsnn.analysis import SpikeTrains

BACKGROUNDS = ("dc", "poisson")


def test_a_spike_moves_the_potential_by_its_peak():
    t = np.arange(0, 20, 1e-3)
    course = (
        TAU_M * TAU_SYN / (C_M * (TAU_M - TAU_SYN)) * (np.exp(-t / TAU_M) - np.exp(-t / TAU_SYN))
    )
    assert peak_current(0.15) == pytest.approx(0.08781, abs=5e-6)
    assert (peak_current(0.15) * course).max() == pytest.approx(0.15, rel=1e-6)


def test_the_full_circuit_has_the_published_numbers():
    full = circuit(1.0, 1.0, "dc")
    assert full.num_neurons == 77_169
    assert np.count_nonzero(full.num_synapses) == 55
    assert full.num_synapses.sum() == pytest.approx(0.3e9, rel=0.01)
    pairs = np.outer(SIZES, SIZES)
    joined = -np.expm1(full.num_synapses * np.log1p(-1 / pairs))
    np.testing.assert_allclose(joined, PROBABILITIES, atol=1e-7)
    assert full.weights[0, 2] == pytest.approx(2 * 0.08781, abs=1e-5)
    np.testing.assert_allclose(full.weights[2], np.tile([0.08781, -4 * 0.08781], 4), atol=5e-5)
    mean = 8e-3 * EXTERNAL_IN_DEGREES * 0.08781 * 0.5
    np.testing.assert_allclose(full.currents, mean, rtol=1e-4)


def mean_and_variance_of_input(numbers):
    """Moments of the current into each population if every neuron is Poisson with its rate."""
    in_degrees = numbers.num_synapses / numbers.sizes[:, None]
    per_ms = 1e-3 * RATES
    external = 1e-3 * numbers.poisson_rates
    mean = TAU_SYN * (
        (numbers.weights * in_degrees * per_ms).sum(axis=1) + external * numbers.poisson_weight
    )
    variance = (numbers.weights**2 * in_degrees * per_ms).sum(axis=1)
    return mean + numbers.currents, variance + external * numbers.poisson_weight**2


@pytest.mark.parametrize(("scale", "in_degree_scale"), [(0.2, 0.2), (0.2, 0.5), (1.0, 0.3)])
@pytest.mark.parametrize("background", BACKGROUNDS)
def test_a_smaller_circuit_has_the_mean_and_the_variance_of_the_input(
    background, scale, in_degree_scale
):
    full = mean_and_variance_of_input(circuit(1.0, 1.0, background))
    smaller = mean_and_variance_of_input(circuit(scale, in_degree_scale, background))
    for expected, found in zip(full, smaller, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0.005)


def test_backgrounds_have_one_mean():
    constant, poisson = (mean_and_variance_of_input(circuit(0.2, 0.2, b))[0] for b in BACKGROUNDS)
    np.testing.assert_allclose(constant, poisson, rtol=1e-3)


def test_a_fifth_has_a_fifth_of_the_neurons_and_of_their_synapses():
    fifth = circuit(0.2, 0.2, "dc")
    assert fifth.num_neurons == 15_435
    assert fifth.num_synapses.sum() == pytest.approx(12.0e6, rel=0.01)


@pytest.mark.parametrize(("pre", "post"), [("L4E", "L23E"), ("L5I", "L5E")])
def test_synapses_are_drawn_as_described(pre, post, monkeypatch):
    i, j = POPULATIONS.index(post), POPULATIONS.index(pre)
    numbers = circuit(0.2, 0.2, "dc")
    numbers.num_synapses[np.arange(8) != i] = 0
    numbers.num_synapses[:, np.arange(8) != j] = 0
    (projection,) = network.projections(numbers, seed=3)
    assert (projection.pre, projection.post) == (pre, post)
    synapses = projection.connectivity
    assert synapses.num_synapses == numbers.num_synapses[i, j]
    assert synapses.order is None
    for neurons, size in ((synapses.pre, synapses.num_pre), (synapses.post, synapses.num_post)):
        expected = len(neurons) / size
        degrees = np.bincount(neurons, minlength=size)
        assert len(degrees) == size
        assert degrees.var() == pytest.approx(expected, rel=6 * np.sqrt(2 / size))  # binomial

    weights = np.asarray(synapses.weights, np.float64)
    assert np.all(np.sign(weights) == (1 if pre[-1] == "E" else -1))
    of_weights = scipy.stats.norm(numbers.weights[i, j], 0.1 * abs(numbers.weights[i, j]))
    assert scipy.stats.kstest(weights[:20_000], of_weights.cdf).pvalue > 0.001

    # a NEST delay of k steps is one of k + 1, k the rounded number of a normal one above 1 / 2
    delays = np.asarray(synapses.delays)[:20_000] - 1
    mean = 15 if pre[-1] == "E" else 7.5
    drawn = scipy.stats.truncnorm(-(mean - 0.5) / (mean / 2), np.inf, mean, mean / 2)
    steps = np.arange(1, int(2.5 * mean))
    edges = np.concatenate([steps - 0.5, [np.inf]])
    expected = len(delays) * np.diff(drawn.cdf(edges))
    observed = np.histogram(delays, np.minimum(edges, 1e6))[0]
    assert observed.sum() == len(delays)
    assert scipy.stats.chisquare(observed, expected).pvalue > 0.001


def test_initial_potentials_and_inputs_are_those_of_the_population():
    numbers = circuit(0.2, 0.2, "poisson")
    populations = network.neurons(numbers, seed=1)
    for number, (name, population) in enumerate(zip(POPULATIONS, populations, strict=True)):
        assert population.name == name
        v = population.initial["v"]
        spread = network.V_SD[number]
        assert v.mean() == pytest.approx(network.V_MEAN[number], abs=5 * spread / np.sqrt(len(v)))
        assert v.std() == pytest.approx(spread, rel=5 / np.sqrt(2 * len(v)))
    for background in ("poisson", "dc"):
        numbers = circuit(0.2, 0.2, background)
        sources = network.background_sources(numbers)
        rates = [float(s.params["rate"]) for s in sources if s.model == jsnn.POISSON_INPUT]
        expected = 8 * np.round(0.2 * EXTERNAL_IN_DEGREES) if background == "poisson" else []
        np.testing.assert_allclose(rates, expected)
        currents = [float(s.params["magnitude"]) for s in sources if s.model == jsnn.CONSTANT]
        np.testing.assert_allclose(currents, numbers.currents, rtol=1e-6)


def few_projections(monkeypatch):
    """Leave three projections, since each takes time to compile."""
    few = np.zeros((8, 8))
    few[[0, 2, 2], [2, 2, 3]] = PROBABILITIES[[0, 2, 2], [2, 2, 3]]
    monkeypatch.setattr(network, "PROBABILITIES", few)


def test_the_experiment_writes_its_figure_and_what_it_found(tmp_path, monkeypatch, capsys):
    few_projections(monkeypatch)
    picture, path = tmp_path / "m.png", tmp_path / "m.json"
    flags = ["--scale", "0.01", "--in-degree-scale", "1.0"]
    files = ["--out", str(picture), "--json", str(path)]
    monkeypatch.setattr("sys.argv", ["run", *flags, "--duration-ms", "30", *files])
    cli.run(run.Config, run.main, "")
    results = json.loads(path.read_text())
    assert results["num_neurons"] == sum(round(0.01 * int(size)) for size in SIZES)
    assert results["num_synapses"] == circuit(0.01, 1.0, "dc").num_synapses.sum()
    assert list(results["rates_hz"]) == list(POPULATIONS)
    assert max(results["rates_hz"].values()) > 0
    for name in ("real_time_factor", "build_seconds", "compile_seconds", "peak_memory_mb"):
        assert results[name] > 0
    assert matplotlib.image.imread(picture).shape[2] == 4
    assert "times real time" in capsys.readouterr().out


def test_the_benchmark_finds_the_rate_and_keeps_the_rows_of_what_is_not_there(
    tmp_path, monkeypatch, capsys
):
    full = circuit(1.0, 1.0, "dc")
    few = dataclasses.replace(full, sizes=np.full(8, 5))
    first, constant = network.neurons(few, 0)[0], network.background_sources(few)[0]
    alone = jsnn.Network([first], [], [constant], dt=DT)
    monkeypatch.setattr(contenders, "draw", lambda *_: alone)
    monkeypatch.setattr(bench, "version", lambda *_: None)
    monkeypatch.setattr(bench, "apart", lambda function, *arguments: function(*arguments))
    path = tmp_path / "b.json"
    monkeypatch.setattr("sys.argv", ["bench", "--repeats", "1", "--json", str(path)])
    cli.run(bench.Config, bench.main, "")
    ours, *others = json.loads(path.read_text())["rows"]
    far = TAU_M / C_M * full.currents[0]  # mV above rest, with a threshold at 15
    period = 2 + TAU_M * np.log(far / (far - 15))
    assert ours["rate_hz"] == pytest.approx(1000 / period, rel=0.02)
    assert ours["num_synapses"] == circuit(0.2, 0.2, "dc").num_synapses.sum()
    assert ours["real_time_factor"] == pytest.approx(ours["loop_seconds"])
    assert [other["problem"] for other in others] == ["not installed"] * 2
    assert capsys.readouterr().out.count("| not installed |") == 2


def test_a_row_of_the_benchmark_is_of_medians():
    runs = [Measured(*(k * value for value in (1, 2, 3, 4, 50, 6, 7))) for k in (3, 1, 2)]
    row = bench.figures(runs, num_blocks=20)
    assert (row["build_seconds"], row["loop_seconds"], row["num_synapses"]) == (2, 6, 100)
    assert row["real_time_factor"] == pytest.approx(6 / 2)  # 20 blocks are 2 s
    assert [run["loop_seconds"] for run in row["runs"]] == [9, 3, 6]


def test_a_simulator_that_fails_keeps_its_row(monkeypatch):
    def fail(*_):
        raise RuntimeError("no | memory")

    working = bench.Contender("1", lambda *_: Measured(*[1] * 7))
    together = {"works": working, "fails": bench.Contender("2", fail)}
    monkeypatch.setattr(bench, "contenders", lambda _: together)
    rows = bench.side_by_side(bench.Config(repeats=2), num_blocks=1)
    assert len(rows[0]["runs"]) == 2
    assert "failed: RuntimeError: no / memory" in bench.markdown(rows)[-1]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"repeats": 0}, "--repeats: given 0; expected at least 1"),
        ({"duration_ms": 150.0}, "--duration-ms: given 150; expected a multiple of 100"),
        ({"duration_ms": 0.0}, "--duration-ms: given 0; expected a multiple of 100"),
        ({"sparx_python": Path("none/such")}, "--sparx-python: given none/such; expected a Python"),
        ({"scale": 0.0}, "--scale: given 0; expected a number in"),
    ],
)
def test_what_the_benchmark_cannot_run_is_refused(flags, message):
    with pytest.raises(ValueError, match=message):
        bench.main(bench.Config(**flags))


def test_synapses_for_nest_join_the_same_neurons_in_its_units():
    populations = [
        jsnn.Population(name, size, jsnn.LIF_CURR_EXP, initial={"v": np.full(size, v, np.float32)})
        for name, size, v in (("a", 2, -70.0), ("b", 3, -60.0), ("c", 1, -65.0))
    ]
    constant = [
        jsnn.CurrentSource(
            f"constant_to_{name}", name, jsnn.CONSTANT, params={"magnitude": current}
        )
        for name, current in (("a", 0.5), ("b", 0.25))
    ]
    weights = np.array([0.5, -2.0], np.float32)
    projections = [
        jsnn.Projection(pre, post, jsnn.Sparse(*synapses), target="excitatory")
        for pre, post, synapses in (
            ("a", "b", ([0, 1], [2, 0], weights, 2, 3, [2, 5])),
            ("b", "a", ([1, 1], [1, 1], weights, 3, 2, [9, 3])),
        )
    ]
    external = jsnn.CurrentSource(
        *("to_b", "b", jsnn.POISSON_INPUT),
        params={"rate": 800.0, "weight": 0.25},
        target="excitatory",
    )
    found = wired(jsnn.Network(populations, projections, [*constant, external], dt=DT))
    np.testing.assert_array_equal(found.poisson_rates, [0, 0, 800, 800, 800, 0])
    assert found.poisson_weight == 250
    np.testing.assert_array_equal(found.v, [-70, -70, -60, -60, -60, -65])
    np.testing.assert_array_equal(found.currents, [500, 500, 250, 250, 250, 0])
    synapses = zip(found.pre, found.post, found.weights, found.delays, strict=True)
    assert sorted(synapses) == sorted(
        [(0, 4, 500, 1), (1, 2, -2000, 4), (3, 1, 500, 8), (3, 1, -2000, 2)]
    )


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_nest_gets_the_background_of_the_circuit(background):
    numbers = circuit(0.01, 0.1, background)
    one = jsnn.Sparse([0], [0], np.ones(1, np.float32), *numbers.sizes[[0, 0]].tolist(), [2])
    drawn = jsnn.Network(
        network.neurons(numbers, 5),
        [jsnn.Projection("L23E", "L23E", one, target="excitatory")],
        network.background_sources(numbers),
        dt=DT,
    )
    found = wired(drawn)
    of_neurons = np.repeat(np.arange(8), numbers.sizes)
    np.testing.assert_allclose(found.currents, 1e3 * numbers.currents[of_neurons], rtol=1e-6)
    np.testing.assert_array_equal(found.poisson_rates, numbers.poisson_rates[of_neurons])
    expected = 1e3 * numbers.poisson_weight if background == "poisson" else 0
    assert found.poisson_weight == pytest.approx(expected, rel=1e-6)


def test_distributions_are_compared_with_those_of_other_seeds():
    random = np.random.default_rng(0)
    theirs = [{"a": random.normal(size=400)} for _ in range(4)]
    alike = [{"a": random.normal(size=400)} for _ in range(4)]
    shifted = [{"a": each["a"] + 0.5} for each in alike]
    assert no_further("", alike, theirs).passed
    assert not no_further("", shifted, theirs).passed
    # the distance of a set and itself is not counted
    row = no_further("", theirs, theirs)
    among = [
        scipy.stats.ks_2samp(theirs[i]["a"], theirs[j]["a"]).statistic
        for i in range(4)
        for j in range(i)
    ]
    of_pairs = f"{np.median(among):.3f} ({min(among):.3f} to {max(among):.3f})"
    assert row.measured == (
        f"mean of the populations {of_pairs}, between NEST's seeds {of_pairs}; 1 of 1 populations"
    )


def test_each_population_must_be_near():
    random = np.random.default_rng(1)
    theirs, ours = (
        [dict(zip("ab", random.normal(size=(2, 400)), strict=True)) for _ in range(4)]
        for _ in range(2)
    )
    assert no_further("", ours, theirs).passed
    ours = [each | {"b": each["b"] + 0.5} for each in ours]
    row = no_further("", ours, theirs)
    assert not row.passed
    assert row.measured.endswith("1 of 2 populations")


def test_poisson_background_fits_the_populations():
    numbers = circuit(0.01, 0.1, "poisson")
    populations, sources = network.neurons(numbers, 5), network.background_sources(numbers)
    of_first = [source for source in sources if source.population == POPULATIONS[0]]
    assert jsnn.Network(populations[:1], [], of_first, dt=DT).stochastic
    poisson = [source for source in sources if source.model == jsnn.POISSON_INPUT]
    assert [source.population for source in poisson] == list(POPULATIONS)
    assert {source.target for source in poisson} == {"excitatory"}


def trains(num_spikes):
    rng = np.random.default_rng(0)
    return {
        name: SpikeTrains(
            rng.integers(0, 5000, num_spikes), rng.integers(0, 20, num_spikes), 20, 500.0, 0.1
        )
        for name in POPULATIONS
    }


@pytest.mark.parametrize("num_spikes", [0, 1, 200])
def test_the_figure_shows_all_populations(num_spikes, tmp_path):
    figure = activity(trains(num_spikes), start=500.0)
    raster = figure.axes[0]
    assert [label.get_text() for label in raster.get_yticklabels()] == list(POPULATIONS)
    dots = np.concatenate([population.get_offsets() for population in raster.collections])
    late = sum(np.sum(of.times >= 1000) for of in trains(num_spikes).values())
    assert len(dots) == late
    assert raster.get_xlim() == (600, 1000)
    figure.savefig(tmp_path / "m.png")


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [
        ("--scale", "0", "--scale: given 0; expected a number in"),
        ("--scale", "1.5", "--scale: given 1.5; expected a number in"),
        ("--scale", "0.0001", "--scale: given 0.0001, which leaves no neuron in"),
        ("--in-degree-scale", "2", "--in-degree-scale: given 2; expected a number in"),
        ("--duration-ms", "0", "--duration-ms: given 0.0; expected at least 0.1"),
    ],
)
def test_what_the_experiment_cannot_run_is_refused(
    flag, value, message, monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr("sys.argv", ["run", flag, value, "--out", str(tmp_path / "m.png")])
    with pytest.raises(SystemExit) as stopped:
        cli.run(run.Config, run.main, "")
    assert stopped.value.code == 1
    assert message in capsys.readouterr().err
