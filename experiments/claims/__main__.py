"""The paper's claims as numbers, for every layer of a front end, next to what random weights and spectrograms score.

Writes `claims.csv` (claims in rows; encoders, layers and controls in columns), `claims.md` (the final frames against
their controls), `metrics.json` (everything), and figures: the main scores next to those of the controls, some scores
layer by layer, discrimination next to a listener's, probes by level of noise, first filters, and tuning of channels.

`--encoders=NAME=A+B+C` (or `NAME=PATTERN`) groups trainings of one recipe: then the verdicts hold for further trainings
of that recipe, and not for one encoder only. By default, three encoders and ten encoders with random weights take about
30 minutes of one CPU core, shared by all cores. `--full` takes the paper's own grids, `--quick` a handful of sounds.
"""

import textwrap
from collections.abc import Callable, Mapping, Sequence

from matplotlib.figure import Figure as Drawing

from w2v_jax.front_end import filters as filters_of

from ..experiment import Experiment, Figure
from ..front_ends import controls
from ..hearing import Heard
from ..launch import flags
from ..measures import learned_scale
from ..sentences import listed
from ..store.populations import alone, populations
from ..store.rows import Measurements, Row
from ..vowels import space
from . import curves, figures, small_changes, table, terminal, verdicts
from .layers import NOISE
from .listeners import NOTICEABLE
from .measuring import final_scores, measure, tuning_of
from .questions import chances, questions
from .sounds import SEEDS_ASKED_ALL, grids_for, sweeps_of

NOTES = (
    "Every score is computed from the features, never from a picture. Higher supports the paper's claim, except for "
    "errors in cents and dB. The interval resamples what `over` names. It does not cover other trainings: compare "
    "several of them. With fewer than 20 units it is Student's interval.",
    "`ahead` and `behind` compare populations: trainings with seeds of random weights. A single encoder is tested as "
    "one more draw from the seeds. Over the whole table, at most 5% of the marks are expected to be false (Benjamini "
    "and Hochberg). A difference below 0.005 is never marked. The lines below the table say how many marks the same "
    "comparisons give among random encoders. Scores above 0.995 on both sides are at their ceiling and not compared.",
    "RSA depends on the scale of the parameters: a claim holds if all metrics agree. RSA scores the far order, the "
    "overlap of nearest neighbours the near order. Features may keep one without the other.",
    "A probe reaches R² 0.9 with features that only tell in which fifth of the range a value lies. `inside a range not "
    "heard` asks for the order inside such a range. The values of a range share one fitted map, so the intervals of "
    "probes are somewhat too narrow.",
    f"Probes are fitted on some ranges of a parameter and tested on others. Unless they say otherwise, the features "
    f"get noise of {NOISE:.0%} of their standard deviation; the figure `noise` has other levels.",
    *(f"Just noticeable difference: {each.source}." for each in dict.fromkeys(NOTICEABLE.values())),
    "A tone that repeats after 5 samples (3,200 and 6,400 Hz at 16 kHz) is constant to a first layer with a hop of 5 "
    "samples, and a norm over time removes it. Such tones are left out, and so is the Nyquist frequency, which is "
    "silence.",
    space.NOTE,
    'The "f0" of a vowel of three sines is its lowest frequency. Praat takes it for the pitch in 4 of 20 vowels, since '
    "the others are not its harmonics: the scores of f0 with sines are about a frequency, not a pitch. In the paper, "
    "210 of 5,400 vowels have an F1 above their F2; the sounds of `vowels` leave them out.",
    "A cosine near 1 says little if all sounds are alike: `relative` divides by how far apart other sounds are.",
    learned_scale.NOTE,
    "The paper calls the space of features metric: closer sounds are more alike. `distance of half a just noticeable "
    "difference` tests this: it is the distance of two sounds that a listener cannot tell apart, as a share of the "
    "median distance of unrelated sounds, and should be near 0. A part of it may be the phase at which the frames meet "
    "a sound, so the same is also scored for features averaged over 8 starting phases. Pure tones differ by the "
    "difference of f0 that is just noticeable in vowels. F1 and F2 change one at a time, but higher formants that F2 "
    "would meet change with it.",
    f"The first {SEEDS_ASKED_ALL} encoders with random weights get every score, the others the main scores. A cell "
    "says how many it covers where it does not cover all.",
)


def compare(several: Sequence[Heard], measured: Measurements) -> list[Row]:
    """How every front end, or group of trainings, differs from its controls."""
    return verdicts.compare(final_scores(several), measured)


def headline(measured: Measurements) -> str:
    """In how many of the main scores each is ahead of its controls, and behind."""
    return "\n".join(verdicts.told(measured)) or "No control was compared with these front ends."


