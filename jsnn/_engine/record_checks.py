"""Checks that what is asked to be recorded is a dictionary of recordings."""

import dataclasses
from collections.abc import Hashable, Mapping
from dataclasses import MISSING
from itertools import islice
from typing import Any

from jsnn.recording import Fold, Recordings, Trace

_MOST_SHOWN = 4
"""Number of entries of a suggested dictionary that are written out."""


def checked_record(record: Recordings | None, what: str = "record") -> tuple[tuple[str, Any], ...]:
    """Return recordings as pairs (name, recording), sorted by name.

    In another order they would be another static value, for which a run is compiled anew.

    Raises:
      TypeError: if `record` is not a mapping, a name is not a string, or a recording is not one.
    """
    record = {} if record is None else record
    if not isinstance(record, Mapping):
        raise TypeError(
            f"{what}: given {_described(record)}; expected a dict of recordings by name, such as "
            f"{_as_dict(record)}"
        )
    for name, recording in record.items():
        if not isinstance(name, str):
            raise TypeError(f"{what}: given the name {name!r}; expected a string")
        _check_recording(name, recording)
    return tuple(sorted(record.items()))


def _check_recording(name: str, recording: Any) -> None:
    what = f"recording {name!r}"
    if isinstance(recording, str):
        raise TypeError(
            f"{what}: given the name {recording!r}; expected a recording, such as "
            f'jsnn.Spikes("{recording}")'
        )
    if isinstance(recording, type):
        fields = dataclasses.fields(recording) if dataclasses.is_dataclass(recording) else ()
        needed = [field.name for field in fields if field.default is MISSING]
        raise TypeError(
            f"{what}: given the class {recording.__name__}; expected an instance, "
            f"{recording.__name__}({', '.join(needed)})"
        )
    if not _is_recording(recording) and not callable(recording):
        raise TypeError(
            f"{what}: given {type(recording).__name__}; expected one recording, such as "
            "jsnn.Spikes(population), or a function of (state, spikes)"
        )
    if not isinstance(recording, Hashable):
        raise TypeError(
            f"{what}: given an unhashable {type(recording).__name__}; expected a "
            "function or a frozen dataclass, since recordings are static"
        )


def _described(given: Any) -> str:
    if isinstance(given, str):
        return f"the name {given!r}"
    if _is_recording(given):
        return f"one recording, {_written(given)}"
    of_names = isinstance(given, list | tuple | set) and given and all(map(_is_name, given))
    return f"a {type(given).__name__} of names" if of_names else type(given).__name__


def _is_recording(given: Any) -> bool:
    return isinstance(given, Trace | Fold) and not isinstance(given, type)


def _is_name(given: Any) -> bool:
    return isinstance(given, str)


def _as_dict(given: Any) -> str:
    """Return the dictionary to write in place of a name or a recording, or several of them."""
    entries = given if isinstance(given, list | tuple | set) else [given]
    known = [entry for entry in entries if _is_name(entry) or _is_recording(entry)]
    written = [f'"{_name_for(entry)}": {_written(entry)}' for entry in islice(known, _MOST_SHOWN)]
    if not written:
        written = ['"spikes": jsnn.Spikes(population)']
    return f"{{{', '.join(written)}{', ...' if len(known) > _MOST_SHOWN else ''}}}"


def _name_for(entry: Any) -> str:
    if _is_name(entry):
        return str(entry)
    return str(getattr(entry, "population", getattr(entry, "part", type(entry).__name__)))


def _written(entry: Any) -> str:
    """Return the call that makes a recording; a name stands for its spikes."""
    if _is_name(entry):
        return f'jsnn.Spikes("{entry}")'
    fields = dataclasses.fields(entry) if dataclasses.is_dataclass(entry) else ()
    given = {f.name: getattr(entry, f.name) for f in fields}
    changed = [
        _quoted(given[f.name]) if f.default is MISSING else f"{f.name}={_quoted(given[f.name])}"
        for f in fields
        if given[f.name] != f.default
    ]
    own = type(entry).__module__.startswith("jsnn.")
    return f"{'jsnn.' if own else ''}{type(entry).__name__}({', '.join(changed)})"


def _quoted(value: Any) -> str:
    """Return text as it stands in double quotes, and other values as Python shows them."""
    return f'"{value}"' if isinstance(value, str) else repr(value)
