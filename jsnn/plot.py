"""Figures of runs, as functions of arrays that return a Matplotlib figure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jax.typing import ArrayLike

from jsnn._checks import check_type
from jsnn._extras import needed_by
from jsnn.recording import checked_spikes
from jsnn.spike_events import spike_list

with needed_by("jsnn.plot", "matplotlib", '"jsnn[plot]"'):
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, MaxNLocator

if TYPE_CHECKING:
    from jsnn.conversion import Report

_WIDTH = 7.0  # inches, a page's text width


def raster(
    spikes: Mapping[str, ArrayLike],
    *,
    dt: float = 1.0,
    label: int | None = None,
    title: str | None = None,
) -> Figure:
    """Draw a panel per population with a dot for every spike, and the true label as a dashed line.

    Args:
      spikes: {population: bool [T, N]}, input first.
      dt: the length of a step, in ms.
      label: the index of the true class's neuron in the last population.
      title: above the figure.

    Raises:
      TypeError: if `spikes` is no mapping.
      ValueError: if it is empty, an array is not [T, N] or holds something other than spikes, or
        the label is not the index of a neuron.
    """
    check_type(spikes, Mapping, "raster", " of spikes by population")
    recorded = {name: checked_spikes(s, f"raster of {name!r}") for name, s in spikes.items()}
    if not recorded:
        raise ValueError("raster: given no populations; expected at least one")
    heights = [
        3.0 if s.shape[-1] > 200 else 2.2 if s.shape[-1] > 20 else 1.6 for s in recorded.values()
    ]
    figure = Figure(figsize=(_WIDTH, sum(heights)), layout="constrained")
    panels = figure.subplots(len(recorded), 1, sharex=True, squeeze=False, height_ratios=heights)[
        :, 0
    ]
    for axes, (name, s) in zip(panels, recorded.items(), strict=True):
        steps, neurons = spike_list(s)
        axes.scatter(steps * dt, neurons, s=3 if s.shape[1] > 20 else 9, c="k", linewidths=0)
        axes.set_ylabel("neuron")
        axes.set_ylim(-0.5, s.shape[1] - 0.5)
        axes.set_title(f"{name}: {s.shape[1]} neurons, {len(steps)} spikes", loc="left", fontsize=9)
    last, size = panels[-1], recorded[list(recorded)[-1]].shape[1]
    if size <= 20:
        last.set_yticks(range(size))
    if label is not None:
        if not 0 <= label < size:
            raise ValueError(f"raster, label: given {label}; expected 0 to {size - 1}")
        last.axhline(label, color="tab:red", linestyle="--", linewidth=1)
        last.text(
            1.01,
            label,
            "true\nlabel",
            color="tab:red",
            fontsize=8,
            va="center",
            transform=last.get_yaxis_transform(),
        )
    num_steps = next(iter(recorded.values())).shape[0]
    last.set_xlim(-0.5 * dt, (num_steps - 0.5) * dt)
    last.set_xlabel("time [ms]")
    figure.align_ylabels()
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def voltages(
    v: ArrayLike,
    *,
    dt: float = 1.0,
    v_thresh: float | None = None,
    names: Sequence[str] | None = None,
    unit: str = "mV",
) -> Figure:
    """Draw membrane potentials over time.

    Args:
      v: [T, K], K neurons at the end of every step.
      dt: the time between rows, in ms.
      v_thresh: drawn as a dashed line.
      names: K legend entries; the neurons' positions by default.
      unit: of v; "" if the model is dimensionless.
    """
    traces = np.asarray(v)
    if traces.ndim != 2:
        raise ValueError(f"voltages: given shape {traces.shape}; expected [T, K]")
    names = [f"neuron {k}" for k in range(traces.shape[1])] if names is None else names
    if len(names) != traces.shape[1]:
        raise ValueError(f"voltages, names: given {len(names)}; expected {traces.shape[1]}")
    figure, axes = _figure()
    times = (np.arange(traces.shape[0]) + 1) * dt
    for name, trace in zip(names, traces.T, strict=True):
        axes.plot(times, trace, linewidth=1, label=name)
    if v_thresh is not None:
        axes.axhline(v_thresh, color="k", linestyle="--", linewidth=1, label="threshold")
    axes.set_xlabel("time [ms]")
    axes.set_ylabel(f"membrane potential [{unit}]" if unit else "membrane potential")
    axes.legend(fontsize=8, ncols=2)
    return figure


def accuracy_over_time(
    accuracy: Mapping[str, ArrayLike], *, dt: float = 1.0, reference: float | None = None
) -> Figure:
    """Draw accuracy against presentation time.

    Args:
      accuracy: {name: [T]}, fractions, the t-th after t + 1 steps.
      dt: the length of a step, in ms.
      reference: the accuracy of the network that the weights came from, as a dashed line.
    """
    if not accuracy:
        raise ValueError("accuracy_over_time: given no curve; expected at least one")
    curves = {name: 100 * np.asarray(values) for name, values in accuracy.items()}
    best = max(float(curve.max()) for curve in curves.values())
    figure, whole = _figure()
    close = whole.inset_axes((0.42, 0.14, 0.55, 0.55))
    for axes in (whole, close):
        for name, curve in curves.items():
            axes.plot((np.arange(len(curve)) + 1) * dt, curve, linewidth=1.5, label=name)
        if reference is not None:
            axes.axhline(100 * reference, color="k", linestyle="--", linewidth=1, label="ANN")
        axes.grid(alpha=0.3)
        axes.set_xlim(0, None)
    whole.set_ylim(0, 101)
    close.set_ylim(best - 4, best + 0.5)
    close.tick_params(labelsize=8)
    close.legend(fontsize=8, loc="lower right")
    whole.set_xlabel("presentation time [ms]")
    whole.set_ylabel("accuracy [%]")
    return figure


def spikes_against_accuracy(
    spikes: ArrayLike,
    accuracy: ArrayLike,
    *,
    marked: Mapping[str, int] | None = None,
    least: float = 0.9,
) -> Figure:
    """Draw a point per setting, and the Pareto front, the settings that no other beats in both.

    Args:
      spikes: [K], spikes per presentation of each setting.
      accuracy: [K], fractions.
      marked: {name: index} of settings to point out.
      least: the lowest accuracy shown.
    """
    s, a = np.asarray(spikes), np.asarray(accuracy)
    front = pareto_front(s, a)
    figure, axes = _figure()
    axes.scatter(s, 100 * a, s=9, c="0.6", label="settings")
    axes.plot(
        s[front], 100 * a[front], "-", c="tab:blue", linewidth=1, marker=".", label="Pareto front"
    )
    for i, (name, index) in enumerate((marked or {}).items()):
        marker, color = "*sD^v"[i % 5], f"C{1 + i % 9}"
        axes.plot(s[index], 100 * a[index], marker, color=color, markersize=9, zorder=3, label=name)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_formatter("")
    shown = s[a >= least]
    if shown.size:
        axes.set_xlim(0.8 * float(shown.min()), 1.25 * float(shown.max()))
    axes.set_xlabel("spikes per presentation, all layers")
    axes.set_ylabel("accuracy [%]")
    axes.set_ylim(100 * least, min(100.0, 100 * float(a.max()) + 0.5))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    return figure


def conversion_report(report: "Report") -> Figure:
    """Draw a converted network in four panels.

    The panels show accuracy after every step, with early exits at their mean step; the spikes of
    each population; the error of each layer, mean and standard deviation over images and neurons;
    energy.

    Args:
      report: from `jsnn.conversion.assess`.
    """
    figure: Any = Figure(figsize=(_WIDTH, 5.0), layout="constrained")
    (over_time, of_layers), (errors, energy) = figure.subplots(2, 2, width_ratios=(3, 2))
    _accuracy(report, over_time)
    names = list(report.spikes)
    of_layers.barh(names, [report.spikes[name][-1] for name in names], color="0.5")
    of_layers.invert_yaxis()
    of_layers.set_xlabel(f"spikes per image, T = {report.num_steps}")
    _errors(report, errors)
    _energy(report, energy)
    for axes in (of_layers, energy):
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
    figure.suptitle(f"{report.recipe}, {len(report.labels):,} images", fontsize=10)
    return figure


def _accuracy(report: "Report", axes: Axes) -> None:
    exits = report.early_exits
    steps = np.arange(1, report.num_steps + 1)
    axes.plot(steps, 100 * report.accuracy, marker=".", linewidth=1.5, label="after T steps")
    axes.plot(
        [exit_.mean_steps for exit_ in exits],
        [100 * exit_.accuracy for exit_ in exits],
        "x",
        markersize=5,
        label="early exit, mean T",
    )
    axes.axhline(100 * report.ann_accuracy, color="k", linestyle=":", linewidth=1, label="ANN")
    axes.set_ylim(*_half_in_view(report))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("steps T")
    axes.set_ylabel("accuracy [%]")
    axes.grid(alpha=0.3)
    _legend_above(axes)


def _half_in_view(report: "Report") -> tuple[float, float]:
    """Return limits in percent that show the later half; the first steps may lie far below."""
    exits = [exit_.accuracy for exit_ in report.early_exits]
    shown = [report.ann_accuracy, report.accuracy[-1], np.median(report.accuracy), np.median(exits)]
    lowest, highest = 100 * min(shown), 100 * max(report.ann_accuracy, *report.accuracy, *exits)
    room = 0.1 * (highest - lowest) + 0.2
    return float(lowest - room), float(highest + room)


def _legend_above(axes: Axes) -> None:
    axes.legend(
        fontsize=8,
        ncols=3,
        loc="lower right",
        bbox_to_anchor=(1, 0.98),
        frameon=False,
        columnspacing=1.2,
        handlelength=1.6,
    )


def _errors(report: "Report", axes: Axes) -> None:
    names, errors = list(report.errors), list(report.errors.values())
    axes.axvline(0, color="k", linewidth=0.8)
    axes.errorbar(
        [error.bias for error in errors],
        names,
        xerr=[error.spread for error in errors],
        fmt="o",
        markersize=4,
        capsize=3,
    )
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("spikes less activation, mean ± standard deviation")
    axes.grid(axis="x", alpha=0.3)


def _energy(report: "Report", axes: Axes) -> None:
    nanojoules = {name: pj / 1e3 for name, pj in report.energy.items()}
    names = {"snn": "spiking", "ann": "ANN", "ann_effective": "ANN, zeros\nskipped"}
    entering = report.energy_of.multiply_accumulate * report.input_macs / 1e3
    axes.barh(list(names.values()), [nanojoules[name] for name in names], color="0.5")
    if entering:
        axes.barh(["spiking"], [entering], color="tab:orange", label="analog input")
        _legend_above(axes)
    axes.invert_yaxis()
    axes.set_xlabel("energy per image [nJ]")


def pareto_front(spikes: ArrayLike, accuracy: ArrayLike) -> np.ndarray:
    """Return the indices of the settings that no other beats, in order of spikes.

    Another setting is better if it has fewer spikes and no less accuracy. Among equal settings, the
    first counts.
    """
    s, a = np.asarray(spikes), np.asarray(accuracy)
    if s.ndim != 1 or s.shape != a.shape:
        raise ValueError(f"pareto_front: given shapes {s.shape} and {a.shape}; expected one [K]")
    front: list[int] = []
    for index in np.lexsort((-a, s)):
        if not front or a[index] > a[front[-1]]:
            front.append(int(index))
    return np.asarray(front, np.int64)


def _figure() -> tuple[Figure, Axes]:
    figure: Any = Figure(figsize=(_WIDTH, 3.6), layout="constrained")
    return figure, figure.subplots()
