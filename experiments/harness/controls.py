"""What an encoder must beat before its training has earned the credit: random weights, and plain spectrograms."""

import dataclasses
import functools
import json
from collections.abc import Callable, Sequence

import flax
from flax import nnx

from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.probes import BurstNearness, LayerMeans
from w2v_jax.spectrograms import LogMagnitudeSpectrogram, LogMelSpectrogram, SpectrogramConfig

from .front_ends import NamedEncoder

# Not seed 0, which is the encoder named `untrained`.
SEEDS = (1, 2, 3)
SPECTROGRAMS = {"log-mel": LogMelSpectrogram, "stft": LogMagnitudeSpectrogram}


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class MadeEncoder(NamedEncoder):
    """An encoder that no weight file has: a control, or an encoder inside a module that asks it something.

    Attributes:
        make: makes it; called for every sweep.
    """

    make: Callable[[], nnx.Module]

    @property
    def encoder(self) -> nnx.Module:
        """The encoder itself."""
        return self.make()


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
    """The controls of each encoder. Encoders of one config share theirs.

    They are called `random-1` and so on, for any program that wants the same; those of a config other than the default
    one bear the name of the first encoder that has it, too.
    """
    spectrograms = tuple(_spectrogram(name) for name in SPECTROGRAMS)
    untrained: dict[EncoderConfig, tuple[NamedEncoder, ...]] = {}
    for encoder in encoders:
        if encoder.config not in untrained:
            untrained[encoder.config] = tuple(_untrained(encoder, seed) for seed in SEEDS)
    return {encoder: Controls(untrained[encoder.config], spectrograms) for encoder in encoders}


def inside(encoder: NamedEncoder, module: type[LayerMeans] | type[BurstNearness], **options: int) -> NamedEncoder:
    """The encoder inside `module`, made with `options`, as a sweep takes it."""
    return MadeEncoder(
        name=encoder.name,
        weights=encoder.weights,
        config=encoder.config,
        source=encoder.source,
        revision=encoder.revision,
        digest=f"{encoder.digest} {module.__name__} {json.dumps(options)}",
        make=lambda: module(encoder.encoder, **options),
    )


def _untrained(like: NamedEncoder, seed: int) -> NamedEncoder:
    return MadeEncoder(
        name=f"random-{seed}" if like.config == EncoderConfig() else f"{like.name}.random-{seed}",
        weights=None,
        config=like.config,
        source=f"untrained: random weights, seed {seed}",
        revision=None,
        digest=f"random weights, seed {seed}, flax {flax.__version__} {json.dumps(dataclasses.asdict(like.config))}",
        make=functools.partial(_random, like.config, seed),
    )


@functools.lru_cache(maxsize=1)
def _random(config: EncoderConfig, seed: int) -> FeatureEncoder:
    return FeatureEncoder(config, rngs=nnx.Rngs(seed))


def _spectrogram(name: str) -> NamedEncoder:
    config = SpectrogramConfig()
    return MadeEncoder(
        name=name,
        weights=None,
        config=config,
        source="spectrogram: nothing learned",
        revision=None,
        digest=f"{name} {json.dumps(dataclasses.asdict(config))}",
        make=functools.partial(SPECTROGRAMS[name], config),
    )
