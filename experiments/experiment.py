"""What an experiment is: everything else (commands, `--help`, `sounds`, `reproduce`, the page, the docs) reads this.

    EXPERIMENT = Experiment(
        name="vowel_length",
        title="Vowel length",
        question="Does the length of a vowel leave a trace?",
        sweeps=(Sweep("lengths", GRID, long_vowel),),
        measure=measure,
        headline=headline,
    )

`w2v-jax run FILE.py:EXPERIMENT` runs one that lies anywhere. `docs/extending.md` has a whole one.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure as Drawing

from .front_ends.named import DEFAULT, NamedFrontEnd
from .hearing import Heard, Points, Setting, Stimulus
from .hearing import Sweep as Sweep
from .store.rows import Measurements, Row, Value


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure for each front end, `STEM.ENCODER.png` (and .pdf, .svg), or one of all, `STEM.png`.

    Attributes:
        stem: of the files.
        title: of the group on the page.
        reading: how to read it, in a sentence.
        draw: the drawing, of what one front end heard and all measurements (`joint`: of what all heard, and them). None
            where there is nothing to draw. A mapping has several, by the part of their names between stem and encoder.
        joint: whether there is one of all front ends.
        at_least: front ends that a joint one needs.
        folded: whether the page shows it only when asked.
        wide: whether it needs the width of the page.
        on_page: whether the page shows it; the files are written anyway.
    """

    stem: str
    title: str
    reading: str
    draw: Callable[[Any, Measurements], Drawing | Mapping[str, Drawing] | None]
    joint: bool = False
    at_least: int = 1
    folded: bool = False
    wide: bool = False
    on_page: bool = True


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter of the sounds of a map: its column, its name for a reader, and its unit."""

    name: str
    label: str
    unit: str = ""


@dataclasses.dataclass(frozen=True)
class Recorded:
    """What a map of recorded sounds has: its points are told apart by where they were recorded, not by parameters.

    Attributes:
        key: the columns that tell them apart, text.
        texts: what a reader is told of a point besides its parameters, given the columns of its table, as text:
            {"label": "in", "values": [...]} each, a value for each point.
        label: the column that colours the map, as text, where any point has one; else it is `Map.colour`.
        background: the sweep of the map on which they were placed, which is drawn beneath in grey, with `Map.labels`
            on it, and whose numbers stand under it.
        clips: the file of their sounds; the column `clip` says which is whose. `samples` are all clips one after the
            other, int16; clip i begins at `first[i]` and ends before `first[i + 1]`.
        clip_rate: of them, Hz.
    """

    key: tuple[str, ...]
    texts: Callable[[Mapping[str, Sequence[str]]], list[dict[str, Any]]]
    label: str = ""
    background: str = ""
    clips: str = ""
    clip_rate: int = 16_000


@dataclasses.dataclass(frozen=True)
class Map:
    """A map that one can touch and hear; written as `SWEEP.ENCODER.map.csv`.

    Attributes:
        sweep: its name.
        title: of it.
        reading: how to read it, in a sentence.
        positions: where its points lie as drawn, and their parameters, (n,) each, of what a front end heard: parameters
            and (n, 2). None where there is no map.
        parameters: of its sounds; the last one changes fastest.
        colour: the column that colours it.
        colour_title: of its legend.
        colours: what colours it, given the columns, where that is none of them; `colour` is its name.
        diverging: whether colours go both ways from 0.
        sounds: what its points are called.
        of: what is on it, for its caption, given the columns.
        sound: how a browser makes its sounds, given the columns: {"kind": "sines", "frequencies": [...]}.
        labels: what is written on it: text and row, given the columns and the measurements.
        silent: rows of which a front end hears nothing, given the columns and the measurements.
        recorded: of a map of recorded sounds; the parameters are then what was measured of them, and may lack.
        on_page: whether the page shows it; the file is written anyway.
    """

    sweep: str
    title: str
    reading: str
    positions: Callable[[Heard], tuple[Points, np.ndarray] | None]
    parameters: tuple[Parameter, ...] = ()
    colour: str = ""
    colour_title: str = ""
    colours: Callable[[Points], np.ndarray] | None = None
    diverging: bool = False
    sounds: str = "sounds"
    of: Callable[[Points], str] | None = None
    sound: Callable[[Points], dict[str, Any]] | None = None
    labels: Callable[[Points, Measurements], list[dict[str, Any]]] | None = None
    silent: Callable[[Points, Measurements], list[int]] | None = None
    recorded: Recorded | None = None
    on_page: bool = True


@dataclasses.dataclass(frozen=True)
class Published:
    """A number that the paper prints, next to ours.

    Attributes:
        encoders: the encoder, or the two, that ours is of.
        quantity: what it is.
        published: as the paper prints it.
        ours: unrounded.
        agrees: whether ours, printed like that, is the same; None where the grids differ.
    """

    encoders: str
    quantity: str
    published: str
    ours: float
    agrees: bool | None


@dataclasses.dataclass(frozen=True)
class Sounds:
    """Sounds that `w2v-jax sounds` writes, where they are not simply those of a sweep.

    Attributes:
        name: the part of their files' names.
        points: their parameters, (n,) each.
        stimulus: `stimulus(**point, sample_rate=...)` returns a waveform.
        names: of each its speaker and its vowel; empty where it is no vowel.
    """

    name: str
    points: Points
    stimulus: Stimulus
    names: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.points.values())))


def no_rows(heard: Sequence[Heard], measured: Measurements) -> Sequence[Row]:
    """Nothing is measured of several front ends together."""
    return ()


def no_controls(front_ends: Sequence[NamedFrontEnd]) -> Mapping[NamedFrontEnd, tuple[str, ...]]:
    """An experiment that brings no controls."""
    return {}


@dataclasses.dataclass(frozen=True)
class Experiment:
    """An experiment. `name`, `question`, `options` and `asks_vowels` are read from the source, too, without running it
    (`catalog`): there they are literals.

    Attributes:
        name: of the command, of the folder, of the section.
        title: of its section, a few words.
        question: that it asks, in a sentence.
        sweeps: what front ends hear; or a function of the setting that returns it.
        measure: what is measured of one front end, of what it heard: rows.
        headline: of all measurements: what came out, in a sentence or two, each on its own line. Terminal, page and
            table show the same.
        rule: when the headline says what, in a sentence.
        compare: what is measured of several front ends together: rows.
        figures, maps: in the order of the page.
        table: quantities that stand in the table of results, on the page and in `reproduce`; of one that has many rows,
            a pair of it and the parameters of those that do.
        notes: what a reader must know; or a function of what was heard and of the measurements that returns it.
        published: the paper's numbers next to ours.
        controls: front ends that it adds to those that the user names, each with the names of those it is compared
            with.
        default: the encoders that it compares where `--encoders` is not given.
        options: modules of `experiments/options` whose flags it takes besides those of every experiment.
        asks_vowels: whether it asks about vowels, and so takes `--vowels` and its like.
        in_paper: whether `reproduce` runs it.
        settings: what was asked, for `metrics.json`, given what was heard.
        prepare: called before anything is heard, in every process, with all who will hear: what they share goes into
            their `memory`.
        hear: what a front end hears, where it is not the sweeps: see `hearing.Heard`. Runs in every process.
        sounds: what `w2v-jax sounds` writes, given the setting and whether everything is wanted; by default the sweeps.
        errors: exceptions of its own that a user can put right; their messages are one line.
        finish: files of its own, written once all is measured; returns lines for the terminal.
    """

    name: str
    title: str
    question: str
    measure: Callable[[Heard], Sequence[Row]]
    headline: Callable[[Measurements], str]
    sweeps: tuple[Sweep, ...] | Callable[[Setting], Sequence[Sweep]] = ()
    rule: str = ""
    compare: Callable[[Sequence[Heard], Measurements], Sequence[Row]] = no_rows
    figures: tuple[Figure, ...] = ()
    maps: tuple[Map, ...] = ()
    table: tuple[str | tuple[str, Mapping[str, Value]], ...] = ()
    notes: tuple[str, ...] | Callable[[Sequence[Heard], Measurements], Sequence[str]] = ()
    published: Callable[[Measurements], Sequence[Published]] | None = None
    controls: Callable[[Sequence[NamedFrontEnd]], Mapping[NamedFrontEnd, tuple[str, ...]]] = no_controls
    default: tuple[str, ...] = DEFAULT
    options: tuple[str, ...] = ()
    asks_vowels: bool = False
    in_paper: bool = False
    settings: Callable[[Sequence[Heard]], Mapping[str, Any]] | None = None
    prepare: Callable[[Sequence[Heard]], None] | None = None
    hear: Callable[[Heard], None] | None = None
    sounds: Callable[[Setting, Literal["some", "all"]], Sequence[Sounds]] | None = None
    errors: tuple[type[Exception], ...] = ()
    finish: Callable[[Sequence[Heard], Measurements], Sequence[str]] | None = None

    def sweeps_for(self, setting: Setting) -> Sequence[Sweep]:
        """What one front end hears."""
        return self.sweeps(setting) if callable(self.sweeps) else self.sweeps

    def tabled(self, measured: Measurements) -> list[Row]:
        """The rows that stand in the table of results."""
        wanted = [(each, {}) if isinstance(each, str) else each for each in self.table]
        return [row for quantity, parameters in wanted for row in measured.select(quantity) if row.has(parameters)]

    def heard_by(self, setting: Setting, *, is_control: bool = False) -> Heard:
        """What a front end hears in it."""
        several = self.sweeps_for(setting)
        sweeps = {each.name: each for each in several if each.of_controls or not is_control}
        return Heard(self.name, setting, sweeps, is_control=is_control)
