"""Cosine similarity and linear CKA, against float64 NumPy and by their invariances."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from w2v_jax import similarity

SEEDS = st.integers(0, 2**32 - 1)


def cosine_float64(a, b):
    a, b = (
        each.astype(np.float64) / np.linalg.norm(each.astype(np.float64), axis=-1, keepdims=True) for each in (a, b)
    )
    return a @ b.T


def cka_float64(a, b):
    a, b = (each.astype(np.float64) - each.astype(np.float64).mean(axis=0) for each in (a, b))
    return np.linalg.norm(b.T @ a) ** 2 / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))


def debiased_cka_float64(a, b):
    """As Song et al. (2012) write it, with the n by n kernels of all sounds."""

    def unbiased(k, m):
        n = len(k)
        k, m = (np.where(np.eye(n, dtype=bool), 0, each) for each in (k, m))
        sums = k.sum() * m.sum() / ((n - 1) * (n - 2)) - 2 * k.sum(axis=0) @ m.sum(axis=0) / (n - 2)
        return ((k * m).sum() + sums) / (n * (n - 3))

    a, b = (each.astype(np.float64) - each.astype(np.float64).mean(axis=0) for each in (a, b))
    k, m = a @ a.T, b @ b.T
    return unbiased(k, m) / np.sqrt(unbiased(k, k) * unbiased(m, m))


def related_features(num_rows, *, offset=0.0, seed=0):
    """Two feature sets that share five directions, off centre."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(num_rows, 5))
    a = shared @ rng.normal(size=(5, 64)) + 0.3 * rng.normal(size=(num_rows, 64)) + offset
    b = np.tanh(shared) @ rng.normal(size=(5, 48)) + 0.3 * rng.normal(size=(num_rows, 48)) - 2 * offset
    return a.astype(np.float32), b.astype(np.float32)


def test_cosine_similarity_known_angles():
    a = np.array([[1, 0], [3, 3], [-2, 0]], np.float32)
    root = np.sqrt(0.5)
    expected = [[1, root, -1], [root, 1, -root], [-1, -root, 1]]
    np.testing.assert_allclose(similarity.cosine_similarity(a, a), expected, atol=1e-7)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(-15, 15))
def test_cosine_similarity_is_accurate_at_any_scale(seed, exponent):
    rng = np.random.default_rng(seed)
    a = (rng.normal(size=(9, 64)) * 10**exponent + 10**exponent).astype(np.float32)
    b = rng.normal(size=(7, 64)).astype(np.float32)
    np.testing.assert_allclose(similarity.cosine_similarity(a, b), cosine_float64(a, b), atol=1e-6)


def test_adjacent_distance_keeps_its_digits():
    # Unit vectors 1e-5 apart: 1 - cos is 5e-11, which a float32 cosine cannot tell from 0.
    angles = 1e-5 * np.arange(4)
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    np.testing.assert_allclose(similarity.adjacent_distance(features), 5e-11, rtol=1e-3)


def test_stationarity_is_the_mean_over_frames():
    frames = np.random.default_rng(0).normal(size=(3, 11, 32)).astype(np.float32)
    expected = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            expected[i, j] = cosine_float64(frames[i].mean(axis=0, keepdims=True), frames[j]).mean()
    np.testing.assert_allclose(similarity.stationarity(frames), expected, atol=1e-6)


@pytest.mark.parametrize("num_rows", [3, 5_400])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_linear_cka_is_accurate(num_rows, offset):
    a, b = related_features(num_rows, offset=offset)
    assert float(similarity.linear_cka(a, b)) == pytest.approx(cka_float64(a, b), abs=1e-6)


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.sampled_from([1e-12, 0.1, 7.0, 1e12]))
def test_linear_cka_ignores_rotation_scale_and_offset(seed, scale):
    a, b = related_features(60, seed=seed)
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(64, 64)))
    moved = (scale * (a @ rotation + 3)).astype(np.float32)
    assert float(similarity.linear_cka(moved, b)) == pytest.approx(float(similarity.linear_cka(a, b)), abs=1e-5)
    assert float(similarity.linear_cka(a, moved)) == pytest.approx(1, abs=1e-5)
    assert float(similarity.linear_cka(b, a)) == pytest.approx(float(similarity.linear_cka(a, b)), abs=1e-6)


