"""Paths of a learning signal: from what a loss observes back to the populations that learn."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from jsnn.network.network import Network
from jsnn.training.eprop.local_step import Place
from jsnn.training.eprop.observations import Observation


@dataclass(frozen=True)
class Path:
    """The way from a population that learns to what a loss observes.

    Attributes:
      population: the population that learns.
      through: the projection to the population that is observed, or None if it is the same one.
      place: what is observed.
      delay: steps from a spike to its effect on what is observed.
      observations: those of this place, each with a learning signal.
    """

    population: str
    through: str | None
    place: Place
    delay: int
    observations: tuple[Observation, ...]


def paths_of(
    network: Network, trained: Sequence[str], observations: Iterable[Observation]
) -> tuple[Path, ...]:
    """Return the paths on which learning signals reach the trained projections.

    Raises:
      ValueError: if there is none to a population that learns, or two through different
        projections.
    """
    learning = list(dict.fromkeys(network.projection(name).post for name in trained))
    by_place: dict[tuple[str, Place], list[Observation]] = {}
    for each in observations:
        by_place.setdefault((each.population, each.place), []).append(each)
    paths = []
    for population in learning:
        found = [
            Path(population, None, place, 0, tuple(group))
            for (of, place), group in by_place.items()
            if of == population
        ]
        for (of, place), group in by_place.items():
            leading = [
                p
                for p in network.projections
                if (p.pre, p.post) == (population, of) and p.pre != of
            ]
            if leading and place[0] != "neuron":
                raise ValueError(
                    f"eprop, loss: given spikes of {of!r}, to which {population!r}, which learns, "
                    "projects; expected a variable of a readout that does not spike, such as "
                    "jsnn.mean_voltage"
                )
            if len(leading) > 1:
                raise ValueError(
                    f"eprop: given projections {[p.name for p in leading]} from {population!r} to "
                    f"the readout {of!r}; expected one of them"
                )
            found += [Path(population, p.name, place, p.delay, tuple(group)) for p in leading]
        if not found:
            raise ValueError(
                f"eprop: given population {population!r}, which learns, but projects to no "
                "population that the loss observes and is not observed itself; expected a "
                "projection of its own to a readout"
            )
        paths += found
    return tuple(paths)


def populations_of(network: Network, path: Path) -> Iterator[str]:
    """Yield the populations of a path: the one that learns, and the readout."""
    yield path.population
    if path.through is not None:
        yield network.projection(path.through).post
