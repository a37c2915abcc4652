"""Section 3.4 of the paper: formants.

Writes the sweeps `vowel_space`, `vowel_space_by_f0` and `vowel_space_source_filter` (and `vowel_space_fine` with
`--fine`), the vowel space of each encoder drawn by UMAP, the same at six fundamental frequencies, the vowel space of
resonances next to that of the paper's sines, and the linear CKA between encoders, with its baselines: encoders with
random weights, and log-mel. `vowel_space_by_layer` compares each layer with log-mel.
"""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np

from ..draw.figures import AS_A_FIGURE
from ..experiment import Experiment, Figure, Published, Sounds
from ..front_ends.named import NamedFrontEnd
from ..front_ends.paper import model_of, prints_as
from ..hearing import Heard, Setting
from ..launch import flags
from ..measures import alignment, layer_alignment, map_order
from ..sentences import next_to_controls
from ..store import rows
from ..store.rows import Measurements
from ..vowels import space, vowel_maps
from ..vowels.space import BY_F0, ONE_F0, RESONANCES
from . import figures
from .measuring import BOTH_KINDS, KINDS, LINEAR_PROBE, NEIGHBOURS, ORDER, STEP, compare, measure, sweeps, syntheses

_STEP_NOTE = "In the table, mean cosine distances between neighbours are along one parameter, with the others fixed."
_RESONANCES_NOTE = (
    "`vowel_space_source_filter` has the vowels of `vowel_space` with resonances: a glottal pulse at f0 through ten "
    "formants. Vowels of one f0 get the same scores for both kinds of sound."
)
_MAP_NOTE = map_order.note("F1 and F2 (and f0 where it varies)")

# Section 3.4: linear CKA on the vowel space by f0, as printed.
PAPERS_CKA = {
    frozenset({"Base", "Large"}): "0.9350568",
    frozenset({"Base", "XLS-R"}): "0.8245917",
    frozenset({"Large", "XLS-R"}): "0.8295691",
}
_CKA_DIGITS = 7


def controls(front_ends: Sequence[NamedFrontEnd]) -> dict[NamedFrontEnd, tuple[str, ...]]:
    """The baselines of CKA, each with the names of those that it is a baseline of."""
    of: dict[NamedFrontEnd, tuple[str, ...]] = {}
    for each, several in alignment.baselines_of(front_ends).items():
        for control in several:
            of[control] = (*of.get(control, ()), each.name)
    return of


