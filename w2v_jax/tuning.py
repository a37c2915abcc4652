"""What single channels answer to: the filters of the first layer, and tuning curves from a sweep of pure tones."""

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from w2v_jax import scales
from w2v_jax.scores.bootstrap import Bootstrap, Score, UndefinedScoreError, make_score


@dataclasses.dataclass(frozen=True)
class FrequencyResponses:
    """Magnitude responses of filters, sorted by the frequency that they pass best.

    Attributes:
        frequency: (bins,) in Hz.
        decibels: (filters, bins), each filter's peak at 0 dB.
        peak: (filters,) in Hz, rising.
        channel: (filters,), the channel that each row is.
    """

    frequency: np.ndarray
    decibels: np.ndarray
    peak: np.ndarray
    channel: np.ndarray


def frequency_responses(
    filters: npt.ArrayLike, *, sample_rate: int, num_bins: int | None = None, floor: float = -60.0
) -> FrequencyResponses:
    """The frequency responses of a bank of filters, such as a first layer's before norm and GELU.

    Filters of zeros are left out.

    Args:
        filters: (filters, taps), their impulse responses; see `front_end.filters`.
        sample_rate: Hz.
        num_bins: frequencies, evenly spaced from 0 to the Nyquist frequency; by default 257, or as many as taps.
        floor: responses below it, in dB relative to the peak, are set to it.

    Raises:
        UndefinedScoreError: all filters are zeros.
        ValueError: fewer bins than taps.

    Examples:
        >>> delay = np.eye(3)  # filters that only delay pass everything
        >>> float(frequency_responses(delay, sample_rate=16_000).decibels.max())
        0.0
    """
    filters = np.asarray(filters, np.float64)
    if num_bins is None:
        num_bins = max(257, filters.shape[-1])
    if filters.ndim != 2 or num_bins < filters.shape[1]:
        raise ValueError(
            f"filters has shape {filters.shape} and num_bins is {num_bins}; expected (filters, taps), and at least as "
            "many bins as taps"
        )
    magnitude = np.abs(np.fft.rfft(filters, n=2 * (num_bins - 1), axis=1))
    largest = magnitude.max(axis=1)
    channel = np.flatnonzero(largest)
    if not len(channel):
        raise UndefinedScoreError("all filters of the first layer are zeros; none has a peak")
    magnitude = magnitude[channel] / largest[channel, None]
    frequency = np.linspace(0, sample_rate / 2, num_bins)
    best = magnitude.argmax(axis=1)
    order = np.argsort(best, kind="stable")
    decibels = 20 * np.log10(np.maximum(magnitude, 10 ** (floor / 20)))
    return FrequencyResponses(frequency, decibels[order], frequency[best][order], channel[order])


@dataclasses.dataclass(frozen=True)
class TuningCurves:
    """What pure tones the channels of a layer answer to. Channels that answer to all alike are left out.

    Attributes:
        frequency: (tones,) in Hz.
        response: (tuned, tones), from 0 at a channel's least response to 1 at its largest.
        best_frequency: (tuned,) in Hz, of the largest response.
        bandwidth: (tuned,) in Hz, of the unbroken range around it in which the response is at least 1/2.
        channel: (tuned,), their numbers in the layer.
    """

    frequency: np.ndarray
    response: np.ndarray
    best_frequency: np.ndarray
    bandwidth: np.ndarray
    channel: np.ndarray


def tuning_curves(features: npt.ArrayLike, frequency: npt.ArrayLike) -> TuningCurves:
    """Tuning curves from the features of pure tones.

    The edges of the bandwidth lie where straight lines between neighbouring tones cross 1/2, or at the first or last
    tone.

    Args:
        features: (tones, channels), averaged over time.
        frequency: (tones,) in Hz, rising.

    Raises:
        UndefinedScoreError: fewer than 3 tones, or no channel whose response varies.
    """
    features = np.asarray(features, np.float64)
    frequency = np.asarray(frequency, np.float64)
    if features.ndim != 2 or frequency.shape != features.shape[:1] or not (np.diff(frequency) > 0).all():
        raise ValueError(
            f"features has shape {features.shape} and frequency {frequency.shape}; expected (n, channels) and (n,) "
            "rising frequencies"
        )
    if len(frequency) < 3:
        raise UndefinedScoreError(f"there are {len(frequency)} tones; expected at least 3")
    span = np.ptp(features, axis=0)
    channel = np.flatnonzero(span > 1e-6 * np.abs(features).max(axis=0))
    if not len(channel):
        raise UndefinedScoreError(f"none of the {features.shape[1]} channels answers to one tone more than to another")
    response = ((features - features.min(axis=0))[:, channel] / span[channel]).T
    best = response.argmax(axis=1)
    bandwidth = [_width(curve, frequency, peak) for curve, peak in zip(response, best, strict=True)]
    return TuningCurves(frequency, response, frequency[best], np.array(bandwidth), channel)


def spread_along(
    best_frequency: npt.ArrayLike,
    scale: Callable[[npt.ArrayLike], np.ndarray] = scales.mel,
    *,
    lowest: float,
    highest: float,
    bootstrap: Bootstrap | None = None,
) -> Score:
    """How far best frequencies are from an even spread along a scale: Kolmogorov and Smirnov's distance.

    The largest difference between the share of channels below a frequency and that frequency's place on the scale
    between `lowest` and `highest`: 0 where channels are spread evenly along the scale, 1 where all are at one end.
    What is drawn again is the channel.

    Args:
        best_frequency: (channels,) in Hz.
        scale: maps Hz to the scale.
        lowest: Hz, of the lowest tone.
        highest: Hz, of the highest.
        bootstrap: how the interval is made.

    Raises:
        UndefinedScoreError: fewer than two channels.
    """
    bootstrap = bootstrap or Bootstrap()
    order = np.sort(np.asarray(best_frequency, np.float64))
    ends = scale(np.array([lowest, highest]))
    place = (scale(order) - ends[0]) / (ends[1] - ends[0])

    def distance(count: np.ndarray) -> float:
        share = np.concatenate([[0], np.cumsum(count)]) / count.sum()
        drawn = count > 0
        return float(max(np.abs(share[1:] - place)[drawn].max(), np.abs(share[:-1] - place)[drawn].max()))

    replicates = [distance(count) for count in bootstrap.counts(len(order))]
    return make_score(distance(np.ones(len(order))), replicates, units=len(order), bootstrap=bootstrap)


def _width(curve: np.ndarray, frequency: np.ndarray, peak: int) -> float:
    edges = []
    for step in (-1, 1):
        inside = peak
        while 0 <= inside + step < len(curve) and curve[inside + step] >= 0.5:
            inside += step
        outside = inside + step
        if not 0 <= outside < len(curve):
            edges.append(frequency[inside])
            continue
        share = (curve[inside] - 0.5) / (curve[inside] - curve[outside])
        edges.append(frequency[inside] + share * (frequency[outside] - frequency[inside]))
    return edges[1] - edges[0]
