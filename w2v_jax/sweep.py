"""The engine: parameters in, pooled features out, everything between in one compiled program."""

import collections
import functools
from collections.abc import Callable, Mapping
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from w2v_jax.convolution import PRECISIONS, Precision

Pooling = Literal["mean", "none"]

# Chunks given to the device before the first one is waited for: it computes while the host copies.
_CHUNKS_IN_FLIGHT = 2


def sweep(
    encoder: nnx.Module,
    synthesize: Callable[..., jax.Array],
    parameters: Mapping[str, np.ndarray],
    *,
    pooling: Pooling = "mean",
    precision: Precision = "float32",
    batch_size: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Features of one synthesised stimulus per row of `parameters`.

    Synthesis, encoder and pooling are one jitted, vmapped program over chunks of `batch_size` rows. The last chunk is
    padded, so one program serves the whole grid; it is compiled once per `synthesize`, encoder
    architecture, pooling and batch size (weights are arguments). Only parameters go to the
    device, and only pooled features come back, while the next chunk is being computed.

    Args:
        encoder: a `FeatureEncoder`, or any module that maps (batch, samples) to (batch, frames, channels).
        synthesize: `synthesize(**one_point)`, given one scalar (or row) per parameter, returns (samples,) float32, the
            same length for every point. Pass the same function object again to reuse its program.
        parameters: arrays that share their first axis, n; taken as float32. Their values must be ones
            that `synthesize` accepts: it cannot check traced values.
        pooling: `"mean"` averages the normalised frames over time (the paper's "step-averaged"); `"none"` keeps them.
        precision: of the encoder's convolutions: `"float32"` (exact), `"tensorfloat32"` or `"bfloat16"`. Anything but
            the default is passed on to the encoder as `precision=`.
        batch_size: rows per chunk; by default chosen for the device.
        progress: called with the number of rows newly finished, in order.

    Returns:
        Float32 on the host, row by row in the order of `parameters`: (n, channels) for `"mean"`, else
        (n, frames, channels).

    Raises:
        ValueError: parameters that are empty, not finite or of different lengths; an unknown pooling or precision; a
            synthesis that does not return (samples,) float32.
        FloatingPointError: features that are not finite, with the parameters that made them.
    """
    columns, num_rows = _columns(parameters)
    if pooling not in ("mean", "none"):
        raise ValueError(f"pooling is {pooling!r}; expected 'mean' or 'none'")
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; expected one of {', '.join(PRECISIONS)}")
    if batch_size is None:
        batch_size = _default_batch_size()
    elif isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}; expected a positive integer")
    batch_size = min(int(batch_size), num_rows)
    _check_synthesis(synthesize, columns)

    graphdef, state = nnx.split(encoder)
    features: np.ndarray | None = None
    in_flight: collections.deque[tuple[int, jax.Array]] = collections.deque()

    def collect() -> None:
        nonlocal features
        start, chunk = in_flight.popleft()
        rows = np.asarray(chunk)[: num_rows - start]
        _check_features(rows, columns, start)
        if features is None:
            features = np.empty((num_rows, *rows.shape[1:]), np.float32)
        features[start : start + len(rows)] = rows
        if progress is not None:
            progress(len(rows))

    for start in range(0, num_rows, batch_size):
        chunk = {name: _padded(column[start : start + batch_size], batch_size) for name, column in columns.items()}
        in_flight.append((start, _chunk_features(graphdef, synthesize, pooling, precision, state, chunk)))
        if len(in_flight) > _CHUNKS_IN_FLIGHT:
            collect()
    while in_flight:
        collect()
    assert features is not None
    return features


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _chunk_features(
    graphdef: nnx.GraphDef,
    synthesize: Callable[..., jax.Array],
    pooling: Pooling,
    precision: Precision,
    state: nnx.State,
    chunk: dict[str, jax.Array],
) -> jax.Array:
    waveforms = jax.vmap(lambda point: synthesize(**point))(chunk)
    options = {} if precision == "float32" else {"precision": precision}
    frames = nnx.merge(graphdef, state)(waveforms, **options)
    return jnp.mean(frames, axis=-2) if pooling == "mean" else frames


def _columns(parameters: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], int]:
    """The parameters as float32 arrays, and the length that they share."""
    if not parameters:
        raise ValueError("parameters is empty; expected at least one array")
    columns = {name: np.asarray(values, np.float32) for name, values in parameters.items()}
    for name, column in columns.items():
        if column.ndim == 0:
            raise ValueError(f"parameter {name!r} is a scalar; expected one value per row")
        if not np.isfinite(column).all():
            raise ValueError(f"parameter {name!r} has values that are not finite in float32; expected none")
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"parameters differ in length: {lengths}; expected one value per row in each")
    num_rows = next(iter(lengths.values()))
    if num_rows == 0:
        raise ValueError("parameters have no rows; expected at least one")
    return columns, num_rows


def _check_synthesis(synthesize: Callable[..., jax.Array], columns: Mapping[str, np.ndarray]) -> None:
    point = {name: jax.ShapeDtypeStruct(column.shape[1:], np.float32) for name, column in columns.items()}
    waveform = jax.eval_shape(lambda point: synthesize(**point), point)
    if not isinstance(waveform, jax.ShapeDtypeStruct) or waveform.ndim != 1 or waveform.dtype != np.float32:
        raise ValueError(f"synthesize returns {waveform}; expected one waveform, (samples,) float32")


def _check_features(rows: np.ndarray, columns: Mapping[str, np.ndarray], start: int) -> None:
    finite = np.isfinite(rows).all(axis=tuple(range(1, rows.ndim)))
    if not finite.all():
        row = start + int(np.argmin(finite))
        point = {name: column[row].tolist() for name, column in columns.items()}
        raise FloatingPointError(f"features of row {row} are not finite; its parameters are {point}")


def _padded(column: np.ndarray, batch_size: int) -> np.ndarray:
    """`column` with its last row repeated until there are `batch_size`."""
    return np.concatenate([column, np.repeat(column[-1:], batch_size - len(column), axis=0)])


def _default_batch_size() -> int:
    # On CPU the working set of a chunk should stay near the caches; an accelerator wants more in parallel.
    return 8 if jax.default_backend() == "cpu" else 64
