"""What every main score says of codes whose answer is known: `python -m benchmarks.validity`.

Writes the tables of docs/validity.md: code by score, what it is and what it must be. Takes four minutes and 600 MB.
"""

import argparse
import dataclasses
import functools
import operator
import pathlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from experiments.claims.asking import SMALL_STEPS, scale_name
from experiments.claims.layers import Layer
from experiments.claims.questions import claims_of
from experiments.claims.sounds import SOUNDS, Grids, grid_name, grids_of
from experiments.store import rows
from experiments.store.results import Size
from w2v_jax import scores
from w2v_jax.front_end import Frames
from w2v_jax.scores import Bootstrap, Score

from . import codes
from .codes import CODES, Code

FRAMES = Frames(sample_rate=16_000, receptive_field=400, hop=320)
PAGE = pathlib.Path(__file__).parent.parent / "docs" / "validity.md"
BEGIN, END = "<!-- made by benchmarks.validity -->", "<!-- end -->"
FEW = Bootstrap(resamples=20)  # values are asked for, not intervals
SYNTHESES = ("resonances",)  # to a code, voices and sums of sines are the same
LEAD = "learned scale by angles, lead of log Hz over Mel and Hz"

Values = Mapping[str, float | None]  # by score; None where undefined


class Moved(NamedTuple):
    """A score of a code before and after its channels are mixed."""

    code: str
    before: float
    after: float

    @property
    def change(self) -> float:
        return abs(self.after - self.before)


@dataclasses.dataclass(frozen=True)
class Must:
    """What a score must be on some codes.

    Attributes:
        score: a regular expression that its name matches, as a whole.
        on: which codes.
        low, high: what the value must lie between.
    """

    score: str
    on: Callable[[Code], bool]
    low: float = -np.inf
    high: float = np.inf

    def __str__(self) -> str:
        if np.isinf(self.low):
            return f"≤ {self.high:g}"
        return f"≥ {self.low:g}" if np.isinf(self.high) else f"{self.low:g} to {self.high:g}"


def layer_of(code: Code, grids: Grids) -> Layer:
    """A code in the place of a front end. It has no frames: each sound is steady, and no burst is heard."""
    named = grids.items()
    mean = {name: np.asarray(code.features(named[name].points()), np.float64) for name in SOUNDS if name in named}
    steady = {name: np.ones(len(features)) for name, features in mean.items()}
    return Layer(FRAMES, grids, mean, steady, np.zeros((0, 0, 0)), FEW)


# Scores that do not lead.
_ALSO = ("linearity", "learned scale", "RSA of vowels with f0 in Hz, alone")


def main_scores(code: Code, size: Size) -> dict[str, float | None]:
    """Every main score of `claims`, and those shown with them, and the scores of the library that stand beside."""
    heard = layer_of(code, grids_of(FRAMES, size, syntheses=SYNTHESES))
    by_name: dict[str, float | None] = {}
    for questions in claims_of(SYNTHESES).values():
        for name, question in questions.items():
            if question.leads or name.startswith(_ALSO):
                by_name[name] = _value(rows.attempted(functools.partial(question.score, heard)))
    fits = {scale: by_name[scale_name(scale)] for scale in ("log Hz", "Mel", "Hz")}
    known = {scale: fit for scale, fit in fits.items() if fit is not None}
    if len(known) == len(fits):
        by_name[LEAD] = known["log Hz"] - max(known["Mel"], known["Hz"])
    return by_name | beside(heard)


def beside(heard: Layer) -> dict[str, float | None]:
    """How far an octave is, saturation, and CKA."""
    vowels = grid_name("vowels", "resonances")
    octave = functools.partial(heard.small_change, "tones", -1, phases="mean of 8 starting phases")
    by_name = {
        "distance of tones an octave apart, mean of 8 starting phases": _value(rows.attempted(octave)),
        "saturation of vowels, share of pairs": heard.saturation(vowels),
    }
    points = heard.points(vowels)
    features = heard.mean[vowels]
    rng = np.random.default_rng(0)
    turned = features[:, rng.permutation(features.shape[1])] * rng.choice([-3.0, 3.0], features.shape[1])
    for name, other in {"itself, turned and scaled": turned, "noise": codes.noise(points)}.items():
        by_name[f"CKA with {name}"] = _value(
            rows.attempted(functools.partial(scores.cka, features, other, bootstrap=FEW))
        )
    return by_name


