"""One sweep of an experiment, kept on disk shard by shard, by one process or by several that share a folder.

Several processes need nothing of one another but the folder: each computes its share of the shards, the first one makes
one file of them, and computes the shards of a process from which nothing has come for a while. So any of them may be
killed at any moment, and started again or not.
"""

import contextlib
import dataclasses
import errno
import functools
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import jax
import numpy as np

from w2v_jax._src import files
from w2v_jax._src.quoting import first_line
from w2v_jax._src.tensor_file import TensorFileError
from w2v_jax.engine import Pooling, block_size, suggested_batch_size, sweep_spans
from w2v_jax.front_end import FrontEndError

from ..front_ends.named import EncoderChoiceError, NamedFrontEnd
from ..progress import progress_bar
from . import made_with
from .shards import ShardFolder, shard_spans

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_POLL_SECONDS = 0.5
_POLL_SECONDS_IN_BUCKET = 3.0  # each look is a request, which some buckets bill


class ReplacementError(ValueError):
    """A result that was made with other settings is in the way. The message is one line."""


@dataclasses.dataclass(frozen=True)
class Share:
    """Which part of every sweep is this process's.

    Attributes:
        index: its number among those that share the work.
        count: how many there are.
        patience: seconds without a new shard after which the first process takes over what is missing.
    """

    index: int = 0
    count: int = 1
    patience: float = 120.0

    @property
    def is_first(self) -> bool:
        """Whether this process assembles, measures and draws."""
        return self.index == 0

    def of(self, spans: Sequence[range]) -> list[range]:
        """This process's shards: taken in turn, so that none has all the last ones."""
        return list(spans[self.index :: self.count])


ALONE = Share()


class SweepStopped(KeyboardInterrupt):
    """Ctrl-C during a sweep. The message says what is finished."""


class Work(Protocol):
    """Rows to be computed, and the file that they are to make: a sweep over sounds, or the frames of recordings."""

    @property
    def path(self) -> pathlib.Path:
        """The file; the shards are kept next to it until all are there."""
        ...

    @property
    def label(self) -> str:
        """What the user sees it called."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """Everything that the rows depend on, but for what only moves their last bits."""
        ...

    @property
    def points(self) -> Mapping[str, np.ndarray]:
        """What the file has in addition to the rows."""
        ...

    @property
    def tensor(self) -> str:
        """What the rows are called in the file."""
        ...

    @property
    def unit(self) -> str:
        """What a row is, for the user: "sounds"."""
        ...

    @property
    def num_rows(self) -> int:
        """Rows in all."""
        ...

    def folder(self) -> ShardFolder:
        """Where its shards are."""
        ...

    def compute(self, spans: Sequence[range], *, progress: Callable[[int], None]) -> Iterator[np.ndarray]:
        """For each span of rows, in order, what the shard is to have."""
        ...


def shards_path(path: pathlib.Path) -> pathlib.Path:
    """The folder for the shards of a file."""
    return path.with_suffix(".shards")


def remove_shards(work: Work) -> None:
    """Removes what there is of them."""
    files.remove_folder(shards_path(work.path))


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A sweep and the file that it is to make: `Work`.

    Attributes:
        path: the file; the shards are kept next to it until all are there.
        label: what the user sees it called.
        front_end: the front end.
        synthesize: the stimulus, as for `w2v_jax.sweep`.
        points: parameters, row by row.
        settings: everything that the features depend on, but for what only moves their last bits.
        pooling: as for `w2v_jax.sweep`.
        batch_size: as for `w2v_jax.sweep`.
    """

    path: pathlib.Path
    label: str
    front_end: NamedFrontEnd
    synthesize: Callable[..., jax.Array]
    points: Mapping[str, np.ndarray]
    settings: Mapping[str, str]
    pooling: Pooling = "mean"
    batch_size: int | None = None
    tensor: str = "features"
    unit: str = "sounds"

    @property
    def num_rows(self) -> int:
        """Sounds in all."""
        return len(next(iter(self.points.values())))

    @functools.cached_property
    def rows_per_call(self) -> int:
        """Sounds per compiled call."""
        return self.batch_size or suggested_batch_size(self.front_end.front_end, self.synthesize, self.points)

    def folder(self) -> ShardFolder:
        """Where its shards are. They are used again only where not a bit would change."""
        block = block_size(self.num_rows, batch_size=self.rows_per_call)
        exactly = {
            **self.settings,
            "sounds per call and device": str(block),
            "device": jax.local_devices()[0].device_kind,
        }
        return ShardFolder(shards_path(self.path), exactly, shard_spans(self.num_rows, block_size=block))

    def compute(self, spans: Sequence[range], *, progress: Callable[[int], None]) -> Iterator[np.ndarray]:
        """Features of each span of rows."""
        return sweep_spans(
            self.front_end.front_end,
            self.synthesize,
            self.points,
            spans,
            pooling=self.pooling,
            batch_size=self.rows_per_call,
            progress=progress,
        )


