"""The numbers under maps: known answers, what is undefined, and where they go."""

import csv
import io
import json

import numpy as np
import pytest

from experiments.measures import map_order
from experiments.store import long_table

F1, F2 = (each.ravel() for each in np.meshgrid(np.arange(8.0), np.arange(9.0), indexing="ij"))
POINTS = {"f0": np.full(72, 120.0), "f1": F1, "f2": F2}
PLACES = np.stack([F1 / 7, F2 / 8], axis=1)
PATCH = np.concatenate([PLACES, np.full((72, 1), 1e4)], axis=1)  # of a sphere: its cosine distances are those


def test_features_and_a_map_that_keep_everything():
    order = map_order.measure(PATCH, PLACES, POINTS)
    assert map_order.caption(order, sounds="vowels") == (
        f"near order: 100% of nearest vowels kept (chance {order.near_order_by_chance:.0%}); far order: RSA 1.00",
        f"the map: trustworthiness 1.00, continuity 1.00 (shuffled: {order.shuffled:.2f})",
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
    order = map_order.measure(narrow, PLACES, POINTS)
    assert order.saturation > 0.5
    assert told in map_order.caption(order)[-1]
    assert map_order.caption(order, sounds="vowels", narrow=True)[-2] == f"saturated: the vowels are {told}"
    other = map_order.measure(wide, PLACES, POINTS)
    assert told not in " ".join(map_order.caption(other))
    before = {name: value for name, value in order.as_numbers().items() if name != "saturation"}  # an earlier version
    assert told not in " ".join(map_order.caption(map_order.of_metrics({map_order.KEY: {"x": before}}, "x")))


def test_shuffled_features_and_a_shuffled_map_score_chance():
    rng = np.random.default_rng(0)
    tries = [map_order.measure(PATCH[rng.permutation(72)], PLACES, POINTS) for _ in range(10)]
    near = np.mean([each.near_order["value"] for each in tries])
    assert near == pytest.approx(tries[0].near_order_by_chance, abs=0.02)
    for score in ("trustworthiness", "continuity"):
        assert np.mean([getattr(each, score)["value"] for each in tries]) == pytest.approx(tries[0].shuffled, abs=0.03)


def test_many_points_are_thinned_alike():
    many = map_order.MAX_POINTS + 200
    angle = np.linspace(0, 1, many)
    features = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    order = map_order.measure(features, features, {"frequency": angle})
    assert order.near_order["units"] == order.trustworthiness["units"] == map_order.MAX_POINTS
    assert order == map_order.measure(features, features, {"frequency": angle})


@pytest.mark.parametrize(
    ("features", "parameters"),
    [(np.zeros((72, 3)), POINTS), (PATCH, {"f0": POINTS["f0"]}), (PATCH[:9], {"f1": F2[:9]})],
)
def test_what_is_undefined_is_said(features, parameters):
    order = map_order.measure(features, PLACES[: len(features)], parameters)
    assert "undefined" in " ".join(map_order.caption(order))
    assert map_order.of_metrics({map_order.KEY: {"x": json.loads(json.dumps(order.as_numbers()))}}, "x") == order


def test_the_long_table_has_them_and_earlier_results_do_not():
    order = map_order.measure(PATCH, PLACES, POINTS)
    found = {map_order.KEY: {"vowel_space": order.as_numbers()}}
    text = long_table.csv_text({"encoders": {"ours": found}}, about=(), by_layer=())
    rows = {row["quantity"]: float(row["value"]) for row in csv.DictReader(io.StringIO(text))}
    assert rows["map_order: vowel_space: far_order"] == pytest.approx(order.far_order["value"])
    assert rows["map_order: vowel_space: shuffled"] == pytest.approx(order.shuffled)
    assert map_order.of_metrics({}, "vowel_space") is None
    assert map_order.of_metrics({map_order.KEY: {}}, "vowel_space") is None


@pytest.mark.parametrize("value", [None, "0.5", {}, {"value": "0.5"}, {"value": True}, {"value": float("nan")}])
def test_damaged_numbers_are_not_those_of_an_earlier_version(value):
    numbers = map_order.measure(PATCH, PLACES, POINTS).as_numbers()
    for of in ([value], {"x": value}, {"x": {**numbers, "far_order": value}}):
        with pytest.raises(ValueError, match=r"its 'map_order' of x"):
            map_order.of_metrics({map_order.KEY: of}, "x")
