"""The weight file: what it says of itself, and how it is written, read and checked."""

import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Mapping

import numpy as np
import safetensors
import safetensors.numpy

from w2v_jax import _version
from w2v_jax._src import tensor_file
from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.named_tensors import check_tensors, tensors_digest
from w2v_jax._src.quoting import listing, printable, quote
from w2v_jax._src.weights_folders import SUFFIX, find_weights
from w2v_jax.encoder import EncoderConfig

FORMAT = "w2v_jax.encoder"
FORMAT_VERSION = "2"
# Version 1 had no digest of its config and provenance.
_READABLE_VERSIONS = ("1", "2")
# Settings of the config that no file of version 0.1.0 of the library has. Their defaults must stay as they are.
_LATER_SETTINGS = ("activation", "final_norm", "log_compression", "skip_connections", "residual_scale", "sample_rate")
# Parts of the provenance that older files do not have.
_LATER_PROVENANCE = ("normalize_input", "file")
_LONGEST_TEXT = 4_000


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Where weights come from.

    Attributes:
        source: what they were converted from (a hub id, or the name of a file), or how they were made.
        revision: version of the source, such as the commit of a hub repository; None where there is none.
        source_sha256: hexadecimal sha256 of the source file (of several: of their sha256s, in order of name).
        tool_version: version of w2v_jax that wrote the file.
        assumed: settings of the config that the source does not state, in words; None where it states all.
        normalize_input: whether the model was trained on waveforms of mean 0 and variance 1 each, as the source states
            it; None where it does not. Written only where it is stated.
        file: of the source, the file that was converted; None where that is not known.
    """

    __module__ = "w2v_jax.checkpoint"  # as of `CheckpointError`

    source: str
    revision: str | None = None
    source_sha256: str | None = None
    tool_version: str = _version.__version__
    assumed: str | None = None
    normalize_input: bool | None = None
    file: str | None = None


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What a weight file says of itself, apart from its tensors."""

    __module__ = "w2v_jax.checkpoint"

    config: EncoderConfig
    provenance: Provenance
    digest: str

    @property
    def normalize_input(self) -> bool | None:
        """Whether the model was trained on normalised waveforms; None where its source did not say."""
        return self.provenance.normalize_input


def write_tensors(
    path: str | os.PathLike[str],
    config: EncoderConfig,
    tensors: Mapping[str, np.ndarray],
    *,
    provenance: Provenance,
) -> None:
    """Writes tensors in our layout (see `tensor_shapes`) to `path`, after checking them as reading does."""
    check_tensors(config, tensors, origin=os.fspath(path))
    try:
        _check_provenance(provenance)
    except ValueError as error:
        raise CheckpointError(f"{quote(os.fspath(path), 400)}: not written: {error}") from error
    metadata = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "config": config_text(config),
        "provenance": json.dumps(_stated(provenance)),
    }
    metadata["metadata_digest"] = _metadata_digest(metadata)
    # Our own writer: it adds the digest, and the same encoder gives the same file to the last byte.
    tensor_file.write_file(path, tensors, metadata=metadata)


def config_text(config: EncoderConfig) -> str:
    """The config as weight files have it: JSON, without the later settings that have their default."""
    default = EncoderConfig()
    stated = dataclasses.asdict(config)
    for name in _LATER_SETTINGS:
        if stated[name] == getattr(default, name):
            del stated[name]
    return json.dumps(stated)


