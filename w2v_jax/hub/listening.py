"""What a download tells those who wait for it. The library prints nothing: programs bring a listener that does."""

import logging
from typing import Protocol

_log = logging.getLogger("w2v_jax.hub")


class Listener(Protocol):
    """Hears how a download goes, from the thread that it runs in."""

    def remark(self, text: str) -> None:
        """One line that the user should see, such as that a whole file has to be fetched."""
        ...

    def expect(self, nbytes: int) -> None:
        """So many more bytes will come (fewer, where negative)."""
        ...

    def receive(self, nbytes: int) -> None:
        """So many bytes have come."""
        ...


class Logged:
    """Remarks go to the logger `w2v_jax.hub`; bytes are passed over."""

    def remark(self, text: str) -> None:
        _log.warning("%s", text)

    def expect(self, nbytes: int) -> None:
        pass

    def receive(self, nbytes: int) -> None:
        pass


LOGGED = Logged()


def megabytes(nbytes: int) -> str:
    """`nbytes` in words.

    Examples:
        >>> megabytes(380_267_417), megabytes(1_234)
        ('380 MB', '1.2 kB')
    """
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if nbytes >= size:
            return f"{nbytes / size:.{1 if nbytes < 10 * size else 0}f} {unit}"
    return f"{nbytes} bytes"
