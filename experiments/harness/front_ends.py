"""Which encoders an experiment compares: those that `--encoders` names."""

import dataclasses
import functools
import glob
import json
import pathlib
import re
from collections.abc import Iterable, Sequence

from flax import nnx

from w2v_jax import checkpoint
from w2v_jax.encoder import EncoderConfig, FeatureEncoder

UNTRAINED = "untrained"
BUNDLED = "formant-base"
EXAMPLE = "wav2vec2-base"
# What `--encoders` stands for when it is not given.
DEFAULT = (BUNDLED, UNTRAINED)

_PRETRAINED = "experiments.pretrain:"  # how sources begin that `source_of_pretraining` made

_STEP = re.compile(r"(?:step|checkpoint|ckpt)[-_=]?([0-9]+)", re.IGNORECASE)


class EncoderChoiceError(ValueError):
    """`--encoders` does not say which encoders to use. The message is one line."""


@dataclasses.dataclass(frozen=True, eq=False)
class NamedEncoder:
    """An encoder under the name that its results carry. It is loaded when it is needed: there may be many.

    Attributes:
        name: the name given; of a path, its stem.
        weights: its weight file; None for the fixed-seed control.
        config: its architecture.
        source: what its weights were converted from, or how they were made.
        revision: version of the source, where there is one.
        digest: of its config and tensors.
    """

    name: str
    weights: pathlib.Path | None
    config: EncoderConfig
    source: str
    revision: str | None
    digest: str

    @property
    def encoder(self) -> FeatureEncoder:
        """The encoder itself. Raises `CheckpointError` where its file is no longer what it was."""
        return _loaded(self.weights, self.digest)

    @property
    def is_untrained(self) -> bool:
        """Whether this is the fixed-seed control."""
        return self.weights is None

    @property
    def step(self) -> int | None:
        """The training step that its name has, as in `step-000100`, `step_100` or `checkpoint-100`; else None."""
        found = _STEP.search(self.name)
        return int(found[1]) if found else None


def resolve(names: Sequence[str] | None, *, default: Sequence[str] = DEFAULT) -> list[NamedEncoder]:
    """The encoders that `--encoders` names, all of them checked before anything else is done, none kept in memory.

    Args:
        names: bare names of files in `weights/`, paths, patterns of either (`*`, `?`, `[...]`), or `untrained`; None
            for `default`.
        default: names; the bundled encoder's is passed over where `weights/` lacks it and another is given, or else
            replaced by `untrained`.

    Returns:
        In the order given; those of a pattern in the order of the numbers in their names.

    Raises:
        EncoderChoiceError: no names, an empty one, a pattern of nothing, or two that would share their result files.
        FileNotFoundError, checkpoint.CheckpointError: a file that is missing or cannot be used.
    """
    if names is None:
        names = _present(default)
    if not names:
        raise EncoderChoiceError(
            f"--encoders is empty; expected names of files in weights/, paths, or {UNTRAINED!r}, separated by commas"
        )
    if not all(name.strip() for name in names):
        raise EncoderChoiceError(f"--encoders={','.join(names)} has an empty name; expected names between the commas")
    given: dict[str, str] = {}
    for name in (each for pattern in names for each in _matching(pattern)):
        label = _label(name)
        if label in given:
            raise EncoderChoiceError(
                f"--encoders names {label!r} twice (as {given[label]!r} and {name!r}); "
                "results are kept under that name: give each encoder once, or rename a file"
            )
        given[label] = name
    return [_named(label, name) for label, name in given.items()]


def by_step(encoders: Iterable[NamedEncoder]) -> list[NamedEncoder]:
    """The encoders in the order of their training steps; those whose names have none last, in the order given."""
    return sorted(encoders, key=lambda encoder: (encoder.step is None, encoder.step or 0))


