"""What a folder of results has: read from its files alone, whoever made them."""

import csv
import dataclasses
import fnmatch
import io
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from w2v_jax._src import files
from w2v_jax._src.quoting import listing, quote

from .. import catalog, records
from ..commands import OTHERS
from ..experiment import Experiment
from ..store import file_names, measurements_file, spreadsheet
from ..store.results import SIZES
from ..store.rows import About, Measurements
from . import inside


class ReportError(ValueError):
    """There is nothing to report, or a file of the results is damaged. The message is one line."""


@dataclasses.dataclass(frozen=True)
class Part:
    """The results of one experiment.

    Attributes:
        measured: of the chosen front ends, and of the controls that the experiment has added for them; in the order of
            the page.
        everyone: the names of all front ends whose results its folder has.
        record: the experiment; None where nobody gave it: somebody has run one of their own.
    """

    measured: Measurements
    everyone: tuple[str, ...]
    record: Experiment | None = None

    @property
    def name(self) -> str:
        """The experiment's."""
        return self.measured.experiment

    @property
    def title(self) -> str:
        """Its section's."""
        return self.record.title if self.record else self.name

    @property
    def again(self) -> str:
        """What is to be done where a file of it is damaged."""
        return f"run w2v-jax {self.name} again" if self.name in catalog.EXPERIMENTS else "run its experiment again"


@dataclasses.dataclass(frozen=True)
class Folder:
    """A folder of results, as far as a page is to have it.

    Attributes:
        path: where the experiments' folders are.
        parts: the experiments, in the order of the page.
        encoders: the chosen front ends: those that were asked about, then the controls among them.
    """

    path: pathlib.Path
    parts: tuple[Part, ...]
    encoders: tuple[About, ...]

    @property
    def asked(self) -> tuple[About, ...]:
        """Those that are no controls; all, where there are only such."""
        return tuple(each for each in self.encoders if not each.is_control) or self.encoders

    @property
    def controls(self) -> tuple[About, ...]:
        """The others."""
        return tuple(each for each in self.encoders if each not in self.asked)

    def file(self, experiment: str, name: str) -> pathlib.Path | None:
        """A file of an experiment; None where there is none."""
        path = self.path / experiment / file_names.safe_name(name)
        return path if inside.has(self.path, path) else None

    def files(self, experiment: str, suffix: str) -> list[pathlib.Path]:
        """The files of an experiment that end so, in order, as far as they are ordinary files in the folder."""
        return [path for path in self._everything(experiment, suffix) if inside.has(self.path, path)]

    def left_out(self, experiment: str) -> list[str]:
        """A line for each figure, table or other file that the page must not have, and why."""
        return [
            f"{experiment}/{quote(path.name)} is left out: {reason}"
            for path in self._everything(experiment, (".svg", ".pdf", ".csv", ".safetensors"))
            if (reason := inside.why_not(self.path, path))
        ]

    def _everything(self, experiment: str, suffix: str | tuple[str, ...]) -> list[pathlib.Path]:
        folder = self.path / experiment
        if not folder.is_dir():
            return []
        # What begins with a dot is being written by another process, or was left by one; or it is a system's own.
        return sorted(each for each in folder.iterdir() if each.name.endswith(suffix) and not each.name.startswith("."))


def read(path: pathlib.Path, names: Sequence[str] = (), *, own: Sequence[Experiment] = ()) -> Folder:
    """The results in a folder.

    Args:
        path: where the experiments' folders are.
        names: of encoders, or patterns of them; by default all that somebody named.
        own: records of experiments that do not come with w2v_jax.

    Raises:
        ReportError: there are none, none of such encoders, or a `metrics.json` is no such file.
    """
    if files.is_in_bucket(path):
        raise ReportError(f"{path} is in a bucket; expected a folder on this machine: copy the results here first")
    everything = {each: whole for each in _experiments(path, own) if (whole := _measurements(path, each))}
    if not everything:
        raise ReportError(
            f"{path} has no results: no {measurements_file.NAME} in {', '.join(catalog.EXPERIMENTS)}; expected what an "
            f"experiment left: run w2v-jax reproduce --output_dir={path.parent if path.name in SIZES else path} first"
        )
    if not any(whole.encoders for whole in everything.values()):
        where = ", ".join(f"{each}/{measurements_file.NAME}" for each in everything)
        raise ReportError(f"{path} has no results of any encoder in {where}; run the experiments again")
    encoders = _chosen(everything, names)
    if not encoders:
        there = dict.fromkeys(name for whole in everything.values() for name in whole.encoders)
        raise ReportError(
            f"--encoders={','.join(names)}: {path} has no results of such; it has those of {listing(there, 20)}"
        )
    theirs = {each.name: each for each in own}
    parts = []
    for name, whole in everything.items():
        measured = _of(whole, encoders)
        if measured.encoders:
            record = theirs.get(name) or (records.experiment(name) if name in catalog.EXPERIMENTS else None)
            parts.append(Part(measured, tuple(whole.encoders), record))
    return Folder(path, tuple(parts), tuple(encoders.values()))


