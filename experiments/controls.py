"""What an encoder must beat before its training has earned the credit: random weights, and plain spectrograms."""

import dataclasses
import json
from collections.abc import Sequence

from flax import nnx

from experiments.encoders import NamedEncoder
from w2v_jax import checkpoint
from w2v_jax.encoder import FeatureEncoder
from w2v_jax.layers import BurstNearness, LayerMeans
from w2v_jax.spectrograms import LogMagnitudeSpectrogram, LogMelSpectrogram, SpectrogramConfig

# Not seed 0, which is the encoder named `untrained`.
SEEDS = (1, 2, 3)
SPECTROGRAMS = {"log-mel": LogMelSpectrogram, "stft": LogMagnitudeSpectrogram}


@dataclasses.dataclass(frozen=True)
class Controls:
    """What one encoder is compared with.

    Attributes:
        untrained: encoders of the same config with random weights.
        spectrograms: the log-Mel and the log-magnitude spectrogram.
    """

    untrained: tuple[NamedEncoder, ...]
    spectrograms: tuple[NamedEncoder, ...]

    @property
    def all(self) -> tuple[NamedEncoder, ...]:
        """The untrained ones first."""
        return (*self.untrained, *self.spectrograms)


def controls_of(encoders: Sequence[NamedEncoder]) -> dict[NamedEncoder, Controls]:
    """The controls of each encoder. Encoders of one config share theirs, under the name of the first of them."""
    spectrograms = tuple(_spectrogram(name) for name in SPECTROGRAMS)
    untrained: dict[object, tuple[NamedEncoder, ...]] = {}
    for encoder in encoders:
        config = encoder.encoder.config
        if config not in untrained:
            untrained[config] = tuple(_untrained(encoder, seed) for seed in SEEDS)
    return {encoder: Controls(untrained[encoder.encoder.config], spectrograms) for encoder in encoders}


def layer_means(encoder: NamedEncoder) -> NamedEncoder:
    """The encoder as a sweep of all its layers takes it."""
    return dataclasses.replace(encoder, encoder=LayerMeans(encoder.encoder), digest=f"{encoder.digest} LayerMeans")


def burst_nearness(encoder: NamedEncoder) -> NamedEncoder:
    """The encoder as a sweep of bursts takes it."""
    module = BurstNearness(encoder.encoder)
    return dataclasses.replace(encoder, encoder=module, digest=f"{encoder.digest} BurstNearness")


def _untrained(like: NamedEncoder, seed: int) -> NamedEncoder:
    encoder = FeatureEncoder(like.encoder.config, rngs=nnx.Rngs(seed))
    config = json.dumps(dataclasses.asdict(encoder.config))
    return NamedEncoder(
        name=f"{like.name}.random-{seed}",
        encoder=encoder,
        source=f"untrained: random weights, seed {seed}",
        revision=None,
        digest=f"{checkpoint.tensors_digest(checkpoint.encoder_tensors(encoder))} {config}",
    )


def _spectrogram(name: str) -> NamedEncoder:
    config = SpectrogramConfig()
    return NamedEncoder(
        name=name,
        encoder=SPECTROGRAMS[name](config),
        source="spectrogram: nothing learned",
        revision=None,
        digest=f"{name} {json.dumps(dataclasses.asdict(config))}",
    )
