"""The page docs/demo/: its files, its spikes beside those of jsnn, and its use in a browser."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import pytest

import jsnn
from experiments import chromium
from experiments.chromium import Chromium
from experiments.mnist import data, demo
from experiments.mnist.data import input_currents
from experiments.mnist.network import INPUT_SCALE, NUM_STEPS, V_THRESH, WEIGHTS, spiking_network

PAGE = Path(__file__).parents[1] / "docs" / "demo"
URL = (PAGE / "index.html").as_uri()

SETTINGS = [(V_THRESH, INPUT_SCALE), (3.7, 0.0173)]
"""Thresholds and input scales, those of the page and others that a float32 rounds."""

NUM_IMAGES = 20

ALL_SPIKES = """
((images, [threshold, scale]) => {
  const weights = unpackWeights(PACKED_WEIGHTS);
  const bytes = [];
  for (const base64 of images) {
    const run = simulate(bytesOf(base64), weights, threshold, scale, SETTINGS.numSteps);
    for (const layer of run.spikes) for (const now of layer) bytes.push(...now);
  }
  return bytes.join("");
})
"""
"""Function in JavaScript from images and settings to the spikes by image, layer, step, neuron."""


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return data.test_images().pixels[:NUM_IMAGES]


@pytest.fixture(scope="module")
def spikes_of_jsnn(pixels) -> list[np.ndarray]:
    """One array of 0 and 1 for each setting: by image, then by layer, step and neuron."""
    network = spiking_network(jsnn.load_weights(WEIGHTS))
    record = {name: jsnn.Spikes(name) for name in network.sizes}

    @jax.jit
    def spikes(network: jsnn.Network, currents: jax.Array) -> dict[str, jax.Array]:
        def one(current: jax.Array) -> dict[str, jax.Array]:
            return jsnn.simulate(network, {"layer0": current}, NUM_STEPS, record=record)[1]

        return jax.vmap(one)(currents)

    def flat(threshold: float, scale: float) -> np.ndarray:
        given = {name: {"v_thresh": np.float32(threshold)} for name in network.sizes}
        trains = spikes(network.with_params(given), input_currents(pixels, scale))
        by_layer = [np.asarray(trains[name]).reshape(NUM_IMAGES, -1) for name in network.sizes]
        return np.concatenate(by_layer, axis=1).astype(np.uint8)

    return [flat(*setting) for setting in SETTINGS]


def call_of_all_spikes(pixels: np.ndarray, setting: tuple[float, float]) -> str:
    images = [base64.b64encode(image.tobytes()).decode() for image in pixels]
    return f"{ALL_SPIKES}({json.dumps(images)}, {json.dumps(setting)})"


def as_array(digits: str) -> np.ndarray:
    return (np.frombuffer(digits.encode(), np.uint8) - ord("0")).reshape(NUM_IMAGES, -1)


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    if chromium.find() is None:
        pytest.skip(f"none of {', '.join(chromium.PROGRAMS)} is installed")
    with Chromium(1200, 860) as browser:
        yield browser


@pytest.fixture
def page(browser: Chromium) -> Chromium:
    """The page as somebody sees it who wants no motion: the first image has been shown."""
    browser.errors.clear()
    browser.resize(1200, 860)
    browser.emulate({"prefers-reduced-motion": "reduce"})
    browser.open(URL)
    return browser


def test_the_page_is_smaller_than_a_megabyte() -> None:
    assert sum(path.stat().st_size for path in PAGE.rglob("*") if path.is_file()) < 1_000_000


def test_the_data_are_those_of_the_shipped_weights_and_of_the_test_images() -> None:
    written = {name: (PAGE / name).read_text() for name in demo.files()}
    assert written == demo.files()


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_chromium_makes_the_spikes_of_jsnn(page, pixels, spikes_of_jsnn, number) -> None:
    spikes = as_array(page.evaluate(call_of_all_spikes(pixels, SETTINGS[number])))
    assert spikes.sum() > 50_000
    np.testing.assert_array_equal(spikes, spikes_of_jsnn[number])


def test_node_makes_the_spikes_of_jsnn(pixels, spikes_of_jsnn) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    scripts = "".join((PAGE / name).read_text() for name in ("weights.js", "data.js", "network.js"))
    for setting, expected in zip(SETTINGS, spikes_of_jsnn, strict=True):
        program = f"{scripts}\nconsole.log({call_of_all_spikes(pixels, setting)})"
        ran = subprocess.run([node, "-"], input=program, capture_output=True, text=True, check=True)
        np.testing.assert_array_equal(as_array(ran.stdout.strip()), expected)
