"""Sounds as files: those that an experiment hears, as loud as it hears them."""

import wave

import jax
import numpy as np
import pytest

from experiments import records, sounds, sounds_folder
from experiments.experiment import Sounds
from experiments.store.results import Results
from experiments.store.sweeping import ReplacementError
from experiments.vowel_choice import VowelChoice
from experiments.vowels import space
from w2v_jax import stimuli, vowels

TABLE = vowels.published("peterson-barney-1952")


def read_wave(path):
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_767


def test_sounds_are_what_the_experiment_hears(tmp_path):
    results = Results(tmp_path, vowels=VowelChoice(TABLE.only(["women"])))
    several = sounds.sounds_of(records.experiment("formants"), results, sample_rate=16_000)
    count, gain = sounds_folder.write(several, tmp_path, sample_rate=16_000, overwrite=False)
    assert (count, gain) == (20, 1)
    index = (tmp_path / "index.csv").read_text(encoding="utf-8").splitlines()
    assert index[1].startswith("01_vowels_women_i_f0=235_f1=310_f2=2790.wav,vowels,women,i,235,310,2790,16000,1,")
    written = read_wave(tmp_path / "01_vowels_women_i_f0=235_f1=310_f2=2790.wav")
    heard = jax.jit(lambda f0: space.vowel(f0, 310.0, 2790.0, sample_rate=16_000))(235.0)
    np.testing.assert_allclose(written, heard, atol=0.6 / 32_767)
    written = read_wave(tmp_path / "11_vowels_source_filter_women_i_f0=235_f1=310_f2=2790.wav")
    np.testing.assert_allclose(np.sqrt(np.mean(written**2)), 0.1, rtol=0.01)

    sounds_folder.write(several, tmp_path, sample_rate=16_000, overwrite=False)  # the same sounds: nothing to lose
    fewer = [Sounds("vowels", {name: each[:1] for name, each in several[0].points.items()}, several[0].stimulus)]
    with pytest.raises(ReplacementError, match=r"index\.csv: has other sounds; choose another --output_dir"):
        sounds_folder.write(fewer, tmp_path, sample_rate=16_000, overwrite=False)
    sounds_folder.write(fewer, tmp_path, sample_rate=16_000, overwrite=True)
    assert len(list(tmp_path.glob("*.wav"))) == 1


def loud(amplitude, *, sample_rate):
    return stimuli.sine_mixture([500.0], [amplitude], duration=0.1, sample_rate=sample_rate)


def test_loud_sounds_are_scaled_together(tmp_path):
    both = Sounds("loud", {"amplitude": np.array([0.5, 2], np.float32)}, loud)
    _, gain = sounds_folder.write([both], tmp_path, sample_rate=16_000, overwrite=False)
    assert gain == pytest.approx(0.5)
    peaks = [np.abs(read_wave(path)).max() for path in sorted(tmp_path.glob("*.wav"))]
    assert peaks == pytest.approx([0.25, 1], abs=1e-4)


@pytest.mark.parametrize(
    ("experiment", "sweeps"),
    [
        ("temporal", {"stationarity": 5, "burst_tones": 2, "bursts": 6}),
        ("f0", {"bias": 25, "pure_tones": 25, "scale_tones": 25}),
        ("formants", {"vowels": 16, "vowels_source_filter": 16}),
        ("amplitude", {"amplitudes": 25}),
        ("diphthongs", {"diphthongs": 8}),
    ],
)
def test_every_experiment_has_sounds(experiment, sweeps, tmp_path):
    record = records.experiment(experiment)
    some = sounds.sounds_of(record, Results(tmp_path), sample_rate=8_000)
    assert {each.name: len(each) for each in some} == sweeps
    everything = sounds.sounds_of(record, Results(tmp_path), sample_rate=16_000, everything=True)
    counts = {each.name: len(each) for each in everything}
    assert (
        sum(counts.values()) - counts.get("scale_tones", 0)
        == {
            "temporal": 13,
            "f0": 825,
            "formants": 7_200,
            "amplitude": 400,
            "diphthongs": 256,
        }[experiment]
    )
