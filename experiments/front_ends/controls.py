"""What a front end must beat before its training has earned the credit: random weights, and plain spectrograms."""

import dataclasses
import re
from collections.abc import Mapping, Sequence

from w2v_jax.encoder import EncoderConfig
from w2v_jax.front_end import Frames
from w2v_jax.spectrograms import SpectrogramConfig

from .named import SPECTROGRAMS, NamedFrontEnd, once_for, random_encoder, spectrogram
from .yours import randomised

# Not seed 0, which is the encoder named `untrained`. Ten: of three, one in two is the best or the worst.
SEEDS = tuple(range(1, 11))
_FEW = 3
_SEED = re.compile(r"random-([0-9]+)$")


@dataclasses.dataclass(frozen=True)
class Controls:
    """What one front end is compared with.

    Attributes:
        untrained: the same architecture with random weights; an encoder has them, and a front end of the user's that
            has `untrained`.
        spectrograms: the log-Mel and the log-magnitude spectrogram with the same frames, "log-mel" and "stft"; without
            the front end itself.
    """

    untrained: tuple[NamedFrontEnd, ...]
    spectrograms: Mapping[str, NamedFrontEnd]

    @property
    def all(self) -> tuple[NamedFrontEnd, ...]:
        """The untrained ones first."""
        return (*self.untrained, *self.spectrograms.values())


@once_for
def controls_of(front_ends: Sequence[NamedFrontEnd]) -> Mapping[NamedFrontEnd, Controls]:
    """The controls of each front end. Those of one architecture, or of the same frames, share theirs.

    They are called `random-1` and so on, and `log-mel` and `stft`, for any program that wants the same. Random weights
    of another architecture than wav2vec 2.0's bear the name of the first front end that has it, too, and spectrograms
    with other frames those frames. None of a group of front ends is a control of another one of it.
    """
    untrained: dict[object, tuple[NamedFrontEnd, ...]] = {}
    spectrograms: dict[Frames, dict[str, NamedFrontEnd]] = {}
    named = {each.name: each for each in front_ends}
    own: dict[NamedFrontEnd, Controls] = {}
    for each in front_ends:
        random = tuple(_already_named(control, named) for control in _untrained(each, untrained))
        if each.frames not in spectrograms:
            spectrograms[each.frames] = {name: _spectrogram(each.frames, name, named) for name in SPECTROGRAMS}
        own[each] = Controls(
            tuple(control for control in random if not _together(control, each)),
            {name: control for name, control in spectrograms[each.frames].items() if not _together(control, each)},
        )
    return own


def all_of(front_ends: Sequence[NamedFrontEnd]) -> dict[NamedFrontEnd, tuple[str, ...]]:
    """Every control, those that the user has named among them, with the names of those it is compared with."""
    compared: dict[NamedFrontEnd, list[str]] = {}
    for each, theirs in controls_of(front_ends).items():
        for control in theirs.all:
            compared.setdefault(control, []).append(each.name)
    return {control: tuple(names) for control, names in compared.items()}


def few(controls: Mapping[NamedFrontEnd, tuple[str, ...]]) -> dict[NamedFrontEnd, tuple[str, ...]]:
    """The same with the first few seeds of random weights only, and without the log-magnitude spectrogram."""
    return {
        each: of
        for each, of in controls.items()
        if (seed_of(each.name) or 0) <= _FEW and not (each.kind == "spectrogram" and each.name.startswith("stft"))
    }


def seed_of(name: str) -> int | None:
    """The seed of the random weights of a control, by its name; None of any other front end.

    Examples:
        >>> seed_of("random-3"), seed_of("mine.random-10"), seed_of("log-mel")
        (3, 10, None)
    """
    match = _SEED.search(name)
    return int(match[1]) if match else None


def spectrogram_name(as_named: str, frames: Frames) -> str:
    """What a spectrogram with these frames is called: one of wav2vec 2.0's simply `log-mel`.

    Examples:
        >>> spectrogram_name("log-mel", Frames(16_000, 400, 320)), spectrogram_name("stft", Frames(8_000, 240, 80))
        ('log-mel', 'stft.8000-240-80')
    """
    if frames == SpectrogramConfig().frames:
        return as_named
    parts = [frames.sample_rate, frames.receptive_field, frames.hop, *([frames.padding] if frames.padding else [])]
    return f"{as_named}.{'-'.join(map(str, parts))}"


def _untrained(like: NamedFrontEnd, made: dict[object, tuple[NamedFrontEnd, ...]]) -> tuple[NamedFrontEnd, ...]:
    """Its architecture with random weights, once for each seed; those that were made for another one of it."""
    if like.config is not None:
        key = like.config, like.precision
        if key not in made:
            made[key] = tuple(_random_encoder(like, like.config, seed) for seed in SEEDS)
        return made[key]
    own = randomised(like, SEEDS) if like.kind == "yours" else ()
    return made.setdefault(own[0].digest, own) if own else ()


def _random_encoder(like: NamedFrontEnd, config: EncoderConfig, seed: int) -> NamedFrontEnd:
    name = f"random-{seed}" if config == EncoderConfig() else f"{like.name}.random-{seed}"
    return random_encoder(name, seed, config=config, precision=like.precision or "float32", normalize=like.normalize)


def _spectrogram(frames: Frames, as_named: str, named: Mapping[str, NamedFrontEnd]) -> NamedFrontEnd:
    usual = frames == SpectrogramConfig().frames
    name = spectrogram_name(as_named, frames)
    return _already_named(spectrogram(name, as_named=as_named, frames=None if usual else frames), named)


def _already_named(control: NamedFrontEnd, named: Mapping[str, NamedFrontEnd]) -> NamedFrontEnd:
    """The front end that the user has named, where it is the control itself."""
    same = named.get(control.name)
    return same if same is not None and same.digest == control.digest else control


def _together(control: NamedFrontEnd, front_end: NamedFrontEnd) -> bool:
    return control is front_end or (front_end.group is not None and control.group == front_end.group)
