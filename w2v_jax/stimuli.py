"""One waveform from a few parameters: sums of sines, bursts and glides (paper section 3.1).

Everything here is pure, runs jitted or not, vmaps, and is differentiable in frequency, amplitude, phase and
bias to any order. Values are checked where they are concrete. Inside `jax.jit`, `jax.vmap` or `jax.grad` they cannot
be: there a frequency that the sample rate cannot hold, or a value that is not finite, gives a waveform of NaN, which
`w2v_jax.sweep` reports with its parameters.

Sound is float32 whatever it is made of and whatever `jax_enable_x64` says: parameters are taken as float32.

Phases are exact: see `w2v_jax._src.exact_phase`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from w2v_jax._src.arguments import Scalar, Scalars, checked_frequencies, is_concrete, sampling_times, scalar, vector
from w2v_jax._src.exact_phase import sin_of_turns, turns

SAMPLE_RATE = 16_000  # Hz


def sine_mixture(
    frequencies: Scalars,
    amplitudes: Scalars = 1.0,
    *,
    phases: Scalars = 0.0,
    bias: Scalar = 0.0,
    duration: float = 1.0,
    sample_rate: int = SAMPLE_RATE,
) -> jax.Array:
    """Sum of sines: `sum_i amplitudes_i sin(2 pi frequencies_i t + phases_i) + bias` (paper section 3.1).

    Args:
        frequencies: (tones,) in Hz, a list of scalars or an array; a scalar is one tone.
        amplitudes: (tones,), or a scalar for all.
        phases: (tones,) in radians, or a scalar for all.
        bias: scalar added to every sample.
        duration: length in seconds; a Python number, since it fixes the shape.
        sample_rate: Hz; a Python integer.

    Returns:
        (samples,) float32, with t = 0, 1 / sample_rate, ... For amplitudes of sum 1 it is within 5e-7 of exact
        arithmetic at the same float32 parameters, up to 10 s and the Nyquist frequency.

    Raises:
        ValueError: values that are not finite, frequencies that are negative or above the Nyquist frequency, lengths
            that differ, a duration of no samples.

    Examples:
        >>> vowel = sine_mixture([120.0, 850.0, 1610.0], [0.5, 0.35, 0.15])
        >>> vowel.shape
        (16000,)
    """
    time = sampling_times(duration, sample_rate)
    frequencies = vector("frequencies", frequencies)
    amplitudes = vector("amplitudes", amplitudes, like=frequencies)
    phases = vector("phases", phases, like=frequencies)
    frequencies = checked_frequencies("frequencies", frequencies, sample_rate)
    bias = scalar("bias", bias)
    tones = _sinusoid((time,))(phases, frequencies)
    return jnp.sum(amplitudes[:, None] * tones, axis=0) + bias


def burst(
    base_frequency: Scalar,
    burst_frequency: Scalar,
    burst_fraction: Scalar,
    *,
    duration: float = 1.0,
    sample_rate: int = SAMPLE_RATE,
) -> jax.Array:
    """A tone whose middle is replaced by another tone; both run from t = 0 (paper section 3.2).

    Args:
        base_frequency: Hz.
        burst_frequency: Hz.
        burst_fraction: share of the waveform that is replaced, 0 to 1; see `burst_span` for its samples.
        duration: seconds; a Python number.
        sample_rate: Hz; a Python integer.

    Returns:
        (samples,) float32 of amplitude 1. Differentiable in both frequencies (in the fraction it is a step).

    Raises:
        ValueError: as for `sine_mixture`, or a fraction outside 0 to 1.

    Examples:
        >>> sound = burst(500.0, 2000.0, 0.01)  # 10 ms in the middle of one second
        >>> [int(sample) for sample in burst_span(jnp.float32(0.01), num_samples=16_000)]
        [7920, 8080]
    """
    time = sampling_times(duration, sample_rate)
    frequencies = jnp.stack([scalar("base_frequency", base_frequency), scalar("burst_frequency", burst_frequency)])
    frequencies = checked_frequencies("base_frequency and burst_frequency", frequencies, sample_rate)
    burst_fraction = scalar("burst_fraction", burst_fraction)
    possible = (burst_fraction >= 0) & (burst_fraction <= 1)
    if is_concrete(burst_fraction) and not possible:
        raise ValueError(f"burst_fraction is {float(burst_fraction)}; expected 0 to 1")
    base, burst_tone = _sinusoid((time,))(jnp.zeros_like(frequencies), frequencies)
    start, stop = burst_span(burst_fraction, num_samples=len(time))
    index = jnp.arange(len(time), dtype=jnp.int32)
    return jnp.where(possible, jnp.where((index >= start) & (index < stop), burst_tone, base), jnp.nan)


def burst_span(burst_fraction: Scalar, *, num_samples: int) -> tuple[jax.Array, jax.Array]:
    """First sample of a burst and the first one after it: `2 int(num_samples / 2 * burst_fraction)` about the middle.

    The product is rounded to float32 before it is cut to an integer, so that a fraction such as 0.32, which no float32
    holds, gives the whole number of samples that it stands for (2,560 of 16,000).
    """
    middle = num_samples // 2
    half = jnp.floor(jnp.float32(middle) * jnp.asarray(burst_fraction, jnp.float32)).astype(jnp.int32)
    return middle - half, middle + half


def glide(
    fundamental: Scalar,
    start_frequencies: Scalars,
    end_frequencies: Scalars,
    amplitudes: Scalars,
    *,
    duration: float = 2.0,
    sample_rate: int = SAMPLE_RATE,
) -> jax.Array:
    """A sine plus linear cosine chirps, as in the authors' diphthongs.

    Chirp i is `cos(2 pi (start_i t + (end_i - start_i) t^2 / (2 duration)))`.

    Args:
        fundamental: Hz, of the sine.
        start_frequencies: (chirps,) in Hz, at t = 0.
        end_frequencies: (chirps,) in Hz, at t = duration.
        amplitudes: (1 + chirps,), the sine's first; or a scalar for all.
        duration: seconds; a Python number.
        sample_rate: Hz; a Python integer.

    Returns:
        (samples,) float32. For amplitudes of sum 1 it is within 2e-6 of exact arithmetic at the same float32
        parameters.

    Raises:
        ValueError: as for `sine_mixture`.

    Examples:
        >>> glide(120.0, [850.0, 1610.0], [240.0, 2400.0], [0.5, 0.35, 0.15]).shape  # from a to i
        (32000,)
    """
    time = sampling_times(duration, sample_rate)
    fundamental = vector("fundamental", scalar("fundamental", fundamental))
    starts = vector("start_frequencies", start_frequencies)
    ends = vector("end_frequencies", end_frequencies, like=starts, like_name="start_frequencies")
    frequencies = jnp.concatenate([fundamental, starts])
    amplitudes = vector("amplitudes", amplitudes, like=frequencies, like_name="[fundamental, *start_frequencies]")
    fundamental = checked_frequencies("fundamental", fundamental, sample_rate)
    starts = checked_frequencies("start_frequencies", starts, sample_rate)
    ends = checked_frequencies("end_frequencies", ends, sample_rate)
    # start t + (end - start) q with q = t^2 / (2 duration), regrouped: the float32 end - start would be rounded.
    quadratic = time * time / (2 * duration)
    sine = _sinusoid((time,))(jnp.zeros_like(fundamental), fundamental)
    chirps = _sinusoid((time - quadratic, quadratic), quarter_turns=1)(jnp.zeros_like(starts), starts, ends)
    return jnp.sum(amplitudes[:, None] * jnp.concatenate([sine, chirps]), axis=0)


def _sinusoid(weights: tuple[np.ndarray, ...], quarter_turns: int = 0) -> Callable[..., jax.Array]:
    """`f(phases, c_1, ..., c_k) = sin(2 pi sum_j c_j weights_j + phases + quarter_turns pi / 2)`.

    Args:
        weights: k arrays (samples,) of float64, known when tracing: seconds where c is a frequency.
        quarter_turns: 1 makes it a cosine.

    Returns:
        A function of phases (tones,) in radians and coefficients (tones,), to (tones, samples) float32, with exact
        derivatives: those of the integer phase would be zero.
    """

    @jax.custom_jvp
    def sinusoid(phases: jax.Array, *coefficients: jax.Array) -> jax.Array:
        angle = turns(phases, np.array([1 / (2 * np.pi)])) + np.int32(_wrap(quarter_turns << 30))
        for coefficient, weight in zip(coefficients, weights, strict=True):
            angle = angle + turns(coefficient, weight)
        finite = jnp.isfinite(sum(coefficients, phases))
        return jnp.where(finite[:, None], sin_of_turns(angle), jnp.nan)

    @sinusoid.defjvp
    def _(primals: tuple[jax.Array, ...], tangents: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        phase_rate, *rates = tangents
        rate = phase_rate[:, None]
        for coefficient_rate, weight in zip(rates, weights, strict=True):
            rate = rate + coefficient_rate[:, None] * jnp.asarray(2 * np.pi * weight[None], jnp.float32)
        return sinusoid(*primals), _sinusoid(weights, quarter_turns + 1)(*primals) * rate

    return sinusoid


def _wrap(value: int) -> int:
    """The int32 that `value` wraps around to."""
    return (value + 2**31) % 2**32 - 2**31
