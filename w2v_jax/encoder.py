"""The convolutional feature encoder of wav2vec-like models, up to and including its final LayerNorm.

The reference is the pair `feature_extractor` and `feature_projection.layer_norm` of the
`transformers` PyTorch models (paper section 3.1); for wav2vec 1.0, which has no final LayerNorm, the class
`ConvFeatureExtractionModel` of fairseq's models/wav2vec/wav2vec.py. Time comes before channels everywhere.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from w2v_jax.convolution import Precision, check_precision, convolve
from w2v_jax.front_end import FRAMES, Frames
from w2v_jax.norm import Norm

# Both reference implementations (transformers and fairseq) fix the epsilon of the norms inside the
# convolutional stack; only that of the final LayerNorm is a setting.
CONV_NORM_EPS = 1e-5


ConvNorm = Literal["group", "layer", "global"]
Activation = Literal["gelu", "gelu_tanh", "relu", "silu"]


@dataclasses.dataclass(frozen=True)
class EncoderConfig:
    """Architecture of a feature encoder. Frozen and hashable, so that it can be a static argument.

    Attributes:
        channels: output channels of each convolution.
        kernel_sizes: kernel width of each convolution, in its input frames.
        strides: stride of each convolution, in its input frames.
        conv_norm: `"group"` normalises over time, per channel, after the first convolution only (wav2vec 2.0
            Base and Large); `"layer"` normalises over channels after every convolution (XLS-R, XLSR-53,
            Large LV-60); `"global"` normalises over time and channels together after every convolution (wav2vec 1.0).
        conv_bias: whether the convolutions have a bias.
        layer_norm_eps: epsilon of the final LayerNorm; norms inside the stack always use 1e-5.
        activation: after every norm: `"gelu"` (exact), `"gelu_tanh"` (its approximation), `"relu"` or `"silu"`.
        final_norm: whether a LayerNorm over channels comes last. Without one the features are the last layer's.
        log_compression: whether the last layer's output x becomes log(|x| + 1), before the final norm.
        skip_connections: whether a layer that does not change the number of channels adds its input, thinned to its
            own frames, to its output.
        residual_scale: factor of that sum; the setting of this name in fairseq is its square.
        sample_rate: Hz, of the waveforms that the encoder was made for.

    Raises:
        ValueError: a value that no encoder has; the message names it.

    Examples:
        >>> EncoderConfig().frames
        Frames(sample_rate=16000, receptive_field=400, hop=320, padding=0)
        >>> EncoderConfig.preset("wav2vec").frames.hop
        160
    """

    channels: tuple[int, ...] = (512,) * 7
    kernel_sizes: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2)
    strides: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2)
    conv_norm: ConvNorm = "group"
    conv_bias: bool = False
    layer_norm_eps: float = 1e-5
    activation: Activation = "gelu"
    final_norm: bool = True
    log_compression: bool = False
    skip_connections: bool = False
    residual_scale: float = 0.5**0.5
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
        for name, known in (("conv_norm", ("group", "layer", "global")), ("activation", tuple(_ACTIVATIONS))):
            if getattr(self, name) not in known:
                expected = f"{', '.join(map(repr, known[:-1]))} or {known[-1]!r}"
                raise ValueError(f"EncoderConfig.{name} is {getattr(self, name)!r}; expected {expected}")
        for name in ("conv_bias", "final_norm", "log_compression", "skip_connections"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"EncoderConfig.{name} is {getattr(self, name)!r}; expected True or False")
        for name in ("layer_norm_eps", "residual_scale"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not (0 < value < math.inf):
                raise ValueError(f"EncoderConfig.{name} is {value!r}; expected a positive number")
            object.__setattr__(self, name, float(value))
        if not _is_positive_int(self.sample_rate):
            raise ValueError(f"EncoderConfig.sample_rate is {self.sample_rate!r}; expected a positive integer in Hz")
        object.__setattr__(self, "sample_rate", int(self.sample_rate))

    @classmethod
    def preset(cls, name: str) -> "EncoderConfig":
        """The config of a published family.

        Args:
            name: one of `presets()`.

        Raises:
            ValueError: another name.
        """
        if name not in _PRESETS:
            raise ValueError(f"there is no preset {name!r}; expected one of {', '.join(_PRESETS)}")
        return cls(**_PRESETS[name])

    @staticmethod
    def presets() -> tuple[str, ...]:
        """The names that `preset` knows."""
        return tuple(_PRESETS)

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


_ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "gelu": gelu,
    "gelu_tanh": functools.partial(jax.nn.gelu, approximate=True),
    "relu": jax.nn.relu,
    "silu": jax.nn.silu,
}

# Facts of the projects' own settings: transformers' configuration_*.py; of wav2vec 1.0 and vq-wav2vec, the training
# commands in fairseq's examples/wav2vec/README.md, which ask for skip connections in the aggregator alone. That of
# vq-wav2vec does not speak of log compression: it is the default of today's Wav2VecConfig, and was none in 2020.
_WAV2VEC: dict[str, Any] = dict(conv_norm="global", final_norm=False, log_compression=True)
_PRESETS: dict[str, dict[str, Any]] = {
    "wav2vec2": {},
    "xls-r": dict(conv_norm="layer", conv_bias=True),
    "wavlm-large": dict(conv_norm="layer"),
    "data2vec-audio": dict(conv_norm="layer"),
    "mert": dict(sample_rate=24_000),
    "sew": dict(
        channels=(64, *(128,) * 4, *(256,) * 4, *(512,) * 4),
        kernel_sizes=(10, 3, 1, 3, 1, 3, 1, 3, 1, 2, 1, 2, 1),
        strides=(5, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1),
    ),
    "wav2vec": dict(
        channels=(512,) * 7,
        kernel_sizes=(10, 8, 4, 4, 4, 1, 1),
        strides=(5, 4, 2, 2, 2, 1, 1),
        activation="relu",
        **_WAV2VEC,
    ),
    "vq-wav2vec": dict(
        channels=(512,) * 8,
        kernel_sizes=(10, 8, 4, 4, 4, 1, 1, 1),
        strides=(5, 4, 2, 2, 2, 1, 1, 1),
        **_WAV2VEC,
    ),
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
        found = convolve(x, self.kernel[...], self.stride, self.precision)
        if self.bias is not None:
            found = found + self.bias[...]
        if self.norm is not None:
            found = self.norm(found)
        found = _ACTIVATIONS[self.activation](found)
        if self.residual_scale is None:
            return found
        frames = found.shape[-2]
        thinned = x[..., :: x.shape[-2] // frames, :][..., :frames, :]  # as fairseq thins it, whatever the stride
        return (found + thinned) * self.residual_scale


class FeatureEncoder(nnx.Module):
    """Raw waveform to normalised frames: a front end with layers (`w2v_jax.front_end`).

    The waveform is taken as it is, not normalised (paper section 3.1).

    Args:
        config: the architecture.
        precision: of the products in the convolutions; see `w2v_jax.convolution.convolve`. Sums, norms and activation
            are float32 in all of them. Static, as in Flax's own layers:
            `encoder.set_attributes(precision="exact")` sets another.
        rngs: source of the random initial parameters (stream `params`).

    Raises:
        ValueError: an unknown precision.

    Examples:
        >>> encoder = FeatureEncoder(EncoderConfig(channels=(4,) * 7), rngs=nnx.Rngs(0))
        >>> jax.jit(encoder)(jnp.zeros((2, 16_000))).shape
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
            elif config.conv_norm == "global":
                norm = Norm(channels, axis=(-2, -1), eps=CONV_NORM_EPS)
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
                    activation=config.activation,
                    residual_scale=config.residual_scale
                    if config.skip_connections and channels == in_channels
                    else None,
                    precision=precision,
                    rngs=rngs,
                )
            )
            in_channels = channels
        self.conv_layers = nnx.List(layers)
        self.layer_norm = Norm(in_channels, axis=-1, eps=config.layer_norm_eps) if config.final_norm else None

    @property
    def frames(self) -> Frames:
        """How the features frame the waveform."""
        return self.config.frames

    @property
    def layers(self) -> dict[str, Frames]:
        """The layers by name: "conv 0", "conv 1", ... after norm and activation, and "frames", the features.

        Without a final norm and log compression the features are those of the last convolution, which has no other
        name then.
        """
        found = {f"conv {index}": frames for index, frames in enumerate(self.config.layer_frames)}
        if not (self.config.final_norm or self.config.log_compression):
            found.popitem()
        return {**found, FRAMES: self.frames}

    @property
    def filters(self) -> jax.Array:
        """Impulse responses of the first convolution's filters, (channels, taps)."""
        return self.conv_layers[0].kernel[...][:, 0, :].T

    def __call__(self, waveform: jax.Array) -> jax.Array:
        """Features of `waveform`, after the final LayerNorm if the encoder has one.

        Args:
            waveform: (..., samples), of the parameters' dtype (float32 unless cast), any leading shape.

        Returns:
            (..., frames, channels), with `frames.num_frames(samples)` frames.

        Raises:
            TypeError: `waveform` is no array, or not of the parameters' dtype.
            ValueError: it has no time axis or is shorter than the receptive field.
        """
        return self._features(self.activations(waveform)[-1])

    def activations(self, waveform: jax.Array) -> tuple[jax.Array, ...]:
        """Output of every convolutional layer, after its norm and activation (and skip connection).

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
        found = {f"conv {index}": each for index, each in enumerate(hidden)} | {FRAMES: self._features(hidden[-1])}
        return {name: found[name] for name in self.layers}

    def _features(self, x: jax.Array) -> jax.Array:
        """What comes after the last convolution's layer; same shape."""
        if self.config.log_compression:
            x = jnp.log1p(jnp.abs(x))
        return x if self.layer_norm is None else self.layer_norm(x)

    def _check(self, waveform: jax.Array) -> None:
        expected = self.conv_layers[0].kernel[...].dtype
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