def _value(cell: rows.Cell) -> float | None:
    return cell.value if isinstance(cell, Score) else None


def _kinds(*kinds: str) -> Callable[[Code], bool]:
    return lambda code: code.kind in kinds


def _among(*several: Code) -> Callable[[Code], bool]:
    names = {one.name for code in several for one in (code, code.projected())}
    return lambda code: code.name in names


def _knows(parameter: str, *kinds: str) -> Callable[[Code], bool]:
    return lambda code: parameter in code.knows and code.kind in kinds


def _blind(parameter: str) -> Callable[[Code], bool]:
    return lambda code: parameter not in code.knows


def _musts() -> Iterator[Must]:
    chance = {"f0": 347, "F1": 541, "F2": 567}
    for name, guess in chance.items():
        parameter = name.lower()
        across = rf"{name} read off across (vowels|f0 and F[12]), cents"
        yield Must(across, _knows(parameter, "place", "rate", "lookup"), high=0.3 * guess)
        yield Must(across, _knows(parameter, "spectrum", "jumping"), high=0.6 * guess)
        yield Must(across, _blind(parameter), low=0.7 * guess)
        between = rf"{name} read off across .* and between .*"
        yield Must(between, _among(codes.WIDE, codes.RATE, codes.MEL, codes.UNEQUAL), high=0.4 * guess)
        yield Must(between, _among(codes.LOOKUP), low=0.45 * guess)
        yield Must(between, _blind(parameter), low=0.6 * guess)
        line = rf"linearity of {name}( of vowels)? between values heard, R²"
        yield Must(line, _among(codes.RATE), low=0.95)
        yield Must(line, _among(codes.NARROWEST, codes.LOOKUP, codes.NOISE), high=0.3)
        yield Must(line, _blind(parameter), high=0.3)
        told = rf"ABX of {name} across .*, mean of the steps"
        yield Must(
            told, lambda code, own=parameter: own in code.knows and code.kind in ("place", "rate", "lookup"), low=0.9
        )
        yield Must(told, _blind(parameter), low=0.4, high=0.6)
    yield Must("ABX of level across vowels, mean of the steps", _kinds("place", "rate", "lookup", "spectrum"), 0.5, 0.5)
    yield Must("same under level, relative, other tones", _kinds("place", "rate", "lookup", "spectrum"), low=0.999)
    yield Must(r"RSA of vowels (with f0, F1, F2|of one f0 with F1, F2), span", _among(codes.RATE), low=0.98)
    yield Must(r"RSA of vowels (with f0, F1, F2|of one f0 with F1, F2), .*", _among(codes.NOISE), -0.1, 0.1)
    yield Must(r"RSA of vowels with f0, F1, F2, semitones", _among(codes.WIDE), low=0.7)
    yield Must(
        r"RSA of vowels with f0, F1, F2, best weights", _among(codes.F0_ONLY, codes.F1_ONLY, codes.F2_ONLY), low=0.7
    )
    yield Must(r"RSA of vowels with f0 in Hz, alone", _among(codes.F0_ONLY), low=0.9)
    yield Must(r"RSA of vowels with f0 in Hz, alone", _blind("f0"), -0.1, 0.1)
    yield Must(r"RSA of tones with their frequency, Hz", _among(codes.RATE), low=0.98)
    yield Must(r"RSA of tones with their frequency, .*", _among(codes.NOISE, codes.LOOKUP), -0.1, 0.1)
    yield Must("nearest 10 of vowels, by f0, F1, F2, overlap", _among(codes.RATE), low=0.9)
    yield Must("nearest 10 of vowels, by f0, F1, F2, overlap", _among(codes.WIDE), low=0.4)
    yield Must("nearest 10 of vowels, by f0, F1, F2, overlap", _among(codes.NOISE), high=0.12)
    yield Must("nearest 10 of tones, by frequency, overlap", _among(codes.RATE, codes.WIDE, codes.MEL), low=0.85)
    yield Must("steadiness, other tones", lambda code: True, 1.0, 1.0)
    yield Must(r"amplitude of .* read off across that of .*, dB", _among(codes.RATE, codes.WIDE), high=0.7)
    yield Must(r"amplitude of .* read off across that of .*, dB", _among(codes.NOISE), low=1.0)
    logarithmic = _among(codes.NARROWEST, codes.NARROW, codes.MIDDLE, codes.WIDE)
    yield Must(scale_name("log Hz"), logarithmic, low=0.99)
    yield Must(LEAD, logarithmic, low=0.005)
    yield Must(scale_name("Mel"), _among(codes.MEL), low=0.99)
    yield Must(LEAD, _among(codes.MEL, codes.RATE), high=-0.005)
    yield Must(scale_name("Hz"), _among(codes.RATE), low=0.99)
    yield Must(SMALL_STEPS, _among(codes.NOISE, codes.LOOKUP, codes.NARROWEST), high=0.5)
    yield Must(SMALL_STEPS, _among(codes.MIDDLE, codes.WIDE, codes.MEL, codes.RATE), low=0.9)
    half = "distance of half a just noticeable difference of"
    yield Must(
        rf"{half} (tones|f0 of voices), .*",
        _among(codes.NARROW, codes.MIDDLE, codes.WIDE, codes.MEL, codes.RATE),
        high=0.02,
    )
    yield Must(rf"{half} (tones|f0 of voices), .*", _among(codes.NARROWEST), high=0.1)
    yield Must(rf"{half} F[12] of voices, .*", _among(codes.MIDDLE, codes.WIDE, codes.RATE), high=0.05)
    yield Must(rf"{half} .*, one starting phase", _among(codes.JUMPING), low=0.3)
    yield Must(rf"{half} tones, .*", _among(codes.NOISE, codes.LOOKUP), low=0.8)
    for name in chance:
        yield Must(rf"{half} {name} of voices, .*", _among(codes.LOOKUP), low=0.2)
        blind = _blind(name.lower())
        yield Must(
            rf"{half} {name} of voices, .*", lambda code, blind=blind: blind(code) and code.kind == "place", high=1e-6
        )
    yield Must("saturation of vowels, share of pairs", _among(codes.NARROWEST, codes.NARROW), low=0.5)
    yield Must("saturation of vowels, share of pairs", _among(codes.WIDE, codes.RATE, codes.WIDE_FILTERS), high=0.5)
    yield Must("CKA with itself, turned and scaled", lambda code: True, low=0.999)
    yield Must("CKA with noise", lambda code: code.kind != "noise", -0.1, 0.1)


