"""Which encoders an experiment compares: those that `--encoders` names."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence

from flax import nnx

from w2v_jax import checkpoint
from w2v_jax.encoder import EncoderConfig, FeatureEncoder

UNTRAINED = "untrained"
DEFAULT = "formant-base"
EXAMPLE = "wav2vec2-base"


class EncoderChoiceError(ValueError):
    """`--encoders` does not say which encoders to use. The message is one line."""


@dataclasses.dataclass(frozen=True, eq=False)
class NamedEncoder:
    """An encoder under the name that its results carry.

    Attributes:
        name: the name given; of a path, its stem.
        encoder: the encoder itself; for a control, a module with its interface.
        source: what its weights were converted from, or how they were made.
        revision: version of the source, where there is one.
        digest: of its config and tensors.
    """

    name: str
    encoder: nnx.Module
    source: str
    revision: str | None
    digest: str

    @property
    def is_untrained(self) -> bool:
        """Whether this is the fixed-seed control."""
        return self.name == UNTRAINED


def resolve(names: Sequence[str] | None) -> list[NamedEncoder]:
    """Loads the encoders that `--encoders` names, all of them before anything else is done.

    Args:
        names: bare names of files in `weights/`, paths, or `untrained`; None for the default, which is the bundled
            encoder where there is one, else `untrained`.

    Raises:
        EncoderChoiceError: no names, an empty one, or two that would share their result files.
        FileNotFoundError, checkpoint.CheckpointError: a file that is missing or cannot be used.
    """
    if names is None:
        names = [_default()]
    if not names:
        raise EncoderChoiceError(
            f"--encoders is empty; expected names of files in weights/, paths, or {UNTRAINED!r}, separated by commas"
        )
    if not all(name.strip() for name in names):
        raise EncoderChoiceError(f"--encoders={','.join(names)} has an empty name; expected names between the commas")
    given: dict[str, str] = {}
    for name in names:
        label = _label(name)
        if label in given:
            raise EncoderChoiceError(
                f"--encoders names {label!r} twice (as {given[label]!r} and {name!r}); "
                "results are kept under that name: give each encoder once, or rename a file"
            )
        given[label] = name
    return [_load(label, name) for label, name in given.items()]


def untrained_remark(encoders: Sequence[NamedEncoder]) -> str | None:
    """What a reader must know where no encoder is trained; None where one is."""
    if not all(encoder.is_untrained for encoder in encoders):
        return None
    return (
        "NOTE: the encoder is UNTRAINED: its weights are random (seed 0). The results are a control: they show what\n"
        "the architecture does by itself, and say nothing about what wav2vec 2.0 has learned. For trained weights:\n"
        f"    python -m w2v_jax.convert --source=facebook/{EXAMPLE} --output=weights/{EXAMPLE}.safetensors\n"
        f"and then the same command with --encoders={EXAMPLE} (or --encoders={EXAMPLE},{UNTRAINED} to compare)."
    )


def _default() -> str:
    try:
        checkpoint.find_weights(DEFAULT)
    except FileNotFoundError:
        return UNTRAINED
    return DEFAULT


def _label(name: str) -> str:
    return pathlib.Path(name).name.removesuffix(checkpoint.SUFFIX)


def _load(label: str, name: str) -> NamedEncoder:
    if name == UNTRAINED:
        encoder = FeatureEncoder(EncoderConfig(), rngs=nnx.Rngs(0))
        provenance = checkpoint.Provenance(source="untrained: random weights, seed 0")
    else:
        encoder = checkpoint.load_encoder(name)
        provenance = checkpoint.read_metadata(name).provenance
    config = json.dumps(dataclasses.asdict(encoder.config))
    digest = f"{checkpoint.tensors_digest(checkpoint.encoder_tensors(encoder))} {config}"
    return NamedEncoder(label, encoder, provenance.source, provenance.revision, digest)
