"""Kernel alignment: do two front ends arrange the same sounds alike?"""

import math

import numpy as np
import numpy.typing as npt

from w2v_jax import similarity
from w2v_jax.scores._distances import labels
from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, make_score

MAX_SOUNDS = 1000  # of the replicates: their cost grows with the square


def cka(
    a: npt.ArrayLike, b: npt.ArrayLike, *, groups: npt.ArrayLike | None = None, bootstrap: Bootstrap | None = None
) -> Score:
    """Debiased linear centred kernel alignment (CKA) of two feature sets of the same sounds.

    `HSIC(a, b) / sqrt(HSIC(a, a) HSIC(b, b))`, with the unbiased estimator of HSIC of Song et al. (2012): see
    `similarity.debiased_linear_cka`. CKA is that of Kornblith et al. (2019, Similarity of neural network
    representations revisited, ICML), without its bias.

    What is drawn again is the sound, or all sounds of a group together. A resample is a random half of the units,
    without replacement (the delete-half jackknife): a sound drawn twice would be compared with itself, and bring the
    bias back. Half of the units spread around all of them as all of them do around the population they are from. Of
    more than 1,000 sounds the halves are those of so many, chosen by the seed by whole groups. The replicates are
    `value + scale (half - chosen)`, at most 1: of `u` units `c` are chosen and `h` of these are in a half, and
    `scale = sqrt(c h / (u (c - h)))` makes their spread that of `u` units.

    Chance is 0: features without linear relation. But two encoders with random weights hear the same sounds through
    the same architecture, and are far above it: a value says nothing of training until it is compared with theirs.
    It does not say which directions are shared, it hangs mostly on those of most variance, and a low value does not
    mean that one cannot be read off the other.

    Args:
        a: (n, d).
        b: (n, e), row by row the same sounds.
        groups: (n,) labels of any kind; sounds with equal ones are drawn together, such as a vowel at several f0.
        bootstrap: how the interval is made.

    Returns:
        -1 to 1; 1 for features that are the same up to rotation and scale.

    Raises:
        UndefinedScoreError: fewer than 4 sounds in half of the units, values that are not finite, features that do
            not vary, groups so large that no two fit into 1,000 sounds.

    Examples:
        >>> features = np.random.default_rng(0).normal(size=(50, 3))
        >>> f"{cka(features, 2 * features[:, ::-1]):.2f}"  # turned and scaled
        '1.00 [1.00, 1.00]'
    """
    bootstrap = bootstrap or Bootstrap()
    first, second = _features("a", a), _features("b", b)
    if len(first) != len(second):
        raise ValueError(f"a has {len(first)} rows and b has {len(second)}; expected the same sounds in both")
    _, unit = np.unique(labels("groups", groups, default=np.arange(len(first))), return_inverse=True)
    num_units = int(unit.max()) + 1

    rng = np.random.default_rng(bootstrap.seed)
    chosen = _chosen(np.bincount(unit), rng)
    rows = np.isin(unit, chosen)
    half = len(chosen) // 2
    drawn = _halves(num_units, chosen, half, bootstrap.resamples, rng)[:, unit[rows]]
    if (fewest := int(drawn.sum(axis=1).min())) < 4:
        raise UndefinedScoreError(
            f"half of the {len(chosen)} units has {fewest} sounds; expected at least 4 to compare their distances"
        )
    try:
        value = float(similarity.debiased_linear_cka(first, second))
    except ValueError as error:  # they have been checked but for what does not vary
        raise UndefinedScoreError(str(error)) from error
    alignment = _alignments(first[rows], second[rows], np.concatenate([np.ones((1, rows.sum())), drawn]))
    scale = math.sqrt(len(chosen) * half / (num_units * (len(chosen) - half)))
    replicates = np.minimum(value + scale * (alignment[1:] - alignment[0]), 1)
    return make_score(value, replicates, units=num_units, bootstrap=bootstrap)


def _features(name: str, values: npt.ArrayLike) -> np.ndarray:
    features = np.asarray(values, np.float64)
    if features.ndim != 2 or 0 in features.shape:
        raise ValueError(f"{name} has shape {features.shape}; expected (n, d), neither 0")
    if not np.isfinite(features.astype(np.float32)).all():
        raise UndefinedScoreError(f"{name} has values that are not finite in float32; expected none")
    return features


def _chosen(sizes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The units of the replicates: all, or as many as have `MAX_SOUNDS` sounds together. `sizes` is (units,)."""
    if sizes.sum() <= MAX_SOUNDS:
        chosen = np.arange(len(sizes))
    else:
        order = rng.permutation(len(sizes))
        chosen = np.sort(order[np.cumsum(sizes[order]) <= MAX_SOUNDS])
    if len(chosen) < 2:
        raise UndefinedScoreError(
            f"groups makes {len(sizes)} units of up to {sizes.max()} sounds; expected at least 2 units in "
            f"{MAX_SOUNDS:,} sounds to draw from"
        )
    return chosen


def _halves(units: int, chosen: np.ndarray, half: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Which units are in each resample: (resamples, units) of 0 and 1, `half` of those that are chosen."""
    drawn = np.zeros((resamples, units))
    order = rng.random((resamples, len(chosen))).argsort(axis=1)[:, :half]
    np.put_along_axis(drawn, chosen[order], 1, axis=1)
    return drawn


def _alignments(a: np.ndarray, b: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Debiased CKA of each set of sounds, (sets,), where `drawn`, (sets, n), is 0 or 1. NaN where it is undefined."""
    kernels = [_kernel(each) for each in (a, b)]
    # A sound's similarities with the others of its set, added up: (sets, n) for each kernel.
    sums = [drawn * (drawn @ kernel) for kernel in kernels]
    count = drawn.sum(axis=1)

    def hsic(i: int, j: int) -> np.ndarray:
        products = (drawn * (drawn @ (kernels[i] * kernels[j]))).sum(axis=1)
        of_all = sums[i].sum(axis=1) * sums[j].sum(axis=1) / ((count - 1) * (count - 2))
        estimate: np.ndarray = products + of_all - 2 * (sums[i] * sums[j]).sum(axis=1) / (count - 2)
        return estimate  # but for a factor that cancels

    with np.errstate(divide="ignore", invalid="ignore"):
        return hsic(0, 1) / np.sqrt(hsic(0, 0) * hsic(1, 1))


def _kernel(features: np.ndarray) -> np.ndarray:
    """Products of each two sounds about their mean, (n, d) to (n, n), 0 for a sound with itself."""
    centred = features - features[:1]
    centred -= centred.mean(axis=0)
    centred /= np.abs(centred).max() or 1
    kernel: np.ndarray = centred @ centred.T
    np.fill_diagonal(kernel, 0)
    return kernel
