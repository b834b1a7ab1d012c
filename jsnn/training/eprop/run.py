"""Run of a network that adds up what each synapse has to do with the observations of a loss."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax

from jsnn._engine.driven import joined, split, with_driven_params
from jsnn._engine.groups import each_alone
from jsnn._engine.inputs import Drive
from jsnn._engine.prepared import prepare, start, state_of
from jsnn._engine.recording_plan import plan_recordings
from jsnn.simulation import start_of
from jsnn.training.eprop.checks import check_linear_readouts
from jsnn.training.eprop.learners import Learners, Learning
from jsnn.training.eprop.local_step import local_step
from jsnn.training.eprop.paths import populations_of
from jsnn.training.eprop.routes import routes_of
from jsnn.training.eprop.steps import Seen, Steps, arriving

AT_ONCE = 64
"""Number of steps whose effect on the traces is found at once."""


def sums_over_time(
    learners: Learners,
    drive: Drive,
    num_steps: int,
    key: jax.Array | None,
    folds: Mapping[str, Any],
    signals: Mapping[str, jax.Array],
) -> tuple[dict[str, Any], Callable[[dict[str, Any]], dict[str, Any]], list[Learning]]:
    """Run the network, and add up over time what each synapse has to do with the observations.

    Args:
      learners: the network and what learns in it.
      drive: checked.
      num_steps: T.
      key: for a network that is random.
      folds: {name: recording}, those that need no memory for time.
      signals: {recording: [T, N]}, derivatives with respect to the other ones.

    Returns:
      What the folds have kept, a function from that to what they record, and what each learner has
      learnt.
    """
    state = start_of(learners.network, num_steps, state=None, key=key)
    constant, varying = split(learners.network, drive)
    network = with_driven_params(learners.network, constant.params)
    prepared = prepare(network, each_alone(network.order), event_driven=True)
    plan = plan_recordings(network, folds, num_steps)
    first = start(prepared, state)
    names = dict.fromkeys(x for path in learners.paths for x in populations_of(network, path))
    now = jax.tree.map(lambda rows: rows[0], varying)
    inputs, sums = joined(constant.inputs, now.inputs), arriving(prepared, first)[0]
    routes = {
        name: routes_of(*local_step(prepared, first, name, inputs, now.params, sums))
        for name in names
    }
    check_linear_readouts(network, learners.paths, routes, now)
    steps = Steps(learners, prepared, constant, routes)

    rows: Any = (varying, dict(signals))

    def step(before: Any, now: Any) -> tuple[Any, Seen]:
        carry, past, kept = before
        carry, spikes, past, seen = steps.next(carry, past, *now)
        return (carry, past, plan.fold(kept, state_of(prepared, carry), spikes)), seen

    def some_steps(before: Any, _: None) -> tuple[Any, None]:
        running, learnt = before
        at = running[0].state.step
        now = jax.tree.map(lambda x: jax.lax.dynamic_slice_in_dim(x, at, AT_ONCE), rows)
        running, seen = jax.lax.scan(step, running, now, AT_ONCE)
        return (running, steps.learnt(learnt, seen)), None

    running: Any = (first, steps.start(), plan.start(network))
    learnt: Any = None
    times = (num_steps - 1) // AT_ONCE
    if times:
        learnt = [steps.no_traces(each, steps.shape(each)[0]) for each in learners.each]
        (running, learnt), _ = jax.lax.scan(some_steps, (running, learnt), None, times)
    last_rows = jax.tree.map(lambda x: x[times * AT_ONCE :], rows)
    (_, _, kept), seen = jax.lax.scan(step, running, last_rows, num_steps - times * AT_ONCE)
    return kept, partial(plan.finish, stacked={}), steps.learnt(learnt, seen)
