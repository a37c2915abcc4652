"""Linear probes: how well a linear map reads the parameters off the features."""

import dataclasses
import itertools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from w2v_jax.scores._distances import positions
from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, make_score
from w2v_jax.scores.requirements import one_blas_thread, scipy_linalg

# Ridge penalties to choose from, in units of the mean squared singular value of the features.
PENALTIES = tuple(10.0**power for power in range(-7, 3))


def decodability(
    features: npt.ArrayLike,
    parameters: Mapping[str, npt.ArrayLike],
    *,
    groups: npt.ArrayLike | None = None,
    folds: int = 5,
    noise: float = 0.0,
    max_points: int = 1000,
    bootstrap: Bootstrap | None = None,
) -> dict[str, Score]:
    """Cross-validated R^2 of a linear probe, a ridge regression, for each parameter.

    With folds drawn at random, every value of a parameter on a grid is among those that the map was fitted on, and
    nearly any features score 1: `block_decodability` holds whole ranges of values out.

    Each fold is predicted by a map fitted on the others. Its penalty is chosen within those others, by leaving
    out one of them at a time: the held-out fold has no part in it. Features are centred, not standardised: the score
    does not depend on how the space is turned, and channels that hardly vary stay quiet.

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
        noise: added to the features; see `block_decodability`.
        max_points: of more points, so many are chosen by the seed: the cost grows with the cube.
        bootstrap: how the interval is made.

    Returns:
        By parameter, minus infinity to 1.

    Raises:
        UndefinedScoreError: a parameter that does not vary, fewer than 3 folds or than 2 points in each, features
            that are the same for all.
        RequirementError: scipy or threadpoolctl is not installed.

    Examples:
        >>> generator = np.random.default_rng(0)
        >>> frequency, other = generator.uniform(100.0, 200.0, (2, 60))
        >>> scores = decodability(frequency[:, None] * [1.0, 2.0], {"frequency": frequency, "other": other})
        >>> round(scores["frequency"].value, 3), scores["other"].value < 0.1
        (1.0, True)
    """
    bootstrap = bootstrap or Bootstrap()
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or not np.isfinite(features).all():
        raise ValueError(f"features has shape {features.shape}; expected (n, d), and finite numbers only")
    targets = positions(parameters, num_points=len(features))
    if groups is not None:
        groups = np.asarray(groups)
        if groups.shape != (len(features),):
            raise ValueError(f"groups has shape {groups.shape}; expected ({len(features)},)")
    if len(features) > max_points:
        chosen = np.sort(np.random.default_rng(bootstrap.seed).choice(len(features), max_points, replace=False))
        features, targets = features[chosen], targets[chosen]
        groups = None if groups is None else groups[chosen]
    features = with_noise(features, noise, seed=bootstrap.seed)
    if groups is None:
        fold = np.random.default_rng(bootstrap.seed).permutation(np.arange(len(features)) % folds)
    else:
        _, fold = np.unique(groups, return_inverse=True)
    sizes = np.bincount(fold)
    if len(sizes) < 3 or np.min(sizes) < 2:
        raise UndefinedScoreError(
            f"there are {len(features)} points in folds of {sizes.tolist()}; expected at least 3 folds of at least 2"
        )

    with one_blas_thread():
        predicted = _held_out_predictions(features, targets, fold)
    squared_errors = np.square(targets - predicted)
    units = np.arange(len(features)) if groups is None else fold
    return {
        name: _r2(targets[:, index], squared_errors[:, index], units, bootstrap)
        for index, name in enumerate(parameters)
    }


@dataclasses.dataclass(frozen=True)
class BlockScores:
    """How well a parameter is read off at values that the map was not fitted on.

    Attributes:
        all: of all values, each when its block was held out.
        interpolation: of the blocks between others.
        extrapolation: of the lowest and the highest block.
        within: of the blocks between others, of what differs inside a block: is the order of values seen that were all
            not heard? The others can be high for features that only tell in which range a value lies. None where each
            block has one value.
    """

    all: Score
    interpolation: Score
    extrapolation: Score
    within: Score | None


