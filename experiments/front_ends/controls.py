"""What a front end must beat before its training has earned the credit: random weights, and plain spectrograms."""

import dataclasses
from collections.abc import Mapping, Sequence

from w2v_jax.encoder import EncoderConfig
from w2v_jax.front_end import Frames
from w2v_jax.spectrograms import SpectrogramConfig

from .named import SPECTROGRAMS, NamedFrontEnd, random_encoder, spectrogram

# Not seed 0, which is the encoder named `untrained`. Ten: of three, one in two is the best or the worst.
SEEDS = tuple(range(1, 11))


@dataclasses.dataclass(frozen=True)
class Controls:
    """What one front end is compared with.

    Attributes:
        untrained: encoders of the same architecture with random weights; only an encoder has them.
        spectrograms: the log-Mel and the log-magnitude spectrogram with the same frames, "log-mel" and "stft"; without
            the front end itself.
    """

    untrained: tuple[NamedFrontEnd, ...]
    spectrograms: Mapping[str, NamedFrontEnd]

    @property
    def all(self) -> tuple[NamedFrontEnd, ...]:
        """The untrained ones first."""
        return (*self.untrained, *self.spectrograms.values())


def controls_of(front_ends: Sequence[NamedFrontEnd]) -> dict[NamedFrontEnd, Controls]:
    """The controls of each front end. Those of one architecture, or of the same frames, share theirs.

    They are called `random-1` and so on, and `log-mel` and `stft`, for any program that wants the same. Those of
    another architecture, or of other frames, than wav2vec 2.0's bear the name of the first front end that has it, too.
    """
    untrained: dict[tuple[EncoderConfig, str | None], tuple[NamedFrontEnd, ...]] = {}
    spectrograms: dict[Frames, dict[str, NamedFrontEnd]] = {}
    named = {each.name: each for each in front_ends}
    found = {}
    for each in front_ends:
        random: tuple[NamedFrontEnd, ...] = ()
        if each.config is not None:
            key = (each.config, each.precision)
            if key not in untrained:
                untrained[key] = tuple(_untrained(each, seed, named) for seed in SEEDS)
            random = tuple(control for control in untrained[key] if control is not each)
        if each.frames not in spectrograms:
            spectrograms[each.frames] = {name: _spectrogram(each, name, named) for name in SPECTROGRAMS}
        others = {name: control for name, control in spectrograms[each.frames].items() if control is not each}
        found[each] = Controls(random, others)
    return found


def _untrained(like: NamedFrontEnd, seed: int, named: dict[str, NamedFrontEnd]) -> NamedFrontEnd:
    assert like.config is not None
    name = f"random-{seed}" if like.config == EncoderConfig() else f"{like.name}.random-{seed}"
    control = random_encoder(
        name, seed, config=like.config, precision=like.precision or "float32", normalize=like.normalize
    )
    return _already_named(control, named)


def _spectrogram(like: NamedFrontEnd, as_named: str, named: dict[str, NamedFrontEnd]) -> NamedFrontEnd:
    usual = like.frames == SpectrogramConfig().frames
    name = as_named if usual else f"{like.name}.{as_named}"
    return _already_named(spectrogram(name, as_named=as_named, frames=None if usual else like.frames), named)


def _already_named(control: NamedFrontEnd, named: dict[str, NamedFrontEnd]) -> NamedFrontEnd:
    """The front end that the user has named, where it is the control itself."""
    same = named.get(control.name)
    return same if same is not None and same.digest == control.digest else control
