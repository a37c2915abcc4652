"""One process at a time at one file, of those that were started by hand in one folder.

The lock is of the operating system: it ends with the process that holds it, killed or not, so none is ever left over.
A killed process leaves a file, `.NAME.lock`, that nobody holds; the next process locks that file and removes it. When a
host dies, an NFS server frees its locks after about a minute and a half. A bucket has no locks.
"""

import contextlib
import datetime
import errno
import os
import pathlib
import platform
from collections.abc import Iterator

import filelock

from w2v_jax._src import files
from w2v_jax._src.quoting import quote

_POLL_SECONDS = 0.2
_MOST_LETTERS = 200
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


def lock_path(path: pathlib.Path) -> pathlib.Path:
    """The file that stands for the lock on `path`, while it is held."""
    return path.with_name(f".{path.stem}.lock")


@contextlib.contextmanager
def alone(path: pathlib.Path, *, label: str) -> Iterator[None]:
    """The block is entered by one process at a time; one that must wait says for whom.

    Args:
        path: the file that is about to be looked at and perhaps written; its folder is made.
        label: what the user sees it called.

    Raises:
        OSError: the lock's file cannot be made.
    """
    if files.is_in_bucket(path):
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    place = lock_path(path)
    lock = filelock.FileLock(place, poll_interval=_POLL_SECONDS, fallback_to_soft=False)
    try:
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            print(f"{label}: waiting; another process is at work on it ({_holder(place)})", flush=True)
            lock.acquire()
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        print(f"{label}: {path.parent} knows no locks ({error}): do not run one command twice at once there")
        yield
        return
    try:
        # Not where a system lets no one else read a file that is locked: then those who wait are told less.
        with contextlib.suppress(OSError):
            place.write_text(_myself(), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            place.unlink()  # still held: whoever waits sees that this file is gone, and makes a new one
        lock.release()


def _myself() -> str:
    since = datetime.datetime.now().astimezone().isoformat(" ", "seconds")
    return f"host {platform.node()}, process {os.getpid()}, since {since}"


def _holder(place: pathlib.Path) -> str:
    try:
        return quote(place.read_text(encoding="utf-8"), _MOST_LETTERS) or "which has just begun"
    except (OSError, ValueError):
        return "which does not say its name"
