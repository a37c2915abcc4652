"""CKA and its baselines, of features that are made up: which pairs there are, what is said of them, and the figure."""

import dataclasses

import numpy as np
import pytest

from experiments.front_ends import controls
from experiments.front_ends.named import random_encoder, spectrogram
from experiments.front_ends.resolving import resolve
from experiments.measures import alignment
from experiments.store import rows
from w2v_jax import grids
from w2v_jax.scores import Bootstrap

GRID = grids.VOWEL_SPACE_BY_F0.thinned(f0=2, f1=4, f2=4)
FRAMES = {"sample_rate": 16_000, "receptive_field": 400, "hop": 320}


def measurements(several, names):
    abouts = {name: rows.About(name, "trained", "a test", FRAMES) for name in names}
    return rows.Measurements("formants", tuple(several), abouts)


def measured(front_ends):
    """Every front end has features of its own; log-mel's do not vary."""
    baselines = alignment.baselines_of(front_ends)
    everyone = [*front_ends, *alignment.beside(baselines)]
    features = {each: np.random.default_rng(i).normal(size=(len(GRID), 5)) for i, each in enumerate(everyone)}
    features |= {each: np.ones((len(GRID), 5)) for each in everyone if each.name == "log-mel"}
    pairs = alignment.measure_baselines(baselines, features, GRID, bootstrap=Bootstrap(resamples=20))
    return baselines, measurements(pairs, [each.name for each in everyone])


def pairs_of(measurements):
    return [(row, tuple(rows.names_in(row))) for row in measurements.select(alignment.LINEAR)]


def test_one_encoder_has_baselines_and_a_figure():
    baselines, measurements = measured([random_encoder("untrained", 0)])
    known = [names for row, names in pairs_of(measurements) if row.value is not None]
    assert known == [("untrained", "random-1"), ("untrained", "random-2"), ("random-1", "random-2")]
    debiased = measurements.row(alignment.DEBIASED, encoder="untrained", **{rows.WITH: "random-1"})
    assert debiased.units == 16  # a vowel at all its f0 together
    assert debiased.low <= debiased.value <= debiased.high
    (note, *_) = alignment.undefined_notes(measurements)
    assert note.startswith("CKA of untrained and log-mel: b is the same for all 32 sounds")
    (axes, _) = alignment.draw(baselines, measurements).axes
    numbers = [text.get_text() for text in axes.texts]
    assert len(numbers) == 4 + 2 * 3  # the diagonal, and three pairs twice
    assert "beyond the line, baselines: random weights (random-1 and random-2) and log-mel" in axes.get_title()


def test_the_figure_has_linear_below_the_diagonal_and_debiased_above_it():
    first, second = (random_encoder(name, seed) for seed, name in enumerate(("first", "second")))
    for of, other in ((first, second), (second, first)):
        pair = [rows.number(alignment.LINEAR, 0.75), rows.number(alignment.DEBIASED, 0.25)]
        named = [dataclasses.replace(row, encoder=of.name, parameters=((rows.WITH, other.name),)) for row in pair]
        (axes, _) = alignment.draw({first: (), second: ()}, measurements(named, ["first", "second"])).axes
        np.testing.assert_array_equal(axes.images[0].get_array(), [[1, 0.25], [0.75, 1]])


def test_pairs_that_were_asked_for_are_no_baselines():
    chosen = [random_encoder("untrained", 0), random_encoder("random-1", 1), spectrogram("log-mel", as_named="log-mel")]
    baselines, measurements = measured(chosen)
    assert [each.name for each in alignment.beside(baselines)] == ["random-2", "random-3"]
    assert all({"random-2", "random-3"} & set(names) for _, names in pairs_of(measurements))


@pytest.mark.parametrize("names", [["log-mel"], ["stft"]])
def test_front_ends_without_an_architecture(monkeypatch, names):
    monkeypatch.setattr(controls, "SEEDS", ())
    _, measurements = measured(resolve(names))
    roles = [dict(row.parameters)[alignment.ROLES] for row, _ in pairs_of(measurements)]
    assert roles == {"log-mel": [], "stft": ["front end and log-mel"]}[names[0]]


def test_sentence_names_the_baselines():
    def pair(value, first, second, roles=alignment.TWO_ASKED):
        parameters = ((rows.WITH, second), (alignment.ROLES, roles))
        return dataclasses.replace(rows.number(alignment.LINEAR, value), encoder=first, parameters=parameters)

    def said(*pairs):
        return alignment.said(measurements(pairs, ["a", "b", "r1", "r2", "log-mel"]))

    between = [pair(0.9, "a", "b")]
    baselines = [
        pair(0.6, "a", "r1", "front end and random weights"),
        pair(0.7, "a", "r2", "front end and random weights"),
        pair(0.31, "a", "log-mel", "front end and log-mel"),
        pair(0.97, "r1", "r2", "random weights and random weights"),
    ]
    told = "two encoders with random weights reach 0.970, random weights with a 0.700 and log-mel with a 0.310"
    assert said(*between, *baselines) == (
        f"Linear CKA is 0.900 for a and b (higher is more alike); for comparison, {told}."
    )
    assert said(*baselines) == f"Linear CKA (higher is more alike): {told}."
    assert said(*between) == "Linear CKA is 0.900 for a and b (higher is more alike)."
    assert said() == ""
