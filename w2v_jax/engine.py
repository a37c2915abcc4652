"""The engine: parameters in, pooled features out, everything between in one compiled program."""

import collections
import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import jax
import numpy as np
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from w2v_jax._src.chunk_programs import ROWS, Kept, OfLayers, Program, on_devices, on_host, outputs_of
from w2v_jax.front_end import Complete, FrontEnd

LayerPooling = Callable[[Mapping[str, jax.Array]], jax.Array]
"""Maps the outputs of all layers, by name (rows, ..., frames, channels), to what is kept of each row.

The mapping has the order of the front end's `layers`.
"""

Pooling = Literal["mean", "none"] | LayerPooling
"""What a sweep keeps of the frames; see `sweep`."""

# What a front end of that precision may need where features are not finite.
_REMEDIES = {"float16": "; float16 holds nothing above 65,504: the precision bfloat16 does"}
# Chunks given to the device before the first one is waited for: it computes while the host copies.
_CHUNKS_IN_FLIGHT = 2

# What `suggested_batch_size` allows for: the largest activation of a block on CPU; elsewhere the device's memory where
# it does not say, and how many activations of that size are alive at once. Many small rows gain nothing further. A
# front end on the host does not say how much memory it needs.
_CPU_BLOCK_BYTES = 8 * 2**20
_ASSUMED_MEMORY_BYTES = 8 * 2**30
_LIVE_ACTIVATIONS = 4
_MOST_ROWS = 256
_HOST_ROWS = 8


