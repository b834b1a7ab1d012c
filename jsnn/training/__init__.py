"""Learning through time: what is trained, losses, gradients and the loop."""

from jsnn.training import losses
from jsnn.training.exact import exact
from jsnn.training.trainable import trainable, within_bounds

__all__ = ["exact", "losses", "trainable", "within_bounds"]
