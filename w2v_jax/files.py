"""Writing files whole or not at all."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator


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
    path = pathlib.Path(path)
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
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def temporary_prefix(path: pathlib.Path) -> str:
    """How the names of temporary files for `path` begin."""
    return f".{path.stem}."
