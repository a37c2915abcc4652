"""What `claims` prints: ten scores of each front end. All of them are in the files."""

from w2v_jax._src.text_tables import aligned

from ..store.populations import Population, populations
from ..store.rows import Measurements
from ..vowels.synthesis import SYNTHESES
from . import table
from .questions import with_synthesis
from .table import Chances
from .verdicts import verdicts

# One or two of each claim, whatever came out: by claim and name, and whether the sounds are vowels.
TEN = (
    ("fundamental frequency", "RSA of tones with their frequency, ERB", False),
    ("fundamental frequency", "f0 read off across vowels, cents", True),
    ("formants", "F1 read off across f0 and F2, cents", True),
    ("formants", "F2 read off across f0 and F1, cents", True),
    ("formants", "RSA of vowels of one f0 with F1, F2, ERB", True),
    ("metric space", "RSA of vowels with f0, F1, F2, best weights", True),
    ("metric space", "nearest 10 of vowels, by f0, F1, F2, overlap", True),
    ("amplitude", "amplitude of 700 Hz read off across that of 100 Hz, dB", False),
    ("temporal detail", "burst of 10 ms, AUC, other tones", False),
    ("bias", "same under bias, relative, other tones", False),
)
LEGEND = (
    "▲ ahead of the control, ▼ behind, = no clear difference, – both at the ceiling, ? undefined. Intervals [low, "
    "high] are over sounds; the range (low … high) is that of the seeds. Errors in cents and dB, and distances "
    "of half a just noticeable difference: lower is better. All other scores: higher is better."
)


def ten(measured: Measurements) -> list[tuple[str, str]]:
    """Claim and name of the ten scores; vowels are voices where those were heard, else sums of sines."""
    present = table.score_names(measured)
    several = []
    for claim, name, of_vowels in TEN:
        claims = [with_synthesis(claim, each) for each in reversed(SYNTHESES)] if of_vowels else [claim]
        several += [(each, name) for each in claims if (each, name) in present][:1]
    return several


def leading(measured: Measurements) -> list[Population]:
    """Those that are no other's control: the tables of the others have the controls."""
    several = populations(measured)
    controls = {name for each in several for name in each.controls}
    return [each for each in several if not controls & set(each.members)] or several


def lines(measured: Measurements, population: Population, *, chances: Chances) -> list[str]:
    """The ten scores of a front end, or group of trainings, next to its controls."""
    shown = ten(measured)
    by_claim = verdicts(measured, population)
    cells = table.cells(measured, population, by_claim, chances, shown)
    # The units of the interval are in the files.
    rows = [[score, *others] for _, score, _, *others in cells]
    for row, (claim, _) in zip(rows[1:], shown, strict=True):
        row[0] += f" ({claim.partition(', ')[2]})" if ", with " in claim else ""
    count = len(table.score_names(measured))
    return [f"{population.told}, final frames: {len(shown)} of {count} scores", "", *aligned(rows)]
