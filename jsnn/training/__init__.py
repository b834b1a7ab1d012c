"""Learning through time: what is trained, losses, gradients and the loop."""

from jsnn.training.trainable import trainable, within_bounds

__all__ = ["trainable", "within_bounds"]
