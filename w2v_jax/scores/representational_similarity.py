"""Representational similarity analysis (RSA): are sounds with far parameters far apart in the features?"""

import dataclasses
import itertools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from w2v_jax.scores._distances import cosine_distances, directions, labels, parameter_distances, positions
from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, make_score
from w2v_jax.scores.parameter_metrics import VOWEL_METRICS, ParameterMetric, span
from w2v_jax.scores.requirements import scipy_stats

BEST = "best weights"  # the metric whose weights are found
_BOUNDS = (-1.0, 1.0)
_STEPS_OF_WEIGHTS = 8  # a weight is one of 0, 1/8, ... 1


def rsa(
    features: npt.ArrayLike,
    parameters: Mapping[str, npt.ArrayLike],
    *,
    metric: ParameterMetric = span,
    within: npt.ArrayLike | None = None,
    units: npt.ArrayLike | None = None,
    max_points: int = 400,
    bootstrap: Bootstrap | None = None,
) -> Score:
    """Spearman's correlation, over pairs of sounds, of cosine distance with distance in parameter space.

    `rho(1 - cos(x_i, x_j), |m(p_i) - m(p_j)|)` over pairs `i < j`, with `m` the metric (Kriegeskorte, Mur and
    Bandettini, "Representational similarity analysis", 2008). 1 where the features keep the order of all distances;
    chance is 0. It is a score of the far order: most pairs are far apart, and near ones may be in any order
    (`neighbour_overlap` asks for those). It depends on the metric: see `rsa_profile`.

    What is drawn again is the point, or the unit, not the pair: pairs that share a point are not independent. A point
    drawn twice brings each of its pairs twice, but not the pair with its own copy, whose distance of 0 would count as
    agreement. Ranks are those of all pairs, in every resample: in simulations of 40 to 200 points that was closer to
    how much the score varies from one set of points to another than ranks made anew, which have the ties of copies.
    (There 90 to 95% of the 95% intervals held the truth.)

    Args:
        features: (n, d).
        parameters: (n,) each.
        metric: how parameters are measured before distances are taken; see `parameter_metrics`.
        within: (n,); where given, only pairs with equal values here are compared.
        units: (n,); where given, points of equal value are drawn together: the population is that of these values.
        max_points: of more points, so many are chosen by the seed: the cost grows with their square.
        bootstrap: how the interval is made.

    Returns:
        -1 to 1.

    Raises:
        UndefinedScoreError: vectors of zeros, a parameter that does not vary, fewer than 4 points, no two distances
            that differ.

    Examples:
        >>> angle = np.linspace(0, 1, 6)
        >>> on_an_arc = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        >>> round(rsa(on_an_arc, {"frequency": angle}).value, 3)
        1.0
    """
    bootstrap = bootstrap or Bootstrap()
    pairs = _Pairs.of(features, parameters, within, units, max_points, bootstrap.seed)
    correlations = pairs.correlations([pairs.in_features, pairs.distances(metric(pairs.parameters))], bootstrap)
    value, *replicates = correlations[:, 0, 1]
    return make_score(value, replicates, units=pairs.num_units, bootstrap=bootstrap, bounds=_BOUNDS)


@dataclasses.dataclass(frozen=True)
class RsaProfile:
    """RSA in several metrics, and of each parameter.

    Attributes:
        by_metric: by name of the metric, `BEST` the last.
        marginal: by parameter, RSA with the distance in that parameter alone.
        partial: by parameter, the same with the ranks of the distances in the other parameters held constant.
    """

    by_metric: Mapping[str, Score]
    marginal: Mapping[str, Score]
    partial: Mapping[str, Score]


