"""Frozen dataclasses that JAX sees as pytrees, with static and traced fields apart."""

import dataclasses
from collections.abc import Iterable
from typing import Any, TypeVar, dataclass_transform

import jax

_T = TypeVar("_T")


def static(**kwargs: Any) -> Any:
    """Declare a dataclass field that is structure: hashable, and static in compiled programs."""
    return dataclasses.field(metadata={"static": True}, **kwargs)


@dataclass_transform(frozen_default=True, field_specifiers=(static, dataclasses.field))
def pytree(cls: type[_T]) -> type[_T]:
    """Make `cls` a frozen dataclass and a pytree whose `static` fields are its structure.

    `__post_init__` validates and casts the arguments of a *user*. JAX rebuilds objects from tracers
    and placeholders, which can be neither validated nor cast, so unflattening bypasses
    `__post_init__`. Dicts in the fields are frozen there; to JAX they are plain dicts, so that
    trees with frozen and with plain dicts have one structure.
    """
    own_repr = "__repr__" in vars(cls)
    cls = dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)
    if not own_repr:
        cls.__repr__ = _short_repr  # type: ignore[method-assign]
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    structure = tuple(field.name for field in fields if field.metadata.get("static"))
    leaves = tuple(field.name for field in fields if not field.metadata.get("static"))

    def flatten_with_keys(node: _T) -> tuple[Any, Any]:
        children = tuple(
            (jax.tree_util.GetAttrKey(name), thawed(getattr(node, name))) for name in leaves
        )
        return children, tuple(getattr(node, name) for name in structure)

    def flatten(node: _T) -> tuple[Any, Any]:
        return (
            tuple(thawed(getattr(node, name)) for name in leaves),
            tuple(getattr(node, name) for name in structure),
        )

    def unflatten(aux: Any, children: Iterable[Any]) -> _T:
        node = object.__new__(cls)
        for name, value in zip(structure, aux, strict=True):
            object.__setattr__(node, name, value)
        for name, value in zip(leaves, children, strict=True):
            object.__setattr__(node, name, frozen(value))
        return node

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
    return cls


def _short_repr(node: Any) -> str:
    """Return the fields of an object, with arrays as their dtype and shape."""
    fields = ((field.name, getattr(node, field.name)) for field in dataclasses.fields(node))
    return f"{type(node).__name__}({', '.join(f'{name}={short(x)}' for name, x in fields)})"


def short(value: Any) -> str:
    """Return a value as text, with arrays as their dtype and shape."""
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {short(x)}" for name, x in value.items()) + "}"
    return repr(value)


def replace(node: _T, **changes: Any) -> _T:
    """Return a copy with some fields replaced and none validated, for values that are canonical."""
    copy = object.__new__(type(node))
    for field in dataclasses.fields(node):  # type: ignore[arg-type]
        is_new = field.name in changes
        value = frozen(changes[field.name]) if is_new else getattr(node, field.name)
        object.__setattr__(copy, field.name, value)
    return copy


class FrozenDict(dict[str, _T]):
    """A dict that cannot be changed; a pytree, with its keys as structure."""

    def __readonly(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            "this mapping belongs to a frozen object and cannot be changed; make a new object "
            "(dataclasses.replace, Network.with_params)"
        )

    __setitem__ = __delitem__ = __ior__ = __readonly
    clear = pop = popitem = setdefault = update = __readonly

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


def frozen(value: Any) -> Any:
    """Return a dict of concrete values as a `FrozenDict`, its dicts too; anything else as it is.

    Traced code, of which the functions of models are part, has plain dicts, since the branches of
    `lax.cond` have to agree in type.
    """
    if type(value) is not dict or not value or any(map(_is_traced, jax.tree.leaves(value))):
        return value
    return FrozenDict({name: frozen(inner) for name, inner in value.items()})


def _is_traced(leaf: Any) -> bool:
    return isinstance(leaf, jax.core.Tracer)


def thawed(value: Any) -> Any:
    """Return a `FrozenDict` as a dict, its dicts too, and any other value as it is."""
    if not isinstance(value, dict):
        return value
    return {name: thawed(inner) for name, inner in value.items()}


def _flatten_frozen(frozen: FrozenDict[Any]) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    names = tuple(sorted(frozen))
    return tuple(frozen[name] for name in names), names


def _flatten_frozen_with_keys(frozen: FrozenDict[Any]) -> tuple[Any, tuple[str, ...]]:
    values, names = _flatten_frozen(frozen)
    return tuple(zip(map(jax.tree_util.DictKey, names), values, strict=True)), names


jax.tree_util.register_pytree_with_keys(
    FrozenDict,
    _flatten_frozen_with_keys,
    lambda names, values: FrozenDict(zip(names, values, strict=True)),
    _flatten_frozen,
)
