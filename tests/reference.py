"""Spiking networks by the book: plain NumPy float32 loops that share no code with jsnn.

The order of events within a step is that of GeNN's generated code: the spikes that arrive now are
added to the input current one presynaptic neuron after the other, then every neuron is updated,
tested against its threshold and reset, then its spike goes in flight.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

F32 = np.float32


@dataclass(frozen=True)
class Synapses:
    pre: str
    post: str
    weights: np.ndarray
    delay: int = 1


@dataclass
class Run:
    """What a loop leaves behind: records [T, N] and the spikes of the past, oldest first."""

    spikes: dict[str, np.ndarray]
    voltages: dict[str, np.ndarray]
    history: dict[str, list[np.ndarray]] = field(repr=False)

    def counts(self, name: str) -> np.ndarray:
        return self.spikes[name].sum(axis=0)


def sequential_sum(spikes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[pre] @ [pre, post], one presynaptic neuron after the other, in the dtype of the weights."""
    rows = weights[np.flatnonzero(spikes)]
    return np.add.accumulate(rows)[-1] if len(rows) else np.zeros_like(weights[0])


def integrate_fire(
    sizes: Mapping[str, int],
    synapses: Sequence[Synapses],
    drive: Mapping[str, np.ndarray],
    num_steps: int,
    *,
    v_thresh: Mapping[str, np.ndarray] | float = 1.0,
    dt: float = 1.0,
    voltages: Mapping[str, np.ndarray] | None = None,
    history: Mapping[str, Sequence[np.ndarray]] | None = None,
) -> Run:
    """V += I dt; spike where V >= v_thresh; V = 0. Populations are updated in the order of `sizes`.

    `voltages` and `history` go on from an earlier run; without them everything starts at rest.
    """
    v = {n: np.zeros(size, F32) for n, size in sizes.items()}
    v |= {n: np.array(given, F32) for n, given in (voltages or {}).items()}
    past = {n: list((history or {}).get(n, [])) for n in sizes}
    thresholds = {
        n: np.asarray(v_thresh[n] if isinstance(v_thresh, Mapping) else v_thresh, F32)
        for n in sizes
    }
    spikes: dict[str, list[np.ndarray]] = {n: [] for n in sizes}
    trace: dict[str, list[np.ndarray]] = {n: [] for n in sizes}
    for step in range(num_steps):
        now: dict[str, np.ndarray] = {}
        for name, size in sizes.items():
            current = np.zeros(size, F32)
            for synapse in synapses:
                if synapse.post == name:
                    arriving = _spikes_of(synapse.delay, past[synapse.pre], now.get(synapse.pre))
                    if arriving is not None:
                        current = current + sequential_sum(arriving, synapse.weights)
            if name in drive:
                current = current + _row(drive[name], step)
            v[name] = v[name] + current * F32(dt)
            now[name] = v[name] >= thresholds[name]
            v[name] = np.where(now[name], F32(0), v[name])
        for name in sizes:
            past[name].append(now[name])
            spikes[name].append(now[name])
            trace[name].append(v[name])
    return Run(
        {n: np.array(rows) for n, rows in spikes.items()},
        {n: np.array(rows) for n, rows in trace.items()},
        past,
    )


def chain(weights: Sequence[np.ndarray], delay: int = 1) -> tuple[dict[str, int], list[Synapses]]:
    """The sizes and synapses of layer0 -> layer1 -> ..."""
    widths = [weights[0].shape[0], *(w.shape[1] for w in weights)]
    sizes = {f"layer{i}": width for i, width in enumerate(widths)}
    links = [Synapses(f"layer{i}", f"layer{i + 1}", w, delay) for i, w in enumerate(weights)]
    return sizes, links


def fresh_presentations(
    weights: Sequence[np.ndarray],
    currents: Sequence[np.ndarray],
    num_steps: int,
    *,
    v_thresh: float,
    delay: int = 1,
) -> list[Run]:
    """Every input shown to a network at rest."""
    sizes, links = chain(weights, delay)
    return [
        integrate_fire(sizes, links, {"layer0": current}, num_steps, v_thresh=v_thresh)
        for current in currents
    ]


def carried_presentations(
    weights: Sequence[np.ndarray],
    currents: Sequence[np.ndarray],
    num_steps: int,
    *,
    v_thresh: float,
    delay: int = 1,
) -> list[Run]:
    """GeNN's tutorial: voltages are zeroed between inputs, spikes in flight stay."""
    sizes, links = chain(weights, delay)
    runs: list[Run] = []
    history = None
    for current in currents:
        drive = {"layer0": current}
        run = integrate_fire(sizes, links, drive, num_steps, v_thresh=v_thresh, history=history)
        history = run.history
        runs.append(run)
    return runs


def leaky_integrate_fire(
    currents: np.ndarray,
    *,
    dt: float,
    tau_m: float,
    r_m: float,
    v_rest: float,
    v_reset: float,
    v_thresh: float,
    i_offset: float,
    tau_refrac: float,
) -> tuple[np.ndarray, np.ndarray]:
    """GeNN's "LIF", neuron by neuron: spikes and voltages [T, N] for currents [T, N].

    The refractory steps are counted in integers, as NEST does.
    """
    num_steps, num_neurons = currents.shape
    spikes = np.zeros((num_steps, num_neurons), bool)
    voltages = np.zeros((num_steps, num_neurons), F32)
    exp_tc = F32(np.exp(-dt / tau_m))
    for neuron in range(num_neurons):
        v, held = F32(v_rest), 0
        for step in range(num_steps):
            if not held:
                alpha = (currents[step, neuron] + F32(i_offset)) * F32(r_m) + F32(v_rest)
                v = alpha - exp_tc * (alpha - v)
            held = max(held - 1, 0)
            if not held and v >= F32(v_thresh):
                spikes[step, neuron] = True
                v, held = F32(v_reset), round(tau_refrac / dt)
            voltages[step, neuron] = v
    return spikes, voltages


