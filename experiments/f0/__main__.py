"""Section 3.3 of the paper: fundamental frequency and DC offset.

Writes the sweeps `bias`, `pure_tones` and `scale_tones`, the bias heat map, the UMAP picture of pure tones, and the
frequency scale that the front end has learned, next to known ones: the paper's two curves, and one by angles over small
steps, from `--lowest` to `--highest`.
"""

from collections.abc import Sequence

from w2v_jax.scores.frequency_scale import SCALES

from ..draw.figures import AS_A_FIGURE
from ..experiment import Experiment, Figure, Map, Parameter, Published
from ..front_ends.paper import model_of, prints_as
from ..hearing import Heard
from ..launch import flags
from ..measures import learned_scale, map_order
from ..sentences import listed
from ..store.rows import Measurements
from . import figures
from .measuring import BIAS_COSINE, BIAS_LEAST, PURE_TONES, RMS, ZEROS, measure, sweeps

_MOST_CLAUSES = 6  # of the headline
UNMOVED = 0.005  # cosine distance, below which a DC offset counts as leaving a tone where it is

NOTES = (
    "In the figure of the frequency scale, the curve as published adds up 2 - cos, as the paper's figure does. The "
    "constant 1 in every step makes it almost a straight line, whatever the encoder does. The corrected curve adds up "
    "the cosine distance 1 - cos, as the paper's text defines it. For a small step this is about the square of the "
    "step, for a large one about 1: the curve shows the size of the steps as much as the scale of the encoder.",
    learned_scale.NOTE,
    f"{map_order.note('log frequency')} A tone at the Nyquist frequency is left out of these numbers.",
    map_order.NOTE,
)


