"""The page docs/demo/: its files, its spikes beside those of jsnn, and its use in a browser."""

import base64
import json
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, ViewportSize

import jsnn
from experiments import browser
from experiments.idx import Images
from experiments.mnist import data, demo
from experiments.mnist.data import input_currents
from experiments.mnist.network import INPUT_SCALE, NUM_STEPS, V_THRESH, WEIGHTS, spiking_network

PAGE = demo.PAGE
SCREENSHOT = PAGE.with_suffix(".png")

SETTINGS = [(V_THRESH, INPUT_SCALE), (255 * 0.0173, 0.0173)]
"""Thresholds and input scales: those that the page begins with, and others that float32 rounds
down, so that the brightest pixels spike in every step only if both are rounded as in jsnn."""

FIRST, CLOSE, MISREAD = demo.IMAGES.values()
INDICES = [*FIRST, *CLOSE, *MISREAD]

RUNS = """
((images, [threshold, scale]) => {
  const weights = unpackWeights(PACKED_WEIGHTS);
  const [spikes, bits] = [[], []];
  for (const base64 of images) {
    const run = simulate(bytesOf(base64), weights, threshold, scale, SETTINGS.numSteps);
    for (const layer of run.spikes) for (const now of layer) spikes.push(...now);
    for (const layer of run.potentials) bits.push(...new Uint32Array(layer.at(-1).buffer));
  }
  return JSON.stringify([spikes.join(""), bits]);
})
"""
"""Function in JavaScript from images and a setting to what `Runs` has, as text and as integers."""


class Runs(NamedTuple):
    """Presentations of all images.

    Attributes:
      spikes: 0 or 1, uint8 by image, and then by layer, step and neuron.
      potentials: float32 after the last step, by image, and then by layer and neuron.
    """

    spikes: np.ndarray
    potentials: np.ndarray


@pytest.fixture(scope="module")
def images() -> Images:
    """The test images that the page offers."""
    pixels, labels = data.test_images()
    return Images(pixels[INDICES], labels[INDICES])


@pytest.fixture(scope="module")
def runs_of_jsnn(images: Images) -> list[Runs]:
    """Presentations by jsnn, for each setting."""
    network = spiking_network(jsnn.load_weights(WEIGHTS))
    record = {name: jsnn.Spikes(name) for name in network.sizes}

    @jax.jit
    def show(network: jsnn.Network, currents: jax.Array) -> tuple[jsnn.State, Any]:
        def one(current: jax.Array) -> tuple[jsnn.State, Any]:
            return jsnn.simulate(network, {"layer0": current}, NUM_STEPS, record=record)

        return jax.vmap(one)(currents)

    def flat(arrays: Iterable[jax.Array]) -> np.ndarray:
        by_image = [np.asarray(array).reshape(len(INDICES), -1) for array in arrays]
        return np.concatenate(by_image, axis=1)

    def runs(threshold: float, scale: float) -> Runs:
        given = {name: {"v_thresh": np.float32(threshold)} for name in network.sizes}
        currents = input_currents(images.pixels, scale)
        state, trains = show(network.with_params(given), currents)
        spikes = flat(trains[name] for name in network.sizes).astype(np.uint8)
        return Runs(spikes, flat(state.populations[name]["v"] for name in network.sizes))

    return [runs(*setting) for setting in SETTINGS]


@pytest.fixture(scope="module")
def votes(runs_of_jsnn: list[Runs]) -> np.ndarray:
    """Votes for each digit after each step, as the page begins, [image, step, digit]."""
    output = runs_of_jsnn[0].spikes[:, -NUM_STEPS * 10 :].reshape(-1, NUM_STEPS, 10)
    return output.astype(int).cumsum(axis=1)


def call_of_runs(pixels: np.ndarray, setting: tuple[float, float]) -> str:
    encoded = [base64.b64encode(image.tobytes()).decode() for image in pixels]
    return f"{RUNS}({json.dumps(encoded)}, {json.dumps(setting)})"


def check_runs(printed: str, expected: Runs) -> None:
    """Check that runs in JavaScript are those expected, bit for bit."""
    digits, bits = json.loads(printed)
    spikes = np.frombuffer(digits.encode(), np.uint8) - ord("0")
    np.testing.assert_array_equal(spikes.reshape(len(INDICES), -1), expected.spikes)
    potentials = np.array(bits, np.uint32).reshape(len(INDICES), -1)
    np.testing.assert_array_equal(potentials, expected.potentials.view(np.uint32))


def opened(
    chromium: Browser, motion: Literal["reduce", "no-preference"], size: ViewportSize = demo.SIZE
) -> Iterator[Page]:
    """Open the page anew; afterwards, check that it has reported no error."""
    with chromium.new_page(viewport=size, reduced_motion=motion) as page:
        errors = browser.errors_of(page)
        page.goto(demo.URL)
        yield page
        page.evaluate("0")  # errors come before the answer
        assert errors == []


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """The page as somebody sees it who wants no motion: every image is shown to its end."""
    yield from opened(chromium, "reduce")


