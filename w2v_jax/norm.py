"""Normalisation of frames: over time, over channels, or over both."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from w2v_jax._src.long_waveforms import Pieces


class Statistics(NamedTuple):
    """What a `Norm` takes away and divides by; each broadcasts to the frames.

    Attributes:
        mean: the mean, rounded.
        residual: the mean of what is left when `mean` is taken away.
        variance: about both.
    """

    mean: jax.Array
    residual: jax.Array
    variance: jax.Array


class Norm(nnx.Module):
    """Normalisation over one axis or two, then a scale and bias per channel.

    The variance is taken in two passes: `E[x^2] - E[x]^2` loses digits when the mean is large, as it is
    after the first convolution of a waveform with a DC bias. There even the rounded mean is too inaccurate, so the mean
    of the residual is subtracted as well.
    """

    def __init__(self, channels: int, *, axis: int | tuple[int, ...], eps: float):
        self.axis = axis
        self.eps = eps
        self.scale = nnx.Param(jnp.ones((channels,), jnp.float32))
        self.bias = nnx.Param(jnp.zeros((channels,), jnp.float32))

    @property
    def is_over_time(self) -> bool:
        """Whether a frame's result depends on the other frames."""
        return -2 in self._axes

    def __call__(
        self, x: jax.Array, *, valid: jax.Array | None = None, statistics: Statistics | None = None
    ) -> jax.Array:
        """Normalises `x`, (..., frames, channels), over `axis`; same shape.

        Args:
            x: the frames.
            valid: (..., frames, 1) bool, the frames that count where the norm is over time; by default all.
            statistics: known from elsewhere; by default those of `x`.
        """
        mean, residual, variance = self.statistics(x, valid=valid) if statistics is None else statistics
        scale, bias = (jnp.expand_dims(each[...], tuple(range(x.ndim - 1))) for each in (self.scale, self.bias))
        return ((x - mean) - residual) * (lax.rsqrt(variance + self.eps) * scale) + bias

    def statistics(self, x: jax.Array, *, valid: jax.Array | None = None) -> Statistics:
        """The statistics of `x`, (..., frames, channels), of its `valid` frames alone."""
        mean = self._mean(x, valid)
        centred = x - mean
        residual = self._mean(centred, valid)
        return Statistics(mean, residual, self._mean(jnp.square(centred - residual), valid))

    def sum(self, x: jax.Array, *, valid: jax.Array) -> jax.Array:
        """The sum over the valid frames of `x`, (..., frames, channels), of the mean over the other axis, if any."""
        if -1 in self._axes:
            x = jnp.mean(x, axis=-1, keepdims=True)
        return jnp.sum(jnp.where(valid, x, 0), axis=-2, keepdims=True)

    @property
    def _axes(self) -> tuple[int, ...]:
        """The last one first: short sums of short sums round less than a long one."""
        return (self.axis,) if isinstance(self.axis, int) else tuple(sorted(self.axis, reverse=True))

    def _mean(self, x: jax.Array, valid: jax.Array | None) -> jax.Array:
        if valid is not None and self.is_over_time:
            return self.sum(x, valid=valid) / jnp.maximum(jnp.sum(valid, axis=-2, keepdims=True), 1).astype(x.dtype)
        for axis in self._axes:
            x = jnp.mean(x, axis=axis, keepdims=True)
        return x


def statistics_in_pieces(
    norm: Norm, pieces: Pieces, frames_of: Callable[[jax.Array], jax.Array], counts: jax.Array
) -> Statistics:
    """The statistics of a norm over time, of frames that never are in memory together, in two passes.

    Args:
        norm: the norm.
        pieces: of the waveforms, cut for the layer that the norm stands in.
        frames_of: maps a piece of the waveforms to what the norm is given, (batch, frames, channels).
        counts: (batch,), how many frames of each waveform count.
    """

    def valid(x: jax.Array, first: jax.Array) -> jax.Array:
        return ((first + jnp.arange(x.shape[1], dtype=jnp.int32))[None] < counts[:, None])[..., None]

    def total(part: jax.Array, first: jax.Array) -> jax.Array:
        x = frames_of(part)
        return norm.sum(x, valid=valid(x, first))

    def about_the_mean(part: jax.Array, first: jax.Array) -> tuple[jax.Array, jax.Array]:
        centred = frames_of(part) - mean
        which = valid(centred, first)
        return norm.sum(centred, valid=which), norm.sum(jnp.square(centred), valid=which)

    summed = pieces.sum(total)
    divisor = jnp.maximum(counts, 1)[:, None, None].astype(summed.dtype)
    mean = summed / divisor
    residual, square = (each / divisor for each in pieces.sum(about_the_mean))
    return Statistics(mean, residual, jnp.maximum(square - jnp.square(residual), 0))


def statistics_of_filters(
    x: jax.Array, kernel: jax.Array, stride: int, *, valid: jax.Array | None = None
) -> Statistics:
    """Mean and variance over time of every filter's output, from the covariance of the windows that filters see.

    A filter is linear: with the mean m and the covariance C of the windows its output has the mean k m and the variance
    k C k, and nothing has to be filtered. The sum cancels where a filter removes nearly all of a loud sound: its error
    is 1e-7 of the variance that the sound would have through an average filter.

    Args:
        x: (batch, samples, 1), best with a mean near 0.
        kernel: (kernel_size, 1, channels).
        stride: between windows, in samples.
        valid: (batch, frames, 1) bool, the windows that count; by default all.

    Returns:
        Statistics of (batch, 1, channels).
    """
    kernel_size = len(kernel)
    frames = (x.shape[1] - kernel_size) // stride + 1
    span = (frames - 1) * stride + 1
    windows = jnp.concatenate([x[:, tap : tap + span : stride] for tap in range(kernel_size)], axis=-1)
    counts = frames if valid is None else jnp.maximum(jnp.sum(valid, axis=1, keepdims=True), 1).astype(x.dtype)

    def counted(windows: jax.Array) -> jax.Array:
        return windows if valid is None else jnp.where(valid, windows, 0)

    mean = jnp.sum(counted(windows), axis=1, keepdims=True) / counts
    centred = counted(windows - mean)
    highest = lax.Precision.HIGHEST
    covariance = jnp.einsum("btj,btk->bjk", centred, centred, precision=highest) / counts
    filters = kernel[:, 0]
    variance = jnp.einsum("bjk,jc,kc->bc", covariance, filters, filters, precision=highest)[:, None]
    found_mean = jnp.matmul(mean, filters, precision=highest)
    return Statistics(found_mean, jnp.zeros_like(found_mean), jnp.maximum(variance, 0))
