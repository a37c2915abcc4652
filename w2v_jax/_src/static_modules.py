"""A Flax module as what is static of it and its weights, without loss of the order of its dicts."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from flax import nnx


@dataclasses.dataclass(frozen=True)
class Static:
    """What of a compiled front end is not weights. Hashable: a static argument of compiled functions.

    Attributes:
        graphdef: `flax.nnx`'s own.
        orders: of every dict in the module whose keys are not sorted, where it is, and its keys in their order, which
            `flax.nnx.merge` forgets.
    """

    graphdef: nnx.GraphDef
    orders: tuple[tuple[tuple[Any, ...], tuple[Any, ...]], ...] = ()

    def merge(self, state: nnx.State) -> Any:
        """The front end with these weights."""
        front_end = nnx.merge(self.graphdef, state)
        for path, keys in self.orders:
            node: Any = front_end
            for part in path:
                node = getattr(node, part) if isinstance(node, nnx.Module) and isinstance(part, str) else node[part]
            values = {key: node[key] for key in keys}
            for key in keys:
                del node[key]
            for key in keys:
                node[key] = values[key]
        return front_end


def split(front_end: Any, layers: Mapping[str, Any] | None) -> tuple[Static, nnx.State]:
    """A module as what is static of it and its weights; see `Static.merge`.

    Args:
        front_end: the module.
        layers: its attribute `layers` in its order, where that is a dict of its own.

    Raises:
        TypeError: a static attribute that cannot be hashed.
    """
    orders = tuple(_unsorted(front_end, (), {id(vars(front_end).get("layers"))}))
    if layers is not None:
        front_end = nnx.merge(*nnx.split(front_end))  # a copy with the same arrays
        del front_end.layers  # a dict would be sorted, or could not be hashed
        front_end.layers = nnx.static(_Layers(tuple(layers.items())))
    graphdef, state = nnx.split(front_end)
    static = Static(graphdef, orders)
    try:
        hash(static)
    except TypeError as error:
        raise TypeError(
            f"{type(front_end).__name__} has a static attribute that cannot be hashed ({error}), so that no program "
            "can be compiled for it; expected tuples for lists, and frozen dataclasses for dicts"
        ) from error
    return static, state


@dataclasses.dataclass(frozen=True)
class _Layers(Mapping[str, Any]):
    """`layers` of a module, in their order, hashable."""

    pairs: tuple[tuple[str, Any], ...]

    def __getitem__(self, name: str) -> Any:
        return dict(self.pairs)[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)


def _unsorted(node: Any, path: tuple[Any, ...], seen: set[int]) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Path and keys of every dict in a module whose keys are not in sorted order."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, dict | nnx.Dict):
        keys = tuple(node)
        if list(keys) != sorted(keys, key=str):
            yield path, keys
        children = [(key, node[key]) for key in keys]
    elif isinstance(node, list | tuple | nnx.List):
        children = list(enumerate(node))
    elif isinstance(node, nnx.Module):
        children = [(name, value) for name, value in vars(node).items() if not name.startswith("_pytree__")]
    else:
        return
    for part, child in children:
        yield from _unsorted(child, (*path, part), seen)
