"""What a folder of results has: read from its files alone, whoever made them."""

import csv
import dataclasses
import fnmatch
import io
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from w2v_jax._src import files
from w2v_jax._src.quoting import listing, quote

from ..store import file_names, metrics_file, spreadsheet
from ..store.metrics_file import Metrics
from . import inside

# In the order of the page.
EXPERIMENTS = ("temporal", "f0", "formants", "amplitude", "diphthongs", "claims", "emergence", "recordings")
CONTROLS = ("random", "spectrogram")  # kinds of front ends that a trained one is compared with


class ReportError(ValueError):
    """There is nothing to report, or a file of the results is damaged. The message is one line."""


@dataclasses.dataclass(frozen=True)
class Encoder:
    """A front end as the results' files describe it.

    Attributes:
        name: that its results carry.
        about: what `metrics.about` says of it.
        step: of its training, where its name has one.
    """

    name: str
    about: Mapping[str, Any]
    step: int | None

    @property
    def is_control(self) -> bool:
        """Whether nothing was learned."""
        return self.about.get("kind") in CONTROLS


@dataclasses.dataclass(frozen=True)
class Finished:
    """Results.

    Attributes:
        folder: where the experiments' folders are.
        metrics: by experiment, in the order of the page: its `metrics.json`, with the chosen encoders only.
        encoders: the chosen ones: those that were asked about, then the controls among them.
    """

    folder: pathlib.Path
    metrics: Mapping[str, Metrics]
    encoders: tuple[Encoder, ...]

    @property
    def is_quick(self) -> bool:
        """Whether any of it was made on thin grids."""
        return any(found.get("quick") for found in self.metrics.values())

    @property
    def asked(self) -> tuple[Encoder, ...]:
        """Those that are no controls; all, where there are only such."""
        return tuple(each for each in self.encoders if not each.is_control) or self.encoders

    @property
    def controls(self) -> tuple[Encoder, ...]:
        """The others."""
        return tuple(each for each in self.encoders if each not in self.asked)

    def measured(self, experiment: str) -> dict[str, Metrics]:
        """By name, what an experiment has of each encoder that it was asked about, in the order of `encoders`."""
        found = self.metrics.get(experiment, {}).get("encoders", {})
        return {each.name: found[each.name] for each in self.encoders if each.name in found}

    def file(self, experiment: str, name: str) -> pathlib.Path | None:
        """A file of an experiment, also under a name that it had in an earlier version; None where there is none."""
        folder = self.folder / experiment
        several = (folder / each for each in names_of_files(name) if "/" not in each)
        return next((path for path in several if inside.has(self.folder, path)), None)

    def files(self, experiment: str, suffix: str) -> list[pathlib.Path]:
        """The files of an experiment that end so, in order, as far as they are ordinary files in the folder."""
        return [path for path in self._everything(experiment, suffix) if inside.has(self.folder, path)]

    def left_out(self, experiment: str) -> list[str]:
        """A line for each figure, table or other file that the page must not have, and why."""
        return [
            f"{experiment}/{quote(path.name)} is left out: {reason}"
            for path in self._everything(experiment, (".svg", ".pdf", ".csv", ".safetensors"))
            if (reason := inside.why_not(self.folder, path))
        ]

    def _everything(self, experiment: str, suffix: str | tuple[str, ...]) -> list[pathlib.Path]:
        folder = self.folder / experiment
        if not folder.is_dir():
            return []
        # What begins with a dot is being written by another process, or was left by one; or it is a system's own.
        return sorted(each for each in folder.iterdir() if each.name.endswith(suffix) and not each.name.startswith("."))


def names_of_files(name: str) -> tuple[str, ...]:
    """How a file may be called that is named after an encoder: as now, and as an earlier version has named it."""
    return tuple(dict.fromkeys((file_names.safe_name(name), name)))


def read(folder: pathlib.Path, names: Sequence[str] = ()) -> Finished:
    """The results in a folder.

    Args:
        folder: where the experiments' folders are.
        names: of encoders, or patterns of them; by default all.

    Raises:
        ReportError: there are none, none of such encoders, or a `metrics.json` is no such file.
    """
    if files.is_in_bucket(folder):
        raise ReportError(f"{folder} is in a bucket; expected a folder on this machine: copy the results here first")
    metrics = {each: found for each in EXPERIMENTS if (found := _metrics(folder, each))}
    if not metrics:
        raise ReportError(
            f"{folder} has no results: no metrics.json in {', '.join(EXPERIMENTS)}; expected what an experiment left: "
            f"run w2v-jax reproduce --output_dir={folder.parent if folder.name == 'quick' else folder} first"
        )
    known: dict[str, Encoder] = {}
    for found in metrics.values():
        steps = {row.get("encoder"): row.get("step") for row in found.get("table", [])}
        for name, about in found["encoders"].items():
            if name not in known and (not names or any(fnmatch.fnmatchcase(name, each) for each in names)):
                known[name] = Encoder(name, about, steps.get(name))
    if not any(found["encoders"] for found in metrics.values()):
        where = ", ".join(f"{each}/{metrics_file.NAME}" for each in metrics)
        raise ReportError(f"{folder} has no results of any encoder in {where}; run the experiments again")
    if not known:
        there = dict.fromkeys(name for found in metrics.values() for name in found["encoders"])
        raise ReportError(
            f"--encoders={','.join(names)}: {folder} has no results of such; it has those of {listing(there, 20)}"
        )
    chosen = {
        each: {**found, "encoders": {name: found["encoders"][name] for name in found["encoders"] if name in known}}
        for each, found in metrics.items()
    }
    chosen = {each: found for each, found in chosen.items() if found["encoders"]}
    encoders = sorted(known.values(), key=lambda each: (each.is_control, each.step is None, each.step or 0))
    return Finished(folder, chosen, tuple(encoders))


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
    found = np.array([float(cell) if cell else np.nan for cell in column])
    if wrong := [cell for cell, value in zip(column, found, strict=True) if cell and not np.isfinite(value)]:
        raise ValueError(f"it has {quote(wrong[0], 20)!r} where a number is expected")
    return found


_AGAIN = "run its experiment again"


def _metrics(folder: pathlib.Path, experiment: str) -> Metrics | None:
    path = folder / experiment / metrics_file.NAME
    try:
        if reason := inside.why_not(folder, path):
            raise ReportError(f"{path}: {reason}; expected a file in the results folder")
        return metrics_file.read(path, experiment, finite=False)
    except OSError as error:
        raise ReportError(f"{path}: it cannot be read ({error.strerror or quote(error)})") from None
    except metrics_file.MetricsFileError as error:
        raise ReportError(f"{error}; put it right, or move it away and run w2v-jax {experiment} again") from None