def block_decodability(
    features: npt.ArrayLike,
    values: npt.ArrayLike,
    *,
    blocks: int = 5,
    noise: float = 0.1,
    max_points: int = 1000,
    bootstrap: Bootstrap | None = None,
) -> BlockScores:
    """R^2 of a linear probe of one parameter, at ranges of its values that the probe was not fitted on.

    The distinct values, in order, are cut into `blocks` neighbouring ranges; each is predicted by a ridge regression
    fitted on the others, its penalty chosen by leaving out one of those at a time. `1 - sum (y - ŷ)^2 / sum (y - m)^2`
    with m the mean of the values fitted on: 1 where the parameter can be read off, 0 (chance) where that mean would do
    as well, below 0 where the map misleads. What is drawn again is the value with all its points, so the population is
    that of other values of the parameter; maps are not fitted again, and the values of a block share one, so the
    interval is rather too narrow. It cannot say that a front end uses what a probe finds (linear probes: Alain and
    Bengio, "Understanding intermediate layers using linear classifier probes", 2016).

    Most of the variance of a parameter lies between blocks: features that know only which of five ranges a value is in
    have 0.9. `within` asks about the rest, `1 - sum ((y - y_b) - (ŷ - ŷ_b))^2 / sum (y - y_b)^2` with y_b and ŷ_b the
    means of a block: chance is 0 there, too.

    Without noise a probe reads anything that is not exactly lost, such as what the epsilon of a norm leaves of a
    level. So Gaussian noise is added to every channel, for fitting and for prediction, of a standard deviation of
    `noise` times the features' own, which is the root of the mean variance of their channels.

    Args:
        features: (n, d).
        values: (n,), of the parameter.
        blocks: ranges, at least 3.
        noise: of the features' deviation; 0 for none.
        max_points: of more points, so many are chosen by the seed.
        bootstrap: how the interval is made; its seed is that of the noise, too.

    Raises:
        UndefinedScoreError: fewer distinct values than blocks, features that are the same for all.
        RequirementError: scipy or threadpoolctl is not installed.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> frequency = np.repeat(np.arange(100.0, 120.0), 10)
        >>> known = block_decodability(frequency[:, None] * [1.0, 2.0], frequency)
        >>> known.interpolation.value > 0.9, known.extrapolation.value > 0.9
        (True, True)
        >>> block_decodability(rng.normal(size=(200, 4)), frequency).all.value < 0.05
        True
    """
    bootstrap = bootstrap or Bootstrap()
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or not np.isfinite(features).all():
        raise ValueError(f"features has shape {features.shape}; expected (n, d), and finite numbers only")
    values = np.asarray(values, np.float64)
    if values.shape != (len(features),):
        raise ValueError(f"values has shape {values.shape}; expected ({len(features)},)")
    if blocks < 3:
        raise ValueError(f"blocks is {blocks}; expected at least 3, so that one lies between others")
    if len(features) > max_points:
        chosen = np.sort(np.random.default_rng(bootstrap.seed).choice(len(features), max_points, replace=False))
        features, values = features[chosen], values[chosen]
    distinct, place = np.unique(values, return_inverse=True)
    if len(distinct) < blocks:
        raise UndefinedScoreError(f"values has {len(distinct)} distinct ones; expected at least {blocks}, one a block")
    block_of = np.repeat(np.arange(blocks), [len(each) for each in np.array_split(distinct, blocks)])
    fold = block_of[place]
    if np.bincount(fold).min() < 2:
        raise UndefinedScoreError(f"blocks have {np.bincount(fold).tolist()} points; expected at least 2 in each")
    features = with_noise(features, noise, seed=bootstrap.seed)
    with one_blas_thread():
        predicted = _held_out_predictions(features, values[:, None], fold)[:, 0]
    fitted_mean = np.array([values[fold != each].mean() for each in range(blocks)])[fold]
    inner = (block_of > 0) & (block_of < blocks - 1)

    def r2(among: np.ndarray, error: np.ndarray, deviation: np.ndarray) -> Score:
        number = np.cumsum(among) - 1
        kept = among[place]
        unit = number[place[kept]]
        errors = np.bincount(unit, np.square(error)[kept])
        deviations = np.bincount(unit, np.square(deviation)[kept])
        counts = bootstrap.counts(len(errors))
        spread = counts @ deviations
        drawn = 1 - (counts @ errors) / np.where(spread > 0, spread, np.nan)
        whole = 1 - errors.sum() / deviations.sum()
        return make_score(whole, drawn, units=len(errors), bootstrap=bootstrap, bounds=(-np.inf, 1.0))

    def inside(each: np.ndarray) -> np.ndarray:
        return each - (np.bincount(fold, each) / np.bincount(fold))[fold]

    error, deviation = values - predicted, values - fitted_mean
    return BlockScores(
        all=r2(np.ones(len(distinct), bool), error, deviation),
        interpolation=r2(inner, error, deviation),
        extrapolation=r2(~inner, error, deviation),
        within=r2(inner, inside(error), inside(values)) if len(distinct) > blocks else None,
    )


