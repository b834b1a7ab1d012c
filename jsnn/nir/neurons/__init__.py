"""Neurons of NIR, by the way in which they are integrated."""
