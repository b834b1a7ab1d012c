"""Izhikevich's network of 2006: its rhythm moves from delta to gamma while it learns for an hour.

The directory keeps the run, so that one that was cut off goes on when it is started again.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

import jsnn
from experiments import cli
from experiments.polychronous.figure import draw
from experiments.polychronous.network import NUM_NEURONS, SECOND, drive_of, network_of
from experiments.polychronous.spectrum import WINDOW, Rhythm, rhythm
from jsnn.recording import SpikesOf

STRETCH = 10
"""Seconds of which a rhythm is measured."""
SHORTEST = WINDOW // SECOND
"""Seconds that a spectrum needs."""


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for an hour."""

    duration_s: int = 3_600
    """Simulated time, in seconds."""
    out: cli.OutputDirectory = Path("results/polychronous")
    """Directory for the figure and for the run, so that it can be resumed."""


def main(config: Config) -> dict[str, Any]:
    if config.duration_s < SHORTEST:
        raise ValueError(f"--duration-s: given {config.duration_s}; expected at least {SHORTEST}")
    random = np.random.default_rng(config.seed)
    network, drive = network_of(random), drive_of(random, config.duration_s)
    num_steps = config.duration_s * SECOND
    directory = config.out / f"seed-{config.seed}-{config.duration_s}-s"
    is_whole = not directory.exists()
    began = time.perf_counter()
    state, recorded = jsnn.simulate_in_blocks(
        *(network, drive, num_steps),
        steps_per_block=SECOND,
        record={"spikes": num_spikes},
        directory=directory,
        blocks_per_save=60,
        progress=True,
    )
    seconds = time.perf_counter() - began

    rate = np.asarray(recorded["spikes"], float) * 1000 / NUM_NEURONS
    stretches = np.array_split(rate, max(1, config.duration_s // STRETCH))
    rhythms = [rhythm(stretch) for stretch in stretches]
    for name, of in (("first", rhythms[0]), ("last", rhythms[-1])):
        print(f"{name} {STRETCH} s: {described(of)}")
    if is_whole:
        print(f"{num_steps:,} steps in {seconds / 60:.1f} min, {num_steps / seconds:,.0f} a second")
    path = config.out / "rhythm.png"
    first_second = jax.tree.map(lambda course: course[:SECOND], drive)
    rasters = {
        "the first second": spikes_of_a_second(network, first_second, None),
        "the second after the end": spikes_of_a_second(network, drive_of(random, 1), state),
    }
    rates = {f"the first {STRETCH} s": stretches[0], f"the last {STRETCH} s": stretches[-1]}
    ends = STRETCH * np.arange(1, len(rhythms) + 1)
    cli.write_figure(path, draw(rasters, rates, ends / 60, rhythms))
    print(f"wrote {path}")
    weights = state.projections["excitatory"].plasticity.synapses["weight"]
    return {
        "seed": config.seed,
        "num_steps": num_steps,
        "seconds": seconds if is_whole else None,
        "rhythms": [each._asdict() for each in rhythms],
        "weights": np.histogram(weights, bins=10, range=(0, 10))[0].tolist(),
    }


def num_spikes(state: jsnn.State, spikes: SpikesOf) -> jax.Array:
    """Count the spikes of a step."""
    return spikes["neurons"].sum()


def described(of: Rhythm) -> str:
    return (
        f"{of.rate_hz:.1f} Hz, delta {of.delta:.2f} Hz², gamma {of.gamma:.2f} Hz², dominant "
        f"{of.dominant_hz:g} Hz"
    )


def spikes_of_a_second(
    network: jsnn.Network, drive: dict[str, Any], state: jsnn.State | None
) -> np.ndarray:
    """Return the spikes of a second from a state, or from the start, bool [1000, 1000]."""
    record = {"spikes": jsnn.Spikes("neurons")}
    _, recorded = jsnn.simulate(network, drive, SECOND, state=state, record=record)
    return np.asarray(recorded["spikes"])


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
