"""Networks that others trained for a purpose: what is known of them must come out (`make known` installs them).

Every one is asked beside three of its architecture with random weights, and beside a log-Mel spectrogram.
"""

import functools

import numpy as np
import pytest

import w2v_jax
from experiments import records, running
from experiments.claims.sounds import grids_of, voice, vowel
from experiments.front_ends import resolving
from experiments.store.results import Results
from w2v_jax import layer_pooling, scores
from w2v_jax.scores import Bootstrap
from w2v_jax.scores.learned_scale import PHASES

pytestmark = pytest.mark.known

SEEDS = (1, 2, 3)
QUICK = Bootstrap(resamples=40)
DURATION = 0.4  # seconds, of a sound


@pytest.fixture(scope="module")
def crepe():
    from benchmarks.known import crepe

    return [crepe.tiny(), *(crepe.tiny().untrained(seed) for seed in SEEDS)]


@pytest.fixture(scope="module")
def silero():
    from benchmarks.known import silero

    return [silero.trained(), *(silero.trained().untrained(seed) for seed in SEEDS)]


@functools.cache
def vowels(front_end, stimulus):
    """By layer, what it makes of the vowels of `claims`."""
    points = grids_of(front_end.frames).vowels.points()
    sound = functools.partial(stimulus, sample_rate=front_end.frames.sample_rate, duration=DURATION)
    num_samples = round(DURATION * front_end.frames.sample_rate)
    channels = layer_pooling.layer_channels(front_end, num_samples=num_samples)
    found = layer_pooling.split_means(
        w2v_jax.sweep(front_end, sound, points, pooling=layer_pooling.layer_means), channels
    )
    return {layer: each.mean for layer, each in found.items()}, points


def read(front_end, parameter, stimulus=voice):
    by_layer, points = vowels(front_end, stimulus)
    contexts = {name: values for name, values in points.items() if name != parameter}
    found = scores.read_off(by_layer["frames"], {parameter: points[parameter]}, contexts, bootstrap=QUICK)
    return found[parameter].value


def alone(front_end, parameter, stimulus, layer="frames"):
    """RSA with one parameter."""
    by_layer, points = vowels(front_end, stimulus)
    return scores.rsa(by_layer[layer], {parameter: points[parameter]}, bootstrap=QUICK).value


def formants(front_end, stimulus, layer="frames"):
    """RSA with F1 and F2, of vowels of one f0."""
    by_layer, points = vowels(front_end, stimulus)
    asked = {name: points[name] for name in ("f1", "f2")}
    return scores.rsa(by_layer[layer], asked, within=points["f0"], max_points=600, bootstrap=QUICK).value


def test_a_pitch_tracker_reads_f0_off_voices(crepe):
    ours, *random = (read(each, "f0") for each in crepe)
    log_mel = read(w2v_jax.spectrograms.LogMelSpectrogram(), "f0")
    assert ours < min(random) / 3
    assert ours < log_mel / 2
    assert ours < 20


def test_a_pitch_trackers_scale_is_logarithmic(crepe):
    network = crepe[0]
    frequency = scores.equal_steps(60.0, 1_500.0, step=20.0)
    offsets = np.arange(PHASES) / PHASES  # of a period
    points = {
        "frequency": np.repeat(frequency, PHASES).astype(np.float32),
        "offset": np.tile(offsets, len(frequency)).astype(np.float32),
    }

    def at_phase(frequency, offset):
        return w2v_jax.stimuli.sine_mixture(
            [frequency], phases=2 * np.pi * offset, duration=DURATION, sample_rate=network.frames.sample_rate
        )

    features = w2v_jax.sweep(network, at_phase, points).reshape(len(frequency), PHASES, -1)
    found = scores.learned_scale(features, frequency, bootstrap=QUICK)
    assert not found.saturated
    assert found.nearest == "log Hz"
    assert found.fits["log Hz"].value > 0.98


def told_apart(front_end, on, steps, *, context):
    """ABX of steps of a parameter (of voices), across values of another one."""
    base = {"f0": 120.0, "f1": 500.0, "f2": 1_500.0}
    kinds = [{**base, on: base[on] * step} if on != "level" else dict(base) for step in steps]
    levels = steps if on == "level" else np.ones(len(steps))
    name, values = context
    rows = [
        {**kind, name: value, "level": float(each)}
        for kind, each in zip(kinds, levels, strict=True)
        for value in values
    ]
    points = {key: np.array([row[key] for row in rows], np.float32) for key in rows[0]}

    def spoken(f0, f1, f2, level):
        return level * voice(f0, f1, f2, sample_rate=front_end.frames.sample_rate, duration=DURATION)

    features = w2v_jax.sweep(front_end, spoken, points)
    kind, across = np.indices((len(steps), len(values))).reshape(2, -1)
    return scores.abx(features, kind, across, bootstrap=QUICK).value


def test_a_pitch_tracker_hears_f0_as_a_listener_and_neither_level_nor_f2(crepe):
    across_f0 = ("f0", (101.0, 113.0, 129.0, 147.0, 167.0, 191.0))
    across_f2 = ("f2", (800.0, 1_000.0, 1_250.0, 1_550.0, 1_900.0, 2_300.0))
    network = crepe[0]
    assert told_apart(network, "level", 10 ** (-np.array([0, 1, 2, 4]) / 20), context=across_f2) == pytest.approx(
        0.5, abs=0.1
    )
    assert told_apart(network, "f2", (1.0, 1.04, 1.08), context=across_f0) == pytest.approx(0.5, abs=0.15)
    assert told_apart(network, "f0", (1.0, 1.02), context=across_f2) > 0.9


def test_a_voice_detector_keeps_formants_of_voices(silero):
    network, *random = silero
    assert formants(network, voice) > max(formants(each, voice) for each in random)
    layers = [formants(network, voice, layer) for layer in network.layers]
    assert np.corrcoef(np.arange(len(layers)), layers)[0, 1] > 0.8
    assert layers[-1] > layers[0] + 0.1


def test_of_sines_a_voice_detector_has_less_of_f0_than_random_weights(silero):
    network, *random = silero
    assert alone(network, "f0", vowel) < min(alone(each, "f0", vowel) for each in random)


@pytest.mark.parametrize("experiment", ["f0", "claims", "formants"])
def test_experiments_take_them_with_their_random_versions(experiment, tmp_path):
    named = ["benchmarks.known.crepe:tiny", "benchmarks.known.silero:trained"]
    named += [f"benchmarks.known.crepe:tiny_random_{seed}" for seed in SEEDS]
    named += [f"benchmarks.known.silero:random_{seed}" for seed in SEEDS]
    record = records.experiment(experiment)
    measured = running.run(record, resolving.resolve(named), Results(tmp_path, size="quick"))
    assert set(measured.encoders) >= {each.rpartition("=")[0] or each for each in named}
