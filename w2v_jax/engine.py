"""The engine: parameters in, pooled features out, everything between in one compiled program."""

import collections
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from w2v_jax.convolution import PRECISIONS, Precision

Pooling = Literal["mean", "none"]

# Chunks given to the device before the first one is waited for: it computes while the host copies.
_CHUNKS_IN_FLIGHT = 2

# What `suggested_batch_size` allows for: the largest activation of a block on CPU; elsewhere the device's memory where
# it does not say, and how many activations of that size are alive at once. Many small rows gain nothing further.
_CPU_BLOCK_BYTES = 8 * 2**20
_ASSUMED_MEMORY_BYTES = 8 * 2**30
_LIVE_ACTIVATIONS = 4
_MOST_ROWS = 256

_ROWS = "rows"  # the mesh's only axis
_Item = TypeVar("_Item")


def sweep(
    encoder: nnx.Module,
    synthesize: Callable[..., jax.Array],
    parameters: Mapping[str, np.ndarray],
    *,
    pooling: Pooling = "mean",
    precision: Precision = "float32",
    batch_size: int | None = None,
    devices: Sequence[jax.Device] | None = None,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Features of one synthesised stimulus per row of `parameters`.

    Synthesis, encoder and pooling are one jitted, vmapped program over chunks of `batch_size` rows. The last chunk is
    padded, so one program serves the whole grid; it is compiled once per `synthesize`, encoder
    architecture, pooling, batch size and devices (weights are arguments). Only parameters go to the
    devices, and only pooled features come back, while the next chunk is being computed. Each device has its own
    copy of the weights and its own rows of a chunk, and never hears of the others.

    Args:
        encoder: a `FeatureEncoder`, or any module that maps (batch, samples) to (batch, frames, channels).
        synthesize: `synthesize(**one_point)`, given one scalar (or row) per parameter, returns (samples,) float32, the
            same length for every point. Pass the same function object again to reuse its program.
        parameters: arrays that share their first axis, n; taken as float32. Their values must be ones
            that `synthesize` accepts: it cannot check traced values.
        pooling: `"mean"` averages the normalised frames over time (the paper's "step-averaged"); `"none"` keeps them.
        precision: of the encoder's convolutions: `"float32"` (exact), `"tensorfloat32"`, `"bfloat16"`, or `"default"`
            (the device's fastest for float32). Anything but the first is passed on to the encoder as `precision=`.
        batch_size: rows per chunk, rounded up to a multiple of the number of devices; by default chosen for them.
        devices: where to compute; by default all devices of this process (or `jax.default_device`, where set).
        progress: called with the number of rows newly finished, in order.

    Returns:
        Float32 on the host, row by row in the order of `parameters`: (n, channels) for `"mean"`, else
        (n, frames, channels).

    Raises:
        ValueError: parameters that are empty, not finite or of different lengths; an unknown pooling or precision; a
            synthesis that does not return (samples,) float32.
        FloatingPointError: features that are not finite, with the parameters that made them.
    """
    _, num_rows = _columns(parameters)
    (features,) = sweep_spans(
        encoder,
        synthesize,
        parameters,
        [range(num_rows)],
        pooling=pooling,
        precision=precision,
        batch_size=batch_size,
        devices=devices,
        progress=progress,
    )
    return features


def sweep_spans(
    encoder: nnx.Module,
    synthesize: Callable[..., jax.Array],
    parameters: Mapping[str, np.ndarray],
    spans: Sequence[range],
    *,
    pooling: Pooling = "mean",
    precision: Precision = "float32",
    batch_size: int | None = None,
    devices: Sequence[jax.Device] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[np.ndarray]:
    """Parts of a `sweep`, each as soon as it is finished: only one is in memory at a time.

    A row's features are the same to the last bit whichever spans are asked for, in whatever order, and on however many
    devices of one kind, as long as `block_size` is the same: a device always computes whole blocks of rows, and
    a row always has the same place in its block.

    Args:
        encoder, synthesize, parameters: as for `sweep`, the whole of it.
        spans: rows wanted. Each span starts at a multiple of `block_size`, and stops at one or at the last row.
        pooling, precision, batch_size, devices, progress: as for `sweep`.

    Returns:
        For each span its rows of what `sweep` returns.

    Raises:
        ValueError: as for `sweep`, or a span that does not consist of whole blocks.
        FloatingPointError: as for `sweep`, while iterating.
    """
    columns, num_rows = _columns(parameters)
    if pooling not in ("mean", "none"):
        raise ValueError(f"pooling is {pooling!r}; expected 'mean' or 'none'")
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; expected one of {', '.join(PRECISIONS)}")
    devices = _devices(devices)
    if batch_size is None:
        batch_size = suggested_batch_size(encoder, synthesize, parameters, devices=devices)
    block = block_size(num_rows, batch_size=batch_size, devices=devices)
    for span in spans:
        whole = span.start % block == 0 and (span.stop % block == 0 or span.stop == num_rows)
        if span.step != 1 or not whole or not 0 <= span.start < span.stop <= num_rows:
            raise ValueError(f"span is {span}; expected whole blocks of {block} of the {num_rows} rows")
    _check_synthesis(synthesize, columns)
    mesh = jax.sharding.Mesh(np.array(devices), (_ROWS,))
    program = functools.partial(_chunk_features, nnx.graphdef(encoder), synthesize, pooling, precision, mesh)
    state = jax.device_put(nnx.state(encoder), NamedSharding(mesh, P()))
    program = functools.partial(program, state)
    return _features_of_spans(program, mesh, columns, spans, block=block, progress=progress)


def block_size(num_rows: int, *, batch_size: int, devices: Sequence[jax.Device] | None = None) -> int:
    """Rows that one device computes in one call, for a sweep of `num_rows` rows; see `sweep_spans`."""
    if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}; expected a positive integer")
    return -(-min(int(batch_size), num_rows) // len(_devices(devices)))


def suggested_batch_size(
    encoder: nnx.Module,
    synthesize: Callable[..., jax.Array],
    parameters: Mapping[str, np.ndarray],
    *,
    devices: Sequence[jax.Device] | None = None,
) -> int:
    """The batch size that a sweep takes where it is given none, from the devices and their memory.

    On CPU the largest activation of a block should stay near the caches: on two cores a wav2vec 2.0 encoder is fastest
    with one second of sound at a time. An accelerator is given as much as a quarter of its memory holds.

    Args:
        encoder, synthesize, parameters, devices: as for `sweep`.

    Returns:
        Rows per chunk, over all devices.
    """
    columns, _ = _columns(parameters)
    devices = _devices(devices)
    waveforms = jax.ShapeDtypeStruct((1, *_check_synthesis(synthesize, columns).shape), np.float32)
    inside = jax.eval_shape(getattr(encoder, "activations", encoder), waveforms)
    largest = max(each.size * each.dtype.itemsize for each in jax.tree.leaves([waveforms, inside]))
    if devices[0].platform == "cpu":
        rows = _CPU_BLOCK_BYTES // largest
    else:
        memory = (devices[0].memory_stats() or {}).get("bytes_limit", _ASSUMED_MEMORY_BYTES)
        rows = memory // 4 // (_LIVE_ACTIVATIONS * largest)
    return len(devices) * max(1, min(_MOST_ROWS, int(rows)))


def _features_of_spans(
    program: Callable[[dict[str, jax.Array]], jax.Array],
    mesh: jax.sharding.Mesh,
    columns: Mapping[str, np.ndarray],
    spans: Sequence[range],
    *,
    block: int,
    progress: Callable[[int], None] | None,
) -> Iterator[np.ndarray]:
    def blocks_in_turn() -> Iterator[tuple[range, np.ndarray]]:
        """Every block of rows that the spans have, with its features."""
        blocks = [
            range(start, min(start + block, span.stop))
            for span in spans
            for start in range(span.start, span.stop, block)
        ]
        in_flight: collections.deque[tuple[list[range], jax.Array]] = collections.deque()
        for first in range(0, len(blocks), mesh.size):
            several = blocks[first : first + mesh.size]
            rows = _padded([_padded(each, block) for each in several], mesh.size)
            chunk = {name: column[np.ravel(rows)] for name, column in columns.items()}
            chunk = jax.device_put(chunk, NamedSharding(mesh, P(_ROWS)))
            in_flight.append((several, program(chunk)))
            if len(in_flight) > _CHUNKS_IN_FLIGHT:
                yield from finished(*in_flight.popleft())
        while in_flight:
            yield from finished(*in_flight.popleft())

    def finished(several: list[range], chunk: jax.Array) -> Iterator[tuple[range, np.ndarray]]:
        features = np.asarray(chunk)
        for index, rows in enumerate(several):
            yield rows, features[index * block :][: len(rows)]

    computed = blocks_in_turn()
    for span in spans:
        features: np.ndarray | None = None
        for rows, part in itertools.islice(computed, -(-len(span) // block)):
            _check_features(part, columns, rows.start)
            if features is None:
                features = np.empty((len(span), *part.shape[1:]), np.float32)
            features[rows.start - span.start : rows.stop - span.start] = part
            if progress is not None:
                progress(len(rows))
        assert features is not None
        yield features


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3, 4))
def _chunk_features(
    graphdef: nnx.GraphDef,
    synthesize: Callable[..., jax.Array],
    pooling: Pooling,
    precision: Precision,
    mesh: jax.sharding.Mesh,
    state: nnx.State,
    chunk: dict[str, jax.Array],
) -> jax.Array:
    def on_one_device(state: nnx.State, chunk: dict[str, jax.Array]) -> jax.Array:
        waveforms = jax.vmap(lambda point: synthesize(**point))(chunk)
        options = {} if precision == "float32" else {"precision": precision}
        frames = nnx.merge(graphdef, state)(waveforms, **options)
        return jnp.mean(frames, axis=-2) if pooling == "mean" else frames

    # Not left to the partitioner: it would gather the batch for the encoder's loops over it.
    return jax.shard_map(on_one_device, mesh=mesh, in_specs=(P(), P(_ROWS)), out_specs=P(_ROWS), check_vma=False)(
        state, chunk
    )


def _devices(devices: Sequence[jax.Device] | None) -> list[jax.Device]:
    if devices is not None:
        if not devices:
            raise ValueError("devices is empty; expected at least one")
        return list(devices)
    default = jax.config.jax_default_device
    if default is None or isinstance(default, str):
        return jax.local_devices(backend=default)
    return [default]


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


def _check_synthesis(synthesize: Callable[..., jax.Array], columns: Mapping[str, np.ndarray]) -> jax.ShapeDtypeStruct:
    """Shape and dtype of one waveform, if it is one."""
    point = {name: jax.ShapeDtypeStruct(column.shape[1:], np.float32) for name, column in columns.items()}
    waveform = jax.eval_shape(lambda point: synthesize(**point), point)
    if not isinstance(waveform, jax.ShapeDtypeStruct) or waveform.ndim != 1 or waveform.dtype != np.float32:
        raise ValueError(f"synthesize returns {waveform}; expected one waveform, (samples,) float32")
    return waveform


def _check_features(rows: np.ndarray, columns: Mapping[str, np.ndarray], start: int) -> None:
    finite = np.isfinite(rows).all(axis=tuple(range(1, rows.ndim)))
    if not finite.all():
        row = start + int(np.argmin(finite))
        point = {name: column[row].tolist() for name, column in columns.items()}
        raise FloatingPointError(f"features of row {row} are not finite; its parameters are {point}")


def _padded(items: Sequence[_Item], length: int) -> list[_Item]:
    """`items` with the last one repeated until there are `length`."""
    return [*items, *[items[-1]] * (length - len(items))]
