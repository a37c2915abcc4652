"""A folder of results: what it has is read back, what is missing is computed, and nothing in it is lost."""

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Literal

import jax
import numpy as np

from w2v_jax import _version, checkpoint
from w2v_jax import front_end as library
from w2v_jax._src import files
from w2v_jax._src.tensor_file import TensorFile, TensorFileError, open_file
from w2v_jax.engine import Pooling
from w2v_jax.grids import Grid
from w2v_jax.scores import Bootstrap

from ..front_ends.named import NamedFrontEnd
from ..vowel_choice import PAPERS, VowelChoice
from . import buckets, file_names, locks, made_with, measurements_file, sweeping
from .rows import Measurements
from .sweeping import ReplacementError

Tensors = dict[str, np.ndarray]

# How thin grids are. Those that are thin have a folder of their own inside the output folder, of the same name.
Size = Literal["smoke", "quick", "usual", "full"]
SIZES: tuple[Size, ...] = ("smoke", "quick", "usual", "full")
# What is said of results on thin grids, by their size.
THIN: dict[Size, str] = {
    "smoke": "Only a handful of sounds was used (--size=smoke): enough to see that everything works, and no more.",
    "quick": "Few sounds were used (--quick): for a first look.",
}
QUICK: Size = "quick"


def projection_name(size: str) -> str:
    """What lays out the maps of a run of this size: a smoke run takes principal axes in place of UMAP."""
    return "principal axes" if size == "smoke" else "UMAP"


@dataclasses.dataclass(frozen=True)
class AtRate:
    """A stimulus at a sample rate. Equal ones share a compiled program.

    Attributes:
        function: `function(**point, sample_rate=...)` returns a waveform, or several.
        sample_rate: Hz.
    """

    function: Callable[..., jax.Array]
    sample_rate: int

    @property
    def __name__(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)

    def __call__(self, **point: jax.Array) -> jax.Array:
        """The sound of one point."""
        return self.function(**point, sample_rate=self.sample_rate)


