"""A sweep kept on disk as it is computed: in shards, which make one file when all are there.

A shard is a safetensors file with the features of a span of rows. It is written whole or not at all, and says of
itself which rows of which sweep it has, and what its digest is. So whatever happened to the process that wrote it,
what is missing can be told from what is there, and several processes can write to one folder without talking.
"""

import dataclasses
import json
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from w2v_jax._src import files
from w2v_jax._src.tensor_file import Stream, TensorFile, TensorFileError

from . import made_with
from .made_with import OtherSettingsError, UnknownSettingsError

_ROWS = "rows"
_FEATURES = "features"

# A kill loses at most that much work; a few seconds of it on two CPU cores.
ROWS_PER_SHARD = 128


def shard_spans(num_rows: int, *, block_size: int, rows_per_shard: int = ROWS_PER_SHARD) -> tuple[range, ...]:
    """The rows of each shard of a sweep, about `rows_per_shard`.

    They are whole blocks (rows that a device computes in one call), as `w2v_jax.engine.sweep_spans` wants them.
    """
    rows = block_size * max(1, rows_per_shard // block_size)
    return tuple(range(start, min(start + rows, num_rows)) for start in range(0, num_rows, rows))


@dataclasses.dataclass(frozen=True)
class Inventory:
    """What a folder of shards has of a sweep.

    Attributes:
        finished: spans whose shards can be used.
        missing: the others, in order.
        changed: names of the settings in which shards that are there differ from this sweep.
        remarks: which shards are damaged, and how; one line each.
    """

    finished: tuple[range, ...]
    missing: tuple[range, ...]
    changed: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def num_finished(self) -> int:
        """Rows that need not be computed."""
        return sum(map(len, self.finished))


@dataclasses.dataclass(frozen=True)
class ShardFolder:
    """The folder in which a sweep's shards are kept until they are assembled.

    Attributes:
        path: the folder; made when the first shard is written.
        settings: everything that the features depend on; shards made with others are not used.
        spans: the rows of each shard, in order, from 0 without gaps.
    """

    path: pathlib.Path
    settings: Mapping[str, str]
    spans: Sequence[range]

    def inventory(self) -> Inventory:
        """Looks at every shard, the last byte included.

        Raises:
            made_with.UnreadableError: one cannot be read, and so may be of other settings.
        """
        finished, missing, remarks = [], [], []
        changed: dict[str, None] = {}
        for span in self.spans:
            try:
                self._read_back(span)
            except FileNotFoundError:
                missing.append(span)
            except OtherSettingsError as error:
                missing.append(span)
                changed |= dict.fromkeys(error.changed)
            except UnknownSettingsError as error:
                missing.append(span)
                changed[f"{self._shard(span).name}: {error}"] = None
            except TensorFileError as error:
                missing.append(span)
                remarks.append(f"rows {span.start} to {span.stop - 1} again ({self._shard(span)} is damaged: {error})")
            else:
                finished.append(span)
        if {path.name for path in self.path.glob("rows-*")} - {self._shard(span).name for span in self.spans}:
            changed["rows per shard"] = None
        return Inventory(tuple(finished), tuple(missing), tuple(changed), tuple(remarks))

    def has(self, span: range) -> bool:
        """Whether the shard of `span` is there, by its header: cheap, for waiting. Raises as `inventory` does."""
        try:
            self._open(span)
        except (TensorFileError, FileNotFoundError):
            return False
        return True

    def write(self, span: range, features: np.ndarray) -> None:
        """Writes a shard: `features` (len(span), ...) float32. Raises `OSError` where that fails."""
        rows = {_ROWS: json.dumps([span.start, span.stop])}
        made_with.write(self._shard(span), {_FEATURES: features}, self.settings, further=rows)

    def assemble(
        self,
        path: str | os.PathLike[str],
        parameters: Mapping[str, np.ndarray],
        settings: Mapping[str, str],
        *,
        name: str = _FEATURES,
    ) -> None:
        """Makes one file of all shards, in memory one at a time, and removes the folder.

        Args:
            path: the file: the shards' rows, and a tensor per parameter.
            parameters: row by row.
            settings: to keep in the file.
            name: of the tensor that has the shards' rows.

        Raises:
            TensorFileError: a shard is missing or damaged; nothing has been changed.
            OSError: the file cannot be written; nothing has been changed.
        """
        path = files.path_of(path)
        # Left by a process killed here; each can be as large as the final file.
        for stale in self.path.glob(f"{files.temporary_prefix(path)}*"):
            stale.unlink(missing_ok=True)
        shape = (self.spans[-1].stop, *self._open(self.spans[0]).entries[_FEATURES].shape[1:])
        made_with.write(path, {name: Stream(shape, self._features()), **parameters}, settings, temporary_dir=self.path)
        self.remove()

    def remove(self) -> None:
        """Removes the folder and everything in it, if it is there."""
        files.remove_folder(self.path)

    def _features(self) -> Iterator[np.ndarray]:
        for span in self.spans:
            yield self._read_back(span).array(_FEATURES)

    def _shard(self, span: range) -> pathlib.Path:
        return self.path / f"rows-{span.start:08d}-{span.stop:08d}.safetensors"

    def _read_back(self, span: range) -> TensorFile:
        """The shard of `span`, every byte of it as it was written."""
        shard = self._open(span)
        with made_with.reading(shard.path):
            shard.check()
        return shard

    def _open(self, span: range) -> TensorFile:
        """The shard of `span`, if its header says that it is the one."""
        shard = made_with.find(self._shard(span), self.settings)
        if shard.metadata.get(_ROWS) != json.dumps([span.start, span.stop]):
            raise TensorFileError(f"it says that it has rows {shard.metadata.get(_ROWS)}")
        entry = shard.entries.get(_FEATURES)
        if entry is None or entry.dtype != np.float32 or entry.shape[:1] != (len(span),):
            raise TensorFileError(f"it has no features (float32) of {len(span)} rows")
        return shard
