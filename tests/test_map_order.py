"""The numbers under maps: known answers, what is undefined, and where they go."""

import dataclasses

import numpy as np
import pytest

from experiments.measures import map_order
from experiments.store import rows
from w2v_jax.scores import Bootstrap

F1, F2 = (each.ravel() for each in np.meshgrid(np.arange(8.0), np.arange(9.0), indexing="ij"))
POINTS = {"f0": np.full(72, 120.0), "f1": F1, "f2": F2}
PLACES = np.stack([F1 / 7, F2 / 8], axis=1)
PATCH = np.concatenate([PLACES, np.full((72, 1), 1e4)], axis=1)  # of a sphere: its cosine distances are those


def measure(features, positions, points=POINTS):
    return map_order.measure(features, positions, points, sweep="x", bootstrap=Bootstrap(resamples=20))


def kept(order, name="ours"):
    """The rows as an experiment has them."""
    about = rows.About(name, "trained", "a test", {"sample_rate": 16_000, "receptive_field": 400, "hop": 320})
    of = tuple(dataclasses.replace(row, encoder=name) for row in order.rows())
    return rows.Measurements("formants", of, {name: about})


def test_features_and_a_map_that_keep_everything():
    order = measure(PATCH, PLACES)
    assert map_order.caption(order, sounds="vowels") == (
        f"near order: 100% of nearest vowels kept (chance {order.near_order_by_chance.value:.0%}); far order: RSA 1.00",
        f"the map: trustworthiness 1.00, continuity 1.00 (shuffled: {order.shuffled.value:.2f})",
    )
    assert [line.split(":")[0] for line in map_order.caption(order, narrow=True)] == [
        "near order",
        "far order",
        "the map",
    ]


def test_sounds_farther_apart_than_the_tuning_are_told():
    axis = np.arange(-1.0, 10.0, 0.25)
    narrow, wide = (
        np.concatenate([np.exp(-np.square((each[:, None] - axis) / width) / 2) for each in (F1, F2)], axis=1)
        for width in (0.1, 4.0)
    )
    told = "farther apart than the tuning"
    order = measure(narrow, PLACES)
    assert order.saturation.value > 0.5
    assert told in map_order.caption(order)[-1]
    assert map_order.caption(order, sounds="vowels", narrow=True)[-2] == f"saturated: the vowels are {told}"
    assert told not in " ".join(map_order.caption(measure(wide, PLACES)))


def test_shuffled_features_and_a_shuffled_map_score_chance():
    rng = np.random.default_rng(0)
    tries = [measure(PATCH[rng.permutation(72)], PLACES) for _ in range(10)]
    near = np.mean([each.near_order.value for each in tries])
    assert near == pytest.approx(tries[0].near_order_by_chance.value, abs=0.02)
    for score in ("trustworthiness", "continuity"):
        mean = np.mean([getattr(each, score).value for each in tries])
        assert mean == pytest.approx(tries[0].shuffled.value, abs=0.03)


def test_many_points_are_thinned_alike():
    many = map_order.MAX_POINTS + 200
    angle = np.linspace(0, 1, many)
    features = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    order = measure(features, features, {"frequency": angle})
    assert order.near_order.units == order.trustworthiness.units == map_order.MAX_POINTS
    assert order == measure(features, features, {"frequency": angle})


@pytest.mark.parametrize(
    ("features", "parameters"),
    [(np.zeros((72, 3)), POINTS), (PATCH, {"f0": POINTS["f0"]}), (PATCH[:9], {"f1": F2[:9]})],
)
def test_what_is_undefined_is_said(features, parameters):
    order = measure(features, PLACES[: len(features)], parameters)
    assert "undefined" in " ".join(map_order.caption(order))
    assert all(row.undefined for row in order.rows() if row.value is None)


def test_numbers_are_read_back_from_the_rows_of_their_map_only():
    order = measure(PATCH, PLACES)
    measured = kept(order)
    again = map_order.of(measured, "ours", "x")
    assert [row.value for row in again.rows()] == [row.value for row in order.rows()]
    assert measured.value(map_order.FAR_ORDER, encoder="ours", map="x") == order.far_order.value
    assert map_order.of(measured, "ours", "vowel_space") is None
    assert map_order.of(measured, "theirs", "x") is None