@dataclasses.dataclass(frozen=True)
class Results:
    """A folder of results, and how they are to be made.

    Attributes:
        output_dir: the output folder; each experiment has a folder in it.
        size: how thin grids are: "smoke" is a few sounds, for tests; "quick", for a first look; "usual"; and "full",
            the paper's own where "usual" thins them. The first two have a folder of their own in the output folder.
        batch_size: sounds per compiled call; None lets the sweep choose.
        recompute: whether to compute again what the folder already has.
        overwrite: whether results that were made with other settings may be replaced.
        share: which part of the work is this process's.
        vowels: which ones, and on which grid, by those experiments that ask about vowels.
    """

    output_dir: pathlib.Path
    size: Size = "usual"
    batch_size: int | None = None
    recompute: bool = False
    overwrite: bool = False
    share: sweeping.Share = sweeping.ALONE
    vowels: VowelChoice = PAPERS
    # What this run has made, read back and drawn.
    _made: set[pathlib.Path] = dataclasses.field(default_factory=set, repr=False)
    _read: dict[pathlib.Path, None] = dataclasses.field(default_factory=dict, repr=False)
    _drawn: dict[pathlib.Path, None] = dataclasses.field(default_factory=dict, repr=False)
    # Experiments whose metrics.json was looked at, with the names of the front ends that it has.
    _there: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def quick(self) -> bool:
        """Whether grids are thin."""
        return self.size in ("smoke", "quick")

    @property
    def bootstrap(self) -> Bootstrap | None:
        """How intervals are made; None for the scores' own way. Where only a run as such matters, of few resamples."""
        return Bootstrap(resamples=40) if self.size == "smoke" else None

    @property
    def folder(self) -> pathlib.Path:
        """Where the experiments' folders are."""
        return self.output_dir / self.size if self.quick else self.output_dir

    @property
    def read_back(self) -> list[pathlib.Path]:
        """The files that were there and did not have to be made again."""
        return list(self._read)

    @property
    def drawn(self) -> list[pathlib.Path]:
        """The figures, one path for each."""
        return list(self._drawn)

    def check(self) -> None:
        """Raises `OSError` where the output folder cannot be written, before any work is done."""
        named = f"--output_dir={self.output_dir}"
        if files.is_in_bucket(self.output_dir):
            buckets.check(self.folder, named=named)
            return
        if self.output_dir.exists() and not self.output_dir.is_dir():
            raise NotADirectoryError(f"{named} is a file; expected a folder")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise type(error)(
                f"{named} cannot be made ({error.strerror}: {error.filename}); choose another folder"
            ) from None
        if not os.access(self.folder, os.W_OK):
            raise PermissionError(f"{named} cannot be written; choose another folder")

    def path(self, experiment: str, name: str) -> pathlib.Path:
        """A file of an experiment, under a name that every system takes (`file_names.safe_name`).

        Features that an earlier version has kept under the name as it was given, or has begun, are there.
        """
        safe = self.folder / experiment / file_names.safe_name(name)
        if safe.name != name and name.endswith(checkpoint.SUFFIX) and not {"/", "\0"} & set(name):
            given = safe.with_name(name)
            if not safe.exists() and (given.exists() or sweeping.shards_path(given).exists()):
                return given
        return safe

    def measurements(self, experiment: str) -> Measurements | None:
        """What the experiment's `metrics.json` has now; None where there is none.

        Raises:
            ReplacementError: there is one that cannot be used, so that others' numbers in it would be lost.
        """
        try:
            return measurements_file.read(self.path(experiment, measurements_file.NAME), experiment)
        except measurements_file.MetricsFileError as error:
            raise ReplacementError(
                f"{error}; it may have other encoders' numbers, so nothing was changed: put it right or move it away, "
                "and run the same command again"
            ) from error

    def admit(self, experiment: str, front_end: str | None = None) -> None:
        """To be called before anything of an experiment is computed; looks at its `metrics.json` once.

        Args:
            experiment: whose folder it is.
            front_end: the name of one whose files will be written.

        Raises:
            ReplacementError: as for `measurements`; or the folder has another front end's files under the same names.
        """
        if experiment not in self._there:
            earlier = self.measurements(experiment)
            self._there[experiment] = () if earlier is None else tuple(earlier.encoders)
        if front_end is None or self.overwrite:
            return
        if both := file_names.shared([*self._there[experiment], front_end]):
            raise ReplacementError(
                f"{self.folder / experiment} has results of {both[0]!r}, whose files have the same names as those of "
                f"{both[1]!r}; choose another --output_dir, or give --overwrite to replace them"
            )

    def sweep(
        self,
        experiment: str,
        front_end: NamedFrontEnd,
        grid: Grid,
        stimulus: Callable[..., jax.Array],
        *,
        pooling: Pooling = "mean",
    ) -> np.ndarray:
        """Features of every point of `grid`, kept in `EXPERIMENT/SWEEP.ENCODER.safetensors`.

        A file made by the same front end, grid, stimulus and versions is read instead; one that was begun is finished.

        Args:
            experiment: whose folder it is.
            front_end: the front end. Sounds are made at its sample rate.
            grid: the sweep's name and points.
            stimulus: `stimulus(**point, sample_rate=...)`, otherwise as for `w2v_jax.sweep`.
            pooling: as for `w2v_jax.sweep`.

        Returns:
            What `w2v_jax.sweep` returns, mapped from the file: for pooling "mean" (n, channels), in grid order.

        Raises:
            ReplacementError: a result with other settings is in the way, and may not be replaced; or as for `admit`.
            made_with.UnreadableError: what is there cannot be read.
            OSError, FloatingPointError: as `sweeping.run` does.
        """
        self.admit(experiment, front_end.name)
        points = grid.points()
        at_rate = AtRate(stimulus, front_end.frames.sample_rate)
        sweep = sweeping.Sweep(
            path=self.path(experiment, f"{grid.name}.{front_end.name}.safetensors"),
            label=f"{front_end.name}: {grid.name}",
            front_end=front_end,
            synthesize=at_rate,
            points=points,
            settings={
                "encoder": front_end.digest,
                "grid": checkpoint.tensors_digest(points),
                "stimulus": _program_digest(at_rate, tuple((name, each.shape[1:]) for name, each in points.items())),
                "pooling": _pooling_of(pooling, front_end),
                "precision": front_end.precision or "none",
                "w2v_jax": _version.__version__,
                "jax": jax.__version__,
            },
            pooling=pooling,
            batch_size=self.batch_size,
        )
        return self.worked(sweep).array(sweep.tensor)

    def worked(self, work: sweeping.Work) -> TensorFile:
        """The file of some work, read back if it was made with the same settings, and else made, or finished.

        Raises:
            ReplacementError, OSError, FloatingPointError: as for `sweep`.
        """
        self.admit(work.path.parent.name)
        with self._alone(work.path, label=work.label):
            file = self._reusable(work.path, work.settings)
            if file is None:
                if self.recompute and work.path not in self._made:
                    sweeping.remove_shards(work)
                sweeping.run(work, share=self.share, overwrite=self.overwrite)
                self._made.add(work.path)
                file = open_file(work.path)
            elif self.share.is_first:
                sweeping.remove_shards(work)  # of a run that was killed when all was finished
            return file

    def kept(self, experiment: str, name: str, settings: Mapping[str, str], compute: Callable[[], Tensors]) -> Tensors:
        """What a file of the experiment has, if it was made with the same settings; else what `compute` returns, kept.

        Raises:
            ReplacementError: it was made with others, and may not be replaced; or as for `admit`.
            made_with.UnreadableError: it cannot be read.
        """
        self.admit(experiment)
        path = self.path(experiment, name)
        label = str(path.relative_to(self.output_dir))
        with self._alone(path, label=label):
            file = self._reusable(path, settings)
            if file is None:
                if self.share.is_first:
                    made_with.write(path, compute(), settings)
                else:
                    sweeping.await_file(path, settings, label=label)
                self._made.add(path)
                file = open_file(path)
            return {name: file.array(name) for name in file.entries}

    def add_drawn(self, experiment: str, name: str) -> None:
        """Takes note of a figure that was drawn."""
        self._drawn[self.path(experiment, f"{name}.png")] = None

    def save_text(self, experiment: str, name: str, text: str) -> None:
        """Writes a text file of the experiment (the first process does); half a surrogate pair, which UTF-8 has not, is
        escaped, as JSON does."""
        if self.share.is_first:
            with files.atomic_path(self.path(experiment, name)) as temporary:
                temporary.write_text(text, encoding="utf-8", errors="backslashreplace")

    def _alone(self, path: pathlib.Path, *, label: str) -> contextlib.AbstractContextManager[None]:
        """No other process that was started by hand works on the file meanwhile; those that share it may."""
        return locks.alone(path, label=label) if self.share.is_first else contextlib.nullcontext()

    def _reusable(self, path: pathlib.Path, settings: Mapping[str, str]) -> TensorFile | None:
        """The file, if it was made with the same settings, is whole and may be read again; else says why not."""
        if self.recompute and path not in self._made:
            if path.exists():
                print(f"{path}: computed again (--recompute)")
            return None
        try:
            file = made_with.read_back(path, settings)
        except FileNotFoundError:
            return None
        except (made_with.OtherSettingsError, made_with.UnknownSettingsError) as error:
            if not self.overwrite:
                raise ReplacementError(
                    f"{path}: made with other settings ({error}); choose another --output_dir, or give --overwrite to "
                    "replace it"
                ) from error
            print(f"{path}: computed again (--overwrite; {error})")
            return None
        except TensorFileError as error:
            print(f"{path}: computed again (the file is damaged: {error})")
            return None
        if path not in self._made:
            self._read[path] = None
        return file


def _pooling_of(pooling: Pooling, front_end: NamedFrontEnd) -> str:
    """A pooling by its name; one of layers with theirs, since what it keeps may depend on their order."""
    if not callable(pooling):
        return str(pooling)
    return f"{getattr(pooling, '__name__', str(pooling))} of {json.dumps(library.layer_names(front_end.front_end))}"


def file_part(text: str) -> str:
    """`text` with an underscore for every character that some file system refuses, or a shell takes for its own."""
    return re.sub(r"[^\w.+-]", "_", text)


@functools.lru_cache(maxsize=64)
def _program_digest(synthesize: AtRate, shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> str:
    """Digest of the stimulus itself, as the program that JAX makes of it."""
    point = {name: jax.ShapeDtypeStruct(shape, np.float32) for name, shape in shapes}
    program = jax.jit(lambda point: synthesize(**point)).lower(point).as_text()
    return hashlib.sha256(program.encode()).hexdigest()