def exponential_current(arriving: np.ndarray, *, dt: float, tau: float) -> np.ndarray:
    """GeNN's "ExpCurr": the current [T, N] that summed weights [T, N] cause, in float64."""
    i_syn = np.zeros(arriving.shape[1])
    currents = []
    for weights in arriving:
        i_syn = i_syn + weights
        currents.append(i_syn * tau * (1 - np.exp(-dt / tau)) / dt)
        i_syn = i_syn * np.exp(-dt / tau)
    return np.array(currents)


def _spikes_of(delay: int, past: Sequence[np.ndarray], now: np.ndarray | None) -> np.ndarray | None:
    """The spikes of `delay` steps ago, None before the first step."""
    if delay == 0:
        return now
    return past[-delay] if len(past) >= delay else None


def _row(current: np.ndarray, step: int) -> np.ndarray:
    return current[step] if np.ndim(current) == 2 else current


def convolution(
    image: np.ndarray, kernel: np.ndarray, stride: tuple[int, int], padding: Any, groups: int = 1
) -> np.ndarray:
    """[h, w, c] and [kh, kw, c, o] to [places down, places across, o], one pixel after the other.

    With groups the kernel is [kh, kw, c / groups, o], and each group of channels goes by itself.

    "SAME" is TensorFlow's: ceil(size / stride) places, the odd row or column of the frame last.
    Otherwise `padding` is "VALID" or the frame, ((top, bottom), (left, right)).
    """
    if groups > 1:
        parts = zip(np.split(image, groups, 2), np.split(kernel, groups, 3), strict=True)
        return np.concatenate([convolution(*part, stride, padding) for part in parts], axis=2)
    extent = kernel.shape[:2]
    before = (0, 0)
    if padding == "SAME":
        places = tuple(-(-size // step) for size, step in zip(image.shape, stride, strict=False))
        missing = [
            max((n - 1) * step + k - size, 0)
            for n, step, k, size in zip(places, stride, extent, image.shape, strict=False)
        ]
        before = (missing[0] // 2, missing[1] // 2)
    else:
        frame = ((0, 0), (0, 0)) if padding == "VALID" else padding
        before = (frame[0][0], frame[1][0])
        places = tuple(
            (size + sum(sides) - k) // step + 1
            for size, k, step, sides in zip(image.shape, extent, stride, frame, strict=False)
        )
    out = np.zeros((*places, kernel.shape[3]), kernel.dtype)
    for y, x in np.ndindex(places):
        for dy, dx, c in np.ndindex(kernel.shape[:3]):
            row, column = y * stride[0] + dy - before[0], x * stride[1] + dx - before[1]
            if 0 <= row < image.shape[0] and 0 <= column < image.shape[1] and image[row, column, c]:
                out[y, x] = out[y, x] + kernel[dy, dx, c]
    return out


def average_pool(image: np.ndarray, window: tuple[int, int], stride: tuple[int, int]) -> np.ndarray:
    """[h, w, c] to [places down, places across, c]: 1 / the window's area for each spike in it."""
    channels = np.eye(image.shape[2], dtype=F32) / F32(window[0] * window[1])
    kernel = np.broadcast_to(channels, (*window, *channels.shape))
    return convolution(image, kernel, stride, "VALID")


def traced(spikes: Sequence[float], now: float, tau: float, *, own: bool, nearest: bool) -> float:
    """Σ exp(-(now - t)/tau) over the spikes before `now`, or of the last; `own` counts t = now."""
    earlier = [t for t in spikes if t < now or (own and t == now)]
    counted = [max(earlier)] if nearest and earlier else earlier
    return sum(float(np.exp(-(now - t) / tau)) for t in counted)


def learnt_weight(
    w: float,
    pre: Sequence[float],
    post: Sequence[float],
    at_pre: Callable[[float, float], float],
    at_post: Callable[[float, float], float],
) -> float:
    """A weight after the spikes on both sides, at times in ms, one after the other.

    `at_pre(w, now)` and `at_post(w, now)` give the weight after a spike; of two at the same time
    the presynaptic one comes first.
    """
    for now in sorted({*pre, *post}):
        if now in pre:
            w = at_pre(w, now)
        if now in post:
            w = at_post(w, now)
    return w


def signed_digits(
    inputs: Sequence[np.ndarray], num_steps: int, eager: bool = True, base: float = 2.0
) -> np.ndarray:
    """Return what neurons emit in each step for an input in thresholds, both [K, ...]."""
    worth = base ** -np.arange(num_steps, dtype=float)
    worth /= worth.sum()
    v, total, emitted = np.zeros_like(inputs[0]), np.zeros_like(inputs[0]), []
    for came_in, w in zip(inputs, worth, strict=True):
        v = v + came_in
        least = w / 2 if eager else w - worth[-1] / 2
        digit = np.where(v >= least, w, np.where((v < -w / 2) & (total > 0), -w, 0))
        v, total = v - digit, total + digit
        emitted.append(digit)
    return np.stack(emitted)
