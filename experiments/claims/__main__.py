"""The paper's claims as numbers, for every layer of a front end, next to what random weights and spectrograms score.

Writes `claims.csv` (claims in rows; encoders, layers and controls in columns), `claims.md` (the final frames against
their controls), `metrics.json` (everything), and figures: the main scores next to their controls', some layer by layer,
discrimination beside a listener's, probes by level of noise, first filters, and the tuning of channels.

`--encoders=NAME=A+B+C` (or `NAME=PATTERN`) takes trainings of one recipe as one: then what is said of training is said
of other trainings, and not of one. By default the grids are thinned so that three encoders with ten encoders of random
weights take a quarter of an hour on two CPU cores; `--full` takes the paper's own, `--quick` a handful of sounds.
"""

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
from . import curves, figures, small_changes, table, verdicts
from .layers import NOISE
from .listeners import NOTICEABLE
from .measuring import final_scores, measure, tuning_of
from .questions import chances, questions
from .sounds import SEEDS_ASKED_ALL, grids_for, sweeps_of

NOTES = (
    "Every score is computed in the space of the features, never on a picture, and higher is what the paper's claim "
    "would have. An interval is over other values of what `over` names, and says nothing of other trainings: see "
    "the trainings side by side. Of fewer than 20 units it is Student's.",
    "`ahead` and `behind`: against random weights both are populations, of trainings and of seeds, and one encoder is "
    "asked whether it is one more draw. Marks hold a false discovery rate of 5% over the whole table (Benjamini and "
    "Hochberg), and a difference below 0.005 is none. What the same comparisons mark among the random encoders is "
    "printed below the table. Scores above 0.995 on both sides are at their ceiling, and left out.",
    "RSA depends on how parameters are measured: a claim needs all metrics to agree. It is a score of the far order; "
    "the overlap of nearest neighbours is one of the near order, and features may have either without the other.",
    "A probe's R^2 is mostly about ranges: features that only tell in which fifth a value lies have 0.9. `inside a "
    "range not heard` asks for the order inside. The values of a range share one fitted map, so that the intervals of "
    "probes are rather too narrow.",
    f"Probes are fitted on ranges of a parameter and asked about others, with noise of {NOISE:.0%} of the features' "
    "own deviation, unless they say otherwise; `noise` draws other levels.",
    *(f"A just noticeable difference: {each.source}." for each in dict.fromkeys(NOTICEABLE.values())),
    "A tone that repeats after 5 samples (3,200 and 6,400 Hz at 16 kHz) is constant to a first layer that moves by 5 "
    "samples; where that layer is normalised over time, the tone is gone. Such tones are left out, as is the Nyquist "
    "frequency, which is silence.",
    space.NOTE,
    'The "f0" of a vowel is the lowest of three sines. Praat hears it as the pitch in 4 of 20: the others are not its '
    "harmonics, so that what is read off here is a frequency rather than a pitch. Of the paper's 5,400 vowels 210 have "
    "an F1 above their F2; the sounds of `vowels` here leave such out.",
    "A cosine near 1 says little where all sounds are alike: `relative` divides by how far apart other sounds are.",
    learned_scale.NOTE,
    "The paper calls the space of features metric: closer is more alike. `distance of half a just noticeable "
    "difference` tests it: it is the distance of two sounds that are one to a listener, as a share of the median "
    "distance of unrelated sounds, and should be near 0. Much of it may be the phase at which the frames meet a sound: "
    "the same is asked of features averaged over 8 starting phases. Pure tones are held against the difference of f0 "
    "that is noticed in vowels. F1 and F2 are moved alone, but for the higher formants that F2 would meet.",
    f"Of the encoders with random weights the first {SEEDS_ASKED_ALL} are asked about small changes and the learned "
    "scale.",
)


def compare(several: Sequence[Heard], measured: Measurements) -> list[Row]:
    """How every front end, or group of trainings, differs from its controls."""
    return verdicts.compare(final_scores(several), measured)


def headline(measured: Measurements) -> str:
    """In how many of the main scores each is ahead of its controls, and behind."""
    return "\n".join(verdicts.told(measured)) or "None of these front ends was compared with controls."


def notes(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """What a reader must know."""
    asked = [each for each in several if not each.is_control]
    without = [each.name for each in asked if filters_of(each.front_end.front_end) is None]
    said = f"There is no figure of the first layer's filters of {listed(without)}, which has none." if without else ""
    return [*NOTES, *([said] if said else [])]


def write_tables(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """Writes `claims.csv` and `claims.md`, and returns the latter's lines."""
    first = several[0]
    results = first.results
    by_name = {each.name: chances(grids_for(each.setting)) for each in several if not each.is_control}
    lines = ["(--quick: a handful of sounds; for a first look)", ""] if results.quick else []
    lines += [] if first.vowels.is_papers else [f"{first.vowels.said(quick=results.quick)}.", ""]
    for population in populations(measured):
        lines += [*table.markdown(measured, population, chances=by_name[population.members[0]]), ""]
    if saturated := table.saturated_lines(measured):
        lines += ["## Sounds farther apart than the tuning", "", *saturated, ""]
    if scales := table.scale_lines(measured):
        lines += ["## The learned scale by angles", "", *scales, ""]
    # Of one table for all: other sample rates may have other vowels.
    results.save_text("claims", "claims.csv", table.csv_text(measured, chances=by_name[first.name]))
    results.save_text("claims", "claims.md", "\n".join(lines))
    return ["", *lines, f"Everything, layer by layer: {results.path('claims', 'claims.csv')}."]


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
        "Ahead is higher, or lower where the score is an error. Random weights are ten draws, and so are several "
        "trainings; at most 5% of all that is marked is expected to be by chance (Benjamini and Hochberg). The main "
        "scores were named beforehand."
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
            "How strongly channels answer tones of each frequency.",
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
