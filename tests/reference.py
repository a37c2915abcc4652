"""The weights and waveforms on which the encoder is held against PyTorch, made from seeds with NumPy alone.

Shared by the golden test, the script that wrote its file, and the live comparison.
"""

import functools
import math

import jax
import numpy as np

from w2v_jax.checkpoint import encoder_from_tensors, tensor_shapes
from w2v_jax.convolution import Precision
from w2v_jax.encoder import EncoderConfig, FeatureEncoder

CONFIGS = {
    "group": EncoderConfig(),
    "layer": EncoderConfig(conv_norm="layer", conv_bias=True),
}

# Where digits are looked at: compiled as users compile, not as quickly as other tests (`conftest.py`).
jit_as_in_use = functools.partial(
    jax.jit, compiler_options={"xla_cpu_use_fusion_emitters": True, "xla_backend_optimization_level": 3}
)


def weights(config: EncoderConfig, *, seed: int) -> dict[str, np.ndarray]:
    """Random float32 tensors in our layout: He-normal kernels, norms well away from their defaults."""
    random = np.random.RandomState(seed)
    tensors = {}
    for name, shape in sorted(tensor_shapes(config).items()):
        noise = random.standard_normal(shape)
        if name.endswith("kernel"):
            noise *= np.sqrt(2 / np.prod(shape[:-1]))
        elif name.endswith("scale"):
            noise = 1 + 0.3 * noise
        else:
            noise *= 0.2
        tensors[name] = noise.astype(np.float32)
    return tensors


# How much larger than PyTorch's own float32 error ours may be, by precision.
MOST_TIMES_PYTORCH = {"exact": 1.0, "float32": 3.0}


def encoder(variant: str, precision: Precision = "float32") -> FeatureEncoder:
    return encoder_from_tensors(CONFIGS[variant], weights(CONFIGS[variant], seed=1), precision=precision)


def waveforms() -> dict[str, np.ndarray]:
    """(samples,) float32 by name."""
    time = np.arange(16_000) / 16_000
    random = np.random.RandomState(2)

    def tones(*pairs: tuple[float, float]) -> np.ndarray:
        return sum(amplitude * np.sin(2 * np.pi * frequency * time) for frequency, amplitude in pairs)

    signals = {
        "noise": random.standard_normal(16_000),
        "quiet noise": 0.01 * random.standard_normal(16_000),
        "tone": tones((440, 1.0)),
        "high tone": tones((7_990, 1.0)),
        "biased tone": tones((100, 0.5)) + 0.5,
        "vowel": tones((120, 0.5), (850, 0.35), (1610, 0.15)),
    }
    return {name: signal.astype(np.float32) for name, signal in signals.items()}


def plain_layers(config: EncoderConfig, tensors: dict[str, np.ndarray], waveform: np.ndarray) -> list[np.ndarray]:
    """Every layer's output for one waveform, (frames_i, channels_i), and the features: float64, one step at a time."""

    def normalised(x: np.ndarray, axis: int | tuple[int, ...], eps: float, name: str) -> np.ndarray:
        centred = x - x.mean(axis=axis, keepdims=True)
        x = centred / np.sqrt(np.square(centred).mean(axis=axis, keepdims=True) + eps)
        return x * tensors[f"{name}.scale"].astype(np.float64) + tensors[f"{name}.bias"].astype(np.float64)

    activate = {
        "gelu": lambda x: x * (1 + np.vectorize(math.erf)(x / np.sqrt(2))) / 2,
        "gelu_tanh": lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2,
        "relu": lambda x: np.maximum(x, 0),
        "silu": lambda x: x / (1 + np.exp(-x)),
    }[config.activation]
    x, layers = waveform.astype(np.float64)[:, None], []
    for i, (size, stride) in enumerate(zip(config.kernel_sizes, config.strides, strict=True)):
        kernel = tensors[f"conv_layers.{i}.kernel"].astype(np.float64)
        starts = range(0, len(x) - size + 1, stride)
        out = np.stack([np.tensordot(x[start : start + size], kernel, 2) for start in starts])
        if config.conv_bias:
            out = out + tensors[f"conv_layers.{i}.bias"].astype(np.float64)
        if config.conv_norm != "group" or i == 0:
            axis = {"group": 0, "layer": 1, "global": (0, 1)}[config.conv_norm]
            out = normalised(out, axis, 1e-5, f"conv_layers.{i}.norm")
        out = activate(out)
        if config.skip_connections and out.shape[1] == x.shape[1]:
            out = (out + x[:: len(x) // len(out)][: len(out)]) * config.residual_scale
        layers.append(out)
        x = out
    x = np.log(np.abs(x) + 1) if config.log_compression else x
    return [*layers, normalised(x, 1, config.layer_norm_eps, "layer_norm") if config.final_norm else x]


def relative_error(ours: np.ndarray, exact: np.ndarray) -> float:
    """Norm of the difference over the norm of the exact value, in float64."""
    exact = np.asarray(exact, np.float64)
    return float(np.linalg.norm(np.asarray(ours, np.float64) - exact) / np.linalg.norm(exact))
