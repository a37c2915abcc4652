"""Decodability: how well a linear map reads the parameters off the features."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, make_score
from w2v_jax.scores.points import positions
from w2v_jax.scores.requirements import scipy_linalg

# Ridge penalties to choose from, in units of the mean squared singular value of the training features.
PENALTIES = tuple(10.0**power for power in range(-7, 3))


def decodability(
    features: npt.ArrayLike,
    parameters: Mapping[str, npt.ArrayLike],
    *,
    groups: npt.ArrayLike | None = None,
    folds: int = 5,
    bootstrap: Bootstrap | None = None,
) -> dict[str, Score]:
    """Cross-validated R^2 of ridge regression for each parameter.

    Each fold is predicted by a map fitted on the others. Its penalty is chosen within those others, by leaving
    out one of them at a time: the held-out fold has no part in it. Features are centred on the training folds, not
    standardised: the score does not depend on how the space is turned, and channels that hardly vary stay quiet.

    R^2 is 1 - (squared errors) / (squared deviations from the mean), over all points: 1 where the parameter can be
    read off, 0 where its mean would do as well, below 0 where the map misleads. What is drawn again is the point,
    or the whole group where `groups` is given (of few groups, the interval is a rough one); maps are not
    fitted again, so the interval is that of the test, not of the training.

    Args:
        features: (n, d).
        parameters: (n,) each.
        groups: (n,); where given, the folds are the points of equal value: with f0 here, every f0 is decoded
            by a map that has not heard it. Else the folds are drawn by the seed.
        folds: number of folds without `groups`.
        bootstrap: how the interval is made.

    Returns:
        By parameter, minus infinity to 1.

    Raises:
        UndefinedScoreError: a parameter that does not vary, fewer than 3 folds or than 2 points in each, features
            that are the same for all.
        RequirementError: scipy is not installed.
    """
    bootstrap = bootstrap or Bootstrap()
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or not np.isfinite(features).all():
        raise ValueError(f"features has shape {features.shape}; expected (n, d), and finite numbers only")
    targets = positions(parameters, num_points=len(features))
    if groups is None:
        fold = np.random.default_rng(bootstrap.seed).permutation(np.arange(len(features)) % folds)
    else:
        _, fold = np.unique(np.asarray(groups), return_inverse=True)
    sizes = np.bincount(fold)
    if len(fold) != len(features) or len(sizes) < 3 or sizes.min() < 2:
        raise UndefinedScoreError(
            f"there are {len(features)} points in folds of {sizes.tolist()}; expected at least 3 folds of at least 2"
        )

    predicted = np.empty_like(targets)
    for held_out in range(len(sizes)):
        train, test = fold != held_out, fold == held_out
        predicted[test] = _ridge(features[train], targets[train], fold[train], features[test])
    squared_errors = np.square(targets - predicted)
    units = np.arange(len(features)) if groups is None else fold
    return {
        name: _r2(targets[:, index], squared_errors[:, index], units, bootstrap)
        for index, name in enumerate(parameters)
    }


def _ridge(features: np.ndarray, targets: np.ndarray, fold: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Predictions, (m, p), for `unseen`, (m, d), after training on (n, d), (n, p), the penalty chosen across `fold`.

    One eigendecomposition serves all penalties and folds: without a fold g, the residuals of a linear smoother H are
    `(I - H_gg)^-1 (y - H y)_g`. (scikit-learn's RidgeCV knows this for single points only.)
    """
    linalg = scipy_linalg()
    centre = features.mean(axis=0)
    features, unseen = features - centre, unseen - centre
    if not np.abs(features).max() > 1e-9 * np.abs(centre).max():
        raise UndefinedScoreError("features are the same for all points that a map is fitted on; expected variation")
    mean = targets.mean(axis=0)
    targets = targets - mean

    left, values, right = _svd(features)
    penalties = np.array(PENALTIES) * np.square(values).mean()
    errors = np.zeros((len(penalties), targets.shape[1]))
    for index, penalty in enumerate(penalties):
        shrunk = left * (np.square(values) / (np.square(values) + penalty))
        residual = targets - shrunk @ (left.T @ targets)
        for each in np.unique(fold):
            rows = fold == each
            hat = shrunk[rows] @ left[rows].T + 1 / len(targets)  # the last term is the intercept's
            left_out = linalg.solve(np.eye(rows.sum()) - hat, residual[rows], assume_a="sym")
            errors[index] += np.square(left_out).sum(axis=0)
    best = penalties[errors.argmin(axis=0)]
    weights = values[:, None] / (np.square(values)[:, None] + best) * (left.T @ targets)
    return unseen @ (right @ weights) + mean


def _svd(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`left * values @ right.T`, by way of the smaller Gram matrix, without the directions that rounding made."""
    tall = matrix.shape[0] >= matrix.shape[1]
    gram = matrix.T @ matrix if tall else matrix @ matrix.T
    squares, vectors = scipy_linalg().eigh(gram, driver="evd", check_finite=False)
    keep = squares > squares[-1] * len(gram) * np.finfo(np.float64).eps
    values, vectors = np.sqrt(squares[keep]), vectors[:, keep]
    return (matrix @ vectors / values, values, vectors) if tall else (vectors, values, matrix.T @ vectors / values)


def _r2(target: np.ndarray, squared_errors: np.ndarray, units: np.ndarray, bootstrap: Bootstrap) -> Score:
    # Sums per unit first: a resample is then a product with how often each unit was drawn.
    sums = np.stack(
        [np.bincount(units, values) for values in (np.ones(len(units)), target, np.square(target), squared_errors)],
        axis=1,
    )

    def r2(drawn: np.ndarray) -> np.ndarray:
        number, total, squares, errors = (drawn @ sums).T
        deviations = squares - np.square(total) / number
        return 1 - errors / np.where(deviations > 1e-12 * squares, deviations, np.nan)

    value = r2(np.ones((1, len(sums))))[0]
    return make_score(value, r2(bootstrap.counts(len(sums))), units=len(sums), bootstrap=bootstrap)
