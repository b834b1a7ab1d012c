import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jsnn import plot
from tests.profiles import examples


def random_spikes(num_steps, size, seed=0):
    return np.random.default_rng(seed).random((num_steps, size)) < 0.1


def test_raster_has_a_dot_for_every_spike_at_its_time():
    spikes = {"in": random_spikes(50, 30), "out": random_spikes(50, 10, seed=1)}
    figure = plot.raster(spikes, dt=0.5, label=3)
    for axes, recorded in zip(figure.axes, spikes.values(), strict=True):
        steps, neurons = np.nonzero(recorded)
        dots = axes.collections[0].get_offsets()
        np.testing.assert_allclose(dots, np.stack([steps * 0.5, neurons], axis=1))
        assert axes.get_ylabel() == "neuron"
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
    ],
)
def test_raster_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot.raster(**arguments)


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


def test_no_figure_is_left_open_in_pyplot():
    plot.voltages(np.zeros((4, 2)))
    assert not plt.get_fignums()
