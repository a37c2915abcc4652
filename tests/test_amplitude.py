"""amplitude: whether distances follow two amplitudes, of features whose answer is known."""

import dataclasses

import numpy as np
import pytest

from experiments import amplitude
from experiments.measures import map_order
from experiments.store import rows
from w2v_jax.scores import Bootstrap

GRID = amplitude.AMPLITUDES.thinned(amplitude_low=4, amplitude_high=4)
FEW = Bootstrap(resamples=40)


def measured(by_name):
    """Measurements of several front ends; those whose names begin with "random" are controls."""
    abouts = {
        name: rows.About(name, "random" if name.startswith("random") else "trained", "a test", {}) for name in by_name
    }
    own = [dataclasses.replace(row, encoder=name) for name, several in by_name.items() for row in several]
    return rows.Measurements("amplitude", tuple(own), abouts)


def directions():
    """Features whose cosine distances grow with those of both amplitudes."""
    points = GRID.points()
    both = np.stack([points[name] for name in amplitude.PARAMETERS], axis=1)
    return np.concatenate([both, np.ones((len(both), 1))], axis=1).astype(np.float32)


def order_of(features):
    return [amplitude.measure_order(features, GRID, bootstrap=FEW)]


def test_the_order_of_distances_is_that_of_the_amplitudes():
    (orderly,) = order_of(directions())
    (shuffled,) = order_of(np.random.default_rng(0).permutation(directions()))
    assert orderly.value > 0.95
    assert shuffled.value < 0.4
    assert orderly.better == "higher"


def test_a_step_is_of_the_tone_whose_amplitude_changes():
    low = GRID.points()["amplitude_low"]
    of_low = amplitude.measure_steps(np.stack([low, np.ones_like(low)], axis=1), GRID)
    steps = measured({"a": of_low})
    assert steps.value(amplitude.STEP, encoder="a", frequency=100.0) > 0.001
    assert steps.value(amplitude.STEP, encoder="a", frequency=700.0) == pytest.approx(0, abs=1e-6)


def test_the_headline_tells_of_controls_and_of_what_is_undefined():
    orderly, alike = order_of(directions()), order_of(np.ones((len(GRID), 3), np.float32))
    assert alike[0].undefined
    shuffled = order_of(np.random.default_rng(0).permutation(directions()))
    both = measured({"ours": orderly, "random-1": shuffled})
    beginning = "Distances between sums of two tones follow the two amplitudes with a rank correlation of "
    told = f"{orderly[0].value:.2f} for ours"
    assert amplitude.headline(both) == f"{beginning}{told}, more closely than random-1 ({shuffled[0].value:.2f})."
    assert amplitude.headline(both.of("ours")) == f"{beginning}{told}."
    assert amplitude.headline(both.of("random-1")) == f"{beginning}{shuffled[0].value:.2f} for random-1."
    assert amplitude.headline(measured({"ours": alike})).endswith("is undefined.")


def test_the_steps_of_the_grid_are_uneven_in_energy():
    steps = measured({"": amplitude.measure_spacing(amplitude.AMPLITUDES)}).array(amplitude.ENERGY_STEP)
    assert np.all(np.diff(steps) > 0)
    np.testing.assert_allclose(steps.sum(), 0.5**2 - 0.1**2, rtol=1e-6)


def test_the_map_is_turned_so_that_amplitudes_grow_to_the_right_and_upwards():
    points = GRID.points()
    upright = np.stack([points[name] for name in amplitude.PARAMETERS], axis=1)
    turned = upright @ np.array([[0, -1], [1, 0]], np.float32)
    back = amplitude.oriented(turned, GRID)
    np.testing.assert_allclose(back - back.mean(axis=0), upright - upright.mean(axis=0), atol=1e-6)


def test_the_record_says_how_the_map_is_coloured_and_labelled():
    (map_,) = amplitude.EXPERIMENT.maps
    points = GRID.points()
    decibels = map_.colours(points)
    assert decibels.max() == pytest.approx(20 * np.log10(5)) == -decibels.min()
    labels = {each["text"]: each["row"] for each in map_.labels(points, measured({}))}
    assert labels == {"both 0.1": 0, "100 Hz: 0.5": 12, "700 Hz: 0.5": 3}
    assert map_.sound(points)["frequencies"] == [100, 700]


def test_a_run_leaves_figures_of_each_and_of_all(smoke):
    measured = smoke.results.measurements("amplitude")
    folder = smoke.results.folder / "amplitude"
    ends = (".first", ".second", ".log-mel", ".bands-make", "")
    assert {path.name for path in folder.glob("*.png")} == {f"amplitudes{end}.png" for end in ends}
    lines = (folder / "amplitudes.second.map.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "amplitude_low,amplitude_high,x,y"
    assert len(lines) == 1 + 16
    for name in measured.encoders:
        along = measured.array(amplitude.STEP, encoder=name)
        assert len(along) == 2
        assert np.all(along > 0)
        order = map_order.of(measured, name, "amplitudes")
        assert order.far_order.value == measured.value(amplitude.ORDER, encoder=name)
