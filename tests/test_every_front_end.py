"""Every experiment takes front ends that are no encoders: a spectrogram, and a NumPy callable of a user's.

Of encoders, test_experiments, test_claims and test_emergence say the same.
"""

import csv
import dataclasses
import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from experiments import amplitude, emergence, f0
from experiments.claims import __main__ as claims
from experiments.claims import sounds
from experiments.draw import figures, vowel_chart
from experiments.front_ends import controls
from experiments.front_ends import named as front_ends
from experiments.reproduce import __main__ as reproduce
from experiments.store.results import Results
from w2v_jax import grids, projection
from w2v_jax.front_end import Frames
from w2v_jax.scores import Bootstrap

NAMES = ("log-mel", "bands:make")
EXPERIMENTS = (*(each.NAME for each in reproduce.EXPERIMENTS), "reproduce", "emergence", "claims")


@pytest.fixture(scope="module")
def chosen():
    return front_ends.resolve(NAMES)


def fewer_sounds(frames, size, vowels, syntheses):
    """Of the claims' thinned grids what the scores cannot do without."""
    found = sounds.grids_of(frames, size, vowels, syntheses)
    return dataclasses.replace(
        found,
        vowels=found.vowels.thinned(f0=50),
        vowel_lines=found.vowel_lines.thinned(f0=2, f1=3, f2=3),
        amplitude_lines=found.amplitude_lines.thinned(amplitude_low=3, amplitude_high=3),
        biases=found.biases.thinned(frequency=4, bias=3),
        levels=found.levels.thinned(frequency=4, amplitude=3),
        shifts=found.shifts.thinned(frequency=4),
        tones=found.tones.thinned(frequency=18),
    )


@pytest.fixture(scope="module")
def results(chosen, tmp_path_factory):
    def project_onto(features, others, **_):
        return features[:, :2], others[:, :2]

    results = Results(tmp_path_factory.mktemp("results"), quick=True, batch_size=8)  # one program for several grids
    with pytest.MonkeyPatch.context() as patch:
        # Whoever measures, measures few sounds: the encoder's convolutions are most of this test.
        patch.setattr(vowel_chart, "_QUICK_VOWEL_SPACE", grids.VOWEL_SPACE.thinned(f1=4, f2=4))
        patch.setattr(vowel_chart, "_QUICK_VOWEL_SPACE_BY_F0", grids.VOWEL_SPACE_BY_F0.thinned(f0=2, f1=4, f2=4))
        patch.setattr(f0, "QUICK_PURE_TONES", grids.PURE_TONES.thinned(frequency=20))
        patch.setattr(amplitude, "QUICK_AMPLITUDES", grids.AMPLITUDES.thinned(amplitude_low=4, amplitude_high=4))
        patch.setattr(claims, "grids_of", fewer_sounds)
        patch.setattr(Bootstrap.__init__, "__defaults__", (40, 0.95, 0))  # a tenth of the resamples
        # test_experiments and test_claims draw their figures, project with UMAP and have controls with random weights.
        patch.setattr(figures, "save", lambda figure, path: path.touch())
        patch.setattr(projection, "project", lambda features, **_: features[:, :2])
        patch.setattr(projection, "project_onto", project_onto)
        patch.setattr(controls, "SEEDS", ())
        patch.delitem(front_ends.SPECTROGRAMS, "stft")
        for program in (reproduce, emergence):
            program.run(chosen, results)
        claims.run(chosen[1:], results)  # with a log-mel for its control
    return results.folder


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_measures_every_front_end(results, experiment):
    metrics = json.loads((results / experiment / "metrics.json").read_text(encoding="utf-8"))
    names = NAMES[1:] if experiment == "claims" else NAMES
    kinds = {"log-mel": "spectrogram", "bands:make": "yours"}
    assert {name: each["kind"] for name, each in metrics["encoders"].items()} == {name: kinds[name] for name in names}
    assert metrics["encoders"]["bands:make"]["frames"] == {"sample_rate": 8_000, "receptive_field": 240, "hop": 80}
    assert metrics["conclusion"]
    with (results / experiment / "metrics.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["encoder"] for row in rows} >= set(names)
    assert all(np.isfinite(float(row["value"])) for row in rows)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_figures_of_one_are_figures_of_all(results, experiment):
    names = {path.name.removesuffix(".png") for path in (results / experiment).glob("*.png")}
    if experiment == "claims":
        drawn = ("claims", "read_off", "discrimination", "noise", "layers", "tuning")
        assert names == {f"{name}.bands-make" for name in drawn}
        return
    ends = ("log-mel", "bands-make")  # names that every system takes
    of_each = {each: {name.removesuffix(f".{each}") for name in names if name.endswith(f".{each}")} for each in ends}
    assert of_each["log-mel"] == of_each["bands-make"]
    assert "filters" not in of_each["log-mel"]


def test_sounds_are_made_at_the_front_ends_own_rate(results, chosen):
    frames = chosen[1].frames
    tensors = load_file(results / "temporal/stationarity.bands-make.safetensors")
    assert tensors["features"].shape == (5, frames.num_frames(8_000), 129)
    # 100, 200 ... 500 Hz are at every 3.2nd bin of 31.25 Hz.
    peaks = tensors["features"].mean(axis=1).argmax(axis=1)
    np.testing.assert_array_equal(peaks, np.round(tensors["frequency"] / 31.25))
    tones = load_file(results / "f0/pure_tones.bands-make.safetensors")["frequency"]
    assert tones.max() <= 4_000
    assert load_file(results / "f0/pure_tones.log-mel.safetensors")["frequency"].max() == 8_000


def test_notes_tell_what_the_frames_make_of_the_sounds(results):
    notes = {
        name: " ".join(json.loads((results / name / "metrics.json").read_text())["notes"])
        for name in ("temporal", "f0")
    }
    assert "multiples of 50 Hz, the frame rate of log-mel" in notes["temporal"]
    assert "multiples of 100 Hz, the frame rate of bands:make" in notes["temporal"]
    assert "8,000 Hz, is at the Nyquist frequency of log-mel" in notes["f0"]
    assert "bands:make hears 8,000 samples a second: the pure tones above 4,000 Hz" in notes["f0"]


def test_controls_have_the_frames_of_what_they_control(results):
    chosen = front_ends.resolve(["formant-base", *NAMES])
    metrics = json.loads((results / "claims/metrics.json").read_text())
    assert set(metrics["controls"]) == {"bands:make.log-mel"}
    found = controls.controls_of(chosen)
    for each in chosen:
        assert all(control.frames == each.frames for control in found[each].all)
    trained, log_mel, bands = (found[each] for each in chosen)
    assert [each.name for each in trained.untrained] == [f"random-{seed}" for seed in controls.SEEDS]
    assert trained.spectrograms["log-mel"] is chosen[1]
    assert log_mel.untrained == bands.untrained == ()
    assert list(log_mel.spectrograms) == ["stft"]
    assert [each.name for each in bands.spectrograms.values()] == ["bands:make.log-mel", "bands:make.stft"]


def test_what_is_said_of_them():
    chosen = front_ends.resolve(["formant-base", *NAMES])
    assert front_ends.remark(chosen) is None  # a front end of the user's may have heard anything
    assert "UNTRAINED" not in (front_ends.remark(chosen[1:2]) or "")
    assert "formant-base learned from synthesised sound" in front_ends.remark(chosen[:2])
    (untrained, random) = front_ends.resolve(["untrained", "random-7"])
    assert "untrained, random-7 is UNTRAINED" in front_ends.remark([untrained, random, chosen[1]])
    assert untrained.front_end.frames == random.frames == Frames(16_000, 400, 320)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bands:made", "cannot import it .AttributeError: module 'bands' has no attribute 'made'"),
        ("no_such_module:make", "cannot import it .ModuleNotFoundError: No module named 'no_such_module'"),
        ("bands:Frames", "the factory raised TypeError: .*missing 3 required positional"),
        ("bands:fail", "the factory raised RuntimeError: no such model, bands.py line"),
        ("bands:make_nothing", "the factory returned a int; expected a front end"),
        ("bands:make_without_frames", "its `frames` is None; expected .*w2v_jax.Frames"),
        (
            "bands:make_other_frames",
            "its 'frames' has shape .2, 98, 129. for 2 sounds of 8000 samples; expected .2, 78, ",
        ),
    ],
)
def test_a_factory_that_makes_no_front_end_is_told_why(name, message):
    with pytest.raises(front_ends.EncoderChoiceError, match=f"--encoders={name}: .*{message}") as raised:
        front_ends.resolve([name])
    assert "\n" not in str(raised.value)
