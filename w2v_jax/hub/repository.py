"""A commit of a repository as a folder that the readers of `convert` read (`convert.places.Place`)."""

import contextlib
import dataclasses
import difflib
import fnmatch
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Literal

from w2v_jax._src import files
from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import listing, quote
from w2v_jax.convert.huggingface import WEIGHT_NAMES
from w2v_jax.convert.places import Stat, sha256
from w2v_jax.convert.settings import UnsettledError
from w2v_jax.convert.sources import CHECKPOINT_SUFFIXES
from w2v_jax.hub import cache
from w2v_jax.hub.byte_spans import Span
from w2v_jax.hub.client import Client, HubError, Revision
from w2v_jax.hub.remote_file import RemoteFile


class _Shelf:
    """The files of a commit, each opened once."""

    def __init__(self, client: Client, revision: Revision):
        self.client = client
        self.revision = revision
        self.names = frozenset(revision.files)
        self.downloads = cache.downloads(client.hub_id, revision.commit)
        self._files: dict[str, RemoteFile] = {}

    def remote(self, name: str) -> RemoteFile:
        if name not in self._files:
            self._files[name] = RemoteFile(
                self.client, name, self.revision.commit, self.downloads, tuple(sorted(self.names))
            )
        return self._files[name]

    def local(self, name: str) -> pathlib.Path | None:
        """Where huggingface_hub's own cache has it, if it does: a file of a commit cannot have changed."""
        return in_the_hubs_cache(self.client.hub_id.repository, name, self.revision.commit)


class HubPath:
    """A file or folder of a commit; see `convert.places.Place` and `Distant`."""

    def __init__(self, shelf: _Shelf, parts: Sequence[str]):
        self._shelf = shelf
        self._parts = tuple(parts)
        self._path = "/".join(parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HubPath) and (self._shelf, self._parts) == (other._shelf, other._parts)

    def __hash__(self) -> int:
        return hash(self._parts)

    def __str__(self) -> str:
        return "/".join([self._shelf.client.hub_id.repository, *map(quote, self._parts)])

    @property
    def name(self) -> str:
        return self._parts[-1] if self._parts else self._shelf.client.hub_id.repository.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        return pathlib.PurePosixPath(self.name).suffix

    @property
    def parent(self) -> "HubPath":
        return HubPath(self._shelf, self._parts[:-1])

    def __truediv__(self, key: str, /) -> "HubPath":
        return HubPath(self._shelf, [*self._parts, *key.split("/")])

    def exists(self) -> bool:
        return self.is_file() or self.is_dir()

    def is_file(self) -> bool:
        return self._path in self._shelf.names

    def is_dir(self) -> bool:
        return not self._path or any(name.startswith(f"{self._path}/") for name in self._shelf.names)

    def iterdir(self) -> "Iterator[HubPath]":
        depth = len(self._parts)
        inside = [name.split("/") for name in self._shelf.names if not depth or name.startswith(f"{self._path}/")]
        return (self / name for name in sorted({parts[depth] for parts in inside}))

    def glob(self, pattern: str) -> "Iterator[HubPath]":
        first, _, rest = pattern.partition("/")
        for each in self.iterdir():
            if fnmatch.fnmatchcase(each.name, first):
                yield from each.glob(rest) if rest else [each]

    def stat(self) -> Stat:
        path = self._shelf.local(self._path)
        return path.stat() if path is not None else _Size(self._shelf.remote(self._path).size())

    def open(self, mode: Literal["rb"]) -> IO[bytes]:
        path = self._shelf.local(self._path)
        if path is not None:
            return path.open(mode)
        return self._shelf.remote(self._path).open()

    def read_bytes(self) -> bytes:
        path = self._shelf.local(self._path)
        if path is not None:
            return path.read_bytes()
        size = self.stat().st_size
        return self._shelf.remote(self._path).read(0, size)

    def prefetch(self, spans: Iterable[Span]) -> None:
        if self._shelf.local(self._path) is None:
            self._shelf.remote(self._path).prefetch(spans)

    def fetch_all(self, why: str) -> None:
        if self._shelf.local(self._path) is None:
            self._shelf.remote(self._path).fetch_all(why)

    def sha256(self) -> str | None:
        path = self._shelf.local(self._path)
        return self._shelf.remote(self._path).sha256() if path is None else sha256([path])


@dataclasses.dataclass(frozen=True)
class _Size:
    st_size: int


@contextlib.contextmanager
def opened(client: Client, revision: Revision) -> Iterator[HubPath]:
    """The folder, or file, that the client's id names, while no other process fetches from that commit.

    What was fetched is removed at the end, unless the download failed or was stopped: then the next try goes on from
    there.

    Raises:
        HubError: it is not there, or has no checkpoint.
    """
    shelf, hub_id = _Shelf(client, revision), client.hub_id
    place = HubPath(shelf, hub_id.path.split("/") if hub_id.path else [])
    names = sorted(shelf.names)
    if not place.exists():
        folders = {str(parent) for name in names for parent in pathlib.PurePosixPath(name).parents}
        near = difflib.get_close_matches(hub_id.path, [*names, *folders - {"."}], n=3, cutoff=0.3) or names
        raise HubError(
            f"{hub_id}: the repository has no {quote(hub_id.path)}; it has {listing(near) or 'no files'}", definite=True
        )
    if place.is_dir() and not any(each.suffix in CHECKPOINT_SUFFIXES or each.is_dir() for each in place.iterdir()):
        inside = [each.name for each in place.iterdir()]
        near = difflib.get_close_matches(WEIGHT_NAMES[0], inside, n=3, cutoff=0.3) or inside
        raise HubError(
            f"{hub_id}: the hub repository has {listing(near) or 'no files'}; expected one of "
            f"{', '.join(WEIGHT_NAMES)}, or another checkpoint ({', '.join(CHECKPOINT_SUFFIXES)})",
            definite=True,
        )
    with cache.only_process(hub_id, revision.commit, client.listener):
        try:
            yield place
        except HubError:
            raise
        except CheckpointError as error:
            # What came cannot be used: perhaps it was damaged on the way. Unless it is the user who has to settle it.
            if not isinstance(error, UnsettledError):
                files.remove_folder(shelf.downloads)
            raise
        files.remove_folder(shelf.downloads)


def in_the_hubs_cache(repository: str, name: str, revision: str) -> pathlib.Path | None:
    """Where huggingface_hub's cache has a file of a revision, if it has, and if huggingface_hub is here."""
    try:
        import huggingface_hub
    except ImportError:
        return None
    location = huggingface_hub.try_to_load_from_cache(repository, name, revision=revision)
    return pathlib.Path(location) if isinstance(location, str) else None
