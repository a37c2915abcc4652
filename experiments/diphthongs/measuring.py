"""Gliding vowels, and where they begin and end among steady ones."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from w2v_jax import grids, similarity, source_filter, stimuli
from w2v_jax._src.arguments import Scalar
from w2v_jax.front_end import Frames
from w2v_jax.grids import VOWELS, Grid, Vowel

from ..hearing import Heard, Setting, Sweep
from ..measures import map_order
from ..store import rows
from ..store.results import Results, file_part
from ..store.rows import Row
from ..vowels import space

DURATION = 2.0  # seconds
_THIN = {
    size: tuple(vowel for vowel in VOWELS if vowel.symbol in some)
    for size, some in {"smoke": "ai", "quick": "iauɔ"}.items()
}

# Sweeps: of gliding vowels, and of the steady ones on whose map they are placed.
MOVING, STEADY = "diphthongs", space.ONE_F0
MOVING_AT_FRAME_RATE, STEADY_AT_FRAME_RATE = "diphthongs_at_frame_rate", "vowel_space_at_frame_rate"

# Closing diphthongs as languages have them: from an open vowel to a close one.
CLOSING = ("ai", "au", "ei", "ou", "ɔi", "œy", "ɛi", "ɑu")
LEAST_CLOSING = 4  # drawn, where the vowels make fewer of those

# Quantities. `tenth` of a diphthong is its "first" or its "last", `to` its "start" or its "end" vowel.
COSINE = "cosine of a diphthong to a steady vowel"
BEGIN = "diphthongs that begin nearer to their start vowel, share"
END = "diphthongs that end nearer to their end vowel, share"
FRAMES = "frames of a diphthong"
ONE_FRAME = "there is one frame of each"
ONE_VOWEL = "there is one vowel"
NO_DIRECTION = "a vector of zeros has no direction"


def diphthong(
    f0: Scalar, f1_start: Scalar, f2_start: Scalar, f1_end: Scalar, f2_end: Scalar, *, sample_rate: int
) -> jax.Array:
    return stimuli.glide(
        f0,
        [f1_start, f2_start],
        [f1_end, f2_end],
        space.AMPLITUDES,
        duration=DURATION,
        sample_rate=sample_rate,
    )


def sweeps(setting: Setting) -> list[Sweep]:
    """Every diphthong and the vowel space; closing diphthongs at a multiple of the frame rate, and its vowel space."""
    results = setting.results
    by_speaker = vowels_of(results)
    several = [
        space.SINES_SWEEP,
        Sweep(MOVING, join(list(by_speaker.values()), f0=results.vowels.one_f0), diphthong, pooling="none"),
    ]
    f0 = f0_at_frame_rate(setting.front_end.frames, results.vowels.one_f0)
    ends = [(vowels[start], vowels[end]) for vowels in by_speaker.values() for start, end in closing(vowels)]
    if f0 != results.vowels.one_f0 and ends:
        moving = {
            f"{name}_{end}": np.array([getattr(pair[place], name) for pair in ends])
            for place, end in enumerate(("start", "end"))
            for name in ("f1", "f2")
        }
        only = {"f0": np.array([f0])}
        several += [
            Sweep(
                STEADY_AT_FRAME_RATE,
                Grid(STEADY_AT_FRAME_RATE, (only, *space.one_f0(results).axes[1:])),
                space.vowel,
            ),
            Sweep(MOVING_AT_FRAME_RATE, Grid(MOVING_AT_FRAME_RATE, (only, moving)), diphthong, pooling="none"),
        ]
    return several


def measure(heard: Heard) -> list[Row]:
    """Where diphthongs begin and end, and the numbers under the maps of steady vowels."""
    frames, steady, grid = heard.features(MOVING), heard.features(STEADY), heard.grid(STEADY)
    cosines: list[Row] = []
    for _, speaker, vowels, chosen in each_speaker(heard.results, lambda vowels: len(vowels) ** 2):
        cosines += measure_ends(frames[chosen], steady, grid, vowels, speaker=speaker)
    return [
        *cosines,
        *measure_shares(cosines, one_frame=frames.shape[1] == 1),
        rows.number(FRAMES, frames.shape[1]),
        *_measure_order(heard, MOVING, STEADY),
        *(_measure_order(heard, MOVING_AT_FRAME_RATE, STEADY_AT_FRAME_RATE) if at_frame_rate(heard) else ()),
    ]


def _measure_order(heard: Heard, moving: str, steady: str) -> list[Row]:
    positions, _ = placed(heard, moving, steady)
    points, bootstrap = heard.grid(steady).points(), heard.results.bootstrap
    return map_order.measure(heard.features(steady), positions, points, sweep=steady, bootstrap=bootstrap).rows()


def placed(heard: Heard, moving: str, steady: str) -> tuple[np.ndarray, np.ndarray]:
    """The map of steady vowels, (n, 2), and the frames of diphthongs on it, (diphthongs, frames, 2)."""

    def compute() -> tuple[np.ndarray, np.ndarray]:
        return heard.umap_onto(moving, heard.features(steady), heard.features(moving))

    both: tuple[np.ndarray, np.ndarray] = heard.remembered(moving, compute)
    return both


def at_frame_rate(heard: Heard) -> bool:
    return MOVING_AT_FRAME_RATE in heard.sweeps


def f0_at_frame_rate(frames: Frames, f0: float) -> float:
    """The multiple of the frame rate that is nearest to `f0`, Hz; `f0` itself where it is one."""
    if frames.phases(f0) == 1:
        return f0
    lowest = math.ceil(source_filter.LOWEST_F0 / frames.rate)
    return frames.rate * max(1, lowest, round(f0 / frames.rate))


def vowels_of(results: Results) -> dict[str, tuple[Vowel, ...]]:
    """By speaker, the vowels to join; the paper's are under an empty name."""
    if results.vowels.is_papers:
        return {"": _THIN.get(results.size, VOWELS)}
    return {speaker: results.vowels.of(speaker, quick=results.quick) for speaker in results.vowels.speakers}


