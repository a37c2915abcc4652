"""Files that say what they were made with: read back where that is the same, and told apart where it is not.

Every result on disk goes through here: the shards of a sweep, the file that they make, and the maps drawn of it.
"""

import json
import os
import pathlib
import time
from collections.abc import Mapping

import numpy as np

from w2v_jax import files, tensor_file
from w2v_jax.tensor_file import Stream, TensorFile, TensorFileError

Settings = Mapping[str, str]

_SETTINGS = "settings"  # the metadata's entry for them


class OtherSettingsError(TensorFileError):
    """A file that was made with other settings.

    Attributes:
        changed: names of those that differ.
    """

    def __init__(self, changed: list[str]):
        super().__init__(f"changed: {', '.join(changed)}")
        self.changed = changed


def write(
    path: str | os.PathLike[str],
    tensors: Mapping[str, np.ndarray | Stream],
    settings: Settings,
    *,
    further: Mapping[str, str] | None = None,
    temporary_dir: str | os.PathLike[str] | None = None,
) -> None:
    """Writes tensors and the settings that they were made with, whole or not at all.

    Args:
        path: the file.
        tensors: by name; a `Stream` is never in memory as a whole.
        settings: everything that the tensors depend on.
        further: strings to keep with them.
        temporary_dir: as for `files.atomic_path`.

    Raises:
        OSError: it cannot be written.
    """
    metadata = {_SETTINGS: json.dumps(dict(settings)), **(further or {})}
    tensor_file.write_file(path, tensors, metadata=metadata, temporary_dir=temporary_dir)


def find(path: str | os.PathLike[str], settings: Settings) -> TensorFile:
    """The file, if its header says that it was made with these settings. Its tensors are not looked at.

    Raises:
        OSError: it cannot be read (FileNotFoundError: there is none).
        OtherSettingsError: it was made with others.
        TensorFileError: it is damaged.
    """
    file = tensor_file.open_file(path)
    found = _settings_of(file)
    if changed := [name for name in {**settings, **found} if found.get(name) != settings.get(name)]:
        raise OtherSettingsError(changed)
    return file


def read_back(path: str | os.PathLike[str], settings: Settings) -> TensorFile:
    """The file, if it was made with these settings and has every byte that was written. Raises as `find` does."""
    file = find(path, settings)
    file.check()
    return file


def _settings_of(file: TensorFile) -> Settings:
    try:
        settings = json.loads(file.metadata[_SETTINGS])
    except (KeyError, TypeError, ValueError) as error:
        raise TensorFileError(f"it does not say its settings: {type(error).__name__} {error}") from error
    if not isinstance(settings, dict):
        raise TensorFileError("its settings are no JSON object")
    return settings


def signature(path: pathlib.Path) -> tuple[int, int] | None:
    """Changes when the file is replaced; None where there is none. In a bucket it always changes: look again."""
    if files.is_in_bucket(path):
        return (0, time.monotonic_ns()) if path.exists() else None
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns
