"""Checks of images: real numbers, of the model's shape, on the scale that the model expects."""

import warnings

import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_finite, is_concrete

_LARGE = 10.0
"""Pixels above it are neither in [0, 1] nor standardised."""

_ENOUGH = 10
"""Images among which one has a bright pixel."""


def calibration_images(given: ArrayLike) -> np.ndarray:
    """Return calibration images [n, ...] as an array of floats.

    Raises:
      ValueError: if the shape is not that of images, all pixels are 0, or one is not finite.
      TypeError: if the pixels are not real numbers.

    Warns:
      UserWarning: if the pixels are integers, or too large for images in [0, 1].
    """
    what = "calibration_images"
    images = _real_numbers(given, what)
    if images.ndim < 2 or not images.size:
        raise ValueError(
            f"{what}: given shape {images.shape}; expected [n, ...], images as the model takes them"
        )
    check_finite(images, what)
    low, high = images.min(), images.max()
    if low == high == 0:
        raise ValueError(
            f"{what}: all pixels are 0; expected images that make the neurons of the model active"
        )
    if images.dtype.kind in "iu" or high > _LARGE:
        warnings.warn(
            f"{what}: given {images.dtype} from {low:g} to {high:g}; models are mostly trained on "
            "[0, 1]: divide by 255 unless this one was trained on such numbers",
            stacklevel=3,
        )
    return images if images.dtype.kind == "f" else images.astype(np.float32)


def flat_images(given: ArrayLike, image_shape: tuple[int, ...]) -> np.ndarray:
    """Return images [n, ...] of the model's shape as rows, [n, N_0].

    Raises:
      ValueError: if the shape is another one, or there are no images.
      TypeError: if the pixels are not real numbers.
    """
    images = _real_numbers(given, "images")
    if images.shape[1:] != image_shape or not len(images):
        expected = ", ".join(map(str, image_shape))
        raise ValueError(f"images: given shape {images.shape}; expected [n, {expected}]")
    return images.reshape(len(images), -1)


def warn_of_another_scale(rows: np.ndarray, calibrated: tuple[float, float]) -> None:
    """Warn if images are most likely on another scale than the calibration images.

    Args:
      rows: images, [n, N_0].
      calibrated: (lowest, highest) pixel of the calibration images.

    Warns:
      UserWarning: if the largest absolute value is more than twice that of the calibration images
        or, over ten images or more, less than a third of it.
    """
    low, high = float(rows.min()), float(rows.max())
    given, expected = max(-low, high), max(map(abs, calibrated))
    too_small = len(rows) >= _ENOUGH and given < expected / 3
    if given > 2 * expected or too_small:
        warnings.warn(
            f"images: given pixels from {low:g} to {high:g}, and the calibration images had "
            f"{calibrated[0]:g} to {calibrated[1]:g}; expected the same scale",
            stacklevel=4,
        )


def _real_numbers(given: ArrayLike, what: str) -> np.ndarray:
    if not is_concrete(given):
        raise TypeError(
            f"{what}: given traced values; expected numbers (call it outside jax.jit, vmap and "
            "grad, and pass on what it returns)"
        )
    images = np.asarray(given)
    if images.dtype.kind not in "fiu":
        kind = type(given).__name__ if images.dtype == object else images.dtype
        raise TypeError(f"{what}: given {kind}; expected an array of real numbers")
    return images
