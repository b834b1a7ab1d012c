"""All figures of jsnn and of the experiments, drawn from small made-up results."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np

import jsnn
from experiments import izhikevich, stdp_window
from experiments.balanced import figure as balanced
from experiments.brunel import figure as brunel
from experiments.conversion import compare, frontier
from experiments.conversion.catalogue import ROWS, Outcome
from experiments.microcircuit import figure as microcircuit
from experiments.microcircuit.network import POPULATIONS
from experiments.mnist import explore, present
from experiments.mushroom_body import figures as mushroom_body
from experiments.polychronous import figure as polychronous
from experiments.polychronous.spectrum import Rhythm
from experiments.superspike import run as superspike
from experiments.training import compare as training_compare
from experiments.training import course, fit_rates, pattern, yin_yang
from experiments.training.data.yin_yang import Points
from jsnn import plot
from jsnn.analysis import SpikeTrains
from jsnn.conversion import Energy, LayerError, Report
from jsnn.training.history import Epoch

Drawing = Callable[[], Any]
"""A function that draws a figure."""


def spikes(num_steps: int, size: int, seed: int = 0, share: float = 0.05) -> np.ndarray:
    return np.random.default_rng(seed).random((num_steps, size)) < share


def trains(size: int, seed: int = 0) -> SpikeTrains:
    return SpikeTrains.of_recorded(spikes(2000, size, seed, 0.01), 0.1)


def rising(number: int, start: float = 0.1, end: float = 0.985) -> np.ndarray:
    return end - (end - start) * np.exp(-np.arange(number) / (0.1 * number))


CORTEX = {"excitatory": spikes(200, 80), "inhibitory": spikes(200, 20)}
LAYERS = {"layer0": spikes(100, 784), "layer1": spikes(100, 128), "layer2": spikes(100, 10)}


def report() -> Report:
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, 200)
    right = random.random((200, 8)) < rising(8)
    names = ("hidden1", "hidden2", "output")
    return Report(
        recipe="Rueckauer 2017, per channel, V0 = 0.5",
        predictions=np.where(right, labels[:, None], -1).astype(np.int32),
        margins=random.random((200, 8)),
        first_input=np.ones(200, np.int32),
        labels=labels,
        ann_predictions=labels.astype(np.int32),
        spikes={
            n: each * np.arange(1, 9) for n, each in zip(names, (95.0, 31.0, 0.0), strict=True)
        },
        num_neurons={"hidden1": 256, "hidden2": 128, "output": 10},
        synaptic_operations=1e3 * np.arange(1, 9),
        projection_operations={},
        input_macs=5e3,
        ann_macs=20_000,
        ann_effective_macs=12e3,
        energy_of=Energy(),
        state_bytes=1,
        errors={name: LayerError(-0.01, 0.03, 0.2) for name in names},
    )


def raster_above_rate() -> Any:
    figure, (above, below) = plot.figure(2, sharex=True)
    plot.raster(CORTEX, dt=0.5, ax=above)
    plot.rate(CORTEX, dt=0.5, ax=below)
    return figure


OF_JSNN: dict[str, Drawing] = {
    f"{name}, {width}": lambda draw=draw, width=width: draw(width)
    for width in ("single", "double")
    for name, draw in {
        "raster": lambda w: plot.raster(CORTEX, dt=0.5, width=w),
        "raster of layers": lambda w: plot.raster(LAYERS, label=7, trimmed=True, width=w),
        "rate": lambda w: plot.rate(CORTEX, dt=0.5, width=w),
        "voltages": lambda w: plot.voltages(np.cumsum(spikes(99, 7), 0), v_thresh=3.0, width=w),
        "accuracy": lambda w: plot.accuracy_over_time({"a": rising(99)}, reference=0.99, width=w),
        "spikes against accuracy": lambda w: plot.spikes_against_accuracy(
            np.geomspace(90, 9000, 30), rising(30), marked={"a": 9, "b": 20}, width=w
        ),
        "report": lambda w: plot.conversion_report(report(), width=w),
    }.items()
} | {"raster above rate": raster_above_rate}


def one_recipe(name: str, seed: int) -> dict[int, tuple[float, float]]:
    start = 0.1 + 0.8 * np.random.default_rng(seed).random()
    steps = (1, 2, 4, 8, 16)
    accuracy = rising(5, start, 0.99)
    return {t: (float(a), 10.0 * t * seed) for t, a in zip(steps, accuracy, strict=True)}


def outcomes() -> dict[str, Outcome]:
    random = np.random.default_rng(0)
    found = {}
    for name in ROWS:
        accuracy = 0.985 + 0.008 * random.random() + 1e-3 * random.random(3)
        found[name] = Outcome(
            accuracy, accuracy, accuracy, np.full(3, random.integers(50, 40_000)), accuracy
        )
    return found


def swept() -> Any:
    accuracy, num_spikes = rising(25).reshape(5, 5), np.geomspace(300, 20_000, 25).reshape(5, 5)
    scales = np.array([0.0025, 0.005, 0.01, 0.02, 0.04])
    return SimpleNamespace(
        v_thresh=500 * scales, input_scale=scales, accuracy=accuracy, spikes=num_spikes
    )


def explored() -> dict[str, Any]:
    settings = {"tutorial": (2, 2), "chosen": (2, 1)}
    return explore.draw(swept(), settings, {"accuracy": rising(100)}, 0.9823)


def epochs() -> list[Epoch]:
    return [
        Epoch(2.0 / e, 1 - 0.5 / e, {"hidden": 20.0 / e, "output": 9.0}, 2.1 / e, 1 - 0.6 / e)
        for e in range(1, 7)
    ]


def regions() -> Any:
    random = np.random.default_rng(0)
    points = Points(random.random((50, 4)), random.integers(0, 3, 50).astype(np.int32))

    def predicted(network: Any, grid: Points) -> Any:
        return SimpleNamespace(predictions=np.arange(len(grid.values)) % 3)

    with mock.patch.object(yin_yang, "evaluate", predicted):
        return yin_yang.draw_regions(mock.Mock(spec=jsnn.Network), points)


def gradients() -> Any:
    one = {"surrogate and exact": [0.9, 0.8], "surrogate and e-prop": [1.0, 0.7]}
    cosines = {pair: dict(enumerate(values)) for pair, values in one.items()}
    held_out = [{"validation_accuracy": a} for a in (0.8, 0.9)]
    return training_compare.draw_figure(
        {1: {"cosines": cosines}, 2: {"cosines": cosines}},
        {"surrogate": held_out, "exact": held_out, "e-prop": held_out},
    )


def one_image() -> Any:
    shown = {"PN": spikes(400, 784), "KC": spikes(400, 2000, share=0.001)}
    shown |= {"GGN": spikes(400, 1, share=0.01), "MBON": spikes(400, 10, share=0.001)}
    return mushroom_body.one_image(shown, np.cumsum(spikes(400, 10) - 0.05, 0) - 60, 3)


OF_EXPERIMENTS: dict[str, Drawing] = {
    "mnist/present.py draw": lambda: present.draw(LAYERS, np.arange(784) % 256, 7),
    "mnist/explore.py time": lambda: explored()["accuracy_over_time.png"],
    "mnist/explore.py spikes": lambda: explored()["spikes_against_accuracy.png"],
    "conversion/frontier.py draw": lambda: frontier.draw(ROWS, outcomes()),
    "conversion/compare.py draw": lambda: compare.draw(
        {name: one_recipe(name, i) for i, name in enumerate(sum(compare._FAMILIES, ()))}, 0.991
    ),
    "balanced/figure.py activity": lambda: balanced.activity(trains(200)),
    "brunel/figure.py activity": lambda: brunel.activity(
        {"excitatory": trains(100), "inhibitory": trains(30, 1)}
    ),
    "microcircuit/figure.py activity": lambda: microcircuit.activity(
        {name: trains(40 + 5 * i, i) for i, name in enumerate(POPULATIONS)}, 500.0
    ),
    "izhikevich.py draw_regimes": lambda: izhikevich.draw_regimes(
        np.where(spikes(3000, 4, share=0.01), 30.0, -65.0), np.full((3000, 4), -13.0)
    ),
    "izhikevich.py draw_network": lambda: izhikevich.draw_network(spikes(500, 1000)),
    "stdp_window.py draw": lambda: stdp_window.draw(
        np.arange(-60, 61.0),
        {name: rule[2](np.arange(-60, 61.0)) for name, rule in stdp_window.RULES.items()},
    ),
    "polychronous/figure.py draw": lambda: polychronous.draw(
        {"the first second": spikes(1000, 1000, 0, 0.005), "the second after": spikes(1000, 1000)},
        {"the first 60 s": rising(9000), "the last 60 s": rising(9000)[::-1]},
        np.arange(1, 6.0),
        [Rhythm(5.0, 0.2 * k, 0.9 / k, 4.0) for k in range(1, 6)],
    ),
    "mushroom_body/figures.py one_image": one_image,
    "mushroom_body/figures.py accuracy_against_images": lambda: (
        mushroom_body.accuracy_against_images(np.geomspace(100, 60_000, 9), rising(9, 0.2, 0.78))
    ),
    "mushroom_body/figures.py weight_histogram": lambda: mushroom_body.weight_histogram(
        0.005 * np.random.default_rng(0).random((2000, 10)) ** 2, 0.015
    ),
    "superspike/run.py draw_figure": lambda: superspike.draw_figure(
        [{"matched_by_trial": 40 * rising(50), "seed": s, "targets": 44} for s in range(5)],
        spikes(500, 10, 0, 0.01),
        spikes(500, 10, 1, 0.01),
    ),
    "training/course.py draw_course": lambda: course.draw_course(
        SimpleNamespace(history=epochs())  # type: ignore[arg-type]
    ),
    "training/yin_yang.py draw_regions": regions,
    "training/compare.py draw_figure": gradients,
    "training/pattern.py draw_figure": lambda: pattern.draw_figure(
        90 * (1.001 - rising(300, 0.0, 1.0)),
        spikes(200, 40),
        {"before": spikes(200, 40, 1), "after": spikes(200, 40, 2)},
    ),
    "training/fit_rates.py draw_figure": lambda: fit_rates.draw_figure(
        10 * rising(50 * 4).reshape(50, 2, 2),
        np.array([[8.0, 9.0], [0.6, 0.7]]),
        {when: {"e": spikes(1000, 80), "i": spikes(1000, 20)} for when in ("before", "after")},
    ),
}
