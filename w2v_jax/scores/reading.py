"""Reading off: how far from the truth is a parameter that is read off the features, in its own unit?"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, make_score
from w2v_jax.scores.decoding import with_noise
from w2v_jax.scores.requirements import one_blas_thread, scipy_linalg

Unit = Literal["cents", "dB"]

# Widths of the kernel, in medians of the distances between the points fitted on; ridges, where the kernel is 1 at 0.
WIDTHS = (0.5, 1.0, 2.0, 6.0)
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)
_INNER_GROUPS = 4  # of each context's values, by which width and penalty are chosen
_LEAST_FITTED = 8


def read_off(
    features: npt.ArrayLike,
    parameters: Mapping[str, npt.ArrayLike],
    contexts: Mapping[str, npt.ArrayLike],
    *,
    between: bool = False,
    unit: Unit = "cents",
    noise: float = 0.1,
    groups: int = 3,
    units: npt.ArrayLike | None = None,
    max_points: int = 1000,
    widths: Sequence[float] = WIDTHS,
    bootstrap: Bootstrap | None = None,
) -> dict[str, Score]:
    """The median absolute error of each parameter, read off by kernel ridge regression in contexts that were not heard.

    `median_i |u(ŷ_i) - u(y_i)|`, where u is 1,200 log2 (cents) or 20 log10 (dB): lower is better, and the error of
    features that know nothing is about `reading_chance`. It has the unit of a just noticeable difference, so
    the two can be compared, and it does not ask for a line: a place code, whose channels are silent elsewhere, is read
    off as well as a rising channel (Pouget, Dayan and Zemel, "Information processing with population codes", 2000).

    The values of each context are dealt into `groups`, every third into the same. For every combination of a group of
    each context the map is fitted on the points that have no value of them, and asked about those that have them all:
    with F1 and F2 for contexts, f0 is read off vowels whose F1 and F2 were both not heard. `between` holds the
    parameter's own values out as well, but for its lowest and its highest: a code that gives every value a vector of
    its own, in no order, is read without and cannot be with. Such a code has channels narrower than the steps between
    the values: whether tuning is so narrow is told by `saturation`.

    The map is `ŷ(x) = m + sum_i a_i exp(-|x - x_i|^2 / (2 w^2))` with `a = (K + p I)^-1 (u(y) - m)` (kernel ridge
    regression: Saunders, Gammerman and Vovk 1998; scikit-learn's `KernelRidge`). Its width w and penalty p are chosen
    among the fitted points: the values of each context there (and its own, with `between`) are left out, a quarter at a
    time, in closed form, and the least mean absolute error is taken. Gaussian noise of `noise` times the features'
    deviation is added to every channel, for fitting and for prediction; see `block_decodability`.

    What is drawn again is the parameter's value with all its points, or the unit; maps are not fitted again. It cannot
    say that a front end uses what is read off, nor that the features are arranged by it.

    Args:
        features: (n, d).
        parameters: (n,) each, above 0.
        contexts: (n,) each, labels or numbers: what must not have been heard. One that does not vary is left out.
        between: whether the parameter's own values are held out, too.
        unit: in which errors are measured.
        noise: of the features' deviation; 0 for none.
        groups: of the values of each context; of fewer values, one each.
        units: (n,), what is drawn again instead of the parameter's values.
        max_points: of more points, so many are chosen by the seed: the cost grows with the cube.
        widths: of the kernel, among which one is chosen, in medians of the distances between the points fitted on.
        bootstrap: how the interval is made; its seed is that of the noise, too.

    Returns:
        By parameter, 0 and above, in `unit`.

    Raises:
        UndefinedScoreError: a parameter or all contexts that do not vary, too few points to fit on, features that are
            the same for all.
        RequirementError: scipy or threadpoolctl is not installed.

    Examples:
        >>> f0, f1 = (each.ravel() for each in np.meshgrid(np.geomspace(100, 200, 12), np.geomspace(300, 900, 12)))
        >>> axis = np.arange(0.0, 1200.0, 25.0)
        >>> bumps = np.exp(-np.square((1200 * np.log2(f0 / 100)[:, None] - axis) / 100) / 2)
        >>> errors = read_off(bumps, {"f0": f0}, {"f1": f1})
        >>> errors["f0"].value < 10, reading_chance(f0) > 300
        (True, True)
    """
    bootstrap = bootstrap or Bootstrap()
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or not np.isfinite(features).all():
        raise ValueError(f"features has shape {features.shape}; expected (n, d), and finite numbers only")
    if groups < 2:
        raise ValueError(f"groups is {groups}; expected at least 2, so that one can be held out")
    targets = {name: _in_unit(values, unit, name=name, count=len(features)) for name, values in parameters.items()}
    labels = {name: _places(values, name=name, count=len(features)) for name, values in contexts.items()}
    drawn = None if units is None else _places(units, name="units", count=len(features))
    if len(features) > max_points:
        chosen = np.sort(np.random.default_rng(bootstrap.seed).choice(len(features), max_points, replace=False))
        features = features[chosen]
        targets = {name: values[chosen] for name, values in targets.items()}
        labels = {name: np.unique(values[chosen], return_inverse=True)[1] for name, values in labels.items()}
        drawn = None if drawn is None else np.unique(drawn[chosen], return_inverse=True)[1]
    labels = {name: values for name, values in labels.items() if values.max() > 0}
    if not labels:
        raise UndefinedScoreError(f"no context varies, of {sorted(contexts)}; expected one that can be held out")
    if still := [name for name, values in targets.items() if not np.ptp(values)]:
        raise UndefinedScoreError(f"parameter {still[0]!r} is the same for all points; expected it to vary")
    features = with_noise(features - features.mean(axis=0), noise, seed=bootstrap.seed)
    squares = _squared_distances(features)
    if not squares.max() > 0:
        raise UndefinedScoreError("features are the same for all points; expected variation")

    dealt = [_Dealt(values, values % min(groups, int(values.max()) + 1)) for values in labels.values()]
    with one_blas_thread():
        if between:
            errors = {
                name: _errors(squares, values[:, None], [*dealt, _own(values, groups)], widths, bootstrap.seed)[:, 0]
                for name, values in targets.items()
            }
        else:
            together = _errors(squares, np.stack(list(targets.values()), axis=1), dealt, widths, bootstrap.seed)
            errors = dict(zip(targets, together.T, strict=True))
    return {
        name: _median(errors[name], np.unique(values, return_inverse=True)[1] if drawn is None else drawn, bootstrap)
        for name, values in targets.items()
    }


def reading_chance(values: npt.ArrayLike, *, unit: Unit = "cents") -> float:
    """The error of features that know nothing: the median distance of values, (n,), from their mean, in `unit`.

    Examples:
        >>> reading_chance([100.0, 200.0, 400.0])
        1200.0
    """
    places = _in_unit(values, unit, name="values", count=np.size(values))
    return float(np.median(np.abs(places - places.mean())))


@dataclasses.dataclass(frozen=True)
class _Dealt:
    """The values of a context, or of the parameter itself.

    Attributes:
        place: (n,) int, which of them each point has.
        group: (n,) int, which are held out together; -1 for never.
    """

    place: np.ndarray
    group: np.ndarray


def _own(values: np.ndarray, groups: int) -> _Dealt:
    """A parameter's own values, of which the lowest and the highest stay: the others lie between values heard."""
    _, place = np.unique(values, return_inverse=True)
    if place.max() < 4:
        raise UndefinedScoreError(f"the parameter has {place.max() + 1} values; expected at least 5, to ask between")
    ends = (place == 0) | (place == place.max())
    return _Dealt(place, np.where(ends, -1, place % groups))


def _places(values: npt.ArrayLike, *, name: str, count: int) -> np.ndarray:
    labels = np.asarray(values)
    if labels.shape != (count,):
        raise ValueError(f"{name} has shape {labels.shape}; expected ({count},)")
    return np.unique(labels, return_inverse=True)[1]


def _in_unit(values: npt.ArrayLike, unit: Unit, *, name: str, count: int) -> np.ndarray:
    if unit not in ("cents", "dB"):
        raise ValueError(f"unit is {unit!r}; expected 'cents' or 'dB'")
    numbers = np.asarray(values, np.float64)
    if numbers.shape != (count,):
        raise ValueError(f"parameter {name!r} has shape {numbers.shape}; expected ({count},)")
    if not (np.isfinite(numbers) & (numbers > 0)).all():
        raise ValueError(f"parameter {name!r} has values that are not above 0; expected such, to measure {unit}")
    return 1200 * np.log2(numbers) if unit == "cents" else 20 * np.log10(numbers)


def _squared_distances(features: np.ndarray) -> np.ndarray:
    gram = features @ features.T
    lengths = np.diag(gram)
    return np.maximum(lengths[:, None] + lengths - 2 * gram, 0.0)


def _splits(dealt: list[_Dealt]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows to fit on and to ask about, for every combination of groups."""
    for held in itertools.product(*(range(each.group.max() + 1) for each in dealt)):
        among = np.stack([each.group == group for each, group in zip(dealt, held, strict=True)])
        left_out, fitted = np.flatnonzero(among.all(axis=0)), np.flatnonzero(~among.any(axis=0))
        if len(left_out):
            yield fitted, left_out


def _errors(
    squares: np.ndarray, targets: np.ndarray, dealt: list[_Dealt], widths: Sequence[float], seed: int
) -> np.ndarray:
    """Absolute errors, (n, p); NaN at points that are never asked about."""
    errors = np.full(targets.shape, np.nan)
    for fitted, left_out in _splits(dealt):
        if len(fitted) < _LEAST_FITTED:
            raise UndefinedScoreError(f"{len(fitted)} points are left to fit on; expected at least {_LEAST_FITTED}")
        blocks = [block for each in dealt for block in _blocks(each.place[fitted], seed)]
        predicted = _predictions(squares, targets, fitted, left_out, blocks, widths)
        errors[left_out] = np.abs(predicted - targets[left_out])
    return errors


def _blocks(place: np.ndarray, seed: int) -> list[np.ndarray]:
    """Rows that have one of a quarter of the values, for each quarter."""
    _, number = np.unique(place, return_inverse=True)
    count = int(number.max()) + 1
    quarter = np.random.default_rng(seed).permutation(np.arange(count) % min(_INNER_GROUPS, count))[number]
    quarters = [np.flatnonzero(quarter == each) for each in range(quarter.max() + 1)]
    return [each for each in quarters if len(each) < len(place)]


def _predictions(
    squares: np.ndarray,
    targets: np.ndarray,
    fitted: np.ndarray,
    left_out: np.ndarray,
    blocks: list[np.ndarray],
    widths: Sequence[float],
) -> np.ndarray:
    """Predictions, (left_out, p), by the width and the penalty that serve each target best among the fitted points.

    With `G = (K + p I)^-1`, what is left over of rows S that were not fitted on is `G_SS^-1 (G y)_S`.
    """
    blas, lapack = scipy_linalg().blas, scipy_linalg().lapack
    inside, across = squares[np.ix_(fitted, fitted)], squares[np.ix_(left_out, fitted)]
    between = inside[np.triu_indices(len(fitted), k=1)]
    median = np.median(between) or between.mean() or 1.0
    mean = targets[fitted].mean(axis=0)
    deviations = targets[fitted] - mean
    inside_blocks = [np.ix_(each, each) for each in blocks]
    diagonal = np.diag_indices(len(fitted))
    best = np.full(targets.shape[1], np.inf)
    predictions = np.broadcast_to(mean, (len(left_out), len(mean))).copy()
    for width in widths:
        scale = -1 / (2 * width**2 * median)
        kernel, to_left_out = np.exp(scale * inside), np.exp(scale * across)
        for penalty in PENALTIES:
            system = kernel.copy(order="F")
            system[diagonal] += penalty
            root, failed = lapack.dpotrf(system, lower=1, overwrite_a=1)
            if failed:
                continue
            inverse, _ = lapack.dpotri(root, lower=1, overwrite_c=1)  # its lower half
            weights = blas.dsymm(1.0, inverse, deviations, lower=1)
            parts = zip(blocks, inside_blocks, strict=True)
            left = [lapack.dposv(inverse[rows], weights[each], lower=1)[1] for each, rows in parts]
            loss = np.abs(np.concatenate(left)).mean(axis=0)
            better = loss < best
            if better.any():
                best[better] = loss[better]
                predictions[:, better] = mean[better] + to_left_out @ weights[:, better]
    return predictions


def _median(errors: np.ndarray, unit_of: np.ndarray, bootstrap: Bootstrap) -> Score:
    known = np.isfinite(errors)
    order = np.argsort(errors[known], kind="stable")
    ordered = errors[known][order]
    _, unit = np.unique(unit_of[known], return_inverse=True)
    count = int(unit.max()) + 1

    def median(drawn: np.ndarray) -> np.ndarray:
        weight = np.cumsum(drawn[:, unit[order]], axis=1)
        return ordered[(weight < weight[:, -1:] / 2).sum(axis=1)]

    return make_score(
        float(median(np.ones((1, count)))[0]),
        median(bootstrap.counts(count)),
        units=count,
        bootstrap=bootstrap,
        bounds=(0.0, np.inf),
    )