def read_metadata(name_or_path: str | os.PathLike[str]) -> Metadata:
    """What a weight file says of itself, without reading its tensors. Raises as `load_encoder` does."""
    path = find_weights(name_or_path)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            raw = file.metadata() or {}
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path}: not a readable safetensors file ({quote(error)}); expected a file written by w2v_jax"
        ) from error
    if raw.get("format") != FORMAT:
        raise CheckpointError(
            f"{path}: a safetensors file, but not one of w2v_jax; convert it first: "
            f"python -m w2v_jax.convert --source={path} --output=weights/NAME{SUFFIX}"
        )
    version = raw.get("format_version")
    if version not in _READABLE_VERSIONS:
        raise CheckpointError(
            f"{path}: format version {quote(version, 20)}; this w2v_jax ({_version.__version__}) "
            f"reads versions {' and '.join(_READABLE_VERSIONS)}: upgrade it, or convert the weights again"
        )
    if version != "1" and raw.get("metadata_digest") != _metadata_digest(raw):
        raise CheckpointError(f"{path}: its config or provenance was altered (the digest differs); convert it again")
    try:
        settings = json.loads(raw["config"])
        known = {field.name for field in dataclasses.fields(EncoderConfig)}
        if isinstance(settings, dict) and (unknown := sorted(settings.keys() - known)):
            raise CheckpointError(
                f"{path}: its config has {listing(unknown)}, unknown to this w2v_jax ({_version.__version__}): "
                "upgrade it, or convert the weights again"
            )
        config = EncoderConfig(**settings)
        provenance = Provenance(**json.loads(raw["provenance"]))
        _check_provenance(provenance)
        digest = raw["digest"]
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: damaged metadata ({quote(error)}); convert the weights again") from error
    return Metadata(config=config, provenance=provenance, digest=digest)


def _check_provenance(provenance: Provenance) -> None:
    """Raises `ValueError` unless it has lines of text, which are printed as they stand, and a truth value."""
    for name, said in dataclasses.asdict(provenance).items():
        if name == "normalize_input":
            if not (said is None or isinstance(said, bool)):
                raise ValueError(f"its {name} is {quote(said, 60)}; expected True or False")
        elif not (said is None and name not in ("source", "tool_version")) and not (
            isinstance(said, str) and said == printable(said) and len(said) <= _LONGEST_TEXT
        ):
            raise ValueError(
                f"its provenance has {name} '{quote(said, 60)}'; expected a line of at most {_LONGEST_TEXT} characters"
            )


def read_tensors(path: pathlib.Path) -> tuple[Metadata, dict[str, np.ndarray]]:
    """What a weight file says of itself, and its tensors, which are those that were saved.

    Raises as `load_encoder` does.
    """
    metadata = read_metadata(path)
    try:
        tensors = safetensors.numpy.load_file(path)
    except (safetensors.SafetensorError, KeyError) as error:
        raise CheckpointError(f"{path}: cannot read its tensors ({quote(error)})") from error
    digest = tensors_digest(tensors)
    if digest != metadata.digest:
        raise _altered(path, metadata, digest)
    return metadata, tensors


def verify_weights(name_or_path: str | os.PathLike[str]) -> Metadata:
    """The metadata of a weight file whose tensors are those that were saved; none of them is kept in memory.

    Raises as `load_encoder` does.
    """
    path = find_weights(name_or_path)
    metadata = read_metadata(path)
    try:
        digest = tensor_file.open_file(path).digest()
    except (tensor_file.TensorFileError, OSError) as error:
        raise CheckpointError(f"{path}: cannot read its tensors ({quote(error)})") from error
    if digest != metadata.digest:
        raise _altered(path, metadata, digest)
    return metadata


def _stated(provenance: Provenance) -> dict[str, object]:
    """As weight files have it: what came later only where it is known, so that other files stay what they were."""
    said = dataclasses.asdict(provenance)
    return {name: value for name, value in said.items() if value is not None or name not in _LATER_PROVENANCE}


def _altered(path: pathlib.Path, metadata: Metadata, digest: str) -> CheckpointError:
    return CheckpointError(
        f"{path}: its tensors have digest {digest}, but its metadata says {quote(metadata.digest)}; "
        "the file was altered: convert it again"
    )


def _metadata_digest(metadata: Mapping[str, str]) -> str:
    """Digest of what a file says of itself: `"sha256:"` and 64 hexadecimal digits."""
    said = json.dumps([metadata.get(name) for name in ("format", "format_version", "config", "provenance")])
    return f"sha256:{hashlib.sha256(said.encode()).hexdigest()}"
