"""Checks of a figure as it will be printed."""

import itertools
import re

import matplotlib.figure
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.text import Text
from matplotlib.transforms import Bbox

SMALLEST_PT = 7.0
WIDTHS_MM = (85.0, 178.0)
SLACK_PT = 0.75  # boxes of text are a little larger than the text

QUANTITIES = r"\b(time|rate|potential|accuracy|error|current|frequency|energy|variance)\b"
"""Words of a label that need a unit in brackets."""


def faults_in_print(figure: matplotlib.figure.Figure) -> list[str]:
    """Return what is wrong with a figure at the size in which it is printed."""
    figure.draw_without_rendering()
    width = figure.get_size_inches()[0] * 25.4
    faults = [] if np.isclose(width, WIDTHS_MM, atol=0.01).any() else [f"{width:.1f} mm wide"]
    if figure.get_suptitle():
        faults.append(f"a title: {figure.get_suptitle()!r}")
    for axes in figure.axes:
        titles = [axes.get_title(place) for place in ("left", "center", "right")]
        faults += [f"a title: {title!r}" for title in titles if title]
        faults += _labels(axes, figure)
    texts = visible_texts(figure)
    faults += [
        f"{text.get_text()!r} has {text.get_fontsize()} pt"
        for text in texts
        if text.get_fontsize() < SMALLEST_PT or re.search(r"\$.*[_^].*\$", text.get_text())
    ]
    return faults + _places(figure, texts)


def _labels(axes: Axes, figure: matplotlib.figure.Figure) -> list[str]:
    labels = [axes.get_xlabel() or figure.get_supxlabel(), axes.get_ylabel()]
    faults = [
        f"no unit in {label!r}"
        for label in labels
        if re.search(QUANTITIES, label) and not re.search(r"\[.+\]", label)
    ]
    numbered = any(label.get_text() for label in _tick_labels(axes.xaxis))
    return faults + ["an x axis without a name"] * (numbered and not labels[0])


def visible_texts(figure: matplotlib.figure.Figure) -> list[Text]:
    """Return all texts that are to be seen, tick labels outside the limits left out."""
    of_ticks: list[Text] = []
    ticks: list[Text] = []
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                of_ticks += [tick.label1, tick.label2]
            if axes.axison:
                ticks += _tick_labels(axis)
    hidden = set(map(id, of_ticks))
    others = [text for text in figure.findobj(Text) if id(text) not in hidden]
    return [t for t in (*others, *ticks) if t.get_visible() and t.get_text().strip()]


def _tick_labels(axis: Axis) -> list[Text]:
    low, high = sorted(axis.get_view_interval())
    room = 1e-9 * (high - low)
    ticks = (*axis.get_major_ticks(), *axis.get_minor_ticks())
    return [
        label
        for tick in ticks
        if low - room <= tick.get_loc() <= high + room
        for label in (tick.label1, tick.label2)
        if label.get_visible()
    ]


def _places(figure: matplotlib.figure.Figure, texts: list[Text]) -> list[str]:
    slack = SLACK_PT * figure.dpi / 72
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in texts]
    outside = [
        f"{text!r} leaves the figure"
        for text, box in boxes
        if min(box.x0, box.y0, figure.bbox.x1 - box.x1, figure.bbox.y1 - box.y1) < -slack
    ]
    overlaps = [
        f"{one!r} overlaps {other!r}"
        for (one, a), (other, b) in itertools.combinations(boxes, 2)
        if Bbox.intersection(a.padded(-slack), b.padded(-slack)) is not None
    ]
    return outside + overlaps
