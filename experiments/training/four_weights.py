"""A network of excitation and inhibition with four weights, and the gradient of its statistics.

800 excitatory and 200 inhibitory neurons excite and inhibit each other, after a delay, beside a
constant current and noise. All synapses of a projection have one weight. The gradient takes
surrogate derivatives, low ones, and passes the reset; for the known weights its larger numbers are
within a third of finite differences of the rates. Exact gradients follow the times of spikes, and
do not tell how many there are.

The coefficient of variation of inter-spike intervals has its value from the spikes. Its derivative
is that of a smooth stand-in, which rises with the standard deviation s of the current and falls
with the rate ν. By Campbell's theorem, with K_ij synapses from population i on a neuron of j,

    dCV_j = d ln(s_j / (ν_j + 1 Hz)),   s_j² = s_noise² + Σ_i K_ij w_ij² ν_i τ / 2

What is reached depends on the values alone, and the derivatives say how soon.
"""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jsnn

DT, NUM_STEPS, NUM_MEASURED = 0.5, 1000, 20_000  # ms, steps of an update, steps of a result
SIZES, DELAYS, SHARE = {"e": 800, "i": 200}, {"e": 3, "i": 2}, 0.1  # steps, of the neurons joined
KNOWN = {"e_to_e": 1.2, "e_to_i": 1.8, "i_to_e": -8.0, "i_to_i": -7.0}  # nA
NEURON = {"r_m": 1.0, "v_rest": -65.0, "v_reset": -60.0, "v_thresh": -50.0}
SURROGATE = jsnn.surrogates.superspike(width=0.1, height=0.3)
NOISE, TAU_SYN = {"mean": 25.0, "sd": 5.0, "tau": 5.0}, 5.0

ONE_WEIGHT = replace(
    jsnn.EXPONENTIAL,
    params={**jsnn.EXPONENTIAL.params, "weight": 1.0},
    update=lambda p, x, arriving, post, dt: jsnn.EXPONENTIAL.update(
        p, x, p["weight"] * arriving, post, dt
    ),
)
"""An exponential synapse with one weight for the whole projection."""


def draw(weights: dict[str, float], seed: int) -> jsnn.Network:
    """Draw a network, in which every neuron receives from a tenth of each population."""
    random = np.random.default_rng(seed)
    neuron = replace(jsnn.LIF, surrogate=SURROGATE, reset_gradient=True)
    populations, projections = [], []
    for name, size in SIZES.items():
        start = {"v": random.uniform(-65, -50, size).astype(np.float32)}
        populations.append(jsnn.Population(name, size, neuron, NEURON, start))
    for name, weight in weights.items():
        pre, post = name.split("_to_")
        ranks = random.random((SIZES[pre], SIZES[post])).argsort(axis=0).argsort(axis=0)
        joined = jsnn.Dense((ranks < SHARE * SIZES[pre]).astype(np.float32))
        params = {"tau": TAU_SYN, "weight": weight}
        projections.append(
            jsnn.Projection(pre, post, joined, ONE_WEIGHT, params, delay=DELAYS[pre])
        )
    noise = [jsnn.CurrentSource(f"noise_{n}", n, jsnn.ORNSTEIN_UHLENBECK, NOISE) for n in SIZES]
    return jsnn.Network(populations, projections, noise, dt=DT)


def weights_of(logarithms: dict[str, jax.Array]) -> dict[str, dict[str, jax.Array]]:
    return {n: {"weight": np.sign(KNOWN[n]) * jnp.exp(x)} for n, x in logarithms.items()}


def cv_of(spikes: jax.Array, last: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the CV of all intervals that end in a window, or 0, and `last` of the next window.

    Args:
      spikes: [T, N].
      last: [N], the negative step of each neuron's last spike before the window.
    """
    steps = jnp.arange(len(spikes))[:, None]
    latest = jax.lax.cummax(jnp.concatenate([last[None], jnp.where(spikes > 0, steps, last)]))
    intervals, ends = steps - latest[:-1], spikes > 0
    cv = intervals.std(where=ends) / intervals.mean(where=ends)
    return jnp.nan_to_num(cv), latest[-1] - len(spikes)


def deviation(weights: Any, rates: dict[str, jax.Array], post: str) -> jax.Array:
    """Return the standard deviation of the current into a population, in nA."""
    arriving = [
        SHARE * size * weights[f"{pre}_to_{post}"]["weight"] ** 2 * rates[pre] / 1000
        for pre, size in SIZES.items()
    ]
    return jnp.sqrt(NOISE["sd"] ** 2 + sum(arriving) * TAU_SYN / 2)


@jax.jit
def differentiated(logarithms: Any, network: jsnn.Network, before: Any, targets: jax.Array) -> Any:
    """Return ((loss, (rates and CV [2, 2], the state after)), gradient) of the next half second."""

    def loss(logarithms: Any) -> Any:
        (state, last), weights = before, weights_of(logarithms)
        record = {name: lambda _, spikes, name=name: spikes[name] for name in SIZES}
        state, spikes = jsnn.simulate(
            network.with_params(weights), {}, NUM_STEPS, state=state, record=record
        )
        rates = {name: 1000 / DT * of_name.mean() for name, of_name in spikes.items()}
        cvs = {name: cv_of(jax.lax.stop_gradient(spikes[name]), last[name]) for name in SIZES}
        slopes = {
            name: jnp.log(deviation(weights, rates, name) / (rates[name] + 1)) for name in SIZES
        }
        smooth = [cvs[n][0] + slope - jax.lax.stop_gradient(slope) for n, slope in slopes.items()]
        measured = jnp.stack([jnp.stack(list(rates.values())), jnp.stack(smooth)])
        distances = (measured - targets) / (measured + targets)
        return jnp.sum(distances**2), (
            measured,
            (state, {n: after for n, (_, after) in cvs.items()}),
        )

    return jax.value_and_grad(loss, has_aux=True)(logarithms)


@jax.jit
def run(network: jsnn.Network, key: jax.Array) -> dict[str, jax.Array]:
    record = {name: jsnn.Spikes(name) for name in SIZES}
    return jsnn.simulate(network, {}, NUM_MEASURED, key=key, record=record)[1]


def statistics(spikes: dict[str, jax.Array]) -> np.ndarray:
    """Return mean rates and mean CV of the neurons of both populations, [2, 2]."""
    trains = [jsnn.analysis.SpikeTrains.of_recorded(x, DT).after(100.0) for x in spikes.values()]
    cvs = [jsnn.analysis.cv_of_intervals(each) for each in trains]
    return np.array(
        [
            [jsnn.analysis.rates(each).mean() for each in trains],
            [cv.mean() if len(cv) else 0.0 for cv in cvs],
        ]
    )
