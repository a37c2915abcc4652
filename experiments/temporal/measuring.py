"""How steady tones are in the frames, and how short a burst stands out."""

import jax
import numpy as np

from w2v_jax import grids, similarity, stimuli
from w2v_jax._src.arguments import Scalar
from w2v_jax.front_end import Frames

from ..hearing import Heard
from ..store import rows
from ..store.rows import Row

STATIONARITY = grids.STATIONARITY
BURSTS = grids.BURSTS
BURST_TONES = grids.BURST_TONES
DURATION = 1.0  # seconds, of every sound
LEAST_DIFFERENCE = 0.01  # of cosines, from which on a burst counts as standing out

# Quantities. The parameter `frames` says which: those that overlap a burst, or others.
COSINE = "cosine of a tone's mean to single frames"
STEADIEST = "cosine of a tone's mean to its own frames, lowest"
OTHERS = "cosine of a tone's mean to frames of another tone, highest"
NEARER = "cosine to the burst's tone minus cosine to the tone around it"
MEAN_COSINE = "cosine of frames to a tone, mean"
COUNT = "frames that overlap a burst"
SHORTEST = "shortest burst that stands out"
ZEROS = "frames of zeros"
OVERLAPPING, OTHER = "overlapping", "other"

# Why something is undefined.
ONE_FRAME = "there is one frame of a sound"
NO_DIRECTION = "a vector of zeros has no direction"
NO_FRAMES = "no such frame has a direction"
NONE_STANDS_OUT = "none stands out"


def tone(frequency: Scalar, *, sample_rate: int) -> jax.Array:
    return stimuli.sine_mixture([frequency], duration=DURATION, sample_rate=sample_rate)


def burst(burst_fraction: Scalar, *, sample_rate: int) -> jax.Array:
    base, burst_tone = BURST_TONES.axis("frequency")
    return stimuli.burst(base, burst_tone, burst_fraction, duration=DURATION, sample_rate=sample_rate)


def measure(heard: Heard) -> list[Row]:
    """How steady tones are, what each frame of a burst is nearer to, and the shortest burst that stands out."""
    steady, bursts = heard.features(STATIONARITY.name), heard.features(BURSTS.name)
    zeros = sum(int((~_with_direction(frames)).sum()) for frames in (steady, bursts))
    return [
        *measure_stationarity(steady),
        *measure_bursts(bursts, heard.features(BURST_TONES.name), heard.frames),
        rows.number(ZEROS, zeros),
    ]


def measure_stationarity(frames: np.ndarray) -> list[Row]:
    """The matrix of `similarity.stationarity`, for frames (tones, t, channels), without those of zeros."""
    chosen = _with_direction(frames)
    if chosen.all():
        matrix = np.asarray(similarity.stationarity(frames))
    else:
        averaged = frames.mean(axis=1)
        heard = _with_direction(averaged)
        matrix = np.full((len(frames), len(frames)), np.nan)
        for column, (each, kept) in enumerate(zip(frames, chosen, strict=True)):
            if kept.any():
                matrix[heard, column] = similarity.cosine_similarity(averaged[heard], each[kept]).mean(axis=1)
    frequency = STATIONARITY.axis("frequency")
    steadiest, others = np.diag(matrix).min(), matrix[~np.eye(len(matrix), dtype=bool)].max()
    one_frame = frames.shape[1] == 1
    return [
        *rows.curve(COSINE, matrix, undefined=NO_DIRECTION, frequency=frequency[:, None], frames_of=frequency),
        _number(STEADIEST, np.nan if one_frame else steadiest, ONE_FRAME if one_frame else NO_DIRECTION),
        _number(OTHERS, others, NO_DIRECTION),
    ]


def _number(quantity: str, value: float, undefined: str) -> Row:
    return rows.number(quantity, value if np.isfinite(value) else None, better=_BETTER[quantity], undefined=undefined)


_BETTER: dict[str, rows.Better] = {STEADIEST: "higher", OTHERS: ""}


def _with_direction(frames: np.ndarray) -> np.ndarray:
    """Which frames, (..., channels), are no vectors of zeros, as a front end that ends in a ReLU may return them."""
    return np.asarray(frames.any(axis=-1))


def overlap(burst_fraction: float, frames: Frames) -> np.ndarray:
    """Which frames see any of the burst's samples: (frames,) bool."""
    num_samples = round(DURATION * frames.sample_rate)
    start, stop = (int(edge) for edge in stimuli.burst_span(burst_fraction, num_samples=num_samples))
    return frames.seeing(start, stop, num_samples=num_samples)


def duration_ms(burst_fraction: float) -> float:
    """How long a burst is."""
    return round(1000 * DURATION * float(burst_fraction), 3)


SHORTEST_TRIED = duration_ms(min(BURSTS.axis("burst_fraction")))


def measure_bursts(features: np.ndarray, tones: np.ndarray, frames: Frames) -> list[Row]:
    """Per burst: are the frames that overlap it like the burst's tone, and the others like the base tone?

    Args:
        features: (bursts, t, channels); frames of zeros are left out of the means.
        tones: (2, channels), the base tone and the burst's tone, averaged over time.
        frames: how the front end frames a waveform.
    """
    measured = []
    by_length: dict[float, tuple[np.ndarray, np.ndarray]] = {}
    time = frames.times(features.shape[1])
    for fraction, of_burst in zip(BURSTS.axis("burst_fraction"), features, strict=True):
        overlaps, length = overlap(fraction, frames), duration_ms(fraction)
        chosen = _with_direction(of_burst)
        cosines = np.asarray(similarity.cosine_similarity(of_burst[chosen], tones))
        nearer = np.full(len(of_burst), np.nan)
        nearer[chosen] = cosines[:, 1] - cosines[:, 0]
        by_length[length] = nearer, overlaps
        which = np.where(overlaps, OVERLAPPING, OTHER)
        measured += [
            rows.number(COUNT, overlaps.sum(), burst_ms=length, burst_fraction=float(fraction)),
            *rows.curve(NEARER, nearer, undefined=NO_DIRECTION, burst_ms=length, frames=which, time=time),
        ]
        for name, some in ((OVERLAPPING, overlaps[chosen]), (OTHER, ~overlaps[chosen])):
            means = cosines[some].mean(axis=0) if some.any() else np.full(len(tones), np.nan)
            frequency = BURST_TONES.axis("frequency")
            measured += rows.curve(
                MEAN_COSINE, means, undefined=NO_FRAMES, burst_ms=length, frames=name, frequency=frequency
            )
    shortest = shortest_burst(by_length)
    why = ONE_FRAME if features.shape[1] == 1 else NONE_STANDS_OUT
    return [*measured, rows.number(SHORTEST, shortest, unit="ms", better="lower", undefined=why)]


def shortest_burst(bursts: dict[float, tuple[np.ndarray, np.ndarray]]) -> float | None:
    """The shortest burst, in ms, that stands out, as all longer ones do; None where the longest does not.

    It stands out: the frames that overlap it are, on average, moved from the tone around it towards its own tone
    farther than any other frame.

    Args:
        bursts: by length in ms, how much nearer each frame is to the burst's tone, (frames,), NaN where that is
            undefined; and which frames overlap the burst, (frames,) bool.
    """
    shortest = None
    for length in sorted(bursts, reverse=True):
        nearer, overlaps = bursts[length]
        known = np.isfinite(nearer)
        if not (known & overlaps).any() or not (known & ~overlaps).any():
            break
        if nearer[known & overlaps].mean() <= nearer[known & ~overlaps].max() + LEAST_DIFFERENCE:
            break
        shortest = length
    return shortest
