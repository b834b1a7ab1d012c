"""Data and screenshot of the page docs/demo/index.html, where one watches the network read a digit.

To remake all of them: python -m experiments.mnist.demo --screenshot docs/demo.png
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import jsnn
from experiments import browser, cli
from experiments.mnist.data import test_images
from experiments.mnist.network import INPUT_SCALE, NUM_STEPS, V_THRESH, WEIGHTS
from jsnn.network.whole_files import write_whole

if TYPE_CHECKING:
    from playwright.sync_api import ViewportSize

PAGE = Path(__file__).parents[2] / "docs" / "demo"
URL = (PAGE / "index.html").as_uri()

IMAGES = {
    "The first": (3, 2, 1, 18, 4, 8, 11, 0, 61, 7),
    "A close vote": (717, 9645, 1984, 982, 1751, 1970, 1182, 1326, 839, 882),
    "Misread": (2329, 2182, 321, 1681, 247, 340, 259, 684, 582, 151),
}
"""Test images of the page, one of each digit, 0 to 9, in a row. In the first row they are the first
of the test set; in the second, they are read right, though another digit gets half as many votes or
more; in the third, they are read as another digit."""

SIZE: "ViewportSize" = {"width": 1200, "height": 890}
"""Size of the screenshot, in CSS pixels."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Write the data of docs/demo/ from the shipped weights and the test images."""

    screenshot: cli.OutputFile | None = None
    """File for a screenshot as PNG, docs/demo.png in the repository; this needs Chromium and the
    package playwright."""


def files() -> dict[str, str]:
    """Return the scripts that hold the data, by name; numbers are little-endian, in base64.

    They are scripts since a page that is opened as a file may not fetch others.
    """
    weights = [
        {"from": matrix.shape[0], "to": matrix.shape[1], "base64": _base64(matrix, "<f4")}
        for matrix in jsnn.load_weights(WEIGHTS)
    ]
    images = test_images()
    rows = [
        {
            "title": title,
            "indices": list(indices),
            "labels": images.labels[list(indices)].tolist(),
            "base64": _base64(images.pixels[list(indices)], "u1"),
        }
        for title, indices in IMAGES.items()
    ]
    settings = {"numSteps": NUM_STEPS, "threshold": V_THRESH, "inputScale": INPUT_SCALE}
    return {
        "weights.js": _script("PACKED_WEIGHTS", weights) + _script("SETTINGS", settings),
        "images.js": _script("PACKED_IMAGES", rows),
    }


def take_screenshot() -> bytes:
    """Return a PNG of the page as it stands when its first image has been shown to the end."""
    with browser.chromium() as chromium:
        page = chromium.new_page(viewport=SIZE, reduced_motion="reduce")
        page.goto(URL)
        return page.screenshot()


def _base64(array: np.ndarray, dtype: str) -> str:
    return base64.b64encode(array.astype(dtype).tobytes()).decode()


def _script(name: str, value: Any) -> str:
    return f"const {name} = {json.dumps(value)};\n"


def main(config: Config) -> dict[str, Any]:
    sizes = {}
    for name, content in files().items():
        write_whole(PAGE / name, content.encode())
        sizes[name] = len(content)
        print(f"wrote {PAGE / name}: {len(content) / 1e3:.0f} kB")
    if config.screenshot is not None:
        write_whole(config.screenshot, take_screenshot())
        print(f"wrote {config.screenshot}")
    return {"bytes": sizes}


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
