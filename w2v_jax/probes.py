"""Inside an encoder: every layer's output beside the final frames, as modules that `w2v_jax.sweep` takes as they are.

`LayerMeans` pools every layer in the program that computes it, and `BurstNearness` asks every frame of every layer
about a burst; `split` and `split_nearness` take apart what the sweep returned.
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from w2v_jax.convolution import Precision
from w2v_jax.encoder import EncoderConfig, FeatureEncoder

FRAMES = "frames"


@dataclasses.dataclass(frozen=True)
class Layer:
    """One output of an encoder, and its frame geometry.

    Attributes:
        name: `"conv 0"`, `"conv 1"`, ... after norm and GELU; `"frames"` after the final LayerNorm.
        channels: its width.
        receptive_field: samples that one of its frames sees.
        hop: samples between the starts of its frames.
    """

    name: str
    channels: int
    receptive_field: int
    hop: int

    def num_frames(self, num_samples: int) -> int:
        """Frames for a waveform of `num_samples` samples."""
        return max(0, (num_samples - self.receptive_field) // self.hop + 1)

    def frames_seeing(self, start: int, stop: int, *, num_samples: int) -> np.ndarray:
        """Which frames see any sample from `start` up to, but without, `stop`: (frames,) bool."""
        first = np.arange(self.num_frames(num_samples)) * self.hop
        return (first < stop) & (first + self.receptive_field > start)


@dataclasses.dataclass(frozen=True)
class LayerFeatures:
    """What a sweep of `LayerMeans` has of one layer.

    Attributes:
        mean: (n, channels), averaged over time.
        steadiness: (n,), the mean over frames of the cosine between a frame and that average.
    """

    mean: np.ndarray
    steadiness: np.ndarray


def layers(encoder: nnx.Module) -> tuple[Layer, ...]:
    """The layers of `encoder`, input first; of a module that is no `FeatureEncoder`, such as a spectrogram, one."""
    if not isinstance(encoder, FeatureEncoder):
        spectrum = jax.eval_shape(encoder, jax.ShapeDtypeStruct((encoder.config.receptive_field,), np.float32))
        return (Layer(FRAMES, spectrum.shape[-1], encoder.config.receptive_field, encoder.config.hop),)
    config = encoder.config
    found = []
    for depth in range(1, len(config.channels) + 1):
        upto = EncoderConfig(config.channels[:depth], config.kernel_sizes[:depth], config.strides[:depth])
        found.append(Layer(f"conv {depth - 1}", config.channels[depth - 1], upto.receptive_field, upto.hop))
    return (*found, dataclasses.replace(found[-1], name=FRAMES))


class LayerMeans(nnx.Module):
    """All layers averaged over time, beside each other on the channel axis, then how steady each is.

    Args:
        encoder: a `FeatureEncoder`, or a module with its interface.
    """

    def __init__(self, encoder: nnx.Module):
        self.encoder = encoder

    def __call__(self, waveform: jax.Array, *, precision: Precision = "float32") -> jax.Array:
        """(..., samples) to (..., 1, the channels of all layers + layers): one "frame", since it is already pooled.

        `precision` is that of a `FeatureEncoder`'s convolutions; no other module has any.
        Features without direction, such as frames of zeros, have no cosine: their steadiness is NaN.
        """
        outputs = _outputs(self.encoder, waveform, precision)
        means = [jnp.mean(frames, axis=-2) for frames in outputs]
        steady = [_steadiness(frames, mean)[..., None] for frames, mean in zip(outputs, means, strict=True)]
        return jnp.concatenate([*means, *steady], axis=-1)[..., None, :]


class BurstNearness(nnx.Module):
    """How much nearer each frame of a burst is to the burst's tone than to the base tone, in every layer.

    That is cos(frame, burst tone) - cos(frame, base tone), with both tones by themselves, averaged over time: the paper
    draws the frames beside those two (section 3.2). Only these numbers leave the program, not the frames.

    Args:
        encoder: a `FeatureEncoder`, or a module with its interface.
        num_samples: of each sound.
    """

    def __init__(self, encoder: nnx.Module, *, num_samples: int):
        self.encoder = encoder
        self.num_samples = num_samples

    def __call__(self, waveform: jax.Array, *, precision: Precision = "float32") -> jax.Array:
        """Nearness, -2 to 2.

        Args:
            waveform: (..., (2 + bursts) num_samples): the base tone, the burst's tone, and any number of bursts of it,
                after each other. They are encoded apart.
            precision: as for `LayerMeans`.

        Returns:
            (..., bursts * the frames of all layers, 1): burst by burst, and in each layer by layer; NaN for a
            frame of zeros.
        """
        count, rest = divmod(waveform.shape[-1], self.num_samples)
        if rest or count < 3:
            raise ValueError(
                f"waveform has {waveform.shape[-1]} samples; expected two tones and at least one burst "
                f"of {self.num_samples} samples each"
            )
        leading = waveform.shape[:-1]

        # One base tone at a time: the first layer's frames alone take 7 MB of each sound.
        def one(sounds: jax.Array) -> jax.Array:
            return jnp.concatenate([_nearness(frames) for frames in _outputs(self.encoder, sounds, precision)], axis=-1)

        nearness = jax.lax.map(one, waveform.reshape(-1, count, self.num_samples))
        return nearness.reshape(*leading, -1, 1)


def split(features: np.ndarray, layout: Sequence[Layer]) -> dict[str, LayerFeatures]:
    """Takes apart a sweep of `LayerMeans`.

    Args:
        features: (n, the channels of all layers + layers).
        layout: `layers(encoder)`.

    Raises:
        ValueError: another width.
    """
    widths = [layer.channels for layer in layout]
    expected = sum(widths) + len(layout)
    if features.ndim != 2 or features.shape[1] != expected:
        raise ValueError(f"features has shape {features.shape}; expected (n, {expected}) for {len(layout)} layers")
    means = np.split(features[:, : -len(layout)], np.cumsum(widths)[:-1], axis=1)
    steady = features[:, -len(layout) :].T
    return {layer.name: LayerFeatures(mean, each) for layer, mean, each in zip(layout, means, steady, strict=True)}


def split_nearness(features: np.ndarray, layout: Sequence[Layer], *, num_samples: int) -> dict[str, np.ndarray]:
    """Takes apart a sweep of `BurstNearness`: by layer (n, bursts, frames).

    Args:
        features: (n, bursts * the frames of all layers, 1), what the sweep returned with pooling "none".
        layout: `layers(encoder)`.
        num_samples: of each sound.

    Raises:
        ValueError: a number of frames that such sounds do not have.
    """
    counts = [layer.num_frames(num_samples) for layer in layout]
    if features.ndim != 3 or features.shape[1] % sum(counts) or features.shape[2] != 1:
        raise ValueError(f"features has shape {features.shape}; expected (n, bursts * {sum(counts)}, 1)")
    parts = np.split(features.reshape(len(features), -1, sum(counts)), np.cumsum(counts)[:-1], axis=2)
    return {layer.name: part for layer, part in zip(layout, parts, strict=True)}


def _outputs(encoder: nnx.Module, waveform: jax.Array, precision: Precision) -> tuple[jax.Array, ...]:
    if not isinstance(encoder, FeatureEncoder):
        return (encoder(waveform),)
    hidden = encoder.activations(waveform, precision=precision)
    return (*hidden, encoder.layer_norm(hidden[-1]))


def _steadiness(frames: jax.Array, mean: jax.Array) -> jax.Array:
    """Mean over time of the cosine between frames, (..., t, d), and their mean, (..., d)."""
    return jnp.sum(jnp.mean(_unit(frames), axis=-2) * _unit(mean), axis=-1)


def _nearness(frames: jax.Array) -> jax.Array:
    """(2 + bursts, t, d), frames of the base tone, the burst's tone and the bursts, to (bursts, t)."""
    base, burst = _unit(jnp.mean(frames[:2], axis=1))
    return jnp.matmul(_unit(frames[2:]), burst - base, precision=jax.lax.Precision.HIGHEST)


def _unit(vectors: jax.Array) -> jax.Array:
    return vectors / jnp.linalg.norm(vectors, axis=-1, keepdims=True)
