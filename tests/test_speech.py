"""Speech-like sound: utterances that come from their key, as loud as they should be, and none of them a probe."""

import jax
import numpy as np
import pytest
from scipy import signal

from w2v_jax import speech
from w2v_jax.speech import SpeechConfig

KEYS = jax.random.split(jax.random.key(7), 48)
make_utterances = jax.jit(jax.vmap(speech.utterance))


@pytest.fixture(scope="module")
def utterances():
    return np.asarray(make_utterances(KEYS))


def test_utterances_are_finite_and_as_loud_as_they_should_be(utterances):
    assert utterances.shape == (len(KEYS), 16_000)
    assert utterances.dtype == np.float32
    level = 20 * np.log10(np.sqrt(np.square(utterances).mean(-1)))
    lowest, highest = SpeechConfig().level
    assert lowest - 0.01 <= level.min() < lowest + 5
    assert highest - 5 < level.max() <= highest + 0.01


def test_no_utterance_is_a_tone_or_a_sum_of_a_few(utterances):
    """Not even a tenth of a second of one: the strongest 3 of 80 bands do not hold nearly everything."""
    assert len(utterances) == len(KEYS)
    _, _, spectrogram = signal.spectrogram(utterances, 16_000, window="hann", nperseg=1_600, noverlap=800)
    share = np.sort(spectrogram, axis=1)[:, -3:].sum(axis=1) / spectrogram.sum(axis=1)
    assert np.quantile(share, 0.95) < 0.99
    assert np.median(share) < 0.8


def test_an_utterance_is_that_of_its_key(utterances):
    np.testing.assert_array_equal(make_utterances(KEYS[::-1])[::-1], utterances)
    assert len(np.unique(np.round(utterances[:, 5_000], 7))) == len(KEYS)


def test_loud_and_quiet_follow_each_other(utterances):
    """Syllables: within an utterance the level of 20 ms moves by more than 10 dB."""
    power = np.square(utterances.reshape(len(KEYS), -1, 320)).mean(-1)
    assert np.mean(10 * np.log10(np.quantile(power, 0.9, axis=1) / np.quantile(power, 0.1, axis=1)) > 10) > 0.7


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SpeechConfig(f0=(300.0, 100.0)), r"SpeechConfig.f0 is \(300.0, 100.0\); expected \(lowest, highest\)"),
        (lambda: SpeechConfig(kinds=(0.5, 0.5)), "expected 5 probabilities"),
        (lambda: speech.utterance(KEYS[0], duration=0.0), "duration is 0.0 s; expected at least one sample"),
        (lambda: speech.utterance(KEYS[0], sample_rate=22_050 + 1), "expected a positive multiple of 100"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