def sweep(
    front_end: FrontEnd,
    synthesize: Callable[..., jax.Array],
    parameters: Mapping[str, np.ndarray],
    *,
    pooling: Pooling = "mean",
    batch_size: int | None = None,
    devices: Sequence[jax.Device] | None = None,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Features of one synthesised stimulus per row of `parameters`.

    Synthesis, front end and pooling are one jitted, vmapped program over chunks of `batch_size` rows. The last chunk is
    padded, so one program serves the whole grid; it is compiled once per `synthesize`, front end without its weights
    (they are arguments), pooling, batch size and devices. Only parameters go to the devices, and only pooled features
    come back, while the next chunk is being computed. Each device has its own copy of the weights and its own rows of a
    chunk, and never hears of the others.

    A front end that is not a `flax.nnx.Module` is called on the host, with NumPy arrays, between a compiled synthesis
    and a compiled pooling.

    Args:
        front_end: an encoder, a spectrogram, or any other front end: a module or callable that maps (batch, samples) to
            (batch, frames, channels). See `w2v_jax.front_end.FrontEnd`.
        synthesize: `synthesize(**one_point)`, given one scalar (or row) per parameter, returns (samples,) float32, the
            same length for every point; or (sounds, samples), several sounds a row. Pass the same function object again
            to reuse its program.
        parameters: arrays that share their first axis, n; taken as float32.
        pooling: `"mean"` averages the frames over time (the paper's "step-averaged"); `"none"` keeps them. A function
            is given the outputs of every layer, by name (rows, frames_i, channels_i) in the order of `layers`, and
            returns what is kept of each row, (rows, ...); see `w2v_jax.layer_pooling`. With several sounds a row
            there is an axis for them after the rows.
        batch_size: rows per chunk, rounded up to a multiple of the number of devices; by default chosen for them.
        devices: where to compute; by default all devices of this process (or `jax.default_device`, where set).
        progress: called with the number of rows newly finished, in order.

    Returns:
        Float32 on the host, row by row in the order of `parameters`: (n, channels) for `"mean"`, (n, frames, channels)
        for `"none"`.

    Raises:
        TypeError: a front end that is a name, or cannot be called; a `synthesize` that JAX cannot trace.
        ValueError: parameters that are empty, not finite or of different lengths; an unknown pooling; a synthesis that
            does not return float32 sound. `FrontEndError`, a kind of it: a front end on the host that fails, or does
            not return as many frames and channels as it promised.
        FloatingPointError: features that are not finite, with the parameters that made them.

    Examples:
        >>> from w2v_jax.spectrograms import LogMelSpectrogram
        >>> from w2v_jax.stimuli import sine_mixture
        >>> def tone(frequency):
        ...     return sine_mixture([frequency])
        >>> sweep(LogMelSpectrogram(), tone, {"frequency": np.array([500.0, 1000.0, 2000.0])}).shape
        (3, 80)
    """
    _, num_rows = _columns(parameters)
    (features,) = sweep_spans(
        front_end,
        synthesize,
        parameters,
        [range(num_rows)],
        pooling=pooling,
        batch_size=batch_size,
        devices=devices,
        progress=progress,
    )
    return features


def sweep_spans(
    front_end: FrontEnd,
    synthesize: Callable[..., jax.Array],
    parameters: Mapping[str, np.ndarray],
    spans: Sequence[range],
    *,
    pooling: Pooling = "mean",
    batch_size: int | None = None,
    devices: Sequence[jax.Device] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[np.ndarray]:
    """Parts of a `sweep`, each as soon as it is finished: only one is in memory at a time.

    A row's features are the same to the last bit whichever spans are asked for, in whatever order, and on however many
    devices of one kind, as long as `block_size` is the same: a device always computes whole blocks of rows, and
    a row always has the same place in its block.

    Args:
        front_end, synthesize, parameters: as for `sweep`, the whole of it.
        spans: rows wanted. Each span starts at a multiple of `block_size`, and stops at one or at the last row.
        pooling, batch_size, devices, progress: as for `sweep`.

    Returns:
        For each span its rows of what `sweep` returns.

    Raises:
        TypeError, ValueError: as for `sweep`, or a span that does not consist of whole blocks.
        FloatingPointError: as for `sweep`, while iterating.
    """
    _check_front_end(front_end)
    columns, num_rows = _columns(parameters)
    if not callable(pooling) and pooling not in ("mean", "none"):
        raise ValueError(f"pooling is {pooling!r}; expected 'mean', 'none' or a function of the layers' outputs")
    devices = _devices(devices)
    if batch_size is None:
        batch_size = suggested_batch_size(front_end, synthesize, parameters, devices=devices)
    block = block_size(num_rows, batch_size=batch_size, devices=devices)
    for span in spans:
        whole = span.start % block == 0 and (span.stop % block == 0 or span.stop == num_rows)
        if span.step != 1 or not whole or not 0 <= span.start < span.stop <= num_rows:
            raise ValueError(f"span is {span}; expected whole blocks of {block} of the {num_rows} rows")
    _check_synthesis(synthesize, columns)
    mesh = jax.sharding.Mesh(np.array(devices), (ROWS,))
    kept: Kept = OfLayers(pooling, Complete(front_end).layer_names) if callable(pooling) else pooling
    program = (on_devices if Complete(front_end).is_compiled else on_host)(front_end, synthesize, kept, mesh)
    remedy = _REMEDIES.get(Complete(front_end).precision, "")
    return _features_of_spans(program, mesh, synthesize, columns, spans, block=block, progress=progress, remedy=remedy)


def block_size(num_rows: int, *, batch_size: int, devices: Sequence[jax.Device] | None = None) -> int:
    """Rows that one device computes in one call, for a sweep of `num_rows` rows; see `sweep_spans`."""
    if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}; expected a positive integer")
    return -(-min(int(batch_size), num_rows) // len(_devices(devices)))


def suggested_batch_size(
    front_end: FrontEnd,
    synthesize: Callable[..., jax.Array],
    parameters: Mapping[str, np.ndarray],
    *,
    devices: Sequence[jax.Device] | None = None,
) -> int:
    """The batch size that a sweep takes where it is given none, from the devices and their memory.

    On CPU the largest activation of a block should stay near the caches: on two cores a wav2vec 2.0 encoder is fastest
    with one second of sound at a time. An accelerator is given as much as a quarter of its memory holds. A front end on
    the host is given a few rows at a time.

    Args:
        front_end, synthesize, parameters, devices: as for `sweep`.

    Returns:
        Rows per chunk, over all devices.
    """
    _check_front_end(front_end)
    columns, _ = _columns(parameters)
    devices = _devices(devices)
    sound = _check_synthesis(synthesize, columns)
    if not Complete(front_end).is_compiled:
        return len(devices) * _HOST_ROWS
    waveforms = jax.ShapeDtypeStruct((1, *sound.shape), np.float32)
    names = Complete(front_end).layer_names
    inside = jax.eval_shape(functools.partial(outputs_of, front_end, names), waveforms)
    largest = max(each.size * each.dtype.itemsize for each in jax.tree.leaves([waveforms, inside]))
    if devices[0].platform == "cpu":
        rows = _CPU_BLOCK_BYTES // largest
    else:
        memory = (devices[0].memory_stats() or {}).get("bytes_limit", _ASSUMED_MEMORY_BYTES)
        rows = memory // 4 // (_LIVE_ACTIVATIONS * largest)
    return len(devices) * max(1, min(_MOST_ROWS, int(rows)))


def _features_of_spans(
    program: Program,
    mesh: jax.sharding.Mesh,
    synthesize: Callable[..., jax.Array],
    columns: Mapping[str, np.ndarray],
    spans: Sequence[range],
    *,
    block: int,
    progress: Callable[[int], None] | None,
    remedy: str,
) -> Iterator[np.ndarray]:
    def blocks_in_turn() -> Iterator[tuple[range, np.ndarray]]:
        """Every block of rows that the spans have, with its features."""
        blocks = [
            range(start, min(start + block, span.stop))
            for span in spans
            for start in range(span.start, span.stop, block)
        ]
        in_flight: collections.deque[tuple[list[range], Callable[[], np.ndarray]]] = collections.deque()
        for first in range(0, len(blocks), mesh.size):
            several = blocks[first : first + mesh.size]
            rows = _rows(several, block, num_blocks=mesh.size)
            chunk = {name: column[rows] for name, column in columns.items()}
            with _alone(mesh):
                started = program(jax.device_put(chunk, NamedSharding(mesh, P(ROWS))))
            in_flight.append((several, started))
            if len(in_flight) > _CHUNKS_IN_FLIGHT:
                yield from finished(*in_flight.popleft())
        while in_flight:
            yield from finished(*in_flight.popleft())

    def finished(several: list[range], chunk: Callable[[], np.ndarray]) -> Iterator[tuple[range, np.ndarray]]:
        with _alone(mesh):
            features = chunk()
        for index, rows in enumerate(several):
            yield rows, features[index * block :][: len(rows)]

    computed = blocks_in_turn()
    for span in spans:
        features: np.ndarray | None = None
        for rows, part in itertools.islice(computed, -(-len(span) // block)):
            _check_features(part, synthesize, columns, rows.start, remedy)
            if features is None:
                features = np.empty((len(span), *part.shape[1:]), np.float32)
            features[rows.start - span.start : rows.stop - span.start] = part
            if progress is not None:
                progress(len(rows))
        assert features is not None
        yield features


def _check_front_end(front_end: object) -> None:
    if isinstance(front_end, str):
        raise TypeError(
            f"front_end is the name {front_end!r}; expected a front end: w2v_jax.load_encoder({front_end!r}), say"
        )
    if not callable(front_end):
        raise TypeError(
            f"front_end is a {type(front_end).__name__}; expected a front end, which maps (batch, samples) to "
            "(batch, frames, channels): an encoder from w2v_jax.load_encoder, a spectrogram, or a callable of yours"
        )


def _alone(mesh: jax.sharding.Mesh) -> contextlib.AbstractContextManager[Any]:
    """Where the caller has set a mesh (`jax.set_mesh`), it does not count inside: a sweep has its own."""
    return contextlib.nullcontext() if jax.sharding.get_abstract_mesh().empty else jax.set_mesh(mesh)


def _devices(devices: Sequence[jax.Device] | None) -> list[jax.Device]:
    if devices is not None:
        if not devices:
            raise ValueError("devices is empty; expected at least one")
        return list(devices)
    default = jax.config.jax_default_device  # type: ignore[attr-defined, unused-ignore]
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
    """Shape and dtype of one row's sound, if it is one."""
    return _sound(synthesize, tuple((name, column.shape[1:]) for name, column in columns.items()))


@functools.lru_cache(maxsize=16)  # a sweep asks several times, and tracing takes as long as a few sounds
def _sound(
    synthesize: Callable[..., jax.Array], shapes: tuple[tuple[str, tuple[int, ...]], ...]
) -> jax.ShapeDtypeStruct:
    point = {name: jax.ShapeDtypeStruct(shape, np.float32) for name, shape in shapes}
    name = getattr(synthesize, "__name__", type(synthesize).__name__)
    try:
        sound = jax.eval_shape(lambda point: synthesize(**point), point)
    except (
        jax.errors.TracerArrayConversionError,
        jax.errors.ConcretizationTypeError,
        jax.errors.TracerIntegerConversionError,
    ) as error:
        raise TypeError(
            f"synthesize, {name}, asks for the value of a parameter while JAX traces it "
            f"({str(error).splitlines()[0]}); a stimulus is compiled: write it with jax.numpy in place of numpy, and "
            "with jnp.where in place of if"
        ) from error
    if not isinstance(sound, jax.ShapeDtypeStruct) or sound.ndim not in (1, 2) or sound.dtype != np.float32:
        raise ValueError(
            f"synthesize, {name}, returns {sound}; expected a waveform (samples,) of float32, or (sounds, samples)"
        )
    return sound


def _check_features(
    rows: np.ndarray,
    synthesize: Callable[..., jax.Array],
    columns: Mapping[str, np.ndarray],
    start: int,
    remedy: str,
) -> None:
    finite = np.isfinite(rows).all(axis=tuple(range(1, rows.ndim)))
    if not finite.all():
        row = start + int(np.argmin(finite))
        point = {name: column[row] for name, column in columns.items()}
        told = f"its parameters are { ({name: value.tolist() for name, value in point.items()}) }"
        # A stimulus cannot check a traced value; asked again for this one alone, it can.
        try:
            synthesize(**point)
        except ValueError as error:
            raise FloatingPointError(f"row {row} cannot be made: {error}; {told}") from error
        raise FloatingPointError(f"features of row {row} are not finite; {told}{remedy}")


def _rows(blocks: Sequence[range], block: int, *, num_blocks: int) -> np.ndarray:
    """Indices of `num_blocks` blocks of rows, (num_blocks * block,): the last row and the last block fill up."""
    starts, stops = (np.array([getattr(each, edge) for each in blocks]) for edge in ("start", "stop"))
    rows = np.minimum(starts[:, None] + np.arange(block), stops[:, None] - 1)
    return rows[np.minimum(np.arange(num_blocks), len(blocks) - 1)].ravel()
