"""Figures in notebooks and files, and settings of Matplotlib that stay as they are."""

import io
import pickle
import re
import xml.etree.ElementTree as ElementTree

import matplotlib
import matplotlib.figure
import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from jsnn import plot
from jsnn.plot.typography import WIDTHS_MM

V = np.cumsum(np.ones((20, 2)), axis=0)


def saved(figure, suffix):
    content = io.BytesIO()
    figure.savefig(content, format=suffix)
    return content.getvalue()


@pytest.mark.parametrize("width", WIDTHS_MM)
def test_a_figure_is_as_wide_as_its_column(width):
    figure, _ = plot.figure(width=width, height=40)
    np.testing.assert_allclose(figure.get_size_inches() * 25.4, [WIDTHS_MM[width], 40])
    svg = ElementTree.fromstring(saved(figure, "svg"))
    points = float(svg.attrib["width"].removesuffix("pt"))
    assert points / 72 * 25.4 == pytest.approx(WIDTHS_MM[width])


def test_a_png_has_200_dots_per_inch():
    image = matplotlib.image.imread(io.BytesIO(saved(plot.voltages(V), "png")))
    assert image.shape[1] == int(178 / 25.4 * 200)


def test_axes_are_those_of_subplots():
    assert plot.figure()[1].get_xlabel() == ""
    assert plot.figure(3)[1].shape == (3,)
    assert plot.figure(1, 2)[1].shape == (2,)
    assert plot.figure(2, 2, sharex="col")[1].shape == (2, 2)


def test_panels_are_wider_than_high_but_not_flat():
    heights = [25.4 * plot.figure(2, n)[0].get_size_inches()[1] / 2 for n in (1, 2, 4)]
    np.testing.assert_allclose(heights, [65, 0.62 * 89, 40])


def test_text_of_a_pdf_is_truetype_and_that_of_an_svg_is_text():
    figure = plot.voltages(V)
    pdf = saved(figure, "pdf")
    assert b"/Subtype /CIDFontType2" in pdf or b"/Subtype /TrueType" in pdf
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    svg = saved(figure, "svg").decode()
    assert re.search(r"<text[^>]*>time \[ms\]</text>", svg)


def test_a_notebook_shows_a_figure_that_is_the_last_expression():
    shell = InteractiveShell.instance()
    try:
        data, _ = shell.display_formatter.format(plot.voltages(V))
    finally:
        InteractiveShell.clear_instance()
    image = matplotlib.image.imread(io.BytesIO(data["image/png"]))
    assert image.shape[1] == 1401


@pytest.mark.parametrize("draw", [lambda: plot.voltages(V), lambda: plot.figure(2, 2)[0]])
def test_the_settings_of_the_user_stay_and_do_not_matter(draw):
    before = dict(matplotlib.rcParams)
    expected = saved(draw(), "png")
    assert dict(matplotlib.rcParams) == before
    with plt.style.context(["dark_background", {"font.size": 30, "savefig.dpi": 20}]):
        assert saved(draw(), "png") == expected


def test_functions_draw_into_the_axes_of_a_user():
    figure = matplotlib.figure.Figure()
    axes = figure.subplots()
    assert plot.voltages(V, ax=axes) is figure
    assert len(axes.lines) == 2


def test_axes_without_a_figure_are_refused():
    figure = matplotlib.figure.Figure()
    axes = figure.subplots()
    axes.remove()
    with pytest.raises(ValueError, match="voltages, ax: given axes without a figure"):
        plot.voltages(V, ax=axes)
    with pytest.raises(TypeError, match="voltages, ax: given Figure; expected an Axes"):
        plot.voltages(V, ax=figure)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": "wide"}, "width: given 'wide'; expected 'single' or 'double'"),
        ({"height": 0.0}, "height: given 0.0; expected mm above 0"),
        ({"height": -3}, "height: given -3; expected mm above 0"),
    ],
)
def test_a_size_that_is_none_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot.figure(**arguments)


def test_a_figure_can_be_pickled(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")  # the date in the file
    figure = plot.voltages(V)
    assert saved(pickle.loads(pickle.dumps(figure)), "svg") == saved(figure, "svg")


def test_no_figure_is_left_open_in_pyplot():
    plot.voltages(V)
    assert not plt.get_fignums()