def notes(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """What a reader must know."""
    front_ends = [each for each in several if not each.is_control]
    without = [each.name for each in front_ends if filters_of(each.front_end.front_end) is None]
    said = f"The first layer of {listed(without)} has no filters to draw." if without else ""
    return [*NOTES, *([said] if said else [])]


def write_tables(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """Writes `claims.csv` and `claims.md`; returns ten rows of the latter, and where the others are."""
    first = several[0]
    results = first.results
    by_name = {each.name: chances(grids_for(each.setting)) for each in several if not each.is_control}
    told = ["(few sounds, for a first look)", ""] if results.quick else []
    told += [] if first.vowels.is_papers else [f"{first.vowels.said(quick=results.quick)}.", ""]
    lines = list(told)
    for population in populations(measured):
        lines += [*table.markdown(measured, population, chances=by_name[population.members[0]]), ""]
    if saturated := table.saturated_lines(measured):
        lines += ["## Sounds farther apart than the tuning", "", *saturated, ""]
    if scales := table.scale_lines(measured):
        lines += ["## The learned scale by angles", "", *scales, ""]
    # Of one table for all: other sample rates may have other vowels.
    results.save_text("claims", "claims.csv", table.csv_text(measured, chances=by_name[first.name]))
    results.save_text("claims", "claims.md", "\n".join(lines))
    for population in terminal.leading(measured):
        told += [*terminal.lines(measured, population, chances=by_name[population.members[0]]), ""]
    told += [*saturated, ""] if saturated else []
    files = [str(results.path("claims", name)) for name in ("claims.md", "claims.csv")]
    return [
        *told,
        *textwrap.wrap(terminal.LEGEND, 110, break_on_hyphens=False),
        "",
        f"All {len(table.score_names(measured))} scores: {files[0]}. Layer by layer: {files[1]}.",
    ]


def _of_populations(draw: Callable[..., Drawing]) -> Callable[[Sequence[Heard], Measurements], Mapping[str, Drawing]]:
    """A figure of each front end, or group of trainings, next to its controls."""

    def drawn(several: Sequence[Heard], measured: Measurements) -> Mapping[str, Drawing]:
        vowels = several[0].vowels
        return {each.name: draw(each, measured, vowels=vowels) for each in populations(measured)}

    return drawn


def draw_layers(heard: Heard, measured: Measurements) -> Drawing:
    """Some scores through the layers of one front end."""
    return figures.draw_layers(alone(measured, heard.name), measured, vowels=heard.vowels)


def draw_tuning(heard: Heard, measured: Measurements) -> Drawing | None:
    """Tuning of the channels of some layers to pure tones."""
    tuned = tuning_of(heard)
    return figures.draw_tuning(heard.name, tuned, nyquist=heard.frames.nyquist) if tuned else None


def draw_filters(heard: Heard, measured: Measurements) -> Drawing | None:
    """Filters of the first layer, where there are such."""
    filters = filters_of(heard.front_end.front_end)
    if filters is None:
        return None
    return figures.draw_filters(heard.name, filters, sample_rate=heard.frames.sample_rate)


EXPERIMENT = Experiment(
    name="claims",
    title="Claims",
    question="Does each claim of the paper hold, as a score with an interval, next to controls?",
    sweeps=sweeps_of,
    measure=measure,
    compare=compare,
    headline=headline,
    rule=(
        "An encoder is ahead if its score is clearly higher than the control's, or clearly lower for an error. Random "
        "weights are a population of ten seeds. Over the whole table, at most 5% of the marks are expected to be false "
        "(Benjamini and Hochberg). The main scores were chosen before the results were known."
    ),
    figures=(
        Figure(
            "claims",
            "The main scores",
            "Each row is a score of the final frames, with its interval: the encoder, encoders with random weights, "
            "and spectrograms.",
            _of_populations(figures.draw_claims),
            joint=True,
            wide=True,
        ),
        Figure(
            "discrimination",
            "Discrimination",
            "How often a sound is nearer to one of its own kind, by the size of the difference. Star: what a listener "
            "just notices; black line: what they would hear of larger differences.",
            _of_populations(curves.draw_discrimination),
            joint=True,
            folded=True,
            wide=True,
        ),
        Figure(
            "read_off",
            "What is read off",
            "How far off f0, F1 and F2 are after each layer, in contexts that were not heard; dashed: what a listener "
            "just notices.",
            _of_populations(figures.draw_read_off),
            joint=True,
            folded=True,
            wide=True,
        ),
        Figure(
            "small_changes",
            "Small changes",
            "How far two sounds a few cents apart lie, beside unrelated ones. Left of the dotted line a listener hears "
            "one sound: in a space where closer is more alike, the curves are next to nothing there.",
            _of_populations(small_changes.draw),
            joint=True,
            folded=True,
            wide=True,
        ),
        Figure(
            "noise",
            "Probes and noise",
            "R² of a line at held-out values, by how much noise is added to the features.",
            _of_populations(curves.draw_noise),
            joint=True,
            folded=True,
            wide=True,
        ),
        Figure("layers", "Layer by layer", "The same scores after each layer.", draw_layers, folded=True, wide=True),
        Figure(
            "tuning",
            "Tuning curves",
            "How strongly each channel responds to tones of each frequency.",
            draw_tuning,
            folded=True,
            wide=True,
        ),
        Figure(
            "filters",
            "First filters",
            "Frequency responses of the filters of the first layer.",
            draw_filters,
            folded=True,
            wide=True,
        ),
    ),
    table=tuple(dict.fromkeys(name for _, name, question in questions() if question.leads)),
    notes=notes,
    controls=controls.all_of,
    default=("formant-base",),
    options=("synthesis", "claims", "learned_scale"),
    asks_vowels=True,
    sounds=lambda setting, wanted: (),
    errors=(learned_scale.RangeError,),
    finish=write_tables,
)

if __name__ == "__main__":
    flags.launch(EXPERIMENT)
