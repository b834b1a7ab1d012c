import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgba_array
from matplotlib.legend import Legend

import jsnn
from jsnn import plot
from tests.plot.print_checks import faults_in_print
from tests.profiles import examples


def random_spikes(num_steps, size, seed=0):
    return np.random.default_rng(seed).random((num_steps, size)) < 0.1


def test_raster_has_a_dot_for_every_spike_at_its_time():
    spikes = {"in": random_spikes(50, 30), "out": random_spikes(50, 10, seed=1)}
    figure = plot.raster(spikes, dt=0.5, label=3)
    for axes, (name, recorded) in zip(figure.axes, spikes.items(), strict=True):
        steps, neurons = np.nonzero(recorded)
        dots = axes.collections[0].get_offsets()
        np.testing.assert_allclose(dots, np.stack([steps * 0.5, neurons], axis=1))
        assert axes.get_ylabel() == f"{name}\nneuron index"
    assert figure.axes[-1].get_xlabel() == "time [ms]"


def test_raster_marks_the_true_label_in_the_last_panel_only():
    spikes = {"in": random_spikes(20, 30), "out": random_spikes(20, 10)}
    first, last = plot.raster(spikes, label=7).axes
    assert not first.lines
    (line,) = last.lines
    assert list(line.get_ydata()) == [7, 7]
    assert line.get_linestyle() == "--"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"spikes": {}}, "no populations"),
        ({"spikes": {"a": np.zeros((2, 3, 4), bool)}}, r"'a': given shape \(2, 3, 4\)"),
        ({"spikes": {"a": np.zeros(5, bool)}}, r"'a': given shape \(5,\); expected \[num_steps, N"),
        ({"spikes": {"v": np.full((5, 3), -65.0)}}, "'v': given -65.0; expected spikes, 0 or 1"),
        ({"spikes": {"a": np.full((5, 3), np.nan)}}, "'a': given nan; expected spikes, 0 or 1"),
        ({"spikes": {"a": np.zeros((5, 3), bool)}, "label": 3}, "given 3; expected 0 to 2"),
        ({"spikes": {"a": np.zeros((5, 3), bool)}, "dt": 0.0}, "dt: given 0.0; expected ms above"),
        (
            {"spikes": {"a": np.zeros((5, 3), bool), "b": np.zeros((4, 3), bool)}},
            "raster: given 5 of 'a', 4 of 'b' steps; expected one number of steps",
        ),
    ],
)
def test_raster_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot.raster(**arguments)


def test_rasters_in_one_panel_go_on_from_one_population_to_the_next():
    spikes = {"e": random_spikes(50, 30), "i": random_spikes(50, 10, seed=1)}
    figure, axes = plot.figure()
    assert plot.raster(spikes, dt=0.5, ax=axes, label=3) is figure
    for dots, first, recorded in zip(axes.collections, (0, 30), spikes.values(), strict=True):
        steps, neurons = np.nonzero(recorded)
        expected = np.stack([steps * 0.5, first + neurons], axis=1)
        np.testing.assert_allclose(dots.get_offsets(), expected)
    e, i = (dots.get_facecolor()[0] for dots in axes.collections)
    np.testing.assert_allclose([e, i], to_rgba_array([plot.EXCITATORY, plot.INHIBITORY]))
    assert list(axes.lines[0].get_ydata()) == [33, 33]
    names = [text.get_text() for legend in axes.findobj(Legend) for text in legend.get_texts()]
    assert sorted(names) == ["e", "i", "true label"]


@pytest.mark.parametrize(("label", "limits"), [(None, (3.5, 6.5)), (8, (3.5, 8.5))])
def test_a_trimmed_raster_leaves_out_silent_neurons_but_not_the_label(label, limits):
    spikes = np.zeros((5, 10), bool)
    spikes[[1, 2], [4, 6]] = True
    (axes,) = plot.raster({"a": spikes}, trimmed=True, label=label).axes
    assert axes.get_ylim() == limits
    assert axes.get_ylabel() == "a\nneuron index\n(others are silent)"


def test_the_rate_is_that_of_each_bin_and_neuron():
    spikes = random_spikes(40, 25)
    (axes,) = plot.rate({"a": spikes}, dt=0.5, bin_width=5.0).axes
    expected = spikes.reshape(4, 10, 25).sum(axis=(1, 2)) / 25 / 0.005
    values, edges, _ = axes.patches[0].get_data()
    np.testing.assert_allclose(values, expected)
    np.testing.assert_allclose(edges, [0, 5, 10, 15, 20])
    assert axes.get_ylabel() == "rate [Hz]"


def test_raster_of_an_array_says_how_to_name_it():
    with pytest.raises(TypeError, match="raster: given ndarray; expected a dict of spikes by pop"):
        plot.raster(random_spikes(5, 3))


def test_voltages_draws_every_trace_and_the_threshold():
    v = np.random.default_rng(0).normal(size=(40, 2))
    (axes,) = plot.voltages(v, dt=0.1, v_thresh=1.0, names=["a", "b"]).axes
    np.testing.assert_allclose(axes.lines[1].get_ydata(), v[:, 1])
    np.testing.assert_allclose(axes.lines[0].get_xdata(), np.linspace(0.1, 4.0, 40))
    assert list(axes.lines[2].get_ydata()) == [1.0, 1.0]
    assert axes.get_ylabel() == "membrane potential [mV]"


