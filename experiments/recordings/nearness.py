"""How near recorded vowels lie to the synthesised vowels of their own f0, F1 and F2."""

import functools
from collections.abc import Mapping

import numpy as np

from w2v_jax.scores import Score, UndefinedScoreError
from w2v_jax.scores._distances import directions
from w2v_jax.scores.bootstrap import Bootstrap, mean_score

from ..store import rows
from ..store.rows import Cell

CHANCE = 0.5
EQUAL_F0 = 50.0  # cents: of so wide a band tokens are said to have one f0

# Among whose vowels a token's own is sought, and what is compared.
Way = tuple[str, str]
ALL, SAME_SPEAKER, AT_EQUAL_F0 = "all", "the same speaker's", "those of equal f0"
AS_THEY_ARE, CENTRED = "as they are", "less the mean"
WAYS: tuple[Way, ...] = (
    (ALL, AS_THEY_ARE),
    (ALL, CENTRED),
    (SAME_SPEAKER, AS_THEY_ARE),
    (SAME_SPEAKER, CENTRED),
    (AT_EQUAL_F0, AS_THEY_ARE),
)


def nearness(
    recorded: np.ndarray, synthesised: np.ndarray, speaker: np.ndarray, *, bootstrap: Bootstrap | None = None
) -> Mapping[Way, Cell]:
    """How near each recorded vowel lies to the synthesised vowel of its own measures, against those of other tokens.

    The probability that its own is nearer by cosine than another's (AUC): 1/2 is chance.

    Args:
        recorded: (n, channels).
        synthesised: (n, channels), of the same tokens' f0, F1 and F2.
        speaker: (n,).
        bootstrap: of the intervals.

    Returns:
        A score for each of `WAYS` but that at equal f0, which needs other vowels: `nearness_at`.
    """
    unlike = ~np.eye(len(recorded), dtype=bool)
    others = {ALL: unlike, SAME_SPEAKER: unlike & (speaker[:, None] == speaker)}
    return {
        (among, what): _attempted(recorded, synthesised, others[among], centred=what == CENTRED, bootstrap=bootstrap)
        for among, what in WAYS
        if among in others
    }


def nearness_at(
    recorded: np.ndarray, synthesised: np.ndarray, f0: np.ndarray, *, bootstrap: Bootstrap | None = None
) -> Cell:
    """The same among tokens of one f0, so that f0 alone, which all their synthesised vowels share, cannot do it.

    Args:
        recorded: (n, channels).
        synthesised: (n, channels), of the tokens' F1 and F2 and of these f0.
        f0: (n,), `rounded`.
        bootstrap: of the interval.
    """
    others = (f0[:, None] == f0) & ~np.eye(len(recorded), dtype=bool)
    return _attempted(recorded, synthesised, others, bootstrap=bootstrap)


def ranks(recorded: np.ndarray, synthesised: np.ndarray) -> np.ndarray:
    """The rank of each token's own vowel among all, (n,), 1 the nearest; NaN where vectors have no direction."""
    try:
        cosines = _cosines(recorded, synthesised, centred=False)
    except UndefinedScoreError:
        return np.full(len(recorded), np.nan)
    return 1 + (cosines > np.diag(cosines)[:, None]).sum(axis=1).astype(np.float64)


def rounded(f0: np.ndarray) -> np.ndarray:
    """The middle of the band of `EQUAL_F0` that each f0, (n,) in Hz, lies in."""
    return 2 ** (np.round(1200 * np.log2(np.asarray(f0, np.float64)) / EQUAL_F0) * EQUAL_F0 / 1200)


def _attempted(
    recorded: np.ndarray,
    synthesised: np.ndarray,
    others: np.ndarray,
    *,
    centred: bool = False,
    bootstrap: Bootstrap | None,
) -> Cell:
    return rows.attempted(
        functools.partial(_auc, recorded, synthesised, others, centred=centred, bootstrap=bootstrap or Bootstrap())
    )


def _auc(
    recorded: np.ndarray, synthesised: np.ndarray, others: np.ndarray, *, centred: bool, bootstrap: Bootstrap
) -> Score:
    """The mean share of `others`, (n, n) bool, to whose vowels a token is less near than to its own."""
    compared = others.any(axis=1)
    if compared.sum() < 2:
        raise UndefinedScoreError(f"there are {compared.sum()} tokens with others to compare with; expected at least 2")
    cosines = _cosines(recorded, synthesised, centred=centred)
    own = np.diag(cosines)[:, None]
    nearer = ((own > cosines) + 0.5 * (own == cosines)) * others
    return mean_score((nearer.sum(axis=1)[compared] / others.sum(axis=1)[compared]), bootstrap=bootstrap)


def _cosines(recorded: np.ndarray, synthesised: np.ndarray, *, centred: bool) -> np.ndarray:
    """(n, n), rounded so that equal ones tie."""
    pair = [np.asarray(each, np.float64) for each in (recorded, synthesised)]
    if centred:
        pair = [each - each.mean(axis=0) for each in pair]
    names = ("recorded vowels", "synthesised vowels")
    first, second = (directions(each, name=name) for each, name in zip(pair, names, strict=True))
    return np.round(first @ second.T, 12)
