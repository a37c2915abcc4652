"""Figures of gliding vowels on the map of steady ones."""

from collections.abc import Sequence

import numpy as np

from w2v_jax.front_end import Frames
from w2v_jax.grids import Grid, Vowel

from ..draw import figures, vowel_chart
from ..experiment import Map
from ..hearing import Heard, Points
from ..measures import map_order
from ..store.rows import Measurements
from .measuring import (
    DURATION,
    MOVING,
    MOVING_AT_FRAME_RATE,
    STEADY,
    STEADY_AT_FRAME_RATE,
    at_frame_rate,
    closing,
    each_speaker,
    placed,
)

CLOSING_TITLE = "Closing diphthongs on the vowel space"
EVERY = 2  # frames: so many are drawn where all diphthongs are
ALL_TITLE = "All diphthongs by start vowel, on the vowel space, every second frame"


def _drawn(heard: Heard, moving: str, steady: str) -> tuple[np.ndarray, np.ndarray]:
    """The same turned as phoneticians draw vowels: a mesh, (F1, F2, 2), and ways, (diphthongs, frames, 2)."""
    return vowel_chart.oriented_with(*placed(heard, moving, steady), heard.grid(steady))


def phases_seen(frames: Frames, f0: float) -> str:
    """What the frame rate makes of an f0, for the title of a figure."""
    count = frames.phases(f0)
    if count == 1:
        return f"{f0:g} Hz is a multiple of the {frames.rate:g} frames a second: every frame sees the same phase of f0"
    return (
        f"{f0:g} Hz is not a multiple of the {frames.rate:g} frames a second: frames see {count} phases of f0 in turn, "
        "and the paths zigzag between them"
    )


def map_of(moving: str, steady: str) -> Map:
    """Where the frames of diphthongs lie, and what they are."""

    def positions(heard: Heard) -> tuple[Points, np.ndarray] | None:
        if moving not in heard.sweeps:
            return None
        _, ways = _drawn(heard, moving, steady)
        columns = {name: values[:, None] for name, values in heard.grid(moving).points().items()}
        columns["time"] = heard.frames.times(ways.shape[1])[None]
        shape = ways.shape[:-1]
        return {name: np.broadcast_to(each, shape).ravel() for name, each in columns.items()}, ways.reshape(-1, 2)

    reading = "The frames of diphthongs, placed on the map of steady vowels."
    return Map(moving, "Diphthongs", reading, positions, on_page=False)


def draw_closing_at_frame_rate(heard: Heard, measured: Measurements) -> dict[str, figures.Figure]:
    """The closing diphthongs at an f0 of which every frame sees the same phase; nothing where all are of such an f0."""
    if not at_frame_rate(heard):
        return {}
    f0 = float(heard.grid(STEADY_AT_FRAME_RATE).axis("f0")[0])
    sweeps = MOVING_AT_FRAME_RATE, STEADY_AT_FRAME_RATE
    return _draw_closing(heard, measured, *sweeps, title=f"{CLOSING_TITLE} at {f0:g} Hz", f0=f0, only_closing=True)


def draw_closing_at_own_f0(heard: Heard, measured: Measurements) -> dict[str, figures.Figure]:
    """The closing diphthongs at the f0 of the vowels."""
    f0 = heard.vowels.one_f0
    return _draw_closing(heard, measured, MOVING, STEADY, title=CLOSING_TITLE, f0=f0, only_closing=False)


def _draw_closing(
    heard: Heard, measured: Measurements, moving: str, steady: str, *, title: str, f0: float, only_closing: bool
) -> dict[str, figures.Figure]:
    """The closing diphthongs of each speaker who has some; `only_closing`: whether the sweep has no others."""
    mesh, ways = _drawn(heard, moving, steady)
    grid, below = heard.grid(steady), _below(heard, measured, steady)
    drawn = {}

    def count(vowels: Sequence[Vowel]) -> int:
        return len(closing(vowels)) if only_closing else len(vowels) ** 2

    for part, speaker, vowels, chosen in each_speaker(heard.results, count):
        if pairs := closing(vowels):
            who = ", ".join(filter(None, (heard.name, speaker)))
            whole = f"{heard.vowels.titled(f'{title}: {who}', f0=f0)}\n{phases_seen(heard.frames, f0)}"
            own = ways[chosen]
            if not only_closing:
                own = own[[start * len(vowels) + end for start, end in pairs]]
            drawn[part] = draw_closing(heard.frames, mesh, own, grid, vowels, title=whole, below=below)
    return drawn


