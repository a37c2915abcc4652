"""Errors of the disk inside those of orbax, which tells of a full disk as of a `ValueError`."""

import contextlib
import errno
import os
import re
import sys
from collections.abc import Iterator
from types import TracebackType

from ..store.sweeping import NO_SPACE

# As TensorStore, which orbax writes with, says what the operating system told it: "[os_error_code='28']".
_CODE = re.compile(r"os[_ ]error(?:[_ ]code)?\W{1,3}([0-9]{1,3})\b", re.IGNORECASE)
_FILE = re.compile(r'local file "([^"]+)"')


def os_error_in(error: BaseException) -> OSError | None:
    """What the operating system said, wherever in the chain of an error it is; None where it said nothing."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        if isinstance(each, OSError) and each.errno is not None:
            return each
        if match := _CODE.search(str(each)):
            return _told(int(match[1]), str(each))
        for number in (errno.ENOSPC, errno.EDQUOT):
            if os.strerror(number).lower() in str(each).lower():
                return _told(number, str(each))
        each = each.__cause__ or each.__context__
    return None


@contextlib.contextmanager
def as_os_errors() -> Iterator[None]:
    """Raises an `OSError` of the block that comes as another error as what it is.

    Where one write fails, TensorStore's others end in threads of their own, and print a traceback each since nobody
    waits for them any more. These are not shown, and none after the block has failed.
    """
    shown = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not (kind is RuntimeError and "Event loop is closed" in str(error)):
            shown(kind, error, trace)

    sys.excepthook = hook
    try:
        yield
        sys.excepthook = shown
    except Exception as error:
        cause = os_error_in(error)
        if cause is None or cause is error:
            raise
        raise cause from error


def one_line(error: OSError, *, folder: str) -> str:
    """What the user of a run in `folder` is told; of a full disk, also what to do."""
    if error.errno not in NO_SPACE:
        return str(error)
    return (
        f"{error.filename or folder}: {error.strerror}; what was saved is kept in {folder}: "
        "free some space and run the same command again to go on"
    )


def _told(number: int, text: str) -> OSError:
    file = _FILE.search(text)
    return OSError(number, os.strerror(number), file[1]) if file else OSError(number, os.strerror(number))
