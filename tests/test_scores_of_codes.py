"""Reading off, the learned scale, small changes and saturation: of made-up features whose answer is known."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from w2v_jax import scores
from w2v_jax.scores import Bootstrap, UndefinedScoreError, reading
from w2v_jax.scores.reading import PENALTIES, WIDTHS

QUICK = Bootstrap(resamples=60)
F0, F1 = (each.ravel() for each in np.meshgrid(np.geomspace(100, 200, 12), np.geomspace(300, 900, 12)))


def cents(frequency):
    return 1200 * np.log2(np.asarray(frequency) / 100)


def bumps(frequency, width, *, below=600, above=1_800):
    axis = np.arange(-below, above, 20.0)
    return np.exp(-np.square((cents(frequency)[:, None] - axis) / width) / 2)


def random_rows(values, channels=40, seed=0):
    """A vector of its own for every value, in no order."""
    distinct, place = np.unique(values, return_inverse=True)
    return np.random.default_rng(seed).normal(size=(len(distinct), channels))[place]


def read(features, **options):
    return scores.read_off(features, {"f0": F0}, {"f1": F1}, bootstrap=QUICK, **options)["f0"].value


def test_a_place_code_a_rate_code_and_their_projections_are_read_off():
    rng = np.random.default_rng(1)
    for code in (bumps(F0, 200), cents(F0)[:, None] * [1.0, -2.0], bumps(F0, 200) @ rng.normal(size=(120, 30))):
        assert read(np.hstack([code, 0.3 * random_rows(F1)])) < 60
        assert read(np.hstack([code, 0.3 * random_rows(F1)]), between=True) < 80


def test_what_is_not_there_is_not_read_off():
    chance = scores.reading_chance(F0)
    for code in (bumps(F1, 200, above=6_000), np.random.default_rng(2).normal(size=(144, 40))):
        assert read(code) == pytest.approx(chance, rel=0.3)


def test_a_lookup_code_is_read_at_values_heard_and_not_between_them():
    code = np.hstack([random_rows(F0), random_rows(F1, seed=1)])
    assert read(code) < 40
    assert read(code, between=True) > 0.6 * scores.reading_chance(F0)


def test_contexts_that_are_asked_were_not_heard():
    # Every pair of f0 and f1 has a vector of its own: whoever heard the context knows the answer.
    code = random_rows(1_000 * cents(F0) + cents(F1), channels=200)
    assert read(code, noise=0.0) > 0.7 * scores.reading_chance(F0)
    places = [np.unique(each, return_inverse=True)[1] for each in (F0, F1)]
    for fitted, held_out in reading._splits([reading._Dealt(place, place % 3) for place in places]):
        assert not set(F0[fitted]) & set(F0[held_out])
        assert not set(F1[fitted]) & set(F1[held_out])


def test_predictions_are_scikit_learns_with_width_and_penalty_chosen_inside():
    rng = np.random.default_rng(3)
    features, target = rng.normal(size=(30, 3)), rng.normal(size=30)
    target += features[:, 0]
    fitted, held_out = np.arange(24), np.arange(24, 30)
    blocks = [np.arange(start, 24, 4) for start in range(4)]
    squares = reading._squared_distances(features)
    ours = reading._predictions(squares, target[:, None], fitted, held_out, blocks, WIDTHS)[:, 0]

    median = np.median(squares[:24, :24][np.triu_indices(24, 1)])
    mean = target[:24].mean()
    candidates = []
    for width in WIDTHS:
        for penalty in PENALTIES:
            ridge = KernelRidge(kernel="rbf", alpha=penalty, gamma=1 / (2 * width**2 * median))

            def predicted(on, at, ridge=ridge):
                return mean + ridge.fit(features[on], target[on] - mean).predict(features[at])

            left = [np.abs(predicted(np.delete(fitted, each), each) - target[each]) for each in blocks]
            candidates.append((np.concatenate(left).mean(), predicted(fitted, held_out)))
    np.testing.assert_allclose(ours, min(candidates, key=lambda pair: pair[0])[1], rtol=1e-6, atol=1e-6)


def test_intervals_are_over_values_and_errors_in_dB():
    amplitude, other = (each.ravel() for each in np.meshgrid(np.geomspace(0.1, 1, 10), np.geomspace(0.1, 1, 10)))
    known = np.stack([np.log(amplitude), np.log(other)], axis=1)
    error = scores.read_off(known, {"low": amplitude}, {"high": other}, unit="dB", bootstrap=QUICK)["low"]
    assert (error.units, error.low <= error.value <= error.high, error.value < 1.5) == (10, True, True)
    assert scores.reading_chance(amplitude, unit="dB") == pytest.approx(5.6, abs=0.6)


def test_reading_says_why_it_is_undefined():
    code = bumps(F0, 100)
    with pytest.raises(UndefinedScoreError, match="no context varies"):
        scores.read_off(code, {"f0": F0}, {"f1": np.ones(144)})
    with pytest.raises(UndefinedScoreError, match="'f0' is the same"):
        scores.read_off(code, {"f0": np.full(144, 100.0)}, {"f1": F1})
    with pytest.raises(UndefinedScoreError, match="the same for all"):
        scores.read_off(np.ones((144, 3)), {"f0": F0}, {"f1": F1})
    with pytest.raises(UndefinedScoreError, match="left to fit on"):
        scores.read_off(code[:10], {"f0": F0[:10]}, {"f1": F1[:10] + np.arange(10)})
    with pytest.raises(ValueError, match="above 0"):
        scores.read_off(code, {"f0": F0 - 100}, {"f1": F1})


@pytest.mark.parametrize("width", [25, 100, 400])
@pytest.mark.parametrize("in_erb", [False, True])
def test_a_place_code_has_the_scale_of_its_axis(width, in_erb):
    step = 0.2 if in_erb else 15.0
    frequency = scores.equal_steps(60.0, 1_500.0, step=step, in_erb=in_erb)
    scale = scores.learned_scale(bumps(frequency, width, below=2_400, above=7_200), frequency, bootstrap=QUICK)
    if scale.saturated:  # steps of 0.2 ERB are 100 cents and more at 60 Hz
        assert in_erb
        assert width == 25
    else:
        assert scale.nearest == "log Hz"
        assert scale.fits["log Hz"].value > 0.999


def test_coarse_steps_are_called_saturated_and_phases_averaged():
    frequency = np.arange(100.0, 2_000.0, 100.0)
    code = bumps(frequency, 25, below=600, above=7_200)
    assert scores.learned_scale(code, frequency, bootstrap=QUICK).saturated
    rng = np.random.default_rng(0)
    fine = scores.equal_steps(100.0, 800.0, step=20.0)
    shift = rng.normal(size=(1, 8, 60))
    of_phases = np.concatenate([np.repeat(bumps(fine, 100, above=4_800)[:, None], 8, 1), shift - shift.mean(1)
                                + np.zeros((len(fine), 1, 1))], axis=2)  # fmt: skip
    assert scores.learned_scale(of_phases, fine, bootstrap=QUICK).fits["log Hz"].value > 0.999


def test_small_changes_are_near_in_a_place_code_and_far_where_features_jump():
    rng = np.random.default_rng(4)
    base, changes = np.geomspace(100, 800, 16), np.array([0.1, 1.0, 4.3, 30.0, 1200.0])
    frequency = base[:, None] * 2 ** (np.append(0.0, changes) / 1200)
    code = bumps(frequency.ravel(), 200, above=5_400).reshape(16, 6, -1)
    growth = scores.distance_growth(code, changes, bootstrap=QUICK)
    values = [share.value for share in growth.shares]
    assert values[2] < 0.001
    assert values == sorted(values)
    assert values[4] == pytest.approx(1, abs=0.05)
    assert growth.at(4.3) == pytest.approx(values[2])
    # Of every sound and every starting phase another vector: far apart, but for their mean over many phases.
    jumps = rng.normal(size=(16, 6, 64, 300))
    both = np.concatenate([np.repeat(code[:, :, None], 64, axis=2), 0.3 * jumps], axis=3)
    one, mean = (scores.distance_growth(each, changes, bootstrap=QUICK) for each in (both[:, :, 0], both))
    assert one.shares[0].value > 0.5 > 0.1 > mean.shares[0].value
    with pytest.raises(ValueError, match=r"expected 0\.1 to 1200"):
        growth.at(0.01)


def test_a_narrow_code_is_saturated_and_a_wide_one_is_not():
    frequency = np.geomspace(100, 400, 20)
    assert scores.saturated(scores.saturation(bumps(frequency, 25, above=3_000)))
    assert not scores.saturated(scores.saturation(bumps(frequency, 800, above=3_000)))
    near = np.repeat(np.arange(10), 2)  # pairs of neighbours only
    assert scores.saturation(bumps(frequency, 800, above=3_000), within=near) <= 1
    with pytest.raises(ValueError, match="no pair"):
        scores.saturation(np.eye(3), within=[0, 1, 2])