def draw_diphthongs(heard: Heard, measured: Measurements) -> dict[str, figures.Figure]:
    """All diphthongs of each speaker."""
    mesh, ways = _drawn(heard, MOVING, STEADY)
    grid, below = heard.grid(STEADY), _below(heard, measured, STEADY)
    drawn = {}
    for part, speaker, vowels, chosen in each_speaker(heard.results, lambda vowels: len(vowels) ** 2):
        who = ", ".join(filter(None, (heard.name, speaker)))
        title = heard.vowels.titled(f"{ALL_TITLE}: {who}")
        drawn[part] = draw_all(heard.frames, mesh, ways[chosen], grid, vowels, title=title, below=below)
    return drawn


def _below(heard: Heard, measured: Measurements, steady: str) -> tuple[str, ...]:
    return map_order.below(measured, heard.name, steady, sounds="steady vowels")


def draw_closing(
    frames: Frames,
    mesh: np.ndarray,
    paths: np.ndarray,
    vowel_grid: Grid,
    vowels: Sequence[Vowel],
    *,
    below: Sequence[str],
    title: str = CLOSING_TITLE,
) -> figures.Figure:
    """A panel for each closing diphthong: its frames on the mesh, coloured by time.

    Args:
        frames: how the front end frames a waveform.
        mesh: of the vowel space.
        paths: of `closing(vowels)`, (diphthongs, frames, 2).
        vowel_grid: the vowel space's.
        vowels: those that they join.
        below: the lines under the map of steady vowels.
        title: of the figure.
    """
    chosen = closing(vowels)
    figure, panels = figures.panels(len(chosen), size=(3.0, 3.0), title=title, below=below)
    for axes, (start, end), path in zip(panels, chosen, paths, strict=True):
        figures.mesh(axes, mesh, "#C4C4C4", linewidth=0.4, point_size=0)
        axes.plot(*path.T, color="#707070", linewidth=0.4, zorder=2)
        x, y = path.T
        time = frames.times(len(path))
        axes.scatter(x, y, c=time, cmap=figures.SEQUENTIAL, s=12, linewidths=0, zorder=3)
        figures.as_map(axes, f"{vowel_chart.ipa(vowels[start])} to {vowel_chart.ipa(vowels[end])}")
    figures.colour_bar(panels, "Time (s)", (0, DURATION))
    for axes, (start, end) in zip(panels, chosen, strict=True):
        ends = (vowels[start], vowels[end])
        figures.labels(axes, vowel_chart.vowel_labels(mesh, vowel_grid, ends))
    return figure


def draw_all(
    frames: Frames,
    mesh: np.ndarray,
    ways: np.ndarray,
    vowel_grid: Grid,
    vowels: Sequence[Vowel],
    *,
    below: Sequence[str],
    title: str = ALL_TITLE,
) -> figures.Figure:
    """A panel for each start vowel: the ways to every end vowel, coloured by time."""
    figure, panels = figures.panels(len(vowels), size=(3.0, 3.0), title=title, below=below)
    # Panels are small: every second line of the mesh, and the last ones.
    thin = mesh[np.ix_(*(np.unique(np.append(np.arange(0, count, 2), count - 1)) for count in mesh.shape[:2]))]
    by_start = ways.reshape(len(vowels), len(vowels), *ways.shape[1:])
    for axes, vowel, paths in zip(panels, vowels, by_start, strict=True):
        figures.mesh(axes, thin, "#C4C4C4", linewidth=0.3, point_size=0)
        time = np.tile(frames.times(paths.shape[1])[::EVERY], len(vowels))
        x, y = paths[:, ::EVERY].reshape(-1, 2).T
        axes.scatter(x, y, c=time, cmap=figures.SEQUENTIAL, s=3, linewidths=0, zorder=3)
        figures.as_map(axes, f"from {vowel_chart.ipa(vowel)}")
    figures.colour_bar(panels, "Time (s)", (0, DURATION))
    for axes in panels:
        figures.labels(axes, vowel_chart.vowel_labels(mesh, vowel_grid, vowels), fontsize=8)
    return figure
