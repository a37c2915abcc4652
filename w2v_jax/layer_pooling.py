"""What is asked of every layer of a front end, in the program that computes it: poolings for `w2v_jax.sweep`.

A pooling maps the outputs of all layers, by name (rows, ..., frames_i, channels_i), to what is kept of each row.
`layer_means` averages every layer over time, and `burst_nearness` asks every frame of every layer about a burst;
`split_means` and `split_nearness` take apart what the sweep returned. Every row ends in a seal for each layer, a number
that stands for its name and its width: layers are found by their seals, in whatever order they are asked for, and a
layer of another name or width is refused.
"""

import dataclasses
import zlib
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax import front_end as front_ends
from w2v_jax.front_end import Frames, FrontEnd

Outputs = Mapping[str, jax.Array]

# What a pooling says of a cosine with a vector of zeros, such as the frame of a layer that ends in a ReLU. Not NaN: a
# sweep stops at that, because it is what a front end that overflows returns. No difference of two cosines is as large.
_NO_COSINE = 9.0


@dataclasses.dataclass(frozen=True)
class LayerFeatures:
    """What a sweep with `layer_means` has of one layer.

    Attributes:
        mean: (n, channels), averaged over time.
        steadiness: (n,), the mean over frames of the cosine between a frame and that average; NaN where one of them
            has no direction, such as a frame of zeros.
    """

    mean: np.ndarray
    steadiness: np.ndarray


def layer_means(outputs: Outputs) -> jax.Array:
    """All layers averaged over time, next to each other on the channel axis, then how steady each is, then seals.

    Args:
        outputs: by layer (rows, frames_i, channels_i).

    Returns:
        (rows, the channels of all layers + 2 * layers), for `split_means`.
    """
    means = [jnp.mean(frames, axis=-2) for frames in outputs.values()]
    steady = [_steadiness(frames, mean)[..., None] for frames, mean in zip(outputs.values(), means, strict=True)]
    return _sealed([*means, *steady], {name: frames.shape[-1] for name, frames in outputs.items()})


def burst_nearness(outputs: Outputs) -> jax.Array:
    """How much nearer each frame of a burst is to the burst's tone than to the base tone, in every layer.

    That is cos(frame, burst tone) - cos(frame, base tone), with both tones by themselves, averaged over time: the paper
    draws the frames next to those two (section 3.2). Only these numbers leave the program, not the frames.

    Args:
        outputs: by layer (rows, 2 + bursts, frames_i, channels_i): of each row the base tone, the burst's tone, and any
            number of bursts of it.

    Returns:
        (rows, bursts, the frames of all layers + layers), -2 to 2, then seals, for `split_nearness`.

    Raises:
        ValueError: fewer than three sounds a row.
    """
    shapes = {name: frames.shape for name, frames in outputs.items()}
    if any(len(shape) != 4 or shape[1] < 3 for shape in shapes.values()):
        raise ValueError(f"outputs have shapes {shapes}; expected (rows, 2 + bursts, frames, channels)")
    counts = {name: frames.shape[-2] for name, frames in outputs.items()}
    return _sealed([_nearness(frames) for frames in outputs.values()], counts)


def split_means(features: np.ndarray, channels: Mapping[str, int]) -> dict[str, LayerFeatures]:
    """Takes apart a sweep with `layer_means`.

    Args:
        features: (n, the channels of all layers + 2 * layers), n at least 1.
        channels: of each layer, in any order; see `layer_channels`.

    Returns:
        By layer, in the order of `channels`.

    Raises:
        ValueError: another width, or layers of other names or widths.
    """
    count = len(channels)
    expected = sum(channels.values()) + 2 * count
    if features.ndim != 2 or features.shape[1] != expected:
        raise ValueError(f"features has shape {features.shape}; expected (n, {expected}) for {count} layers")
    within = _sorted_by_seals(features, channels, "channels")
    means = dict(zip(within, np.split(features[:, : -2 * count], _edges(within), axis=1), strict=True))
    steady = dict(zip(within, _undefined_as_nan(features[:, -2 * count : -count].T), strict=True))
    return {name: LayerFeatures(means[name], steady[name]) for name in channels}


def split_nearness(features: np.ndarray, layers: Mapping[str, Frames], *, num_samples: int) -> dict[str, np.ndarray]:
    """Takes apart a sweep with `burst_nearness`: by layer (n, bursts, frames), NaN for frames of zeros.

    Args:
        features: (n, bursts, the frames of all layers + layers), n at least 1.
        layers: `front_end.layers(front_end)`, in any order.
        num_samples: of each sound.

    Returns:
        By layer, in the order of `layers`.

    Raises:
        ValueError: a number of frames that such sounds do not have, or layers of other names.
    """
    counts = {name: frames.num_frames(num_samples) for name, frames in layers.items()}
    expected = sum(counts.values()) + len(counts)
    if features.ndim != 3 or features.shape[2] != expected:
        raise ValueError(f"features has shape {features.shape}; expected (n, bursts, {expected})")
    within = _sorted_by_seals(features, counts, "frames")
    marked = _undefined_as_nan(features[..., : -len(counts)])
    by_layer = dict(zip(within, np.split(marked, _edges(within), axis=2), strict=True))
    return {name: by_layer[name] for name in layers}


