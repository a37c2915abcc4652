"""What is read of f0, formants and intensity off the frames of voices that were not heard before."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import numpy as np

from w2v_jax import scores
from w2v_jax.scores import Score
from w2v_jax.scores.bootstrap import Bootstrap
from w2v_jax.scores.reading import Unit

from ..store import rows
from ..store.rows import Cell
from .frames_and_measures import Layout
from .tokens import Tokens, all_known

READ = ("f0", "f1", "f2", "intensity")
UNITS: dict[str, Unit] = {"f0": "cents", "f1": "cents", "f2": "cents", "intensity": "dB"}
VOICES_HELD_OUT = 5  # groups of speakers, or one of each where there are fewer
NOISE = 0.1  # of the features' deviation
FRAMES_READ = 1000  # as many as a decodability takes
MOST_FOLDS = 20
LEAST_VOICES = 3


def rows_to_read(
    layout: Layout, measures: Mapping[str, np.ndarray], tokens: Tokens | None, *, most: int = FRAMES_READ
) -> np.ndarray:
    """The frames that parameters are read off: voiced, with every measure, within tokens where there are any.

    At most `most`, as many of each speaker as can be, evenly over what there is of each.
    """
    known = all_known(measures, *READ)
    if tokens is not None:
        within = np.zeros(len(known), bool)
        for first, stop in zip(tokens.first, tokens.stop, strict=True):
            within[first:stop] = True
        known &= within
    speaker = speakers_of(layout, tokens)
    known &= speaker >= 0
    rows = [np.flatnonzero(known & (speaker == each)) for each in np.unique(speaker)]
    rows = sorted((each for each in rows if len(each)), key=len)
    chosen: list[np.ndarray] = []
    left = most
    for index, each in enumerate(rows):  # those of few frames first: what they leave goes to the others
        share = max(1, left // (len(rows) - index))
        if len(each) > share:
            each = each[np.linspace(0, len(each) - 1, share).round().astype(int)]
        chosen.append(each)
        left -= len(each)
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, int)


def speakers_of(layout: Layout, tokens: Tokens | None = None) -> np.ndarray:
    """The number of the speaker of each frame, (frames,); -1 where tokens of two speakers overlap.

    Args:
        layout: the recordings' frames.
        tokens: they may say who speaks, where a file has several speakers.
    """
    numbers = {speaker: number for number, speaker in enumerate(layout.session.speakers)}
    of_file = [numbers.get(file.speaker, -1) for file in layout.session.files]
    speaker_of_frame = np.array(of_file, int)[layout.file_of]
    if tokens is None or not tokens.spoken_by:
        return speaker_of_frame
    said = np.zeros(len(speaker_of_frame), bool)
    for first, stop, speaker in zip(tokens.first, tokens.stop, tokens.spoken_by, strict=True):
        number = numbers[speaker]
        at_once = said[first:stop] & (speaker_of_frame[first:stop] != number)
        speaker_of_frame[first:stop] = np.where(at_once, -1, number)
        said[first:stop] = True
    return speaker_of_frame


def folds_of(speaker: np.ndarray) -> np.ndarray:
    """Which fold each frame is in: that of its speaker; of many speakers, several share one."""
    _, number = np.unique(speaker, return_inverse=True)
    return number % MOST_FOLDS


@dataclasses.dataclass(frozen=True, eq=False)
class Voiced:
    """Frames of voices with Praat's measures, which are read off them.

    Attributes:
        frames: (frames, channels), of all recordings.
        measures: Praat's, (frames,) each.
        rows: which frames are read.
        speaker: of every frame.
        bootstrap: of the intervals.
    """

    frames: np.ndarray
    measures: Mapping[str, np.ndarray]
    rows: np.ndarray
    speaker: np.ndarray
    bootstrap: Bootstrap | None = None

    @property
    def folds(self) -> np.ndarray:
        """The fold of each row."""
        return folds_of(self.speaker[self.rows])


def linearity(voiced: Voiced) -> dict[str, Cell]:
    """Decodability of each of `READ`, each speaker by a map that was fitted on the others."""
    folds = voiced.folds
    kept = np.isin(folds, np.flatnonzero(np.bincount(folds) > 1))  # a fold has at least two frames
    chosen, groups = voiced.rows[kept], folds[kept]
    features = np.asarray(voiced.frames[chosen], np.float64)

    def one(name: str) -> Score:
        # One by one: a parameter that does not vary leaves the others as they are.
        values = {name: voiced.measures[name][chosen]}
        return scores.decodability(features, values, groups=groups, bootstrap=voiced.bootstrap)[name]

    return _of_each(one, folds)


def errors(voiced: Voiced) -> dict[str, Cell]:
    """How far off each of `READ` is, in its `UNITS`, read by kernel ridge regression on other speakers.

    Lower is better. It needs as many speakers as `linearity`.
    """
    folds = voiced.folds
    features = np.asarray(voiced.frames[voiced.rows], np.float64)

    def one(name: str) -> Score:
        values = np.asarray(voiced.measures[name][voiced.rows], np.float64)
        values = 10 ** (values / 20) if UNITS[name] == "dB" else values  # Praat's intensity is a level
        of_all = scores.read_off(
            features,
            {name: values},
            {"voice": folds},
            unit=UNITS[name],
            noise=NOISE,
            groups=VOICES_HELD_OUT,
            units=folds,
            bootstrap=voiced.bootstrap,
        )
        return of_all[name]

    return _of_each(one, folds)


def _of_each(score: Callable[[str], Score], folds: np.ndarray) -> dict[str, Cell]:
    if (count := len(np.unique(folds))) < LEAST_VOICES:
        told = (
            f"the voiced frames come from {count} speaker{'s' * (count != 1)} or file{'s' * (count != 1)}; expected at "
            f"least {LEAST_VOICES}, to hold one out at a time"
        )
        return dict.fromkeys(READ, told)
    return {name: rows.attempted(functools.partial(score, name)) for name in READ}
