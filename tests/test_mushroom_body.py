"""The mushroom body against a loop written by the book, and the runs of its experiment."""

import jax
import numpy as np
import pytest

import jsnn
from experiments.mnist.data import Images
from experiments.mushroom_body.learning import learn, weights_of
from experiments.mushroom_body.network import (
    NUM_STEPS,
    draw_inputs,
    input_currents,
    learning_network,
)

NUM_PN, NUM_KC = 20, 400
RULE = {"eta": 1e-3, "w_max": 0.015}


def small_images(n):
    random = np.random.default_rng(1)
    pixels = random.integers(256, size=(n, NUM_PN)) * (random.random((n, NUM_PN)) < 0.4)
    return Images(pixels.astype(np.uint8), random.integers(10, size=n).astype(np.uint8))


def lif(v, ref, current, tau_refrac):
    """One step of GeNN's LIF, in float64; v and ref are changed in place, the spikes returned."""
    active = ref <= 0
    v_inf = -60 + 100 * current
    v[:] = np.where(active, v_inf - np.exp(-0.1 / 20) * (v_inf - v), v)
    ref[:] = np.where(active, ref, ref - 0.1)
    spiked = (ref <= 1e-6) & (v >= -50)
    v[spiked], ref[spiked] = -60, tau_refrac
    return spiked


def by_the_book(inputs, images, eta, w_max):
    """Weights [KC, 10] after all images, and spikes of the Kenyon cells for each image.

    As GeNN orders things: what was emitted in a step arrives, and is learnt from, in the next one.
    Spikes of the last step arrive in the next image, but are learnt from in their own.
    """
    num_kc = len(inputs)
    expansion = np.zeros((NUM_PN, num_kc))
    for kc, pns in enumerate(inputs):
        for pn in pns:
            expansion[pn, kc] += 0.2
    weights = np.zeros((num_kc, 10))
    pn_spikes, kc_spikes = np.zeros(NUM_PN, bool), np.zeros(num_kc, bool)
    ggn_spike, counts = False, []

    def change(since):
        return eta * (np.exp(-since / 15) - 0.01)

    for pixels, label in zip(*images, strict=True):
        pn, kc, mbon = (np.full(n, -60.0) for n in (NUM_PN, num_kc, 10))
        ref = [np.zeros(n) for n in (NUM_PN, num_kc, 10)]
        excitation, inhibition, ggn = np.zeros(num_kc), np.zeros(num_kc), 0.0
        last_kc, last_mbon = np.full(num_kc, -np.inf), np.full(10, -np.inf)
        count = 0
        for n in range(NUM_STEPS):
            t = 0.1 * n
            excitation += pn_spikes @ expansion
            inhibition += -5.0 * ggn_spike
            ggn += kc_spikes.sum()
            current = excitation * 30 * (1 - np.exp(-0.1 / 3))
            current += inhibition * 50 * (1 - np.exp(-0.1 / 5))
            excitation *= np.exp(-0.1 / 3)
            inhibition *= np.exp(-0.1 / 5)
            pn_spikes = lif(pn, ref[0], 80.0 * (pixels / pixels.sum(dtype=float)), 100.0)
            kc_spikes = lif(kc, ref[1], current, 2.0)
            mbon_spikes = lif(mbon, ref[2], 5.0 * (np.arange(10) == label), 2.0)
            ggn_spike = ggn >= 200
            ggn = 0.0 if ggn_spike else ggn
            last_kc[kc_spikes], last_mbon[mbon_spikes] = t, t
            for i in np.flatnonzero(kc_spikes):
                weights[i] = np.clip(weights[i] + change(t - last_mbon), 0, w_max)
            for j in np.flatnonzero(mbon_spikes):
                weights[:, j] = np.clip(weights[:, j] + change(t - last_kc), 0, w_max)
            count += kc_spikes.sum()
        counts.append(count)
    return weights, counts


def test_a_small_network_learns_what_a_loop_by_the_book_learns():
    inputs, images = draw_inputs(0, NUM_PN, NUM_KC), small_images(12)
    network = learning_network(inputs, NUM_PN, RULE)
    state, spikes = learn(
        network, jsnn.init(network), input_currents(images.pixels), images.labels.astype(np.int32)
    )
    weights, expected_spikes = by_the_book(inputs, images, **RULE)
    np.testing.assert_array_equal(spikes, expected_spikes)
    assert sum(expected_spikes) > 100
    np.testing.assert_allclose(weights_of(state), weights, atol=1e-7)
    assert (weights == 0).any() and (weights == RULE["w_max"]).any()
