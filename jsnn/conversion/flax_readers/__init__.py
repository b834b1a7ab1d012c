"""Readers of Flax models, layer by layer."""
