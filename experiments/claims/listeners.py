"""What a listener just notices, against which a front end's discrimination is held.

A just noticeable difference is what is told apart in 3 of 4 trials, between chance and certainty. Experiments differ by
a factor of two or three, by what is heard and by who listens; these are the middle of what is reported. In these
experiments the sounds compared differ in nothing else; a front end is asked across contexts, which is harder.
"""

import dataclasses
import math
import statistics

CORRECT = 0.75  # of a just noticeable difference


@dataclasses.dataclass(frozen=True)
class Noticeable:
    """A just noticeable difference.

    Attributes:
        amount: a share of the frequency, or dB.
        unit: how it is written.
        source: who measured it, and the range that they report.
        multiples: of it, for which a front end is asked.
    """

    amount: float
    unit: str
    source: str
    multiples: tuple[int, ...]

    def shown(self, multiple: int) -> str:
        """A multiple of it, in words."""
        return f"{self.amount * multiple:g} dB" if self.unit == "dB" else f"{100 * self.amount * multiple:g}%"

    def step(self, multiple: int) -> float:
        """What a parameter is multiplied by."""
        return float(10 ** (-self.amount * multiple / 20)) if self.unit == "dB" else 1 + self.amount * multiple

    @property
    def in_cents(self) -> float:
        """A share of a frequency, in cents.

        Examples:
            >>> round(F0.in_cents, 1)
            8.6
        """
        return 1200 * math.log2(self.step(1))


F0 = Noticeable(
    0.005,
    "share",
    "f0 of synthetic vowels, 0.3 to 0.5%: Flanagan and Saslow 1958; up to 1% for other complex tones",
    (1, 2, 4, 8, 16, 32),
)
FORMANT = Noticeable(
    0.04,
    "share",
    "formants of synthetic vowels, 3 to 5%: Flanagan 1955; after much training 1.5% of F2: Kewley-Port and Watson 1994",
    (1, 2, 4, 8),
)
LEVEL = Noticeable(
    1.0, "dB", "level of vowels and tones, about 1 dB: Flanagan 1955; Jesteadt, Wier and Green 1977", (1, 2, 4, 8, 16)
)

NOTICEABLE: dict[str, Noticeable] = {"f0": F0, "F1": FORMANT, "F2": FORMANT, "level": LEVEL}


def expected_correct(multiple: float) -> float:
    """The share of trials in which a listener tells a multiple of a just noticeable difference apart.

    `Phi(m Phi^-1(0.75))`, of two alternatives: sensitivity d' is taken as proportional to the difference, as signal
    detection theory does for small ones (Green and Swets, "Signal detection theory and psychophysics", 1966). Only 0.75
    at 1 was measured.
    """
    normal = statistics.NormalDist()
    return normal.cdf(multiple * normal.inv_cdf(CORRECT))
