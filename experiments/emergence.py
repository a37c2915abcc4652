"""Scores through training: main scores of every snapshot of an encoder, next to controls.

The questions are those of `claims` that say they are asked through training, of the same sounds (what was heard for one
is read by the other), of sums of sines and of voices, and of the final frames: do vowels that differ more in f0, F1 and
F2 lie farther apart, with the best weights for each; do those of one f0, in F1 and F2; do tones, in log frequency; are
the nearest vowels the nearest in the features; and do F1 and F2 lie along lines that go on? The controls are those of
`claims`, too. Trainings of one recipe may be named as a group (`--encoders=NAME=A+B+C`).

Writes `metrics.json`, whose table follows the training steps of the encoders, and three figures: `scores`, over the
steps where at least two encoders have one; and side by side, for up to four front ends (for one: next to random
weights), `vowels`, the vowel spaces drawn by UMAP, and `filters`, the frequency responses of the first layer.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from w2v_jax import tuning
from w2v_jax._src.text_tables import aligned
from w2v_jax.front_end import filters as filters_of

from .claims import verdicts
from .claims.figures import values_at
from .claims.layers import NOISE, layers_of
from .claims.measuring import final_scores, score_rows
from .claims.questions import placed
from .claims.sounds import grids_for, sweeps_of
from .claims.table import score_of
from .draw import figures, lettering, vowel_chart
from .draw.figures import LINES, STYLES
from .experiment import Experiment, Figure
from .front_ends import controls
from .front_ends.named import NamedFrontEnd
from .hearing import Heard, Setting, Sweep
from .launch import flags
from .measures import map_order
from .sentences import listed
from .store.populations import alone, populations
from .store.rows import Measurements, Row
from .vowel_choice import PAPERS, VowelChoice
from .vowels import space

MOST_DRAWN = 4  # front ends side by side
VOWEL_SPACE = space.ONE_F0

NOTES = (
    "RSA is Spearman's correlation, over pairs of sounds, between the cosine distance of their features and their "
    "distance in the parameters. The weights of the parameters are fitted on one half of the vowels and tested on the "
    "other; vowels of one f0 are compared in ERB. RSA scores the far order, the overlap of nearest neighbours the near "
    "order.",
    f"Linearity of F1 and F2 is that of linear probes, tested at held-out ranges, with noise of {NOISE:.0%} of the "
    "features' standard deviation.",
    "The interval resamples f0, F1, F2, vowels or tones. It does not cover other trainings: compare several of them.",
    "A tone at the Nyquist frequency is silence. A tone that repeats after 5 samples (3,200 and 6,400 Hz at 16 kHz) is "
    "constant to a first layer with a hop of 5 samples. Both are left out.",
    space.NOTE,
)


def sweeps(setting: Setting) -> Sequence[Sweep]:
    """Sounds of the claims that are asked about, and the vowel space of those that are drawn side by side."""
    syntheses = grids_for(setting).syntheses
    names = dict.fromkeys(name for *_, question in placed("through_training", syntheses) for name in question.hears)
    heard = sweeps_of(setting, names)
    added = [each for each in setting.among if each not in setting.named]
    if setting.front_end in drawn(setting.named, added):
        heard.append(dataclasses.replace(space.SINES_SWEEP, of_controls=True))
    return heard


def drawn(named: Sequence[NamedFrontEnd], added: Sequence[NamedFrontEnd]) -> tuple[NamedFrontEnd, ...]:
    """Those to draw side by side: up to `MOST_DRAWN`, evenly chosen; of one, with its first control next to it."""
    if len(named) == 1:
        return (*named, *added[:1])
    evenly = np.linspace(0, len(named) - 1, MOST_DRAWN).round().astype(int)
    return tuple(named[index] for index in np.unique(evenly))


def measure(heard: Heard) -> list[Row]:
    """The scores of the final frames; training may collapse, and then there is none."""
    by_layer = layers_of(heard, only_frames=True)
    return score_rows(heard, by_layer, placed("through_training", grids_for(heard.setting).syntheses))


def compare(several: Sequence[Heard], measured: Measurements) -> list[Row]:
    """How each differs from its controls, and the order of the maps that are drawn."""
    orders = [
        dataclasses.replace(row, encoder=heard.name)
        for heard in several
        if VOWEL_SPACE in heard.sweeps
        for row in map_order.measure(
            heard.features(VOWEL_SPACE), heard.umap(VOWEL_SPACE), heard.grid(VOWEL_SPACE).points(), sweep=VOWEL_SPACE
        ).rows()
    ]
    return [*verdicts.compare(final_scores(several), measured), *orders]


def headline(measured: Measurements) -> str:
    """How many scores the training raises, and how the last snapshot compares with controls."""
    steps = in_training(measured)
    if len(steps) < 2:
        return "\n".join(verdicts.told(measured, primary=False)) or "No control was compared with these front ends."
    first, last = steps[0], steps[-1]
    pairs = [[score_of(measured, each, *which) for each in (first, last)] for which in drawn_scores(measured)]
    known = [
        (one, other) for one, other in pairs if one and other and one.value is not None and other.value is not None
    ]
    raised = sum((other.low or 0.0) > (one.high or 0.0) for one, other in known)
    lowered = sum((other.high or 0.0) < (one.low or 0.0) for one, other in known)
    of = f"{raised} of {len(known)} scores and lowers {lowered}"
    ends = [each for each in verdicts.told(measured, primary=False) if each.startswith(f"{last} ")]
    return "\n".join([f"Training raises {of} (from {first} to {last}).", *ends])


def notes(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """What a reader must know."""
    labels = labels_of(measured)
    shown = [heard for heard in several if VOWEL_SPACE in heard.sweeps]
    without = [labels[heard.name] for heard in shown if filters_of(heard.front_end.front_end) is None]
    return [*NOTES, *([f"{listed(without)} has no first filters to draw."] if without else [])]


def drawn_scores(measured: Measurements) -> list[tuple[str, str]]:
    """Claim and name of the scores, in the order of the figure."""
    several = [(claim, name) for claim, name, _ in placed("through_training")]
    return [(claim, name) for claim, name in several if any(measured.select(name, claim=claim))]


def named_in(measured: Measurements) -> list[str]:
    """Those whom the user has named."""
    return [name for name, about in measured.encoders.items() if not about.control_of]


def in_training(measured: Measurements) -> list[str]:
    """Those to be joined by a line: with a step, and of a group of trainings the first of each step."""
    joined = {}
    for population in populations(measured):
        first = population.members[0]
        if measured.encoders[first].step is not None:
            joined[first] = measured.encoders[first].step or 0
    return sorted(joined, key=lambda name: joined[name])


def labels_of(measured: Measurements) -> dict[str, str]:
    """What figures and tables call each front end.

    The name of a control may be that of the first encoder of its architecture: a snapshot's would mislead.
    """
    added = [about for about in measured.encoders.values() if about.control_of and about.kind == "random"]
    of_one = len({about.name.rpartition("random-")[0] for about in added}) == 1
    labels = {about.name: about.source.removeprefix("untrained: ") for about in added} if of_one else {}
    return {name: labels.get(name, name) for name in measured.encoders}


def table_lines(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """The scores as text: encoders in the order of their steps, then controls, in rows."""
    return ["", *_table(measured)]


def _table(measured: Measurements) -> Iterator[str]:
    labels, columns = labels_of(measured), drawn_scores(measured)
    rows = [("", *(f"{name} ({claim})" for claim, name in columns))]
    rows += [(labels[each], *(_shown(score_of(measured, each, *one)) for one in columns)) for each in measured.encoders]
    for seeds in _seeds(measured):
        means = (verdicts.values_of(measured, seeds, *one) for one in columns)
        shown = (f"{np.mean(values):.3f}" if len(values) == len(seeds) else "-" for values in means)
        rows.append((f"mean of {len(seeds)} seeds", *shown))
    yield "Scores of the final frames [95% interval over sounds]"
    yield from aligned(rows)


def _seeds(measured: Measurements) -> list[tuple[str, ...]]:
    """By architecture, the controls with random weights."""
    several = (alone(measured, name).untrained for name in named_in(measured))
    return list(dict.fromkeys(each for each in several if each))


def _shown(row: Row | None) -> str:
    if row is None or row.value is None or row.low is None or row.high is None:
        return "undefined"
    return f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"


def draw_scores(several: Sequence[Heard], measured: Measurements) -> figures.Figure:
    """The scores over the training steps, or those of all encoders under each other where fewer than two have one."""
    vowels = several[0].vowels if several else PAPERS
    if sum(measured.encoders[each].step is not None for each in named_in(measured)) > 1:
        return _draw_training(measured, _titled("Structure of sound through training", vowels))
    return _draw_rows(measured, _titled("Structure of sound in the features", vowels))


def _titled(title: str, vowels: VowelChoice) -> str:
    return title if vowels.is_papers else f"{title} ({vowels.caption_by_f0})"


def _spectrograms(measured: Measurements) -> dict[str, str]:
    """Spectrograms that are controls, with their kind."""
    several = (alone(measured, name).spectrograms for name in named_in(measured))
    return {name: kind for each in several for kind, name in each.items() if measured.encoders[name].control_of}


def _draw_training(measured: Measurements, title: str) -> figures.Figure:
    """A panel per score: a curve with its interval, and what has no step as lines across."""
    columns = drawn_scores(measured)
    figure, panels = figures.panels(len(columns), size=(4.0, 3.2), columns=3, title=title)
    step = {name: about.step for name, about in measured.encoders.items()}
    trained = in_training(measured)
    again = [each for each in named_in(measured) if step[each] is not None and each not in trained]
    others = [each for each in named_in(measured) if step[each] is None]
    steps = [step[each] or 0 for each in trained]
    for axes, (claim, name) in zip(panels, columns, strict=True):
        intervals = functools.partial(_intervals, measured, claim, name)
        axes.axhline(0, color="black", linewidth=0.6)
        axes.set_axisbelow(True)
        for seeds in _seeds(measured):
            _, values, _ = intervals(seeds)
            axes.axhspan(
                values.min(), values.max(), color=figures.GREY, alpha=0.5, label=f"random weights, {len(seeds)} seeds"
            )
        for each, dashes in zip(others, itertools.cycle(("--", ":"))):
            _level(axes, intervals([each])[1], color=figures.GREEN, linestyle=dashes, label=lettering.name(each))
        for each, kind in _spectrograms(measured).items():
            colour, dashes = STYLES[kind]["color"], LINES[kind]
            _level(axes, intervals([each])[1], color=colour, linestyle=dashes, label=lettering.name(each))
        low, values, high = intervals(trained)
        axes.fill_between(steps, low, high, color=figures.ORANGE, alpha=0.25, linewidth=0)
        axes.plot(steps, values, color=figures.ORANGE, linewidth=1.8, marker="o", markersize=4, label="in training")
        if again:
            _, values, _ = intervals(again)
            at = [step[each] or 0 for each in again]
            axes.scatter(at, values, color=figures.ORANGE, marker="s", s=26, label="other trainings", zorder=4)
        axes.set_xscale("symlog", linthresh=1, linscale=0.5)  # logarithmic, but with room for step 0
        axes.set_xlim(-0.2, 1.5 * max(1, *steps))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("Training step")
        axes.set_title(_panel_title(claim, name), fontsize=9)
        axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
    ends = np.array([axes.get_ylim() for axes in panels])
    for axes in panels:
        axes.set_ylim(ends.min(), ends.max())
    for axes in panels[::3]:
        axes.set_ylabel("Score, 95% interval over sounds")
    handles = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in panels]
    once = {label: handle for entries in handles for handle, label in entries}
    figures.legend(figure, list(once.values()), names=list(once))
    return figure


def _panel_title(claim: str, name: str) -> str:
    return f"{claim}:\n{name}"


def _level(axes: Axes, values: np.ndarray, *, color: str, linestyle: str, label: str) -> None:
    if np.isfinite(values).all():
        axes.axhline(values[0], linewidth=1.4, color=color, linestyle=linestyle, label=label)


def _draw_rows(measured: Measurements, title: str) -> figures.Figure:
    """A panel per score: a row per encoder and control, with its interval."""
    columns, labels, spectrograms = drawn_scores(measured), labels_of(measured), _spectrograms(measured)
    everyone = list(measured.encoders)
    height = 1.3 + 0.28 * len(everyone)
    names, told = lettering.beside_axis([labels[each] for each in everyone])
    figure, panels = figures.panels(len(columns), size=(3.6, height), columns=3, title=title, below=told)
    rows = np.arange(len(everyone))
    is_named = set(named_in(measured))
    kinds = ["encoder" if each in is_named else spectrograms.get(each, "untrained") for each in everyone]
    for axes, (claim, name) in zip(panels, columns, strict=True):
        for row, each, kind in zip(rows, everyone, kinds, strict=True):
            low, value, high = _intervals(measured, claim, name, [each])
            axes.hlines(row, low, high, color=STYLES[kind]["color"], linewidth=1.6, alpha=0.7)
            axes.scatter(value, [row], s=34, zorder=3, color=STYLES[kind]["color"], marker=STYLES[kind]["marker"])
        axes.axvline(0, color="black", linewidth=0.6)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_yticks(rows, [])
        axes.tick_params(axis="y", length=0)
        axes.set_title(_panel_title(claim, name), fontsize=9)
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
    measured: Measurements, claim: str, name: str, encoders: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A score of several encoders: lower ends, values and upper ends, (encoders,) each; NaN where there is none."""
    rows = [score_of(measured, each, claim, name) for each in encoders]
    low, high = (values_at(rows, end) for end in (lambda row: row.low, lambda row: row.high))
    return low, values_at(rows), high


