"""Steps of a network in which eligibility goes along with the neurons."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jsnn._engine.driven import Driven, joined
from jsnn._engine.on_the_way import row_of, with_new_row
from jsnn._engine.prepared import Carry, Prepared
from jsnn._engine.sending import plasticity_of, product_of
from jsnn._engine.step import advance
from jsnn.training.eprop.learners import Learner, Learners, Learning, name_of_sum, sums_of
from jsnn.training.eprop.local_step import (
    SPIKE,
    Place,
    Route,
    arriving_through,
    derivatives,
    local_step,
)
from jsnn.training.eprop.paths import Path
from jsnn.training.eprop.routes import Routes
from jsnn.training.eprop.traces import next_traces, start_traces


class Past(NamedTuple):
    """What the traces need of a step, or of the last D steps with rows [D, ...].

    Attributes:
      derivatives: {route: [post]}, of the step of a population.
      entering: {projection: [pre]}, what arrived at its synapses.
    """

    derivatives: dict[Route, jax.Array]
    entering: dict[str, jax.Array]


class Steps(NamedTuple):
    """The steps of a run.

    Attributes:
      learners: the network and what learns in it.
      prepared: the network, ready for many steps.
      constant: the part of the drive that is constant in time.
      routes: {population: the derivatives of its step that are not zero}.
    """

    learners: Learners
    prepared: Prepared
    constant: Driven
    routes: dict[str, Routes]

    def start(self, has_signals: bool) -> tuple[list[Learning], dict[str, Past]]:
        """Return what learners carry, and the past of late ones, before the first step."""
        network, dtype = self.prepared.network, self.prepared.network.dtype
        learning, past = [], {}
        for learner in self.learners.each:
            projection = network.projection(learner.projection).connectivity
            shape = (projection.num_pre, projection.num_post)
            nothing = jnp.zeros(shape, dtype)
            filtered = {
                path.through: start_traces(self._places(path.through), shape, dtype)
                for path in learner.paths
                if path.through is not None
            }
            learning.append(
                Learning(
                    start_traces(self._places(learner.projection), shape, dtype),
                    filtered,
                    {name_of_sum(path, each): nothing for path, each in sums_of(learner)},
                    nothing if has_signals else jnp.zeros((1, 1), dtype),
                )
            )
            if learner.delay:
                rows = jnp.zeros((learner.delay, shape[1]), dtype)
                past[_late(learner)] = Past(
                    dict.fromkeys(self._routes_of(learner.population), rows),
                    {
                        name: jnp.zeros(
                            (learner.delay, network.projection(name).connectivity.num_pre), dtype
                        )
                        for name in self._trained_to(learner.population)
                    },
                )
        return learning, past

    def next(
        self,
        carry: Carry,
        learning: list[Learning],
        past: dict[str, Past],
        now: Driven,
        signals: dict[str, jax.Array],
    ) -> tuple[Carry, dict[str, jax.Array], list[Learning], dict[str, Past]]:
        """Take one step of the network and of its traces."""
        step = carry.state.step
        sums, entering = arriving(self.prepared, carry)
        inputs = joined(self.constant.inputs, now.inputs)
        slopes = {
            name: derivatives(
                *local_step(self.prepared, carry, name, inputs, now.params, sums),
                self._routes_of(name),
            )
            for name in self.routes
        }
        after_step, spikes = advance(self.prepared, carry, inputs, now.params, arriving=sums)
        learnt, later = [], dict(past)
        for learner, before in zip(self.learners.each, learning, strict=True):
            present = Past(
                slopes[learner.population],
                {name: entering[name] for name in self._trained_to(learner.population)},
            )
            if learner.delay:
                rows = past[_late(learner)]
                later[_late(learner)] = jax.tree.map(
                    lambda rows, new: with_new_row(rows, step, new), rows, present
                )
                present = jax.tree.map(lambda rows: row_of(rows, step), rows)
            learnt.append(self._learnt(learner, before, present, slopes, signals))
        return after_step, spikes, learnt, later

    def _learnt(
        self,
        learner: Learner,
        before: Learning,
        present: Past,
        slopes: dict[str, dict[Route, jax.Array]],
        signals: dict[str, jax.Array],
    ) -> Learning:
        """Return what a learner has learnt after a step."""
        name = learner.projection
        places = self._places(name)
        traces = next_traces(
            before.traces,
            present.derivatives,
            arriving_through(name),
            present.entering[name][:, None],
            (*places, SPIKE),
        )
        filtered = {
            q: next_traces(
                of_q,
                {route: x[:1] for route, x in slopes[self._post(q)].items()},
                arriving_through(q),
                traces[SPIKE],
                self._places(q),
            )
            for q, of_q in before.filtered.items()
        }

        def seen(path: Path) -> jax.Array:
            of_path = traces if path.through is None else filtered[path.through]
            return of_path.get(path.place, jnp.zeros_like(traces[SPIKE]))

        sums = {
            name_of_sum(path, each): seen(path)
            + (0 if each.is_last else before.sums[name_of_sum(path, each)])
            for path, each in sums_of(learner)
        }
        gradient = before.gradient
        for path in learner.paths:
            by_place = [signals[each.name] for each in path.observations if each.is_trace]
            for each in by_place:
                gradient = gradient + seen(path) * self.learners.signal(path, each)[None]
        return Learning({place: traces[place] for place in places}, filtered, sums, gradient)

    def _post(self, projection: str) -> str:
        return self.prepared.network.projection(projection).post

    def _trained_to(self, population: str) -> list[str]:
        return [name for name in self.learners.trained if self._post(name) == population]

    def _places(self, projection: str) -> tuple[Place, ...]:
        """Return the variables on which the weights of a projection have an influence."""
        reached = self.routes[self._post(projection)].reached_from(arriving_through(projection))
        return tuple(place for place in reached if place != SPIKE)

    def _routes_of(self, population: str) -> frozenset[Route]:
        """Return the derivatives of a population that its traces need."""
        entrances = [
            *self._trained_to(population),
            *(
                q.through
                for q in self.learners.paths
                if q.through and self._post(q.through) == population
            ),
        ]
        places = {x for name in entrances for x in (*self._places(name), arriving_through(name))}
        return frozenset(route for route in self.routes[population].all if route[1] in places)


def arriving(prepared: Prepared, carry: Carry) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
    """Return the sums that arrive now by projection, [post], and what makes them, [pre]."""
    sums, entering = {}, {}
    for p in prepared.network.projections:
        rows = carry.state.projections[p.name].in_flight
        if rows is None or p.keeps_sums or p.delay == 0:
            continue
        entering[p.name] = row_of(rows, carry.state.step)
        sums[p.name] = product_of(prepared, p, plasticity_of(p, carry.state), entering[p.name])
    return sums, entering


def _late(learner: Learner) -> str:
    return f"{learner.population}, {learner.delay} steps late"
