"""Current source models: currents into a population from outside."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from jsnn.models.exponential import decay, mean_exp
from jsnn.models.model import CLOCK, Model, Values, check_not_reserved, names_of
from jsnn.models.poisson import poisson
from jsnn.models.quantity import Quantity
from jsnn.models.rounding import product


@dataclass(frozen=True, repr=False)
class CurrentSourceModel(Model):
    """A current source as one function over the N neurons of the population that it drives.

    Attributes:
      params: parameters, {name: default or `jsnn.Quantity`}. A source may give each a scalar or one
        value per neuron; the function sees `[N]`. A default of shape [K, 1] stands for a table:
        a source gives any [K, N].
      variables: variables with their initial values, {name: default or `jsnn.Quantity`}; the
        function sees `[N]`.
      current: (params, variables, key, dt in ms) -> (new variables, current [N] in nA). `key` is a
        fresh PRNG key in every step, which does not depend on the batch that a presentation is in.
      reads: names of variables of the neurons that it drives, such as ("v",); `current` finds
        them among the parameters, [N], as they were after the step before.
      name: for messages and summaries.
      description: equations, units and source.
    """

    current: Callable[[Values, Values, jax.Array, jax.Array], tuple[Values, jax.Array]]
    reads: Sequence[str] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        what = "CurrentSourceModel, reads"
        object.__setattr__(self, "reads", names_of(self.reads, what))
        check_not_reserved(self.reads, {*self.params, *CLOCK}, what, "a parameter")


def _constant(p: Values, x: Values, key: jax.Array, dt: jax.Array) -> tuple[Values, jax.Array]:
    return x, p["magnitude"]


CONSTANT = CurrentSourceModel(
    name="CONSTANT",
    description="""Constant current (GeNN's "DC").

        I = magnitude

    For a current that changes, drive the population: `jsnn.over_time` marks a time course.
    """,
    params={"magnitude": Quantity(0.0, "nA")},
    variables={},
    current=_constant,
)


def _playback(p: Values, x: Values, key: jax.Array, dt: jax.Array) -> tuple[Values, jax.Array]:
    num_rows = p["currents"].shape[0]
    row = x["step"][0]
    current = p["currents"][jnp.minimum(row, num_rows - 1)]
    return {"step": x["step"] + 1}, jnp.where(row < num_rows, current, 0)


PLAYBACK = CurrentSourceModel(
    name="PLAYBACK",
    description="""Currents played back from a table [steps, N].

        I(n) = currents[n] in step n; 0 once the table has ended

    The row is in the state, so a resumed run goes on with the next row.
    """,
    params={"currents": Quantity(((0.0,),), "nA")},
    variables={"step": Quantity(0, at_least=0)},
    current=_playback,
)


def _normal(key: jax.Array, like: jax.Array) -> jax.Array:
    """Draw from Normal(0, 1), with a rounding of its own, which no factor behind it may change."""
    return product(jax.random.normal(key, like.shape, like.dtype), 1)


def _gaussian_noise(
    p: Values, x: Values, key: jax.Array, dt: jax.Array
) -> tuple[Values, jax.Array]:
    return x, p["mean"] + product(p["sd"], _normal(key, p["mean"]))


GAUSSIAN_NOISE = CurrentSourceModel(
    name="GAUSSIAN_NOISE",
    description="""Gaussian white noise (GeNN's "GaussianNoise").

        I ~ Normal(mean, sd), drawn anew for every neuron and step

    sd is the standard deviation of each step, for any dt.
    """,
    params={"mean": Quantity(0.0, "nA"), "sd": Quantity(1.0, "nA", at_least=0)},
    variables={},
    current=_gaussian_noise,
)


def _ornstein_uhlenbeck(
    p: Values, x: Values, key: jax.Array, dt: jax.Array
) -> tuple[Values, jax.Array]:
    now = x["deviation"]
    in_half_tau = product(2, product(dt, 1 / p["tau"]))
    lost = product(in_half_tau, mean_exp(jnp.zeros_like(now), -in_half_tau))  # 1 - exp(-2 dt/τ)
    shock = product(product(p["sd"], jnp.sqrt(lost)), _normal(key, now))
    return {"deviation": product(now, decay(p["tau"], dt)) + shock}, p["mean"] + now


ORNSTEIN_UHLENBECK = CurrentSourceModel(
    name="ORNSTEIN_UHLENBECK",
    description="""Ornstein-Uhlenbeck current: coloured noise, independent for every neuron.

        I = mean + x,   τ dx/dt = -x + sd sqrt(2τ) ξ(t)     with white noise ξ
        x <- x exp(-dt/τ) + sd sqrt(1 - exp(-2 dt/τ)) Normal(0, 1)

    x is `deviation`, and I has its value at the start of a step. The update is exact for any dt
    (Gillespie 1996, Phys. Rev. E 54, 2084-2091). sd is the standard deviation of I in the long run;
    the correlation over a time t is exp(-t/τ). x starts at 0: give `initial={"deviation": ...}`
    drawn from Normal(0, sd) to start in the long run.
    """,
    params={
        "mean": Quantity(0.0, "nA"),
        "sd": Quantity(1.0, "nA", at_least=0),
        "tau": Quantity(5.0, "ms", above=0),
    },
    variables={"deviation": Quantity(0.0, "nA")},
    current=_ornstein_uhlenbeck,
)


def _poisson(p: Values, x: Values, key: jax.Array, dt: jax.Array) -> tuple[Values, jax.Array]:
    expected = product(p["rate"], product(dt, 1e-3))
    return x, product(p["weight"], poisson(key, expected))


POISSON_INPUT = CurrentSourceModel(
    name="POISSON_INPUT",
    description="""Weighted Poisson spikes, independent for every neuron (Brian2's "PoissonInput").

        I = weight k,   k ~ Poisson(rate dt)

    Several spikes may fall into one step, so the rate is exact for any dt. A traced rate, which
    cannot be checked, counts as 0 if it is below. No gradient reaches the rate.

    A neuron with rate dt up to 4 takes one round of inversion: k is found from a uniform number of
    64 bits and the probabilities of all k, added up from the smallest. Each round leaves out
    numbers of probability 2e-13 in all. Up to 64, k is a sum of as many rounds as there are fours
    in rate dt. Beyond, candidates are drawn until one is accepted. Loops do the rounds and end
    when no neuron needs another, so small rates never pay for large ones, traced or not. Under
    `vmap` they end when no network needs another; what a neuron draws stays the same.
    """,
    params={"rate": Quantity(10.0, "Hz", at_least=0), "weight": Quantity(1.0, "nA")},
    variables={},
    current=_poisson,
)
