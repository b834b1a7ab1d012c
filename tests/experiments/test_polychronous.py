"""Izhikevich's network with delays and learning, against a loop written by the book."""

import json
import sys

import jax
import matplotlib.image
import numpy as np
import pytest

import jsnn
from experiments import cli
from experiments.polychronous import run
from experiments.polychronous.network import (
    NUM_EXCITATORY,
    NUM_INHIBITORY,
    NUM_NEURONS,
    SECOND,
    drive_of,
    network_of,
)
from experiments.polychronous.spectrum import rhythm

D = 20
"""The longest delay."""


def by_the_book(network, thalamic):
    """The published program for one millisecond after the other, in float32.

    It adds up the input of a neuron, and the changes of a synapse within a millisecond, in the
    order of jsnn, which differs from that of the program in rounding alone.

    Returns:
      Spikes, bool [T, N], weights and their derivatives after them.
    """
    f = np.float32
    learning, fixed = (p.connectivity for p in network.projections)
    pre, post, delays = (np.asarray(x) for x in (learning.pre, learning.post, learning.delays))
    arrivals = np.lexsort((pre, -delays)).reshape(D, NUM_EXCITATORY, -1)  # the longest delay first
    onto = [np.flatnonzero(post == i) for i in range(NUM_NEURONS)]
    inhibited = np.asarray(fixed.post).reshape(NUM_INHIBITORY, -1)

    a = np.repeat(f([0.02, 0.1]), [NUM_EXCITATORY, NUM_INHIBITORY])
    d = np.repeat(f([8, 2]), [NUM_EXCITATORY, NUM_INHIBITORY])
    v = np.full(NUM_NEURONS, f(-65))
    u = f(0.2) * v
    s, sd = np.full(len(pre), f(6)), np.full(len(pre), f(0))
    ltp = np.zeros((D + len(thalamic) + 2, NUM_NEURONS), f)  # row D + t is that of millisecond t
    ltd = np.zeros(NUM_NEURONS, f)
    firings = np.zeros((D + len(thalamic) + 1, NUM_NEURONS), bool)
    for t in range(len(thalamic) + 1):
        if t > 0 and t % SECOND == 0:
            s, sd = np.clip(s + (f(0.01) + sd), f(0), f(10)), f(0.9) * sd
        fired = v >= 30
        v[fired] = -65
        u[fired] += d[fired]
        firings[D + t] = fired
        ltp[D + t, fired] = f(0.1)
        ltd[fired] = f(0.12)
        current = np.zeros(NUM_NEURONS, f)
        for k in range(D):
            emitted = firings[t + 1 + k, :NUM_EXCITATORY]  # D - 1 - k milliseconds ago
            now = arrivals[k, emitted].ravel()
            np.add.at(current, post[now], s[now])
            sd[now] -= ltd[post[now]]
        np.add.at(current, inhibited[fired[NUM_EXCITATORY:]].ravel(), f(-5))
        for neuron in np.flatnonzero(fired):
            of = onto[neuron]
            sd[of] += ltp[D + t - delays[of], pre[of]]
        if t == len(thalamic):
            return firings[D + 1 :], s, sd
        current[thalamic[t]] += f(20)
        for _ in range(2):
            v = v + f(0.5) * ((f(0.04) * v + f(5)) * v + f(140) - u + current)
        u = u + a * (f(0.2) * v - u)
        ltp[D + t + 1], ltd = f(0.95) * ltp[D + t], f(0.95) * ltd
    raise AssertionError


def test_all_spikes_and_weights_are_those_of_the_published_program():
    """The first second has the initial weights; the second one has those that were learnt."""
    random = np.random.default_rng(0)
    network, drive = network_of(random), drive_of(random, 2)
    state, seconds = None, []
    for first in (0, SECOND):
        second = jax.tree.map(lambda course: course[first : first + SECOND], drive)  # noqa: B023
        record = {"spikes": jsnn.Spikes("neurons")}
        state, kept = jsnn.simulate(network, second, SECOND, state=state, record=record)
        seconds.append(kept["spikes"])
    driven = np.asarray(drive["thalamus"]["neuron"].values, int)
    spikes, weights, derivatives = by_the_book(network, driven)
    assert spikes[:SECOND].sum() > 1000
    np.testing.assert_array_equal(np.concatenate(seconds), spikes)
    learnt = state.projections["excitatory"].plasticity.synapses
    assert np.ptp(weights) > 0.5
    np.testing.assert_array_equal(learnt["weight"], weights)
    np.testing.assert_array_equal(learnt["derivative"], derivatives)


def test_delays_and_targets_are_those_of_the_paper():
    learning, fixed = (p.connectivity for p in network_of(np.random.default_rng(1)).projections)
    for synapses, first, last in ((learning, 0, 1000), (fixed, 800, 800)):
        pre, post = np.asarray(synapses.pre), np.asarray(synapses.post)
        assert np.all(pre != post)
        assert len(np.unique(pre * NUM_NEURONS + post)) == len(pre)
        assert np.all(np.bincount(pre)[first:] == 100)
        assert post.max() == last - 1
    each = np.asarray(learning.pre) * D + np.asarray(learning.delays) - 1
    assert np.all(np.bincount(each) == 5)


def test_the_rhythm_of_two_sines_is_their_variance():
    t = np.arange(10_000) / 1000
    slow, fast = 2 * np.sin(2 * np.pi * 3 * t), np.sin(2 * np.pi * 40 * t)
    found = rhythm(7 + slow + fast)
    assert found == pytest.approx((7, 2, 0.5, 40), rel=1e-3)
    assert rhythm(slow).dominant_hz == 3


def test_a_run_begins_in_the_delta_range_and_is_not_repeated(tmp_path, monkeypatch):
    path = tmp_path / "r.json"
    flags = ["--duration-s", "2", "--out", str(tmp_path), "--json", str(path)]
    monkeypatch.setattr(sys, "argv", ["polychronous", *flags])
    first, again = (cli.run(run.Config, run.main, "") for _ in range(2))
    (start,) = first["rhythms"]
    assert 2 <= start["dominant_hz"] <= 4
    assert start["delta"] > 5 * start["gamma"]
    assert sum(first["weights"]) == 80_000
    assert first["seconds"] > 0
    assert again == first | {"seconds": None}
    assert json.loads(path.read_text()) == again
    assert matplotlib.image.imread(tmp_path / "rhythm.png").shape[1] == 1401


def test_a_run_needs_the_length_of_a_window(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["run", "--duration-s", "1", "--out", str(tmp_path)])
    with pytest.raises(SystemExit):
        cli.run(run.Config, run.main, "")
    assert "--duration-s: given 1; expected at least 2" in capsys.readouterr().err
