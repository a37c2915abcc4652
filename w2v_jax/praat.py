"""What Praat measures, through parselmouth (Jadoul, Thompson and de Boer 2018); and its TextGrids.

TextGrids are read by `w2v_jax.textgrids`, whose names are here, too. parselmouth is Praat itself as a Python package.
It is imported when it measures: it is in the extra `recordings`. It comes under the GNU General Public License, version
3 or later.
"""

import dataclasses
import math
import types

import numpy as np
import numpy.typing as npt

from w2v_jax._src import extras
from w2v_jax._src.opened_sound import RecordingsUnavailableError
from w2v_jax.textgrids import Interval, TextGrid, TextGridError, Tier, read_textgrid, read_tier

__all__ = [
    "MEASURES",
    "Interval",
    "PraatSettings",
    "TextGrid",
    "TextGridError",
    "Tier",
    "measure",
    "read_textgrid",
    "read_tier",
]

MEASURES = ("f0", "f1", "f2", "f3", "intensity", "voicing")
"""What `measure` returns, in this order."""


@dataclasses.dataclass(frozen=True)
class PraatSettings:
    """Settings of Praat's analyses, by Praat's own defaults.

    Attributes:
        pitch_floor: lowest f0, Hz; Praat's "To Pitch (ac)".
        pitch_ceiling: highest f0, Hz.
        formant_ceiling: Hz, up to which the formants are sought ("To Formant (burg)"): 5,500 for women's voices, 5,000
            for men's, says Praat's manual, and up to 8,000 for small children's.
        num_formants: how many lie below that ceiling; whole or half.
        window: seconds, effective length of the formants' window.

    Raises:
        ValueError: a value that makes no sense; the message names it.
    """

    pitch_floor: float = 75.0
    pitch_ceiling: float = 600.0
    formant_ceiling: float = 5500.0
    num_formants: float = 5.0
    window: float = 0.025

    def __post_init__(self) -> None:
        for name, least in (("pitch_floor", 1.0), ("formant_ceiling", 1000.0), ("window", 0.001)):
            if not least <= (value := getattr(self, name)) < math.inf:
                raise ValueError(f"{name} is {value:g}; expected at least {least:g}")
        if not self.pitch_floor < self.pitch_ceiling < math.inf:
            raise ValueError(
                f"pitch_ceiling is {self.pitch_ceiling:g} Hz; expected more than pitch_floor, {self.pitch_floor:g} Hz"
            )
        if self.num_formants < 3 or self.num_formants > 10 or (2 * self.num_formants) % 1:
            raise ValueError(f"num_formants is {self.num_formants:g}; expected 3 to 10, whole or half")

    def within(self, sample_rate: float) -> "PraatSettings":
        """For sound of a low sample rate: no ceiling above its Nyquist frequency, and fewer formants below it."""
        nyquist = sample_rate / 2
        if self.formant_ceiling <= nyquist:
            return self
        fewer = round(2 * self.num_formants * nyquist / self.formant_ceiling) / 2
        return dataclasses.replace(self, formant_ceiling=nyquist, num_formants=max(3.0, fewer))

    def __str__(self) -> str:
        return (
            f"pitch {self.pitch_floor:g} to {self.pitch_ceiling:g} Hz; {self.num_formants:g} formants below "
            f"{self.formant_ceiling:g} Hz, window {1000 * self.window:g} ms"
        )


def measure(
    waveform: npt.ArrayLike, sample_rate: float, times: npt.ArrayLike, settings: PraatSettings | None = None
) -> dict[str, np.ndarray]:
    """Praat's measures at given times.

    Args:
        waveform: (samples,), 1 being full scale, which Praat takes for Pascal.
        sample_rate: Hz, at best the recording's own: Praat resamples for itself.
        times: (n,) seconds; sample i is at i / sample_rate.
        settings: of Praat's analyses; `settings.within(sample_rate)` is what is used.

    Returns:
        (n,) float64 each: `f0` in Hz, `f1`, `f2`, `f3` in Hz, `intensity` in dB (relative to 2e-5 Pascal), `voicing`, 1
        where Praat finds an f0 and 0 where it finds none. NaN where Praat gives no value: f0 where there is no
        voice, and all that needs a longer sound than this (f0 three periods of the lowest, intensity 6.4).

    Raises:
        RecordingsUnavailableError: parselmouth is not installed.

    Examples:
        >>> buzz = np.zeros(16_000)
        >>> buzz[::100] = 0.5  # a pulse every 100 samples
        >>> measured = measure(buzz, 16_000, [0.4, 0.5])
        >>> measured["f0"].round(1), measured["voicing"]
        (array([160., 160.]), array([1., 1.]))
    """
    parselmouth = _parselmouth()
    waveform = np.asarray(waveform, np.float64)
    times = np.asarray(times, np.float64)
    settings = (settings or PraatSettings()).within(sample_rate)
    # Sample i is at i / sample_rate here; to Praat it is the middle of a sample's time.
    sound = parselmouth.Sound(waveform, sampling_frequency=sample_rate, start_time=-0.5 / sample_rate)
    measures = {name: np.full(len(times), np.nan) for name in MEASURES}

    def analysed(make, take) -> None:  # type: ignore[no-untyped-def]  # parselmouth's objects
        try:
            made = make()
        except parselmouth.PraatError:  # the sound is shorter than the analysis' window
            return
        for name, value in take.items():
            measures[name] = np.array([value(made, time) for time in times.tolist()], np.float64)

    analysed(
        lambda: sound.to_pitch_ac(pitch_floor=settings.pitch_floor, pitch_ceiling=settings.pitch_ceiling),
        {"f0": lambda pitch, time: pitch.get_value_at_time(time)},
    )
    analysed(
        lambda: sound.to_formant_burg(
            max_number_of_formants=settings.num_formants,
            maximum_formant=settings.formant_ceiling,
            window_length=settings.window,
        ),
        {f"f{n}": lambda formants, time, n=n: formants.get_value_at_time(n, time) for n in (1, 2, 3)},
    )
    analysed(
        lambda: sound.to_intensity(minimum_pitch=settings.pitch_floor),
        {"intensity": lambda intensity, time: intensity.get_value(time)},
    )
    measures["intensity"][np.isinf(measures["intensity"])] = np.nan
    measures["voicing"] = np.isfinite(measures["f0"]).astype(np.float64)
    return measures


def _parselmouth() -> types.ModuleType:
    what = "Praat's measures need the package praat-parselmouth"
    return extras.package("parselmouth", what=what, extra="recordings", error=RecordingsUnavailableError)