def notes(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """What a reader must know, which depends on what the sample rates hold."""
    highest = float(PURE_TONES.axis("frequency")[-1])
    at_nyquist = [each.name for each in several if each.frames.nyquist == highest]
    first = []
    if at_nyquist:
        first.append(
            f"The last pure tone, {highest:,.0f} Hz, is at the Nyquist frequency of {listed(at_nyquist)}: with zero "
            "phase its samples are 0 but for rounding, so its features are those of silence. The dashed curves of the "
            "frequency scale leave it out."
        )
    return [
        *first,
        *NOTES,
        *(
            f"{each.name} hears {each.frames.sample_rate:,} samples a second: the pure tones above "
            f"{each.frames.nyquist:,.0f} Hz are left out, since that rate cannot hold them."
            for each in several
            if each.frames.nyquist < highest
        ),
        *(
            f"{name}: the features of {row.value:g} sounds are zeros, which have no direction: what would need one is "
            "left empty."
            for name, row in measured.known(ZEROS).items()
            if row.value
        ),
    ]


def headline(measured: Measurements) -> str:
    """Which frequency scale the spacing of tones is nearest to, and what follows; whether a DC offset moves tones."""
    least = {name: row.value for name, row in measured.known(BIAS_LEAST).items() if row.value is not None}
    still = {name: cosine for name, cosine in least.items() if 1 - cosine < UNMOVED}
    parts = [_spacing(measured)]
    if still:
        parts.append(
            f"Adding a DC offset does not change a tone's features for {listed(list(still))} (lowest cosine "
            f"{min(still.values()):.2f})."
        )
    if moved := [f"{name} (lowest cosine {cosine:.2f})" for name, cosine in least.items() if name not in still]:
        parts.append(f"Adding a DC offset changes a tone's features for {listed(moved)}.")
    return " ".join(parts)


def _spacing(measured: Measurements) -> str:
    """Which scales tones are spaced by, a clause for each front end; a sentence for each range of tones."""
    clauses: dict[tuple[float, float], list[str]] = {}
    for name in measured.encoders:
        lowest, highest = learned_scale.range_of(measured, name)
        label = f"{name} (control)" if name in measured.controls else name
        words = learned_scale.said(measured, name)
        if follows := _follows(learned_scale.nearest_scales(measured, name), lowest, highest):
            words += f", so that {follows}"
        clauses.setdefault((lowest, highest), []).append(f"{label}: {words}")
    known = listed(list(SCALES))
    return " ".join(
        f"Spacing of tones from {lowest:,.0f} to {highest:,.0f} Hz (compared with {known}): {_joined(said)}."
        for (lowest, highest), said in clauses.items()
    )


def _joined(clauses: Sequence[str]) -> str:
    left_out = [f"{len(clauses) - _MOST_CLAUSES} more in the table"] if len(clauses) > _MOST_CLAUSES else []
    return "; ".join([*clauses[:_MOST_CLAUSES], *left_out])


def _follows(scales: Sequence[str], lowest: float, highest: float) -> str:
    """What all of the nearest scales say of a step, where tones from `lowest` to `highest` Hz can show it; else ""."""
    if not scales or lowest > 100 or highest < 1_000:
        return ""
    if list(scales) == ["Hz"]:
        return "a step of 100 Hz is about as large at 1,000 Hz as at 100 Hz, unlike in hearing"
    if list(scales) == ["log Hz"] and highest >= 2_000:
        return "an octave is about as large at 1,000 Hz as at 100 Hz"
    return "" if "Hz" in scales else "a step of 100 Hz is smaller at 1,000 Hz than at 100 Hz, as in hearing"


RULE = (
    "The spacing adds up the angles between neighbouring tones. Of the known scales, the nearest has the highest R²; "
    "it cannot be told apart from those whose 95% intervals overlap its own. What follows for a step of 100 Hz is said "
    "only where the tones reach from 100 to 1,000 Hz and all of the nearest scales agree. The nearest may still fit "
    "badly: read its R². Too coarse to tell: more than one step in ten is too large; take a smaller --step. A DC "
    f"offset does not change a tone's features if every cosine distance is below {UNMOVED:g}. An encoder with a group "
    "norm removes an offset, trained or not."
)


def published(measured: Measurements) -> list[Published]:
    """The paper's heat map of DC offsets (section 3.3, first figure: Base, all 25 cells are 1) next to ours."""
    compared = []
    for name, about in measured.encoders.items():
        if model_of(about.source) == "Base":
            cosines = measured.array(BIAS_COSINE, encoder=name).tolist()
            farthest = max(cosines, key=lambda cosine: abs(cosine - 1))
            agrees = all(prints_as(cosine, "1", digits=2) for cosine in cosines)
            quantity = f"bias, {len(cosines)} cells (ours: the farthest)"
            compared.append(Published(name, quantity, "1", farthest, agrees))
    return compared


EXPERIMENT = Experiment(
    name="f0",
    title="Frequency and DC offset",
    question="How are frequencies spaced, and does a DC offset matter?",
    options=("learned_scale",),
    in_paper=True,
    sweeps=sweeps,
    measure=measure,
    headline=headline,
    rule=RULE,
    figures=(
        Figure(
            "frequency_scale",
            "The frequency scale",
            "Distances between neighbouring tones, added up along frequency and scaled to end at 1. A curve on top of "
            "Mel or Bark spaces tones as ears do. The left panel adds a constant, as the paper does. What came out is "
            "read off the right one, whose R² also has ERB, which is not drawn.",
            figures.draw_scale,
            wide=True,
        ),
        Figure(
            "bias",
            "A DC offset",
            "Each cell is the cosine distance between a tone with a DC offset and the same tone without: 0 where the "
            "offset changes nothing.",
            figures.draw_bias,
        ),
        Figure("pure_tones", "Pure tones, as a figure", AS_A_FIGURE, figures.draw_pure_tones, folded=True),
    ),
    maps=(
        Map(
            "pure_tones",
            "Pure tones",
            "Each point is a pure tone. Along a smooth line, neighbouring tones are alike to the encoder. Where it "
            "folds or breaks, tones far apart in frequency are alike, or close ones are not.",
            figures.place_tones,
            parameters=(Parameter("frequency", "Frequency", "Hz"),),
            colour="frequency",
            colour_title="Frequency (Hz)",
            sounds="tones",
            of=figures.caption,
            sound=lambda points: {"kind": "sines", "frequencies": ["frequency"], "amplitudes": [1.0]},
            labels=figures.labels,
            silent=figures.silent,
        ),
    ),
    table=(learned_scale.FIT, BIAS_LEAST, RMS),
    notes=notes,
    published=published,
    errors=(learned_scale.RangeError,),
)


if __name__ == "__main__":
    flags.launch(EXPERIMENT)
