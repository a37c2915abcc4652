"""A progress bar in bytes, for programs. Nothing here is used by the library itself."""

import sys
import threading
from types import TracebackType
from typing import Any, Self

from w2v_jax._src.quoting import printable


class Bar:
    """A `listening.Listener` that shows one bar for all that comes, and remarks above it, on standard error.

    The bar is tqdm's, which huggingface_hub brings; it appears when bytes are expected, and on a terminal only.
    """

    def __init__(self) -> None:
        self._bar: Any = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            if self._bar is not None:
                self._bar.close()
                self._bar = None

    def remark(self, text: str) -> None:
        with self._lock:
            if self._bar is not None:
                self._bar.clear()
            print(printable(text), file=sys.stderr, flush=True)
            if self._bar is not None:
                self._bar.refresh()

    def expect(self, nbytes: int) -> None:
        with self._lock:
            if self._bar is None:
                self._bar = _tqdm()
            if self._bar is not None:
                self._bar.total = max(0, self._bar.total + nbytes)

    def receive(self, nbytes: int) -> None:
        with self._lock:
            if self._bar is not None:
                self._bar.update(nbytes)


def _tqdm() -> Any:
    try:
        import tqdm
    except ImportError:
        return None
    # None: not where standard error is a file or a pipe.
    return tqdm.tqdm(total=0, desc="from the hub", unit="B", unit_scale=True, mininterval=0.2, disable=None)
