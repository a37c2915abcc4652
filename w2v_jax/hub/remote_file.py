"""One file of a commit on the hub, any part of which can be read: it comes when it is asked for, and only then."""

import dataclasses
import difflib
import hashlib
import io
import pathlib
from collections.abc import Iterable, Sequence
from typing import IO, Any, cast

from w2v_jax._src.quoting import listing, quote
from w2v_jax.hub.byte_spans import Pieces, Span, merged
from w2v_jax.hub.client import Answer, Client, Facts, HubError, Trouble
from w2v_jax.hub.listening import megabytes

# What is fetched at once where a reader asks for less: most headers and directories of checkpoints fit in.
_LEAST_BYTES = 72 << 10
# Parts with so little between them come in one request.
_GAP_BYTES = 1 << 15
# What is kept at once; if a download is stopped, less than this is lost.
_PIECE_BYTES = 1 << 22
_MOST_REFUSALS = 2
_EXPIRED = (401, 403, 404, 410)


class RemoteFile:
    """A file of a commit; see `convert.places.Distant`. For one thread.

    Args:
        client: asks for it.
        name: in the repository.
        commit: of the repository.
        folder: for what has come; it stays there.
        others: the names of all files, for messages.
    """

    def __init__(self, client: Client, name: str, commit: str, folder: pathlib.Path, others: Sequence[str] = ()):
        self._client = client
        self._name = name
        self._commit = commit
        self._folder = folder
        self._others = others
        self._facts: Facts | None = None
        self._size: int | None = None
        self._pieces = Pieces(folder)
        self._comes_in_parts = True
        self._refusals = 0

    def __str__(self) -> str:
        return f"{self._client.hub_id.repository}/{quote(self._name)}"

    def size(self) -> int:
        """In bytes. Raises `HubError`."""
        self._know()
        if self._size is None:
            self._fetch((0, _LEAST_BYTES))
        if self._size is None:
            raise HubError(f"{self}: the hub does not say how large it is; download it, and convert the file")
        return self._size

    def read(self, start: int, nbytes: int) -> bytes:
        """The bytes from `start` on, as many as there are, at most `nbytes`. Raises `HubError`, `OSError`."""
        size = self.size()
        stop = min(start + nbytes, size)
        if stop <= start:
            return b""
        if self._pieces.missing((start, stop)):
            wanted = (start, stop)
            if stop - start < _LEAST_BYTES:
                first = max(0, size - _LEAST_BYTES) if start >= size - _LEAST_BYTES else start
                wanted = (first, min(first + _LEAST_BYTES, size))
            self.prefetch([wanted])
        return self._pieces.read((start, stop))

    def open(self) -> IO[bytes]:
        """The file, to be read at any place."""
        reading = Reading(self)
        # Reading ahead would fetch what nobody wants, unless all of it is here.
        is_whole = not self._pieces.missing((0, self.size()))
        return io.BufferedReader(reading) if is_whole else cast(IO[bytes], reading)

    def prefetch(self, spans: Iterable[Span]) -> None:
        """Fetches parts that will be read, neighbours together. Raises `HubError`, `OSError`."""
        size = self.size()
        clipped = [(max(0, start), min(stop, size)) for start, stop in spans]
        gaps = [gap for span in clipped if span[0] < span[1] for gap in self._pieces.missing(span)]
        for span in merged(gaps, gap=_GAP_BYTES):
            self._fetch(span)

    def fetch_all(self, why: str) -> None:
        """Fetches the whole file. Raises `HubError`, `OSError`."""
        size = self.size()
        if self._pieces.missing((0, size)):
            self._client.listener.remark(f"{self}: {why}: fetches the whole file, {megabytes(size)}")
            self._fetch((0, size))

    def sha256(self) -> str | None:
        """Hexadecimal, as the hub says, else of the whole, if it is here; else None."""
        if (said := self._know().sha256) is not None:
            return said
        return None if self._pieces.missing((0, self.size())) else self._digest()

    def _know(self) -> Facts:
        if self._facts is None:
            self._facts = self._patiently(lambda: self._client.facts(self._name, self._commit))
            self._size = self._facts.size if self._size is None else self._size
            # Whatever tells other bytes apart is in the name of their folder.
            key = f"{self._name}\n{self._facts.size}\n{self._facts.sha256}"
            self._pieces = Pieces(self._folder / hashlib.sha256(key.encode()).hexdigest()[:32])
        return self._facts

    def _patiently(self, action: Any) -> Any:
        others = [name for name in self._others if name != self._name]
        near = difflib.get_close_matches(self._name, others, n=3, cutoff=0.4)
        return self._client.patiently(action, str(self), near=listing(near))

    def _fetch(self, span: Span) -> None:
        """Fetches a part, or all of the file where the server sends no parts."""
        while self._missing(span):
            self._patiently(lambda: self._fetch_first_gap(span))
        if self._size is not None and not self._pieces.missing((0, self._size)):
            self._verify()

    def _missing(self, span: Span) -> list[Span]:
        if self._comes_in_parts:
            return self._pieces.missing((span[0], span[1] if self._size is None else min(span[1], self._size)))
        # Where its size is unknown, it is whole when an answer has ended.
        return [(0, 0)] if self._size is None else self._pieces.missing((0, self._size))

    def _fetch_first_gap(self, span: Span) -> None:
        """One request. Raises `Trouble` unless everything that its answer promised came."""
        if not (gaps := self._missing(span)):  # what failed had been the last of it
            return
        gap = gaps[0]
        part = gap if self._comes_in_parts and gap != (0, self._size) else None
        try:
            with self._client.data(self._address(), part) as answer:
                self._measure(answer)
                if part is not None and not answer.is_part:
                    self._without_parts("the server sends no parts of files")
                end = self._keep(answer)
        except Trouble as trouble:
            if trouble.status in _EXPIRED and trouble.passing:
                self._facts = None if self._facts is None else dataclasses.replace(self._facts, location="")
            if trouble.status == 416 and part is not None:
                self._refusals += 1
                if self._refusals >= _MOST_REFUSALS:
                    self._without_parts("the server refuses to send parts of files (416)")
            raise
        if not answer.is_part and self._size is None:
            self._size = end
            if end > _LEAST_BYTES:
                self._client.listener.remark(
                    f"{self}: the server sends no parts of files: fetched all, {megabytes(end)}"
                )
        stop = answer.stop if answer.stop is not None else self._size
        if stop is not None and end < stop:
            if answer.stop is None:  # nothing says that it was this file that came
                self._pieces.clear()
            raise Trouble(f"the answer was cut off at byte {end}; expected {stop}", passing=True)
        wanted = gap[1] if self._size is None else min(gap[1], self._size)
        if answer.is_part and end < min(wanted, gap[0] + _LEAST_BYTES):
            raise Trouble(f"a part of {end - gap[0]} bytes came; expected {wanted - gap[0]}", passing=True)

    def _address(self) -> str:
        """Where the data is; asked for again where the last address has expired."""
        facts = self._know()
        if not facts.location:
            facts = self._facts = self._client.facts(self._name, self._commit)
        return facts.location

    def _measure(self, answer: Answer) -> None:
        if answer.total is None:
            return
        if self._size is None:
            self._size = answer.total
        elif answer.total != self._size:
            raise Trouble(f"two sizes are said of it, {self._size} and {answer.total} bytes", passing=True)

    def _without_parts(self, why: str) -> None:
        self._comes_in_parts = False
        if self._size is not None and self._size > _LEAST_BYTES:
            self._client.listener.remark(f"{self}: {why}: fetches the whole file, {megabytes(self._size)}")

    def _keep(self, answer: Answer) -> int:
        """Keeps what comes, also where it is cut off; returns the byte of the file at which that is."""
        limit = answer.stop if answer.stop is not None else self._size
        planned = 0 if limit is None else limit - answer.start
        listener, waiting = self._client.listener, bytearray()
        listener.expect(planned)
        at = received = answer.start
        try:
            for chunk in answer.chunks:
                received += len(chunk)
                self._client.received += len(chunk)
                listener.receive(len(chunk))
                if limit is not None and received > limit:
                    raise Trouble(f"more bytes came than the {limit - answer.start} that were said", passing=True)
                waiting += chunk
                if len(waiting) >= _PIECE_BYTES:
                    self._store(at, waiting)
                    at += len(waiting)
                    waiting = bytearray()
        finally:
            listener.expect(received - answer.start - planned)
            self._store(at, waiting)
        return at + len(waiting)

    def _store(self, at: int, data: bytearray) -> None:
        for start, stop in self._pieces.missing((at, at + len(data))):
            self._pieces.add(start, bytes(data[start - at : stop - at]))

    def _verify(self) -> None:
        """Raises `HubError`, and forgets the file, where the whole is not what the hub says it is."""
        said = self._know().sha256
        if said is not None and self._digest() != said:
            self._pieces.clear()
            raise HubError(f"{self}: what came is not what the hub says it has (the sha256 differs); run it again")

    def _digest(self) -> str:
        digest, size = hashlib.sha256(), self.size()
        for start in range(0, size, _PIECE_BYTES):
            digest.update(self._pieces.read((start, min(start + _PIECE_BYTES, size))))
        return digest.hexdigest()


class Reading(io.RawIOBase):
    """A `RemoteFile` as an open file. A read gives all that was asked for, up to the end of the file."""

    def __init__(self, file: RemoteFile):
        super().__init__()
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at}.get(whence)
        at = (self._file.size() if base is None else base) + offset
        if at < 0:
            raise ValueError(f"negative seek position {at}")
        self._at = at
        return at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._file.read(self._at, len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
