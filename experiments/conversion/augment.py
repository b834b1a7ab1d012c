"""Random distortions of images: they are turned, scaled, sheared, shifted and bent a little."""

import jax
import jax.numpy as jnp
import numpy as np

SIZE = 28
COARSE = 7
"""Points along each side of the grid on which bends are drawn; they are smooth in between."""

TURN = 0.26
"""Largest angle (rad)."""
SCALE = 0.15
"""Largest share by which an image grows or shrinks, independently in each direction."""
SHEAR = 0.15
"""Largest shear, a ratio of lengths."""
SHIFT = 2.0
"""Largest distance (pixels)."""
BEND = 1.2
"""Standard deviation of a bend at a point of the coarse grid (pixels)."""


def augmented(images: jax.Array, key: jax.Array, strength: float = 1.0) -> jax.Array:
    """Distort each image independently.

    Args:
      images: in [0, 1], of any float dtype, [n, 28, 28].
      key: PRNG key.
      strength: factor of the distortions, whose sizes are the constants of this module; 0 for none.
    """
    rows, columns = _origins(len(images), key, strength)
    return _interpolated(images, rows, columns)


def _origins(number: int, key: jax.Array, strength: float) -> tuple[jax.Array, jax.Array]:
    """Draw the row and the column of the image that each pixel comes from, [n, 28, 28] each."""
    affine_key, bend_key = jax.random.split(key)
    uniform = strength * jax.random.uniform(affine_key, (6, number, 1, 1), minval=-1.0)
    turn, scale_row, scale_column, shear = (
        TURN * uniform[0],
        1 + SCALE * uniform[1],
        1 + SCALE * uniform[2],
        SHEAR * uniform[3],
    )
    centre = (SIZE - 1) / 2
    axis = jnp.arange(SIZE, dtype=jnp.float32) - centre
    row, column = axis[None, :, None], axis[None, None, :]
    sine, cosine = jnp.sin(turn), jnp.cos(turn)
    rows = scale_row * (cosine * row - sine * column) + SHIFT * uniform[4]
    columns = scale_column * (sine * row + (cosine + shear) * column) + SHIFT * uniform[5]
    knots = strength * BEND * jax.random.normal(bend_key, (2, number, COARSE, COARSE))
    smooth = jnp.asarray(_smoothing())
    bends = jnp.einsum("yi,knij,xj->knyx", smooth, knots, smooth)
    return rows + centre + bends[0], columns + centre + bends[1]


def _smoothing() -> np.ndarray:
    """Return Gaussian weights of the coarse points, [28, COARSE], each row of square sum 1."""
    points = np.linspace(-0.5, SIZE - 0.5, COARSE)
    width = SIZE / (COARSE - 1)
    weights = np.exp(-0.5 * ((np.arange(SIZE)[:, None] - points) / (0.7 * width)) ** 2)
    return (weights / np.sqrt(np.sum(weights**2, axis=1, keepdims=True))).astype(np.float32)


def _interpolated(images: jax.Array, rows: jax.Array, columns: jax.Array) -> jax.Array:
    """Interpolate bilinearly; pixels outside of an image are 0."""
    padded = jnp.pad(images, ((0, 0), (1, 2), (1, 2)))
    rows, columns = (jnp.clip(at + 1, 0, SIZE + 1) for at in (rows, columns))
    top, left = jnp.floor(rows), jnp.floor(columns)
    down, right = rows - top, columns - left
    first = (top * (SIZE + 3) + left).astype(jnp.int32).reshape(len(images), -1)
    flat = padded.reshape(len(images), -1)

    def at(offset: int) -> jax.Array:
        return jnp.take_along_axis(flat, first + offset, axis=1).reshape(rows.shape)

    upper = at(0) * (1 - right) + at(1) * right
    lower = at(SIZE + 3) * (1 - right) + at(SIZE + 4) * right
    return upper * (1 - down) + lower * down