def notes(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """What a reader must know, and what was left out."""
    kinds = syntheses(several[0].setting)
    without = [f"Vowels as {each} were left out (--synthesis)." for each in KINDS if each not in kinds]
    without += [f"{row.encoder}, {STEP}: {row.undefined}." for row in measured.select(STEP) if row.value is None]
    resonances = [_RESONANCES_NOTE] if "resonances" in kinds else []
    if "sines" not in kinds:
        return [*without, _STEP_NOTE, *resonances, _MAP_NOTE, map_order.NOTE]
    of_cka = [alignment.NOTE, layer_alignment.NOTE]
    of_maps = [_MAP_NOTE, map_order.NOTE]
    return [*without, space.NOTE, _STEP_NOTE, *resonances, *of_cka, *of_maps, *alignment.undefined_notes(measured)]


def headline(measured: Measurements) -> str:
    """Whether distances follow F1 and F2, next to the controls, and how alike front ends are."""
    sentences: list[str] = []
    for kind, words in (("sines", "sums of sines"), ("resonances", "voices")):
        told = next_to_controls(measured, ORDER, above="more closely than", below="less closely than", sounds=kind)
        what = (
            "the rank correlation is"
            if sentences
            else ("distances between vowels of one f0 follow distances in F1 and F2 with a rank correlation of")
        )
        sentences += [f"For {words}, {what} {told}."] if told else []
    return " ".join(filter(None, [*sentences, alignment.said(measured)]))


def published(measured: Measurements) -> list[Published]:
    """The paper's CKA, of its own vowels: next to that of others it would mislead."""
    if measured.settings.get("vowels"):
        return []
    compared = []
    for row in measured.select(alignment.LINEAR):
        names = list(rows.names_in(row))
        models = frozenset(model for name in names if (model := model_of(measured.encoders[name].source)))
        printed = PAPERS_CKA.get(models)
        if printed is not None and row.value is not None:
            agrees = None if measured.quick else prints_as(row.value, printed, digits=_CKA_DIGITS)
            compared.append(Published(", ".join(names), "linear CKA", printed, row.value, agrees))
    return compared


def sounds(setting: Setting, which: Literal["some", "all"]) -> list[Sounds]:
    """All that is heard; or the vowels of the table, as sines and as resonances, at every f0 that was asked for, else
    each at its own, where the table has one."""
    if which == "all":
        several = (space.SINES_SWEEP, space.BY_F0_SWEEP, space.RESONANCES_SWEEP)
        return [Sounds(each.name, each.grid_for(setting).points(), each.stimulus) for each in several]
    choice = setting.results.vowels
    vowels = [vowel for speaker in choice.speakers for vowel in choice.of(speaker)]
    each_at = [(vowel, f0) for vowel in vowels for f0 in choice.f0 or (vowel.f0 or choice.one_f0,)]
    points = {
        "f0": np.array([f0 for _, f0 in each_at], np.float32),
        "f1": np.array([vowel.f1 for vowel, _ in each_at], np.float32),
        "f2": np.array([vowel.f2 for vowel, _ in each_at], np.float32),
    }
    names = tuple((vowel.speaker, vowel.symbol) for vowel, _ in each_at)
    return [
        Sounds("vowels", points, space.vowel, names),
        Sounds("vowels_source_filter", points, space.source_filter_vowel, names),
    ]


EXPERIMENT = Experiment(
    name="formants",
    title="Formants",
    question="Where do vowels lie, and do neighbouring vowels stay neighbours?",
    options=("formants", "synthesis"),
    asks_vowels=True,
    in_paper=True,
    sweeps=sweeps,
    measure=measure,
    compare=compare,
    headline=headline,
    rule="More closely or less closely: the intervals of the two do not overlap.",
    controls=controls,
    figures=(
        Figure(
            "cka",
            "How alike two encoders are",
            "Linear CKA: 1 where two encoders place vowels alike but for rotation and scale; above the diagonal it is "
            "debiased. Encoders with random weights are alike, too: compare with those beyond the line.",
            figures.draw_cka,
            joint=True,
        ),
        Figure(
            "cka_layers",
            "How alike each layer is to log-mel",
            "Debiased linear CKA of each layer with a log-mel spectrogram of the same vowels, next to that of an "
            "encoder with random weights.",
            figures.draw_cka_by_layer,
            joint=True,
        ),
        Figure(ONE_F0, "Vowels of one f0, as a figure", AS_A_FIGURE, figures.draw_one_f0, folded=True),
        Figure(BY_F0, "Vowels of several f0, as a figure", AS_A_FIGURE, figures.draw_by_f0, folded=True, wide=True),
        Figure(
            RESONANCES,
            "Sines and resonances, as a figure",
            AS_A_FIGURE,
            figures.draw_resonances,
            folded=True,
            wide=True,
        ),
        *(
            Figure(stem, "All encoders", AS_A_FIGURE, draw, joint=True, at_least=2, on_page=False)
            for stem, draw in (
                (ONE_F0, figures.draw_one_f0),
                (BY_F0, figures.draw_by_f0),
                (RESONANCES, figures.draw_resonances),
            )
        ),
    ),
    maps=(
        figures.map_of(
            ONE_F0,
            "Vowels of one f0, as sums of sines",
            "Each point is a vowel: three sines, at f0, F1 and F2. If an encoder keeps the order of vowels, the map "
            "looks like a vowel chart: F2 grows to the left, F1 downwards.",
            vowel_maps.sines,
        ),
        dataclasses.replace(
            figures.map_of(
                BY_F0,
                "Vowels of several f0, as sums of sines",
                "The same vowels at several f0, each a colour. Sheets that lie apart mean that the encoder tells f0 "
                "before it tells vowels.",
                vowel_maps.sines,
            ),
            colour="f0",
            colour_title="f0 (Hz)",
            labels=None,
        ),
        figures.map_of(
            RESONANCES,
            "Vowels of one f0, as resonances",
            "The same vowels as a voice makes them: harmonics of f0 through resonances at F1, F2 and above.",
            vowel_maps.resonances,
        ),
    ),
    table=(STEP, LINEAR_PROBE, ORDER, NEIGHBOURS, BOTH_KINDS),
    notes=notes,
    published=published,
    sounds=sounds,
)


if __name__ == "__main__":
    flags.launch(EXPERIMENT)
