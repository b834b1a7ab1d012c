"""Long runs: many steps in blocks, with records that go on to the user, and states on disk."""

from jsnn.long_runs.in_blocks import simulate_in_blocks

__all__ = ["simulate_in_blocks"]
