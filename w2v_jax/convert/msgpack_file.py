"""Reading the msgpack file of transformers' former Flax port (`flax_model.msgpack`), through `flax.serialization`.

Its names are those of the PyTorch models, with `kernel` and `scale` where these say `weight`, and kernels as ours:
(kernel_size, in_channels, out_channels).
"""

from collections.abc import Iterator

import numpy as np
from flax import serialization

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import quote
from w2v_jax.convert.arrays import Array, ArrayInMemory
from w2v_jax.convert.places import Place

_MOST_DEPTH = 16
_PARTS = {"kernel": "weight", "scale": "weight"}


def open_msgpack(path: Place) -> dict[str, Array]:
    """The tensors of a file, by the names that PyTorch has for them. They are read at once: the format has no index.

    Raises:
        CheckpointError: damaged, or no tree of arrays.
    """
    try:
        tree = serialization.msgpack_restore(path.read_bytes())
    except OSError:
        raise
    except Exception as error:  # msgpack's errors have no common base class
        raise CheckpointError(
            f"{path}: a damaged msgpack file ({type(error).__name__}: {quote(error)}); download it again"
        ) from error
    arrays: dict[str, Array] = {}
    for name, values in _leaves(tree, "", 0):
        before, _, part = name.rpartition(".")
        plain = f"{before}.{_PARTS.get(part, part)}"
        if plain in arrays:
            raise CheckpointError(f"{path}: two tensors are called {quote(plain)}; expected one")
        arrays[plain] = ArrayInMemory(values.T if part == "kernel" else values)
    return arrays


def _leaves(tree: object, name: str, depth: int) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(tree, dict) and depth < _MOST_DEPTH:
        for key, inner in tree.items():
            if isinstance(key, str):
                yield from _leaves(inner, f"{name}.{key}" if name else key, depth + 1)
    elif isinstance(tree, np.ndarray):
        yield name, tree