MUSTS = tuple(_musts())


def must_of(score: str, code: Code) -> Must | None:
    """What a score must be on a code; None where nothing is demanded."""
    return next((each for each in MUSTS if re.fullmatch(each.score, score) and each.on(code)), None)


def holds(value: float | None, must: Must | None) -> bool:
    """Whether a value is what it must be. Undefined is right where a code knows nothing."""
    return must is None or value is None or must.low - 1e-9 <= value <= must.high + 1e-9


def contradictions(by_code: Mapping[str, Values], several: Sequence[Code]) -> list[str]:
    """Where a score says of a code what is not true."""
    return [
        f"{score} of {code.name}: {value:.3g}; must be {must}"
        for code in several
        for score, value in by_code[code.name].items()
        if not holds(value, must := must_of(score, code)) and value is not None
    ]


def table(by_code: Mapping[str, Values], several: Sequence[Code], names: Sequence[str]) -> list[str]:
    """Rows of scores and columns of codes: the value, and in brackets what it must be."""
    header = ["score", *(code.name for code in several)]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for name in names:
        row = [name]
        for code in several:
            value, must = by_code[code.name].get(name), must_of(name, code)
            text = "–" if value is None else f"{value:.0f}" if abs(value) >= 10 else f"{value:.2f}"
            told = "" if must is None or value is None else f" ({must})" if holds(value, must) else f" (✗ {must})"
            row.append(f"{text}{told}")
        lines.append("| " + " | ".join(row) + " |")
    return lines