def rsa_profile(
    features: npt.ArrayLike,
    parameters: Mapping[str, npt.ArrayLike],
    *,
    metrics: Mapping[str, ParameterMetric] = VOWEL_METRICS,
    within: npt.ArrayLike | None = None,
    units: npt.ArrayLike | None = None,
    max_points: int = 400,
    bootstrap: Bootstrap | None = None,
) -> RsaProfile:
    """RSA in several parameter metrics at once, so that one can see whether the metric decides.

    One more metric is added, with the best non-negative weights. Each parameter is divided by its span. The weights of
    the squared differences sum to 1, and are those of a grid with the highest correlation among one half of the points
    (chosen by the seed). The score is the correlation among the other half, averaged over both ways round, so weights
    that hold only for the points they were found on are not rewarded.

    Arguments, draws and errors are those of `rsa`. A single parameter has neither weights nor partial correlations.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> f0, f1 = rng.uniform(100, 200, 40), rng.uniform(200, 900, 40)
        >>> of_f0 = np.stack([np.cos(f0 / 500), np.sin(f0 / 500)], axis=1)
        >>> profile = rsa_profile(of_f0, {"f0": f0, "f1": f1})
        >>> profile.by_metric["Hz"].value < 0.2, round(profile.by_metric[BEST].value, 2)
        (True, 1.0)
        >>> round(profile.partial["f0"].value, 2)
        1.0
    """
    bootstrap = bootstrap or Bootstrap()
    pairs = _Pairs.of(features, parameters, within, units, max_points, bootstrap.seed)
    names = list(pairs.parameters)
    spaces = {name: metric(pairs.parameters) for name, metric in metrics.items()}
    alone = [pairs.distances({name: values}) for name, values in pairs.parameters.items()]
    several = [pairs.distances(space) for space in spaces.values()]
    matrices = pairs.correlations([pairs.in_features, *alone, *several], bootstrap)

    def score(values: np.ndarray) -> Score:
        return make_score(values[0], values[1:], units=pairs.num_units, bootstrap=bootstrap, bounds=_BOUNDS)

    count = len(names)
    by_metric = {name: score(matrices[:, 0, 1 + count + index]) for index, name in enumerate(spaces)}
    marginal = {name: score(matrices[:, 0, 1 + index]) for index, name in enumerate(names)}
    partial = {}
    if count > 1:
        for index, name in enumerate(names, start=1):
            others = [other for other in range(1, 1 + count) if other != index]
            partial[name] = score(_partial(matrices, index, others))
        by_metric[BEST] = pairs.best_weights(bootstrap)
    return RsaProfile(by_metric, marginal, partial)


