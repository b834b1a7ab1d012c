"""SuperSpike's rule against sums over kernels by the book."""

import jax
import numpy as np

import jsnn
from tests.played import learnt_over_time

DT, STEPS, PERIOD = 0.5, 120, 20.0
PARAMS = {
    "rate": 0.3,
    "period": PERIOD,
    "tau_rms": 50.0,
    "tau_rise": 4.0,
    "tau_decay": 9.0,
    "beta": 0.7,
    "v_thresh": -52.0,
    "w_min": -0.3,
    "w_max": 0.3,
}
RANDOM = np.random.default_rng(0)
PRE = RANDOM.random((STEPS, 4)) < 0.1
READ = {
    "v": RANDOM.uniform(-60, -50, (STEPS, 3)),
    "error": RANDOM.normal(0, 1, (STEPS, 3)),
    "fires": (RANDOM.random((STEPS, 3)) < 0.1) * 1.0,
}
READ["error"][:, 2] = 0
START = RANDOM.uniform(-0.2, 0.2, (4, 3))


def gradients() -> np.ndarray:
    """∫ e λ dt over each period, [periods, pre, post]."""
    t = np.arange(STEPS) * DT
    since = np.maximum(t[:, None] - t, 0)  # the kernel is 0 at 0
    kernel = np.exp(-since / 9.0) - np.exp(-since / 4.0)
    psp = kernel @ PRE  # [T, pre]
    v = np.where(READ["fires"] > 0, -52.0, READ["v"])
    slope = 1 / (1 + np.abs(0.7 * (v + 52.0))) ** 2
    eligibility = np.einsum("ts,si,sj->tij", kernel, psp, slope) * DT
    products = READ["error"][:, None] * eligibility * DT
    return products.reshape(-1, round(PERIOD / DT), 4, 3).sum(axis=1)


def test_weights_follow_the_gradient_of_each_period_by_rmaxprop() -> None:
    with jax.enable_x64(True):
        found = learnt_over_time(jsnn.SUPERSPIKE_RULE, PARAMS, START, PRE, READ, dt=DT)
    w, u, steps = START, 0.0, round(PERIOD / DT)
    for number, gradient in enumerate(gradients()):
        until = (number + 1) * steps - 1
        assert (found[number * steps : until] == found[number * steps]).all()
        u = np.maximum(u * np.exp(-PERIOD / 50.0), gradient**2)
        direction = np.divide(gradient, np.sqrt(u), out=np.zeros((4, 3)), where=u > 0)
        w = np.clip(w + 0.3 * direction, -0.3, 0.3)
        np.testing.assert_allclose(found[until], w, rtol=0, atol=1e-12)
    assert {-0.3, 0.3} <= set(found.ravel())
    assert len(np.unique(w)) > 4
    np.testing.assert_array_equal(found[:, :, 2], np.broadcast_to(START[:, 2], (STEPS, 4)))
