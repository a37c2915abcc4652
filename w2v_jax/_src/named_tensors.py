"""An encoder's parameters as tensors with names, which are what a weight file holds."""

import functools
import hashlib
import types
from collections.abc import Iterable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import listing, quote
from w2v_jax.convolution import Precision
from w2v_jax.encoder import EncoderConfig, FeatureEncoder


@functools.lru_cache(maxsize=128)
def tensor_shapes(config: EncoderConfig) -> Mapping[str, tuple[int, ...]]:
    """Name and shape of every tensor that an encoder of this config has."""
    abstract = nnx.eval_shape(lambda: FeatureEncoder(config, rngs=nnx.Rngs(0)))
    return types.MappingProxyType({name: value.shape for name, value in _flat_parameters(abstract).items()})


def encoder_tensors(encoder: FeatureEncoder) -> dict[str, np.ndarray]:
    """The encoder's parameters by name, as NumPy arrays on the host."""
    return {name: np.asarray(value) for name, value in _flat_parameters(encoder).items()}


def encoder_from_tensors(
    config: EncoderConfig,
    tensors: Mapping[str, np.ndarray],
    *,
    precision: Precision = "float32",
    origin: str = "tensors",
) -> FeatureEncoder:
    """An encoder with the given parameters, cast to float32.

    Args:
        config: the architecture.
        tensors: exactly the names and shapes of `tensor_shapes(config)`, of any floating dtype, finite.
        precision: of the encoder; see `FeatureEncoder`.
        origin: name of the file they come from, for the error message.

    Raises:
        CheckpointError: missing, extra, misshapen, non-floating or non-finite tensors.
    """
    check_tensors(config, tensors, origin=origin)
    abstract = nnx.eval_shape(lambda: FeatureEncoder(config, precision=precision, rngs=nnx.Rngs(0)))
    graphdef, state = nnx.split(abstract)
    leaves = {
        path: variable.replace(jnp.asarray(tensors[_name(path)], dtype=jnp.float32))
        for path, variable in nnx.to_flat_state(state)
    }
    return nnx.merge(graphdef, nnx.from_flat_state(leaves))


def check_tensors(config: EncoderConfig, tensors: Mapping[str, np.ndarray], *, origin: str) -> None:
    """Raises `CheckpointError` unless `tensors` are what an encoder of this config needs, float32-finite."""
    shown = quote(config, 400)
    if len(config.channels) > len(tensors):  # before an encoder of so many layers is thought of
        raise CheckpointError(f"{origin}: {len(tensors)} tensors; expected those of {len(config.channels)} layers")
    shapes = tensor_shapes(config)
    if missing := sorted(shapes.keys() - tensors.keys()):
        raise CheckpointError(f"{origin}: missing {listing(missing)}; expected {len(shapes)} tensors for {shown}")
    if extra := sorted(tensors.keys() - shapes.keys()):
        raise CheckpointError(f"{origin}: unexpected {listing(extra)}; expected {len(shapes)} tensors for {shown}")
    for name, shape in shapes.items():
        tensor = tensors[name]
        if tensor.shape != shape:
            actual = quote(tensor.shape, 60)
            raise CheckpointError(f"{origin}: {name} has shape {actual}; expected {quote(shape, 60)} for {shown}")
        if not jnp.issubdtype(tensor.dtype, jnp.floating):
            raise CheckpointError(f"{origin}: {name} is {tensor.dtype}; expected a floating-point dtype")
        with np.errstate(over="ignore"):
            finite = np.isfinite(tensor.astype(np.float32))
        if not finite.all():
            raise CheckpointError(
                f"{origin}: {name} has {np.size(finite) - np.count_nonzero(finite)} values that are not finite "
                "in float32; expected none"
            )


def tensors_digest(tensors: Mapping[str, np.ndarray]) -> str:
    """Digest of names, dtypes, shapes and bytes: `"sha256:"` and 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype.name} {tensor.shape}\n".encode())
        digest.update(np.ascontiguousarray(tensor).data)
    return f"sha256:{digest.hexdigest()}"


def _flat_parameters(encoder: FeatureEncoder) -> dict[str, jax.Array]:
    return {_name(path): variable.get_value() for path, variable in nnx.to_flat_state(nnx.state(encoder, nnx.Param))}


def _name(path: Iterable[object]) -> str:
    return ".".join(map(str, path))