@dataclasses.dataclass(frozen=True)
class _Pairs:
    """Pairs of points that are compared.

    Attributes:
        unit: (n, d), directions of the features.
        parameters: (n,) each, float64.
        unit_of: (n,) int, which unit each point belongs to.
        num_units: how many there are.
        first, second: (pairs,), indices of points.
    """

    unit: np.ndarray
    parameters: Mapping[str, np.ndarray]
    unit_of: np.ndarray
    num_units: int
    first: np.ndarray
    second: np.ndarray

    @classmethod
    def of(
        cls,
        features: npt.ArrayLike,
        parameters: Mapping[str, npt.ArrayLike],
        within: npt.ArrayLike | None,
        units: npt.ArrayLike | None,
        max_points: int,
        seed: int,
    ) -> "_Pairs":
        unit = directions(features)
        positions(parameters, num_points=len(unit))  # which checks them
        place = {name: np.asarray(values, np.float64) for name, values in parameters.items()}
        if len(unit) < 4:
            raise UndefinedScoreError(f"features has {len(unit)} points; expected at least 4 to compare distances")
        label = labels("within", within, default=np.zeros(len(unit), int))
        member = labels("units", units, default=np.arange(len(unit)))
        if len(unit) > max_points:
            chosen = np.sort(np.random.default_rng(seed).choice(len(unit), max_points, replace=False))
            unit, label, member = unit[chosen], label[chosen], member[chosen]
            place = {name: values[chosen] for name, values in place.items()}
        _, member = np.unique(member, return_inverse=True)
        first, second = np.triu_indices(len(unit), k=1)
        same = label[first] == label[second]
        return cls(unit, place, member, int(member.max()) + 1, first[same], second[same])

    @property
    def in_features(self) -> np.ndarray:
        """Cosine distances, (pairs,)."""
        return np.round(cosine_distances(self.unit, self.unit)[self.first, self.second], 12)

    def distances(self, space: Mapping[str, np.ndarray]) -> np.ndarray:
        """Euclidean distances in a space of parameters, (pairs,)."""
        place = np.stack(list(space.values()), axis=1)
        return parameter_distances(place / np.ptp(place), place / np.ptp(place))[self.first, self.second]

    def among(self, points: np.ndarray) -> "_Pairs":
        """The pairs of some points, (n,) bool."""
        kept = points[self.first] & points[self.second]
        place = np.cumsum(points) - 1
        _, member = np.unique(self.unit_of[points], return_inverse=True)
        parameters = {name: values[points] for name, values in self.parameters.items()}
        first, second = place[self.first[kept]], place[self.second[kept]]
        return _Pairs(self.unit[points], parameters, member, int(member.max()) + 1, first, second)

    def correlations(self, distances: list[np.ndarray], bootstrap: Bootstrap) -> np.ndarray:
        """Spearman's correlations of k kinds of distance, (1 + resamples, k, k): of all points, then of resamples."""
        for each in distances:
            if not len(each) or np.ptp(each) == 0:
                raise UndefinedScoreError(
                    "all pairs of points are equally far apart, so that there is nothing to order"
                )
        counts = np.concatenate([np.ones((1, self.num_units)), bootstrap.counts(self.num_units)])
        rankdata = scipy_stats().rankdata
        ranks = [(rankdata(each) - 0.5) / len(each) - 0.5 for each in distances]
        # A pair weighs as much as the product of its units' counts: sums over pairs are quadratic forms of those.
        place = self.unit_of[self.first] * self.num_units + self.unit_of[self.second]

        def weighted(values: np.ndarray) -> np.ndarray:
            sums = np.bincount(place, values, minlength=self.num_units**2).reshape(self.num_units, -1)
            return np.einsum("ru,ru->r", counts @ sums, counts)

        total = weighted(np.ones(len(place)))
        total = np.where(total > 0, total, np.nan)
        means = np.stack([weighted(each) for each in ranks], axis=1) / total[:, None]
        covariances = np.empty((len(counts), len(ranks), len(ranks)))
        for i, j in itertools.combinations_with_replacement(range(len(ranks)), 2):
            covariances[:, i, j] = weighted(ranks[i] * ranks[j]) / total - means[:, i] * means[:, j]
            covariances[:, j, i] = covariances[:, i, j]
        lengths = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
        lengths = np.where(lengths > 1e-9, lengths, np.nan)
        return covariances / lengths[:, :, None] / lengths[:, None]

    def best_weights(self, bootstrap: Bootstrap) -> Score:
        """The score of weights found on one half of the points among the other half, and the other way round."""
        shuffled = np.random.default_rng(bootstrap.seed).permutation(self.num_units)
        half = np.isin(self.unit_of, shuffled[: self.num_units // 2])
        place = span(self.parameters)
        halves = []
        for fitted, tried in ((half, ~half), (~half, half)):
            weights = self.among(fitted).fitted_weights({name: values[fitted] for name, values in place.items()})
            left_out = self.among(tried)
            weighted = {name: values[tried] * np.sqrt(weights[name]) for name, values in place.items()}
            halves.append(
                left_out.correlations([left_out.in_features, left_out.distances(weighted)], bootstrap)[:, 0, 1]
            )
        value, *replicates = np.mean(halves, axis=0)
        units = self.num_units - self.num_units // 2
        return make_score(value, replicates, units=units, bootstrap=bootstrap, bounds=_BOUNDS)

    def fitted_weights(self, place: Mapping[str, np.ndarray]) -> dict[str, float]:
        """The weights, which sum to 1, of the highest correlation."""
        steps = range(_STEPS_OF_WEIGHTS + 1)
        grid = [each for each in itertools.product(steps, repeat=len(place)) if sum(each) == _STEPS_OF_WEIGHTS]
        weights = np.array(grid) / _STEPS_OF_WEIGHTS
        squares = np.stack([np.square(values[self.first] - values[self.second]) for values in place.values()])
        rankdata = scipy_stats().rankdata
        target = rankdata(self.in_features) - 0.5
        scores = [np.corrcoef(rankdata(np.round(weight @ squares, 9)) - 0.5, target)[0, 1] for weight in weights]
        return dict(zip(place, weights[int(np.nanargmax(scores))].tolist(), strict=True))


def _partial(correlations: np.ndarray, index: int, others: list[int]) -> np.ndarray:
    """Partial correlations of variables 0 and `index`, `others` held constant: (resamples, k, k) to (resamples,)."""
    both = [0, index]
    between = correlations[:, others][:, :, both]
    solved = np.linalg.solve(correlations[:, others][:, :, others] + 1e-9 * np.eye(len(others)), between)
    left = correlations[:, both][:, :, both] - between.transpose(0, 2, 1) @ solved
    variances = left[:, 0, 0] * left[:, 1, 1]
    return np.clip(left[:, 0, 1] / np.sqrt(np.where(variances > 1e-12, variances, np.nan)), -1, 1)
