"""One waveform from a few parameters: sums of sines, bursts and glides (paper section 3.1).

Everything here is pure, runs jitted or not, vmaps, and is differentiable in frequency, amplitude, phase and
bias to any order. Values are checked where they are concrete. Inside `jax.jit`, `jax.vmap` or `jax.grad` they cannot
be: there a frequency that the sample rate cannot hold, or a value that is not finite, gives a waveform of NaN, which
`w2v_jax.sweep` reports with its parameters.

A float32 holds no phase: 2 pi f t at 8 kHz and 1 s is off by 1e-3. So the phase is kept in turns (cycles), and only
its fraction, as a 32-bit integer. A product of frequency and time is split into products of 12-bit pieces, which
float32 holds exactly; each is reduced modulo one turn without rounding, and their sum wraps around by itself.
"""

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Scalar = float | np.ndarray | jax.Array
Scalars = Scalar | Sequence[Scalar]

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
    time = _time(duration, sample_rate)
    frequencies = _vector("frequencies", frequencies)
    amplitudes = _vector("amplitudes", amplitudes, like=frequencies)
    phases = _vector("phases", phases, like=frequencies)
    frequencies = _checked_frequencies("frequencies", frequencies, sample_rate)
    bias = _scalar("bias", bias)
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
    time = _time(duration, sample_rate)
    frequencies = jnp.stack([_scalar("base_frequency", base_frequency), _scalar("burst_frequency", burst_frequency)])
    frequencies = _checked_frequencies("base_frequency and burst_frequency", frequencies, sample_rate)
    burst_fraction = _scalar("burst_fraction", burst_fraction)
    possible = (burst_fraction >= 0) & (burst_fraction <= 1)
    if _concrete(burst_fraction) and not possible:
        raise ValueError(f"burst_fraction is {float(burst_fraction)}; expected 0 to 1")
    base, burst_tone = _sinusoid((time,))(jnp.zeros(2), frequencies)
    start, stop = burst_span(burst_fraction, num_samples=len(time))
    index = jnp.arange(len(time))
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
    time = _time(duration, sample_rate)
    fundamental = _vector("fundamental", _scalar("fundamental", fundamental))
    starts = _vector("start_frequencies", start_frequencies)
    ends = _vector("end_frequencies", end_frequencies, like=starts, like_name="start_frequencies")
    frequencies = jnp.concatenate([fundamental, starts])
    amplitudes = _vector("amplitudes", amplitudes, like=frequencies, like_name="[fundamental, *start_frequencies]")
    fundamental = _checked_frequencies("fundamental", fundamental, sample_rate)
    starts = _checked_frequencies("start_frequencies", starts, sample_rate)
    ends = _checked_frequencies("end_frequencies", ends, sample_rate)
    # start t + (end - start) q with q = t^2 / (2 duration), regrouped: the float32 end - start would be rounded.
    quadratic = time * time / (2 * duration)
    sine = _sinusoid((time,))(jnp.zeros(1), fundamental)
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
        turns = _turns(phases, np.array([1 / (2 * np.pi)])) + np.int32(_wrap(quarter_turns << 30))
        for coefficient, weight in zip(coefficients, weights, strict=True):
            turns = turns + _turns(coefficient, weight)
        finite = jnp.isfinite(sum(coefficients, phases))
        return jnp.where(finite[:, None], sin_of_turns(turns), jnp.nan)

    @sinusoid.defjvp
    def _(primals: tuple[jax.Array, ...], tangents: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        phase_rate, *rates = tangents
        rate = phase_rate[:, None]
        for coefficient_rate, weight in zip(rates, weights, strict=True):
            rate = rate + coefficient_rate[:, None] * jnp.asarray(2 * np.pi * weight, jnp.float32)
        return sinusoid(*primals), _sinusoid(weights, quarter_turns + 1)(*primals) * rate

    return sinusoid


def _turns(values: jax.Array, weight: np.ndarray) -> jax.Array:
    """`values[:, None] * weight` modulo 1, in units of 2^-32, as wrapping int32 (tones, samples).

    Exact to about 2^-29 turns while the products stay below 2^17 turns (8 kHz for 16 s).
    """
    # 12 bits of each factor at a time: 24-bit products are exact, fused multiply-add or not.
    bits = lax.bitcast_convert_type(values, jnp.uint32) & jnp.uint32(0xFFFFF000)
    high = lax.bitcast_convert_type(bits, jnp.float32)
    pieces = _twelve_bit_pieces(weight, count=4)
    products = [(high, piece) for piece in pieces] + [(values - high, piece) for piece in pieces[:-1]]
    total = jnp.zeros((len(values), len(weight)), jnp.int32)
    for factor, piece in products:
        product = factor[:, None] * piece
        fraction = product - jnp.round(product)  # exact, in -1/2 ... 1/2
        total = total + (fraction * 2.0**31).astype(jnp.int32)  # 2^31: so that 1/2 fits
    return total << 1


def _twelve_bit_pieces(weight: np.ndarray, *, count: int) -> list[np.ndarray]:
    """Float32 arrays of 12 significant bits each that add up to `weight`, largest first."""
    pieces = []
    rest = np.asarray(weight, np.float64)
    for _ in range(count):
        mantissa, exponent = np.frexp(rest)
        piece = np.ldexp(np.trunc(np.ldexp(mantissa, 12)), exponent - 12)
        pieces.append(piece.astype(np.float32))
        rest = rest - piece
    return pieces


def sin_of_turns(turns: jax.Array) -> jax.Array:
    """Sine of an angle given in units of 2^-32 turns."""
    # Fold the outer quarters onto the inner ones, sin(pi - x) = sin(x), while the angle is an exact integer.
    outer = (turns ^ (turns << 1)) < 0
    folded = jnp.where(outer, np.int32(-(2**31)) - turns, turns)
    return jnp.sin(folded.astype(jnp.float32) * np.float32(2 * np.pi * 2.0**-32))


def _wrap(value: int) -> int:
    """The int32 that `value` wraps around to."""
    return (value + 2**31) % 2**32 - 2**31


def _time(duration: float, sample_rate: int) -> np.ndarray:
    """Sampling times, (samples,) float64 seconds."""
    if isinstance(sample_rate, bool) or not isinstance(sample_rate, int | np.integer) or sample_rate <= 0:
        raise ValueError(f"sample_rate is {sample_rate!r}; expected a positive integer in Hz")
    if not _is_number(duration):
        raise ValueError(f"duration is {duration!r}; expected a Python number of seconds: it fixes the shape")
    if not math.isfinite(duration) or round(duration * sample_rate) < 1:
        raise ValueError(f"duration is {duration} s; expected at least one sample at {sample_rate} Hz")
    return np.arange(round(duration * sample_rate)) / sample_rate


def _is_number(value: object) -> bool:
    return bool(np.isscalar(value)) and not isinstance(value, jax.core.Tracer | str | bool | complex)


def _scalar(name: str, value: Scalar) -> jax.Array:
    value = jnp.asarray(value, jnp.float32)
    if value.ndim != 0:
        raise ValueError(f"{name} has shape {value.shape}; expected a scalar")
    _check_finite(name, value)
    return value


def _vector(name: str, values: Scalars, *, like: jax.Array | None = None, like_name: str = "frequencies") -> jax.Array:
    """`values` as (tones,) float32; where `like` is given, as long as it, a scalar being repeated."""
    if isinstance(values, Sequence):
        shapes = [jnp.shape(value) for value in values]
        if any(shapes):
            raise ValueError(f"{name} is a list of shapes {shapes}; expected scalars")
        values = jnp.stack([jnp.asarray(value, jnp.float32) for value in values]) if values else jnp.zeros((0,))
    values = jnp.asarray(values, jnp.float32)
    if values.ndim > 1:
        raise ValueError(f"{name} has shape {values.shape}; expected a scalar or one dimension (vmap adds others)")
    if like is None:
        values = jnp.atleast_1d(values)
        if values.shape == (0,):
            raise ValueError(f"{name} is empty; expected at least one value")
    elif values.ndim == 0:
        values = jnp.broadcast_to(values, like.shape)
    elif values.shape != like.shape:
        raise ValueError(f"{name} has {values.size} values; expected {like.size}, as many as {like_name}, or a scalar")
    _check_finite(name, values)
    return values


def _check_finite(name: str, values: jax.Array) -> None:
    if _concrete(values) and not np.isfinite(values).all():
        raise ValueError(f"{name} is {np.asarray(values).tolist()}; expected finite float32 numbers")


def _checked_frequencies(name: str, frequencies: jax.Array, sample_rate: int) -> jax.Array:
    """`frequencies`, if the sample rate can hold them; traced ones that it cannot are NaN."""
    possible = (frequencies >= 0) & (frequencies <= sample_rate / 2)
    if not _concrete(frequencies):
        return jnp.where(possible, frequencies, jnp.nan)
    if not possible.all():
        raise ValueError(
            f"{name} is {np.asarray(frequencies).tolist()} Hz; expected 0 to the Nyquist frequency, "
            f"{sample_rate / 2:g} Hz"
        )
    return frequencies


def _concrete(value: jax.Array) -> bool:
    return not isinstance(value, jax.core.Tracer)
