"""A source and a filter: harmonics of a voice and noise, through resonances (Fant 1960; Klatt 1980).

Pure functions, which run jitted and vmapped and are differentiable. A filter is a transfer function per frame: it may
move. Filters work on overlapping windows in the frequency domain, so that nothing recurs from sample to sample: an
accelerator makes a batch in one go.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from w2v_jax.phases import sin_of_turns
from w2v_jax.stimuli import SAMPLE_RATE

# Frames a second at which a filter is given, and over how many of them its response may ring.
FRAME_RATE = 100
_RINGING_FRAMES = 7


def harmonics(f0: jax.Array, *, sample_rate: int = SAMPLE_RATE) -> jax.Array:
    """All harmonics of a fundamental below the Nyquist frequency: cosines of amplitude 1, in phase.

    In closed form: the sum of `cos(h x)` for h = 1 ... n is `sin((n + 1/2) x) / (2 sin(x / 2)) - 1/2`. The
    phase is kept in turns as a 32-bit integer, as in `stimuli`.

    Args:
        f0: (samples,) in Hz, positive, below the Nyquist frequency.
        sample_rate: Hz.

    Returns:
        (samples,) float32. Where f0 glides, the highest harmonic comes and goes at the Nyquist frequency.

    Examples:
        >>> voice = harmonics(jnp.full(1_600, 100.0))
        >>> round(float(voice[159]))  # a pulse after 10 ms: all 79 harmonics below 8 kHz are at their peak
        79
    """
    # Half the phase, in units of 2^-32 turns; the sum wraps around by itself.
    half_turns = jnp.round(f0 * np.float32(2.0**31 / sample_rate)).astype(jnp.int32)
    half = jnp.cumsum(half_turns, dtype=jnp.int32)
    number = jnp.maximum(jnp.ceil(np.float32(sample_rate / 2) / f0) - 1, 0).astype(jnp.int32)
    odd = 2 * number + 1
    below = sin_of_turns(half)
    # At a pulse both sines are zero, and their ratio is n + 1/2.
    at_pulse = below == 0
    ratio = sin_of_turns(odd * half) / jnp.where(at_pulse, 1.0, below)
    return 0.5 * jnp.where(at_pulse, odd.astype(jnp.float32), ratio) - 0.5


def resonances(frequencies: jax.Array, bandwidths: jax.Array, *, sample_rate: int = SAMPLE_RATE) -> jax.Array:
    """Transfer function of resonators in cascade, each a pair of poles of gain 1 at 0 Hz (Klatt 1980).

    Args:
        frequencies: (..., resonators) in Hz.
        bandwidths: (..., resonators) in Hz.
        sample_rate: Hz, a multiple of 100.

    Returns:
        (..., bins) complex64, at the frequencies of `filtered`.

    Examples:
        >>> transfer = resonances(jnp.array([500.0]), jnp.array([60.0]))
        >>> round(filter_frequencies(SAMPLE_RATE)[jnp.abs(transfer).argmax()])  # Hz
        500
    """
    radius = jnp.exp(-np.pi / sample_rate * bandwidths)[..., None]
    cosine = jnp.cos(2 * np.pi / sample_rate * frequencies)[..., None]
    delay = jnp.asarray(np.exp(-2j * np.pi * filter_frequencies(sample_rate) / sample_rate), jnp.complex64)
    first, second = 2 * radius * cosine, -(radius**2)
    return jnp.prod((1 - first - second) / (1 - first * delay - second * delay**2), axis=-2)


def constriction(frequencies: jax.Array, bandwidths: jax.Array, mix: jax.Array, *, sample_rate: int) -> jax.Array:
    """Two resonances side by side, the second one weaker by the factor `mix`; (frames, bins)."""
    one, other = (
        unit_power(resonances(frequencies[:, i : i + 1], bandwidths[:, i : i + 1], sample_rate=sample_rate))
        for i in (0, 1)
    )
    return one + mix[:, None] * other


def tilted(decibels_per_octave: jax.Array, *, corner: float, sample_rate: int) -> jax.Array:
    """Gain, (bins,), that falls or rises from `corner` up; flat below it."""
    octaves = np.log2(np.maximum(filter_frequencies(sample_rate) / corner, 1.0))
    return gain(decibels_per_octave * octaves.astype(np.float32))


def unit_power(transfer: jax.Array) -> jax.Array:
    """`transfer`, (..., bins), with a mean power of 1."""
    return transfer * lax.rsqrt(jnp.mean(jnp.square(jnp.abs(transfer)), axis=-1, keepdims=True))


def filtered(source: jax.Array, transfer: jax.Array, *, sample_rate: int = SAMPLE_RATE) -> jax.Array:
    """A sound through a filter that changes from frame to frame: windows of 20 ms, half overlapping, added up.

    Args:
        source: (samples,).
        transfer: (frames, bins) complex: of the filter at the times k / 100 s, `frames = ceil(samples / hop) + 1`; bins
            as in `resonances`. Its response should have died away after 50 ms.
        sample_rate: Hz, a multiple of 100.

    Returns:
        (samples,) float32.

    Examples:
        >>> through = resonances(jnp.array([700.0, 1200.0]), jnp.array([80.0, 90.0]))
        >>> voice = harmonics(jnp.full(1_600, 120.0))
        >>> filtered(voice, jnp.tile(through, (num_filter_frames(1_600, SAMPLE_RATE), 1))).shape
        (1600,)
    """
    hop = sample_rate // FRAME_RATE
    frames = num_filter_frames(len(source), sample_rate)
    if transfer.shape != (frames, len(filter_frequencies(sample_rate))):
        raise ValueError(
            f"transfer has shape {transfer.shape}; expected ({frames}, {len(filter_frequencies(sample_rate))})"
        )
    blocks = jnp.pad(source, (hop, (frames * hop) - len(source))).reshape(frames + 1, hop)
    window = np.sin(np.pi * np.arange(2 * hop) / (2 * hop)).astype(np.float32) ** 2
    windowed = jnp.concatenate([blocks[:-1], blocks[1:]], axis=-1) * window
    ringing = jnp.fft.irfft(jnp.fft.rfft(windowed, _RINGING_FRAMES * hop) * transfer, _RINGING_FRAMES * hop)
    parts = ringing.reshape(frames, _RINGING_FRAMES, hop)
    padded = jnp.zeros((frames + _RINGING_FRAMES, hop))
    for late in range(_RINGING_FRAMES):
        padded = padded.at[late : late + frames].add(parts[:, late])
    return padded.ravel()[hop : hop + len(source)]


def num_filter_frames(num_samples: int, sample_rate: int) -> int:
    """Frames of articulation: the last one at the end of the sound or after it."""
    return -(-num_samples // (sample_rate // FRAME_RATE)) + 1


def filter_frequencies(sample_rate: int) -> np.ndarray:
    """Frequencies at which transfer functions are known, (bins,) in Hz."""
    return np.fft.rfftfreq(_RINGING_FRAMES * (sample_rate // FRAME_RATE), 1 / sample_rate)


def gain(decibels: jax.Array) -> jax.Array:
    return 10.0 ** (decibels / 20)
