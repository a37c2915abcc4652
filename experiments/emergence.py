"""How the structure of sound emerges in training: three scores of every snapshot of an encoder, beside its controls.

Do sounds that differ more lie farther apart in the features? That is asked of the final frames, averaged over time: of
the paper's vowels (in f0, F1 and F2; and in F1 and F2, between vowels of one f0) and of its pure tones (in log
frequency). The controls are encoders with random weights (three seeds) and a log-Mel spectrogram.

Writes `metrics.json`, whose table follows the training steps in the encoders' names, and three figures: `scores`, over
the steps where at least two names have one; and side by side, for up to four encoders (for one: beside random weights),
`vowels`, the vowel spaces drawn by UMAP, and `filters`, the frequency responses of the first layer. The sweeps are kept
with those of `experiments.formants` and `experiments.f0`.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from w2v_jax import scales, scores, tuning
from w2v_jax.grids import Points
from w2v_jax.scores import Score, UndefinedScoreError

from . import f0
from .claims import figures as claims_figures
from .claims import table as claims_table
from .claims.figures import LINES, STYLES
from .claims.table import Cell
from .harness import controls, figures, flags, vowel_chart
from .harness.front_ends import BUNDLED, NamedEncoder, by_step, remark
from .harness.sweeping import progress_bar
from .harness.workspace import Metrics, Workspace

NAME = "emergence"

VOWELS = "vowels: f0, F1, F2"
VOWELS_AT_ONE_F0 = "vowels of one f0: F1, F2"
TONES = "tones: log frequency"
SCORES = (VOWELS, VOWELS_AT_ONE_F0, TONES)

# Of the 5,400 vowels, the same ones for every encoder: an untrained encoder's scores and the log-Mel spectrogram's are
# within 0.025 of those over all pairs (with 400 within 0.06), at a small part of what the sweep costs.
MAX_POINTS = 1000
MOST_DRAWN = 4  # encoders side by side
LOG_MEL = "log-mel"

NOTES = (
    "A score is Spearman's correlation, over pairs of sounds, of the cosine distance of their features with their "
    "distance in the parameters that it names, each of them divided by its span.",
    f"Of more than {MAX_POINTS:,} sounds so many are chosen by a seed, the same ones for every encoder. An interval "
    "holds 95% of the values that a score takes when those are drawn again; it says nothing of other sounds, nor of "
    "another training run.",
    "The tone at 8 kHz is silence, and left out. Those at 3,200 and 6,400 Hz are constant to every filter of the first "
    "layer, whose hop is 5 samples: where that layer is normalised over time, rounding noise is left of them.",
    vowel_chart.NOTE,
)

Column = Mapping[str, Cell]  # of one encoder: by name of the score


@dataclasses.dataclass(frozen=True)
class Compared:
    """Who is compared.

    Attributes:
        encoders: in the order of their training steps.
        untrained: for each architecture among them, encoders with random weights, one per seed.
        log_mel: the log-Mel spectrogram.
        labels: what figures and tables call each of these.
    """

    encoders: tuple[NamedEncoder, ...]
    untrained: tuple[tuple[NamedEncoder, ...], ...]
    log_mel: NamedEncoder
    labels: Mapping[NamedEncoder, str]

    @property
    def controls(self) -> tuple[NamedEncoder, ...]:
        """The untrained ones first."""
        return (*(each for seeds in self.untrained for each in seeds), self.log_mel)

    @property
    def all(self) -> tuple[NamedEncoder, ...]:
        """The encoders, then their controls."""
        return (*self.encoders, *self.controls)

    @property
    def drawn(self) -> tuple[NamedEncoder, ...]:
        """Those to draw side by side: up to `MOST_DRAWN`, evenly chosen; of one, with an untrained one beside it."""
        if len(self.encoders) == 1:
            return (*self.encoders, self.untrained[0][0])
        evenly = np.linspace(0, len(self.encoders) - 1, MOST_DRAWN).round().astype(int)
        return tuple(self.encoders[index] for index in np.unique(evenly))


def run(encoders: Sequence[NamedEncoder], workspace: Workspace) -> Metrics:
    """Scores every encoder and its controls, draws, and returns the metrics (in the first process)."""
    compared = with_controls(encoders)
    by_f0 = workspace.grid(vowel_chart.VOWEL_SPACE_BY_F0, vowel_chart.QUICK_VOWEL_SPACE_BY_F0)
    one_f0 = workspace.grid(vowel_chart.VOWEL_SPACE, vowel_chart.QUICK_VOWEL_SPACE)
    pure_tones = workspace.grid(f0.PURE_TONES, f0.QUICK_PURE_TONES)
    vowels, tones, vowel_spaces = {}, {}, {}
    for each in compared.all:
        vowels[each] = vowel_chart.sweep(workspace, each, by_f0)
        tones[each] = workspace.sweep(f0.NAME, each, pure_tones, f0.tone)
        if each in compared.drawn:
            vowel_spaces[each] = vowel_chart.sweep(workspace, each, one_f0)
    if not workspace.share.is_first:
        return {}  # the first process measures and draws

    columns = {}
    with progress_bar("scores", len(compared.all), unit=" encoders") as bar:
        for each in compared.all:
            columns[each] = measure(vowels[each], by_f0.points(), tones[each], pure_tones.axis("frequency"))
            bar.update()
    metrics = workspace.save_metrics(
        NAME,
        {each: {"step": each.step, "scores": _plain(columns[each])} for each in compared.encoders},
        summary=summary,
        notes=NOTES,
        controls={each.name: {"source": each.source, "scores": _plain(columns[each])} for each in compared.controls},
        untrained_means=[
            {"encoders": [each.name for each in seeds], "scores": means(columns[each] for each in seeds)}
            for seeds in compared.untrained
        ],
    )
    print("\n".join(["", *table_lines(compared, columns)]))
    if said := remark(encoders):
        print(f"\n{said}")

    # The map last: it needs umap-learn, and all else is then there already.
    workspace.save_figure(NAME, "scores", draw_scores(compared, columns))
    workspace.save_figure(NAME, "filters", draw_filters(compared))
    maps = {
        compared.labels[each]: vowel_chart.project(workspace, each, one_f0, features)
        for each, features in vowel_spaces.items()
    }
    workspace.save_figure(NAME, "vowels", vowel_chart.draw_spaces(maps, one_f0, size=(4.4, 4.2), columns=MOST_DRAWN))
    print(f"\nEvery number: {workspace.path(NAME, 'metrics.json')}; figures beside it.")
    return metrics


def with_controls(encoders: Sequence[NamedEncoder]) -> Compared:
    """The encoders and what they are compared with."""
    in_order = tuple(by_step(encoders))
    controls_of = controls.controls_of(in_order)
    untrained = tuple(dict.fromkeys(controls_of[each].untrained for each in in_order))
    (log_mel,) = (each for each in controls_of[in_order[0]].spectrograms if each.name == LOG_MEL)
    labels = {each: each.name for each in (*in_order, log_mel)}
    for seeds in untrained:
        for seed, each in zip(controls.SEEDS, seeds, strict=True):
            # The name of a control may be that of the first encoder of its architecture: a snapshot's would mislead.
            labels[each] = f"random weights, seed {seed}" if len(untrained) == 1 else each.name
    return Compared(in_order, untrained, log_mel, labels)


def measure(vowels: np.ndarray, points: Points, tones: np.ndarray, frequency: np.ndarray) -> Column:
    """The three scores, each -1 to 1, or why there is none.

    Args:
        vowels: (n, channels), averaged over time.
        points: their `f0`, `f1` and `f2`, (n,) each.
        tones: (m, channels), likewise.
        frequency: theirs, (m,) in Hz; what is at the Nyquist frequency is left out.
    """
    below = frequency < f0.NYQUIST
    formants = {name: points[name] for name in ("f1", "f2")}
    return {
        VOWELS: _geometry(vowels, points),
        VOWELS_AT_ONE_F0: _geometry(vowels, formants, within=points["f0"]),
        TONES: _geometry(tones[below], {"log frequency": scales.log_hz(frequency[below])}),
    }


def _geometry(features: np.ndarray, parameters: Points, *, within: np.ndarray | None = None) -> Cell:
    try:
        return scores.geometry(features, parameters, within=within, max_points=MAX_POINTS)
    except UndefinedScoreError as error:  # training may collapse
        return str(error)


def summary(measured: Metrics) -> dict[str, float]:
    """The few numbers of an encoder that fit in a table."""
    return {name: score["value"] for name, score in measured["scores"].items() if "value" in score}


def means(columns: Iterable[Column]) -> dict[str, float | None]:
    """The mean of each score over several encoders; None where one of them has none."""
    columns = list(columns)
    found: dict[str, float | None] = {}
    for name in SCORES:
        values = [column[name].value for column in columns if isinstance(column[name], Score)]
        found[name] = float(np.mean(values)) if len(values) == len(columns) else None
    return found


def _plain(column: Column) -> Metrics:
    return {name: claims_table.number(cell) for name, cell in column.items()}


def table_lines(compared: Compared, columns: Mapping[NamedEncoder, Column]) -> list[str]:
    """The scores as text: encoders in the order of their steps, then controls, in rows."""
    rows = [("", *SCORES)]
    rows += [(compared.labels[each], *map(_shown, columns[each].values())) for each in compared.encoders]
    for seeds in compared.untrained:
        rows += [(compared.labels[each], *map(_shown, columns[each].values())) for each in seeds]
        found = means(columns[each] for each in seeds).values()
        rows.append((f"mean of {len(seeds)} seeds", *("-" if mean is None else f"{mean:.3f}" for mean in found)))
    rows.append((compared.labels[compared.log_mel], *map(_shown, columns[compared.log_mel].values())))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "Spearman's correlation of cosine distance with distance in ... [95% interval]",
        *("  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in rows),
    ]


def _shown(cell: Cell) -> str:
    return f"{cell:.3f}" if isinstance(cell, Score) else "undefined"


def draw_scores(compared: Compared, columns: Mapping[NamedEncoder, Column]) -> figures.Figure:
    """The scores over the training steps, or those of all encoders under each other where fewer than two have one."""
    if sum(each.step is not None for each in compared.encoders) > 1:
        return _draw_training(compared, columns)
    return _draw_rows(compared, columns)


def _draw_training(compared: Compared, columns: Mapping[NamedEncoder, Column]) -> figures.Figure:
    """A panel per score: a curve with its interval, and what has no step as lines across."""
    figure, panels = figures.panels(len(SCORES), size=(4.0, 3.6), title="Structure of sound through training")
    trained = [each for each in compared.encoders if each.step is not None]
    others = [each for each in compared.encoders if each.step is None]
    steps = [each.step for each in trained]
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
        style = {"color": STYLES[LOG_MEL]["color"], "linestyle": LINES[LOG_MEL]}
        _level(axes, columns[compared.log_mel][name], label=LOG_MEL, **style)
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


def _level(axes: Axes, cell: Cell, **style: str) -> None:
    if isinstance(cell, Score):
        axes.axhline(cell.value, linewidth=1.4, **style)


def _draw_rows(compared: Compared, columns: Mapping[NamedEncoder, Column]) -> figures.Figure:
    """A panel per score: a row per encoder and control, with its interval."""
    height = 1.3 + 0.28 * len(compared.all)
    figure, panels = figures.panels(len(SCORES), size=(3.6, height), title="Structure of sound in the features")
    rows = np.arange(len(compared.all))
    kinds = ["encoder"] * len(compared.encoders) + ["untrained"] * (len(compared.controls) - 1) + [LOG_MEL]
    for axes, name in zip(panels, SCORES, strict=True):
        for row, each, kind in zip(rows, compared.all, kinds, strict=True):
            low, value, high = _intervals([each], columns, name)
            axes.hlines(row, low, high, color=STYLES[kind]["color"], linewidth=1.6, alpha=0.7)
            axes.scatter(value, [row], s=34, zorder=3, **STYLES[kind])
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
    encoders: Sequence[NamedEncoder], columns: Mapping[NamedEncoder, Column], name: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A score of several encoders: lower ends, values and upper ends, (encoders,) each; NaN where there is none."""
    cells = [columns[each][name] for each in encoders]
    ends = [(cell.low, cell.value, cell.high) if isinstance(cell, Score) else (np.nan,) * 3 for cell in cells]
    low, values, high = np.array(ends).T
    return low, values, high


def draw_filters(compared: Compared) -> figures.Figure:
    """A panel per encoder: the frequency responses of its first layer."""
    figure, panels = figures.panels(
        len(compared.drawn), size=(3.6, 4.0), title="Filters of the first layer, sorted by peak"
    )
    claims_figures.filter_images(panels, [tuning.frequency_responses(each.encoder) for each in compared.drawn])
    for axes, each in zip(panels, compared.drawn, strict=True):
        axes.set_title(compared.labels[each], fontsize=11)
    return figure


if __name__ == "__main__":
    flags.launch(run, default=(BUNDLED,))
