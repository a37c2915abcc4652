"""Spectrograms with the interface and the frames of an encoder: the controls that nothing has to be learned for.

Both are in decibel-like units above a floor, 80 dB below a full-scale sine: `log(1 + power / floor)`. The zero of a
logarithmic scale is arbitrary, but cosines depend on it. Here silence is 0 and sound is positive, so that two sounds
are not alike merely because both are silent in most bands.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from w2v_jax import front_end, scales
from w2v_jax._src.explicit_sharding import along_the_batch
from w2v_jax.front_end import Frames

# Frames of wav2vec 2.0, whose control a spectrogram mostly is.
_WAV2VEC2 = Frames(sample_rate=16_000, receptive_field=400, hop=320)


@dataclasses.dataclass(frozen=True)
class SpectrogramConfig:
    """Frames and bands of a spectrogram. Frozen and hashable; the defaults frame a waveform as wav2vec 2.0 does.

    Attributes:
        frames: how it frames a waveform; all samples of a frame lie under a Hann window.
        fft_size: samples of a frame padded with zeros; 1,024 gives the lowest of 80 Mel bands more than one bin.
        bands: Mel bands of `LogMelSpectrogram`.
        floor: power, relative to a full-scale sine's, at which the logarithm flattens out.

    Raises:
        ValueError: a value that no spectrogram has, or Mel bands without any bin of the FFT.
    """

    frames: Frames = _WAV2VEC2
    fft_size: int = 1024
    bands: int = 80
    floor: float = 1e-8

    def __post_init__(self) -> None:
        for name in ("fft_size", "bands"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"SpectrogramConfig.{name} is {value!r}; expected a positive integer")
        if self.fft_size < self.frames.receptive_field:
            raise ValueError(
                f"SpectrogramConfig.fft_size is {self.fft_size}; expected at least the receptive field, "
                f"{self.frames.receptive_field}"
            )
        if not 0 < self.floor < 1:
            raise ValueError(f"SpectrogramConfig.floor is {self.floor!r}; expected 0 to 1, both excluded")
        if empty := np.flatnonzero(~_mel_filters(self).any(axis=0)).tolist():
            raise ValueError(
                f"SpectrogramConfig has Mel bands without any bin of the FFT (bands {empty}); "
                f"expected fewer bands than {self.bands}, or an fft_size above {self.fft_size}"
            )

    @classmethod
    def framed_as(cls, frames: Frames) -> "SpectrogramConfig":
        """The defaults for other frames: the smallest power of two from 1,024 on that serves as `fft_size`."""
        fft_size = 1024
        while fft_size < frames.receptive_field:
            fft_size *= 2
        while True:
            try:
                return cls(frames, fft_size)
            except ValueError:  # a band without a bin: a finer grid of bins will have one
                fft_size *= 2


class _Spectrogram(nnx.Module):
    """What both spectrograms have.

    Args:
        config: frames, bands and floor.
    """

    def __init__(self, config: SpectrogramConfig | None = None):
        self.config = config or SpectrogramConfig()

    @property
    def frames(self) -> Frames:
        """How it frames a waveform."""
        return self.config.frames


class LogMagnitudeSpectrogram(_Spectrogram):
    """Log-magnitude short-time Fourier transform: one channel per bin of the FFT.

    Args:
        config: frames and floor.

    Examples:
        >>> LogMagnitudeSpectrogram()(jnp.zeros(16_000)).shape
        (49, 513)
    """

    def __call__(self, waveform: jax.Array, *, lengths: jax.Array | np.ndarray | None = None) -> jax.Array:
        """`log(1 + power / floor)` of every bin; a full-scale sine has power 1.

        Args:
            waveform: (..., samples) float32.
            lengths: (...) int, of padded waveforms: each gets the frames that it would have alone, then zeros.

        Returns:
            (..., frames, fft_size // 2 + 1) float32, not negative, with finite gradients on silence too.

        Raises:
            TypeError: `waveform` is not a float32 array.
            ValueError: it is shorter than one frame.
        """
        return along_the_batch(LogMagnitudeSpectrogram._encoded, self, *_checked(waveform, lengths, self.config))

    def _encoded(self, waveform: jax.Array, lengths: jax.Array | None) -> jax.Array:
        return jnp.log1p(_power(waveform, lengths, self.config) / self.config.floor)


class LogMelSpectrogram(_Spectrogram):
    """Log-Mel spectrogram: triangles of height 1, evenly spaced in Mel from 0 Hz to the Nyquist frequency.

    Args:
        config: frames, bands and floor.

    Examples:
        >>> LogMelSpectrogram()(jnp.zeros((2, 16_000))).shape
        (2, 49, 80)
    """

    def __call__(self, waveform: jax.Array, *, lengths: jax.Array | np.ndarray | None = None) -> jax.Array:
        """`log(1 + power / floor)` of every band: as `LogMagnitudeSpectrogram`, but (..., frames, bands)."""
        return along_the_batch(LogMelSpectrogram._encoded, self, *_checked(waveform, lengths, self.config))

    def _encoded(self, waveform: jax.Array, lengths: jax.Array | None) -> jax.Array:
        filters = jnp.asarray(_mel_filters(self.config))
        mel = jnp.matmul(_power(waveform, lengths, self.config), filters, precision=jax.lax.Precision.HIGHEST)
        return jnp.log1p(mel / self.config.floor)


def _checked(
    waveform: jax.Array, lengths: jax.Array | np.ndarray | None, config: SpectrogramConfig
) -> tuple[jax.Array, jax.Array | None]:
    """Both, if they are what a spectrogram takes."""
    if not isinstance(waveform, jax.Array | np.ndarray) or waveform.dtype != np.float32:
        kind = getattr(waveform, "dtype", type(waveform).__name__)
        raise TypeError(f"waveform is {kind}; expected a float32 array (..., samples)")
    frames = config.frames
    if not waveform.ndim or not frames.num_frames(waveform.shape[-1]):
        raise ValueError(
            f"waveform has shape {waveform.shape}; expected (..., samples) with at least the "
            f"{frames.receptive_field - 2 * frames.padding} samples of one frame"
        )
    return waveform, None if lengths is None else front_end.check_lengths(lengths, waveform)


def _power(waveform: jax.Array, lengths: jax.Array | None, config: SpectrogramConfig) -> jax.Array:
    """Squared magnitudes, (..., frames, bins), such that a full-scale sine on a bin has 1; 0 past a waveform's end."""
    frames = config.frames
    num_frames = frames.num_frames(waveform.shape[-1])
    if lengths is not None:
        sample = jnp.expand_dims(jnp.arange(waveform.shape[-1], dtype=jnp.int32), tuple(range(waveform.ndim - 1)))
        waveform = jnp.where(sample < lengths[..., None], waveform, 0)
    if frames.padding:
        waveform = jnp.pad(waveform, [(0, 0)] * (waveform.ndim - 1) + [(frames.padding, frames.padding)])
    starts = np.arange(num_frames) * frames.hop
    cut = waveform[..., starts[:, None] + np.arange(frames.receptive_field)]
    window = np.expand_dims(_window(frames.receptive_field), tuple(range(cut.ndim - 1)))
    spectrum = jnp.fft.rfft(cut * window, n=config.fft_size, axis=-1)
    # Not the absolute value, whose gradient is undefined where it is 0.
    power = jnp.square(spectrum.real) + jnp.square(spectrum.imag)
    return power if lengths is None else jnp.where(frames.valid(lengths, num_frames)[..., None], power, 0)


@functools.cache
def _window(length: int) -> np.ndarray:
    """A periodic Hann window, scaled so that a sine of amplitude 1 has a spectral peak of 1."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    return (window / (window.sum() / 2)).astype(np.float32)


@functools.cache
def _mel_filters(config: SpectrogramConfig) -> np.ndarray:
    """(fft_size // 2 + 1, bands) float32: band b rises from edge b to 1 at edge b + 1 and falls to edge b + 2."""
    nyquist = config.frames.nyquist
    # Triangles in Mel, not in Hz: the same shape for every band.
    position = scales.mel(np.linspace(0, nyquist, config.fft_size // 2 + 1))
    position = position / scales.mel(nyquist) * (config.bands + 1)
    centres = np.arange(1, config.bands + 1)
    return np.maximum(0, 1 - np.abs(position[:, None] - centres)).astype(np.float32)
