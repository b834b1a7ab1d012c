"""Execution of a run: inputs, steps, plasticity and schedule."""
