"""f0: what a DC offset does, and the learned scale, of features whose answer is known."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from experiments import running
from experiments.f0 import __main__ as f0
from experiments.f0 import measuring
from experiments.front_ends import resolving
from experiments.measures import learned_scale
from experiments.store import rows
from experiments.store.results import Results
from w2v_jax import scales
from w2v_jax.front_end import Frames
from w2v_jax.grids import BIAS
from w2v_jax.scores.frequency_scale import SCALES


def measured(several, name="a"):
    own = [
        rows.Row(**{**{each: getattr(row, each) for each in rows.Row.__slots__}, "encoder": name}) for row in several
    ]
    about = rows.About(
        name, "trained", "facebook/wav2vec2-base@x", {"sample_rate": 16_000, "receptive_field": 400, "hop": 320}
    )
    return rows.Measurements("f0", tuple(own), {name: about})


def on_a_quarter_circle(places):
    """Directions whose angles are places from 0 to 1, (n, 2)."""
    angles = np.pi / 2 * places
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_an_offset_that_turns_features_is_seen():
    bias = BIAS.points()["bias"]
    offsets = measured(measuring.measure_bias(on_a_quarter_circle(np.abs(bias))))
    np.testing.assert_allclose(
        offsets.array(measuring.BIAS_COSINE, encoder="a"), np.cos(np.pi / 2 * np.abs(bias)), atol=1e-6
    )
    assert offsets.value(measuring.BIAS_LEAST, encoder="a") == min(offsets.array(measuring.BIAS_COSINE, encoder="a"))
    (number,) = f0.published(offsets)
    assert (number.published, number.agrees) == ("1", False)
    still = measured(measuring.measure_bias(np.ones((BIAS.points()["bias"].size, 2))))
    assert f0.published(still)[0].agrees


def test_the_corrected_scale_is_that_of_equal_steps():
    mel = np.linspace(scales.mel(100.0), scales.mel(7000.0), 60)
    frequency = np.interp(mel, scales.mel(np.arange(50.0, 8000.0)), np.arange(50.0, 8000.0))
    fits = measured(measuring.measure_scale(on_a_quarter_circle(np.linspace(0, 1, 60)), frequency, nyquist=8000.0))
    differences = {
        scale: fits.value(measuring.RMS, encoder="a", sum="corrected", scale=scale, tones=measuring.BELOW_NYQUIST)
        for scale in SCALES
    }
    assert min(differences, key=differences.get) == "Mel"
    assert differences["Mel"] < 1e-3
    assert not list(fits.select(measuring.SCALE, tones=measuring.ALL))


def test_tones_at_nyquist_are_left_out_of_one_of_two_scales():
    frequency = np.array([1000.0, 2000.0, 3000.0, 8000.0])
    features = on_a_quarter_circle(np.array([0, 0.2, 0.4, 1]))
    fits = measured(measuring.measure_scale(features, frequency, nyquist=8000.0))
    assert fits.parameter("frequency", measuring.SCALE, encoder="a", sum="corrected", tones=measuring.ALL)[-1] == 8000
    assert (
        fits.parameter("frequency", measuring.SCALE, encoder="a", sum="corrected", tones=measuring.BELOW_NYQUIST)[-1]
        == 3000
    )
    silent = np.concatenate([features[:-1], np.zeros((1, 2))])
    assert not list(
        measured(measuring.measure_scale(silent, frequency, nyquist=8000.0)).select(
            measuring.SCALE, tones=measuring.ALL
        )
    )


def test_notes_tell_of_the_tones_that_a_sample_rate_does_not_hold():
    def notes(*rates):
        frames = [Frames(sample_rate=rate, receptive_field=400, hop=160) for rate in rates]
        return f0.notes([SimpleNamespace(name=f"at {each.sample_rate}", frames=each) for each in frames], measured([]))

    assert "at the Nyquist frequency of at 16000" in notes(8_000, 16_000)[0]
    assert notes(8_000)[0] == f0.NOTES[0]
    assert notes(8_000)[-1].startswith("at 8000 hears 8,000 samples a second: the pure tones above 4,000 Hz")


OTHERS = {"Mel": (0.80, 0.84), "Bark": (0.80, 0.84), "ERB": (0.80, 0.84), "log Hz": (0.70, 0.74)}


@pytest.mark.parametrize(
    ("tones", "fits", "words"),
    [
        ((60, 120), OTHERS | {"Hz": (0.99, 1)}, "nearest to Hz (R² 0.995)."),
        ((60, 999), OTHERS | {"Hz": (0.99, 1)}, "nearest to Hz (R² 0.995)."),
        ((101, 7_000), OTHERS | {"Hz": (0.99, 1)}, "nearest to Hz (R² 0.995)."),
        (
            (100, 1_000),
            OTHERS | {"Hz": (0.99, 1)},
            "nearest to Hz (R² 0.995), so that a step of 100 Hz is about as large at 1,000 Hz as at 100 Hz, unlike in "
            "hearing.",
        ),
        (
            (60, 7_000),
            OTHERS | {"Hz": (0.83, 1)},
            "nearest to Hz, Mel, Bark and ERB, which cannot be told apart (R² 0.820 to 0.915).",
        ),
        (
            (60, 7_000),
            OTHERS | {"Hz": (0.60, 0.79)},
            "nearest to Mel, Bark and ERB, which cannot be told apart (R² 0.820 to 0.820), so that a step of 100 Hz is "
            "smaller at 1,000 Hz than at 100 Hz, as in hearing.",
        ),
        ((60, 120), OTHERS | {"Hz": (0.60, 0.79)}, "nearest to Mel, Bark and ERB, which cannot be told apart (R² 0.8"),
        ((60, 7_000), dict.fromkeys(SCALES, (0.99, 1)), "about as near to each of them (R² 0.995 to 0.995)."),
        ((60, 7_000), dict.fromkeys(SCALES, (None, None)), "about as near to each of them (R² 0.9"),
    ],
)
def test_the_headline_says_no_more_than_the_tones_and_the_intervals_show(tones, fits, words):
    lowest, highest = tones
    several = [
        rows.number(learned_scale.LOWEST_TONE, lowest, unit="Hz"),
        rows.number(learned_scale.HIGHEST_TONE, highest, unit="Hz"),
        rows.number(learned_scale.SMALL_STEPS, 1.0),
        *(
            dataclasses.replace(
                rows.number(learned_scale.FIT, (low + high) / 2 if low else 0.9, scale=scale), low=low, high=high
            )
            for scale, (low, high) in fits.items()
        ),
    ]
    told = f0.headline(measured(several))
    assert told.startswith(f"Spacing of tones from {lowest:,} to {highest:,} Hz (compared with ")
    assert f"Hz, log Hz, Mel, Bark and ERB): a: {words}" in told
    assert "So " not in told
    assert ("100 Hz" in told.split("): ")[1]) == ("so that" in words)


def test_headline_tells_what_moves_and_what_is_too_coarse(tmp_path):
    results = Results(tmp_path, size="smoke")
    heard = running.listen(f0.EXPERIMENT, resolving.resolve(["log-mel"]), results, {"step": 300.0, "highest": 240.0})
    coarse = running.measure(f0.EXPERIMENT, heard, results)
    assert "changes a tone's features for log-mel (lowest cosine 0." in coarse.headline
    assert learned_scale.is_saturated(coarse, "log-mel") == ("too coarse to tell" in coarse.headline)
    assert coarse.value("learned scale by angles: step", encoder="log-mel") == pytest.approx(300)


def test_a_run_leaves_its_figures(smoke):
    stems = ("bias", "frequency_scale", "pure_tones")
    names = ("first", "second", "log-mel", "bands-make")
    assert {path.name for path in (smoke.results.folder / "f0").glob("*.png")} == {
        f"{stem}.{name}.png" for stem in stems for name in names
    }
