"""A front end under the name that its results carry, and how those that come with w2v_jax are made."""

import dataclasses
import functools
import json
import pathlib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeVar

import flax
from flax import nnx

from w2v_jax import checkpoint
from w2v_jax.convolution import Precision
from w2v_jax.encoder import EncoderConfig, FeatureEncoder
from w2v_jax.front_end import Frames, FrontEnd
from w2v_jax.spectrograms import LogMagnitudeSpectrogram, LogMelSpectrogram, SpectrogramConfig

from .names import BUNDLED, UNTRAINED

_Value = TypeVar("_Value")
Kind = Literal["trained", "random", "spectrogram", "yours"]
SPECTROGRAMS = {"log-mel": LogMelSpectrogram, "stft": LogMagnitudeSpectrogram}
# What `--encoders` stands for when it is not given.
DEFAULT = (BUNDLED, UNTRAINED)

PRETRAINED = "experiments.pretrain:"  # how sources begin that `source_of_pretraining` made
_STEP_OF_TRAINING = re.compile(r", step ([0-9]+) of [0-9]+")
_STEP = re.compile(r"(?:step|checkpoint|ckpt)[-_=]?([0-9]+)", re.IGNORECASE)


class EncoderChoiceError(ValueError):
    """`--encoders` does not say which front ends to use. The message is one line."""


@dataclasses.dataclass(frozen=True, eq=False)
class NamedFrontEnd:
    """A front end under the name that its results carry. It is made when it is needed: there may be many.

    Two of one name, digest and precision are the same.

    Attributes:
        name: the name given; of a path, its stem.
        kind: `"trained"` weights, `"random"` weights, a `"spectrogram"`, or `"yours"`, from a factory.
        source: what its weights were converted from, or how it was made.
        digest: of everything that its features depend on.
        frames: how it frames a waveform.
        make: makes it, or reads it from its file.
        revision: version of the source, where there is one.
        config: the architecture of a `FeatureEncoder`, of which random weights can be made; else None.
        precision: of a `FeatureEncoder`; else None.
        assumed: what its checkpoint did not state of its architecture, in words; None where it stated all.
        normalize: whether it was trained on normalised waveforms (mean 0, variance 1 each), as its weight file says;
            of a control, whether that whose control it is was.
        group: the name of the group of trainings that it belongs to, where one was given.
        alike: the cosine of its features of noise and of a tone, where it is `"yours"` and they have one.
    """

    name: str
    kind: Kind
    source: str
    digest: str
    frames: Frames
    make: Callable[[], FrontEnd]
    revision: str | None = None
    config: EncoderConfig | None = None
    precision: Precision | None = None
    assumed: str | None = None
    normalize: bool = False
    group: str | None = None
    alike: float | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NamedFrontEnd) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[str, str, str | None]:
        return self.name, self.digest, self.precision

    @property
    def front_end(self) -> FrontEnd:
        """The front end itself. Raises `CheckpointError` where its file is no longer what it was."""
        return _made(self.make)

    @property
    def step(self) -> int | None:
        """The training step that its name has, as in `step-000100`, `step_100` or `checkpoint-100`; else None.

        Of an encoder of our own training that has none in its name, it is the step that its file states.
        """
        match = _STEP.search(self.name)
        if match is None and self.kind == "trained" and self.source.startswith(PRETRAINED):
            match = _STEP_OF_TRAINING.search(self.source)
        return int(match[1]) if match else None


# One at a time in memory: an experiment asks for a front end once per sweep, then for the next one.
@functools.lru_cache(maxsize=1)
def _made(make: Callable[[], FrontEnd]) -> FrontEnd:
    return make()


def once_for(function: Callable[[Sequence[NamedFrontEnd]], _Value]) -> Callable[[Sequence[NamedFrontEnd]], _Value]:
    """The function, which remembers what it returned for the last few front ends: it reads weights, or makes some."""

    @functools.lru_cache(maxsize=4)
    def of(key: tuple[tuple[NamedFrontEnd, object, object], ...]) -> _Value:
        return function([front_end for front_end, *_ in key])

    @functools.wraps(function)
    def remembered(front_ends: Sequence[NamedFrontEnd]) -> _Value:
        return of(tuple((each, each.group, each.make) for each in front_ends))

    return remembered


def by_step(front_ends: Iterable[NamedFrontEnd]) -> list[NamedFrontEnd]:
    """The front ends in the order of their training steps; those whose names have none last, in the order given."""
    return sorted(front_ends, key=lambda each: (each.step is None, each.step or 0))


def source_of_pretraining(what: str) -> str:
    """The source that weights of our own training carry, so that `remark` knows them."""
    return f"{PRETRAINED} {what}"


def random_encoder(
    name: str,
    seed: int,
    *,
    config: EncoderConfig | None = None,
    precision: Precision = "float32",
    normalize: bool = False,
) -> NamedFrontEnd:
    """An encoder with random weights, by default of wav2vec 2.0's architecture and for sound as it is."""
    config = config or EncoderConfig()
    return NamedFrontEnd(
        name=name,
        kind="random",
        source=f"untrained: random weights, seed {seed}",
        digest=f"random weights, seed {seed}, flax {flax.__version__} {_plain(config)}",
        frames=config.frames,
        make=lambda: FeatureEncoder(config, precision=precision, rngs=nnx.Rngs(seed)),
        config=config,
        precision=precision,
        normalize=normalize,
    )


def spectrogram(name: str, *, as_named: str, frames: Frames | None = None) -> NamedFrontEnd:
    """A spectrogram, by default with the frames of wav2vec 2.0.

    Args:
        name: the name that its results carry.
        as_named: one of `SPECTROGRAMS`.
        frames: how it is to frame a waveform.
    """
    config = SpectrogramConfig() if frames is None else SpectrogramConfig.framed_as(frames)
    return NamedFrontEnd(
        name=name,
        kind="spectrogram",
        source="spectrogram: nothing learned",
        digest=f"{as_named} {_plain(config)}",
        frames=config.frames,
        make=lambda: SPECTROGRAMS[as_named](config),
    )


def trained(label: str, path: pathlib.Path, precision: Precision) -> NamedFrontEnd:
    metadata = checkpoint.verify_weights(path)

    def load() -> FeatureEncoder:
        encoder = checkpoint.load_encoder(path, precision=precision)
        if checkpoint.read_metadata(path) != metadata:
            raise checkpoint.CheckpointError(f"{path}: it was replaced while it was in use; run the same command again")
        return encoder

    return NamedFrontEnd(
        name=label,
        kind="trained",
        source=metadata.provenance.source,
        digest=f"{metadata.digest} {_plain(metadata.config)}",
        frames=metadata.config.frames,
        make=load,
        revision=metadata.provenance.revision,
        config=metadata.config,
        precision=precision,
        assumed=metadata.provenance.assumed,
        normalize=bool(metadata.normalize_input),
    )


def _plain(config: EncoderConfig | SpectrogramConfig) -> str:
    if isinstance(config, EncoderConfig):
        return checkpoint.config_text(config)
    return json.dumps(dataclasses.asdict(config))
