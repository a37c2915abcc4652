"""`experiments.emergence`: what its scores say of made features, and a whole run with snapshots of a tiny encoder."""

import dataclasses

import numpy as np
import pytest
from processes import save_tiny

from experiments import emergence
from experiments.claims import verdicts
from experiments.claims.__main__ import EXPERIMENT as CLAIMS
from experiments.claims.layers import Layer
from experiments.claims.questions import placed
from experiments.claims.sounds import grids_of
from experiments.front_ends import named, resolving
from experiments.hearing import Setting
from experiments.store import measurements_file
from experiments.store.results import Results
from experiments.store.rows import attempted
from w2v_jax import scales
from w2v_jax.front_end import Frames
from w2v_jax.scores import Bootstrap, Score

FRAMES = Frames(16_000, 400, 320)
GRIDS = grids_of(FRAMES, "quick", syntheses=("sines",))
POINTS, FREQUENCY = GRIDS.vowels.points(), GRIDS.tones.axis("frequency")
ERB = {name: scales.erb(values) for name, values in POINTS.items()}
STEPS = (100, 20, 0)
VOWELS, AT_ONE_F0, TONES, NEAR, F1, F2 = (name for _, name, _ in placed("through_training", ("sines",)))


def scored(vowels, tones):
    """By name, the scores of features of the vowels, (n, channels), and of the tones."""
    layer = Layer(FRAMES, GRIDS, {"vowels": vowels, "tones": tones}, {}, np.zeros(0), Bootstrap(resamples=40))
    questions = placed("through_training", ("sines",))
    return {name: attempted(lambda question=question: question.score(layer)) for _, name, question in questions}


def flat_map(*columns):
    """Features whose cosine distances have the order of distances in `columns`: a small patch of a sphere."""
    spanned = [(each - each.mean()) / np.ptp(each) for each in columns]
    return np.stack([*spanned, np.full(len(columns[0]), 1000.0)], axis=1)


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    paths = [save_tiny(folder / f"step-{step:06d}.safetensors", seed=step) for step in STEPS]
    return resolving.resolve(paths)


@pytest.fixture(scope="module")
def folder(smoke_claims):
    """What a smoke run wrote."""
    return smoke_claims.folder / "emergence"


@pytest.fixture(scope="module")
def measured(folder):
    return measurements_file.read(folder / "metrics.json", "emergence")


def test_features_that_are_the_parameters_score_one():
    scores = scored(flat_map(*POINTS.values()), flat_map(np.log(FREQUENCY)))
    for name in (VOWELS, TONES, NEAR):
        assert scores[name].value == pytest.approx(1, abs=0.03)
    assert 0.85 < scores[AT_ONE_F0].value < 1  # which is asked in ERB
    at_one_f0 = flat_map(ERB["f1"], ERB["f2"] * np.ptp(ERB["f1"]) / np.ptp(ERB["f2"]))
    assert scored(at_one_f0, flat_map(FREQUENCY))[AT_ONE_F0].value > 0.8
    assert scores[F1].value > 0.5  # of few values, with noise


def test_each_score_asks_for_its_parameters():
    scores = scored(flat_map(POINTS["f0"]), flat_map(FREQUENCY))
    assert scores[VOWELS].value > 0.9  # with all weight on f0
    assert isinstance(scores[AT_ONE_F0], str)  # vowels of one f0 are all alike
    assert 0.5 < scores[TONES].high < 0.95  # spaced in Hz
    scores = scored(flat_map(POINTS["f1"], POINTS["f2"]), flat_map(FREQUENCY))
    assert scores[NEAR].value < 0.9
    assert scores[AT_ONE_F0].value > 0.85


def test_random_features_score_zero_and_collapsed_ones_have_no_score():
    rng = np.random.default_rng(0)
    scores = scored(rng.normal(size=(len(GRIDS.vowels), 8)), rng.normal(size=(len(FREQUENCY), 8)))
    for name in (VOWELS, AT_ONE_F0, TONES):
        assert abs(scores[name].value) < 0.25
    assert scores[F1].value < 0.1
    collapsed = scored(np.zeros((len(GRIDS.vowels), 8)), np.zeros((len(FREQUENCY), 8)))
    assert not any(isinstance(cell, Score) for cell in collapsed.values())


def test_what_is_heard_for_claims_is_read(snapshots, tmp_path):
    setting = Setting(Results(tmp_path, size="smoke"), snapshots[0], named=tuple(snapshots))
    of_claims = {each.name: each for each in CLAIMS.sweeps_for(setting)}
    *heard, vowel_space = emergence.EXPERIMENT.sweeps_for(setting)
    assert [each.name for each in heard] == ["vowels", "vowels_resonances", "tones"]
    assert all(each == of_claims[each.name] and each.folder == "claims" for each in heard)
    assert (vowel_space.name, vowel_space.folder) == ("vowel_space", "formants")


def test_rows_follow_the_steps_and_have_the_controls_of_claims(measured):

    names = [f"step-{step:06d}" for step in sorted(STEPS)]
    seeds = [f"step-000000.random-{seed}" for seed in (1, 2, 3)]
    assert list(measured.encoders) == [*names, *seeds, "log-mel"]
    assert emergence.in_training(measured) == names
    assert len(emergence.drawn_scores(measured)) == 11
    lines = emergence.table_lines([], measured)
    place = [line.split("  ")[0] for line in lines]
    assert place[-1] == "mean of 3 seeds"
    assert "random weights, seed 1" in place
    for claim, name in emergence.drawn_scores(measured):
        values = verdicts.values_of(measured, seeds, claim, name)
        difference = measured.row(
            verdicts.DIFFERENCE, encoder=names[0], claim=claim, score=name, against=verdicts.UNTRAINED
        )
        (own,) = verdicts.values_of(measured, names[:1], claim, name)
        assert difference.value == pytest.approx(own - np.mean(values))
    assert measured.headline.startswith("Training raises ")
    assert "from step-000000 to step-000100" in measured.headline
    assert {row.encoder for row in measured.select("map: trustworthiness")} == set(names)


def test_every_figure_is_drawn(folder):
    assert {path.stem for path in folder.glob("*.png")} == {"scores", "vowels", "filters"}


def test_one_alone_is_drawn_in_rows(measured):
    alone = measured.of("step-000000", "step-000000.random-1", "log-mel")
    figure = emergence.draw_scores([], alone)
    assert len(figure.axes) == 11
    assert alone.headline
    undefined = [
        dataclasses.replace(row, value=None, low=None, high=None, undefined="collapsed")
        if row.encoder == "step-000000"
        else row
        for row in alone.rows
    ]
    collapsed = dataclasses.replace(alone, rows=tuple(undefined))
    emergence.draw_scores([], collapsed)
    (line,) = [each for each in emergence.table_lines([], collapsed) if each.startswith("step-000000")]
    assert line.split()[1:] == ["undefined"] * 11


def test_encoders_side_by_side(snapshots):
    added = (named.random_encoder("random-1", 1), named.random_encoder("random-2", 2))
    in_order = named.by_step(snapshots)
    assert emergence.drawn(in_order, added) == tuple(in_order)
    assert emergence.drawn(in_order[:1], added) == (in_order[0], added[0])
    many = [named.random_encoder(f"step-{n}", n, config=snapshots[0].config) for n in range(11)]
    assert [each.step for each in emergence.drawn(many, added)] == [0, 3, 7, 10]
