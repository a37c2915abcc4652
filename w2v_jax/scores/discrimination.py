"""ABX: is a sound nearer to one of its own kind than to one of another?"""

import itertools

import numpy as np
import numpy.typing as npt

from w2v_jax.scores._distances import directions
from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, make_score


def abx(
    features: npt.ArrayLike,
    on: npt.ArrayLike,
    across: npt.ArrayLike,
    *,
    by: npt.ArrayLike | None = None,
    bootstrap: Bootstrap | None = None,
) -> Score:
    """The share of triples in which X is nearer to A, of its own kind, than to B, of another.

    A and B share the context and differ in kind; X has the kind of A in another context. With f0 `on` and the vowel
    `across`: is a vowel nearer to another vowel of its own f0 than to that other vowel at another f0?
    `P(d(A, X) < d(B, X))`, ties counted half, with cosine distance, over all pairs of kinds and of contexts (Schatz et
    al., "Evaluating speech features with the minimal-pair ABX task", Interspeech 2013). Chance is 1/2. Nothing is
    trained, so it tells what distances show, not what a probe could find. It cannot say that a difference is large:
    features without noise may tell apart what no ear does. (`fastabx`, of the same question, is made for frames of a
    labelled corpus and needs PyTorch; here a sound is one vector, and every kind is heard in every context.)

    What is drawn again is the context, so the population is that of other contexts (a context drawn twice is not held
    against its own copy).

    Args:
        features: (n, d).
        on: (n,), the kinds to be told apart.
        across: (n,), the contexts; every kind in every context, once.
        by: (n,); where given, triples are made within equal values, and these averaged.
        bootstrap: how the interval is made.

    Returns:
        0 to 1.

    Raises:
        UndefinedScoreError: vectors of zeros, fewer than 2 kinds or than 4 contexts.
        ValueError: a kind that is not once in every context.

    Examples:
        >>> f0, vowel = (each.ravel() for each in np.meshgrid([100, 110, 120, 130], [0, 1, 2, 3], indexing="ij"))
        >>> features = np.stack([f0 - 115, 0.1 * vowel, np.ones(16)], axis=1)  # f0 shows more than the vowel
        >>> [round(abx(features, on=on, across=across).value, 2) for on, across in ((f0, vowel), (vowel, f0))]
        [1.0, 0.54]
    """
    bootstrap = bootstrap or Bootstrap()
    unit = directions(features)
    labels = {"on": np.asarray(on), "across": np.asarray(across)}
    labels["by"] = np.zeros(len(unit), int) if by is None else np.asarray(by)
    for name, values in labels.items():
        if values.shape != (len(unit),):
            raise ValueError(f"{name} has shape {values.shape}; expected ({len(unit)},)")
    contexts, context = np.unique(labels["across"], return_inverse=True)
    groups, group = np.unique(labels["by"], return_inverse=True)
    shares = np.mean(
        [_shares(unit[group == g], labels["on"][group == g], context[group == g]) for g in range(len(groups))], axis=0
    )
    apart = 1 - np.eye(len(contexts))

    def share(counts: np.ndarray) -> np.ndarray:
        pairs = np.einsum("rc,ck,rk->r", counts, apart, counts)
        correct = np.einsum("rc,ck,rk->r", counts, shares * apart, counts)
        return correct / np.where(pairs > 0, pairs, np.nan)

    value = share(np.ones((1, len(contexts))))[0]
    replicates = share(bootstrap.counts(len(contexts)))
    return make_score(value, replicates, units=len(contexts), bootstrap=bootstrap, bounds=(0.0, 1.0))


def _shares(unit: np.ndarray, on: np.ndarray, context: np.ndarray) -> np.ndarray:
    """By context of A and B and that of X, (contexts, contexts), the share of pairs of kinds that are told apart."""
    kinds, kind = np.unique(on, return_inverse=True)
    size = len(kinds), int(context.max()) + 1
    if size[0] < 2 or size[1] < 4:
        raise UndefinedScoreError(f"there are {size[0]} kinds in {size[1]} contexts; expected at least 2 in 4")
    held = np.bincount(kind * size[1] + context, minlength=size[0] * size[1])
    if (held != 1).any():
        raise ValueError(
            f"on and across: a kind is {held.max() if held.min() else 0} times in a context; expected once"
        )
    table = np.empty((*size, unit.shape[1]))
    table[kind, context] = unit
    correct = np.zeros((size[1], size[1]))
    for s, t in itertools.permutations(range(size[0]), 2):
        to_own = np.round(1 - table[s] @ table[s].T, 12)  # (context of A, context of X)
        to_other = np.round(1 - table[t] @ table[s].T, 12)  # (context of B, context of X)
        correct += (to_own < to_other) + 0.5 * (to_own == to_other)
    return correct / (size[0] * (size[0] - 1))
