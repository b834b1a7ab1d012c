import jax
import jax.numpy as jnp
import numpy as np

from jsnn.models.surrogates import spike, superspike

MARGINS = np.array([-2.0, -0.5, -1e-7, -0.0, 0.0, 1e-7, 0.5, 2.0], np.float32)


def test_a_spike_is_a_heaviside_step_that_is_one_at_zero() -> None:
    np.testing.assert_array_equal(spike(superspike, MARGINS), [0, 0, 0, 1, 1, 1, 1, 1])


def test_a_nan_margin_does_not_spike() -> None:
    assert spike(superspike, jnp.float32(jnp.nan)) == 0


def test_a_spike_has_the_dtype_of_its_margin() -> None:
    for dtype in (jnp.float16, jnp.bfloat16, jnp.float32):
        assert spike(superspike, jnp.zeros(3, dtype)).dtype == dtype


def test_the_jvp_is_the_superspike_formula() -> None:
    tangents = np.linspace(-3, 3, MARGINS.size).astype(np.float32)
    value, slope = jax.jvp(lambda m: spike(superspike, m), (MARGINS,), (tangents,))
    np.testing.assert_array_equal(value, MARGINS >= 0)
    expected = tangents / (1 + 10 * np.abs(MARGINS.astype(np.float64))) ** 2
    np.testing.assert_allclose(slope, expected, rtol=1e-5)


def test_the_gradient_is_that_of_any_surrogate_given() -> None:
    def triangle(margin: jax.Array) -> jax.Array:
        return jnp.maximum(0, 1 - jnp.abs(margin))

    slopes = jax.vmap(jax.grad(lambda m: spike(triangle, m)))(MARGINS)
    np.testing.assert_allclose(slopes, np.maximum(0, 1 - np.abs(MARGINS)), rtol=1e-6)


def test_forward_and_reverse_mode_agree() -> None:
    forward = jax.jacfwd(lambda m: spike(superspike, m))(MARGINS)
    reverse = jax.jacrev(lambda m: spike(superspike, m))(MARGINS)
    np.testing.assert_allclose(forward, reverse, rtol=1e-6)


def test_second_derivatives_in_a_scan_are_those_of_the_steps_written_out() -> None:
    def advance(v: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        v = v + x
        spiked = spike(superspike, v - 1)
        return v * (1 - spiked), spiked * (1 + v)

    def scanned(x: jax.Array) -> jax.Array:
        return jnp.sum(jax.lax.scan(advance, jnp.zeros((), x.dtype), x)[1] ** 2)

    def written_out(x: jax.Array) -> jax.Array:
        v, total = jnp.zeros((), x.dtype), jnp.zeros((), x.dtype)
        for each in x:
            v, y = advance(v, each)
            total = total + y**2
        return total

    x = jnp.asarray([0.6, 0.5, 0.7])
    expected = jax.jacfwd(jax.jacfwd(written_out))(x)
    assert np.all(expected[:2, :2] != 0)
    for second in (jax.hessian, lambda f: jax.jacrev(jax.jacrev(f))):
        np.testing.assert_allclose(second(scanned)(x), expected, rtol=1e-4, atol=1e-6)