def remark(encoders: Sequence[NamedEncoder]) -> str | None:
    """What a reader must know where no encoder has heard speech; None where one may have."""
    if not all(encoder.is_untrained or encoder.source.startswith(_PRETRAINED) for encoder in encoders):
        return None
    trained = [encoder.name for encoder in encoders if not encoder.is_untrained]
    if trained:
        more = f" and {len(trained) - 2} more" if len(trained) > 2 else ""
        said = (
            f"NOTE: {', '.join(trained[:2])}{more} learned from synthesised sound and never heard speech "
            f"(weights/README.md). The results\nshow what such training makes of the architecture; they say nothing "
            "about what wav2vec 2.0 has learned. For its weights:\n"
        )
    else:
        said = (
            "NOTE: the encoder is UNTRAINED: its weights are random (seed 0). The results are a control: they show\n"
            "what the architecture does by itself, and say nothing about what wav2vec 2.0 has learned. For that:\n"
        )
    return said + (
        f"    python -m w2v_jax.convert --source=facebook/{EXAMPLE} --output=weights/{EXAMPLE}.safetensors\n"
        f"and then the same command with --encoders={EXAMPLE} (or --encoders={EXAMPLE},{UNTRAINED} to compare)."
    )


def source_of_pretraining(what: str) -> str:
    """The source that weights of our own training carry, so that `remark` knows them."""
    return f"{_PRETRAINED} {what}"


def _present(default: Sequence[str]) -> list[str]:
    try:
        checkpoint.find_weights(BUNDLED)
    except FileNotFoundError:
        return [name for name in default if name != BUNDLED] or [UNTRAINED]
    return list(default)


def _matching(pattern: str) -> list[str]:
    """The weight files that a pattern stands for, or the name itself where it is none."""
    if not glob.has_magic(pattern) or pathlib.Path(pattern).exists():
        return [pattern]
    places = [pattern]
    if len(pathlib.Path(pattern).parts) == 1:
        places += [str(folder / pattern) for folder in checkpoint.weights_folders()]
    for place in places:
        for each in (place, place + checkpoint.SUFFIX):
            found = glob.glob(each, recursive=True)  # noqa: PTH207 (pathlib's takes no absolute patterns)
            if found := [name for name in found if name.endswith(checkpoint.SUFFIX)]:
                return sorted(found, key=_by_numbers)
    raise EncoderChoiceError(
        f"--encoders: no {checkpoint.SUFFIX} file matches {pattern!r} (looked for {', '.join(places)}); "
        "expected weight files made by python -m w2v_jax.convert"
    )


def _by_numbers(name: str) -> list[tuple[int, str]]:
    """A key that sorts step-9 before step-10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def _label(name: str) -> str:
    return pathlib.Path(name).name.removesuffix(checkpoint.SUFFIX)


def _named(label: str, name: str) -> NamedEncoder:
    if name == UNTRAINED:
        encoder = _untrained()
        digest = _digest(checkpoint.tensors_digest(checkpoint.encoder_tensors(encoder)), encoder.config)
        return NamedEncoder(label, None, encoder.config, "untrained: random weights, seed 0", None, digest)
    path = checkpoint.find_weights(name)
    metadata = checkpoint.verify_weights(path)
    provenance, digest = metadata.provenance, _digest(metadata.digest, metadata.config)
    return NamedEncoder(label, path, metadata.config, provenance.source, provenance.revision, digest)


# An experiment asks for an encoder once per sweep, then for the next encoder.
@functools.lru_cache(maxsize=1)
def _loaded(weights: pathlib.Path | None, digest: str) -> FeatureEncoder:
    if weights is None:
        return _untrained()
    encoder = checkpoint.load_encoder(weights)
    if _digest(checkpoint.read_metadata(weights).digest, encoder.config) != digest:
        raise checkpoint.CheckpointError(f"{weights}: it was replaced while it was in use; run the same command again")
    return encoder


def _untrained() -> FeatureEncoder:
    return FeatureEncoder(EncoderConfig(), rngs=nnx.Rngs(0))


def _digest(tensors_digest: str, config: EncoderConfig) -> str:
    return f"{tensors_digest} {json.dumps(dataclasses.asdict(config))}"
