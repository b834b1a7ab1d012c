"""Plan of a run: its static part, found once before anything is compiled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsnn._engine.driven import split, with_driven_params
from jsnn._engine.recording_plan import RecordingPlan
from jsnn._engine.schedule import Schedule, quickest_schedule, together
from jsnn.network.network import Network


@dataclass(frozen=True)
class Plan:
    """The static part of a run.

    Attributes:
      num_steps: T.
      recordings: what to keep of the run.
      schedule: the populations that are stepped together, and the ways to do it.
      checkpoint_every: derivatives keep the state of every so many steps and compute the others
        again; None to keep what they need of each step.
    """

    num_steps: int
    recordings: RecordingPlan
    schedule: Schedule
    checkpoint_every: int | None = None


def plan_run(
    network: Network,
    drive: Mapping[str, Any],
    num_steps: int,
    recordings: RecordingPlan,
    *,
    scheduled: bool,
    checkpoint_every: int | None = None,
) -> Plan:
    """Plan a run from a fresh state.

    Args:
      network: the network that is simulated.
      drive: from `checked_drive`.
      num_steps: T.
      recordings: from `plan_recordings`.
      scheduled: find the quickest schedule; otherwise step all populations together with whole
        products.
      checkpoint_every: the number of steps from one kept state to the next, for derivatives.
    """
    if checkpoint_every is not None:
        schedule = together(network, event_driven=scheduled)
        return Plan(num_steps, recordings, schedule, checkpoint_every)
    if not scheduled:
        return Plan(num_steps, recordings, together(network, event_driven=False))
    constant, varying = split(network, drive)
    network = with_driven_params(network, constant.params)
    schedule = quickest_schedule(network, constant, varying, recordings, num_steps)
    return Plan(num_steps, recordings, schedule)