def run(sweep: Work, *, share: Share, overwrite: bool = False) -> None:
    """Computes what is missing of a sweep, then makes its file (or waits until the first process has).

    Args:
        sweep: the sweep.
        share: this process's part in it.
        overwrite: whether shards that were made with other settings may be replaced.

    Raises:
        ReplacementError: there are such shards, and they may not.
        SweepStopped: Ctrl-C.
        OSError: something cannot be read or written; the message says what is finished, and how to go on.
        FloatingPointError: features that are not finite: of which front end, and the parameters that made them.
        FrontEndError: a front end of the user's that fails; the message says what is finished.
    """
    with _yours_named(sweep, lambda: "nothing was changed"):
        folder = sweep.folder()  # which traces the front end
    before = made_with.signature(sweep.path)
    inventory = folder.inventory()
    if inventory.changed and not overwrite:
        raise ReplacementError(
            f"{folder.path}: a sweep was begun here with other settings (changed: {', '.join(inventory.changed)}); "
            "finish it with those, choose another --output_dir, or give --overwrite to start over"
        )
    if inventory.changed:
        print(f"{sweep.label}: starting over (--overwrite; changed: {', '.join(inventory.changed)})")
    for remark in inventory.remarks:
        print(f"{sweep.label}: {remark}")
    if inventory.finished:
        print(
            f"{sweep.label}: going on, {inventory.num_finished} of {sweep.num_rows} {sweep.unit} were finished before"
        )

    def compute(spans: Sequence[range]) -> None:
        if not spans:
            return
        left = sum(map(len, spans))
        with progress_bar(sweep.label, sweep.num_rows, initial=sweep.num_rows - left, unit=f" {sweep.unit}") as bar:
            computed = sweep.compute(spans, progress=bar.update)
            for span, features in zip(spans, computed, strict=True):
                try:
                    folder.write(span, features)
                except FileNotFoundError:
                    # The first process has taken over, assembled the shards and removed their folder meanwhile.
                    if share.is_first:
                        raise

    try:
        with _yours_named(sweep, lambda: _so_far(sweep, folder)):
            mine = set(share.of(folder.spans))
            compute([span for span in inventory.missing if span in mine])
            if share.is_first and share.count > 1:
                _gather(folder, compute, label=sweep.label, patience=share.patience)
        if share.is_first:
            folder.assemble(sweep.path, sweep.points, sweep.settings, name=sweep.tensor)
        else:
            await_file(sweep.path, sweep.settings, label=sweep.label)
            folder.remove()  # made again by one whose work was taken over
    except KeyboardInterrupt as stop:
        raise SweepStopped(f"{sweep.label}: {_so_far(sweep, folder)}") from stop
    except FloatingPointError as error:
        raise FloatingPointError(f"{sweep.label}: {error}") from error
    except made_with.UnreadableError:
        raise
    except (OSError, TensorFileError) as error:
        if _finished_by_another(sweep, before):
            folder.remove()
            return
        name = getattr(error, "filename", None) or folder.path
        reason = getattr(error, "strerror", None) or str(error)
        remedy = "free some space" if getattr(error, "errno", None) in NO_SPACE else "put that right"
        raise OSError(
            f"{name}: {reason}; {_so_far(sweep, folder)}: {remedy} and run the same command again to go on"
        ) from error


@contextlib.contextmanager
def _yours_named(sweep: Work, finished: Callable[[], str]) -> Iterator[None]:
    """Whatever a front end of the user's raises in the block, also while it is compiled, becomes one line."""
    try:
        yield
    except FrontEndError as error:
        raise FrontEndError(
            f"{sweep.label}: {error}; {finished()}: put that right and run the same command again"
        ) from error
    except (OSError, TensorFileError, FloatingPointError, EncoderChoiceError):
        raise
    except Exception as error:
        if getattr(getattr(sweep, "front_end", None), "kind", None) != "yours":
            raise
        raise FrontEndError(
            f"{sweep.label}: the front end raised {type(error).__name__} ({first_line(error)}); {finished()}: put that "
            "right and run the same command again"
        ) from error


def _gather(folder: ShardFolder, compute: Callable[[Sequence[range]], None], *, label: str, patience: float) -> None:
    """Waits for the other processes' shards; takes over where none comes."""
    missing = [span for span in folder.spans if not folder.has(span)]
    if missing:
        print(f"{label}: waiting for {len(missing)} shards of other processes", flush=True)
    since = time.monotonic()
    while missing:
        still = [span for span in missing if not folder.has(span)]
        if len(still) < len(missing):
            since = time.monotonic()
        elif time.monotonic() - since > patience:
            # From the end, one at a time: whoever comes back begins at the start.
            span = still.pop()
            print(f"{label}: nothing new for {patience:g} s; computing rows {span.start} to {span.stop - 1} here")
            compute([span])
        else:
            time.sleep(_POLL_SECONDS)
        missing = still
    compute(folder.inventory().missing)  # damaged since, if any


def await_file(path: pathlib.Path, settings: Mapping[str, str], *, label: str) -> None:
    """Waits until the first process has made a file with these settings.

    A file of others, or one that is damaged, is looked at once: the first process is about to replace it.

    Raises:
        made_with.UnreadableError: the file cannot be read.
    """
    pause = _POLL_SECONDS_IN_BUCKET if files.is_in_bucket(path) else _POLL_SECONDS
    print(f"{label}: waiting for the first process", flush=True)
    examined = None
    while True:
        signature = made_with.signature(path)
        if signature not in (None, examined):
            examined = signature
            with contextlib.suppress(FileNotFoundError, TensorFileError):
                made_with.read_back(path, settings)
                return
        time.sleep(pause)


def _finished_by_another(sweep: Work, before: object) -> bool:
    """Whether the file was made while this process was at it: where there are no locks, its shards are gone then."""
    try:
        if made_with.signature(sweep.path) in (None, before):
            return False
        made_with.read_back(sweep.path, sweep.settings)
    except (OSError, TensorFileError):
        return False
    print(f"{sweep.label}: another process has finished it meanwhile")
    return True


def _so_far(sweep: Work, folder: ShardFolder) -> str:
    """Counts the shards on disk: a stop can come between the writing of a shard and any count kept here."""
    finished = 0
    with contextlib.suppress(OSError):  # there is another error to be told of
        finished = sum(len(span) for span in folder.spans if folder.has(span))
    if not finished:
        return f"none of {sweep.num_rows} {sweep.unit} were finished"
    return f"{finished} of {sweep.num_rows} {sweep.unit} are finished and kept in {folder.path}"
