"""Numerics in a defined order."""
