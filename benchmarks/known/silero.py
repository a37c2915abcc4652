"""Silero VAD, a voice detector (Silero Team, "Silero VAD: pre-trained enterprise-grade voice activity detector", 2024).

    w2v-jax claims --encoders=silero=benchmarks.known.silero:trained

Chunks of 512 samples at 16 kHz with the 64 before them; magnitudes of a fixed Fourier transform, then four convolutions
with rectifiers, trained to tell speech from other sounds. What follows (an LSTM) is left out: here a frame stands for
its chunk alone.
"""

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional

from w2v_jax import Frames

from . import asset

_CHUNK, _CONTEXT, _BINS = 512, 64, 129
_STRIDES = (1, 2, 2, 1)


class Silero:
    """A front end whose frames are the last convolution's, and whose layers are means over the positions of a chunk."""

    frames = Frames(sample_rate=16_000, receptive_field=_CHUNK + _CONTEXT, hop=_CHUNK)

    def __init__(self, *, seed: int | None = None) -> None:
        weights = load_file(asset("silero_vad", "data", "silero_vad_16k.safetensors"))
        self.weights = weights if seed is None else _random(weights, seed)
        self.layers = dict.fromkeys(["stft", "conv 1", "conv 2", "conv 3", "frames"], self.frames)
        self.identity = f"convolutions of silero-vad 6.2.3, {'trained' if seed is None else f'random {seed}'}"

    def untrained(self, seed: int) -> "Silero":
        """The same architecture with random convolutions; the Fourier transform is nobody's training."""
        return Silero(seed=seed)

    def outputs(self, waveforms: np.ndarray) -> dict[str, np.ndarray]:
        """Of (n, samples) every layer's (n, frames, channels)."""
        chunks = torch.from_numpy(np.array(waveforms, np.float32)).unfold(-1, _CHUNK + _CONTEXT, _CHUNK)
        shape = chunks.shape[:2]
        with torch.inference_mode():
            padded = functional.pad(chunks.reshape(-1, 1, _CHUNK + _CONTEXT), (0, 64), mode="reflect")
            parts = functional.conv1d(padded, self.weights["stft_conv.weight"], stride=128)
            magnitudes = [torch.hypot(parts[:, :_BINS], parts[:, _BINS:])]
            for number, stride in enumerate(_STRIDES, start=1):
                weight, bias = (self.weights[f"conv{number}.{name}"] for name in ("weight", "bias"))
                magnitudes.append(functional.conv1d(magnitudes[-1], weight, bias, stride=stride, padding=1).relu())
        means = [each.mean(dim=2).reshape(*shape, -1).numpy() for each in magnitudes]
        return dict(zip(self.layers, means, strict=True))

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        return self.outputs(waveforms)["frames"]


def _random(weights: dict[str, torch.Tensor], seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    tensors = dict(weights)
    for name in (f"conv{number}.{part}" for number in range(1, 5) for part in ("weight", "bias")):
        inputs = weights[name.replace("bias", "weight")][0].numel()
        tensors[name] = (2 * torch.rand(weights[name].shape, generator=generator) - 1) / inputs**0.5
    return tensors


def trained() -> Silero:
    return Silero()


def random_1() -> Silero:
    return Silero(seed=1)


def random_2() -> Silero:
    return Silero(seed=2)


def random_3() -> Silero:
    return Silero(seed=3)
