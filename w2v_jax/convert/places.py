"""Where a checkpoint lies: what the readers ask of a path, so that one reader serves every place.

A `pathlib.Path` is a `Place`. So is a file of a hub's repository (`w2v_jax.hub.repository`), which comes when it is
read, and only as far as it is.
"""

import hashlib
import pathlib
from collections.abc import Iterable
from typing import IO, Literal, Protocol, runtime_checkable


class Stat(Protocol):
    """What is known of a file without reading it."""

    @property
    def st_size(self) -> int: ...


class Place(Protocol):
    """A file or folder, with the methods of `pathlib.Path` that readers use; its text is what messages call it."""

    @property
    def name(self) -> str: ...

    @property
    def suffix(self) -> str: ...

    @property
    def parent(self) -> "Place": ...

    def __truediv__(self, key: str, /) -> "Place": ...

    def exists(self) -> bool: ...

    def is_file(self) -> bool: ...

    def is_dir(self) -> bool: ...

    def iterdir(self) -> "Iterable[Place]": ...

    def glob(self, pattern: str) -> "Iterable[Place]": ...

    def stat(self) -> Stat: ...

    def open(self, mode: Literal["rb"]) -> IO[bytes]: ...

    def read_bytes(self) -> bytes: ...


@runtime_checkable
class Distant(Protocol):
    """A file whose bytes come from far away."""

    def prefetch(self, spans: Iterable[tuple[int, int]]) -> None:
        """Fetches parts that will be read, each from its first byte to before its last, neighbours together."""
        ...

    def fetch_all(self, why: str) -> None:
        """Fetches the whole file; `why` it must be, in words."""
        ...

    def sha256(self) -> str | None:
        """Hexadecimal sha256 of the whole file; None where only parts of it are known."""
        ...


def fetch_whole(place: Place, why: str) -> None:
    """Fetches a file that cannot be read in parts, if it is far away."""
    if isinstance(place, Distant):
        place.fetch_all(why)


def sha256(places: Iterable[Place]) -> str | None:
    """Hexadecimal sha256 of a file; of several, of their hexadecimal sha256s one after the other; None if unknown."""
    digests = []
    for place in places:
        if isinstance(place, Distant):
            digest = place.sha256()
            if digest is None:
                return None
            digests.append(digest)
        else:
            with place.open("rb") as file:
                digests.append(hashlib.file_digest(file, "sha256").hexdigest())  # type: ignore[arg-type]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def is_same_file(place: Place, path: pathlib.Path) -> bool:
    """Whether it is this file of this machine."""
    return isinstance(place, pathlib.Path) and path.exists() and path.samefile(place)
