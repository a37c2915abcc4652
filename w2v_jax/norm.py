"""Normalisation of frames: over time, over channels, or over both."""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class Norm(nnx.Module):
    """Normalisation over one axis or two, then a scale and bias per channel.

    The variance is taken in two passes: `E[x^2] - E[x]^2` loses digits when the mean is large, as it is
    after the first convolution of a waveform with a DC bias. There even the rounded mean is too inaccurate, so the mean
    of the residual is subtracted as well.
    """

    def __init__(self, channels: int, *, axis: int | tuple[int, ...], eps: float):
        self.axis = axis
        self.eps = eps
        self.scale = nnx.Param(jnp.ones((channels,)))
        self.bias = nnx.Param(jnp.zeros((channels,)))

    def __call__(self, x: jax.Array) -> jax.Array:
        """Normalises `x`, (..., frames, channels), over `axis`; same shape."""
        centred = x - self._mean(x)
        centred = centred - self._mean(centred)
        variance = self._mean(jnp.square(centred))
        return centred * (lax.rsqrt(variance + self.eps) * self.scale[...]) + self.bias[...]

    def _mean(self, x: jax.Array) -> jax.Array:
        """Over one axis after the other, the last one first: short sums of short sums round less than a long one."""
        axes = (self.axis,) if isinstance(self.axis, int) else sorted(self.axis, reverse=True)
        for axis in axes:
            x = jnp.mean(x, axis=axis, keepdims=True)
        return x
