"""Spoken digits: a recurrent spiking network learns words, and then hears another speaker.

The Free Spoken Digit Dataset as spikes of a cochlea. `--delays` learns a delay for each synapse
from the input too, and `--peer gru` trains a GRU with as many parameters in the same way.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
import optax

import jsnn
from experiments import cli
from experiments.training import gru_peer
from experiments.training.course import draw_course, rows
from experiments.training.data.folds import Left, fold_of
from experiments.training.data.spoken import Spoken
from experiments.training.data.spoken_digits import spoken_digits
from experiments.training.data.variation import VariedBatches

NUM_STEPS, DT, BATCH_SIZE = 80, 6.0, 32  # steps of 6 ms
READER = {"tau_m": 30.0, "r_m": 1.0, "v_rest": 0.0}
NEURON = READER | {"v_reset": 0.0, "v_thresh": 1.0, "tau_refrac": 0.0}
TAU_SYN, LONGEST, WIDEST = 10.0, 12, 4.0  # ms; longest delay and first width in steps
READOUT = jsnn.mean_voltage("classes")
LOSS = jsnn.losses.cross_entropy(READOUT) + 1e-4 * jsnn.losses.rates_above("hidden", 20.0)
GRADIENTS = {"exact": jsnn.gradients.exact(), "eprop": jsnn.gradients.eprop()}
GRADIENTS["surrogate"] = jsnn.gradients.surrogate(jsnn.surrogates.superspike(0.5, height=0.3))


@dataclass(frozen=True)
class Config(cli.Config):
    """Flags, by default for a minute or two."""

    gradient: Literal["surrogate", "exact", "eprop"] = "surrogate"
    """Rule by which gradients are made."""
    recurrent: bool = True
    """Let hidden neurons excite and inhibit each other."""
    delays: bool = False
    """Learn a delay for each synapse from the input too; takes twice as long."""
    hidden: int = 128
    """Number of hidden neurons, at most 256."""
    peer: Literal["gru"] | None = None
    """Train a GRU with as many parameters in place of the spiking network."""
    speaker: Left = "george"
    """Speaker who is left for the test, or "official" for indices 0 to 4 of all speakers."""
    source: Path | None = None
    """Folder or zip archive of the recordings; by default the release, which is fetched."""
    channels: Literal[64, 700] = 64
    """Number of channels of the cochlea."""
    epochs: int = 15
    """Passes over the training recordings."""
    full: bool = False
    """Learn for 100 epochs with 256 hidden neurons."""
    test: bool = False
    """Measure on the test recordings at the end; for the last measurement only."""
    checkpoint: cli.OutputFile | None = None
    """File from which training goes on if it was interrupted."""
    out: cli.OutputFigure = Path("results/spoken_digits.png")
    """File for the figure."""


def draw(config: Config) -> jsnn.Network:
    """Draw the network, channels - hidden - 10."""
    random = np.random.default_rng(config.seed)
    sizes = {"channels": config.channels, "hidden": config.hidden, "classes": 10}

    def projection(pre: str, post: str, scale: float) -> jsnn.Projection:
        shape = sizes[pre], sizes[post]
        weights = random.normal(0.0, scale / sizes[pre] ** 0.5, shape).astype(np.float32)
        delays = random.uniform(1, LONGEST, shape).astype(np.float32)
        has_delays = config.delays and pre == "channels"
        dense = jsnn.LearntDelays(weights, delays, LONGEST) if has_delays else jsnn.Dense(weights)
        return jsnn.Projection(pre, post, dense, jsnn.EXPONENTIAL, {"tau": TAU_SYN})

    populations = [
        jsnn.Population("channels", config.channels, jsnn.SPIKE_SOURCE),
        jsnn.Population("hidden", config.hidden, jsnn.LIF, NEURON, {"v": 0.0}),
        jsnn.Population("classes", 10, jsnn.LEAKY_INTEGRATOR, READER),
    ]
    projections = [projection("channels", "hidden", 4.0), projection("hidden", "classes", 10.0)]
    if config.recurrent:
        projections.append(projection("hidden", "hidden", 1.0))
    return jsnn.Network(populations, projections, dt=DT)


def drive(events: Spoken) -> dict[str, Any]:
    return {"channels": jsnn.over_time(events.trains(NUM_STEPS, DT))}


def main(config: Config) -> dict[str, Any]:
    check_flags(config)
    config = replace(config, hidden=256, epochs=100) if config.full else config
    fold = fold_of(*spoken_digits(config.source, config.channels), config.speaker)
    held_out, test = ((drive(part), part.labels) for part in (fold.held_out, fold.test))
    batches = VariedBatches(fold.learnt, drive, BATCH_SIZE, config.seed)
    network, epochs = draw(config), config.epochs
    rate = optax.cosine_decay_schedule(0.02, epochs * len(batches))
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate))
    train = {p.name: ["weights"] for p in network.projections}
    train["channels_to_hidden"] += ["delays"] * config.delays
    width = {"width": lambda epoch: WIDEST * 0.1 ** (epoch / epochs)}
    parameters = sum(map(np.size, jax.tree.leaves(jsnn.trainable(network, train))))
    if config.peer:
        training = gru_peer.fit(batches, held_out, parameters, optimizer, epochs, config.seed)
        parameters, accuracy = training.parameters, training.accuracy
    else:
        training = jsnn.fit(
            *(network, batches, None, NUM_STEPS, LOSS, optimizer),
            epochs=epochs,
            batch_size=BATCH_SIZE,
            train=train,
            gradient=GRADIENTS[config.gradient],
            readout=READOUT,
            validation=held_out,
            patience=epochs,  # the best epoch is kept
            over_epochs={"channels_to_hidden": width} if config.delays else None,
            checkpoint=config.checkpoint,
            progress=True,
        )
        trained = jsnn.deployed(training.network)
        accuracy = lambda *data: jsnn.evaluate(trained, *data, NUM_STEPS, READOUT).accuracy  # noqa: E731
    results = {"held_out_accuracy": accuracy(*held_out)}
    results |= {"test_accuracy": accuracy(*test)} if config.test else {}
    print(", ".join(f"{name.replace('_', ' ')} {value:.2%}" for name, value in results.items()))
    cli.write_figure(config.out, draw_course(training))
    print(f"wrote {config.out}")
    flags = ("gradient", "recurrent", "delays", "peer", "speaker", "seed")
    results |= {name: getattr(config, name) for name in flags} | {"parameters": parameters}
    return results | {"epochs": rows(training), "figure": str(config.out)}


def check_flags(config: Config) -> None:
    """Raise ValueError if a flag is out of its range, or does not go with another one."""
    for flag, most in (("hidden", 256), ("epochs", 1000)):
        if not 1 <= getattr(config, flag) <= most:
            raise ValueError(f"--{flag}: given {getattr(config, flag)}; expected 1 to {most}")
    if config.gradient == "eprop" and config.delays:
        raise ValueError("--gradient: given eprop with --delays; expected surrogate or exact")
    if config.peer and config.gradient != "surrogate":
        raise ValueError(f"--gradient: given {config.gradient} with --peer; expected surrogate")
    if config.peer and config.checkpoint:
        raise ValueError("--checkpoint: given with --peer, which keeps none; expected one of them")


if __name__ == "__main__":
    cli.run(Config, main, __doc__ or "")
