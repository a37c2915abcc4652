"""Diphthongs (from the authors' code, not in the paper).

Writes the sweep `diphthongs` (frame by frame), and its frames placed on a UMAP picture of the vowel space (the
`vowel_space` of `formants`, which is read, or made). Unless f0 is a multiple of the frame rate, the frames of even a
steady sound see many phases, and the paths zigzag: so the closing diphthongs are made at such a multiple, too
(`diphthongs_at_frame_rate`).
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from ..experiment import Experiment, Figure, Sounds
from ..hearing import Heard, Setting
from ..launch import flags
from ..measures import map_order
from ..store.rows import Measurements
from . import figures
from .measuring import (
    BEGIN,
    COSINE,
    END,
    FRAMES,
    MOVING,
    MOVING_AT_FRAME_RATE,
    ONE_FRAME,
    STEADY,
    STEADY_AT_FRAME_RATE,
    closing,
    diphthong,
    each_speaker,
    join,
    measure,
    sweeps,
    vowels_of,
)

NOTES = (
    "In the figures, UMAP is fitted to the steady vowels, averaged over time. Single frames of the diphthongs are "
    "placed on that map afterwards.",
    "The shares in the table compare the mean of a diphthong's first and last tenth with the steady vowels that it "
    "starts and ends on: the points of the vowel space nearest to them in F1 and F2.",
    f"{map_order.note('F1 and F2')} These numbers are of the steady vowels, in grey, that the map is fitted to.",
    map_order.NOTE,
)


def notes(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """What a reader must know, and of whom there is too little to tell."""
    return [
        *NOTES,
        *(
            f"{row.encoder} makes one frame of a diphthong, so its beginning and its end cannot be compared."
            for row in measured.select(FRAMES)
            if row.value == 1
        ),
    ]


def headline(measured: Measurements) -> str:
    """How many diphthongs begin and end where they should."""
    begin, end = (
        {name: row.value for name, row in measured.known(quantity).items() if row.value is not None}
        for quantity in (BEGIN, END)
    )
    if not begin:
        why = next((row.undefined for row in measured.select(BEGIN)), ONE_FRAME)
        return f"The beginnings and ends of diphthongs have no score: {why}."
    name = next(iter(begin))
    of = (dict(row.parameters) for row in measured.select(COSINE, encoder=name, tenth="first", to="start"))
    count = sum(each["start"] != each["end"] for each in of)
    began, ended = ({name: round(share * count) for name, share in shares.items()} for shares in (begin, end))
    told = f"{began[name]} of {count} diphthongs begin, and {ended[name]} of {count} end, nearer the right vowel"
    others = [f"for {each}, {began[each]} begin and {ended[each]} end there" for each in began if each != name]
    return f"{'; '.join([f'For {name}, {told}', *others])} (chance: half of them)."


RULE = (
    "A diphthong begins nearer the right vowel if its first tenth is nearer, by cosine, to the steady vowel that it "
    "starts on than to the one that it ends on. It ends nearer the right vowel if its last tenth is nearer to the "
    "latter."
)


def sounds(setting: Setting, wanted: Literal["some", "all"]) -> list[Sounds]:
    """Every diphthong, or those that are drawn by themselves."""
    names: list[tuple[str, str]] = []
    keep: list[int] = []
    for _, speaker, vowels, _ in each_speaker(setting.results, lambda vowels: len(vowels) ** 2):
        drawn = set(closing(vowels))
        for start, end in np.ndindex(len(vowels), len(vowels)):
            if wanted == "all" or (start, end) in drawn:
                keep.append(len(names))
            names.append((speaker, f"{vowels[start].symbol}-{vowels[end].symbol}"))
    grid = join(list(vowels_of(setting.results).values()), f0=setting.results.vowels.one_f0)
    points = {name: values[keep] for name, values in grid.points().items()}
    return [Sounds(MOVING, points, diphthong, tuple(names[row] for row in keep))]


EXPERIMENT = Experiment(
    name="diphthongs",
    title="Diphthongs",
    question="How do gliding vowels move on the map of steady ones?",
    asks_vowels=True,
    in_paper=True,
    sweeps=sweeps,
    measure=measure,
    headline=headline,
    rule=RULE,
    figures=(
        Figure(
            "closing_at_frame_rate",
            "Closing diphthongs at a multiple of the frame rate",
            "The grey net is the map of steady vowels; the dots are the frames of one gliding vowel, from dark to "
            "light. At this f0 every frame sees the same phase.",
            figures.draw_closing_at_frame_rate,
            wide=True,
        ),
        Figure(
            "closing",
            "The same at the f0 of the vowels",
            "Where f0 is not a multiple of the frame rate, frames see several phases in turn, and the paths zigzag "
            "between them.",
            figures.draw_closing_at_own_f0,
            folded=True,
            wide=True,
        ),
        Figure(
            "diphthongs",
            "All diphthongs",
            "A panel for each start vowel: the paths from it to every end vowel, from dark to light.",
            figures.draw_diphthongs,
            folded=True,
            wide=True,
        ),
    ),
    maps=(figures.map_of(MOVING, STEADY), figures.map_of(MOVING_AT_FRAME_RATE, STEADY_AT_FRAME_RATE)),
    table=(BEGIN, END),
    notes=notes,
    sounds=sounds,
)


if __name__ == "__main__":
    flags.launch(EXPERIMENT)
