"""What passes from one presentation to the next, and what a readout may return."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jsnn

KEY = jax.random.key(5)


def init_again(network, state):
    return jsnn.init(network, state.key)


def everything_stays(network, state):
    return state


def driven(model, params=None):
    source = jsnn.CurrentSource("s", "a", model, params or {})
    return jsnn.Network([jsnn.Population("a", 2, jsnn.IF)], sources=[source])


def evaluate(network, between, *, drives=None, num=4, num_steps=5, **options):
    labels = np.zeros(num, int)
    readout = options.pop("readout", jsnn.spike_count("a"))
    return jsnn.evaluate(
        network, drives or {}, labels, num_steps, readout, between=between, **options
    )


@pytest.mark.parametrize("between", [jsnn.fresh, jsnn.keep_in_flight])
def test_a_table_is_played_back_in_every_presentation(between):
    network = driven(jsnn.PLAYBACK, {"currents": np.ones((5, 2), np.float32)})
    assert evaluate(network, between).spikes["a"].tolist() == [10, 10, 10, 10]


def test_a_table_that_stays_has_ended():
    network = driven(jsnn.PLAYBACK, {"currents": np.ones((5, 2), np.float32)})
    assert evaluate(network, everything_stays).spikes["a"].tolist() == [10, 0, 0, 0]


@pytest.mark.parametrize("batch_size", [1, 3])
def test_in_sequence_every_presentation_has_the_noise_that_it_has_in_a_batch(batch_size):
    network = driven(jsnn.GAUSSIAN_NOISE, {"sd": 0.1})
    record = {"v": jsnn.Variable("a")}
    readout = jsnn.max_voltage("a")
    options = {"record": record, "key": KEY, "batch_size": batch_size, "readout": readout}
    in_batches = evaluate(network, jsnn.fresh, **options).recorded["v"]
    in_sequence = evaluate(network, init_again, **options).recorded["v"]
    np.testing.assert_array_equal(in_sequence, in_batches)
    assert len({row.tobytes() for row in in_sequence}) == 4


def test_voltages_stay_where_everything_stays():
    network = driven(jsnn.CONSTANT, {"magnitude": 0.3})
    # 5 steps of 0.3 with a threshold of 1 and a reset to 0: a spike every 4 steps.
    assert evaluate(network, everything_stays).spikes["a"].tolist() == [2, 2, 2, 4]
    assert evaluate(network, jsnn.fresh).spikes["a"].tolist() == [2, 2, 2, 2]


def every_neuron(counts):
    return counts.astype(jnp.int32)


def fraction(counts):
    return counts.mean()


def far_away(counts):
    return jnp.int32(7)


@pytest.mark.parametrize(
    ("predict", "error", "message"),
    [
        (every_neuron, TypeError, r"returns int32 of shape \(2,\); expected an integer"),
        (fraction, TypeError, r"returns float32 of shape \(\); expected an integer"),
        (far_away, ValueError, "returned 7; expected 0 to 1, or -1"),
    ],
)
def test_a_readout_that_names_no_class_is_refused(predict, error, message):
    network = driven(jsnn.CONSTANT)
    with pytest.raises(error, match=message):
        evaluate(network, jsnn.fresh, readout=jsnn.Readout("a", jsnn.SpikeCount("a"), predict))


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_current_that_overflows_is_refused():
    with pytest.raises(ValueError, match="drive of 'a': 1 of 1 values are NaN or infinite"):
        jsnn.simulate(driven(jsnn.CONSTANT), {"a": 1e39}, 5)


def test_a_state_with_nan_is_refused():
    network = driven(jsnn.CONSTANT)
    broken = dataclasses.replace(jsnn.init(network), populations={"a": {"v": jnp.full(2, jnp.nan)}})
    with pytest.raises(ValueError, match=r"state.populations\['a'\]\['v'\]: given NaN"):
        jsnn.simulate(network, {}, 5, state=broken)


def forgets_to_return(network, state):
    jsnn.init(network, state.key)


def halves(network, state):
    return jax.tree.map(lambda leaf: leaf[:1] if leaf.ndim else leaf, state)


@pytest.mark.parametrize(
    ("between", "error", "message"),
    [
        (forgets_to_return, TypeError, "between, forgets_to_return: returned NoneType; expected"),
        (lambda network, state: state.populations, TypeError, "between, <lambda>: returned dict"),
        (halves, ValueError, r"between, halves: .*\['v'\]: given float32\[1\]; expected float32"),
    ],
)
def test_a_rule_that_returns_no_state_of_the_network_is_named(between, error, message):
    with pytest.raises(error, match=message):
        evaluate(driven(jsnn.CONSTANT), between)
