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

from w2v_jax import scales


@dataclasses.dataclass(frozen=True)
class SpectrogramConfig:
    """Frames and bands of a spectrogram. Frozen and hashable; the defaults frame a waveform as wav2vec 2.0 does.

    Attributes:
        receptive_field: samples in a frame, all of them under a Hann window (400: 25 ms at 16 kHz).
        hop: samples between the starts of neighbouring frames (320: 20 ms).
        fft_size: samples of a frame padded with zeros; 1,024 gives the lowest of 80 Mel bands more than one bin.
        sample_rate: Hz.
        bands: Mel bands of `LogMelSpectrogram`.
        floor: power, relative to a full-scale sine's, at which the logarithm flattens out.
    """

    receptive_field: int = 400
    hop: int = 320
    fft_size: int = 1024
    sample_rate: int = 16_000
    bands: int = 80
    floor: float = 1e-8

    def __post_init__(self) -> None:
        for name in ("receptive_field", "hop", "fft_size", "sample_rate", "bands"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"SpectrogramConfig.{name} is {value!r}; expected a positive integer")
        if self.fft_size < self.receptive_field:
            raise ValueError(
                f"SpectrogramConfig.fft_size is {self.fft_size}; expected at least receptive_field, "
                f"{self.receptive_field}"
            )
        if not 0 < self.floor < 1:
            raise ValueError(f"SpectrogramConfig.floor is {self.floor!r}; expected 0 to 1, both excluded")
        if empty := np.flatnonzero(~_mel_filters(self).any(axis=0)).tolist():
            raise ValueError(
                f"SpectrogramConfig has Mel bands without any bin of the FFT (bands {empty}); "
                f"expected fewer bands than {self.bands}, or an fft_size above {self.fft_size}"
            )

    def num_frames(self, num_samples: int) -> int:
        """Frames for a waveform of `num_samples` samples; 0 when it is shorter than one frame."""
        return max(0, (num_samples - self.receptive_field) // self.hop + 1)


class LogMagnitudeSpectrogram(nnx.Module):
    """Log-magnitude short-time Fourier transform: one channel per bin of the FFT.

    Args:
        config: frames and floor.
    """

    def __init__(self, config: SpectrogramConfig | None = None):
        self.config = config or SpectrogramConfig()

    def __call__(self, waveform: jax.Array) -> jax.Array:
        """`log(1 + power / floor)` of every bin; a full-scale sine has power 1.

        Args:
            waveform: (..., samples) float32.

        Returns:
            (..., frames, fft_size // 2 + 1) float32, not negative, with finite gradients on silence too.

        Raises:
            TypeError: `waveform` is no float32 array.
            ValueError: it is shorter than one frame.
        """
        return jnp.log1p(_power(waveform, self.config) / self.config.floor)


class LogMelSpectrogram(nnx.Module):
    """Log-Mel spectrogram: triangles of height 1, evenly spaced in Mel from 0 Hz to the Nyquist frequency.

    Args:
        config: frames, bands and floor.
    """

    def __init__(self, config: SpectrogramConfig | None = None):
        self.config = config or SpectrogramConfig()

    def __call__(self, waveform: jax.Array) -> jax.Array:
        """`log(1 + power / floor)` of every band: as `LogMagnitudeSpectrogram`, but (..., frames, bands)."""
        filters = jnp.asarray(_mel_filters(self.config))
        mel = jnp.matmul(_power(waveform, self.config), filters, precision=jax.lax.Precision.HIGHEST)
        return jnp.log1p(mel / self.config.floor)


def _power(waveform: jax.Array, config: SpectrogramConfig) -> jax.Array:
    """Squared magnitudes, (..., frames, bins), such that a full-scale sine on a bin has 1."""
    if not isinstance(waveform, jax.Array | np.ndarray) or waveform.dtype != np.float32:
        found = getattr(waveform, "dtype", type(waveform).__name__)
        raise TypeError(f"waveform is {found}; expected a float32 array (..., samples)")
    num_samples = waveform.shape[-1] if waveform.ndim else 0
    if num_samples < config.receptive_field:
        raise ValueError(
            f"waveform has shape {waveform.shape}; expected (..., samples) with at least the "
            f"{config.receptive_field} samples of one frame"
        )
    starts = np.arange(config.num_frames(num_samples)) * config.hop
    frames = waveform[..., starts[:, None] + np.arange(config.receptive_field)]
    spectrum = jnp.fft.rfft(frames * _window(config.receptive_field), n=config.fft_size, axis=-1)
    # Not the absolute value, whose gradient is undefined where it is 0.
    return jnp.square(spectrum.real) + jnp.square(spectrum.imag)


@functools.cache
def _window(length: int) -> np.ndarray:
    """A periodic Hann window, scaled so that a sine of amplitude 1 has a spectral peak of 1."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    return (window / (window.sum() / 2)).astype(np.float32)


@functools.cache
def _mel_filters(config: SpectrogramConfig) -> np.ndarray:
    """(fft_size // 2 + 1, bands) float32: band b rises from edge b to 1 at edge b + 1 and falls to edge b + 2."""
    nyquist = config.sample_rate / 2
    # Triangles in Mel, not in Hz: the same shape for every band.
    position = scales.mel(np.linspace(0, nyquist, config.fft_size // 2 + 1))
    position = position / scales.mel(nyquist) * (config.bands + 1)
    centres = np.arange(1, config.bands + 1)
    return np.maximum(0, 1 - np.abs(position[:, None] - centres)).astype(np.float32)
