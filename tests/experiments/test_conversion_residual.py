"""The ResNet-8 of the experiments, with few images."""

import jax
import numpy as np
import pytest

from experiments.conversion import residual
from experiments.conversion.data import as_square
from jsnn.conversion import recipes
from tests.experiments.few_images import few_images


@pytest.mark.slow
def test_a_spiking_resnet_agrees_with_the_model(monkeypatch):
    monkeypatch.setattr(residual, "images", lambda dataset, part: few_images(60, 0))
    monkeypatch.setattr(residual, "recipes_of", lambda: {"digits": (recipes.residual(10), 10)})
    config = residual.Config(epochs=1, images=40, batch_size=20, num_images=30)
    with jax.numpy_dtype_promotion("standard"):  # optax needs it
        results = residual.main(config)
    assert results["parameters"] == 77_562
    assert (
        abs(results["held_out"]["resnet8"] - results["held_out"]["spiking"]["digits"]["accuracy"])
        < 0.05
    )


def test_images_move_by_up_to_two_pixels_and_half_of_them_are_mirrored():
    given = few_images(200, 0)
    config = residual.Config(batch_size=200)
    ((moved, labels),) = residual.batches(given, 1, config)
    order = np.random.default_rng(config.seed).permutation(200)
    np.testing.assert_array_equal(labels, given.labels[order])
    framed = np.pad(as_square(given.pixels[order]), ((0, 0), (2, 2), (2, 2), (0, 0)))
    mirrored = 0
    for image, around in zip(moved, framed, strict=True):
        places = [(y, x) for y in range(5) for x in range(5)]
        found = [
            flip
            for y, x in places
            for flip in (1, -1)
            if np.array_equal(around[y : y + 28, x : x + 28][:, ::flip], image)
        ]
        assert found
        mirrored += found == [-1]
    assert 60 < mirrored < 140
