"""Steps of a network in which eligibility goes along with the neurons."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jsnn._engine.driven import Driven, joined
from jsnn._engine.on_the_way import row_of, with_new_row
from jsnn._engine.prepared import Carry, Prepared
from jsnn._engine.sending import plasticity_of, product_of
from jsnn._engine.step import advance
from jsnn.training.eprop.learners import EVERY_STEP, LAST, Learner, Learners, Learning, name_of_sum
from jsnn.training.eprop.local_step import (
    SPIKE,
    Place,
    Route,
    arriving_through,
    derivatives,
    local_step,
)
from jsnn.training.eprop.routes import Routes
from jsnn.training.eprop.traces import next_traces, start_traces


class Present(NamedTuple):
    """Present of a learner: derivatives and spikes of a step, or of several with a leading axis.

    Attributes:
      derivatives: {route: [post]}, of the step of its population.
      entering: [pre], what arrived at its synapses.
    """

    derivatives: dict[Route, jax.Array]
    entering: jax.Array


class Seen(NamedTuple):
    """Record of all that traces need of a step, or of several with a leading axis.

    Attributes:
      by_learner: of each learner, as late as its paths.
      readouts: {population: {route: [1]}}, the derivatives of the step of a readout.
      signals: {recording: [N]}, of what is observed in every step.
    """

    by_learner: list[Present]
    readouts: dict[str, dict[Route, jax.Array]]
    signals: dict[str, jax.Array]


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

    def start(self) -> list[Present]:
        """Return the rows of late learners before the first step, [delay, ...]."""
        dtype = self.prepared.network.dtype

        def nothing(learner: Learner) -> Present:
            num_pre, num_post = self.shape(learner)
            row = jnp.zeros((learner.delay, num_post), dtype)
            derivatives = dict.fromkeys(self._routes_of(learner.population), row)
            return Present(derivatives, jnp.zeros((learner.delay, num_pre), dtype))

        return [nothing(learner) for learner in self.learners.each]

    def next(
        self,
        carry: Carry,
        past: list[Present],
        now: Driven,
        signals: dict[str, jax.Array],
    ) -> tuple[Carry, dict[str, jax.Array], list[Present], Seen]:
        """Take one step of the network.

        Args:
          carry: before the step.
          past: the rows of late learners.
          now: the part of the drive that belongs to this step.
          signals: {recording: [N]}.

        Returns:
          The carry after the step, its spikes, the rows, and what the traces need.
        """
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
        late, later = [], []
        for learner, rows in zip(self.learners.each, past, strict=True):
            present = Present(slopes[learner.population], entering[learner.projection])
            if learner.delay:
                later.append(jax.tree.map(partial(_with_row, step), rows, present))
                present = jax.tree.map(partial(_row, step), rows)
            else:
                later.append(rows)
            late.append(present)
        readouts = {
            self._post(q): {route: x[:1] for route, x in slopes[self._post(q)].items()}
            for learner in self.learners.each
            for q in learner.readouts
        }
        return after_step, spikes, later, Seen(late, readouts, signals)

    def no_traces(self, learner: Learner, num_pre: int) -> Learning:
        """Return what a learner carries before the first step, for some presynaptic neurons."""
        shape, dtype = (num_pre, self.shape(learner)[1]), self.prepared.network.dtype
        names = [name_of_sum(path, each) for path in learner.paths for each in path.observations]
        return Learning(
            start_traces(self._places(learner.projection), shape, dtype),
            {q: start_traces(self._places(q), shape, dtype) for q in learner.readouts},
            dict.fromkeys(names, jnp.zeros(shape, dtype)),
        )

    def learnt(self, before: list[Learning] | None, seen: Seen) -> list[Learning]:
        """Return what the learners have learnt after several steps.

        Args:
          before: what they had learnt before, or None before the first step.
          seen: of these steps, [K, ...] each.
        """
        return [
            self._learnt(i, None if before is None else before[i], seen)
            for i in range(len(self.learners.each))
        ]

    def _learnt(self, i: int, before: Learning | None, seen: Seen) -> Learning:
        """Return what a learner has learnt after K steps.

        What it carries is linear in what it has carried before and in what arrives at the synapses,
        with factors that differ from step to step and between postsynaptic neurons, but not between
        presynaptic ones. So the factors of K steps together are found for one presynaptic neuron,
        and a product over the steps does the rest.
        """
        learner, present = self.learners.each[i], seen.by_learner[i]

        def of_one(start: Learning, effects: jax.Array) -> Learning:
            def step(learning: Learning, now: Any) -> tuple[Learning, None]:
                effect, slopes, *others = now
                return self._after_step(learner, learning, effect, slopes, *others), None

            steps = (effects, present.derivatives, seen.readouts, seen.signals)
            return jax.lax.scan(step, start, steps)[0]

        nothing = self.no_traces(learner, 1)
        num_steps = len(present.entering)
        effects = jnp.zeros((num_steps, *jax.tree.leaves(nothing)[0].shape), present.entering.dtype)
        _, transposed = jax.vjp(of_one, nothing, effects)
        leaves, tree = jax.tree.flatten(nothing)
        n = len(leaves)
        one_each = [jnp.zeros((n, *x.shape), x.dtype).at[k].set(1) for k, x in enumerate(leaves)]
        by_start, by_effects = jax.vmap(transposed)(jax.tree.unflatten(tree, one_each))
        after = [
            jnp.dot(present.entering.T, by_effects[k, :, 0], precision="highest") for k in range(n)
        ]
        if before is not None:
            factors, values = jax.tree.leaves(by_start), jax.tree.leaves(before)
            after = [
                sum((f[k] * x for f, x in zip(factors, values, strict=True)), start=after[k])
                for k in range(n)
            ]
        return jax.tree.unflatten(tree, after)

    def _after_step(
        self,
        learner: Learner,
        before: Learning,
        effect: jax.Array,
        slopes: dict[Route, jax.Array],
        readouts: dict[str, dict[Route, jax.Array]],
        signals: dict[str, jax.Array],
    ) -> Learning:
        """Return what a learner has learnt after a step.

        Args:
          learner: the learner.
          before: what it had learnt before.
          effect: that of the weights on what arrives at the neurons.
          slopes: the derivatives of the step of its neurons.
          readouts: those of the readouts.
          signals: of what is observed in every step.
        """
        places = self._places(learner.projection)
        entrance = arriving_through(learner.projection)
        traces = next_traces(before.traces, slopes, entrance, effect, (*places, SPIKE))
        filtered = {
            q: next_traces(
                of_q,
                readouts[self._post(q)],
                arriving_through(q),
                traces[SPIKE],
                self._places(q),
            )
            for q, of_q in before.filtered.items()
        }
        sums = dict(before.sums)
        for path in learner.paths:
            of_path = traces if path.through is None else filtered[path.through]
            observed = of_path.get(path.place, jnp.zeros_like(effect))
            for name in dict.fromkeys(name_of_sum(path, each) for each in path.observations):
                if name == EVERY_STEP:
                    traced = [x.name for x in path.observations if x.is_trace]
                    by_observed = jnp.stack([signals[x] for x in traced]).sum(axis=0)
                    signal = self.learners.signal(path, by_observed)
                    sums[name] = sums[name] + observed * signal[None]
                else:
                    sums[name] = observed + (0 if name.endswith(LAST) else sums[name])
        return Learning({place: traces[place] for place in places}, filtered, sums)

    def shape(self, learner: Learner) -> tuple[int, int]:
        """Return the shape of the weights of a learner."""
        connectivity = self.prepared.network.projection(learner.projection).connectivity
        return connectivity.num_pre, connectivity.num_post

    def _post(self, projection: str) -> str:
        return self.prepared.network.projection(projection).post

    def _places(self, projection: str) -> tuple[Place, ...]:
        """Return the variables on which the weights of a projection have an influence."""
        reached = self.routes[self._post(projection)].reached_from(arriving_through(projection))
        return tuple(place for place in reached if place != SPIKE)

    def _routes_of(self, population: str) -> frozenset[Route]:
        """Return the derivatives of a population that its traces need."""
        entrances = [x for each in self.learners.each for x in (each.projection, *each.readouts)]
        entrances = [name for name in entrances if self._post(name) == population]
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


def _row(step: jax.Array, rows: jax.Array) -> jax.Array:
    return row_of(rows, step)


def _with_row(step: jax.Array, rows: jax.Array, new: jax.Array) -> jax.Array:
    return with_new_row(rows, step, new)