def test_voltages_refuses_names_that_do_not_match():
    with pytest.raises(ValueError, match="given 1; expected 2"):
        plot.voltages(np.zeros((4, 2)), names=["a"])


def test_accuracy_over_time_is_in_percent_and_milliseconds():
    accuracy = np.array([0.1, 0.5, 0.9])
    axes = plot.accuracy_over_time({"net": accuracy}, dt=2.0, reference=0.95).axes[0]
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[2, 10], [4, 50], [6, 90]])
    assert axes.lines[1].get_ydata()[0] == 95
    assert axes.get_xlabel() == "presentation time [ms]"
    assert axes.get_ylabel() == "accuracy [%]"


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=12),
)
@examples(60)
def test_pareto_front_holds_all_settings_that_none_beats(points):
    spikes, accuracy = np.array(points, float).T
    front = plot.pareto_front(spikes, accuracy)
    beaten = [
        any(
            (s <= spikes[k] and a >= accuracy[k]) and (s < spikes[k] or a > accuracy[k])
            for s, a in points
        )
        for k in range(len(points))
    ]
    expected = {points[k] for k in range(len(points)) if not beaten[k]}
    assert {points[k] for k in front} == expected
    assert len(front) == len(expected)
    assert list(spikes[front]) == sorted(spikes[front])


def test_spikes_against_accuracy_draws_the_front_and_what_is_marked():
    spikes, accuracy = np.array([100.0, 200.0, 300.0]), np.array([0.95, 0.94, 0.97])
    (axes,) = plot.spikes_against_accuracy(spikes, accuracy, marked={"mine": 1}).axes
    front = next(line for line in axes.lines if line.get_label() == "Pareto front")
    np.testing.assert_allclose(front.get_xydata(), [[100, 95], [300, 97]])
    mine = next(line for line in axes.lines if line.get_label() == "mine")
    np.testing.assert_allclose(mine.get_xydata(), [[200, 94]])


def test_settings_that_fail_are_in_view():
    spikes, accuracy = np.array([50.0, 200.0, 300.0]), np.array([0.098, 0.94, 1.0])
    (axes,) = plot.spikes_against_accuracy(spikes, accuracy).axes
    low, high = axes.get_ylim()
    assert low < 9.8
    assert high > 100


def test_settings_without_a_spike_are_in_view():
    figure = plot.spikes_against_accuracy(np.array([0.0, 200.0, 30.0]), np.array([0.1, 0.9, 0.5]))
    assert faults_in_print(figure) == []
    (axes,) = figure.axes
    assert axes.get_xlim()[0] < 0
    assert 0 in axes.get_xticks()


@pytest.mark.parametrize("range_", [(0, 100), (90, 99), (97.4, 99.5), (99.91, 99.99), (40, 60)])
def test_an_axis_of_accuracies_has_ticks_wherever_it_is(range_):
    _, axes = plot.figure()
    plot.accuracy_axis(axes)
    axes.set_ylim(*range_)
    ticks = axes.yaxis.get_majorticklocs()
    assert 4 <= len(ticks) <= 11
    assert range_[0] <= min(ticks) < max(ticks) <= range_[1]


def test_equal_distances_on_an_axis_of_accuracies_are_equal_factors_of_the_error():
    _, axes = plot.figure()
    plot.accuracy_axis(axes)
    places = axes.yaxis.get_transform().transform(np.array([0, 90, 99.0]))
    steps = np.diff(places)
    # of the error and 0.1 % more, so that 100 % has a place
    np.testing.assert_allclose(steps, np.log10([100.1 / 10.1, 10.1 / 1.1]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.accuracy_over_time({"a": [0.1, 98.0]}), "of 'a': given 98; expected fracti"),
        (lambda: plot.accuracy_over_time({}), "given no curve"),
        (lambda: plot.spikes_against_accuracy([1.0], [np.nan]), "given nan; expected fractions"),
        (lambda: plot.spikes_against_accuracy([-1.0], [0.5]), "given -1 spikes; expected 0 or mor"),
        (lambda: plot.voltages({"a": np.zeros((4, 2))}), r"given dict; expected an array \[T, K\]"),
        (lambda: plot.voltages(np.zeros((4, 4)), names="cell"), "given 'cell'; expected a list of"),
        (lambda: plot.raster({"a": jsnn.Events([0], [0], 1)}), "given Events; expected an array"),
        (lambda: plot.figure(0), "figure, rows: given 0; expected an integer >= 1"),
        (lambda: plot.figure(1, 2.5), "figure, columns: given 2.5; expected an integer >= 1"),
        (
            lambda: plot.spikes_against_accuracy([1.0], [0.5], marked={"a": 1}),
            "marked 'a': given 1",
        ),
        (lambda: plot.voltages({"a": np.zeros((4, 2))}), "given dict; expected an array"),
        (lambda: plot.voltages(np.zeros(4)), r"given shape \(4,\); .*v\[:, None\]"),
        (lambda: plot.voltages(np.zeros((4, 21))), "given 21 neurons; expected at most 20"),
        (lambda: plot.rate({"a": np.zeros((4, 2), bool)}, bin_width=0.3), "width: given 0.3 ms"),
    ],
)
def test_other_figures_refuse(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_a_figure_of_a_conversion_needs_a_report():
    with pytest.raises(TypeError, match=r"given dict; expected a Report, as jsnn\.conversion\."):
        plot.conversion_report({})
