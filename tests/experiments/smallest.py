"""The long experiments in their smallest forms, for processes that are killed.

`python -m tests.experiments.smallest mushroom_body --out folder --json results.json`

Each function imports its own experiment alone, so that a process starts soon.
"""

import sys
from collections.abc import Callable
from types import ModuleType

from experiments import cli
from experiments.mnist import data
from tests.experiments.few_images import few_images, first


def small_mushroom_body() -> tuple[ModuleType, list[str]]:
    from experiments.mushroom_body import learning, network, train

    few = first(data.held_out_images(), 100)
    train.training_images = train.held_out_images = lambda: few
    train.draw_inputs = lambda seed: network.draw_inputs(seed, num_kc=300)
    learning.IMAGES_PER_CALL = 10
    return train, ["--num-train", "200", "--num-test", "5"]


def small_explore() -> tuple[ModuleType, list[str]]:
    from experiments.mnist import explore, sweep

    few, held_out = first(data.test_images(), 50), first(data.held_out_images(), 400)
    explore.test_images, explore.held_out_images = lambda: few, lambda: held_out
    sweep._LANES = 90
    return explore, ["--quick", "--num-steps", "10"]


def small_conversion() -> tuple[ModuleType, list[str]]:
    from experiments.conversion import train

    sizes = {"training": 100, "held_out": 40, "test": 30}
    train.images = lambda dataset, part: few_images(sizes[part], list(sizes).index(part))
    return train, ["--epochs", "12", "--batch-size", "25", "--hidden-dropout", "0.2", "--test"]


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
