"""Writing files whole or not at all, on this machine or in a bucket.

A path in a bucket is another object with the methods of `pathlib.Path`, such as `etils.epath.Path("gs://...")`.
Its files are made on this machine and put there when they are finished; to be read they are fetched.
"""

import contextlib
import os
import pathlib
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

if sys.platform != "win32":
    import fcntl

_PIECE_BYTES = 1 << 20
_SECONDS_TO_LOCK = 60
_ON_THEIR_WAY = "w2v_jax-upload-"  # how the names of folders for files on their way begin


def path_of(path: str | os.PathLike[str]) -> pathlib.Path:
    """`path` as a path; one in a bucket stays what it is."""
    return cast(pathlib.Path, path) if is_in_bucket(path) else pathlib.Path(path)


def is_in_bucket(path: Any) -> bool:
    """Whether it is a path object of another kind than this machine's."""
    return not isinstance(path, str | pathlib.Path) and hasattr(path, "read_bytes")


def is_dangling(path: pathlib.Path) -> bool:
    """Whether a link of this machine stands there, to what is not: perhaps on a disk that is away."""
    return not is_in_bucket(path) and path.is_symlink() and not path.exists()


def fetched(path: pathlib.Path) -> BinaryIO:
    """A copy, on this machine, of a file in a bucket. It has no name: its room is free once no one uses it any more,
    even where this process is killed.

    Raises:
        FileNotFoundError: there is none.
        OSError: it could not be fetched, for whatever reason.
    """
    copy = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 (the caller's)
    try:
        with path.open("rb") as source:
            shutil.copyfileobj(source, copy, _PIECE_BYTES)
        copy.flush()
    except BaseException as error:
        copy.close()
        if isinstance(error, OSError) or not isinstance(error, Exception):
            raise
        # An error of the bucket's own package: every package has its own.
        raise OSError(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
    return copy


def remove_folder(path: pathlib.Path) -> None:
    """Removes a folder and everything in it, if it is there and can be removed."""
    if not is_in_bucket(path):
        shutil.rmtree(path, ignore_errors=True)
    elif path.exists():
        cast(Any, path).rmtree()


@contextlib.contextmanager
def atomic_path(
    path: str | os.PathLike[str], *, temporary_dir: str | os.PathLike[str] | None = None
) -> Iterator[pathlib.Path]:
    """Yields the path of a temporary file, renamed to `path` when the block ends without an error.

    A reader sees the old file or the new one, never a part. When the block fails the temporary file is
    removed and `path` is as it was; only a process that is killed leaves one. Missing parent folders are made.

    Args:
        path: the file.
        temporary_dir: an existing folder, on the file system of `path`, for the temporary file; by default that of
            `path`.
    """
    path = path_of(path)
    if is_in_bucket(path):
        with _put_into_bucket(path) as temporary:
            yield temporary
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays, for writers that choose a format by it.
    handle, name = tempfile.mkstemp(
        prefix=temporary_prefix(path), suffix=path.suffix, dir=path.parent if temporary_dir is None else temporary_dir
    )
    os.close(handle)
    temporary = pathlib.Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner may read; a result is for everyone the umask allows.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            error.filename = str(path)  # a failed write (a full disk) has none
        raise


@contextlib.contextmanager
def _put_into_bucket(path: pathlib.Path) -> Iterator[pathlib.Path]:
    # An object is there as a whole, once all of it has been sent, or not at all.
    with _folder_of_this_process() as folder:
        temporary = folder / path.name
        yield temporary
        with temporary.open("rb") as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, _PIECE_BYTES)


@contextlib.contextmanager
def _folder_of_this_process() -> Iterator[pathlib.Path]:
    """A folder for files on their way, which goes with the block; those of processes that were killed go first.

    It is locked while it is in use, and the system frees the lock of whoever dies. One that is new may not be yet.
    """
    for left in pathlib.Path(tempfile.gettempdir()).glob(f"{_ON_THEIR_WAY}*"):
        with contextlib.suppress(OSError):
            status = left.lstat()
            old = stat.S_ISDIR(status.st_mode) and time.time() - status.st_mtime > _SECONDS_TO_LOCK
            if old and (lock := _locked(left)) is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(lock)
    with tempfile.TemporaryDirectory(prefix=_ON_THEIR_WAY, ignore_cleanup_errors=True) as name:
        folder = pathlib.Path(name)
        lock = _locked(folder)
        try:
            yield folder
        finally:
            if lock is not None:
                os.close(lock)


def _locked(folder: pathlib.Path) -> int | None:
    """A handle that holds the lock on a folder; None where another process does, or the system has no such locks."""
    if sys.platform == "win32":
        return None
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def temporary_prefix(path: pathlib.Path) -> str:
    """How the names of temporary files for `path` begin."""
    return f".{path.stem}."
