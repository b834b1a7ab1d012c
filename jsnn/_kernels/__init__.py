"""Sums of the weights of spikes, in a defined order."""