def draw_vowels(several: Sequence[Heard], measured: Measurements) -> figures.Figure:
    """Vowel spaces side by side."""
    shown = [heard for heard in several if VOWEL_SPACE in heard.sweeps]
    labels = labels_of(measured)
    return vowel_chart.draw_spaces(
        {labels[each.name]: each.umap(VOWEL_SPACE) for each in shown},
        shown[0].grid(VOWEL_SPACE),
        below={
            labels[each.name]: map_order.below(measured, each.name, VOWEL_SPACE, sounds="vowels", narrow=True)
            for each in shown
        },
        vowels=shown[0].vowels,
        size=(4.4, 4.7),
        columns=MOST_DRAWN,
        grids=measured.size,
    )


def draw_filters(several: Sequence[Heard], measured: Measurements) -> figures.Figure | None:
    """A panel per front end that has filters: the frequency responses of its first layer; None where none has any."""
    shown = [heard for heard in several if VOWEL_SPACE in heard.sweeps]
    filters = {heard: filters_of(heard.front_end.front_end) for heard in shown}
    labels = labels_of(measured)
    return side_by_side(
        {
            labels[heard.name]: tuning.frequency_responses(weights, sample_rate=heard.frames.sample_rate)
            for heard, weights in filters.items()
            if weights is not None
        }
    )


