"""Frequency scales."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from w2v_jax import scales


def test_known_values():
    np.testing.assert_allclose(scales.mel([0, 700, 1000]), [0, 2595 * np.log10(2), 999.9855], rtol=1e-6)
    np.testing.assert_allclose(scales.bark([0, 1960]), [-0.53, 26.81 / 2 - 0.53])


def test_learned_scale_of_known_distances():
    distances = np.array([0.1, 0.3, 0.0, 0.6])
    np.testing.assert_allclose(scales.learned(distances), [0, 0.1, 0.4, 0.4, 1])
    published = np.cumsum([0, 1.1, 1.3, 1.0, 1.6]) / 5
    np.testing.assert_allclose(scales.learned(distances, version="published"), published)


@given(hnp.arrays(np.float64, st.integers(2, 50), elements=st.floats(0, 2)))
def test_published_version_hides_what_the_encoder_does(distances):
    # However uneven the distances, adding 1 to each keeps the curve near the diagonal where they are small.
    small = distances / 1000
    straight = np.linspace(0, 1, len(small) + 1)
    assert np.abs(scales.learned(small, version="published") - straight).max() < 2e-3
    if small.any():
        learned = scales.learned(small)
        assert learned[0] == 0
        assert learned[-1] == pytest.approx(1)
        assert (np.diff(learned) >= 0).all()


@pytest.mark.parametrize(
    ("distances", "message"),
    [
        ([0.0, 0.0], "all zero"),
        ([0.1, np.nan], "not finite"),
        ([-0.1, 0.2], "negative"),
        ([], "shape"),
        ([[1]], "shape"),
    ],
)
def test_learned_errors(distances, message):
    with pytest.raises(ValueError, match=message):
        scales.learned(distances)


def test_unknown_version():
    with pytest.raises(ValueError, match="'published' or 'corrected'"):
        scales.learned([0.1], version="draft")