@pytest.fixture
def moving_page(chromium: Browser) -> Iterator[Page]:
    """The page as it plays by itself."""
    yield from opened(chromium, "no-preference")


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    yield from opened(chromium, "reduce", {"width": 390, "height": 844})


# Files


def test_the_page_is_smaller_than_a_megabyte() -> None:
    assert sum(path.stat().st_size for path in PAGE.rglob("*") if path.is_file()) < 1_000_000


def test_the_data_are_those_of_the_shipped_weights_and_of_the_test_images() -> None:
    written = {name: (PAGE / name).read_text() for name in demo.files()}
    assert written == demo.files()


def test_the_page_loads_nothing_but_its_own_files() -> None:
    html = (PAGE / "index.html").read_text()
    loaded = set(re.findall(r'<script src="(.*?)"|<link rel="stylesheet" href="(.*?)"', html))
    loaded = {script or style for script, style in loaded}
    assert loaded | {"index.html"} == {path.name for path in PAGE.iterdir()}
    assert "://" not in "".join((PAGE / name).read_text() for name in loaded)


def test_the_screenshot_is_one_of_this_size() -> None:
    png = SCREENSHOT.read_bytes()
    width, height = struct.unpack(">II", png[16:24])  # as in the header of a PNG
    assert {"width": width, "height": height} == demo.SIZE
    assert len(png) < 150_000


def test_the_rows_of_images_are_what_their_titles_say(images: Images, votes: np.ndarray) -> None:
    digits = np.arange(10)
    assert images.labels.reshape(3, 10).tolist() == [digits.tolist()] * 3
    assert list(FIRST) == [int(np.argmax(data.test_images().labels == digit)) for digit in digits]
    right = votes[:, -1].argmax(axis=1).reshape(3, 10) == digits
    assert right[1].all()
    assert not right[2].any()
    runner_up, most = np.sort(votes[10:20, -1], axis=1)[:, -2:].T
    assert np.all(2 * runner_up >= most)


# Browser


def test_an_error_says_that_the_browser_has_to_be_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OSError, match="apt install chromium"), browser.chromium():
        pass
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(ModuleNotFoundError, match="pip install playwright"), browser.chromium():
        pass


def test_errors_of_a_page_are_noticed(chromium: Browser) -> None:
    with chromium.new_page() as page:
        errors = browser.errors_of(page)
        page.set_content(
            "<script>console.log('said'); console.error('logged'); throw Error('thrown')</script>"
            "<script src='file:///nowhere.js'></script>"
        )
        page.evaluate("0")
    logged, thrown, not_loaded = errors
    assert (logged, thrown) == ("logged", "thrown")
    assert "file:///nowhere.js" in not_loaded


# Spikes


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_chromium_makes_the_spikes_of_jsnn(
    page: Page, images: Images, runs_of_jsnn: list[Runs], number: int
) -> None:
    assert runs_of_jsnn[number].spikes.sum() > 100_000
    check_runs(page.evaluate(call_of_runs(images.pixels, SETTINGS[number])), runs_of_jsnn[number])


def test_node_makes_the_spikes_of_jsnn(images: Images, runs_of_jsnn: list[Runs]) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    scripts = "".join((PAGE / name).read_text() for name in ("weights.js", "data.js", "network.js"))
    for setting, expected in zip(SETTINGS, runs_of_jsnn, strict=True):
        program = f"{scripts}\nconsole.log({call_of_runs(images.pixels, setting)})"
        ran = subprocess.run([node, "-"], input=program, capture_output=True, text=True, check=True)
        check_runs(ran.stdout, expected)


# Use


def expected_answer(votes: np.ndarray) -> str:
    """The text for votes by step and digit, which lead to an answer that no other is level with."""
    leaders = votes.argmax(axis=1)
    answer = leaders[-1]
    disagree = np.flatnonzero((leaders != answer) | (votes.max(axis=1) == 0))
    since = disagree[-1] + 2  # the step after it, and steps are counted from 1
    return f"The answer is {answer}, settled since step {since}."


def test_the_first_image_is_answered_before_anybody_does_anything(
    page: Page, votes: np.ndarray
) -> None:
    assert page.text_content("#answer") == expected_answer(votes[INDICES.index(982)])
    assert (
        page.text_content(".layer.output .total") == f"{votes[INDICES.index(982), -1].sum()} spikes"
    )


def test_a_click_on_an_image_shows_the_answer_of_jsnn(
    page: Page, images: Images, votes: np.ndarray
) -> None:
    for number, (index, label) in enumerate(zip(INDICES, images.labels, strict=True)):
        page.locator("#strip button").nth(number).click()
        assert page.text_content("#answer") == expected_answer(votes[number])
        right = votes[number, -1].argmax() == label
        verdict = "right" if right else "wrong"
        assert page.text_content("#shown") == f"Test image {index} is a {label}: {verdict}."
    counts = page.evaluate("[...document.querySelectorAll('.count')].map((x) => +x.textContent)")
    assert counts == votes[-1, -1].tolist()
    (leading,) = np.flatnonzero(votes[-1, -1] == votes[-1, -1].max())
    assert page.text_content(".leading .name") == str(leading)


