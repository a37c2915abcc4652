"""The convolutional feature encoder of wav2vec-like models, up to and including its final LayerNorm.

The reference is the pair `feature_extractor` and `feature_projection.layer_norm` of the
`transformers` PyTorch models (paper section 3.1). Time comes before channels everywhere.
"""

import dataclasses
import itertools
import math
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from w2v_jax.convolution import Precision, convolve

# Both reference implementations (transformers and fairseq) fix the epsilon of the norms inside the
# convolutional stack; only that of the final LayerNorm is a setting.
CONV_NORM_EPS = 1e-5


@dataclasses.dataclass(frozen=True)
class EncoderConfig:
    """Architecture of a feature encoder. Frozen and hashable, so that it can be a static argument.

    Attributes:
        channels: output channels of each convolution.
        kernel_sizes: kernel width of each convolution, in its input frames.
        strides: stride of each convolution, in its input frames.
        conv_norm: `"group"` normalises over time, per channel, after the first convolution only (wav2vec 2.0
            Base and Large); `"layer"` normalises over channels after every convolution (XLS-R, XLSR-53,
            Large LV-60).
        conv_bias: whether the convolutions have a bias.
        layer_norm_eps: epsilon of the final LayerNorm; norms inside the stack always use 1e-5.
    """

    channels: tuple[int, ...] = (512,) * 7
    kernel_sizes: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2)
    strides: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2)
    conv_norm: Literal["group", "layer"] = "group"
    conv_bias: bool = False
    layer_norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        for name in ("channels", "kernel_sizes", "strides"):
            values = getattr(self, name)
            if isinstance(values, str) or not hasattr(values, "__iter__"):
                raise ValueError(f"EncoderConfig.{name} is {values!r}; expected a sequence of positive integers")
            values = tuple(values)
            if not values or not all(_is_positive_int(value) for value in values):
                raise ValueError(f"EncoderConfig.{name} is {values}; expected one positive integer per layer")
            object.__setattr__(self, name, tuple(int(value) for value in values))
        lengths = {name: len(getattr(self, name)) for name in ("channels", "kernel_sizes", "strides")}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"EncoderConfig lists one entry per layer, but their lengths differ: {lengths}")
        if self.conv_norm not in ("group", "layer"):
            raise ValueError(f"EncoderConfig.conv_norm is {self.conv_norm!r}; expected 'group' or 'layer'")
        if not isinstance(self.conv_bias, bool):
            raise ValueError(f"EncoderConfig.conv_bias is {self.conv_bias!r}; expected True or False")
        eps = self.layer_norm_eps
        if isinstance(eps, bool) or not isinstance(eps, int | float) or not (0 < eps < math.inf):
            raise ValueError(f"EncoderConfig.layer_norm_eps is {eps!r}; expected a positive number")
        object.__setattr__(self, "layer_norm_eps", float(eps))

    @property
    def receptive_field(self) -> int:
        """Samples that one frame sees (400 for wav2vec 2.0: 25 ms at 16 kHz)."""
        hops = itertools.accumulate((1, *self.strides[:-1]), lambda hop, stride: hop * stride)
        return 1 + sum((kernel - 1) * hop for kernel, hop in zip(self.kernel_sizes, hops, strict=True))

    @property
    def hop(self) -> int:
        """Samples between the starts of neighbouring frames (320 for wav2vec 2.0: 20 ms at 16 kHz)."""
        return math.prod(self.strides)

    def num_frames(self, num_samples: int) -> int:
        """Frames for a waveform of `num_samples` samples; 0 when it is shorter than the receptive field."""
        return max(0, (num_samples - self.receptive_field) // self.hop + 1)


def _is_positive_int(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and value > 0


def gelu(x: jax.Array) -> jax.Array:
    """The exact (erf) GELU, `x (1 + erf(x / sqrt 2)) / 2`.

    `jax.nn.gelu` goes through erfc, which takes two to three times as long on CPU and is closer to float64 only where
    the result is next to nothing.
    """
    half = 0.5 * x
    return half + half * lax.erf(x * np.sqrt(0.5).astype(x.dtype))


class Norm(nnx.Module):
    """Normalisation over one axis, then a scale and bias per channel.

    The variance is taken in two passes: `E[x^2] - E[x]^2` loses digits when the mean is large, as it is
    after the first convolution of a waveform with a DC bias. There the rounded mean itself is off, by more than the
    result can bear; the mean of what it leaves mends it.
    """

    def __init__(self, channels: int, *, axis: int, eps: float):
        self.axis = axis
        self.eps = eps
        self.scale = nnx.Param(jnp.ones((channels,)))
        self.bias = nnx.Param(jnp.zeros((channels,)))

    def __call__(self, x: jax.Array) -> jax.Array:
        """Normalises `x`, (..., frames, channels), over `axis`; same shape."""
        centred = x - jnp.mean(x, axis=self.axis, keepdims=True)
        centred = centred - jnp.mean(centred, axis=self.axis, keepdims=True)
        variance = jnp.mean(jnp.square(centred), axis=self.axis, keepdims=True)
        return centred * (lax.rsqrt(variance + self.eps) * self.scale[...]) + self.bias[...]


class ConvLayer(nnx.Module):
    """Convolution without padding, then a norm (or none), then the exact GELU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int,
        stride: int,
        use_bias: bool,
        norm: Norm | None,
        rngs: nnx.Rngs,
    ):
        self.stride = stride
        # The untrained initialisation is the one of the reference: He-normal kernels, and a bias
        # uniform within the reciprocal root of the fan-in.
        fan_in = in_channels * kernel_size
        shape = (kernel_size, in_channels, out_channels)
        self.kernel = nnx.Param(jax.nn.initializers.he_normal()(rngs.params(), shape))
        bound = fan_in**-0.5
        self.bias = (
            nnx.Param(jax.random.uniform(rngs.params(), (out_channels,), minval=-bound, maxval=bound))
            if use_bias
            else None
        )
        self.norm = norm

    def __call__(self, x: jax.Array, *, precision: Precision = "float32") -> jax.Array:
        """`x`, (batch, frames_in, in_channels), to (batch, frames_out, out_channels)."""
        x = convolve(x, self.kernel[...], self.stride, precision)
        if self.bias is not None:
            x = x + self.bias[...]
        if self.norm is not None:
            x = self.norm(x)
        return gelu(x)


class FeatureEncoder(nnx.Module):
    """Raw waveform to normalised frames.

    The waveform is taken as it is, not normalised (paper section 3.1).

    Args:
        config: the architecture.
        rngs: source of the random initial parameters (stream `params`).
    """

    def __init__(self, config: EncoderConfig, *, rngs: nnx.Rngs):
        self.config = config
        layers = []
        in_channels = 1
        for index, (channels, kernel_size, stride) in enumerate(
            zip(config.channels, config.kernel_sizes, config.strides, strict=True)
        ):
            norm = None
            if config.conv_norm == "layer":
                norm = Norm(channels, axis=-1, eps=CONV_NORM_EPS)
            elif index == 0:
                norm = Norm(channels, axis=-2, eps=CONV_NORM_EPS)
            layers.append(
                ConvLayer(
                    in_channels,
                    channels,
                    kernel_size=kernel_size,
                    stride=stride,
                    use_bias=config.conv_bias,
                    norm=norm,
                    rngs=rngs,
                )
            )
            in_channels = channels
        self.conv_layers = nnx.List(layers)
        self.layer_norm = Norm(in_channels, axis=-1, eps=config.layer_norm_eps)

    def __call__(self, waveform: jax.Array, *, precision: Precision = "float32") -> jax.Array:
        """Features of `waveform`, after the final LayerNorm.

        Args:
            waveform: (..., samples), of the parameters' dtype (float32 unless cast), any leading shape.
            precision: of the products in the convolutions; see `w2v_jax.convolution.convolve`. Sums, norms and GELU
                are float32 in all of them.

        Returns:
            (..., frames, channels), with `frames = config.num_frames(samples)`.

        Raises:
            TypeError: `waveform` is no array, or not of the parameters' dtype.
            ValueError: it has no time axis or is shorter than the receptive field; an unknown precision.
        """
        return self.layer_norm(self.activations(waveform, precision=precision)[-1])

    def activations(self, waveform: jax.Array, *, precision: Precision = "float32") -> tuple[jax.Array, ...]:
        """Output of every convolutional layer, after its norm and GELU.

        Args:
            waveform: as for calling the encoder.
            precision: likewise.

        Returns:
            One array (..., frames_i, channels_i) per layer i.
        """
        self._check(waveform)
        leading = waveform.shape[:-1]
        x = jnp.reshape(waveform, (math.prod(leading), waveform.shape[-1], 1))
        outputs = []
        for layer in self.conv_layers:
            x = layer(x, precision=precision)
            outputs.append(x.reshape(*leading, *x.shape[1:]))
        return tuple(outputs)

    def _check(self, waveform: jax.Array) -> None:
        expected = self.layer_norm.scale[...].dtype
        if not isinstance(waveform, jax.Array | np.ndarray):
            raise TypeError(f"waveform is a {type(waveform).__name__}; expected a {expected} array (..., samples)")
        if waveform.dtype != expected:
            raise TypeError(
                f"waveform is {waveform.dtype}; this encoder's parameters are {expected}: "
                f"pass waveform.astype('{expected}')"
                + ("" if jnp.issubdtype(waveform.dtype, jnp.floating) else ", scaled to the range -1 to 1")
            )
        if waveform.ndim == 0:
            raise ValueError("waveform is a scalar; expected an array (..., samples)")
        if waveform.shape[-1] < self.config.receptive_field:
            raise ValueError(
                f"waveform has {waveform.shape[-1]} samples (shape {waveform.shape}); this encoder's receptive field "
                f"is {self.config.receptive_field}: pass a longer waveform, time on the last axis"
            )
