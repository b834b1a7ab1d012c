"""The long experiments in their smallest forms, for processes that are killed.

`python -m tests.experiments.smallest mushroom_body --out folder --json results.json`
"""

import sys
from collections.abc import Callable
from types import ModuleType

from experiments import cli
from experiments.conversion import train as conversion
from experiments.mnist import explore, sweep
from experiments.mnist.data import held_out_images
from experiments.mnist.data import test_images as images_for_tests
from experiments.mushroom_body import learning
from experiments.mushroom_body import train as mushroom_body
from experiments.mushroom_body.network import draw_inputs
from tests.experiments.few_images import few_images, first


def small_mushroom_body() -> tuple[ModuleType, list[str]]:
    few = first(held_out_images(), 100)
    mushroom_body.training_images = mushroom_body.held_out_images = lambda: few
    mushroom_body.draw_inputs = lambda seed: draw_inputs(seed, num_kc=300)
    learning.IMAGES_PER_CALL = 10
    return mushroom_body, ["--num-train", "200", "--num-test", "5"]


def small_explore() -> tuple[ModuleType, list[str]]:
    few, held_out = first(images_for_tests(), 50), first(held_out_images(), 400)
    explore.test_images, explore.held_out_images = lambda: few, lambda: held_out
    sweep._LANES = 90
    return explore, ["--quick", "--num-steps", "10"]


def small_conversion() -> tuple[ModuleType, list[str]]:
    sizes = {"training": 100, "held_out": 40, "test": 30}
    conversion.images = lambda dataset, part: few_images(sizes[part], list(sizes).index(part))
    flags = ["--epochs", "12", "--batch-size", "25", "--hidden-dropout", "0.2", "--test"]
    return conversion, flags


EXPERIMENTS: dict[str, Callable[[], tuple[ModuleType, list[str]]]] = {
    "mushroom_body": small_mushroom_body,
    "explore": small_explore,
    "conversion": small_conversion,
}

if __name__ == "__main__":
    module, flags = EXPERIMENTS[sys.argv[1]]()
    sys.argv[1:] = [*flags, *sys.argv[2:]]
    print("begins", flush=True)
    cli.run(module.Config, module.main, "")
