"""How the structure of sound emerges in training: the main scores of every snapshot of an encoder, next to controls.

The questions are some of `claims`, of the same sounds, and of the final frames, averaged over time: do vowels that
differ more in f0, F1 and F2 lie farther apart, with the best weights for each; do those of one f0, in F1 and F2; do
tones, in log frequency; are the nearest vowels the nearest in the features; and are F1 and F2 read off at values that
were held out? The controls are encoders with random weights (ten seeds) and a log-Mel
spectrogram. Trainings of one recipe may be named as a group (`--encoders=NAME=A+B+C`).

Writes `metrics.json`, whose table follows the training steps of the encoders, and three figures: `scores`, over the
steps where at least two encoders have one; and side by side, for up to four front ends (for one: next to random
weights), `vowels`, the vowel spaces drawn by UMAP, and `filters`, the frequency responses of the first layer.
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
from w2v_jax.scores.parameter_metrics import erb
from w2v_jax.scores.representational_similarity import BEST

from .claims import sounds
from .draw import figures, lettering, vowel_chart
from .draw.figures import LINES, STYLES
from .front_ends import controls
from .front_ends.named import BUNDLED, NamedFrontEnd, by_step
from .launch import flags
from .measures import map_order
from .measures.map_order import MapOrder
from .progress import progress_bar
from .sentences import compared as side_by_side
from .sentences import listed
from .store import cells, metrics
from .store.cells import Cell
from .store.metrics import Metrics
from .store.results import Results
from .vowels import flags as vowel_flags
from .vowels.choice import PAPERS, VowelChoice

NAME = "emergence"

VOWELS = "RSA: vowels, f0, F1, F2"
VOWELS_AT_ONE_F0 = "RSA: vowels of one f0, F1, F2"
TONES = "RSA: tones, log frequency"
NEAR = "nearest 10 vowels, overlap"
F1, F2 = "linearity of F1 between values heard, R²", "linearity of F2 between values heard, R²"
SCORES = (VOWELS, VOWELS_AT_ONE_F0, TONES, NEAR, F1, F2)

MOST_DRAWN = 4  # front ends side by side
LOG_MEL = "log-mel"

NOTES = (
    "RSA is Spearman's correlation, over pairs of sounds, of the cosine distance of their features with their distance "
    "in the parameters: with weights found on one half of the vowels and tried on the other, or of one f0 in ERB. It "
    "is a score of the far order; the overlap of nearest neighbours is one of the near order.",
    f"Linearity of F1 and F2: linear probes at ranges that were held out, with noise of {sounds.NOISE:.0%} of the "
    "features' deviation.",
    "An interval is over other f0, F1, F2, vowels or tones; it says nothing of another training run: compare "
    "trainings.",
    "A tone at the Nyquist frequency is silence, and left out. Those that repeat after 5 samples (3,200 and 6,400 Hz "
    "at 16 kHz) are constant to a first layer that moves by 5 samples: they are left out, too.",
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
    def in_training(self) -> list[NamedFrontEnd]:
        """Those to be joined by a line: with a step, and of a group of trainings the first."""
        first = {each.group: each for each in reversed(self.front_ends) if each.group}
        return [each for each in self.front_ends if each.step is not None and first.get(each.group or "", each) is each]

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
    one_f0 = vowel_chart.vowel_space(results)
    size: sounds.Size = "quick" if results.quick else "usual"
    asked = {each: sounds.grids_of(each.frames, size, results.vowels) for each in compared.all}
    vowels, tones, vowel_spaces = {}, {}, {}
    for each in compared.all:
        vowels[each] = results.sweep(NAME, each, asked[each].vowels, sounds.stimulus_of("vowels", each.frames))
        tones[each] = results.sweep(NAME, each, asked[each].tones, sounds.stimulus_of("tones", each.frames))
        if each in compared.drawn:
            vowel_spaces[each] = vowel_chart.sweep(results, each, one_f0)
    if not results.share.is_first:
        return {}  # the first process measures and draws

    columns = {}
    with progress_bar("scores", len(compared.all), unit=" encoders") as bar:
        for each in compared.all:
            frequency = asked[each].tones.axis("frequency")
            columns[each] = measure(vowels[each], asked[each].vowels.points(), tones[each], frequency)
            bar.update()
    without_filters = [compared.labels[each] for each in compared.drawn if filters_of(each.front_end) is None]

    def save(orders: Mapping[NamedFrontEnd, MapOrder]) -> Metrics:
        of = {each: _of(columns[each], orders.get(each), one_f0.name) for each in compared.all}
        return metrics.save(
            results,
            NAME,
            {each: {"step": each.step, **of[each]} for each in compared.front_ends},
            summary=summary,
            conclusion=conclude(compared, columns),
            notes=[
                *NOTES,
                *([f"{listed(without_filters)} has no first filters to draw."] if without_filters else []),
            ],
            vowels=True,
            controls={each.name: {**metrics.about(each), **of[each]} for each in compared.controls},
            untrained_means=[
                {"encoders": [each.name for each in seeds], "scores": means(columns[each] for each in seeds)}
                for seeds in compared.untrained
            ],
        )

    save({})
    print("\n".join(["", *table_lines(compared, columns)]))

    # The map and its numbers last: it needs umap-learn, and all else is then there already.
    results.save_figure(NAME, "scores", draw_scores(compared, columns, results.vowels))
    if filters := draw_filters(compared):
        results.save_figure(NAME, "filters", filters)
    maps = {each: vowel_chart.project(results, each, one_f0, features) for each, features in vowel_spaces.items()}
    orders = {each: map_order.measure(vowel_spaces[each], maps[each], one_f0.points()) for each in maps}
    drawn = vowel_chart.draw_spaces(
        {compared.labels[each]: positions for each, positions in maps.items()},
        one_f0,
        orders={compared.labels[each]: order for each, order in orders.items()},
        vowels=results.vowels,
        size=(4.4, 4.7),
        columns=MOST_DRAWN,
        quick=results.quick,
    )
    results.save_figure(NAME, "vowels", drawn)
    return save(orders)


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


def measure(vowels: np.ndarray, points: Points, tones: np.ndarray, frequency: np.ndarray) -> Column:
    """The scores, or why there is none.

    Args:
        vowels: (n, channels), averaged over time.
        points: their `f0`, `f1` and `f2`, (n,) each.
        tones: (m, channels), of the tones.
        frequency: theirs, (m,) in Hz.
    """
    varying = {name: values for name, values in points.items() if np.ptp(values)}
    formants = {name: points[name] for name in ("f1", "f2")}
    units = points["f0"] if "f0" in varying else None

    most = sounds.MOST_COMPARED

    def best_weighted() -> Score:
        return scores.rsa_profile(vowels, varying, metrics={}, units=units, max_points=most).by_metric[BEST]

    def at_one_f0() -> Score:
        return scores.rsa(vowels, formants, metric=erb, within=points["f0"], units=units, max_points=most)

    def read(name: str) -> Score:
        return scores.block_decodability(vowels, points[name], noise=sounds.NOISE).interpolation

    # Training may collapse, and then there is none.
    return {
        VOWELS: cells.attempted(best_weighted),
        VOWELS_AT_ONE_F0: cells.attempted(at_one_f0),
        TONES: cells.attempted(lambda: scores.rsa(tones, {"log frequency": scales.log_hz(frequency)})),
        NEAR: cells.attempted(lambda: scores.neighbour_overlap(vowels, varying)),
        F1: cells.attempted(lambda: read("f1")),
        F2: cells.attempted(lambda: read("f2")),
    }


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


def _of(column: Column, order: MapOrder | None, sweep: str) -> Metrics:
    """What was measured of a front end: its scores, and those of its map where one is drawn."""
    return {"scores": _plain(column), **({map_order.KEY: {sweep: order.as_numbers()}} if order else {})}


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
            parts.append(f"{name}: {side_by_side(values, better='higher', means='closer')}")
    return f"Of the final frames: {'; '.join(parts)}."


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
        "Scores of the final frames [95% interval over sounds]",
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
    figure, panels = figures.panels(len(SCORES), size=(4.0, 3.2), columns=3, title=title)
    trained = compared.in_training
    again = [each for each in compared.front_ends if each.step is not None and each not in trained]
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
            _level(axes, columns[each][name], color=figures.GREEN, linestyle=dashes, label=lettering.name(each.name))
        for each in compared.log_mels:
            colour, dashes = STYLES[LOG_MEL]["color"], LINES[LOG_MEL]
            _level(axes, columns[each][name], color=colour, linestyle=dashes, label=lettering.name(each.name))
        low, values, high = _intervals(trained, columns, name)
        axes.fill_between(steps, low, high, color=figures.ORANGE, alpha=0.25, linewidth=0)
        axes.plot(steps, values, color=figures.ORANGE, linewidth=1.8, marker="o", markersize=4, label="in training")
        if again:
            low, values, high = _intervals(again, columns, name)
            at = [each.step or 0 for each in again]
            axes.scatter(at, values, color=figures.ORANGE, marker="s", s=26, label="other trainings", zorder=4)
        axes.set_xscale("symlog", linthresh=1, linscale=0.5)  # logarithmic, but with room for step 0
        axes.set_xlim(-0.2, 1.5 * max(1, *steps))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("Training step")
        axes.set_title(name, fontsize=11)
        axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
    ends = np.array([axes.get_ylim() for axes in panels])
    for axes in panels:
        axes.set_ylim(ends.min(), ends.max())
    for axes in panels[::3]:
        axes.set_ylabel("Score, 95% interval over sounds")
    drawn = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in panels]
    once = {label: handle for entries in drawn for handle, label in entries}
    figures.legend(figure, list(once.values()), names=list(once))
    return figure


def _level(axes: Axes, cell: Cell, *, color: str, linestyle: str, label: str) -> None:
    if isinstance(cell, Score):
        axes.axhline(cell.value, linewidth=1.4, color=color, linestyle=linestyle, label=label)


def _draw_rows(compared: Compared, columns: Mapping[NamedFrontEnd, Column], title: str) -> figures.Figure:
    """A panel per score: a row per encoder and control, with its interval."""
    height = 1.3 + 0.28 * len(compared.all)
    names, told = lettering.beside_axis([compared.labels[each] for each in compared.all])
    figure, panels = figures.panels(len(SCORES), size=(3.6, height), columns=3, title=title, below=told)
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
        axes.set_xlabel("Score, 95% interval over sounds")
    ends = np.array([axes.get_xlim() for axes in panels])
    for axes in panels:
        axes.set_xlim(ends.min(), ends.max())
    for axes in panels[::3]:
        axes.set_yticks(rows, names)
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
