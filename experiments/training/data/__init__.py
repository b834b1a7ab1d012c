"""Data sets for learning through time, a file each."""
