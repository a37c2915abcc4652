"""A section for each question: its figures and how to read them, what they show, tables, the paper's numbers."""

import dataclasses
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from w2v_jax._src.quoting import quote
from w2v_jax.front_end import FRAMES

from .. import amplitude, diphthongs, f0, formants, temporal
from ..measures import alignment
from ..reproduce import published
from ..store.metrics import Metrics
from . import live_maps, recorded_map
from .finished import Encoder, Finished, names_of_files
from .lacking import Lacks, number

MOST_FIGURES = 8  # encoders of which a page has the figures; those of the others lie beside it


@dataclasses.dataclass(frozen=True)
class FigureKind:
    """Figures that an experiment leaves, one per encoder (and speaker): `STEM.ENCODER.svg`, or one for all: `STEM.svg`.

    Attributes:
        stem: of the files.
        title: of the group.
        reading: how to read them, in a sentence.
        folded: whether they are only shown when asked for.
        wide: whether they need the width of the page.
        joint: whether there is one for all encoders.
    """

    stem: str
    title: str
    reading: str
    folded: bool = False
    wide: bool = False
    joint: bool = False


@dataclasses.dataclass(frozen=True)
class Image:
    """A figure of an encoder: its files, from the folder of the results on."""

    name: str
    alt: str
    svg: str
    pdf: str