def with_noise(features: np.ndarray, level: float, *, seed: int) -> np.ndarray:
    """Features, (n, d), with Gaussian noise of `level` times their own deviation on every channel."""
    if not 0 <= level < np.inf:
        raise ValueError(f"noise is {level}; expected a share of the features' deviation, 0 for none")
    if level == 0:
        return features
    deviation = np.sqrt(features.var(axis=0).mean())
    return features + level * deviation * np.random.default_rng(seed).normal(size=features.shape)


def _held_out_predictions(features: np.ndarray, targets: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Predictions, (n, p), of each fold's targets by a ridge regression that was fitted on the others.

    One eigendecomposition serves all penalties, folds and pairs of folds. For the map H from targets to their fit,
    fitted without the points S the residuals there are `(I - H_SS)^-1 (y - H y)_S`. With S a fold, these are the
    predictions asked for; with S two folds, what is left out of one when the penalty for the other is chosen.
    (scikit-learn's RidgeCV knows this for single points only, and fits hundreds of maps otherwise.)
    """
    linalg = scipy_linalg()
    centre = features.mean(axis=0)
    features = features - centre
    if not np.abs(features).max() > 1e-9 * np.abs(centre).max():
        raise UndefinedScoreError("features are the same for all points; expected variation")
    deviations = targets - targets.mean(axis=0)
    left, squares = _left_singular(features)
    rows = [np.flatnonzero(fold == each) for each in range(fold.max() + 1)]

    held_out = np.empty((len(PENALTIES), *targets.shape))  # residuals
    errors = np.zeros((len(PENALTIES), len(rows), targets.shape[1]))  # of a penalty, where a fold is left out
    for index, penalty in enumerate(np.array(PENALTIES) * squares.mean()):
        fit = (left * (squares / (squares + penalty))) @ left.T + 1 / len(left)  # the last term is the intercept's
        unfitted = np.eye(len(left)) - fit
        residual = unfitted @ deviations

        def without(chosen: np.ndarray, unfitted: np.ndarray = unfitted, residual: np.ndarray = residual) -> np.ndarray:
            return linalg.solve(unfitted[np.ix_(chosen, chosen)], residual[chosen], assume_a="pos")

        for chosen in rows:
            held_out[index, chosen] = without(chosen)
        for first, second in itertools.combinations(range(len(rows)), 2):
            both = np.square(without(np.concatenate([rows[first], rows[second]])))
            errors[index, first] += both[len(rows[first]) :].sum(axis=0)
            errors[index, second] += both[: len(rows[first])].sum(axis=0)
    best = errors.argmin(axis=0)[fold]  # (n, p)
    return targets - np.take_along_axis(held_out, best[None], axis=0)[0]


def _left_singular(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left singular vectors, (n, r), and squared singular values, (r,), without those that rounding made."""
    tall = matrix.shape[0] >= matrix.shape[1]
    gram = matrix.T @ matrix if tall else matrix @ matrix.T
    squares, vectors = scipy_linalg().eigh(gram, driver="evd", check_finite=False)
    keep = squares > squares[-1] * len(gram) * np.finfo(np.float64).eps
    squares, vectors = squares[keep], vectors[:, keep]
    return (matrix @ vectors / np.sqrt(squares) if tall else vectors), squares


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
    return make_score(
        value, r2(bootstrap.counts(len(sums))), units=len(sums), bootstrap=bootstrap, bounds=(-np.inf, 1.0)
    )
