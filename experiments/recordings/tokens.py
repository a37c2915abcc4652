"""Tokens: the stretches of recordings that are placed on the map, and what is known of each."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from w2v_jax import praat
from w2v_jax.grids import Points, Vowel

from ..store import spreadsheet
from .frames_and_measures import Layout

# Of a token the frames count whose centres lie in its middle half: its ends belong to its neighbours as well.
MIDDLE = 0.5
NEIGHBOURS = 10
_FORMANTS = ("f1", "f2")


@dataclasses.dataclass(frozen=True)
class Tokens:
    """Stretches of recordings, in the order of the files.

    Attributes:
        layout: the recordings' frames.
        label: of each; "" where no tier was asked for.
        file: number of its file, (n,).
        start, end: seconds in its file, (n,).
        first, stop: its frames among those of all recordings, (n,) each.
        measured: by name, the median of Praat's measures over its frames (of voicing, the mean), (n,); NaN where
            there is none.
        spoken_by: who says each, where tokens say so; else whoever the file is of.
    """

    layout: Layout
    label: tuple[str, ...]
    file: np.ndarray
    start: np.ndarray
    end: np.ndarray
    first: np.ndarray
    stop: np.ndarray
    measured: Mapping[str, np.ndarray]
    spoken_by: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.label)

    @property
    def speaker(self) -> np.ndarray:
        """Of each token, (n,)."""
        return np.array(self.spoken_by or [self.layout.session.files[index].speaker for index in self.file])

    def features(self, frames: np.ndarray) -> np.ndarray:
        """The mean of each token's frames, (n, channels), of all frames, (frames, channels)."""
        means = np.empty((len(self), frames.shape[1]), np.float32)
        for row, first, stop in zip(means, self.first, self.stop, strict=True):
            row[:] = frames[first:stop].mean(axis=0)
        return means

    def known(self, *names: str) -> np.ndarray:
        """(n,) bool: where Praat gives all of these measures."""
        return all_known(self.measured, *names)


def labelled(layout: Layout, measures: Mapping[str, np.ndarray]) -> Tokens:
    """The intervals of the session's tier.

    Args:
        layout: the recordings' frames.
        measures: Praat's, (frames,) each.
    """
    label, file, start, end, first, stop, spoken_by = [], [], [], [], [], [], []
    for index, each in enumerate(layout.session.files):
        times = layout.frames.times(layout.counts[index])
        for token in each.tokens:
            quarter = (1 - MIDDLE) / 2 * (token.end - token.start)
            low = int(np.searchsorted(times, token.start + quarter))
            high = int(np.searchsorted(times, token.end - quarter, side="right"))
            if high <= low:  # shorter than a hop: the nearest frame
                low = int(np.argmin(np.abs(times - (token.start + token.end) / 2)))
                high = low + 1
            label.append(token.label)
            spoken_by.append(each.speaker_of(token))
            file.append(index)
            start.append(token.start)
            end.append(token.end)
            first.append(low + int(layout.offsets[index]))
            stop.append(high + int(layout.offsets[index]))
    return _tokens(layout, measures, label, file, start, end, first, stop, tuple(spoken_by))


def voiced_frames(layout: Layout, measures: Mapping[str, np.ndarray], *, most: int) -> Tokens:
    """Single frames with a voice, where nobody has said what the tokens are: at most `most`, evenly over all."""
    rows = np.flatnonzero(all_known(measures, "f0", *_FORMANTS))
    if len(rows) > most:
        rows = rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]
    times = layout.times[rows]
    return _tokens(layout, measures, [""] * len(rows), layout.file_of[rows], times, times, rows, rows + 1)


def _tokens(
    layout: Layout,
    measures: Mapping[str, np.ndarray],
    label: Sequence[str],
    file: npt.ArrayLike,
    start: npt.ArrayLike,
    end: npt.ArrayLike,
    first: npt.ArrayLike,
    stop: npt.ArrayLike,
    spoken_by: tuple[str, ...] = (),
) -> Tokens:
    first, stop, file = (np.asarray(each, int) for each in (first, stop, file))
    spans = list(zip(first.tolist(), stop.tolist(), strict=True))
    return Tokens(
        layout=layout,
        label=tuple(label),
        file=file,
        start=np.asarray(start, np.float64),
        end=np.asarray(end, np.float64),
        first=first,
        stop=stop,
        measured={
            name: np.array([_middle(name, measures[name][a:b]) for a, b in spans], np.float64)
            for name in praat.MEASURES
        },
        spoken_by=spoken_by,
    )


