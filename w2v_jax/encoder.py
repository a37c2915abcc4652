"""The convolutional feature encoder of wav2vec-like models, up to and including its final LayerNorm.

The reference is the pair `feature_extractor` and `feature_projection.layer_norm` of the
`transformers` PyTorch models (paper section 3.1). Time comes before channels everywhere.
"""

import dataclasses
import math
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from w2v_jax.convolution import Precision, check_precision, convolve
from w2v_jax.front_end import FRAMES, Frames

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
        sample_rate: Hz, of the waveforms that the encoder was made for.

    Raises:
        ValueError: a value that no encoder has; the message names it.

    Examples:
        >>> EncoderConfig().frames
        Frames(sample_rate=16000, receptive_field=400, hop=320, padding=0)
    """

    channels: tuple[int, ...] = (512,) * 7
    kernel_sizes: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2)
    strides: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2)
    conv_norm: Literal["group", "layer"] = "group"
    conv_bias: bool = False
    layer_norm_eps: float = 1e-5
    sample_rate: int = 16_000

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
        if not _is_positive_int(self.sample_rate):
            raise ValueError(f"EncoderConfig.sample_rate is {self.sample_rate!r}; expected a positive integer in Hz")
        object.__setattr__(self, "sample_rate", int(self.sample_rate))

    @property
    def layer_frames(self) -> tuple[Frames, ...]:
        """How each convolution's output frames the waveform."""
        found, receptive_field, hop = [], 1, 1
        for kernel_size, stride in zip(self.kernel_sizes, self.strides, strict=True):
            receptive_field += (kernel_size - 1) * hop
            hop *= stride
            found.append(Frames(self.sample_rate, receptive_field, hop))
        return tuple(found)

    @property
    def frames(self) -> Frames:
        """How the features frame the waveform (wav2vec 2.0: 400 samples, 320 apart)."""
        return self.layer_frames[-1]


def _is_positive_int(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value > 0)


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
    after the first convolution of a waveform with a DC bias. There even the rounded mean is too inaccurate, so the mean
    of the residual is subtracted as well.
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
        precision: Precision,
        rngs: nnx.Rngs,
    ):
        self.stride = stride
        self.precision = precision
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

    def __call__(self, x: jax.Array) -> jax.Array:
        """`x`, (batch, frames_in, in_channels), to (batch, frames_out, out_channels)."""
        x = convolve(x, self.kernel[...], self.stride, self.precision)
        if self.bias is not None:
            x = x + self.bias[...]
        if self.norm is not None:
            x = self.norm(x)
        return gelu(x)


class FeatureEncoder(nnx.Module):
    """Raw waveform to normalised frames: a front end with layers (`w2v_jax.front_end`).

    The waveform is taken as it is, not normalised (paper section 3.1).

    Args:
        config: the architecture.
        precision: of the products in the convolutions; see `w2v_jax.convolution.convolve`. Sums, norms and GELU are
            float32 in all of them. Static, as in Flax's own layers: `encoder.set_attributes(precision="exact")` sets
            another.
        rngs: source of the random initial parameters (stream `params`).

    Raises:
        ValueError: an unknown precision.

    Examples:
        >>> encoder = FeatureEncoder(EncoderConfig(channels=(4,) * 7), rngs=nnx.Rngs(0))
        >>> encoder(jnp.zeros((2, 16_000))).shape
        (2, 49, 4)
        >>> {name: frames.hop for name, frames in encoder.layers.items()}["conv 0"]
        5
    """

    def __init__(self, config: EncoderConfig, *, precision: Precision = "float32", rngs: nnx.Rngs):
        check_precision(precision)
        self.config = config
        self.precision = precision
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
                    precision=precision,
                    rngs=rngs,
                )
            )
            in_channels = channels
        self.conv_layers = nnx.List(layers)
        self.layer_norm = Norm(in_channels, axis=-1, eps=config.layer_norm_eps)

    @property
    def frames(self) -> Frames:
        """How the features frame the waveform."""
        return self.config.frames

    @property
    def layers(self) -> dict[str, Frames]:
        """The layers by name: "conv 0", "conv 1", ... after norm and GELU, and "frames" after the final LayerNorm."""
        found = {f"conv {index}": frames for index, frames in enumerate(self.config.layer_frames)}
        return {**found, FRAMES: self.frames}

    @property
    def filters(self) -> jax.Array:
        """Impulse responses of the first convolution's filters, (channels, taps)."""
        return self.conv_layers[0].kernel[...][:, 0, :].T

    def __call__(self, waveform: jax.Array) -> jax.Array:
        """Features of `waveform`, after the final LayerNorm.

        Args:
            waveform: (..., samples), of the parameters' dtype (float32 unless cast), any leading shape.

        Returns:
            (..., frames, channels), with `frames.num_frames(samples)` frames.

        Raises:
            TypeError: `waveform` is no array, or not of the parameters' dtype.
            ValueError: it has no time axis or is shorter than the receptive field.
        """
        return self.layer_norm(self.activations(waveform)[-1])

    def activations(self, waveform: jax.Array) -> tuple[jax.Array, ...]:
        """Output of every convolutional layer, after its norm and GELU.

        Args:
            waveform: as for calling the encoder.

        Returns:
            One array (..., frames_i, channels_i) per layer i.
        """
        self._check(waveform)
        leading = waveform.shape[:-1]
        x = jnp.reshape(waveform, (math.prod(leading), waveform.shape[-1], 1))
        outputs = []
        for layer in self.conv_layers:
            x = layer(x)
            outputs.append(x.reshape(*leading, *x.shape[1:]))
        return tuple(outputs)

    def outputs(self, waveform: jax.Array) -> dict[str, jax.Array]:
        """The activations, and the features after them, by the names of `layers`.

        Args:
            waveform: as for calling the encoder.

        Returns:
            One array (..., frames_i, channels_i) per layer.
        """
        hidden = self.activations(waveform)
        return dict(zip(self.layers, (*hidden, self.layer_norm(hidden[-1])), strict=True))

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
        if waveform.shape[-1] < self.frames.receptive_field:
            raise ValueError(
                f"waveform has {waveform.shape[-1]} samples (shape {waveform.shape}); this encoder's receptive field "
                f"is {self.frames.receptive_field}: pass a longer waveform, time on the last axis"
            )
