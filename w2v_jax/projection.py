"""Features drawn in two dimensions, by UMAP with the paper's settings.

UMAP comes from `umap-learn`, which is imported only when it is used: it is part of the extra `experiments`.
"""

import dataclasses
import functools
import importlib
import pathlib
import warnings
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from w2v_jax._src import extras

if TYPE_CHECKING:
    import umap

LEAST_POINTS = 4
"""Fewer have no map."""

# From this many points on umap-learn searches for neighbours approximately. The compilation of that search alone
# takes longer than an exact one, which is done here instead.
_EXACT_NEIGHBOURS_FROM = 4096


class ProjectionUnavailableError(ImportError):
    """umap-learn is not installed."""


@dataclasses.dataclass(frozen=True)
class UmapSettings:
    """Settings of UMAP.

    Attributes:
        min_dist: how closely points may be packed in the picture.
        n_neighbors: how many neighbours, the point itself included, are to be preserved; fewer points use all.
        metric: distance between features.
        seed: of the layout; it makes the picture repeatable on one machine.
    """

    min_dist: float
    n_neighbors: int
    metric: str = "cosine"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_neighbors < 2:
            raise ValueError(f"n_neighbors is {self.n_neighbors}; expected at least 2")
        if not 0 <= self.min_dist <= 1:
            raise ValueError(f"min_dist is {self.min_dist}; expected 0 to 1")


LOCAL = UmapSettings(min_dist=0.1, n_neighbors=15)
"""The authors' setting of every figure of the paper."""

GLOBAL = UmapSettings(min_dist=0.5, n_neighbors=100)
"""The authors' other setting."""


def project(features: npt.ArrayLike, *, settings: UmapSettings = LOCAL) -> np.ndarray:
    """Fits UMAP to `features`, (n, d), and returns their positions, (n, 2) float32.

    Raises:
        ProjectionUnavailableError: umap-learn is not installed.
        ValueError: another shape, fewer than 4 points, or values that are not finite.
    """
    features = _features("features", features, least=LEAST_POINTS)
    if len(features) < _EXACT_NEIGHBOURS_FROM:
        fitted = _fit_to_distances(features, settings)
    else:
        fitted = _fit_to_neighbours(features, settings)
    return np.asarray(fitted.embedding_, np.float32)


def project_onto(
    features: npt.ArrayLike, others: npt.ArrayLike, *, settings: UmapSettings = LOCAL
) -> tuple[np.ndarray, np.ndarray]:
    """Fits UMAP to `features` and then places `others` on that map, which they do not change.

    Args:
        features: (n, d).
        others: (m, d).
        settings: of UMAP.

    Returns:
        Positions (n, 2) and (m, 2), float32. The first are those of `project`
        (up to 4,095 points). Memory grows with n times n + m.

    Raises:
        ProjectionUnavailableError: as for `project`.
        ValueError: as for `project`, or different numbers of channels.
    """
    features = _features("features", features, least=LEAST_POINTS)
    others = _features("others", others)
    if features.shape[1] != others.shape[1]:
        raise ValueError(f"features has {features.shape[1]} channels and others has {others.shape[1]}")
    fitted = _fit_to_distances(features, settings)
    with _quiet():
        placed = fitted.transform(_distances(others, features, settings.metric))
    return np.asarray(fitted.embedding_, np.float32), np.asarray(placed, np.float32)


def orientation(positions: npt.ArrayLike, axes: npt.ArrayLike) -> np.ndarray:
    """The rotation, with a reflection if need be, that lays `positions` along `axes` as well as one can.

    UMAP leaves the orientation to chance, and distances do not depend on it: seen from one side, pictures of several
    encoders can be compared. (The orthogonal Procrustes problem.)

    Args:
        positions: (n, 2).
        axes: (n, 2), what should grow to the right and what upwards.

    Returns:
        (2, 2), to be applied as `positions @ rotation`.
    """
    positions = np.asarray(positions, np.float64)
    axes = np.asarray(axes, np.float64)
    if positions.ndim != 2 or positions.shape[1] != 2 or axes.shape != positions.shape:
        raise ValueError(f"positions has shape {positions.shape} and axes {axes.shape}; expected (n, 2) in both")
    centred = axes - axes.mean(axis=0)
    scaled = centred / np.maximum(centred.std(axis=0), np.finfo(np.float64).tiny)
    left, _, right = np.linalg.svd(positions.T @ scaled)
    return left @ right


@functools.cache
def keep_compiled() -> bool:
    """Makes numba keep what it compiles for UMAP, so that later processes need not compile it again.

    It is kept where numba keeps the functions of umap-learn that ask for it themselves: in `NUMBA_CACHE_DIR`, or next
    to the package. Without umap-learn, and with a numba that no longer offers this, nothing happens.

    Returns:
        Whether an earlier process has kept it.
    """
    was_kept = False
    for name in ("umap.umap_", "umap.layouts", "umap.utils"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            return False
        for function in vars(module).values():
            if hasattr(function, "enable_caching") and not function.signatures:
                function.enable_caching()
                kept = pathlib.Path(function.stats.cache_path).glob(f"*{function.__qualname__}-*.nbi")
                was_kept = was_kept or any(kept)
    return was_kept


def _features(name: str, features: npt.ArrayLike, *, least: int = 1) -> np.ndarray:
    features = np.asarray(features, np.float32)
    if features.ndim != 2 or 0 in features.shape:
        raise ValueError(f"{name} has shape {features.shape}; expected (n, d)")
    if len(features) < least:
        raise ValueError(f"{name} has {len(features)} points; UMAP needs at least {least}")
    if not np.isfinite(features).all():
        raise ValueError(f"{name} has values that are not finite; expected none")
    return features


def _fit_to_distances(features: np.ndarray, settings: UmapSettings) -> "umap.UMAP":
    """UMAP of all distances at once, which is what umap-learn itself does with few points.

    Given the distances, it can also place further points without having Python call its metric for each pair.
    """
    with _quiet():
        return _unfitted(len(features), settings, metric="precomputed").fit(
            _distances(features.astype(np.float64), None, settings.metric)
        )


def _fit_to_neighbours(features: np.ndarray, settings: UmapSettings) -> "umap.UMAP":
    """UMAP of many points, whose neighbours are found here."""
    from sklearn.neighbors import NearestNeighbors

    with _quiet():
        unfitted = _unfitted(len(features), settings, metric=settings.metric)
        search = NearestNeighbors(n_neighbors=unfitted.n_neighbors, metric=settings.metric, algorithm="brute")
        distances, indices = search.fit(features).kneighbors(features)
        unfitted.precomputed_knn = (indices, distances, None)
        return unfitted.fit(features)


def _distances(a: np.ndarray, b: np.ndarray | None, metric: str) -> np.ndarray:
    from sklearn.metrics import pairwise_distances

    return pairwise_distances(a, b, metric=metric)


def _unfitted(num_points: int, settings: UmapSettings, *, metric: str) -> "umap.UMAP":
    what = "UMAP needs the package umap-learn"
    library = extras.package("umap", what=what, extra="experiments", error=ProjectionUnavailableError)
    return library.UMAP(
        n_neighbors=min(settings.n_neighbors, num_points - 1),
        min_dist=settings.min_dist,
        metric=metric,
        random_state=settings.seed,
        n_jobs=1,  # a fixed seed needs one thread
    )


class _quiet(warnings.catch_warnings):
    """Keeps umap-learn's remarks on missing TensorFlow and lost inverses to itself."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.simplefilter("ignore")
