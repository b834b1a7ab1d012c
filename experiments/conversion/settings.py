"""Settings of a training, and checks of them."""

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from experiments import cli
from experiments.checkpoints import made_with
from experiments.conversion.checkpoints import (
    TRAINING,
    identity,
    is_finished,
    load_architecture,
    read_json,
)
from experiments.conversion.data import DataSet
from experiments.conversion.models import CHANNELS, Architecture, Model


@dataclass(frozen=True)
class Config(cli.Config):
    """Train by AdamW with a cosine schedule on 55,000 images; 5,000 are held out for choices."""

    model: Model = "mlp128"
    """mlp128: 784-128-10. mlp256_128: 784-256-128-10. mlp1200: 784-1200-1200-10. cnn:
    12c5-64c5-10. cnn_wide: 32c5-64c5-10."""
    activation: Literal["relu", "qcfs"] = "qcfs"
    """Activation of every hidden layer."""
    levels: int = 4
    """Number of quantisation steps of qcfs, L."""
    reduction: Literal["average", "max", "stride"] = "average"
    """Halving of images in a cnn: pooling after the activation, or a stride of 2."""
    batch_norm: bool = False
    """Batch normalisation before every activation."""
    input_dropout: float = 0.0
    """Fraction of the pixels that are dropped in training."""
    hidden_dropout: float = 0.0
    """Fraction of the hidden units that are dropped in training."""
    dataset: DataSet = "mnist"
    """Data set."""
    epochs: int = 20
    """Passes over the training images."""
    batch_size: int = 256
    """Images per update."""
    learning_rate: float = 2e-3
    """Learning rate of AdamW at the start of the cosine schedule."""
    weight_decay: float = 1e-4
    """Weight decay of AdamW for the parameters that are matrices or convolutions."""
    label_smoothing: float = 0.0
    """Share of each label that is spread over all classes."""
    average: float = 0.998
    """Decay per update of the moving average of the parameters that makes the model; 0 takes the
    last parameters."""
    spike_penalty: float = 0.0
    """Addition to the loss for every spike per image beyond --spike-budget, in L steps or, if
    given, in --steps."""
    spike_budget: float = 0.0
    """Spikes per image that --spike-penalty leaves free."""
    steps: int = 0
    """Number of steps to train through the spiking network; 0 trains the artificial network."""
    augment: bool = False
    """Turn, scale, shear, shift and bend the images, anew in every epoch."""
    strength: float = 1.0
    """Strength of --augment."""
    adversarial: float = 0.0
    """Euclidean distance by which half of each batch is moved along the gradient of the loss."""
    distil: tuple[Path, ...] = ()
    """Directories of trained models, the teachers, whose mean answer is learnt too."""
    distil_weight: float = 0.7
    """Share of the teachers in the loss; the labels have the rest."""
    temperature: float = 2.0
    """Divisor of the logits of teachers and pupil before they are compared."""
    start: Path | None = None
    """Directory of a trained model of the same sizes, whose parameters the training starts from."""
    out: cli.OutputDirectory = Path("results/conversion")
    """Directory of the checkpoints, from which an interrupted training continues."""
    test: bool = False
    """Measure the accuracy on the test images too, once all choices are made."""


def architecture_of(config: Config) -> Architecture:
    names = [field.name for field in dataclasses.fields(Architecture)]
    return Architecture(**{name: getattr(config, name) for name in names})


def settings_of(config: Config) -> dict[str, Any]:
    """Return the settings that the result depends on, as JSON has them."""
    fields = dataclasses.asdict(config)
    for name in ("out", "json", "test"):
        del fields[name]
    return json.loads(json.dumps(fields, default=str))


def origin_of(config: Config) -> dict[str, Any]:
    """Return what a training depends on beside its settings, the other models among it."""
    models = config.distil if config.start is None else (*config.distil, config.start)
    return made_with() | {"models": [identity(directory) for directory in models]}


def check(config: Config) -> None:
    """Raise ValueError for a flag that no training can have."""
    cli.check_at_least_1(config, "levels", "epochs", "batch_size")
    for flag, value in (
        ("--learning-rate", config.learning_rate),
        ("--temperature", config.temperature),
    ):
        if not 0 < value < math.inf:
            raise ValueError(f"{flag}: given {value}; expected a number > 0")
    for flag, value in (
        ("--steps", config.steps),
        ("--weight-decay", config.weight_decay),
        ("--spike-penalty", config.spike_penalty),
        ("--spike-budget", config.spike_budget),
        ("--strength", config.strength),
        ("--adversarial", config.adversarial),
    ):
        if not 0 <= value < math.inf:
            raise ValueError(f"{flag}: given {value}; expected a number >= 0")
    for flag, rate in (
        ("--input-dropout", config.input_dropout),
        ("--hidden-dropout", config.hidden_dropout),
        ("--label-smoothing", config.label_smoothing),
        ("--average", config.average),
    ):
        if not 0 <= rate < 1:
            raise ValueError(f"{flag}: given {rate}; expected a fraction in [0, 1)")
    if not 0 <= config.distil_weight <= 1:
        raise ValueError(f"--distil-weight: given {config.distil_weight}; expected one in [0, 1]")
    if config.activation == "relu" and (config.steps or config.spike_penalty):
        flag = "--steps" if config.steps else "--spike-penalty"
        raise ValueError(f"{flag}: there are no spikes with --activation relu; expected qcfs")
    if config.spike_budget and not config.spike_penalty:
        raise ValueError(
            f"--spike-budget: given {config.spike_budget} without --spike-penalty; expected both, "
            "since the penalty is the cost of a spike beyond the budget"
        )
    if config.steps and config.reduction == "max" and config.model in CHANNELS:
        raise ValueError("--steps: given with --reduction max; expected average or stride")
    for directory in config.distil:
        load_architecture(directory)
    if config.start is not None:
        _check_start(config, load_architecture(config.start))
    check_same_training(config)


def _check_start(config: Config, given: Architecture) -> None:
    wanted = architecture_of(config)
    for name in ("model", "activation", "reduction", "batch_norm"):
        if getattr(given, name) != getattr(wanted, name):
            raise ValueError(
                f"--start: the model in {config.start} has {name} {getattr(given, name)}; "
                f"expected {getattr(wanted, name)}"
            )


def check_same_training(config: Config) -> None:
    """Raise ValueError if a directory holds another training, or a part of one by other code."""
    path = config.out / TRAINING
    if not path.exists():
        return
    before, now = read_json(path), settings_of(config)
    for name in now:
        if before.get(name) != now[name]:
            raise ValueError(
                f"--out: {config.out} holds a training with {name} {before.get(name)}, not "
                f"{now[name]}; expected another directory"
            )
    if not is_finished(config.out, config.epochs) and before.get("origin") != origin_of(config):
        raise ValueError(
            f"--out: {config.out} holds an unfinished training by another version of the code, of "
            "a package or of a teacher; expected another directory (or remove this one)"
        )
