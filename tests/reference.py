"""The weights and waveforms on which the encoder is held against PyTorch, made from seeds with NumPy alone.

Shared by the golden test, the script that wrote its file, and the live comparison.
"""

import numpy as np

from w2v_jax.checkpoint import encoder_from_tensors, tensor_shapes
from w2v_jax.convolution import Precision
from w2v_jax.encoder import EncoderConfig, FeatureEncoder

CONFIGS = {
    "group": EncoderConfig(),
    "layer": EncoderConfig(conv_norm="layer", conv_bias=True),
}


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


def relative_error(found: np.ndarray, exact: np.ndarray) -> float:
    """Norm of the difference over the norm of the exact value, in float64."""
    exact = np.asarray(exact, np.float64)
    return float(np.linalg.norm(np.asarray(found, np.float64) - exact) / np.linalg.norm(exact))
