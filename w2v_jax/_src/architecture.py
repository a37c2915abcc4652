"""The architecture of a feature encoder, as data."""

import dataclasses
import math
from typing import Literal, get_args

import numpy as np

from w2v_jax.front_end import Frames
from w2v_jax.presets import PRESETS

ConvNorm = Literal["group", "layer", "global"]
Activation = Literal["gelu", "gelu_tanh", "relu", "silu"]
_MOST = 2**31 - 1  # of samples or channels: what JAX counts with


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

    __module__ = "w2v_jax.encoder"  # the public one

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
            if math.prod(values) > _MOST if name == "strides" else max(values) > _MOST:
                raise ValueError(f"EncoderConfig.{name} is {values}; expected at most {_MOST:,} in all")
            object.__setattr__(self, name, tuple(int(value) for value in values))
        lengths = {name: len(getattr(self, name)) for name in ("channels", "kernel_sizes", "strides")}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"EncoderConfig lists one entry per layer, but their lengths differ: {lengths}")
        for name, known in (("conv_norm", get_args(ConvNorm)), ("activation", get_args(Activation))):
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
        if not _is_positive_int(self.sample_rate) or self.sample_rate > _MOST:
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
        if name not in PRESETS:
            raise ValueError(f"there is no preset {name!r}; expected one of {', '.join(PRESETS)}")
        return cls(**PRESETS[name])

    @staticmethod
    def presets() -> tuple[str, ...]:
        """The names that `preset` knows."""
        return tuple(PRESETS)

    @property
    def layer_frames(self) -> tuple[Frames, ...]:
        """How each convolution's output frames the waveform."""
        layers, receptive_field, hop = [], 1, 1
        for kernel_size, stride in zip(self.kernel_sizes, self.strides, strict=True):
            receptive_field += (kernel_size - 1) * hop
            hop *= stride
            layers.append(Frames(self.sample_rate, receptive_field, hop))
        return tuple(layers)

    @property
    def frames(self) -> Frames:
        """How the features frame the waveform (wav2vec 2.0: 400 samples, 320 apart)."""
        return self.layer_frames[-1]


def _is_positive_int(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value > 0)