def each_speaker(
    results: Results, count: Callable[[Sequence[Vowel]], int]
) -> Iterator[tuple[str, str, tuple[Vowel, ...], slice]]:
    """Each speaker: the part of the names of figures, the name, the vowels, and which rows of the sweep are theirs.

    Args:
        results: says which vowels.
        count: how many rows there are of a speaker's vowels.
    """
    by_speaker = vowels_of(results)
    start = 0
    for number, (speaker, vowels) in enumerate(by_speaker.items(), 1):
        chosen = slice(start, start + count(vowels))
        start = chosen.stop
        # The number tells apart names that look alike in a file's.
        yield f"{number}-{file_part(speaker)}" if len(by_speaker) > 1 else "", speaker, vowels, chosen


def join(speakers: Sequence[Sequence[Vowel]], *, f0: float) -> Grid:
    """Every ordered pair of vowels of each speaker, the pairs of the first speaker first."""
    if len(speakers) == 1:
        return grids.diphthongs(speakers[0], f0=f0)
    several = [grids.diphthongs(vowels, f0=f0).points() for vowels in speakers]
    ends = {name: np.concatenate([points[name] for points in several]) for name in several[0] if name != "f0"}
    return Grid(MOVING, ({"f0": np.array([f0])}, ends))


def closing(vowels: Sequence[Vowel]) -> list[tuple[int, int]]:
    """Which diphthongs to draw by themselves, start and end: those of `CLOSING`, then those whose F1 falls most."""
    symbols = [vowel.symbol for vowel in vowels]
    chosen = [(symbols.index(name[0]), symbols.index(name[1])) for name in CLOSING if set(name) <= set(symbols)]
    if tuple(vowels) in (VOWELS, *_THIN.values()):
        return chosen
    falls = {(start, end): vowels[start].f1 - vowels[end].f1 for start, end in np.ndindex(len(vowels), len(vowels))}
    steepest = [pair for pair in sorted(falls, key=lambda pair: -falls[pair]) if falls[pair] > 0 and pair not in chosen]
    return chosen + steepest[: max(0, LEAST_CLOSING - len(chosen))]


def measure_ends(
    frames: np.ndarray, vowel_space: np.ndarray, vowel_grid: Grid, vowels: Sequence[Vowel], *, speaker: str = ""
) -> list[Row]:
    """Is the beginning of a diphthong like its start vowel, and its end like its end vowel?

    Args:
        frames: (vowels * vowels, t, channels), in the order of `grids.diphthongs(vowels)`.
        vowel_space: (n, channels), step-averaged steady vowels.
        vowel_grid: their parameters.
        vowels: those that the diphthongs join.
        speaker: whose vowels they are, where several speakers have some.
    """
    points = vowel_grid.points()
    nearest = [_nearest(points, vowel) for vowel in vowels]
    tenth = max(1, frames.shape[1] // 10)
    first, last = (
        _cosines(each.mean(axis=1), vowel_space[nearest]) for each in (frames[:, :tenth], frames[:, -tenth:])
    )
    measured = []
    for row, pair in enumerate(np.ndindex(len(vowels), len(vowels))):
        start, end = (vowels[each].symbol for each in pair)
        whose: dict[str, Any] = {"speaker": speaker} if speaker else {}
        for name, cosines in (("first", first), ("last", last)):
            for to, vowel in zip(("start", "end"), pair, strict=True):
                cosine = None if np.isnan(cosines[row, vowel]) else cosines[row, vowel]
                at = {**whose, "start": start, "end": end, "tenth": name, "to": to}
                measured.append(rows.number(COSINE, cosine, undefined=NO_DIRECTION, **at))
    return measured


def _cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of each row with each; NaN where one is of zeros."""
    known = [each.any(axis=1) for each in (first, second)]
    cosines = np.full((len(first), len(second)), np.nan, np.float32)
    if all(each.any() for each in known):
        cosines[np.ix_(*known)] = similarity.cosine_similarity(first[known[0]], second[known[1]])
    return cosines


def measure_shares(cosines: Sequence[Row], *, one_frame: bool = False) -> list[Row]:
    """The shares of diphthongs that begin and end where they should, given the rows of `measure_ends`."""
    of = [(dict(row.parameters), np.nan if row.value is None else row.value) for row in cosines]
    gliding = [(each["tenth"], each["to"], cosine) for each, cosine in of if each["start"] != each["end"]]

    def share(quantity: str, tenth: str, near: str, far: str) -> Row:
        nearer, farther = (
            np.array([cosine for at, to, cosine in gliding if (at, to) == (tenth, which)]) for which in (near, far)
        )
        known = ~np.isnan(nearer - farther)
        why = ONE_FRAME if one_frame else "" if known.any() else NO_DIRECTION if len(known) else ONE_VOWEL
        value = None if why else float(np.mean((nearer > farther)[known]))
        return rows.number(quantity, value, better="higher", undefined=why)

    return [share(BEGIN, "first", "start", "end"), share(END, "last", "end", "start")]


def _nearest(points: grids.Points, vowel: Vowel) -> int:
    spans = {name: float(np.ptp(points[name])) for name in ("f1", "f2")}
    distance = ((points["f1"] - vowel.f1) / spans["f1"]) ** 2 + ((points["f2"] - vowel.f2) / spans["f2"]) ** 2
    return int(np.argmin(distance))
