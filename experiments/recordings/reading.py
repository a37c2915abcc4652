"""What the frames of recordings know of f0, formants and intensity, and how near recorded vowels lie to synthesised."""

import functools
from collections.abc import Mapping

import numpy as np

from w2v_jax import scores
from w2v_jax.scores import Score, UndefinedScoreError
from w2v_jax.scores._distances import directions
from w2v_jax.scores.bootstrap import Bootstrap, mean_score
from w2v_jax.scores.reading import Unit

from ..store import cells
from ..store.cells import Cell
from .frames_and_measures import Layout
from .tokens import Tokens, all_known

READ = ("f0", "f1", "f2", "intensity")
UNITS: dict[str, Unit] = {"f0": "cents", "f1": "cents", "f2": "cents", "intensity": "dB"}
VOICES_HELD_OUT = 5  # groups of speakers, or one of each where there are fewer
NOISE = 0.1  # of the features' deviation
EQUAL_F0 = 50.0  # cents: of so wide a band tokens are said to have one f0
FRAMES_READ = 1000  # as many as a decodability takes
MOST_FOLDS = 20
CHANCE = 0.5

AT_EQUAL_F0 = "among those of equal f0"

# How nearness is asked: among which tokens, and whether the mean of the recorded and of the synthesised is taken away.
NEARNESS: dict[str, tuple[bool, bool]] = {
    "among all": (False, False),
    "among all, less the mean": (False, True),
    "among the same speaker's": (True, False),
    "among the same speaker's, less the mean": (True, True),
}


