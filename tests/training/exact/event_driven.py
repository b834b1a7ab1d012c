"""Networks of neurons with exponential currents, event by event: spikes, arrivals and releases.

The equations are integrated by a Runge-Kutta method in short steps that end at every event, and a
spike is found by bisection. Nothing is on a grid.
"""

import heapq
from collections.abc import Callable
from typing import Any

import numpy as np

State = dict[str, np.ndarray]
_STEP = 0.1


def runge_kutta(rate: Callable[[State], State], x: State, h: float) -> State:
    def at(part: float, k: State) -> State:
        return {name: v + part * h * k[name] for name, v in x.items()}

    k1 = rate(x)
    k2 = rate(at(0.5, k1))
    k3 = rate(at(0.5, k2))
    k4 = rate(at(1.0, k3))
    return {k: v + h / 6 * (k1[k] + 2 * k2[k] + 2 * k3[k] + k4[k]) for k, v in x.items()}


def spike_times(
    rate: Callable[[State], State],
    margin: Callable[[State], np.ndarray],
    reset: Callable[[State, int], None],
    start: dict[str, float],
    *,
    arrivals: list[tuple[float, np.ndarray]],
    weights: np.ndarray,
    delay: float,
    until: float,
    refractory: float = 0.0,
) -> list[list[float]]:
    """Return the spike times of each neuron.

    Args:
      rate: dx/dt; the synaptic current is "i".
      margin: spikes are where it becomes 0.
      reset: changes the state of one neuron at its spike.
      start: the state at time 0.
      arrivals: (time, weight into each neuron).
      weights: of the synapses among the neurons, [N, N].
      delay: of all of them.
      until: the end.
      refractory: the time for which "v" is held after a spike.
    """
    size = len(weights)
    x: State = {k: np.full(size, v) for k, v in start.items()}
    events: list[tuple[float, int, Any]] = []
    for time, into in arrivals:
        heapq.heappush(events, (time, len(events), into))
    count, now, free_at = len(events), 0.0, np.zeros(size)
    spikes: list[list[float]] = [[] for _ in range(size)]

    def moved(h: float) -> State:
        held = free_at > now + 1e-12

        def held_rate(x: State) -> State:
            k = rate(x)
            return k | {"v": np.where(held, 0.0, k["v"])}

        return runge_kutta(held_rate, x, h)

    while now < until:
        while events and events[0][0] <= now + 1e-13:
            x["i"] = x["i"] + heapq.heappop(events)[2]
        releases = free_at[free_at > now + 1e-12]
        stop = min([now + _STEP, until, *(e[0] for e in events[:1]), *releases])
        after = moved(stop - now)
        able = free_at <= now + 1e-12
        crossed = able & (margin(after) >= 0)
        if not crossed.any():
            x, now = after, stop
            continue
        low, high = 0.0, stop - now
        for _ in range(60):
            middle = (low + high) / 2
            if (able & (margin(moved(middle)) >= 0)).any():
                high = middle
            else:
                low = middle
        x = moved(high)
        neuron = int(np.argmax(np.where(able, margin(x), -np.inf)))
        now += high
        spikes[neuron].append(now)
        reset(x, neuron)
        free_at[neuron] = now + refractory
        heapq.heappush(events, (now + delay, count, weights[neuron]))
        count += 1
    return spikes
