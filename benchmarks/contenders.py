"""What a user could run instead: PyTorch, with the same weights on the same stimuli, to the same pooled features."""

import contextlib
import copy
import pathlib
import tempfile
from collections.abc import Callable, Iterator

import numpy as np
import torch
from transformers import Wav2Vec2Config, Wav2Vec2Model

import w2v_jax

AMPLITUDES = (0.5, 0.35, 0.15)
SAMPLES = SAMPLE_RATE = 16_000

# (n, 3) frequencies in Hz to (n, channels) features.
Contender = Callable[[np.ndarray], np.ndarray]


class TorchModel:
    """The encoder and final LayerNorm of `transformers`, with random weights."""

    def __init__(self, device: str, *, seed: int = 0):
        torch.manual_seed(seed)
        self.device = device
        # Nothing above the encoder is used.
        self.model = Wav2Vec2Model(Wav2Vec2Config(num_hidden_layers=1)).eval().to(device)

    def as_ours(self, *, precision: str = "float32") -> w2v_jax.FeatureEncoder:
        """The same weights, through our own conversion."""
        with tempfile.TemporaryDirectory() as folder:
            self.model.save_pretrained(folder)
            converted = pathlib.Path(folder) / "converted.safetensors"
            w2v_jax.convert_checkpoint(folder, converted)
            return w2v_jax.load_encoder(converted, precision=precision)

    def one_at_a_time(self) -> Contender:
        """The usual way: a Python loop, NumPy synthesis in float64, one waveform at a time."""
        time = np.arange(SAMPLES) / SAMPLE_RATE

        def run(frequencies: np.ndarray) -> np.ndarray:
            rows = []
            for point in frequencies:
                waveform = sum(m * np.sin(2 * np.pi * f * time) for m, f in zip(AMPLITUDES, point, strict=True))
                with torch.no_grad(), _tensorfloat32(allowed=False):
                    frames = _frames(self.model, torch.tensor(waveform, dtype=torch.float32, device=self.device)[None])
                    rows.append(frames[0].mean(dim=0).cpu().numpy())
            return np.stack(rows)

        return run

    def batched(self, batch_size: int, *, compiled: bool = False, precision: str = "float32") -> Contender:
        """The best way: synthesis and encoder on the device in batches, in inference mode, eager or compiled.

        The half precisions cast the model and the sound; the features come back as float32.
        """
        dtype = {"float16": torch.float16, "bfloat16": torch.bfloat16}.get(precision, torch.float32)
        model = self.model if dtype == torch.float32 else copy.deepcopy(self.model).to(dtype)

        def pooled(waveforms: torch.Tensor) -> torch.Tensor:
            return _frames(model, waveforms).mean(dim=1).float()

        features = torch.compile(pooled) if compiled else pooled
        time = torch.arange(SAMPLES, dtype=torch.float64, device=self.device) / SAMPLE_RATE
        amplitudes = torch.tensor(AMPLITUDES, dtype=torch.float64, device=self.device)[:, None]

        def run(frequencies: np.ndarray) -> np.ndarray:
            rows = []
            with torch.inference_mode(), _tensorfloat32(allowed=precision == "tensorfloat32"):
                for start in range(0, len(frequencies), batch_size):
                    points = torch.tensor(frequencies[start : start + batch_size], device=self.device).double()
                    phases = 2 * torch.pi * points[:, :, None] * time
                    rows.append(features((amplitudes * torch.sin(phases)).sum(dim=1).to(dtype)))
            return torch.cat(rows).cpu().numpy()

        return run


def _frames(model: Wav2Vec2Model, waveforms: torch.Tensor) -> torch.Tensor:
    hidden = model.feature_extractor(waveforms)
    return model.feature_projection.layer_norm(hidden.transpose(1, 2))


@contextlib.contextmanager
def _tensorfloat32(*, allowed: bool) -> Iterator[None]:
    """PyTorch has one setting for matrix products and one for convolutions."""
    backends = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = allowed
        yield
    finally:
        for backend, value in zip(backends, before, strict=True):
            backend.allow_tf32 = value


def vowel(f0, f1, f2):
    return w2v_jax.stimuli.sine_mixture([f0, f1, f2], AMPLITUDES)


def ours(encoder: w2v_jax.FeatureEncoder, *, batch_size: int | None = None) -> Contender:
    """`w2v_jax.sweep`."""

    def run(frequencies: np.ndarray) -> np.ndarray:
        parameters = dict(zip(("f0", "f1", "f2"), frequencies.T, strict=True))
        return w2v_jax.sweep(encoder, vowel, parameters, batch_size=batch_size)

    return run
