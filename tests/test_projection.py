"""UMAP: shapes, repeatability, and that it keeps neighbours. Few tests: its first call compiles for seconds."""

import importlib
import subprocess
import sys
import warnings

import numpy as np
import pytest

from w2v_jax import projection


def circle(num_points):
    """Points on a circle in 16 dimensions, (num_points, 16)."""
    angle = np.linspace(0, 2 * np.pi, num_points, endpoint=False)
    plane, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 2)))
    return (np.stack([np.cos(angle), np.sin(angle)], axis=1) @ plane.T).astype(np.float32)


def test_published_settings():
    assert (projection.LOCAL.min_dist, projection.LOCAL.n_neighbors, projection.LOCAL.metric) == (0.1, 15, "cosine")
    assert (projection.GLOBAL.min_dist, projection.GLOBAL.n_neighbors, projection.GLOBAL.metric) == (0.5, 100, "cosine")


@pytest.fixture(scope="module", autouse=True)
def kept():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        projection.keep_compiled()


@pytest.mark.filterwarnings("error::UserWarning")
def test_project_keeps_neighbours_and_repeats_itself():
    features = circle(60)
    positions = projection.project(features)
    assert positions.shape == (60, 2)
    assert positions.dtype == np.float32
    steps = np.linalg.norm(np.roll(positions, 1, axis=0) - positions, axis=1)
    assert np.median(steps) < 0.2 * np.ptp(positions, axis=0).max()
    np.testing.assert_array_equal(projection.project(features), positions)


def test_what_numba_compiles_is_kept():
    umap = importlib.import_module("umap.umap_")
    projection.project(circle(20))
    for function in (umap.smooth_knn_dist, umap.compute_membership_strengths):
        assert sum(function.stats.cache_hits.values()) + sum(function.stats.cache_misses.values()) > 0


def test_project_onto_places_points_where_they_were():
    features = circle(60)
    positions, placed = projection.project_onto(features, features[::7])
    assert positions.shape == (60, 2)
    extent = np.ptp(positions, axis=0).max()
    assert np.median(np.linalg.norm(placed - positions[::7], axis=1)) < 0.2 * extent


@pytest.mark.parametrize(
    ("features", "message"),
    [(np.ones((3, 2)), "at least 4"), (np.ones(5), "shape"), (np.full((5, 2), np.inf), "not finite")],
)
def test_errors(features, message):
    with pytest.raises(ValueError, match=message):
        projection.project(features)


def test_orientation_undoes_a_rotation():
    rng = np.random.default_rng(0)
    axes = rng.normal(size=(50, 2))
    axes = np.linalg.qr(axes - axes.mean(axis=0))[0]  # centred, uncorrelated
    turned = axes @ np.array([[0.6, -0.8], [-0.8, -0.6]]) + 5
    recovered = turned @ projection.orientation(turned, axes)
    np.testing.assert_allclose(recovered - recovered.mean(axis=0), axes, atol=1e-12)


def test_importing_the_package_needs_no_umap():
    code = "import sys, w2v_jax.projection as p; assert not {'umap', 'sklearn', 'matplotlib'} & sys.modules.keys()\n"
    code += (
        "sys.modules['umap'] = None\ntry: p.project([[1, 2]] * 5)\nexcept p.ProjectionUnavailableError as e: print(e)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'w2v_jax[experiments]'" in process.stdout