@dataclasses.dataclass(frozen=True)
class FigureGroup:
    """Figures of one kind side by side."""

    title: str
    reading: str
    folded: bool
    wide: bool
    images: tuple[Image, ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table as text."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclasses.dataclass(frozen=True)
class Section:
    """What the page says of an experiment."""

    id: str
    title: str
    question: str
    says: tuple[str, ...]
    maps: tuple[dict[str, Any], ...]
    figures: tuple[FigureGroup, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    downloads: tuple[str, ...]
    lacks: tuple[str, ...] = ()


TITLES = {
    "temporal": ("Timing", "Are steady sounds steady in the frames, and how short a change do they show?"),
    "f0": ("Frequency and DC offset", "How is frequency laid out, and does a DC offset matter?"),
    "formants": ("Formants", "Where do vowels lie, and are neighbours neighbours?"),
    "amplitude": ("Amplitude", "How are two amplitudes laid out?"),
    "diphthongs": ("Diphthongs", "Where do gliding vowels go on the map of steady ones?"),
    "claims": ("Claims", "Does each claim of the paper hold, as a score with an interval, next to controls?"),
    "emergence": ("Training", "Do distances in the features follow those of the sounds, through training?"),
    "recordings": ("Recordings", "Where do recorded vowels lie, and what is read off their frames?"),
}

_AS_A_FIGURE = "The map above as a figure, for a paper."
FIGURES: Mapping[str, tuple[FigureKind, ...]] = {
    "temporal": (
        FigureKind(
            "bursts",
            "Bursts of 800 Hz in a tone of 200 Hz",
            "Each dot is a frame. Above zero it is nearer to the tone of the burst, below to the tone around it. A "
            "burst is seen where the triangles stand out; with very short ones they need not cross zero.",
        ),
        FigureKind(
            "stationarity",
            "Steady tones",
            "Each cell is the mean cosine of a tone averaged over time (row) with the single frames of one (column). "
            "1 on the diagonal means that a steady tone is steady, and low values elsewhere that tones are told apart.",
        ),
        FigureKind(
            "bursts_map",
            "The paper's picture of the bursts",
            "Each panel is a map of its own, of the frames of one sound: orange triangles near the orange circle would "
            "be frames near the burst's tone.",
            folded=True,
        ),
        FigureKind("example_burst", "What a burst is", "A waveform of such a sound.", folded=True, joint=True),
    ),
    "f0": (
        FigureKind(
            "frequency_scale",
            "The frequency scale",
            "How far tones lie apart, added up along frequency and scaled to end at 1. A curve on top of Mel or Bark "
            "would be an encoder that spaces tones as ears do; the left panel adds a constant, as the paper does.",
            wide=True,
        ),
        FigureKind(
            "bias",
            "A DC offset",
            "Each cell is the cosine distance of a tone with a DC offset to the same tone without: 0 means that the "
            "offset does nothing.",
        ),
        FigureKind("pure_tones", "Pure tones, as a figure", _AS_A_FIGURE, folded=True),
    ),
    "formants": (
        FigureKind(
            "cka",
            "How alike two encoders are",
            "Linear CKA of the vowels of several f0: 1 is alike but for rotation and scale; above the diagonal without "
            "the bias of many channels. Two encoders with random weights are alike, too, so that a high number alone "
            "says nothing of training: compare with the baselines, beyond the line.",
            joint=True,
        ),
        FigureKind(
            "cka_layers",
            "How alike each layer is to log-mel",
            "Debiased linear CKA of each layer with a log-mel spectrogram of the same vowels, and the same of an "
            "encoder with random weights.",
            joint=True,
        ),
        FigureKind("vowel_space", "Vowels of one f0, as a figure", _AS_A_FIGURE, folded=True),
        FigureKind("vowel_space_by_f0", "Vowels of several f0, as a figure", _AS_A_FIGURE, folded=True, wide=True),
        FigureKind(
            "vowel_space_source_filter", "Sines and resonances, as a figure", _AS_A_FIGURE, folded=True, wide=True
        ),
    ),
    "amplitude": (FigureKind("amplitudes", "Two amplitudes, as a figure", _AS_A_FIGURE, folded=True),),
    "diphthongs": (
        FigureKind(
            "closing_at_frame_rate",
            "Closing diphthongs at a multiple of the frame rate",
            "The grey net is the map of steady vowels; the dots are the frames of one gliding vowel, from dark to "
            "light. At this f0 every frame sees the same phase.",
            wide=True,
        ),
        FigureKind(
            "closing",
            "The same at the f0 of the vowels",
            "Where f0 is no multiple of the frame rate, frames see several phases in turn, and the ways zigzag between "
            "them.",
            folded=True,
            wide=True,
        ),
        FigureKind(
            "diphthongs",
            "All diphthongs",
            "A panel for each start vowel: the ways from it to every end vowel, from dark to light.",
            folded=True,
            wide=True,
        ),
    ),
    "claims": (
        FigureKind(
            "claims",
            "The main scores",
            "Each row is a score of the final frames, with its interval: the encoder, encoders with random weights, "
            "and spectrograms. A score means something only next to those of the controls.",
            wide=True,
        ),
        FigureKind(
            "discrimination",
            "Discrimination",
            "How often a sound is nearer to one of its own kind, by the size of the difference; the star is "
            "a listener's just noticeable one, and the black line what they would hear of larger ones.",
            folded=True,
            wide=True,
        ),
        FigureKind(
            "noise",
            "Probes and noise",
            "Linearity: R² of a line at held-out values, by how much noise is added to the features.",
            folded=True,
            wide=True,
        ),
        FigureKind("layers", "Layer by layer", "The same scores after each layer.", folded=True, wide=True),
        FigureKind("tuning", "Tuning curves", "How strongly channels answer tones of each frequency.", True, True),
        FigureKind("filters", "First filters", "Frequency responses of the filters of the first layer.", True, True),
    ),
    "emergence": (
        FigureKind(
            "scores",
            "Scores through training",
            "Rank correlations of distances in the features with those of the sounds, next to random weights and a "
            "spectrogram.",
            wide=True,
            joint=True,
        ),
        FigureKind("vowels", "Vowel maps", "Of up to four of them, side by side.", folded=True, wide=True, joint=True),
        FigureKind("filters", "First filters", "Of the same.", folded=True, wide=True, joint=True),
    ),
    "recordings": (
        FigureKind(
            "map",
            "Recorded vowels, as a figure",
            _AS_A_FIGURE,
            folded=True,
        ),
        FigureKind(
            "scores",
            "What is read off, and how near recorded vowels lie",
            "Above: how far off f0, F1 and F2 (cents) and intensity (dB) are, read off voices not heard before; lower "
            "is better, and dotted lines are what a listener just notices. Below: the share of comparisons in which a "
            "recorded vowel is nearer to its own synthesised vowel; and linearity, the R² of a line, which a front end "
            "may lack that is read off exactly.",
            wide=True,
            joint=True,
        ),
    ),
}

_Concluder = Callable[[Mapping[str, Metrics]], str]
_CONCLUDE: Mapping[str, _Concluder] = {
    "temporal": temporal.conclude,
    "f0": f0.conclude,
    "amplitude": amplitude.conclude,
    "diphthongs": diphthongs.conclude,
}
_SUMMARY: Mapping[str, Callable[[Metrics], Mapping[str, float]]] = {
    "temporal": temporal.summary,
    "f0": f0.summary,
    "formants": formants.summary,
    "amplitude": amplitude.summary,
    "diphthongs": diphthongs.summary,
}


def sections(finished: Finished, *, clips: bool = True) -> list[Section]:
    """A section for each experiment that was run, in the order of the page; `clips` as for `page.page`."""
    return [_section(experiment, finished, clips=clips) for experiment in finished.metrics]


def _section(experiment: str, finished: Finished, *, clips: bool) -> Section:
    title, question = TITLES[experiment]
    lacks = Lacks(experiment, finished.left_out(experiment))
    tables: list[Table] = lacks.made("a table", lambda: _tables(experiment, finished, lacks), [])
    none: list[tuple[str, ...]] = []
    beside = functools.partial(published_rows, experiment, finished)
    if rows := lacks.made("the paper's numbers next to ours", beside, none, of=" or ".join(_PUBLISHED)):
        header = ("Quantity", "paper", "here", "")
        tables.append(Table("The paper's numbers next to ours", header, tuple(rows)))
    of_maps = tuple(f".{name}.map.csv" for each in finished.encoders for name in names_of_files(each.name))
    downloads = [
        f"{experiment}/{path.name}"
        for path in finished.files(experiment, ".csv")
        if path.name.endswith(of_maps) or not path.name.endswith(".map.csv")
    ]
    return Section(
        id=experiment,
        title=title,
        question=question,
        says=tuple(lacks.made("what came out", lambda: _says(experiment, finished), [])),
        maps=tuple(_maps(experiment, finished, lacks, clips=clips)),
        figures=tuple(group for kind in FIGURES[experiment] if (group := _group(experiment, kind, finished)).images),
        tables=tuple(tables),
        notes=tuple(finished.metrics[experiment].get("notes", [])),
        downloads=tuple(downloads),
        lacks=tuple(lacks.lines),
    )


def _maps(experiment: str, finished: Finished, lacks: Lacks, *, clips: bool) -> list[dict[str, Any]]:
    if experiment == recorded_map.EXPERIMENT:
        several = [lacks.made("the map", lambda: recorded_map.of_recordings(finished, clips=clips), None)]
    else:
        several = [
            lacks.made(f"the map {kind.title!r}", functools.partial(live_maps.of_kind, kind, finished), None)
            for kind in live_maps.kinds(experiment)
        ]
    return [found for found in several if found]


def _says(experiment: str, finished: Finished) -> list[str]:
    """What the experiment concludes: of the chosen encoders where that can be told from their numbers alone."""
    if experiment == formants.NAME:
        return [formants.conclude(finished.measured(experiment), *_pairs(finished))]
    if experiment in _CONCLUDE:
        return [_CONCLUDE[experiment](finished.measured(experiment))]
    # Of those that were run last: their names are in the sentences.
    return [line for line in finished.metrics[experiment].get("conclusion", "").splitlines() if line.strip()]


def _pairs(finished: Finished) -> tuple[list[Metrics], list[Metrics]]:
    """CKA of the chosen encoders, and its baselines: those of these encoders, and of two of random weights."""
    found, chosen = finished.metrics[formants.NAME], finished.measured(formants.NAME)
    between = (found.get("between_encoders") or {}).get("linear_cka", [])
    baselines = found.get("baselines") or []
    return (
        [pair for pair in between if chosen.keys() >= set(pair["encoders"])],
        [pair for pair in baselines if pair["encoders"][0] in chosen or alignment.ASKED not in pair["baseline"]],
    )


def _group(experiment: str, kind: FigureKind, finished: Finished) -> FigureGroup:
    images = []
    if kind.joint:
        if finished.file(experiment, f"{kind.stem}.svg"):
            images.append(_image(experiment, kind, kind.stem, "all"))
    else:
        groups = finished.metrics[experiment].get("groups") or {}
        for each in [*(each.name for each in _with_figures(finished)), *groups]:
            # Several speakers have figures of their own: STEM.1-SPEAKER.ENCODER.
            called = "|".join(map(re.escape, names_of_files(each)))
            pattern = re.compile(rf"{re.escape(kind.stem)}(?:\.\d+-(.+))?\.(?:{called})\.svg")
            for path in finished.files(experiment, ".svg"):
                if found := pattern.fullmatch(path.name):
                    name = f"{each}, {found[1]}" if found[1] else each
                    images.append(_image(experiment, kind, path.name.removesuffix(".svg"), name))
    return FigureGroup(kind.title, kind.reading, kind.folded, kind.wide, tuple(images))


def _with_figures(finished: Finished) -> Sequence[Encoder]:
    if len(finished.encoders) <= MOST_FIGURES:
        return finished.encoders
    controls = finished.controls[: MOST_FIGURES // 2]
    return (*finished.asked[: MOST_FIGURES - len(controls)], *controls)


def _image(experiment: str, kind: FigureKind, stem: str, name: str) -> Image:
    alt = f"{kind.title}: {name}. The numbers are in the table and in metrics.csv."
    return Image(name, alt, f"{experiment}/{stem}.svg", f"{experiment}/{stem}.pdf")


def _tables(experiment: str, finished: Finished, lacks: Lacks) -> list[Table]:
    measured = finished.measured(experiment)
    names = tuple(measured)
    controls = {each.name for each in finished.controls}
    header = ("Quantity", *(f"{name} (control)" if name in controls else name for name in names))
    if experiment in _SUMMARY:
        columns: dict[str, dict[str, str]] = {}
        for name, found in measured.items():
            columns[name] = {}
            with lacks.unless_damaged(f"a number of {quote(name)}"):
                summary = _SUMMARY[experiment](found)
                columns[name] |= {quantity: f"{number(value):.4g}" for quantity, value in summary.items()}
            with lacks.unless_damaged(f"a number of {quote(name)}"):
                if experiment == "formants":
                    columns[name] |= _vowel_map_cells(found)
                if experiment == "amplitude":
                    columns[name][f"amplitudes: {amplitude.ORDER}"] = cell_text(found.get(amplitude.ORDER, {}))
        return [_table("Results", header, columns)]
    theirs = finished.metrics[experiment].get("controls", {})
    header = (*header, *(f"{name} (control)" for name in theirs if name not in measured))
    everyone = {**measured, **{name: found for name, found in theirs.items() if name not in measured}}
    if experiment == "claims":
        claims = next(iter(everyone.values()))["scores"][FRAMES]
        return [
            _table(
                f"Final frames: {claim} [95% interval]",
                header,
                {
                    name: {score: cell_text(cell) for score, cell in found["scores"][FRAMES].get(claim, {}).items()}
                    for name, found in everyone.items()
                },
            )
            for claim in claims
        ]
    if experiment == "emergence":
        return [
            _table(
                "Rank correlations of distances [95% interval]",
                header,
                {
                    name: {score: cell_text(cell) for score, cell in found["scores"].items()}
                    for name, found in everyone.items()
                },
            )
        ]
    return [
        _table(
            f"{title} [95% interval]",
            header,
            {
                name: {score: cell_text(cell) for score, cell in found.get(key, {}).items()}
                for name, found in measured.items()
            },
        )
        for key, title in _OF_RECORDINGS.items()
        if any(key in found for found in measured.values())  # results of an earlier version lack some
    ]


_OF_RECORDINGS = {
    "read off, error": "Read off voices not heard before, median error (lower is better)",
    "nearness to the own synthesised vowel, AUC": "Nearness to the own synthesised vowel, AUC",
    "read off, R²": "Linearity: R² of a line fitted on other voices",
}


def _vowel_map_cells(found: Metrics) -> dict[str, str]:
    cells = {}
    for kind in (formants.SINES, formants.RESONANCES):
        for name, cell in found.get("vowel_map", {}).get(kind, {}).items():
            cells[f"{kind}: {name}"] = cell_text(cell)
    return cells


def _table(title: str, header: tuple[str, ...], columns: Mapping[str, Mapping[str, str]]) -> Table:
    quantities = dict.fromkeys(quantity for column in columns.values() for quantity in column)
    rows = [(each, *(column.get(each, "–") for column in columns.values())) for each in quantities]
    return Table(title, header, tuple(rows))


def cell_text(cell: Mapping[str, Any]) -> str:
    """A score of `metrics.json` as text: its value and interval, or that there is none."""
    if "value" not in cell:
        return "undefined" if cell else "–"
    value, low, high = (number(cell[each]) for each in ("value", "low", "high"))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


_PUBLISHED = ("temporal", "f0", "formants")  # experiments of which the paper prints numbers


def published_rows(experiment: str, finished: Finished) -> list[tuple[str, ...]]:
    """The paper's numbers next to ours: quantity, the paper's, ours, and whether they agree."""
    if not finished.metrics.keys() >= set(_PUBLISHED):
        return []
    of = {"temporal": "stationarity", "f0": "bias", "formants": "linear CKA"}.get(experiment)
    several = published.compare(*(_alone(finished, each) for each in _PUBLISHED))
    verdicts = {True: "agrees", False: "differs", None: "not comparable: a thinned grid"}
    return [
        (f"{each.encoders}: {each.quantity}", each.published, f"{number(each.ours):.7f}", verdicts[each.agrees])
        for each in several
        if of and each.quantity.startswith(of)
    ]


def _alone(finished: Finished, experiment: str) -> Metrics:
    """An experiment's metrics with the encoders that all three have."""
    found = finished.metrics[experiment]
    shared = set.intersection(*(set(finished.metrics[each]["encoders"]) for each in _PUBLISHED))
    between = found.get("between_encoders") or {}
    pairs = [pair for pair in between.get("linear_cka", []) if set(pair["encoders"]) <= shared]
    return {
        **found,
        "encoders": {name: each for name, each in found["encoders"].items() if name in shared},
        **({"between_encoders": {**between, "linear_cka": pairs}} if between else {}),
    }
