"""How far apart two sounds are in their parameters: in which unit each is measured decides it.

A distance in f0, F1 and F2 needs an exchange rate between them. Divided by their spans, all weigh alike; in Hz, F2
outweighs f0 by its range; on the scale of the ear's bands (ERB) or in semitones, the low ones gain. None is the right
one, and a claim that holds in one only is a claim about the unit.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from w2v_jax import scales
from w2v_jax.scores._distances import positions

ParameterMetric = Callable[[Mapping[str, npt.ArrayLike]], Mapping[str, np.ndarray]]


def span(parameters: Mapping[str, npt.ArrayLike]) -> dict[str, np.ndarray]:
    """Each parameter divided by its span: all vary from end to end by 1.

    Raises:
        UndefinedScoreError: a parameter that does not vary.

    Examples:
        >>> span({"f1": [200.0, 300.0, 700.0]})["f1"].tolist()
        [0.4, 0.6, 1.4]
    """
    num_points = len(np.asarray(next(iter(parameters.values()))))
    return dict(zip(parameters, positions(parameters, num_points=num_points).T, strict=True))


def hz(parameters: Mapping[str, npt.ArrayLike]) -> dict[str, np.ndarray]:
    """Frequencies in Hz."""
    return {name: scales.hz(values) for name, values in parameters.items()}


def erb(parameters: Mapping[str, npt.ArrayLike]) -> dict[str, np.ndarray]:
    """Frequencies in equivalent rectangular bandwidths of the ear (`scales.erb`)."""
    return {name: scales.erb(values) for name, values in parameters.items()}


def semitones(parameters: Mapping[str, npt.ArrayLike]) -> dict[str, np.ndarray]:
    """Frequencies in semitones: twelve to the octave, at which f0 and formants weigh by their ratios."""
    return {name: 12 * scales.log_hz(values) for name, values in parameters.items()}


def mel(parameters: Mapping[str, npt.ArrayLike]) -> dict[str, np.ndarray]:
    """Frequencies in Mel (`scales.mel`)."""
    return {name: scales.mel(values) for name, values in parameters.items()}


def decibels(parameters: Mapping[str, npt.ArrayLike]) -> dict[str, np.ndarray]:
    """Amplitudes as levels, 20 log10."""
    return {name: 20 * np.log10(np.asarray(values, np.float64)) for name, values in parameters.items()}


VOWEL_METRICS: Mapping[str, ParameterMetric] = {"span": span, "Hz": hz, "ERB": erb, "semitones": semitones}
"""For f0 and formants."""

TONE_METRICS: Mapping[str, ParameterMetric] = {"Hz": hz, "Mel": mel, "ERB": erb, "semitones": semitones}
"""For the frequency of pure tones."""

AMPLITUDE_METRICS: Mapping[str, ParameterMetric] = {"amplitude": span, "dB": decibels}
"""For amplitudes."""