def layer_channels(front_end: FrontEnd, *, num_samples: int) -> dict[str, int]:
    """How many channels each layer has, in the order of the front end's layers.

    Args:
        front_end: the front end. One that computes on the host is called once.
        num_samples: of a waveform that it takes.
    """
    complete = front_ends.Complete(front_end)
    names = complete.layer_names
    if complete.is_compiled:
        waveforms = jax.ShapeDtypeStruct((1, num_samples), np.float32)
        outputs = jax.eval_shape(lambda sound: complete.outputs(sound, names), waveforms)
    else:
        outputs = complete.outputs(np.zeros((1, num_samples), np.float32), names)
    return {name: frames.shape[-1] for name, frames in zip(names, outputs, strict=True)}


def _sealed(parts: Sequence[jax.Array], widths: Mapping[str, int]) -> jax.Array:
    """The parts next to each other, then the seals of all layers, float32."""
    seals = np.array([_seal(name, width) for name, width in widths.items()], np.float32)
    if len(np.unique(seals)) < len(seals):
        raise ValueError(f"two of the layers {list(widths)} have one seal; expected one of them under another name")
    beside = jnp.broadcast_to(jnp.asarray(seals), (*parts[0].shape[:-1], len(seals)))
    return jnp.concatenate([*(part.astype(jnp.float32) for part in parts), beside], axis=-1)


def _seal(name: str, width: int) -> np.float32:
    """A number from 0 to 1 that stands for a layer: 24 bits, which float32 holds exactly."""
    return np.float32((zlib.crc32(f"{width} {name}".encode()) >> 8) / 2**24)


def _sorted_by_seals(features: np.ndarray, widths: Mapping[str, int], unit: str) -> dict[str, int]:
    """The widths in the order in which the rows have the layers."""
    rows = features.reshape(-1, features.shape[-1])[:, -len(widths) :]
    if not len(rows):
        raise ValueError("features have no rows; expected at least one")
    names = {_seal(name, width): name for name, width in widths.items()}
    sealed = set(rows[0])
    if missing := [name for seal, name in names.items() if seal not in sealed]:
        raise ValueError(
            f"features have no layer {missing[0]!r} of {widths[missing[0]]} {unit}; expected features of a front end "
            f"with the layers {dict(widths)}"
        )
    if (rows != rows[0]).any():
        raise ValueError("features have rows of different layers; expected those of one sweep")
    return {names[seal]: widths[names[seal]] for seal in rows[0]}


def _edges(widths: Mapping[str, int]) -> np.ndarray:
    """Where one layer ends and the next begins."""
    return np.cumsum(list(widths.values()))[:-1]


def _steadiness(frames: jax.Array, mean: jax.Array) -> jax.Array:
    """Mean over time of the cosine between frames, (..., t, d), and their mean, (..., d)."""
    cosines = jnp.sum(jnp.mean(_unit(frames), axis=-2) * _unit(mean), axis=-1)
    return _nan_as_undefined(cosines, finite=jnp.isfinite(frames).all(axis=(-2, -1)))


def _nearness(frames: jax.Array) -> jax.Array:
    """(rows, 2 + bursts, t, d), frames of the base tone, the burst's tone and the bursts, to (rows, bursts, t)."""
    tones = _unit(jnp.mean(frames[:, :2], axis=2))
    towards_burst = tones[:, 1] - tones[:, 0]
    projections = jnp.einsum("rbtd,rd->rbt", _unit(frames[:, 2:]), towards_burst, precision=jax.lax.Precision.HIGHEST)
    return _nan_as_undefined(projections, finite=jnp.isfinite(frames).all(axis=(1, 2, 3))[:, None, None])


def _nan_as_undefined(values: jax.Array, *, finite: jax.Array) -> jax.Array:
    """`values`, with a mark for NaN where what it was computed from is finite."""
    return jnp.where(jnp.isnan(values) & finite, _NO_COSINE, values)


def _undefined_as_nan(marked: np.ndarray) -> np.ndarray:
    return np.where(marked == _NO_COSINE, np.nan, marked)


def _unit(vectors: jax.Array) -> jax.Array:
    return vectors / jnp.linalg.norm(vectors, axis=-1, keepdims=True)
