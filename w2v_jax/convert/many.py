"""Several conversions at a time, and a table of them."""

import dataclasses
import pathlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from w2v_jax._src.errors import CheckpointError
from w2v_jax._src.quoting import quote
from w2v_jax._src.text_tables import aligned
from w2v_jax._src.weight_file import Metadata, read_metadata
from w2v_jax._src.weights_folders import SUFFIX
from w2v_jax.convert.paths_and_ids import convert_checkpoint
from w2v_jax.hub import obtaining
from w2v_jax.hub.ids import is_hub_id, parse
from w2v_jax.hub.listening import Listener, megabytes

_AT_A_TIME = 4
_MOST_LIST_BYTES = 10_000_000
COLUMNS = ("source", "front end", "hop", "rate", "assumed", "fetched", "file")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one source.

    Attributes:
        source: as it was named.
        path: the weight file; None where there is none.
        metadata: what that says of itself.
        fetched: bytes that came from the hub.
        error: why there is none, in one line.
        notes: what was seen and passed over, a sentence each.
    """

    source: str
    path: pathlib.Path | None = None
    metadata: Metadata | None = None
    fetched: int = 0
    error: str | None = None
    notes: tuple[str, ...] = ()

    def row(self) -> tuple[str, ...]:
        """Its cells, by `COLUMNS`."""
        if self.metadata is None:
            return (self.source, "failed", "", "", "", "", "")
        config = self.metadata.config
        return (
            self.source,
            f"{len(config.channels)} layers of {max(config.channels)}, {config.conv_norm} norm",
            str(config.frames.hop),
            str(config.sample_rate),
            self.metadata.provenance.assumed or "nothing",
            megabytes(self.fetched) if self.fetched else "nothing",
            str(self.path),
        )


class _Stopped(Exception):
    """Ends a download in a thread that Ctrl-C does not reach."""


class _Stoppable:
    """Hands everything on, until it is told to stop what is heard."""

    def __init__(self, listener: Listener):
        self._listener = listener
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True

    def remark(self, text: str) -> None:
        self._check()
        self._listener.remark(text)

    def expect(self, nbytes: int) -> None:
        self._listener.expect(nbytes)

    def receive(self, nbytes: int) -> None:
        self._check()
        self._listener.receive(nbytes)

    def _check(self) -> None:
        if self._stopped:
            raise _Stopped


def listed(sources: Sequence[str]) -> list[str]:
    """The sources, those of a list (`@FILE`, one a line; `#` begins a remark) in its place.

    Raises:
        CheckpointError: a list that cannot be read, or is empty.
    """
    entries: list[str] = []
    for source in sources:
        path = pathlib.Path(source.removeprefix("@")).expanduser()
        if not source.startswith("@") or pathlib.Path(source).exists():
            entries.append(source)
            continue
        try:
            if path.stat().st_size > _MOST_LIST_BYTES:
                raise CheckpointError(f"--source={source}: {path.stat().st_size} bytes; expected a list, one a line")
            lines = [line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            said = getattr(error, "strerror", None) or "not text"
            raise CheckpointError(
                f"--source={source}: the list cannot be read ({said}); expected one a line"
            ) from error
        if not any(lines):
            raise CheckpointError(f"--source={source}: the list is empty; expected one source a line")
        entries += [line for line in lines if line]
    return list(dict.fromkeys(entries))


def destinations(sources: Sequence[str], folder: str | None) -> dict[str, pathlib.Path | None]:
    """Where each goes: into `folder`, or, of a model on the hub, into the cache (None).

    Raises:
        CheckpointError: two would share a file, or a file of this machine has no folder to go to.
    """
    paths: dict[str, pathlib.Path | None] = {}
    for source in sources:
        on_hub = is_hub_id(source) and not pathlib.Path(source).exists()
        if folder is None and not on_hub:
            raise CheckpointError(f"{source}: no place to go to; expected --output=FOLDER, which models here need")
        if folder is None:
            paths[source] = None
            continue
        if folder.endswith(SUFFIX):
            raise CheckpointError(f"--output={folder}: one file for {len(sources)} sources; expected a folder")
        name = parse(source).safe_name if on_hub else pathlib.Path(source).absolute().name.removesuffix(SUFFIX)
        path = pathlib.Path(folder) / f"{name}{SUFFIX}"
        if other := next((each for each, taken in paths.items() if taken == path), None):
            raise CheckpointError(f"{source}: its file would be {path}, as that of {other}; expected two names")
        paths[source] = path
    return paths


def convert_all(
    places: dict[str, pathlib.Path | None],
    *,
    config: str | None,
    prefix: str | None,
    offline: bool,
    listener: Listener,
) -> Iterator[Outcome]:
    """Converts all of them, some at a time; yields what became of each, in the order given."""

    heard = _Stoppable(listener)

    def convert(source: str, destination: pathlib.Path | None) -> Outcome:
        try:
            if destination is None:
                got = obtaining.obtain(source, offline=offline, listener=heard)
                return Outcome(source, got.path, read_metadata(got.path), got.received, notes=got.notes)
            done = convert_checkpoint(
                source, destination, config=config, prefix=prefix, offline=offline, listener=heard
            )
            return Outcome(source, done.path, read_metadata(done.path), done.received, notes=done.notes)
        except (CheckpointError, OSError) as error:
            return Outcome(source, error=" ".join(str(error).split()))

    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        waiting = [pool.submit(convert, *each) for each in places.items()]
        try:
            for each in waiting:
                yield each.result()
        except BaseException:
            heard.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def table(rows: Sequence[Sequence[str]], columns: Sequence[str]) -> list[str]:
    """Lines of a table with one column below the other."""
    return aligned([[quote(cell, 200) for cell in row] for row in (columns, *rows)])