def side_by_side(responses: Mapping[str, tuning.FrequencyResponses]) -> figures.Figure | None:
    """Frequency responses of filters, by title."""
    if not responses:
        return None
    figure, panels = figures.panels(len(responses), size=(3.6, 4.0), title="Filters of the first layer, sorted by peak")
    figures.filter_images(panels, list(responses.values()))
    for axes, label in zip(panels, responses, strict=True):
        axes.set_title(label, fontsize=11)
    return figure


EXPERIMENT = Experiment(
    name="emergence",
    title="Training",
    question="When in training do distances in the features begin to follow those of the sounds?",
    sweeps=sweeps,
    measure=measure,
    compare=compare,
    headline=headline,
    rule=(
        "Training raises a score if the 95% interval at its last step lies above that at its first step. An encoder is "
        "ahead of random weights if its score is clearly higher than those of the seeds; at most 5% of the marks are "
        "expected to be false (Benjamini and Hochberg)."
    ),
    figures=(
        Figure(
            "scores",
            "Scores through training",
            "Rank correlations of distances in the features with those of the sounds, and linearity, next to random "
            "weights and spectrograms.",
            draw_scores,
            joint=True,
            wide=True,
        ),
        Figure(
            "vowels",
            "Vowel maps",
            "The vowel spaces of up to four encoders, side by side.",
            draw_vowels,
            joint=True,
            folded=True,
            wide=True,
        ),
        Figure(
            "filters",
            "First filters",
            "How strongly each filter of the first layer responds to each frequency.",
            draw_filters,
            joint=True,
            folded=True,
            wide=True,
        ),
    ),
    table=tuple(dict.fromkeys(name for _, name, _ in placed("through_training"))),
    notes=notes,
    controls=controls.all_of,
    default=("formant-base",),
    options=("synthesis", "claims"),
    asks_vowels=True,
    sounds=lambda setting, wanted: (),
    finish=table_lines,
)

if __name__ == "__main__":
    flags.launch(EXPERIMENT)
