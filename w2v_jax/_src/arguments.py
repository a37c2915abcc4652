"""Arguments of synthesis: checked where they are concrete; inside a transformation NaN says what an error would."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

Scalar = float | np.ndarray | jax.Array
Scalars = Scalar | Sequence[Scalar]


def sampling_times(duration: float, sample_rate: int) -> np.ndarray:
    """Sampling times, (samples,) float64 seconds."""
    if isinstance(sample_rate, bool) or not isinstance(sample_rate, int | np.integer) or sample_rate <= 0:
        raise ValueError(f"sample_rate is {sample_rate!r}; expected a positive integer in Hz")
    if not is_number(duration):
        raise ValueError(f"duration is {duration!r}; expected a Python number of seconds: it fixes the shape")
    if not math.isfinite(duration) or round(duration * sample_rate) < 1:
        raise ValueError(f"duration is {duration} s; expected at least one sample at {sample_rate} Hz")
    return np.arange(round(duration * sample_rate)) / sample_rate


def is_number(value: object) -> bool:
    return bool(np.isscalar(value)) and not isinstance(value, jax.core.Tracer | str | bool | complex)


def scalar(name: str, value: Scalar) -> jax.Array:
    value = jnp.asarray(value, jnp.float32)
    if value.ndim != 0:
        raise ValueError(f"{name} has shape {value.shape}; expected a scalar")
    _check_finite(name, value)
    return value


def vector(name: str, values: Scalars, *, like: jax.Array | None = None, like_name: str = "frequencies") -> jax.Array:
    """`values` as (tones,) float32; where `like` is given, as long as it, a scalar being repeated."""
    if isinstance(values, Sequence):
        shapes = [jnp.shape(value) for value in values]
        if any(shapes):
            raise ValueError(f"{name} is a list of shapes {shapes}; expected scalars")
        values = (
            jnp.stack([jnp.asarray(value, jnp.float32) for value in values]) if values else jnp.zeros((0,), jnp.float32)
        )
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
    if is_concrete(values) and not np.isfinite(values).all():
        raise ValueError(f"{name} is {np.asarray(values).tolist()}; expected finite float32 numbers")


def checked_frequencies(name: str, frequencies: jax.Array, sample_rate: int) -> jax.Array:
    """`frequencies`, if the sample rate can hold them; traced ones that it cannot are NaN."""
    possible = (frequencies >= 0) & (frequencies <= sample_rate / 2)
    if not is_concrete(frequencies):
        return jnp.where(possible, frequencies, jnp.nan)
    if not possible.all():
        raise ValueError(
            f"{name} is {np.asarray(frequencies).tolist()} Hz; expected 0 to the Nyquist frequency, "
            f"{sample_rate / 2:g} Hz"
        )
    return frequencies


def is_concrete(value: jax.Array) -> bool:
    return not isinstance(value, jax.core.Tracer)
