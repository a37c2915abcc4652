"""The conversion: from a checkpoint in its place to a weight file of ours."""

import dataclasses
import pathlib

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.named_tensors import tensors_digest
from w2v_jax._src.quoting import printable, quote
from w2v_jax._src.weight_file import Provenance, write_tensors
from w2v_jax.convert import fairseq, huggingface
from w2v_jax.convert.layouts import TRANSFORMERS, Layout, locate, read_encoder, told_by_tensors
from w2v_jax.convert.places import Place, is_same_file, sha256
from w2v_jax.convert.settings import NORMALIZE, SETTLES, Statement, UnsettledError, settle
from w2v_jax.convert.settings_file import from_user, read_settings
from w2v_jax.convert.sources import Checkpoint, open_checkpoint
from w2v_jax.encoder import EncoderConfig
from w2v_jax.hub.ids import cached_as

_LONGEST_LABEL = 1_000


@dataclasses.dataclass(frozen=True)
class Conversion:
    """What was converted, and to what.

    Attributes:
        found: the checkpoint in words: its tool or family, its kind of file, its prefix.
        stated_by: what the config is taken from.
        config: the architecture.
        provenance: as written; its `assumed` says what no place states.
        path: the weight file.
        digest: of its tensors.
        notes: what was seen and passed over, a sentence each.
        received: bytes that came from the hub for it.
    """

    found: str
    stated_by: str
    config: EncoderConfig
    provenance: Provenance
    path: pathlib.Path
    digest: str
    notes: tuple[str, ...] = ()
    received: int = 0


def convert_place(
    place: Place,
    destination: pathlib.Path,
    *,
    label: str,
    revision: str | None = None,
    config: str | None = None,
    prefix: str | None = None,
) -> Conversion:
    """Converts the checkpoint at a place, on this machine or another; else as `convert_checkpoint`.

    Args:
        place: a file or folder.
        destination: the file to write.
        label: what its provenance calls the source.
        revision: of the source, where there is one.
        config: as for `convert_checkpoint`.
        prefix: as for `convert_checkpoint`.
    """
    chosen = None if config is None else from_user(config)
    checkpoint = open_checkpoint(place, prefix=prefix)
    if isinstance(checkpoint.path, pathlib.Path):
        label, revision = cached_as(checkpoint.path) or (label, revision)
    if any(is_same_file(file, destination) for file in checkpoint.files):
        raise CheckpointError(f"{destination}: is the source itself; expected another file to write")
    origin = str(checkpoint.path)
    stated = _stated(checkpoint, origin, prefix, may_be_unknown=chosen is not None)
    located = locate(checkpoint.arrays, origin=origin, prefix=prefix, layout=stated.layout)
    told = told_by_tensors(located, checkpoint.arrays, origin=origin)
    absent = "settings in the file" if checkpoint.contents is not None else f"{huggingface.CONFIG_NAME} next to it"
    settled = settle(chosen, stated.statements, told, origin=origin, absent=absent)
    try:
        tensors = read_encoder(located, checkpoint.arrays, settled.config, origin=origin, stated_by=settled.stated_by)
    except CheckpointError as error:
        if chosen is None:
            raise
        raise UnsettledError(str(error)) from error  # it may be the user's `config` that does not fit
    provenance = Provenance(
        source=printable(label)[:_LONGEST_LABEL],
        revision=revision and printable(revision)[:_LONGEST_LABEL],
        source_sha256=sha256(checkpoint.files),
        assumed=settled.assumed,
        normalize_input=settled.normalize_input,
        file=printable(checkpoint.path.name)[:_LONGEST_LABEL] if revision is not None else None,
    )
    write_tensors(destination, settled.config, tensors, provenance=provenance)
    under = f", keys under '{quote(located.prefix)}'" if located.prefix else ""
    tool = located.layout.name if stated.family is None else f"transformers {stated.family}"
    return Conversion(
        found=f"{tool} ({checkpoint.kind.value}{under})",
        stated_by=settled.stated_by,
        config=settled.config,
        provenance=provenance,
        path=destination,
        digest=tensors_digest(tensors),
        notes=stated.notes,
    )


@dataclasses.dataclass(frozen=True)
class _Stated:
    """What every place in a checkpoint and next to it states; the family of transformers, its layout, and notes."""

    statements: tuple[Statement, ...]
    family: str | None
    layout: Layout | None
    notes: tuple[str, ...]


def _stated(checkpoint: Checkpoint, origin: str, prefix: str | None, *, may_be_unknown: bool) -> _Stated:
    statements = fairseq.statements(checkpoint.contents, origin=origin)
    family = layout = None
    notes: list[str] = []
    # fairseq's own files on the hub lie next to the config of another file.
    if any(each.settings.keys() - {NORMALIZE, "sample_rate"} for each in statements):
        return _Stated(tuple(statements), family, layout, ())
    for path in checkpoint.settings_files():
        reading = read_settings(path)
        if reading.unknown is None:
            family, layout = family or reading.family, layout or reading.layout
            statements.append(reading.statement)
            continue
        may_be_of_it = _has_names_of_transformers(checkpoint, origin, prefix)
        itself = f"config={path} takes its settings as theirs, " if reading.statement.settings else ""
        if may_be_of_it and not may_be_unknown and path.name == huggingface.CONFIG_NAME:
            raise UnsettledError(f"{path}: {reading.unknown}; if it has one of their encoders, {itself}{SETTLES}")
        if may_be_of_it and reading.statement.settings:
            notes.append(f"{path}: {reading.unknown}; its settings are read as theirs")
            statements.append(reading.statement)
        else:
            notes.append(f"{path}: of another kind of model ({reading.unknown}); passed over")
    if not notes:
        preprocessors = [checkpoint.beside(name) for name in huggingface.PREPROCESSOR_NAMES]
        statements += [huggingface.read_preprocessor(path) for path in preprocessors if path is not None]
    return _Stated(tuple(statements), family, layout, tuple(notes))


def _has_names_of_transformers(checkpoint: Checkpoint, origin: str, prefix: str | None) -> bool:
    """Whether the encoder's tensors have transformers' names; also where none is found, which is said later."""
    try:
        located = locate(checkpoint.arrays, origin=origin, prefix=prefix)
    except CheckpointError:
        return True
    return located.layout.name.startswith(TRANSFORMERS.name)