def _experiments(path: pathlib.Path, own: Sequence[Experiment]) -> list[str]:
    """Names of those that a folder may have results of, in the order of the page."""
    known = dict.fromkeys([*catalog.EXPERIMENTS, *(each.name for each in own)])
    others = sorted(each.name for each in path.iterdir() if each.is_dir()) if path.is_dir() else []
    passed_over = (*known, *OTHERS, *SIZES)
    return [*known, *(each for each in others if each not in passed_over and not each.startswith("."))]


def _chosen(everything: Mapping[str, Measurements], names: Sequence[str]) -> dict[str, About]:
    """Front ends by name: those that somebody named when they were run, or of which a pattern is given here."""
    known: dict[str, About] = {}
    for whole in everything.values():
        for name, about in whole.encoders.items():
            wanted = any(fnmatch.fnmatchcase(name, each) for each in names) if names else not about.control_of
            if wanted and (name not in known or known[name].control_of):
                known[name] = about
    order = sorted(known.values(), key=lambda each: (each.is_control, each.step is None, each.step or 0))
    return {each.name: each for each in order}


def _of(whole: Measurements, encoders: Mapping[str, About]) -> Measurements:
    """The measurements of chosen front ends, and of the controls that were added for them."""
    added = [name for name, about in whole.encoders.items() if encoders.keys() & set(about.control_of)]
    wanted = [name for name in dict.fromkeys([*encoders, *added]) if name in whole.encoders]
    if not encoders.keys() & set(wanted):
        wanted = []
    ordered = {name: whole.encoders[name] for name in wanted}
    return dataclasses.replace(whole.of(*wanted), encoders=ordered)


def _measurements(folder: pathlib.Path, experiment: str) -> Measurements | None:
    path = folder / experiment / measurements_file.NAME
    try:
        if reason := inside.why_not(folder, path):
            raise ReportError(f"{path}: {reason}; expected a file in the results folder")
        return measurements_file.read(path, experiment)
    except OSError as error:
        raise ReportError(f"{path}: it cannot be read ({error.strerror or quote(error)})") from None
    except measurements_file.MetricsFileError as error:
        again = f"run w2v-jax {experiment}" if experiment in catalog.EXPERIMENTS else "run its experiment"
        raise ReportError(f"{error}; put it right, or move it away and {again} again") from None


def columns(path: pathlib.Path) -> dict[str, list[str]]:
    """The columns of a CSV file, as text.

    Raises:
        ReportError: it cannot be read, is empty or no UTF-8, or its rows are not of one length.
    """
    try:
        header, *rows = spreadsheet.rows_of(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise ReportError(f"{path}: it cannot be read ({quote(error)}); expected a table: {_AGAIN}") from None
    except ValueError:
        raise ReportError(f"{path}: it is empty; expected a table: {_AGAIN}") from None
    try:
        return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    except ValueError:
        raise ReportError(f"{path}: its rows differ in length; expected a table: {_AGAIN}") from None


def numbers(column: Sequence[str]) -> np.ndarray:
    """A column as numbers, float64; NaN where a cell is empty. Raises `ValueError` where one is something else."""
    values = np.array([float(cell) if cell else np.nan for cell in column])
    if wrong := [cell for cell, value in zip(column, values, strict=True) if cell and not np.isfinite(value)]:
        raise ValueError(f"it has {quote(wrong[0], 20)!r} where a number is expected")
    return values


_AGAIN = "run its experiment again"
