"""What is asked of every layer of a front end, in the program that computes it: poolings for `w2v_jax.sweep`.

A pooling maps the outputs of all layers, by name (rows, ..., frames_i, channels_i), to what is kept of each row.
`layer_means` averages every layer over time, and `burst_nearness` asks every frame of every layer about a burst;
`split_means` and `split_nearness` take apart what the sweep returned.
"""

import dataclasses
from collections.abc import Mapping

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
    """All layers averaged over time, next to each other on the channel axis, then how steady each is.

    Args:
        outputs: by layer (rows, frames_i, channels_i).

    Returns:
        (rows, the channels of all layers + layers), for `split_means`.
    """
    means = [jnp.mean(frames, axis=-2) for frames in outputs.values()]
    steady = [_steadiness(frames, mean)[..., None] for frames, mean in zip(outputs.values(), means, strict=True)]
    return jnp.concatenate([*means, *steady], axis=-1)


def burst_nearness(outputs: Outputs) -> jax.Array:
    """How much nearer each frame of a burst is to the burst's tone than to the base tone, in every layer.

    That is cos(frame, burst tone) - cos(frame, base tone), with both tones by themselves, averaged over time: the paper
    draws the frames next to those two (section 3.2). Only these numbers leave the program, not the frames.

    Args:
        outputs: by layer (rows, 2 + bursts, frames_i, channels_i): of each row the base tone, the burst's tone, and any
            number of bursts of it.

    Returns:
        (rows, bursts, the frames of all layers), -2 to 2, for `split_nearness`.

    Raises:
        ValueError: fewer than three sounds a row.
    """
    shapes = {name: frames.shape for name, frames in outputs.items()}
    if any(len(shape) != 4 or shape[1] < 3 for shape in shapes.values()):
        raise ValueError(f"outputs have shapes {shapes}; expected (rows, 2 + bursts, frames, channels)")
    return jnp.concatenate([_nearness(frames) for frames in outputs.values()], axis=-1)


def split_means(features: np.ndarray, channels: Mapping[str, int]) -> dict[str, LayerFeatures]:
    """Takes apart a sweep with `layer_means`.

    Args:
        features: (n, the channels of all layers + layers).
        channels: of each layer; see `layer_channels`.

    Raises:
        ValueError: another width.
    """
    count = len(channels)
    expected = sum(channels.values()) + count
    if features.ndim != 2 or features.shape[1] != expected:
        raise ValueError(f"features has shape {features.shape}; expected (n, {expected}) for {count} layers")
    means = np.split(features[:, :-count], np.cumsum(list(channels.values()))[:-1], axis=1)
    steady = features[:, -count:].T
    found = zip(channels, means, _undefined_as_nan(steady), strict=True)
    return {name: LayerFeatures(mean, each) for name, mean, each in found}


def split_nearness(features: np.ndarray, layers: Mapping[str, Frames], *, num_samples: int) -> dict[str, np.ndarray]:
    """Takes apart a sweep with `burst_nearness`: by layer (n, bursts, frames), NaN for frames of zeros.

    Args:
        features: (n, bursts, the frames of all layers).
        layers: `front_end.layers(front_end)`.
        num_samples: of each sound.

    Raises:
        ValueError: a number of frames that such sounds do not have.
    """
    counts = [frames.num_frames(num_samples) for frames in layers.values()]
    if features.ndim != 3 or features.shape[2] != sum(counts):
        raise ValueError(f"features has shape {features.shape}; expected (n, bursts, {sum(counts)})")
    return dict(zip(layers, np.split(_undefined_as_nan(features), np.cumsum(counts)[:-1], axis=2), strict=True))


def layer_channels(front_end: FrontEnd, *, num_samples: int) -> dict[str, int]:
    """How many channels each layer has.

    Args:
        front_end: the front end. One that computes on the host is called once.
        num_samples: of a waveform that it takes.
    """
    if front_ends.is_compiled(front_end):
        waveforms = jax.ShapeDtypeStruct((1, num_samples), np.float32)
        found = jax.eval_shape(lambda waveforms: front_ends.outputs(front_end, waveforms), waveforms)
    else:
        found = front_ends.outputs(front_end, np.zeros((1, num_samples), np.float32))
    return {name: frames.shape[-1] for name, frames in found.items()}


def _steadiness(frames: jax.Array, mean: jax.Array) -> jax.Array:
    """Mean over time of the cosine between frames, (..., t, d), and their mean, (..., d)."""
    found = jnp.sum(jnp.mean(_unit(frames), axis=-2) * _unit(mean), axis=-1)
    return _nan_as_undefined(found, finite=jnp.isfinite(frames).all(axis=(-2, -1)))


def _nearness(frames: jax.Array) -> jax.Array:
    """(rows, 2 + bursts, t, d), frames of the base tone, the burst's tone and the bursts, to (rows, bursts, t)."""
    tones = _unit(jnp.mean(frames[:, :2], axis=2))
    towards_burst = tones[:, 1] - tones[:, 0]
    found = jnp.einsum("rbtd,rd->rbt", _unit(frames[:, 2:]), towards_burst, precision=jax.lax.Precision.HIGHEST)
    return _nan_as_undefined(found, finite=jnp.isfinite(frames).all(axis=(1, 2, 3))[:, None, None])


def _nan_as_undefined(found: jax.Array, *, finite: jax.Array) -> jax.Array:
    """`found`, with a mark for NaN where what it was computed from is finite."""
    return jnp.where(jnp.isnan(found) & finite, _NO_COSINE, found)


def _undefined_as_nan(marked: np.ndarray) -> np.ndarray:
    return np.where(marked == _NO_COSINE, np.nan, marked)


def _unit(vectors: jax.Array) -> jax.Array:
    return vectors / jnp.linalg.norm(vectors, axis=-1, keepdims=True)
