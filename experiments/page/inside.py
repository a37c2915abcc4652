"""Which files of a results folder may go into a page: ordinary ones that lie in it.

A folder may be somebody else's. What its links point to outside of it may be private, and a page is mailed; a pipe or a
device never ends.
"""

import os
import pathlib
import stat


def why_not(folder: pathlib.Path, path: pathlib.Path) -> str | None:
    """Why a file of the folder is not to be read; None where it may be, or is not there. Nothing is opened.

    Args:
        folder: the results; it may itself be a link.
        path: something in it.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    try:
        lies_in = path.resolve().is_relative_to(folder.resolve())
    except RuntimeError:  # of pathlib before Python 3.13
        return "it is a link to itself"
    if not lies_in:
        return "it is, or lies in, a link out of the folder"
    if stat.S_ISLNK(status.st_mode):
        try:
            status = path.stat()
        except OSError:
            return "it is a link to nothing"
    if not stat.S_ISREG(status.st_mode):
        return "it is not a file with an end, but a folder, a pipe, a socket or a device"
    if not path.name.isprintable():
        return "its name has signs that a page cannot show"
    return None


def has(folder: pathlib.Path, path: pathlib.Path) -> bool:
    """Whether there is such a file, and it may be read."""
    return os.path.lexists(path) and why_not(folder, path) is None


def read_bytes(folder: pathlib.Path, path: pathlib.Path) -> bytes:
    """What the file has.

    Raises:
        OSError: there is none that may be read, or it was replaced by something else meanwhile.
    """
    if (reason := why_not(folder, path)) is not None:
        raise OSError(f"{path}: {reason}")
    # Should a pipe stand there by now, opening it must not wait.
    handle = os.open(path.resolve(), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{path}: it is not an ordinary file")
        return file.read()
