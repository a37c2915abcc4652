"""How the structure of sound emerges in training: three scores of every snapshot of an encoder, next to its controls.

Do sounds that differ more lie farther apart in the features? That is asked of the final frames, averaged over time: of
the paper's vowels (in f0, F1 and F2; and in F1 and F2, between vowels of one f0) and of its pure tones (in log
frequency). The controls are encoders with random weights (three seeds) and a log-Mel spectrogram.

Writes `metrics.json`, whose table follows the training steps in the encoders' names, and three figures: `scores`, over
the steps where at least two names have one; and side by side, for up to four front ends (for one: next to random
weights), `vowels`, the vowel spaces drawn by UMAP, and `filters`, the frequency responses of the first layer. The
sweeps are kept with those of `experiments.formants` and `experiments.f0`.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from w2v_jax import scales, scores, tuning
from w2v_jax.front_end import filters as filters_of
from w2v_jax.grids import Points
from w2v_jax.scores import Score

from . import f0
from .harness import cells, controls, figures, flags, metrics, vowel_chart, vowel_flags
from .harness.cells import Cell
from .harness.conclusions import compared as side_by_side
from .harness.conclusions import listed
from .harness.figures import LINES, STYLES
from .harness.front_ends import BUNDLED, NamedFrontEnd, by_step
from .harness.metrics import Metrics
from .harness.progress import progress_bar
from .harness.results import Results
from .harness.vowel_choice import PAPERS, VowelChoice

NAME = "emergence"

VOWELS = "vowels: f0, F1, F2"
VOWELS_AT_ONE_F0 = "vowels of one f0: F1, F2"
TONES = "tones: log frequency"
SCORES = (VOWELS, VOWELS_AT_ONE_F0, TONES)

# Of the 5,400 vowels, the same ones for every encoder: an untrained encoder's scores and the log-Mel spectrogram's are
# within 0.025 of those over all pairs (with 400 within 0.06), at a small part of what the sweep costs.
MAX_POINTS = 1000
MOST_DRAWN = 4  # front ends side by side
LOG_MEL = "log-mel"

NOTES = (
    "A score is Spearman's correlation, over pairs of sounds, of the cosine distance of their features with their "
    "distance in the parameters that it names, each of them divided by its span.",
    f"Of more than {MAX_POINTS:,} sounds so many are chosen by a seed, the same ones for every encoder. An interval "
    "holds 95% of the values that a score takes when those are drawn again; it says nothing of other sounds, nor of "
    "another training run.",
    "A tone at the Nyquist frequency is silence, and left out. Those that repeat after 5 samples (3,200 and 6,400 Hz "
    "at 16 kHz) are constant to a first layer that moves by 5 samples: where it is normalised over time, rounding "
    "noise is left of them.",
    vowel_chart.NOTE,
)

Column = Mapping[str, Cell]  # of one front end: by name of the score


@dataclasses.dataclass(frozen=True)
class Compared:
    """Who is compared.

    Attributes:
        front_ends: in the order of their training steps.
        untrained: for each architecture among them, encoders with random weights, one per seed.
        log_mels: for each way to frame a waveform among them, the log-Mel spectrogram, where it is not among them.
        labels: what figures and tables call each of these.
    """

    front_ends: tuple[NamedFrontEnd, ...]
    untrained: tuple[tuple[NamedFrontEnd, ...], ...]
    log_mels: tuple[NamedFrontEnd, ...]
    labels: Mapping[NamedFrontEnd, str]

    @property
    def controls(self) -> tuple[NamedFrontEnd, ...]:
        """The untrained ones first."""
        return (*(each for seeds in self.untrained for each in seeds), *self.log_mels)

    @property
    def all(self) -> tuple[NamedFrontEnd, ...]:
        """The front ends, then their controls."""
        return tuple(dict.fromkeys((*self.front_ends, *self.controls)))

    @property
    def drawn(self) -> tuple[NamedFrontEnd, ...]:
        """Those to draw side by side: up to `MOST_DRAWN`, evenly chosen; of one, with its first control next to it."""
        if len(self.front_ends) == 1:
            return (*self.front_ends, *self.controls[:1])
        evenly = np.linspace(0, len(self.front_ends) - 1, MOST_DRAWN).round().astype(int)
        return tuple(self.front_ends[index] for index in np.unique(evenly))


def run(front_ends: Sequence[NamedFrontEnd], results: Results) -> Metrics:
    """Scores every front end and its controls, draws, and returns the metrics (in the first process)."""
    metrics.check_vowels(results, NAME)
    compared = with_controls(front_ends)
    by_f0 = vowel_chart.vowel_space_by_f0(results)
    one_f0 = vowel_chart.vowel_space(results)
    vowels, tones, vowel_spaces = {}, {}, {}
    for each in compared.all:
        vowels[each] = vowel_chart.sweep(results, each, by_f0)
        tones[each] = results.sweep(f0.NAME, each, f0.pure_tones(each, quick=results.quick), f0.tone)
        if each in compared.drawn:
            vowel_spaces[each] = vowel_chart.sweep(results, each, one_f0)
    if not results.share.is_first:
        return {}  # the first process measures and draws

    columns = {}
    with progress_bar("scores", len(compared.all), unit=" encoders") as bar:
        for each in compared.all:
            frequency = f0.pure_tones(each, quick=results.quick).axis("frequency")
            columns[each] = measure(vowels[each], by_f0.points(), tones[each], frequency, nyquist=each.frames.nyquist)
            bar.update()
    without_filters = [compared.labels[each] for each in compared.drawn if filters_of(each.front_end) is None]
    found = metrics.save(
        results,
        NAME,
        {each: {"step": each.step, "scores": _plain(columns[each])} for each in compared.front_ends},
        summary=summary,
        conclusion=conclude(compared, columns),
        notes=[
            *NOTES,
            *([f"{listed(without_filters)} has no first filters to draw."] if without_filters else []),
        ],
        vowels=True,
        controls={each.name: {**metrics.about(each), "scores": _plain(columns[each])} for each in compared.controls},
        untrained_means=[
            {"encoders": [each.name for each in seeds], "scores": means(columns[each] for each in seeds)}
            for seeds in compared.untrained
        ],
    )
    print("\n".join(["", *table_lines(compared, columns)]))

    # The map last: it needs umap-learn, and all else is then there already.
    results.save_figure(NAME, "scores", draw_scores(compared, columns, results.vowels))
    if filters := draw_filters(compared):
        results.save_figure(NAME, "filters", filters)
    maps = {
        compared.labels[each]: vowel_chart.project(results, each, one_f0, features)
        for each, features in vowel_spaces.items()
    }
    drawn = vowel_chart.draw_spaces(
        maps, one_f0, vowels=results.vowels, size=(4.4, 4.2), columns=MOST_DRAWN, quick=results.quick
    )
    results.save_figure(NAME, "vowels", drawn)
    return found


def with_controls(front_ends: Sequence[NamedFrontEnd]) -> Compared:
    """The front ends and what they are compared with."""
    in_order = tuple(by_step(front_ends))
    controls_of = controls.controls_of(in_order)
    untrained = tuple(dict.fromkeys(controls_of[each].untrained for each in in_order if controls_of[each].untrained))
    log_mels = tuple(
        dict.fromkeys(
            controls_of[each].spectrograms[LOG_MEL] for each in in_order if LOG_MEL in controls_of[each].spectrograms
        )
    )
    labels = {each: each.name for each in (*in_order, *log_mels)}
    for seeds in untrained:
        for each in seeds:
            # The name of a control may be that of the first encoder of its architecture: a snapshot's would mislead.
            labels.setdefault(each, each.source.removeprefix("untrained: ") if len(untrained) == 1 else each.name)
    return Compared(in_order, untrained, tuple(each for each in log_mels if each not in in_order), labels)


def measure(vowels: np.ndarray, points: Points, tones: np.ndarray, frequency: np.ndarray, *, nyquist: float) -> Column:
    """The three scores, each -1 to 1, or why there is none.

    Args:
        vowels: (n, channels), averaged over time.
        points: their `f0`, `f1` and `f2`, (n,) each.
        tones: (m, channels), of the tones.
        frequency: theirs, (m,) in Hz.
        nyquist: Hz; a tone there is left out.
    """
    below = frequency < nyquist
    formants = {name: points[name] for name in ("f1", "f2")}
    return {
        VOWELS: _geometry(vowels, points),
        VOWELS_AT_ONE_F0: _geometry(vowels, formants, within=points["f0"]),
        TONES: _geometry(tones[below], {"log frequency": scales.log_hz(frequency[below])}),
    }


def _geometry(features: np.ndarray, parameters: Points, *, within: np.ndarray | None = None) -> Cell:
    # Training may collapse, and then there is none.
    return cells.attempted(lambda: scores.rsa(features, parameters, within=within, max_points=MAX_POINTS))


def summary(measured: Metrics) -> dict[str, float]:
    """The few numbers of an encoder that fit in a table."""
    return {name: score["value"] for name, score in measured["scores"].items() if "value" in score}


def means(columns: Iterable[Column]) -> dict[str, float | None]:
    """The mean of each score over several encoders; None where one of them has none."""
    columns = list(columns)
    found: dict[str, float | None] = {}
    for name in SCORES:
        named = [column[name] for column in columns]
        values = [cell.value for cell in named if isinstance(cell, Score)]
        found[name] = float(np.mean(values)) if len(values) == len(columns) else None
    return found


def _plain(column: Column) -> Metrics:
    return {name: cells.number(cell) for name, cell in column.items()}


def conclude(compared: Compared, columns: Mapping[NamedFrontEnd, Column]) -> str:
    """What came out, in a sentence."""
    parts = []
    for name in SCORES:
        found = {each: columns[each][name] for each in (*compared.front_ends, *compared.log_mels)}
        values = {compared.labels[each]: cell.value for each, cell in found.items() if isinstance(cell, Score)}
        for seeds in compared.untrained:
            mean = means(columns[each] for each in seeds)[name]
            if mean is not None:
                values[f"random weights ({seeds[0].name} ...)"] = mean
        if values:
            parts.append(f"{side_by_side(values, better='higher', means='closer')} of {name}")
    return f"Distances in the features follow those of the sounds with a correlation of {'; '.join(parts)}."


def table_lines(compared: Compared, columns: Mapping[NamedFrontEnd, Column]) -> list[str]:
    """The scores as text: encoders in the order of their steps, then controls, in rows."""
    rows: list[tuple[str, ...]] = [("", *SCORES)]
    rows += [(compared.labels[each], *map(_shown, columns[each].values())) for each in compared.front_ends]
    for seeds in compared.untrained:
        rows += [(compared.labels[each], *map(_shown, columns[each].values())) for each in seeds]
        found = means(columns[each] for each in seeds).values()
        rows.append((f"mean of {len(seeds)} seeds", *("-" if mean is None else f"{mean:.3f}" for mean in found)))
    rows += [(compared.labels[each], *map(_shown, columns[each].values())) for each in compared.log_mels]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "Spearman's correlation of cosine distance with distance in ... [95% interval]",
        *("  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in rows),
    ]


def _shown(cell: Cell) -> str:
    return f"{cell:.3f}" if isinstance(cell, Score) else "undefined"


def draw_scores(
    compared: Compared, columns: Mapping[NamedFrontEnd, Column], vowels: VowelChoice = PAPERS
) -> figures.Figure:
    """The scores over the training steps, or those of all encoders under each other where fewer than two have one."""
    if sum(each.step is not None for each in compared.front_ends) > 1:
        return _draw_training(compared, columns, _titled("Structure of sound through training", vowels))
    return _draw_rows(compared, columns, _titled("Structure of sound in the features", vowels))


def _titled(title: str, vowels: VowelChoice) -> str:
    return title if vowels.is_papers else f"{title} ({vowels.caption_by_f0})"


def _draw_training(compared: Compared, columns: Mapping[NamedFrontEnd, Column], title: str) -> figures.Figure:
    """A panel per score: a curve with its interval, and what has no step as lines across."""
    figure, panels = figures.panels(len(SCORES), size=(4.0, 3.6), title=title)
    trained = [each for each in compared.front_ends if each.step is not None]
    others = [each for each in compared.front_ends if each.step is None]
    steps = [each.step for each in trained if each.step is not None]
    for axes, name in zip(panels, SCORES, strict=True):
        axes.axhline(0, color="black", linewidth=0.6)
        axes.set_axisbelow(True)
        for seeds in compared.untrained:
            _, values, _ = _intervals(seeds, columns, name)
            axes.axhspan(
                values.min(), values.max(), color=figures.GREY, alpha=0.5, label=f"random weights, {len(seeds)} seeds"
            )
        for each, dashes in zip(others, itertools.cycle(("--", ":"))):
            _level(axes, columns[each][name], color=figures.GREEN, linestyle=dashes, label=each.name)
        for each in compared.log_mels:
            colour, dashes = STYLES[LOG_MEL]["color"], LINES[LOG_MEL]
            _level(axes, columns[each][name], color=colour, linestyle=dashes, label=each.name)
        low, values, high = _intervals(trained, columns, name)
        axes.fill_between(steps, low, high, color=figures.ORANGE, alpha=0.25, linewidth=0)
        axes.plot(steps, values, color=figures.ORANGE, linewidth=1.8, marker="o", markersize=4, label="in training")
        axes.set_xscale("symlog", linthresh=1, linscale=0.5)  # logarithmic, but with room for step 0
        axes.set_xlim(-0.2, 1.5 * max(1, *steps))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("Training step")
        axes.set_title(name, fontsize=11)
        axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
    ends = np.array([axes.get_ylim() for axes in panels])
    for axes in panels:
        axes.set_ylim(ends.min(), ends.max())
    panels[0].set_ylabel("Spearman's correlation, 95% interval")
    drawn = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in panels]
    once = {label: handle for entries in drawn for handle, label in entries}
    figure.legend(once.values(), once.keys(), loc="outside lower center", ncols=4, fontsize=9, frameon=False)
    return figure


def _level(axes: Axes, cell: Cell, *, color: str, linestyle: str, label: str) -> None:
    if isinstance(cell, Score):
        axes.axhline(cell.value, linewidth=1.4, color=color, linestyle=linestyle, label=label)


def _draw_rows(compared: Compared, columns: Mapping[NamedFrontEnd, Column], title: str) -> figures.Figure:
    """A panel per score: a row per encoder and control, with its interval."""
    height = 1.3 + 0.28 * len(compared.all)
    figure, panels = figures.panels(len(SCORES), size=(3.6, height), title=title)
    rows = np.arange(len(compared.all))
    kinds = ["encoder"] * len(compared.front_ends)
    kinds += ["untrained"] * (len(compared.all) - len(kinds) - len(compared.log_mels))
    kinds += [LOG_MEL] * len(compared.log_mels)
    for axes, name in zip(panels, SCORES, strict=True):
        for row, each, kind in zip(rows, compared.all, kinds, strict=True):
            low, value, high = _intervals([each], columns, name)
            axes.hlines(row, low, high, color=STYLES[kind]["color"], linewidth=1.6, alpha=0.7)
            axes.scatter(value, [row], s=34, zorder=3, color=STYLES[kind]["color"], marker=STYLES[kind]["marker"])
        axes.axvline(0, color="black", linewidth=0.6)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_yticks(rows, [])
        axes.tick_params(axis="y", length=0)
        axes.set_title(name, fontsize=11)
        axes.grid(axis="x", color="#E4E4E4", linewidth=0.6)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.set_xlabel("Spearman's correlation, 95% interval")
    ends = np.array([axes.get_xlim() for axes in panels])
    for axes in panels:
        axes.set_xlim(ends.min(), ends.max())
    panels[0].set_yticks(rows, [compared.labels[each] for each in compared.all])
    return figure


def _intervals(
    front_ends: Sequence[NamedFrontEnd], columns: Mapping[NamedFrontEnd, Column], name: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A score of several encoders: lower ends, values and upper ends, (encoders,) each; NaN where there is none."""
    several = [columns[each][name] for each in front_ends]
    ends = [(cell.low, cell.value, cell.high) if isinstance(cell, Score) else (np.nan,) * 3 for cell in several]
    low, values, high = np.array(ends).T
    return low, values, high


def draw_filters(compared: Compared) -> figures.Figure | None:
    """A panel per front end that has filters: the frequency responses of its first layer; None where none has any."""
    filters = {each: filters_of(each.front_end) for each in compared.drawn}
    responses = {
        each: tuning.frequency_responses(found, sample_rate=each.frames.sample_rate)
        for each, found in filters.items()
        if found is not None
    }
    if not responses:
        return None
    figure, panels = figures.panels(len(responses), size=(3.6, 4.0), title="Filters of the first layer, sorted by peak")
    figures.filter_images(panels, list(responses.values()))
    for axes, each in zip(panels, responses, strict=True):
        axes.set_title(compared.labels[each], fontsize=11)
    return figure


if __name__ == "__main__":
    flags.launch(run, default=(BUNDLED,), vowels=vowel_flags.chosen)