def test_the_page_plays_by_itself_and_the_keys_guide_it(moving_page: Page) -> None:
    page = moving_page
    page.wait_for_function("document.querySelector('#step').value >= 2")
    page.keyboard.press(" ")
    step = int(page.input_value("#step"))
    assert 2 <= step < NUM_STEPS
    page.wait_for_timeout(200)
    assert int(page.input_value("#step")) == step
    for key, expected in {
        "ArrowRight": step + 1,
        "ArrowLeft": step,
        "End": NUM_STEPS,
        "Home": 0,
    }.items():
        page.keyboard.press(key)
        assert int(page.input_value("#step")) == expected
    assert page.text_content("#answer") == "No votes yet."
    page.keyboard.press(" ")
    page.wait_for_function("document.querySelector('#step').value >= 1")


def test_another_image_plays_no_faster_than_the_first(moving_page: Page) -> None:
    for _ in range(5):
        moving_page.keyboard.press("7")
    steps_per_second = moving_page.evaluate("""(async () => {
      const [begin, steps] = [performance.now(), now.steps];
      await new Promise((resolve) => setTimeout(resolve, 500));
      return (now.steps - steps - 1) / ((performance.now() - begin) / 1000);
    })()""")  # less one, since the first step may follow at once
    assert steps_per_second <= moving_page.evaluate("STEPS_PER_SECOND")


def test_a_digit_chooses_an_image_and_once_more_the_next(page: Page) -> None:
    for row in (FIRST, CLOSE, MISREAD, FIRST):
        page.keyboard.press("7")
        assert f"Test image {row[7]} is a 7" in page.inner_text("#shown")


def draw(page: Page, stroke: list[tuple[float, float]]) -> None:
    """Draw a line through points of the pad, whose sides have length 1."""
    box = page.locator("#pad").bounding_box()
    assert box is not None
    for x, y in stroke:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if (x, y) == stroke[0]:
            page.mouse.down()
    page.mouse.up()


@pytest.mark.parametrize(
    ("digit", "stroke"),
    [(1, [(0.5, 0.2), (0.48, 0.8)]), (7, [(0.3, 0.25), (0.7, 0.25), (0.46, 0.8)])],
)
def test_a_drawn_digit_is_read_wherever_it_stands_and_at_any_size(
    page: Page, digit: int, stroke: list[tuple[float, float]]
) -> None:
    for scale, shift in ((1, 0), (0.4, 0.1)):
        page.click("#clear")
        draw(page, [(scale * x + shift, scale * y) for x, y in stroke])
        assert page.text_content("#digit") == str(digit)
        assert page.text_content("#shown") == "Your drawing."


def test_a_digit_can_be_drawn_with_the_keyboard(page: Page) -> None:
    page.focus("#pad")
    for key in ("Enter", *["ArrowDown"] * 12, "Enter"):
        page.keyboard.press(key)
    assert (page.text_content("#digit"), page.text_content("#shown")) == ("1", "Your drawing.")
    page.keyboard.press("Delete")
    assert page.text_content("#answer") == "No output neuron spiked."


def test_a_digit_that_is_chosen_while_the_pen_is_down_lifts_it(page: Page) -> None:
    page.focus("#pad")
    for key in ("Enter", "ArrowDown", "7", "ArrowDown"):
        page.keyboard.press(key)
    assert f"Test image {FIRST[7]} is a 7" in page.inner_text("#shown")


def test_digits_with_as_many_votes_are_named(page: Page, votes: np.ndarray) -> None:
    of_982 = votes[INDICES.index(982)]
    most = of_982.max(axis=1, keepdims=True)
    step = int(np.flatnonzero((of_982 == most).sum(axis=1) == 2)[-1])
    first, other = np.flatnonzero(of_982[step] == most[step])
    page.evaluate(f"pauseAt({step + 1})")
    assert page.text_content("#answer") == f"{first} and {other} are level."


def test_a_slider_changes_the_network_at_once(page: Page) -> None:
    before = page.text_content(".layer.input .total")
    page.press("#threshold", "ArrowRight")
    assert (page.input_value("#threshold"), page.text_content("#threshold-text")) == ("5.5", "5.5")
    assert page.text_content(".layer.input .total") != before
    page.click("#defaults")
    assert (page.input_value("#threshold"), page.input_value("#scale")) == ("5", "0.01")
    assert page.text_content(".layer.input .total") == before


def test_nothing_is_wider_than_a_phone(phone: Page) -> None:
    wider = phone.evaluate(
        "[...document.body.querySelectorAll('*')]"
        ".filter((x) => x.getBoundingClientRect().right > 390).map((x) => x.outerHTML)"
    )
    assert wider == []
    assert phone.evaluate("document.documentElement.scrollWidth") == 390


def test_every_control_has_a_name(page: Page) -> None:
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, input, canvas[tabindex]')]"
        ".filter((x) => !(x.ariaLabel || x.textContent.trim() || x.labels?.length))"
        ".map((x) => x.outerHTML)"
    )
    assert nameless == []
