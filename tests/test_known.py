"""Networks that others trained for a purpose: what is known of them must come out (`make known` installs them).

Every one is asked beside three of its architecture with random weights, and beside a log-Mel spectrogram. The sounds
are those of `claims --quick`.
"""

import functools
import pathlib
import runpy

import numpy as np
import pytest

import w2v_jax
from experiments import records, running
from experiments.claims.sounds import SHORT, grids_of, voice, vowel
from experiments.front_ends import resolving
from experiments.measures import learned_scale
from experiments.store.results import Results
from w2v_jax import layer_pooling, scores
from w2v_jax.scores import Bootstrap
from w2v_jax.scores.learned_scale import PHASES

pytestmark = pytest.mark.known

SEEDS = (1, 2, 3)
QUICK = Bootstrap(resamples=40)
EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


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
    """By layer, what it makes of the vowels of `claims --quick`."""
    points = grids_of(front_end.frames, "quick").vowels.points()
    sound = functools.partial(stimulus, sample_rate=front_end.frames.sample_rate, duration=SHORT)
    num_samples = round(SHORT * front_end.frames.sample_rate)
    channels = layer_pooling.layer_channels(front_end, num_samples=num_samples)
    by_layer = layer_pooling.split_means(
        w2v_jax.sweep(front_end, sound, points, pooling=layer_pooling.layer_means), channels
    )
    return {layer: each.mean for layer, each in by_layer.items()}, points


def read(front_end, parameter, stimulus=voice):
    by_layer, points = vowels(front_end, stimulus)
    contexts = {name: values for name, values in points.items() if name != parameter}
    errors = scores.read_off(by_layer["frames"], {parameter: points[parameter]}, contexts, bootstrap=QUICK)
    return errors[parameter].value


def alone(front_end, parameter, stimulus, layer="frames"):
    """RSA with one parameter."""
    by_layer, points = vowels(front_end, stimulus)
    return scores.rsa(by_layer[layer], {parameter: points[parameter]}, bootstrap=QUICK).value


def formants(front_end, stimulus, layer="frames"):
    """RSA with F1 and F2, of vowels of one f0."""
    by_layer, points = vowels(front_end, stimulus)
    parameters = {name: points[name] for name in ("f1", "f2")}
    return scores.rsa(by_layer[layer], parameters, within=points["f0"], max_points=600, bootstrap=QUICK).value


def test_a_pitch_tracker_reads_f0_off_voices(crepe):
    ours, *random = (read(each, "f0") for each in crepe)
    log_mel = read(w2v_jax.spectrograms.LogMelSpectrogram(), "f0")
    print(f"f0 read off: {ours:.1f} cents; random weights {random}; log-mel {log_mel:.1f}")
    assert ours < min(random) / 3
    assert ours < log_mel / 2
    assert ours < 20


def test_a_pitch_trackers_scale_is_logarithmic(crepe):
    network = crepe[0]
    tones = learned_scale.tones_for(network.frames, "usual", highest=1_500.0)
    sound = functools.partial(
        learned_scale.tone,
        sample_rate=network.frames.sample_rate,
        duration=learned_scale.long_enough(network.frames, least=0.1),
    )
    features = w2v_jax.sweep(network, sound, tones.points()).reshape(-1, PHASES, 360)
    scale = scores.learned_scale(features, tones.axes[0]["frequency"], bootstrap=QUICK)
    print({name: round(fit.value, 4) for name, fit in scale.fits.items()}, f"small steps {scale.unsaturated:.2f}")
    assert not scale.saturated
    assert scale.nearest == "log Hz"
    assert scale.fits["log Hz"].value > 0.98


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
        return level * voice(f0, f1, f2, sample_rate=front_end.frames.sample_rate, duration=SHORT)

    features = w2v_jax.sweep(front_end, spoken, points)
    kind, across = np.indices((len(steps), len(values))).reshape(2, -1)
    return scores.abx(features, kind, across, bootstrap=QUICK).value


def test_a_pitch_tracker_hears_f0_as_a_listener_and_neither_level_nor_f2(crepe):
    across_f0 = ("f0", (101.0, 113.0, 129.0, 147.0, 167.0, 191.0))
    across_f2 = ("f2", (800.0, 1_000.0, 1_250.0, 1_550.0, 1_900.0, 2_300.0))
    network = crepe[0]
    level = told_apart(network, "level", 10 ** (-np.array([0, 1, 2, 4]) / 20), context=across_f2)
    f2 = told_apart(network, "f2", (1.0, 1.04, 1.08), context=across_f0)
    f0 = told_apart(network, "f0", (1.0, 1.02), context=across_f2)
    print(f"ABX of level {level:.2f}, of F2 {f2:.2f}, of f0 {f0:.2f}")
    assert level == pytest.approx(0.5, abs=0.1)
    assert f2 == pytest.approx(0.5, abs=0.15)
    assert f0 > 0.9


def test_a_voice_detector_keeps_formants_of_voices(silero):
    network, *random = silero
    layers = [formants(network, voice, layer) for layer in network.layers]
    theirs = [formants(each, voice) for each in random]
    print(f"RSA with F1 and F2 by layer {np.round(layers, 2)}; random weights {np.round(theirs, 2)}")
    assert layers[-1] > max(theirs)
    assert np.corrcoef(np.arange(len(layers)), layers)[0, 1] > 0.8
    assert layers[-1] > layers[0] + 0.1


def test_of_sines_a_voice_detector_has_less_of_f0_than_random_weights(silero):
    ours, *random = (alone(each, "f0", vowel) for each in silero)
    print(f"RSA with f0 {ours:.2f}; random weights {np.round(random, 2)}")
    assert ours < min(random)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """Four made voices, and the flags for them."""
    folder = tmp_path_factory.mktemp("session")
    example = runpy.run_path(str(EXAMPLES / "3_make_a_session.py"))
    for seed, (name, (f0, factor)) in enumerate(example["VOICES"].items()):
        sound, intervals = example["spoken"](f0, factor, list("aeiou"), seed)
        example["write_wav"](folder / f"{name}_1.wav", sound)
        example["write_textgrid"](folder / f"{name}_1.TextGrid", intervals, len(sound) / example["SAMPLE_RATE"])
    return {"audio": [str(folder)], "textgrid_tier": "vowels", "speaker_by": "prefix"}


NETWORKS = ["benchmarks.known.crepe:tiny", "benchmarks.known.silero:trained"]
RANDOM = [
    *(f"benchmarks.known.crepe:tiny_random_{seed}" for seed in SEEDS),
    *(f"benchmarks.known.silero:random_{seed}" for seed in SEEDS),
]


@pytest.mark.parametrize("experiment", ["f0", "claims", "formants", "recordings"])
def test_experiments_take_them_with_their_random_versions(experiment, tmp_path, session):
    record = records.experiment(experiment)
    brings_random = experiment in ("claims", "formants")
    named = NETWORKS if brings_random else [*NETWORKS, *RANDOM]
    options = session if experiment == "recordings" else {}
    results = Results(tmp_path, size="smoke")
    measured = running.run(record, resolving.resolve(named), results, options)
    assert set(measured.encoders) >= set(named)
    assert measured.headline
    if experiment == "claims":
        assert sum("random-" in name for name in measured.encoders) == 6