def _shown(name: str) -> str:
    """Under which heading a score stands."""
    for heading, beginnings in _HEADINGS.items():
        if name.startswith(beginnings):
            return heading
    return OTHERS


OTHERS = "Distances"
_HEADINGS = {
    "Read off, and linearity": ("f0 read", "F1 read", "F2 read", "amplitude", "linearity"),
    "Discrimination and what stays the same": ("ABX", "same", "steadiness"),
    "Tones, small changes, saturation, alignment": (
        "RSA of tones",
        "nearest 10 of tones",
        "learned",
        "distance",
        "saturation",
        "CKA",
    ),
}
HEADINGS = (*list(_HEADINGS)[:2], OTHERS, *list(_HEADINGS)[2:])  # in the order of the page


def page_text(by_code: Mapping[str, Values], several: Sequence[Code], moved: Mapping[str, Moved]) -> str:
    """The part of the page that this program writes."""
    names = list(dict.fromkeys(name for values in by_code.values() for name in values))
    lines = []
    for heading in HEADINGS:
        chosen = [name for name in names if _shown(name) == heading]
        for which, part in {"first eight codes": several[:8], "other codes": several[8:]}.items():
            lines += [
                f"### {heading}: {which}",
                "",
                *table(by_code, part, chosen),
                "",
            ]
    lines += ["### Through a random projection", ""]
    lines += [
        "The largest change of each score when the channels of a code are mixed by one random matrix, and the code "
        "that has it. With the few sounds of `--quick`, so that its values are not those above.",
        "",
        "| score | largest change | code | from | to |",
        "|---|---|---|---|---|",
        *(_moved_row(name, moved[name]) for name in names if name in moved),
    ]
    return "\n".join(lines)


def _moved_row(name: str, moved: Moved) -> str:
    return f"| {name} | {moved.change:.2f} | {moved.code} | {moved.before:.2f} | {moved.after:.2f} |"


def write_page(path: pathlib.Path, tables: str) -> None:
    """Puts the tables between the marks of a page, whose other text is a person's."""
    text = path.read_text(encoding="utf-8") if path.exists() else f"{BEGIN}\n{END}\n"
    before, after = text.split(BEGIN)[0], text.split(END)[-1]
    path.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}", encoding="utf-8")


def measure(several: Sequence[Code], size: Size) -> dict[str, Values]:
    """The main scores by name of the code."""
    return {code.name: main_scores(code, size) for code in several}


def most_moved(pairs: Mapping[str, tuple[Values, Values]]) -> dict[str, Moved]:
    """By score, the largest difference within a code's pair; where a score is undefined in one, there is none."""
    most: dict[str, Moved] = {}
    for code, (before, after) in pairs.items():
        for name, value in before.items():
            against = after.get(name)
            if value is not None and against is not None:
                most[name] = max(
                    most.get(name, Moved(code, value, value)),
                    Moved(code, value, against),
                    key=operator.attrgetter("change"),
                )
    return most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=pathlib.Path, default=PAGE, help="the page whose tables are written")
    path = parser.parse_args().output
    by_code = measure(CODES, "usual")
    projected = [code.projected() for code in CODES]
    plain, mixed = measure(CODES, "quick"), measure(projected, "quick")
    wrong = contradictions(by_code, CODES)
    moved = most_moved(
        {code.name: (plain[code.name], mixed[other.name]) for code, other in zip(CODES, projected, strict=True)}
    )
    write_page(path, page_text(by_code, CODES, moved))
    print("\n".join(wrong) or "No score contradicts its name.")
    print(f"Tables: {path}")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
