"""The parts of a file that have come, each a file of its own.

A part is there as a whole, or not at all: a download that was stopped, at whatever moment, goes on from there.
"""

import bisect
import pathlib
import re
from collections.abc import Iterable

from w2v_jax._src import files

_NAME = re.compile(r"([0-9]{1,15})-([0-9]{1,15})")
Span = tuple[int, int]  # the first byte, and the one after the last


class Pieces:
    """Parts of one file, in a folder.

    Args:
        folder: theirs alone; made when the first one comes.
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self._spans: list[Span] = []
        for path in folder.glob("*") if folder.is_dir() else ():
            match = _NAME.fullmatch(path.name)
            if match and path.stat().st_size == int(match[2]) - int(match[1]):
                bisect.insort(self._spans, (int(match[1]), int(match[2])))

    def add(self, start: int, data: bytes) -> None:
        """Keeps the bytes from `start` on. Raises `OSError` where they cannot be written."""
        span = (start, start + len(data))
        with files.atomic_path(self.folder / f"{span[0]}-{span[1]}") as temporary:
            temporary.write_bytes(data)
        if span not in self._spans:
            bisect.insort(self._spans, span)

    def missing(self, span: Span) -> list[Span]:
        """The parts of `span` that have not come, in order."""
        gaps, at = [], span[0]
        for start, stop in self._spans:
            if start >= span[1]:
                break
            if start > at:
                gaps.append((at, start))
            at = max(at, stop)
        return [*gaps, (at, span[1])] if at < span[1] else gaps

    def read(self, span: Span) -> bytes:
        """The bytes of `span`, all of which must have come."""
        data, at = bytearray(), span[0]
        for start, stop in self._spans:
            if start <= at < stop and at < span[1]:
                with (self.folder / f"{start}-{stop}").open("rb") as file:
                    file.seek(at - start)
                    data += file.read(min(stop, span[1]) - at)
                at = min(stop, span[1])
        if len(data) != span[1] - span[0]:
            raise OSError(f"{self.folder}: a part of the download is gone; run the same command again")
        return bytes(data)

    def clear(self) -> None:
        """Forgets, and removes, all of them."""
        files.remove_folder(self.folder)
        self._spans = []


def merged(spans: Iterable[Span], *, gap: int) -> list[Span]:
    """Spans in order, those with at most `gap` bytes between them as one.

    Examples:
        >>> merged([(10, 20), (0, 4), (5, 8)], gap=1)
        [(0, 8), (10, 20)]
    """
    runs: list[Span] = []
    for start, stop in sorted(span for span in spans if span[0] < span[1]):
        if runs and start <= runs[-1][1] + gap:
            runs[-1] = (runs[-1][0], max(runs[-1][1], stop))
        else:
            runs.append((start, stop))
    return runs
