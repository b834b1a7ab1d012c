"""Learning through time: what is trained, losses, gradients and the loop."""

from jsnn.training import gradients, losses
from jsnn.training.exact import exact
from jsnn.training.fit import fit
from jsnn.training.history import Epoch, Training
from jsnn.training.trainable import trainable, within_bounds

__all__ = [
    "Epoch",
    "Training",
    "exact",
    "fit",
    "gradients",
    "losses",
    "trainable",
    "within_bounds",
]
