"""Gradients of a loss: by surrogate derivatives of spikes, by their times, or by e-prop.

A gradient is a value that `jsnn.fit` takes, and a function to call:

    value_and_grad = jsnn.gradients.surrogate().of(loss, num_steps)
    (loss, recorded), gradient = value_and_grad(network, values, drives, targets)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from jsnn._checks import check_flag, positive_int
from jsnn._engine.inputs import takes_spikes
from jsnn._engine.record_checks import checked_record
from jsnn.models.surrogates import Surrogate, check_surrogate
from jsnn.network.network import Network
from jsnn.recording import Recording
from jsnn.simulation import simulate
from jsnn.training.eprop import EProp
from jsnn.training.eprop import eprop as by_eprop
from jsnn.training.exact import exact as exact_network
from jsnn.training.losses import Loss, scalar
from jsnn.training.trainable import Values

ValueAndGrad = Callable[..., tuple[tuple[jax.Array, dict[str, Any]], Values]]
"""A function of a batch of B presentations.

    (network, values, drives, targets, shares, keys) -> ((loss, recorded), gradient)

Args of it: the network; the trained values; drives and targets, [B, ...]; shares [B], the weight of
each presentation in the loss (by default 1 / B); keys [B], if the network is random. It returns the
loss Σ share L, what was recorded, [B, ...], and the gradient, in the form of the values.
"""


class Gradient(Protocol):
    """A way to make gradients; hashable."""

    def network(self, network: Network) -> Network:
        """Return the network that is simulated for a network that is trained."""
        ...

    def of(
        self, loss: Loss, num_steps: int, record: Mapping[str, Recording] | None = None
    ) -> ValueAndGrad:
        """Return the function that makes the gradients of a loss of `num_steps` steps.

        Args:
          loss: the loss.
          num_steps: T.
          record: {name: recording}, more to record beside what the loss needs.
        """
        ...


@dataclass(frozen=True)
class _ThroughTime:
    """Gradients by differentiation of a simulation.

    Attributes:
      transform: network -> the network that is simulated.
      checkpoint_every: of `simulate`.
    """

    transform: Callable[[Network], Network]
    checkpoint_every: int | None

    def network(self, network: Network) -> Network:
        return self.transform(network)

    def of(
        self, loss: Loss, num_steps: int, record: Mapping[str, Recording] | None = None
    ) -> ValueAndGrad:
        def mean_loss(
            values: Values, network: Network, drives: Any, targets: Any, shares: Any, keys: Any
        ) -> tuple[jax.Array, dict[str, Any]]:
            simulated = self.network(network.with_params(values))
            each, recorded = losses_of(
                *(loss, simulated, drives, targets, num_steps, keys, record),
                checkpoint_every=self.checkpoint_every,
            )
            return jnp.sum(each * shares), recorded

        return _of_batch(jax.value_and_grad(mean_loss, has_aux=True))


def _of_batch(differentiate: Callable[..., Any]) -> ValueAndGrad:
    """Return the function of a batch, whose presentations count equally by default.

    Args:
      differentiate: (values, network, drives, targets, shares, keys) -> ((loss, recorded),
        gradient).
    """

    def value_and_grad(
        network: Network,
        values: Values,
        drives: Any,
        targets: Any,
        shares: jax.Array | None = None,
        keys: jax.Array | None = None,
    ) -> tuple[tuple[jax.Array, dict[str, Any]], Values]:
        size = _size(drives, targets)
        if shares is None:
            shares = jnp.full(size, 1 / size, network.dtype)
        return differentiate(values, network, drives, targets, shares, keys)

    return value_and_grad


def _size(drives: Any, targets: Any) -> int:
    """Return the number of presentations of a batch.

    Raises:
      ValueError: if drives and targets have no first axis of one length.
    """
    of_drives = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(drives)}
    of_targets = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(targets)}
    if len(of_drives | of_targets) != 1 or of_drives == {()}:
        given = (", ".join(map(str, sorted(x))) or "none" for x in (of_drives, of_targets))
        raise ValueError(
            "gradient of a batch: given first axes {} of the drives and {} of the targets; "
            "expected (B,) of both, one target for each presentation (x[None] of a single "
            "one)".format(*given)
        )
    ((size,),) = of_drives
    return size


def losses_of(
    loss: Loss,
    network: Network,
    drives: Any,
    targets: Any,
    num_steps: int,
    keys: jax.Array | None,
    record: Mapping[str, Recording] | None = None,
    *,
    checkpoint_every: int | None = None,
) -> tuple[jax.Array, dict[str, Any]]:
    """Return the loss of each presentation of a batch, [B], and what was recorded, [B, ...]."""

    def one(drive: Any, target: Any, key: Any) -> tuple[jax.Array, dict[str, Any]]:
        recorded = simulate(
            *(network, drive, num_steps),
            record={**loss.record, **dict(checked_record(record))},
            key=key,
            checkpoint_every=checkpoint_every,
        )[1]
        return scalar(loss.value(recorded, target)), recorded

    return jax.vmap(one, in_axes=(0, 0, None if keys is None else 0))(drives, targets, keys)


@dataclass(frozen=True)
class _WithSurrogate:
    """Put a surrogate derivative into all neuron models of a network, but for given spikes."""

    surrogate: Surrogate

    def __call__(self, network: Network) -> Network:
        populations = [
            p if takes_spikes(p) else replace(p, model=replace(p.model, surrogate=self.surrogate))
            for p in network.populations
        ]
        return replace(network, populations=populations)


def _as_it_is(network: Network) -> Network:
    return network


def surrogate(
    function: Surrogate | None = None, *, checkpoint_every: int | None = None
) -> Gradient:
    """Return gradients by back-propagation through time, with surrogate derivatives of spikes.

    Neftci, Mostafa & Zenke 2019, IEEE Signal Processing Magazine 36, 51-63.

    Args:
      function: the surrogate of all populations, such as `jsnn.surrogates.arctan()`; by default
        that of each neuron model.
      checkpoint_every: keep the state of every so many steps, and compute the steps between once
        more: less memory and more time.

    Raises:
      TypeError: if the surrogate is no function.
    """
    if function is not None:
        check_surrogate(function, "gradients.surrogate")
    transform = _as_it_is if function is None else _WithSurrogate(function)
    return _ThroughTime(transform, _checked_steps(checkpoint_every))


@dataclass(frozen=True)
class _Exact:
    interpolated: bool

    def __call__(self, network: Network) -> Network:
        return exact_network(network, interpolated=self.interpolated)


def exact(*, interpolated: bool = False, checkpoint_every: int | None = None) -> Gradient:
    """Return gradients by the times of spikes, as `jsnn.exact` makes them.

    Args:
      interpolated: find the times of spikes within a step, also in the forward run.
      checkpoint_every: keep the state of every so many steps, and compute the steps between once
        more: less memory and more time.
    """
    check_flag(interpolated, "gradients.exact, interpolated")
    return _ThroughTime(_Exact(interpolated), _checked_steps(checkpoint_every))


@dataclass(frozen=True)
class _ByEProp:
    """Gradients by e-prop.

    Attributes:
      of_one: the gradient of one presentation.
    """

    of_one: EProp

    def network(self, network: Network) -> Network:
        return network

    def of(
        self, loss: Loss, num_steps: int, record: Mapping[str, Recording] | None = None
    ) -> ValueAndGrad:
        def weighted(
            values: Values, network: Network, drives: Any, targets: Any, shares: Any, keys: Any
        ) -> tuple[tuple[jax.Array, dict[str, Any]], Values]:
            def one(drive: Any, target: Any, key: Any) -> Any:
                return self.of_one(loss, network, values, drive, target, num_steps, key, record)

            in_axes = (0, 0, None if keys is None else 0)
            (each, recorded), of_each = jax.vmap(one, in_axes)(drives, targets, keys)
            gradient = jax.tree.map(lambda x: jnp.tensordot(shares, x, 1), of_each)
            return (jnp.sum(each * shares), recorded), gradient

        return _of_batch(weighted)


def eprop(feedback: str | jax.Array = "symmetric") -> Gradient:
    """Return gradients of weights by e-prop, online, with memory that does not grow with time.

    Bellec et al. 2020, Nature Communications 11, 3625. `jsnn.training.eprop.EProp` has the
    equations.

    Args:
      feedback: "symmetric" for the weights of the readout, or `jax.random.key(seed)` for random
        numbers in their place.
    """
    return _ByEProp(by_eprop(feedback))


def _checked_steps(given: int | None) -> int | None:
    return None if given is None else positive_int(given, "gradients, checkpoint_every")


def check_gradient(gradient: Any) -> None:
    """Raise TypeError if `gradient` is none, such as a name."""
    if not hasattr(gradient, "of") or not hasattr(gradient, "network"):
        raise TypeError(
            f"fit, gradient: given {gradient!r}; expected one of jsnn.gradients, such as "
            "jsnn.gradients.surrogate()"
        )
