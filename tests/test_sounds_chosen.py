"""What an experiment hears, as WAV files: the sounds of the experiment, as loud as they are, and nothing replaced."""

import wave

import numpy as np
import pytest
from finished_results import RECORD

from experiments import sounds, sounds_folder
from experiments.experiment import Sounds
from experiments.store.results import Results
from experiments.store.sweeping import ReplacementError
from w2v_jax import stimuli


def read_wave(path):
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_767


def loud(amplitude, *, sample_rate):
    return stimuli.sine_mixture([500.0], [amplitude], duration=0.1, sample_rate=sample_rate)


def test_sounds_of_others_are_not_replaced_unasked(tmp_path):
    both = Sounds("tones", {"amplitude": np.array([0.5, 0.7], np.float32)}, loud, (("me", "a/b"), ("me", "i")))
    sounds_folder.write([both], tmp_path, sample_rate=16_000, overwrite=False)
    sounds_folder.write([both], tmp_path, sample_rate=16_000, overwrite=False)  # the same sounds: nothing to lose
    index = (tmp_path / sounds_folder.INDEX).read_text(encoding="utf-8").splitlines()
    assert index[1].startswith("1_tones_me_a_b_amplitude=0.5.wav,tones,me,a/b,0.5,16000,1,")
    np.testing.assert_allclose(
        read_wave(tmp_path / "1_tones_me_a_b_amplitude=0.5.wav"), loud(0.5, sample_rate=16_000), atol=1 / 32_767
    )
    one = Sounds("tones", {"amplitude": np.array([0.5], np.float32)}, loud)
    with pytest.raises(ReplacementError, match=r"index\.csv: has other sounds; choose another --output_dir"):
        sounds_folder.write([one], tmp_path, sample_rate=16_000, overwrite=False)
    sounds_folder.write([one], tmp_path, sample_rate=16_000, overwrite=True)
    assert len(list(tmp_path.glob("*.wav"))) == 1


def test_of_a_sweep_some_sounds_are_chosen_evenly(tmp_path):
    (some,) = sounds.sounds_of(RECORD, Results(tmp_path), sample_rate=16_000)
    assert np.unique(some.points["frequency"]).tolist() == [100, 200, 8_000]
    assert len(np.unique(some.points["amplitude"])) == 5
    (everything,) = sounds.sounds_of(RECORD, Results(tmp_path), sample_rate=16_000, everything=True)
    assert len(everything) == 120
