"""The paper's grids: their sizes, values and order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v_jax import grids

SIZES = {
    "stationarity": 5,
    "bursts": 6,
    "burst_tones": 2,
    "bias": 25,
    "pure_tones": 800,
    "vowel_space": 900,
    "vowel_space_by_f0": 5_400,
    "vowel_space_fine": 120_000,
    "amplitudes": 400,
    "diphthongs": 256,
}


def test_names_and_sizes():
    assert {name: len(grid) for name, grid in grids.GRIDS.items()} == SIZES


@pytest.mark.parametrize("name", SIZES)
def test_points_are_float32_of_one_length(name):
    points = grids.GRIDS[name].points()
    assert all(values.dtype == np.float32 and values.shape == (SIZES[name],) for values in points.values())


def test_last_loop_is_innermost():
    points = grids.VOWEL_SPACE_BY_F0.points()
    assert list(points) == ["f0", "f1", "f2"]
    for name, period, count in (("f0", 900, 6), ("f1", 30, 30), ("f2", 1, 30)):
        expected = np.tile(np.repeat(grids.VOWEL_SPACE_BY_F0.axis(name), period), 5_400 // (period * count))
        np.testing.assert_array_equal(points[name], expected)


def test_values_are_rounded_from_float64():
    np.testing.assert_array_equal(
        grids.PURE_TONES.points()["frequency"], np.linspace(10, 8000, 800, dtype=np.float64).astype(np.float32)
    )
    np.testing.assert_array_equal(grids.VOWEL_SPACE_BY_F0.axis("f0"), [100, 125, 150, 175, 200, 225])


def test_amplitudes_are_even_in_their_square_root():
    amplitudes = grids.AMPLITUDES.axis("amplitude_low").astype(np.float64)
    np.testing.assert_allclose(amplitudes[[0, -1]], [0.1, 0.5], rtol=1e-6)
    np.testing.assert_allclose(np.diff(np.sqrt(amplitudes), 2), 0, atol=1e-7)


def test_diphthongs_join_every_two_vowels():
    points = grids.DIPHTHONGS.points()
    row = [vowel.symbol for vowel in grids.VOWELS].index("a") * 16  # to the first vowel, i
    ends = [points[name][row] for name in ("f1_start", "f2_start", "f1_end", "f2_end")]
    assert ends == [850, 1610, 240, 2400]


@given(st.integers(2, 40), st.integers(2, 40))
def test_thinned_grid_is_part_of_the_grid(num_f1, num_f2):
    thin = grids.VOWEL_SPACE.thinned(f1=num_f1, f2=num_f2)
    assert thin.shape == (1, min(num_f1, 30), min(num_f2, 30))
    for name in ("f1", "f2"):
        kept, full = thin.axis(name), grids.VOWEL_SPACE.axis(name)
        assert set(kept) <= set(full)
        assert (kept[0], kept[-1]) == (full[0], full[-1])
        assert (np.diff(kept) > 0).all()


@pytest.mark.parametrize(("most", "message"), [({"f3": 4}, "no parameter 'f3'"), ({"f1": 1}, "at least 2")])
def test_thinning_errors(most, message):
    with pytest.raises(ValueError, match=message):
        grids.VOWEL_SPACE.thinned(**most)