@pytest.mark.parametrize("num_rows", [4, 1_600])  # one block of rows, and several
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_debiased_linear_cka_is_accurate(num_rows, offset):
    a, b = related_features(num_rows, offset=offset)
    expected = debiased_cka_float64(a, b)
    assert float(similarity.debiased_linear_cka(a, b)) == pytest.approx(expected, abs=1e-6)
    assert float(jax.jit(similarity.debiased_linear_cka)(a, b)) == pytest.approx(expected, abs=1e-5)


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.sampled_from([1e-12, 0.1, 7.0, 1e12]))
def test_debiased_linear_cka_ignores_rotation_scale_and_offset(seed, scale):
    a, b = related_features(60, seed=seed)
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(64, 64)))
    moved = (scale * (a @ rotation + 3)).astype(np.float32)
    expected = float(similarity.debiased_linear_cka(a, b))
    assert float(similarity.debiased_linear_cka(moved, b)) == pytest.approx(expected, abs=1e-5)
    assert float(similarity.debiased_linear_cka(b, moved)) == pytest.approx(expected, abs=1e-5)
    assert float(similarity.debiased_linear_cka(a, moved)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("num_rows", [64, 200])
def test_debiased_linear_cka_of_unrelated_features_is_zero(num_rows):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, num_rows, num_rows))
    assert float(similarity.linear_cka(a, b)) > 0.4
    assert float(similarity.debiased_linear_cka(a, b)) == pytest.approx(0, abs=0.05)


def test_linear_cka_of_unrelated_columns_is_zero():
    a = np.array([[1], [1], [-1], [-1]], np.float32)
    b = np.array([[1], [-1], [1], [-1]], np.float32)
    assert float(similarity.linear_cka(a, b)) == 0


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (similarity.cosine_similarity, (np.ones((2, 3)), np.ones((2, 4))), "3 channels and b has 4"),
        (similarity.cosine_similarity, (np.ones((2, 3)), np.eye(3) * [1, 0, 1]), "b has a row of zeros"),
        (similarity.cosine_similarity, (np.ones(3), np.ones((2, 3))), "a has shape"),
        (similarity.adjacent_distance, (np.ones((1, 3)),), "at least two"),
        (similarity.paired_cosine_distance, (np.ones((2, 3)), np.ones((3, 3))), "expected the same"),
        (similarity.stationarity, (np.ones((2, 3)),), "frames has shape"),
        (similarity.linear_cka, (np.ones((4, 3)), np.ones((5, 3))), "4 rows and b has 5"),
        (similarity.linear_cka, (np.full((4, 3), 0.1), np.eye(4)), "a is the same for all 4 sounds"),
        (similarity.linear_cka, (np.eye(4), np.full((4, 3), np.nan)), "b has values that are not finite"),
        (similarity.debiased_linear_cka, (np.ones((4, 3)), np.ones((5, 3))), "4 rows and b has 5"),
        (similarity.debiased_linear_cka, (np.eye(3), np.eye(3)), "a has 3 sounds; expected at least 4"),
        (similarity.debiased_linear_cka, (np.eye(4), np.ones((4, 3))), "b is the same for all 4 sounds"),
        (
            similarity.debiased_linear_cka,
            (np.vander([0.0, 1, 2, 3]), np.eye(4)[:, :1] + 0.1),
            "sounds of b lie equally",
        ),
    ],
)
def test_undefined_cases_are_errors(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(*arguments)


@pytest.mark.parametrize(
    ("function", "in_float64"),
    [(similarity.linear_cka, cka_float64), (similarity.debiased_linear_cka, debiased_cka_float64)],
)
def test_jit_and_grad(function, in_float64):
    a, b = related_features(20)
    assert float(jax.jit(function)(a, b)) == pytest.approx(in_float64(a, b), abs=2e-6)
    assert jnp.isnan(jax.jit(function)(np.ones_like(a), b))  # unchecked there
    gradient = np.asarray(jax.grad(function)(a, b), np.float64)
    direction = np.random.default_rng(1).normal(size=a.shape)
    step = 1e-4
    numeric = (in_float64(a + step * direction, b) - in_float64(a - step * direction, b)) / (2 * step)
    assert (gradient * direction).sum() == pytest.approx(numeric, rel=1e-2)
