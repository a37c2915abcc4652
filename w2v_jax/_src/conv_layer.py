"""A layer of the encoder: a convolution, its norm and its activation."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import export, lax

from w2v_jax._src.architecture import Activation
from w2v_jax.convolution import Precision, as_stored, convolve, is_rounded
from w2v_jax.norm import Norm, Statistics, statistics_of_filters


def gelu(x: jax.Array) -> jax.Array:
    """The exact (erf) GELU, `x (1 + erf(x / sqrt 2)) / 2`.

    `jax.nn.gelu` goes through erfc, which takes two to three times as long on CPU and is closer to float64 only where
    the result is next to nothing.
    """
    half = 0.5 * x
    return half + half * lax.erf(x * np.sqrt(0.5).astype(x.dtype))


_ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "gelu": gelu,
    "gelu_tanh": functools.partial(jax.nn.gelu, approximate=True),
    "relu": jax.nn.relu,
    "silu": jax.nn.silu,
}


class ConvLayer(nnx.Module):
    """Convolution without padding, then a norm (or none), then the activation; and perhaps its input, added."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int,
        stride: int,
        use_bias: bool,
        norm: Norm | None,
        activation: Activation,
        residual_scale: float | None,
        precision: Precision,
        rngs: nnx.Rngs,
    ):
        self.stride = stride
        self.activation = activation
        self.residual_scale = residual_scale  # None: without its input
        self.precision = precision
        # The untrained initialisation is the one of the reference: He-normal kernels, and a bias
        # uniform within the reciprocal root of the fan-in.
        fan_in = in_channels * kernel_size
        shape = (kernel_size, in_channels, out_channels)
        self.kernel = nnx.Param(jax.nn.initializers.he_normal()(rngs.params(), shape, jnp.float32))
        bound = fan_in**-0.5
        self.bias = (
            nnx.Param(jax.random.uniform(rngs.params(), (out_channels,), jnp.float32, minval=-bound, maxval=bound))
            if use_bias
            else None
        )
        self.norm = norm

    def __call__(
        self,
        x: jax.Array,
        *,
        valid: jax.Array | None = None,
        statistics: Statistics | None = None,
        thinning: int | jax.Array | None = None,
    ) -> jax.Array:
        """`x`, (batch, frames_in, in_channels), to (batch, frames_out, out_channels).

        Args:
            x: the layer's input.
            valid: (batch, frames_out, 1) bool, the frames over which a norm over time is taken; by default all.
            statistics: of that norm, where they are known.
            thinning: how many frames of the input a skip connection has for one of the output, () or (batch,); by
                default as fairseq thins it, whatever the stride: the quotient of their numbers.
        """
        if statistics is None and self._filters_a_waveform:
            # The norm removes any constant; what is left of it costs digits.
            x = x - jnp.mean(x, axis=-2, keepdims=True)
            statistics = statistics_of_filters(x, self.kernel[...], self.stride, valid=valid)
            if self.bias is not None:
                statistics = statistics._replace(mean=statistics.mean + self.bias[...][None, None])
        output = self.convolved(x)
        if self.norm is not None:
            output = self.norm(output, valid=valid, statistics=statistics)
        output = _ACTIVATIONS[self.activation](output)
        if self.residual_scale is not None:
            output = (output + self._thinned(x, output.shape[-2], thinning).astype(output.dtype)) * self.residual_scale
        return as_stored(output, self.precision)

    def convolved(self, x: jax.Array) -> jax.Array:
        """What the norm is given, of the parameters' dtype."""
        products = convolve(x, self.kernel[...], self.stride, self.precision)
        if products.dtype == jnp.float16 != self.kernel[...].dtype:
            # Else an overflow could vanish in a ReLU.
            products = jnp.where(jnp.isfinite(products), products, jnp.nan)
        products = products.astype(self.kernel[...].dtype)
        return products if self.bias is None else products + self.bias[...][None, None]

    @property
    def _filters_a_waveform(self) -> bool:
        """Whether the statistics of the norm follow from the waveform, within what a cheap precision needs."""
        is_alone = self.residual_scale is None and self.kernel[...].shape[1] == 1
        return is_alone and is_rounded(self.precision) and self.norm is not None and self.norm.axis == -2

    def _thinned(self, x: jax.Array, frames: int, thinning: int | jax.Array | None) -> jax.Array:
        if thinning is None:
            thinning = x.shape[-2] // frames
            if export.is_symbolic_dim(thinning):  # `jax.export` leaves the number of frames open
                thinning = jnp.asarray(thinning, jnp.int32)[None]
        if isinstance(thinning, int):
            return x[..., ::thinning, :][..., :frames, :]
        wanted = jnp.minimum(thinning[:, None] * jnp.arange(frames, dtype=jnp.int32)[None], x.shape[-2] - 1)
        return jnp.take_along_axis(x, wanted[..., None], axis=-2)
