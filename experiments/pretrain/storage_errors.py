"""Errors of the disk inside those of orbax, which tells of a full disk as of a `ValueError`."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator

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
        if found := _CODE.search(str(each)):
            return _told(int(found[1]), str(each))
        for number in (errno.ENOSPC, errno.EDQUOT):
            if os.strerror(number).lower() in str(each).lower():
                return _told(number, str(each))
        each = each.__cause__ or each.__context__
    return None


@contextlib.contextmanager
def as_os_errors() -> Iterator[None]:
    """Raises an `OSError` of the block that comes as another error as what it is."""
    try:
        yield
    except Exception as error:
        found = os_error_in(error)
        if found is None or found is error:
            raise
        raise found from error


def _told(number: int, text: str) -> OSError:
    file = _FILE.search(text)
    return OSError(number, os.strerror(number), file[1]) if file else OSError(number, os.strerror(number))
