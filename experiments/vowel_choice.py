"""Which vowels an experiment asks about, and on which grid: the paper's, or one's own."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from w2v_jax import grids, vowels
from w2v_jax._src.quoting import printable
from w2v_jax.grids import Grid, Vowel
from w2v_jax.source_filter import LOWEST_F0
from w2v_jax.vowels import VowelTable, VowelTableError

from .front_ends.named import NamedFrontEnd

PAPERS_TABLE = VowelTable("the paper's vowels", grids.VOWELS, source="Choi and Yeo, arXiv:2210.15386, section 3.4")
PAPERS_COUNT = 30  # points along F1 and F2
FINE_COUNTS = {"f1": 200, "f2": 600}
# A panel for each speaker and for each vowel: more would be read by nobody.
MOST_SPEAKERS = 6
MOST_VOWELS = 24  # of a speaker
QUICK_VOWELS = 4  # of a speaker


@dataclasses.dataclass(frozen=True)
class Span:
    """Values of a parameter, evenly spaced: Hz, both ends included."""

    low: float
    high: float
    count: int

    @property
    def values(self) -> np.ndarray:
        return np.linspace(self.low, self.high, self.count)

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} Hz in {self.count} points"


@dataclasses.dataclass(frozen=True)
class VowelChoice:
    """The vowels and the grid.

    Attributes:
        table: the vowels.
        f0: Hz, those asked for; empty for those of the table, or else the paper's.
        f1, f2: the grid's; None for the lowest to the highest of the table, as in the paper.
    """

    table: VowelTable = PAPERS_TABLE
    f0: tuple[float, ...] = ()
    f1: Span | None = None
    f2: Span | None = None

    def __post_init__(self) -> None:
        for name in ("f1", "f2"):
            values = [getattr(vowel, name) for vowel in self.table.vowels]
            if getattr(self, name) is None and min(values) == max(values):
                raise VowelTableError(
                    f"{self.table.name}: every vowel has the {name.upper()} {values[0]:g} Hz, which spans no grid; "
                    f"expected several, or --{name}=LOW:HIGH:COUNT"
                )
        if (lowest := min(self.one_f0, *self.all_f0)) < LOWEST_F0:
            raise VowelTableError(
                f"{'--f0' if self.f0 else self.table.name}: f0 is {lowest:g} Hz; expected at least {LOWEST_F0:g} Hz"
            )
        if len(self.table.speakers) > MOST_SPEAKERS:
            raise VowelTableError(
                f"{self.table.name}: has {len(self.table.speakers)} speakers; expected at most {MOST_SPEAKERS}: choose "
                "some with --speakers"
            )
        for speaker in self.table.speakers:
            of = f" of {speaker!r}" if speaker else ""
            if (count := len(self.table.of(speaker))) > MOST_VOWELS:
                raise VowelTableError(f"{self.table.name}: has {count} vowels{of}; expected at most {MOST_VOWELS}")
            if (count := len(self.of(speaker))) < 2:
                raise VowelTableError(
                    f"{self.table.name}: {count} of {len(self.table.of(speaker))} vowels{of} lie on the grid (F1 "
                    f"{self.span('f1')}, F2 {self.span('f2')}); expected at least 2"
                )

    @property
    def is_papers(self) -> bool:
        """Whether everything is as in the paper."""
        return self == PAPERS

    @property
    def speakers(self) -> tuple[str, ...]:
        return self.table.speakers

    def span(self, parameter: str) -> Span:
        """The grid's values of "f1" or "f2"."""
        if (given := getattr(self, parameter)) is not None:
            return given
        values = [getattr(vowel, parameter) for vowel in self.table.vowels]
        return Span(min(values), max(values), PAPERS_COUNT)

    def holds(self, vowel: Vowel) -> bool:
        """Whether the vowel lies on the grid."""
        f1, f2 = self.span("f1"), self.span("f2")
        return f1.low <= vowel.f1 <= f1.high and f2.low <= vowel.f2 <= f2.high

    def of(self, speaker: str, *, quick: bool = False) -> tuple[Vowel, ...]:
        """A speaker's vowels on the grid; where `quick`, those at the ends of F1 and F2."""
        own_vowels = tuple(filter(self.holds, self.table.of(speaker)))
        if not quick or len(own_vowels) <= QUICK_VOWELS:
            return own_vowels
        by_f1, by_f2 = (sorted(own_vowels, key=lambda vowel: getattr(vowel, name)) for name in ("f1", "f2"))
        corners = (by_f1[0], by_f1[-1], by_f2[0], by_f2[-1])
        return tuple(vowel for vowel in own_vowels if vowel in corners)

    @property
    def on_grid(self) -> tuple[Vowel, ...]:
        """The vowels of all speakers on the grid."""
        return tuple(filter(self.holds, self.table.vowels))

    @property
    def left_out(self) -> tuple[Vowel, ...]:
        """The vowels of the table that do not lie on the grid."""
        return tuple(vowel for vowel in self.table.vowels if not self.holds(vowel))

    @staticmethod
    def named(several: Sequence[Vowel]) -> str:
        """Vowels in a sentence."""
        named = (f"[{vowel.symbol}]" + (f" of {vowel.speaker}" if vowel.speaker else "") for vowel in several)
        return printable(", ".join(named))

    def speaker_f0(self, speaker: str) -> float | None:
        """The mean f0 of a speaker's vowels in whole Hz, where the table has it."""
        heard = [vowel.f0 for vowel in self.table.of(speaker) if vowel.f0 is not None]
        return float(round(sum(heard) / len(heard))) if heard else None

    @property
    def all_f0(self) -> tuple[float, ...]:
        """Of the vowels by f0, ascending."""
        if self.f0:
            return tuple(sorted(self.f0))
        own = {self.speaker_f0(speaker) for speaker in self.speakers}
        return tuple(sorted(f0 for f0 in own if f0 is not None)) or tuple(grids.VOWEL_SPACE_BY_F0.axis("f0").tolist())

    @property
    def one_f0(self) -> float:
        """Of the vowels of one f0: the first that was asked for; else the first speaker's; else the paper's."""
        if self.f0:
            return self.f0[0]
        return self.speaker_f0(self.speakers[0]) or float(grids.VOWEL_SPACE.axis("f0")[0])

    def named_f0(self, f0: float) -> str:
        """An f0, with the speakers whose mean it is."""
        speakers = [] if self.f0 else [each for each in self.speakers if each and self.speaker_f0(each) == f0]
        return ", ".join((f"{f0:g} Hz", *speakers))

    def vowel_space(self) -> Grid:
        return self._grid("vowel_space", (self.one_f0,), self.span("f1").values, self.span("f2").values)

    def vowel_space_by_f0(self) -> Grid:
        return self._grid("vowel_space_by_f0", self.all_f0, self.span("f1").values, self.span("f2").values)

    def vowel_space_fine(self) -> Grid:
        """The range of the grid, with as many points as the authors' fine grid."""
        f1, f2 = (dataclasses.replace(self.span(name), count=count).values for name, count in FINE_COUNTS.items())
        return self._grid("vowel_space_fine", (self.one_f0,), f1, f2)

    @staticmethod
    def _grid(name: str, f0: Sequence[float], f1: np.ndarray, f2: np.ndarray) -> Grid:
        return Grid(name, ({"f0": np.array(f0, np.float64)}, {"f1": f1}, {"f2": f2}))

    @property
    def caption(self) -> str:
        """Which vowels these are, for the title of a figure."""
        return f"Vowels: {printable(self.table.name)}"

    @property
    def caption_by_f0(self) -> str:
        return f"{self.caption}; f0 {', '.join(f'{f0:g}' for f0 in self.all_f0)} Hz"

    @property
    def caption_at_one_f0(self) -> str:
        return f"{self.caption}; f0 {self.one_f0:g} Hz"

    def titled(self, title: str, *, f0: float | None = None) -> str:
        """The title of a figure, with the vowels where they are not the paper's; `f0` where it is not `one_f0`, Hz."""
        return title if self.is_papers else f"{title}\n{self.caption}; f0 {self.one_f0 if f0 is None else f0:g} Hz"

    def said(self, *, quick: bool = False) -> str:
        """Everything about them in a line."""
        who = f" ({', '.join(self.speakers)})" if any(self.speakers) else ""
        by_f0 = ", ".join(f"{f0:g}" for f0 in self.all_f0)
        return printable(
            f"Vowels: {self.table.name}{who}; F1 {self.span('f1')}, F2 {self.span('f2')}; f0 {self.one_f0:g} Hz, by f0 "
            f"{by_f0} Hz{', thinned' if quick else ''}"
        )

    def notes(self, *, quick: bool = False) -> list[str]:
        """What a reader must know of vowels that are not the paper's."""
        if self.is_papers:
            return []
        notes = [f"{self.said(quick=quick)}. The paper's numbers are about its own vowels, and are not compared."]
        if self.table.source and self.table is not PAPERS_TABLE:
            notes.append(f"{self.table.name}: {self.table.source}.")
        if not self.f0 and self.speaker_f0(self.speakers[0]) is not None:
            notes.append("f0 is the mean of a speaker's vowels in the table, in whole Hz.")
        if len(self.all_f0) == 1:
            notes.append("With one f0, scores that compare several are left empty.")
        if any(vowel.f3 is not None for vowel in self.table.vowels):
            notes.append(f"The F3 of {self.table.name} is not used: these sounds have F1 and F2 only.")
        if self.table.read_as:
            notes.append(self.table.read_as)
        if self.table.unused:
            notes.append(f"Columns of {self.table.name} that are not used: {', '.join(self.table.unused)}.")
        if self.left_out:
            notes.append(f"Not on the grid, and left out: {self.named(self.left_out)}.")
        return notes

    def as_numbers(self) -> Mapping[str, Any] | None:
        """What `metrics.json` says of them; None for the paper's."""
        if self.is_papers:
            return None
        return {
            "table": self.table.name,
            "source": self.table.source,
            "f0": self.one_f0,
            "by_f0": list(self.all_f0),
            **{name: dataclasses.asdict(self.span(name)) for name in ("f1", "f2")},
            "vowels": [dataclasses.asdict(vowel) for vowel in self.table.vowels],
        }

    def check(self, front_ends: Sequence[NamedFrontEnd]) -> None:
        """Raises `VowelTableError` where a front end's sample rate cannot hold them."""
        if not self.is_papers:
            for each in front_ends:
                self.check_rate(each.frames.sample_rate, who=each.name)

    def check_rate(self, sample_rate: int, *, who: str) -> None:
        """Raises `VowelTableError` where a sample rate, in Hz, cannot hold them. `who` hears it."""
        limit = (
            f"expected below {sample_rate / 2:g} Hz, the Nyquist frequency of {who} ({sample_rate:,} samples a second)"
        )
        for vowel in filter(self.holds, self.table.vowels):
            for name in ("f1", "f2"):
                if (value := getattr(vowel, name)) >= sample_rate / 2:
                    raise VowelTableError(f"{self.table.place(vowel)}: {name.upper()} is {value:g} Hz; {limit}")
        for name, highest in (
            ("--f0" if self.f0 else f"f0 of {self.table.name}", max(self.one_f0, *self.all_f0)),
            ("--f1", self.span("f1").high),
            ("--f2", self.span("f2").high),
        ):
            if highest >= sample_rate / 2:
                raise VowelTableError(f"{name} has {highest:g} Hz; {limit}")


PAPERS = VowelChoice()


def find_table(name: str) -> VowelTable:
    """The table that `--vowels` names: a published one, or a file.

    Raises:
        VowelTableError: there is none, or the file is no such table.
    """
    if name in vowels.PUBLISHED:
        return vowels.published(name)
    try:
        return vowels.read_table(name)
    except FileNotFoundError:
        fault = "there is no such file, and no published table of that name"
    except OSError as error:
        fault = f"it cannot be read ({error.strerror})"
    raise VowelTableError(f"--vowels={name}: {fault}; expected a CSV file, {' or '.join(sorted(vowels.PUBLISHED))}")