def all_known(measures: Mapping[str, np.ndarray], *names: str) -> np.ndarray:
    """(n,) bool: where Praat gives all of these measures."""
    return np.isfinite(np.stack([measures[name] for name in names])).all(axis=0)


def _middle(name: str, values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan")
    return float(known.mean() if name == "voicing" else np.median(known))


@dataclasses.dataclass(frozen=True)
class Placed:
    """Where tokens lie among the vowels of a grid, to one front end.

    Attributes:
        positions: on the map, (n, 2), turned as it is drawn.
        neighbours: the nearest vowels of the grid by cosine, nearest first, (n, count) int.
        cosine: to the nearest, (n,).
        rank: of the synthesised vowel of the token's own measures among those of all tokens, 1 the nearest; NaN where
            none was made. (n,)
        among: how many there are.
    """

    positions: np.ndarray
    neighbours: np.ndarray
    cosine: np.ndarray
    rank: np.ndarray
    among: int


def nearest(features: np.ndarray, grid: np.ndarray, *, count: int = NEIGHBOURS) -> tuple[np.ndarray, np.ndarray]:
    """The vowels of a grid nearest to each token by cosine: indices (n, count), and the cosine to the first (n,).

    Args:
        features: (n, channels), of tokens.
        grid: (m, channels), of vowels.
        count: how many, at most m.
    """
    cosines = _unit(features) @ _unit(grid).T
    indices = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    return indices, np.take_along_axis(cosines, indices[:, :1], axis=1)[:, 0]


def _unit(vectors: np.ndarray) -> np.ndarray:
    vectors = np.asarray(vectors, np.float64)
    # A vector of zeros has no direction: it is as far from everything.
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def csv_text(tokens: Tokens, placed: Placed, grid: Points, vowels: tuple[Vowel, ...]) -> str:
    """A row for each token; empty where there is no value, which R reads as NA."""
    header = (
        *("file", "speaker", "label", "time", "start", "end", "frames", *praat.MEASURES),
        *("map_x", "map_y", "nearest_vowel", "nearest_f0", "nearest_f1", "nearest_f2", "nearest_cosine"),
        *("neighbours", "neighbours_f1", "neighbours_f2", "own_rank", "own_among"),
    )
    rows: list[list[object]] = []
    speaker = tokens.speaker
    for row, index in enumerate(tokens.file):
        file = tokens.layout.session.files[index]
        around = placed.neighbours[row]
        first = around[0]
        rows.append(
            [
                *(file.name, speaker[row], tokens.label[row], _number((tokens.start[row] + tokens.end[row]) / 2, 4)),
                *(_number(tokens.start[row], 4), _number(tokens.end[row], 4), tokens.stop[row] - tokens.first[row]),
                *(_number(tokens.measured[name][row], 2) for name in praat.MEASURES),
                *(_number(each, 4) for each in placed.positions[row]),
                _symbol(grid["f1"][first], grid["f2"][first], vowels),
                *(_number(grid[name][first], 1) for name in ("f0", *_FORMANTS)),
                _number(placed.cosine[row], 4),
                " ".join(f"{grid['f1'][each]:.0f}/{grid['f2'][each]:.0f}" for each in around),
                *(_number(np.median(grid[name][around]), 1) for name in _FORMANTS),
                _number(placed.rank[row], 0),
                placed.among or "",
            ]
        )
    return spreadsheet.csv_text(header, rows)


def _symbol(f1: float, f2: float, vowels: tuple[Vowel, ...]) -> str:
    """The vowel whose formants are nearest, by their ratios."""
    return min(vowels, key=lambda each: np.log(each.f1 / f1) ** 2 + np.log(each.f2 / f2) ** 2).symbol


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else ""
