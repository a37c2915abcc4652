"""CKA and its baselines, of features that are made up: which pairs there are, what is said of them, and the figure."""

import numpy as np
import pytest

from experiments.front_ends import controls
from experiments.front_ends.named import random_encoder, resolve, spectrogram
from experiments.measures import alignment
from w2v_jax import grids

GRID = grids.VOWEL_SPACE_BY_F0.thinned(f0=2, f1=4, f2=4)


def measured(front_ends):
    """Every front end has features of its own; log-mel's do not vary."""
    baselines = alignment.baselines_of(front_ends)
    everyone = [*front_ends, *alignment.beside(baselines)]
    features = {each: np.random.default_rng(i).normal(size=(len(GRID), 5)) for i, each in enumerate(everyone)}
    features |= {each: np.ones((len(GRID), 5)) for each in everyone if each.name == "log-mel"}
    return baselines, alignment.measure_baselines(baselines, features, GRID)


def test_one_encoder_has_baselines_and_a_figure():
    baselines, pairs = measured([random_encoder("untrained", 0)])
    found = alignment.defined(pairs)
    names = [each["encoders"] for each in found]
    assert names == [["untrained", "random-1"], ["untrained", "random-2"], ["random-1", "random-2"]]
    (note, *_) = alignment.undefined_notes(pairs)
    assert note.startswith("CKA of untrained and log-mel: b is the same for all 32 sounds")
    (axes, _) = alignment.draw(baselines, found).axes
    numbers = [text.get_text() for text in axes.texts]
    assert len(numbers) == 4 + 2 * 3  # the diagonal, and three pairs twice
    assert "beyond the line, baselines: random weights (random-1 and random-2) and log-mel" in axes.get_title()


def test_pairs_that_were_asked_for_are_no_baselines():
    chosen = [random_encoder("untrained", 0), random_encoder("random-1", 1), spectrogram("log-mel", as_named="log-mel")]
    baselines, pairs = measured(chosen)
    assert [each.name for each in alignment.beside(baselines)] == ["random-2", "random-3"]
    assert all({"random-2", "random-3"} & set(pair["encoders"]) for pair in pairs)


@pytest.mark.parametrize("names", [["log-mel"], ["stft"]])
def test_front_ends_without_an_architecture(monkeypatch, names):
    monkeypatch.setattr(controls, "SEEDS", ())
    _, pairs = measured(resolve(names))
    assert [pair["baseline"] for pair in pairs] == {"log-mel": [], "stft": ["front end and log-mel"]}[names[0]]


def test_sentence_names_the_baselines():
    def pair(value, *encoders, baseline=""):
        return {"encoders": list(encoders), "linear_cka": value, "baseline": baseline}

    between = [pair(0.9, "a", "b")]
    baselines = [
        pair(0.6, "a", "r1", baseline="front end and random weights"),
        pair(0.7, "a", "r2", baseline="front end and random weights"),
        pair(0.31, "a", "log-mel", baseline="front end and log-mel"),
        pair(0.97, "r1", "r2", baseline="random weights and random weights"),
    ]
    said = "two encoders of random weights reach 0.970, random weights with a 0.700 and log-mel with a 0.310"
    assert (
        alignment.conclude(between, baselines)
        == f"linear CKA is 0.900 for a and b (higher is more alike); for comparison, {said}"
    )
    assert alignment.conclude([], baselines) == f"of linear CKA (higher is more alike), {said}"
    assert alignment.conclude(between, []) == "linear CKA is 0.900 for a and b (higher is more alike)"
    assert alignment.conclude([], []) == ""
