"""What all front ends of a run share: the recordings, Praat's measures of them, and their tokens."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

from w2v_jax.front_end import Frames
from w2v_jax.source_filter import LOWEST_F0

from ..front_ends.named import NamedFrontEnd
from ..hearing import Heard
from ..store.results import Results
from . import clips, frames_and_measures, normalisation, reading, tokens
from .choice import Choice, choice_of
from .frames_and_measures import Layout
from .session import Session, gather
from .tokens import Tokens

NAME = "recordings"  # of the experiment

# The synthesised vowels of so many tokens are made; of so many frames without a tier, each is a token.
_MOST_COMPARED = {"smoke": 12, "quick": 60}
_USUALLY_COMPARED = 400
_MOST_READ = {"smoke": 90}

_MEMORY = "material"


@dataclasses.dataclass(frozen=True, eq=False)
class Framed:
    """The recordings, framed as some front ends frame them.

    Attributes:
        layout: where the frames of each file lie.
        measures: Praat's, (frames,) each.
        tokens: the labelled ones, or voiced frames.
        compared: which of the tokens have a synthesised vowel of their own, (n,) int.
        not_compared: how many of the others there are, by the reason.
        read: the frames that parameters are read off, (m,) int.
        speaker: the number of who speaks in each frame, (frames,).
    """

    layout: Layout
    measures: Mapping[str, np.ndarray]
    tokens: Tokens
    compared: np.ndarray
    not_compared: Mapping[str, int]
    read: np.ndarray
    speaker: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Material:
    """The recordings of a run.

    Attributes:
        results: where results are kept.
        choice: what the flags say.
        session: the recordings.
        front_ends: who hears them.
    """

    results: Results
    choice: Choice
    session: Session
    front_ends: tuple[NamedFrontEnd, ...]
    _framed: dict[Frames, Framed] = dataclasses.field(default_factory=dict, repr=False)

    @functools.cached_property
    def normalised(self) -> Mapping[NamedFrontEnd, bool]:
        """Whose recordings are given with mean 0 and variance 1."""
        return normalisation.chosen(self.front_ends, self.choice.normalize)

    @property
    def about_level(self) -> Sequence[str]:
        """What a reader must know of that."""
        return normalisation.notes(self.front_ends, self.normalised)

    def framed(self, frames: Frames) -> Framed:
        """The recordings at one framing, measured where they are not yet."""
        if frames not in self._framed:
            self._framed[frames] = self._frame(frames)
        return self._framed[frames]

    def _frame(self, frames: Frames) -> Framed:
        size, layout = self.results.size, Layout(self.session, frames)
        measures = frames_and_measures.measure(self.results, NAME, layout, self.choice.praat)
        most = _MOST_COMPARED.get(size, _USUALLY_COMPARED)
        labelled = tokens.labelled(layout, measures) if self.choice.tier is not None else None
        several = tokens.voiced_frames(layout, measures, most=most) if labelled is None else labelled
        compared, not_compared = comparable(several, frames, most=most)
        return Framed(
            layout=layout,
            measures=measures,
            tokens=several,
            compared=compared,
            not_compared=not_compared,
            read=reading.rows_to_read(layout, measures, labelled, most=_MOST_READ.get(size, reading.FRAMES_READ)),
            speaker=reading.speakers_of(layout, labelled),
        )

    @functools.cached_property
    def clip_of(self) -> Mapping[clips.Key, int]:
        """Which clip is whose; the clips are kept in a file."""
        framings = dict.fromkeys(each.frames for each in self.front_ends)
        return clips.cut(self.results, NAME, [self.framed(frames).tokens for frames in framings])


def prepare(several: Sequence[Heard]) -> None:
    """Looks through the recordings, for all that are to hear them, and tells what is used.

    Raises:
        SessionError: no file matches, or none can be used; or the flags do not go together.
    """
    results, choice = several[0].results, choice_of(several[0].options)
    session = gather(
        choice.audio,
        [each.frames for each in several],
        tier=choice.tier,
        labels=choice.labels,
        speaker_by=choice.speaker_by,
        ceiling=choice.praat.formant_ceiling,
        channel=choice.channel,
        trigraphs=choice.trigraphs,
    )
    material = Material(results, choice, session, tuple(each.front_end for each in several))
    for each in several:
        each.memory[_MEMORY] = material
    if results.share.is_first:
        print(*(*session.told(), f"Praat's settings: {choice.praat}.", *material.about_level), sep="\n")


def of(heard: Heard) -> Material:
    """What `prepare` has gathered."""
    material = heard.memory[_MEMORY]
    assert isinstance(material, Material)
    return material


def framed(heard: Heard) -> Framed:
    """The recordings as a front end frames them."""
    return of(heard).framed(heard.frames)


def comparable(several: Tokens, frames: Frames, *, most: int) -> tuple[np.ndarray, Mapping[str, int]]:
    """The tokens whose own vowel can be synthesised, (n,) int; and how many others there are, by the reason."""
    reasons = {
        "Praat measures no f0, F1 or F2": ~several.known("f0", "f1", "f2"),
        "F2 is too high for the front end's sample rate": several.measured["f2"] >= 0.95 * frames.nyquist,
        f"f0 is below {LOWEST_F0:g} Hz": several.measured["f0"] < LOWEST_F0,
    }
    left = np.ones(len(several), bool)
    counts = {}
    for reason, holds in reasons.items():
        counts[reason] = int((left & holds).sum())
        left &= ~holds
    rows = np.flatnonzero(left)
    if len(rows) > most:
        counts[f"at most {most} are compared"] = len(rows) - most
        rows = rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]
    return rows, {reason: count for reason, count in counts.items() if count}
