"""Contenders of the benchmark of gradients: jsnn, a scan written by hand, and peers."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jsnn

INPUTS, HIDDEN, CLASSES, NUM_STEPS, SHARE = 700, 256, 20, 100, 0.02
TAU_M, TAU_SYN = 20.0, 5.0  # steps
LEAK, DECAY = np.float32(np.exp(-1 / TAU_M)), np.float32(np.exp(-1 / TAU_SYN))
MEAN = np.float32(TAU_SYN * (1 - DECAY))  # of a current over a step, in its value at the start
SYNAPSES = jsnn.EXPONENTIAL, {"tau": TAU_SYN}

Seconds = Callable[[], float]
"""A function that makes one gradient and returns the seconds that this took."""


def data(batch: int) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Draw weights, spikes [B, T, inputs] and labels."""
    random = np.random.default_rng(0)
    weights = [
        np.float32(random.normal(0.1, 0.3, (INPUTS, HIDDEN))),
        np.float32(random.normal(0, 0.1, (HIDDEN, CLASSES))),
    ]
    spikes = random.random((batch, NUM_STEPS, INPUTS)) < SHARE
    return weights, spikes, random.integers(0, CLASSES, batch).astype(np.int32)


def timed(gradient: Callable[..., Any], *arguments: Any) -> Seconds:
    arguments = jax.device_put(arguments)

    def seconds() -> float:
        began = time.perf_counter()
        jax.block_until_ready(gradient(*arguments))
        return time.perf_counter() - began

    return seconds


def in_jsnn(batch: int) -> Seconds:
    weights, spikes, labels = data(batch)
    neuron = {"tau_m": TAU_M, "r_m": 1.0, "v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0}
    network = jsnn.Network(
        [
            jsnn.Population("in", INPUTS, jsnn.SPIKE_SOURCE),
            jsnn.Population("hidden", HIDDEN, jsnn.LIF, neuron | {"tau_refrac": 0.0}, {"v": 0.0}),
            jsnn.Population("out", CLASSES, jsnn.LEAKY_INTEGRATOR, {"tau_m": TAU_M, "r_m": 1.0}),
        ],
        [
            jsnn.Projection("in", "hidden", jsnn.Dense(weights[0]), *SYNAPSES, delay=0),
            jsnn.Projection("hidden", "out", jsnn.Dense(weights[1]), *SYNAPSES, delay=0),
        ],
    )
    loss = jsnn.losses.cross_entropy(jsnn.mean_voltage("out"))
    gradient = jax.jit(jsnn.gradients.surrogate().of(loss, NUM_STEPS))
    drive = {"in": jsnn.over_time(spikes)}
    return timed(gradient, network, jsnn.trainable(network), drive, labels)


@jax.custom_jvp
def spike(margin: jax.Array) -> jax.Array:
    return (margin >= 0).astype(margin.dtype)


@spike.defjvp
def _(primals: Any, tangents: Any) -> Any:
    return spike(*primals), tangents[0] / (1 + jnp.abs(primals[0]) / 0.1) ** 2


def by_hand(batch: int) -> Seconds:
    def loss(weights: Any, spikes: jax.Array, labels: jax.Array) -> jax.Array:
        def step(before: Any, arriving: jax.Array) -> Any:
            v, current, out, current_out, sum_of_out = before
            current = DECAY * current + arriving
            v = LEAK * v + (1 - LEAK) * MEAN * current
            spiked = spike(v - 1)
            current_out = DECAY * current_out + spiked @ weights[1]
            out = LEAK * out + (1 - LEAK) * MEAN * current_out
            v = v * (1 - jax.lax.stop_gradient(spiked))
            return (v, current, out, current_out, sum_of_out + out), None

        sizes = HIDDEN, HIDDEN, CLASSES, CLASSES, CLASSES
        first = tuple(jnp.zeros((batch, size)) for size in sizes)
        arriving = jnp.swapaxes(spikes, 0, 1).astype(jnp.float32) @ weights[0]
        scores = jax.lax.scan(step, first, arriving)[0][-1] / NUM_STEPS
        chosen = jnp.take_along_axis(jax.nn.log_softmax(scores), labels[:, None], axis=1)
        return -chosen.mean()

    return timed(jax.jit(jax.value_and_grad(loss)), *data(batch))


def in_spyx(batch: int) -> Seconds:
    import spyx.nn
    from flax import nnx

    rngs = nnx.Rngs(0)
    network = spyx.nn.Sequential(
        nnx.Linear(INPUTS, HIDDEN, use_bias=False, rngs=rngs),
        spyx.nn.CuBaLIF((HIDDEN,), float(DECAY), float(LEAK), rngs=rngs),
        nnx.Linear(HIDDEN, CLASSES, use_bias=False, rngs=rngs),
        spyx.nn.LI((CLASSES,), float(LEAK), rngs=rngs),
    )

    @nnx.jit
    def gradient(network: Any, spikes: jax.Array, labels: jax.Array) -> Any:
        def loss(network: Any) -> jax.Array:
            time_first = jnp.swapaxes(spikes, 0, 1).astype(jnp.float32)
            scores = jax.nn.log_softmax(spyx.nn.run(network, time_first)[0].mean(0))
            return -jnp.take_along_axis(scores, labels[:, None], axis=1).mean()

        return nnx.grad(loss)(network)

    return timed(lambda *arguments: gradient(network, *arguments), *data(batch)[1:])


def in_script(python: Path, name: str, batch: int) -> Seconds:
    """Measure a peer in a process of its own, by the script of that name in `peers`."""
    sizes = map(str, (batch, NUM_STEPS, INPUTS, HIDDEN, CLASSES, SHARE))
    script = Path(__file__).with_name("peers") / f"{name}_peer.py"
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([str(python), str(script), *sizes], text=True, **pipe)

    def seconds() -> float:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            print(file=process.stdin, flush=True)
            return float(process.stdout.readline())
        except (OSError, ValueError):
            raise RuntimeError(process.communicate()[1].strip().splitlines()[-1]) from None

    return seconds
