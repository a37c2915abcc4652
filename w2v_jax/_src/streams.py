"""What a program makes of its standard streams: of a narrow encoding, a full disk, a closed pipe.

For programs alone: importing the library changes no stream.
"""

import atexit
import contextlib
import errno
import io
import os
import sys
from typing import Any, TextIO


class KeptRaw(io.RawIOBase):
    """A raw stream that takes everything: after the first failure it writes no more, and keeps what failed.

    Args:
        raw: where to write.
        owner: the stream above it until now, which would close it when it is forgotten.
    """

    def __init__(self, raw: Any, owner: object = None):
        self._raw = raw
        self._owner = owner
        self.lost: OSError | None = None

    def write(self, data: Any, /) -> int:
        """How many bytes were taken."""
        if self.lost is None:
            try:
                return int(self._raw.write(data) or 0)
            except OSError as error:
                self.lost = error
        return len(data)

    def writable(self) -> bool:
        """Yes."""
        return True

    def isatty(self) -> bool:
        """As the stream beneath."""
        return bool(self._raw.isatty())

    def fileno(self) -> int:
        """As the stream beneath."""
        return int(self._raw.fileno())


def prepare() -> None:
    """Prepares the standard streams of this process; once is enough, more does no harm.

    What an encoding does not have is written as an escape. A closed stream is open, to nowhere. What cannot be written
    stops no computation: at the end one line says so, with status 1; that nobody reads on (a closed pipe) is no error.
    A stream that somebody has put in the place of the process's own (`contextlib.redirect_stdout`) stays as it is.
    """
    _occupy()
    if sys.stdout is sys.__stdout__:
        sys.stdout, lost = kept(sys.stdout, 1)
        if lost is not None:
            atexit.register(_end, lost)  # the first to be registered is the last to be called
    if sys.stderr is sys.__stderr__:
        sys.stderr, _ = kept(sys.stderr, 2)


def kept(stream: TextIO | None, number: int) -> tuple[TextIO, KeptRaw | None]:
    """A stream that takes everything, and what tells whether it could.

    Args:
        stream: the one at hand; None where it was closed. One that is no file (a test's) stays, with escapes.
        number: its file descriptor, for a stream that was closed.
    """
    if stream is None:
        stream = open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (it lives as long as we do)
    raw = getattr(stream, "buffer", None)
    raw = getattr(raw, "raw", raw)
    if not isinstance(stream, io.TextIOWrapper) or not hasattr(raw, "fileno"):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        return stream, None
    with contextlib.suppress(OSError):
        stream.flush()
    beneath = KeptRaw(raw, owner=stream)
    wrapper = io.TextIOWrapper(
        io.BufferedWriter(beneath),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    return wrapper, beneath


def complaint(lost: OSError | None) -> str | None:
    """What is to be said of a standard output that could not be written; None where nothing is."""
    if lost is None or lost.errno in (errno.EPIPE, errno.ECONNRESET):
        return None
    return f"error: standard output cannot be written ({lost.strerror}); what was computed is kept in its files"


def _end(stdout: KeptRaw) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    if said := complaint(stdout.lost):
        with contextlib.suppress(OSError, ValueError):
            print(said, file=sys.stderr, flush=True)
        os._exit(1)


def _occupy() -> None:
    """Opens the standard descriptors that were closed, or the next file would be taken for one of them."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
