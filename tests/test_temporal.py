"""temporal: how steady tones are, and which bursts stand out, of frames whose answer is known."""

import dataclasses

import numpy as np
import pytest

from experiments.store import rows
from experiments.temporal import __main__ as temporal
from experiments.temporal import measuring
from w2v_jax.front_end import Frames

FRAMES = Frames(16_000, 400, 320)
TONES = np.array([[1, 0, 0], [1, 0, 1]], np.float32)  # the base tone, and the burst's
LENGTHS = [measuring.duration_ms(fraction) for fraction in measuring.BURSTS.axis("burst_fraction")]


def measured(several, name="a", source="facebook/wav2vec2-base@x"):
    own = tuple(dataclasses.replace(row, encoder=name) for row in several)
    about = rows.About(name, "trained", source, dataclasses.asdict(FRAMES))
    return rows.Measurements("temporal", own, {name: about})


def bursts(heard):
    """Frames of the base tone; of a burst's tone where they overlap one of those that are heard, in ms."""
    frames = np.tile(TONES[0], (len(LENGTHS), 49, 1))
    for each, fraction, length in zip(frames, measuring.BURSTS.axis("burst_fraction"), LENGTHS, strict=True):
        if length in heard:
            each[measuring.overlap(fraction, FRAMES)] = TONES[1]
    return frames


def of_bursts(frames):
    return measured(measuring.measure_bursts(frames, TONES, FRAMES))


@pytest.mark.parametrize(
    ("heard", "shortest"), [(LENGTHS, min(LENGTHS)), ([320, 160, 10], 160), ([10], None), ([], None)]
)
def test_the_shortest_burst_is_that_from_which_on_all_stand_out(heard, shortest):
    measurements = of_bursts(bursts(heard))
    assert measurements.value(measuring.SHORTEST, encoder="a") == shortest
    told = "at no length" if shortest is None else f"down to {shortest:g} ms"
    assert f"stands out {told} for a" in temporal.headline(measurements)


def test_frames_of_zeros_are_left_out_of_the_means_of_cosines():
    # As a front end that ends in a ReLU may return them.
    frames = np.tile(np.array([1, 0, 1], np.float32), (len(LENGTHS), 49, 1))
    full = of_bursts(frames)
    frames[:, 24:30] = 0
    holed = of_bursts(frames)
    longest, shortest = max(LENGTHS), min(LENGTHS)
    for which in (measuring.OVERLAPPING, measuring.OTHER):
        parameters = {"encoder": "a", "burst_ms": longest, "frames": which}
        np.testing.assert_allclose(
            holed.array(measuring.MEAN_COSINE, **parameters), full.array(measuring.MEAN_COSINE, **parameters), rtol=1e-6
        )
    assert holed.array(measuring.COUNT, encoder="a").tolist() == full.array(measuring.COUNT, encoder="a").tolist()
    nothing = holed.array(measuring.MEAN_COSINE, encoder="a", burst_ms=shortest, frames=measuring.OVERLAPPING)
    assert np.isnan(nothing).all()


def test_a_steady_tone_is_like_itself_alone():
    steady = np.tile(np.eye(5, dtype=np.float32)[:, None], (1, 4, 1))
    steady[1, 2] = 0
    measurements = measured(measuring.measure_stationarity(steady))
    np.testing.assert_allclose(measurements.array(measuring.COSINE, encoder="a").reshape(5, 5), np.eye(5), atol=1e-6)
    assert measurements.value(measuring.STEADIEST, encoder="a") == pytest.approx(1)
    assert measurements.value(measuring.OTHERS, encoder="a") == pytest.approx(0)
    steady[1] = 0
    silent = measured(measuring.measure_stationarity(steady))
    assert silent.row(measuring.STEADIEST, encoder="a").undefined == measuring.NO_DIRECTION


def test_one_frame_of_a_sound_tells_neither():
    one = Frames(16_000, 16_000, 16_000)
    measurements = measured(
        [
            *measuring.measure_stationarity(np.eye(5, dtype=np.float32)[:, None]),
            *measuring.measure_bursts(np.tile(TONES[1], (len(LENGTHS), 1, 1)), TONES, one),
        ]
    )
    assert measurements.row(measuring.STEADIEST, encoder="a").undefined == measuring.ONE_FRAME
    assert measurements.row(measuring.SHORTEST, encoder="a").undefined == measuring.ONE_FRAME
    assert temporal.headline(measurements) == "Neither can be asked of a, with one frame a sound."


def test_the_papers_numbers_are_compared_for_its_model_alone():
    right = np.array(temporal.PUBLISHED, np.float64)
    tones = measuring.STATIONARITY.axis("frequency")

    def of(matrix, source="facebook/wav2vec2-base@main"):
        cells = rows.curve(measuring.COSINE, matrix, frequency=tones[:, None], frames_of=tones)
        return temporal.published(measured(cells, source=source))

    assert [each.agrees for each in of(right)] == [True] * 25
    assert of(right, source="untrained") == []
    right[0, 1] = 0.37
    wrong = [each for each in of(right) if not each.agrees]
    assert [(each.quantity, each.published) for each in wrong] == [("stationarity, 0.1 and 0.2 kHz", "0.36")]


def test_a_run_leaves_its_figures_and_the_map_of_bursts(smoke):
    folder = smoke.results.folder / "temporal"
    assert {path.name for path in folder.glob("*.png") if "first" not in path.name} == {
        "example_burst.png",
        *(
            f"{stem}.{name}.png"
            for stem in ("bursts", "bursts_map", "stationarity")
            for name in ("second", "log-mel", "bands-make")
        ),
    }
    lines = (folder / "bursts.log-mel.map.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "burst_fraction,sound,time,x,y"
    assert len(lines) == 1 + len(LENGTHS) * (49 + 2)
