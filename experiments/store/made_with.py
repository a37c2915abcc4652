"""Files that say what they were made with: read back where that is the same, and told apart where it is not.

Every result on disk goes through here: the shards of a sweep, the file that they make, and the maps drawn of it.
"""

import contextlib
import json
import os
import pathlib
from collections.abc import Iterator, Mapping

import numpy as np

from w2v_jax._src import files, tensor_file
from w2v_jax._src.quoting import quote
from w2v_jax._src.tensor_file import Stream, TensorFile, TensorFileError

from . import buckets

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


class UnknownSettingsError(TensorFileError):
    """A whole file that does not say what it was made with: perhaps none of ours."""


class UnreadableError(OSError):
    """A file that is there and cannot be read now: neither absent nor damaged. The message is one line."""


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
        ValueError: `further` has the entry of the settings.
    """
    if further and _SETTINGS in further:
        raise ValueError(f"further has {_SETTINGS!r}, under which the settings are kept; expected another name")
    metadata = {_SETTINGS: json.dumps(dict(settings)), **(further or {})}
    tensor_file.write_file(path, tensors, metadata=metadata, temporary_dir=temporary_dir)


def find(path: str | os.PathLike[str], settings: Settings) -> TensorFile:
    """The file, if its header says that it was made with these settings. Its tensors are not looked at.

    Raises:
        FileNotFoundError: there is none.
        UnreadableError: it cannot be read.
        OtherSettingsError: it was made with others.
        UnknownSettingsError: it does not say with which.
        TensorFileError: bytes of it are missing or altered.
    """
    try:
        with reading(path):
            file = tensor_file.open_file(path)
    except tensor_file.UnknownTypeError as error:  # we write no such file
        raise UnknownSettingsError(str(error)) from error
    stated = _settings_of(file)
    if changed := [name for name in {**settings, **stated} if stated.get(name) != settings.get(name)]:
        raise OtherSettingsError(changed)
    return file


def read_back(path: str | os.PathLike[str], settings: Settings) -> TensorFile:
    """The file, if it was made with these settings and has every byte that was written. Raises as `find` does."""
    file = find(path, settings)
    with reading(path):
        file.check()
    return file


@contextlib.contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Tells a file that cannot be read now (no permission, a disk that is broken or away) from one that is absent."""
    try:
        yield
    except OSError as error:
        dangling = files.is_dangling(files.path_of(path))
        if isinstance(error, FileNotFoundError) and not dangling:
            raise
        reason = "a link to what is not there" if dangling else error.strerror or quote(error)
        raise UnreadableError(
            f"{os.fspath(path)}: it cannot be read ({reason}), so nothing was changed: put that right and run the same "
            "command again, or choose another --output_dir"
        ) from error


def _settings_of(file: TensorFile) -> Settings:
    try:
        settings = json.loads(file.metadata[_SETTINGS])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        if tensor_file.DIGEST in file.metadata:
            file.check()  # where a byte was altered, that is what is wrong
        raise UnknownSettingsError(f"it does not say its settings: {type(error).__name__} {quote(error)}") from error
    if not isinstance(settings, dict):
        raise UnknownSettingsError("its settings are no JSON object")
    return settings


def signature(path: pathlib.Path) -> tuple[int, int] | str | None:
    """Changes when the file is replaced; None where there is none. Nothing of the file itself is read."""
    if files.is_in_bucket(path):
        with reading(path):
            return buckets.signature(path)
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns
