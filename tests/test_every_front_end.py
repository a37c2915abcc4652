"""Every experiment of the paper takes front ends that are no encoders: a spectrogram, and NumPy callables of a user's.

The claims and emergence say the same in their own tests.
"""

import csv

import numpy as np
import pytest
import smoke_run
from safetensors.numpy import load_file

from experiments import records, running
from experiments.f0 import measuring as of_tones
from experiments.front_ends import controls, named, remarks, resolving
from experiments.store.results import Results
from experiments.temporal import measuring
from w2v_jax.front_end import Frames

NAMES = ("log-mel", "bands:make")
OF_PAPER = ("temporal", "f0", "formants", "amplitude", "diphthongs")
KINDS = {"log-mel": "spectrogram", "bands:make": "yours"}


@pytest.fixture(scope="module")
def results(smoke):
    return smoke.results


@pytest.mark.parametrize("experiment", OF_PAPER)
def test_every_experiment_measures_every_front_end(results, experiment):
    measured = results.measurements(experiment)
    kinds = {name: each.kind for name, each in measured.encoders.items() if not each.control_of}
    assert {name: kinds[name] for name in NAMES} == KINDS
    assert measured.encoders["bands:make"].frames == {"sample_rate": 8_000, "receptive_field": 240, "hop": 80}
    assert records.experiment(experiment).headline(measured)
    with results.path(experiment, "metrics.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["encoder"] for row in rows} >= set(NAMES)
    assert all(np.isfinite(float(row["value"])) for row in rows if row["value"])


@pytest.mark.parametrize("experiment", OF_PAPER)
def test_figures_of_one_are_figures_of_all(results, experiment):
    names = {path.name.removesuffix(".png") for path in (results.folder / experiment).glob("*.png")}
    ends = ("log-mel", "bands-make")  # names that every system takes
    of_each = {each: {name.removesuffix(f".{each}") for name in names if name.endswith(f".{each}")} for each in ends}
    assert of_each["log-mel"] == of_each["bands-make"]
    assert of_each["log-mel"]


def test_sounds_are_made_at_the_front_ends_own_rate(smoke, results):
    frames = smoke.front_ends[-1].frames
    tensors = load_file(results.folder / "temporal/stationarity.bands-make.safetensors")
    assert tensors["features"].shape == (5, frames.num_frames(8_000), 129)
    # 100, 200 ... 500 Hz are at every 3.2nd bin of 31.25 Hz.
    peaks = tensors["features"].mean(axis=1).argmax(axis=1)
    np.testing.assert_array_equal(peaks, np.round(tensors["frequency"] / 31.25))
    tones = load_file(results.folder / "f0/pure_tones.bands-make.safetensors")["frequency"]
    assert tones.max() <= 4_000
    assert load_file(results.folder / "f0/pure_tones.log-mel.safetensors")["frequency"].max() == 8_000


def test_notes_tell_what_the_frames_make_of_the_sounds(results):
    timing, f0 = (" ".join(results.measurements(name).notes) for name in ("temporal", "f0"))
    assert "multiples of 50 Hz, the frame rate of first, second and log-mel" in timing
    assert "multiples of 100 Hz, the frame rate of bands:make" in timing
    assert "8,000 Hz, is at the Nyquist frequency of first, second and log-mel" in f0
    assert "bands:make hears 8,000 samples a second: the pure tones above 4,000 Hz" in f0


def test_one_frame_of_a_sound_leaves_undefined_what_it_cannot_tell(tmp_path):
    one = resolving.resolve(["one=bands:make_one_frame"])
    results = Results(tmp_path, size="smoke")
    for experiment, headline in (
        ("temporal", "with one frame a sound"),
        ("diphthongs", "The beginnings and ends of diphthongs have no score"),
    ):
        with smoke_run.saved_as(lambda figure, path, **_: path.touch()):
            measured = running.run(records.experiment(experiment), one, results)
        assert any(note.startswith("one makes one frame of") for note in measured.notes)
        assert "stands out" not in measured.headline
        assert headline in measured.headline
    assert not list((tmp_path / "smoke/temporal").glob("bursts*.map.csv"))
    assert not (tmp_path / "smoke/temporal/bursts_map.one.png").exists()
    assert (tmp_path / "smoke/temporal/bursts.one.png").exists()


def test_frames_of_zeros_are_counted_and_left_out(results, tmp_path):
    silenced = resolving.resolve(["silenced=bands:make_silenced"])
    own, record = Results(tmp_path, size="smoke"), records.experiment("temporal")
    measured = running.measure(record, running.listen(record, silenced, own), own)
    # Every tenth of 98 frames, of five tones and six bursts.
    assert "silenced: 110 frames are vectors of zeros" in " ".join(measured.notes)
    bands = results.measurements("temporal")
    assert not any(note.startswith("bands:make: ") for note in bands.notes)
    of_bands, of_silenced = (
        [row.value for row in several.select(measuring.COSINE, encoder=name)]
        for several, name in ((bands, "bands:make"), (measured, "silenced"))
    )
    np.testing.assert_allclose(of_silenced, of_bands, atol=0.01)


def test_sounds_of_which_nothing_is_heard_leave_cells_empty(tmp_path):
    muted = resolving.resolve(["muted=bands:make_muted"])
    results = Results(tmp_path, size="smoke")
    with smoke_run.saved_as(lambda figure, path, **_: path.touch()):
        f0, formants = (running.run(records.experiment(name), muted, results) for name in ("f0", "formants"))
    assert "sounds are zeros, which have no direction: what would need one is left empty" in " ".join(f0.notes)
    no_direction = of_tones.NO_DIRECTION
    assert {row.undefined for row in f0.select(of_tones.SCALE)} == {no_direction}
    steps = [row for row in f0.select(of_tones.STEP, tones=of_tones.BELOW_NYQUIST) if row.value is None]
    assert steps
    assert all(row.undefined == no_direction for row in steps)
    assert "vowels are zeros, which have no direction" in " ".join(formants.notes)


def test_controls_have_the_frames_of_what_they_control():
    chosen = resolving.resolve(["formant-base", *NAMES])
    theirs = controls.controls_of(chosen)
    for each in chosen:
        assert all(control.frames == each.frames for control in theirs[each].all)
    trained, log_mel, bands = (theirs[each] for each in chosen)
    assert [each.name for each in trained.untrained] == [f"random-{seed}" for seed in controls.SEEDS]
    assert trained.spectrograms["log-mel"] is chosen[1]
    assert log_mel.untrained == bands.untrained == ()
    assert list(log_mel.spectrograms) == ["stft"]
    assert [each.name for each in bands.spectrograms.values()] == ["log-mel.8000-240-80", "stft.8000-240-80"]


def test_what_is_said_of_them():
    chosen = resolving.resolve(["formant-base", *NAMES])
    assert remarks.remark(chosen) is None  # a front end of the user's may have heard anything
    assert "UNTRAINED" not in (remarks.remark(chosen[1:2]) or "")
    assert "formant-base learned from synthesised sound" in remarks.remark(chosen[:2])
    (untrained, random) = resolving.resolve(["untrained", "random-7"])
    assert "untrained, random-7 is UNTRAINED" in remarks.remark([untrained, random, chosen[1]])
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
    with pytest.raises(named.EncoderChoiceError, match=f"--encoders={name}: .*{message}") as raised:
        resolving.resolve([name])
    assert "\n" not in str(raised.value)
