"""What a folder of results has: read from its files alone, whoever made them."""

import dataclasses
import fnmatch
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from w2v_jax import files

from ..harness import spreadsheet
from ..harness.metrics import Metrics

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

    def path(self, experiment: str, name: str) -> pathlib.Path:
        """A file of an experiment."""
        return self.folder / experiment / name

    def files(self, experiment: str, suffix: str) -> list[pathlib.Path]:
        """The files of an experiment that end so, in order."""
        folder = self.folder / experiment
        return sorted(path for path in folder.iterdir() if path.name.endswith(suffix)) if folder.is_dir() else []


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
    metrics = {each: found for each in EXPERIMENTS if (found := _metrics(folder / each / "metrics.json", each))}
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
    if not known:
        there = dict.fromkeys(name for found in metrics.values() for name in found["encoders"])
        raise ReportError(
            f"--encoders={','.join(names)}: {folder} has no results of such; it has those of {', '.join(there)}"
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
        ReportError: a row has another number of cells than the first.
    """
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = spreadsheet.rows_of(file)
    try:
        return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    except ValueError:
        raise ReportError(f"{path}: its rows differ in length; expected a table: run its experiment again") from None


def numbers(column: Sequence[str]) -> np.ndarray:
    """A column as numbers, float64; NaN where a cell is empty. Raises `ValueError` where one is something else."""
    return np.array([float(cell) if cell else np.nan for cell in column])


def _metrics(path: pathlib.Path, experiment: str) -> Metrics | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise ReportError(f"{path}: it cannot be read ({error}); run w2v-jax {experiment} again") from None
    if not isinstance(found, dict) or not isinstance(found.get("encoders"), dict):
        raise ReportError(f"{path}: it is no metrics.json of ours; run w2v-jax {experiment} again")
    return found