def rows_to_read(layout: Layout, measures: Mapping[str, np.ndarray], tokens: Tokens | None) -> np.ndarray:
    """The frames that parameters are read off: voiced, with every measure, within tokens where there are any.

    At most `FRAMES_READ`, as many of each speaker as can be, evenly over what there is of each.
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
    left = FRAMES_READ
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
    found = np.array(of_file, int)[layout.file_of]
    if tokens is None or not tokens.spoken_by:
        return found
    said = np.zeros(len(found), bool)
    for first, stop, speaker in zip(tokens.first, tokens.stop, tokens.spoken_by, strict=True):
        number = numbers[speaker]
        at_once = said[first:stop] & (found[first:stop] != number)
        found[first:stop] = np.where(at_once, -1, number)
        said[first:stop] = True
    return found


def folds_of(speaker: np.ndarray) -> np.ndarray:
    """Which fold each frame is in: that of its speaker; of many speakers, several share one."""
    _, number = np.unique(speaker, return_inverse=True)
    return number % MOST_FOLDS


def read_off(
    frames: np.ndarray, measures: Mapping[str, np.ndarray], rows: np.ndarray, speaker: np.ndarray
) -> dict[str, Cell]:
    """Decodability of each of `READ`, each speaker by a map that was fitted on the others.

    Args:
        frames: (frames, channels), of all recordings.
        measures: Praat's, (frames,) each.
        rows: which frames are read.
        speaker: of every frame.
    """
    folds = folds_of(speaker[rows])
    if (count := len(np.unique(folds))) < 3:
        told = f"voiced frames are of {count} speakers or files; expected at least 3, to hold one out at a time"
        return dict.fromkeys(READ, told)
    kept = np.isin(folds, np.flatnonzero(np.bincount(folds) > 1))  # a fold has at least two frames
    rows, folds = rows[kept], folds[kept]
    features = np.asarray(frames[rows], np.float64)

    def one(name: str) -> Score:
        # One by one: a parameter that does not vary leaves the others as they are.
        return scores.decodability(features, {name: measures[name][rows]}, groups=folds)[name]

    return {name: cells.attempted(functools.partial(one, name)) for name in READ}


def off_by(
    frames: np.ndarray, measures: Mapping[str, np.ndarray], rows: np.ndarray, speaker: np.ndarray
) -> dict[str, Cell]:
    """How far off each of `READ` is, in its `UNITS`, read by kernel ridge regression on other speakers.

    Arguments are those of `read_off`, and so is what is too little; lower is better.
    """
    folds = folds_of(speaker[rows])
    if (count := len(np.unique(folds))) < 3:
        told = f"voiced frames are of {count} speakers or files; expected at least 3, to hold one out at a time"
        return dict.fromkeys(READ, told)
    features = np.asarray(frames[rows], np.float64)

    def one(name: str) -> Score:
        values = np.asarray(measures[name][rows], np.float64)
        values = 10 ** (values / 20) if UNITS[name] == "dB" else values  # Praat's intensity is a level
        found = scores.read_off(
            features,
            {name: values},
            {"voice": folds},
            unit=UNITS[name],
            noise=NOISE,
            groups=VOICES_HELD_OUT,
            units=folds,
        )
        return found[name]

    return {name: cells.attempted(functools.partial(one, name)) for name in READ}


def nearness(recorded: np.ndarray, synthesised: np.ndarray, speaker: np.ndarray) -> tuple[dict[str, Cell], np.ndarray]:
    """How near each recorded vowel lies to the synthesised vowel of its own measures, against those of other tokens.

    The probability that its own is nearer by cosine than another's (AUC): 1/2 is chance.

    Args:
        recorded: (n, channels).
        synthesised: (n, channels), of the same tokens' f0, F1 and F2.
        speaker: (n,).

    Returns:
        By name in `NEARNESS`; and the rank of each token's own vowel among all, (n,), 1 the nearest.
    """
    found = {
        name: cells.attempted(functools.partial(_auc, recorded, synthesised, speaker, within=within, centred=centred))
        for name, (within, centred) in NEARNESS.items()
    }
    try:
        cosines = _cosines(recorded, synthesised, centred=False)
    except UndefinedScoreError:
        return found, np.full(len(recorded), np.nan)
    return found, 1 + (cosines > np.diag(cosines)[:, None]).sum(axis=1).astype(np.float64)


def rounded(f0: np.ndarray) -> np.ndarray:
    """The middle of the band of `EQUAL_F0` that each f0, (n,) in Hz, lies in."""
    return 2 ** (np.round(1200 * np.log2(np.asarray(f0, np.float64)) / EQUAL_F0) * EQUAL_F0 / 1200)


def nearness_at(recorded: np.ndarray, synthesised: np.ndarray, f0: np.ndarray) -> Cell:
    """The same among tokens of one f0, so that f0 alone, which all their synthesised vowels share, cannot do it.

    Args:
        recorded: (n, channels).
        synthesised: (n, channels), of the tokens' F1 and F2 and of these f0.
        f0: (n,), `rounded`.
    """
    others = (f0[:, None] == f0) & ~np.eye(len(recorded), dtype=bool)
    return cells.attempted(functools.partial(_auc_among, recorded, synthesised, others))


def _auc(recorded: np.ndarray, synthesised: np.ndarray, speaker: np.ndarray, *, within: bool, centred: bool) -> Score:
    others = ~np.eye(len(recorded), dtype=bool)
    if within:
        others &= speaker[:, None] == speaker
    return _auc_among(recorded, synthesised, others, centred=centred)


def _auc_among(recorded: np.ndarray, synthesised: np.ndarray, others: np.ndarray, *, centred: bool = False) -> Score:
    """The mean share of `others`, (n, n) bool, to whose vowels a token is less near than to its own."""
    asked = others.any(axis=1)
    if asked.sum() < 2:
        raise UndefinedScoreError(f"there are {asked.sum()} tokens with others to compare with; expected at least 2")
    cosines = _cosines(recorded, synthesised, centred=centred)
    own = np.diag(cosines)[:, None]
    nearer = ((own > cosines) + 0.5 * (own == cosines)) * others
    return mean_score((nearer.sum(axis=1)[asked] / others.sum(axis=1)[asked]), bootstrap=Bootstrap())


def _cosines(recorded: np.ndarray, synthesised: np.ndarray, *, centred: bool) -> np.ndarray:
    """(n, n), rounded so that equal ones tie."""
    pair = [np.asarray(each, np.float64) for each in (recorded, synthesised)]
    if centred:
        pair = [each - each.mean(axis=0) for each in pair]
    names = ("recorded vowels", "synthesised vowels")
    first, second = (directions(each, name=name) for each, name in zip(pair, names, strict=True))
    return np.round(first @ second.T, 12)
