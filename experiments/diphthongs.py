"""Diphthongs (in the authors' code, not in the paper): where do gliding sounds go on the map of steady vowels?

Writes the sweep `diphthongs` (frame by frame), and its frames placed on a UMAP picture of the vowel space (the
`vowel_space` of `experiments.formants`, which this reads or makes). At an f0 that is no multiple of the frame rate the
frames of even a steady sound see many phases, and their ways zigzag: so the closing diphthongs are made at such a
multiple, too (`diphthongs_at_frame_rate`).
"""

import math
from collections.abc import Mapping, Sequence

import jax
import numpy as np

from w2v_jax import grids, similarity, source_filter, stimuli
from w2v_jax._src.arguments import Scalar
from w2v_jax.front_end import Frames
from w2v_jax.grids import VOWELS, Vowel

from .draw import figures, vowel_chart
from .front_ends.named import NamedFrontEnd
from .launch import flags
from .measures import map_order
from .measures.map_order import MapOrder
from .sentences import compared
from .store import maps, metrics
from .store.metrics import Metrics
from .store.results import Results, file_part
from .vowels import flags as vowel_flags

NAME = "diphthongs"

DURATION = 2.0  # seconds
QUICK_VOWELS = tuple(vowel for vowel in VOWELS if vowel.symbol in "iauɔ")

# Closing diphthongs as languages have them: from an open vowel to a close one.
CLOSING = ("ai", "au", "ei", "ou", "ɔi", "œy", "ɛi", "ɑu")
LEAST_CLOSING = 4  # drawn, where the vowels make fewer of those
CLOSING_TITLE = "Closing diphthongs on the vowel space"
EVERY = 2  # frames: so many are drawn where all diphthongs are
ALL_TITLE = "All diphthongs by start vowel, on the vowel space, every second frame"

NOTES = (
    "In the figures of diphthongs UMAP is fitted to the vowel space, averaged over time; single frames of the "
    "diphthongs are placed on it afterwards.",
    "The shares in the table compare the mean of a diphthong's first and last tenth with the steady vowels that it "
    "starts and ends on: the points of the vowel space nearest to them in F1 and F2.",
    f"{map_order.note('F1 and F2')} These numbers are of the steady vowels, in grey, that the map is fitted to.",
)


def diphthong(
    f0: Scalar, f1_start: Scalar, f2_start: Scalar, f1_end: Scalar, f2_end: Scalar, *, sample_rate: int
) -> jax.Array:
    return stimuli.glide(
        f0,
        [f1_start, f2_start],
        [f1_end, f2_end],
        vowel_chart.AMPLITUDES,
        duration=DURATION,
        sample_rate=sample_rate,
    )


def run(front_ends: Sequence[NamedFrontEnd], results: Results) -> Metrics:
    """Runs the experiment for every front end and returns its metrics."""
    metrics.check_vowels(results, NAME)
    by_speaker = vowels_of(results)
    grid = join(list(by_speaker.values()), f0=results.vowels.one_f0)
    vowel_grid = vowel_chart.vowel_space(results)
    titled = results.vowels.titled
    measured: dict[NamedFrontEnd, Metrics] = {}
    for each in front_ends:
        vowel_space = vowel_chart.sweep(results, each, vowel_grid)
        frames = results.sweep(NAME, each, grid, diphthong, pooling="none")
        positions, placed = maps.umap_onto(results, NAME, each, grid.name, vowel_space, frames)
        order = map_order.measure(vowel_space, positions, vowel_grid.points())
        measured[each] = {
            "pairs": [],
            "frames_of_each": frames.shape[1],
            map_order.KEY: {vowel_grid.name: order.as_numbers()},
        }
        mesh, paths = vowel_chart.oriented_with(positions, placed, vowel_grid)
        start = 0
        for number, (speaker, vowels) in enumerate(by_speaker.items(), 1):
            rows = slice(start, start + len(vowels) ** 2)
            start = rows.stop
            pairs = measure(frames[rows], vowel_space, vowel_grid, vowels)
            measured[each]["pairs"] += [{"speaker": speaker, **pair} if speaker else pair for pair in pairs]
            # Of several speakers each has figures of its own; the number tells apart names that look alike in a file's.
            part = f".{number}-{file_part(speaker)}" if len(by_speaker) > 1 else ""
            who = ", ".join(filter(None, (each.name, speaker)))
            pairs_drawn = closing(vowels)
            drawn = paths[rows][[first * len(vowels) + last for first, last in pairs_drawn]]
            title = f"{titled(f'{CLOSING_TITLE}: {who}')}\n{phases_seen(each.frames, results.vowels.one_f0)}"
            results.save_figure(
                NAME,
                f"closing{part}.{each.name}",
                draw_closing(each, mesh, drawn, vowel_grid, vowels, title=title, order=order),
            )
            every = draw_all(
                each,
                mesh,
                paths[rows],
                vowel_grid,
                vowels,
                title=titled(f"{ALL_TITLE}: {who}"),
                order=order,
            )
            results.save_figure(NAME, f"diphthongs{part}.{each.name}", every)
        maps.save_csv(results, NAME, each, grid.name, _parameters(grid, paths, each.frames), paths)
        if (f0 := f0_at_frame_rate(each.frames, results.vowels.one_f0)) != results.vowels.one_f0:
            measured[each][map_order.KEY] |= run_at_frame_rate(each, results, by_speaker, f0)
    return metrics.save(
        results,
        NAME,
        measured,
        summary=summary,
        conclusion=conclude({each.name: found for each, found in measured.items()}),
        notes=[*NOTES, *_of_one_frame(measured)],
        vowels=True,
    )


def _of_one_frame(measured: Mapping[NamedFrontEnd, Metrics]) -> list[str]:
    return [
        f"{each.name} makes one frame of a diphthong: where it begins and where it ends is undefined."
        for each, found in measured.items()
        if found["frames_of_each"] == 1
    ]


def run_at_frame_rate(
    front_end: NamedFrontEnd, results: Results, by_speaker: Mapping[str, tuple[Vowel, ...]], f0: float
) -> Metrics:
    """Draws the closing diphthongs at an f0 of which every frame sees the same phase.

    Returns:
        By sweep, the numbers of the map; none where there are no such diphthongs.
    """
    if not (ends := [(vowels[i], vowels[j]) for vowels in by_speaker.values() for i, j in closing(vowels)]):
        return {}
    space = vowel_chart.vowel_space(results)
    vowel_grid = grids.Grid("vowel_space_at_frame_rate", ({"f0": np.array([f0])}, *space.axes[1:]))
    moving = {
        f"{name}_{end}": np.array([getattr(pair[place], name) for pair in ends])
        for place, end in enumerate(("start", "end"))
        for name in ("f1", "f2")
    }
    grid = grids.Grid("diphthongs_at_frame_rate", ({"f0": np.array([f0])}, moving))
    vowel_space = results.sweep(NAME, front_end, vowel_grid, vowel_chart.vowel)
    frames = results.sweep(NAME, front_end, grid, diphthong, pooling="none")
    positions, placed = maps.umap_onto(results, NAME, front_end, grid.name, vowel_space, frames)
    order = map_order.measure(vowel_space, positions, vowel_grid.points())
    mesh, paths = vowel_chart.oriented_with(positions, placed, vowel_grid)
    maps.save_csv(results, NAME, front_end, grid.name, _parameters(grid, paths, front_end.frames), paths)
    start = 0
    for number, (speaker, vowels) in enumerate(by_speaker.items(), 1):
        rows = slice(start, start + len(closing(vowels)))
        start = rows.stop
        if rows.start == rows.stop:
            continue
        part = f".{number}-{file_part(speaker)}" if len(by_speaker) > 1 else ""
        who = ", ".join(filter(None, (front_end.name, speaker)))
        title = results.vowels.titled(f"{CLOSING_TITLE} at {f0:g} Hz: {who}", f0=f0)
        title = f"{title}\n{phases_seen(front_end.frames, f0)}"
        drawn = draw_closing(front_end, mesh, paths[rows], vowel_grid, vowels, title=title, order=order)
        results.save_figure(NAME, f"closing_at_frame_rate{part}.{front_end.name}", drawn)
    return {vowel_grid.name: order.as_numbers()}


def f0_at_frame_rate(frames: Frames, f0: float) -> float:
    """The multiple of the frame rate that is nearest to `f0`, Hz; `f0` itself where it is one."""
    if frames.phases(f0) == 1:
        return f0
    lowest = math.ceil(source_filter.LOWEST_F0 / frames.rate)
    return frames.rate * max(1, lowest, round(f0 / frames.rate))


def phases_seen(frames: Frames, f0: float) -> str:
    """What the frame rate makes of an f0, for the title of a figure."""
    count = frames.phases(f0)
    if count == 1:
        return f"{f0:g} Hz is a multiple of the {frames.rate:g} frames a second: every frame sees the same phase of f0"
    return (
        f"{f0:g} Hz is no multiple of the {frames.rate:g} frames a second: frames see {count} phases of f0 in turn, "
        "and the ways zigzag between them"
    )


def _parameters(grid: grids.Grid, paths: np.ndarray, frames: Frames) -> dict[str, np.ndarray]:
    """The columns of the map of diphthongs, whose frames lie at `paths`, (diphthongs, frames, 2)."""
    points = {name: values[:, None] for name, values in grid.points().items()}
    return {**points, "time": frames.times(paths.shape[1])[None]}


def vowels_of(results: Results) -> dict[str, tuple[Vowel, ...]]:
    """By speaker, the vowels to join; the paper's are under an empty name."""
    if results.vowels.is_papers:
        return {"": QUICK_VOWELS if results.quick else VOWELS}
    return {speaker: results.vowels.of(speaker, quick=results.quick) for speaker in results.vowels.speakers}


def join(speakers: Sequence[Sequence[Vowel]], *, f0: float) -> grids.Grid:
    """Every ordered pair of vowels of each speaker, the pairs of the first speaker first."""
    if len(speakers) == 1:
        return grids.diphthongs(speakers[0], f0=f0)
    several = [grids.diphthongs(vowels, f0=f0).points() for vowels in speakers]
    ends = {name: np.concatenate([points[name] for points in several]) for name in several[0] if name != "f0"}
    return grids.Grid("diphthongs", ({"f0": np.array([f0])}, ends))


def closing(vowels: Sequence[Vowel]) -> list[tuple[int, int]]:
    """Which diphthongs to draw by themselves, start and end: those of `CLOSING`, then those whose F1 falls most."""
    symbols = [vowel.symbol for vowel in vowels]
    chosen = [(symbols.index(name[0]), symbols.index(name[1])) for name in CLOSING if set(name) <= set(symbols)]
    if tuple(vowels) in (VOWELS, QUICK_VOWELS):
        return chosen
    falls = {(start, end): vowels[start].f1 - vowels[end].f1 for start, end in np.ndindex(len(vowels), len(vowels))}
    steepest = [pair for pair in sorted(falls, key=lambda pair: -falls[pair]) if falls[pair] > 0 and pair not in chosen]
    return chosen + steepest[: max(0, LEAST_CLOSING - len(chosen))]


def measure(
    frames: np.ndarray, vowel_space: np.ndarray, vowel_grid: grids.Grid, vowels: Sequence[Vowel]
) -> list[Metrics]:
    """Is the beginning of a diphthong like its start vowel, and its end like its end vowel?

    Args:
        frames: (vowels * vowels, t, channels), in the order of `grids.diphthongs(vowels)`.
        vowel_space: (n, channels), step-averaged steady vowels.
        vowel_grid: their parameters.
        vowels: those that the diphthongs join.
    """
    points = vowel_grid.points()
    nearest = [_nearest(points, vowel) for vowel in vowels]
    tenth = max(1, frames.shape[1] // 10)
    first = np.asarray(similarity.cosine_similarity(frames[:, :tenth].mean(axis=1), vowel_space[nearest]))
    last = np.asarray(similarity.cosine_similarity(frames[:, -tenth:].mean(axis=1), vowel_space[nearest]))
    return [
        {
            "start": vowels[start].symbol,
            "end": vowels[end].symbol,
            "first_tenth": {"cosine_to_start": first[row, start], "cosine_to_end": first[row, end]},
            "last_tenth": {"cosine_to_start": last[row, start], "cosine_to_end": last[row, end]},
        }
        for row, (start, end) in enumerate(np.ndindex(len(vowels), len(vowels)))
    ]


def _nearest(points: grids.Points, vowel: Vowel) -> int:
    spans = {name: float(np.ptp(points[name])) for name in ("f1", "f2")}
    distance = ((points["f1"] - vowel.f1) / spans["f1"]) ** 2 + ((points["f2"] - vowel.f2) / spans["f2"]) ** 2
    return int(np.argmin(distance))


def summary(measured: Metrics) -> dict[str, float]:
    """The few numbers of an encoder that fit in a table."""
    if measured.get("frames_of_each") == 1:
        return {}
    gliding = [pair for pair in measured["pairs"] if pair["start"] != pair["end"]]
    starts = [pair["first_tenth"]["cosine_to_start"] > pair["first_tenth"]["cosine_to_end"] for pair in gliding]
    ends = [pair["last_tenth"]["cosine_to_end"] > pair["last_tenth"]["cosine_to_start"] for pair in gliding]
    return {
        "diphthongs: share that begin nearer to their start vowel": float(np.mean(starts)),
        "diphthongs: share that end nearer to their end vowel": float(np.mean(ends)),
    }


def conclude(measured: Mapping[str, Metrics]) -> str:
    """What came out, in a sentence; by name of the front end."""
    shares = {name: list(summary(found).values()) for name, found in measured.items() if summary(found)}
    if not shares:
        return "Where diphthongs begin and end is undefined: there is one frame of each."
    begin, end = (
        compared({name: both[which] for name, both in shares.items()}, better="higher", means="more often")
        for which in (0, 1)
    )
    return (
        f"The share of diphthongs that begin nearer to their start vowel than to their end vowel is {begin}, and of "
        f"those that end nearer to their end vowel {end}."
    )


def draw_closing(
    front_end: NamedFrontEnd,
    mesh: np.ndarray,
    paths: np.ndarray,
    vowel_grid: grids.Grid,
    vowels: Sequence[Vowel],
    *,
    order: MapOrder,
    title: str = CLOSING_TITLE,
) -> figures.Figure:
    """A panel for each closing diphthong: its frames on the mesh, coloured by time.

    Args:
        front_end: whose frames they are.
        mesh: of the vowel space.
        paths: of `closing(vowels)`, (diphthongs, frames, 2).
        vowel_grid: the vowel space's.
        vowels: those that they join.
        order: the numbers of the map of steady vowels.
        title: of the figure.
    """
    chosen = closing(vowels)
    figure, panels = figures.panels(
        len(chosen), size=(3.0, 3.0), title=title, below=map_order.caption(order, sounds="steady vowels")
    )
    for axes, (start, end), path in zip(panels, chosen, paths, strict=True):
        figures.mesh(axes, mesh, "#C4C4C4", linewidth=0.4, point_size=0)
        axes.plot(*path.T, color="#707070", linewidth=0.4, zorder=2)
        x, y = path.T
        time = front_end.frames.times(len(path))
        axes.scatter(x, y, c=time, cmap=figures.SEQUENTIAL, s=12, linewidths=0, zorder=3)
        figures.as_map(axes, f"{vowel_chart.ipa(vowels[start])} to {vowel_chart.ipa(vowels[end])}")
    figures.colour_bar(panels, "Time (s)", (0, DURATION))
    for axes, (start, end) in zip(panels, chosen, strict=True):
        ends = (vowels[start], vowels[end])
        figures.labels(axes, vowel_chart.vowel_labels(mesh, vowel_grid, ends))
    return figure


def draw_all(
    front_end: NamedFrontEnd,
    mesh: np.ndarray,
    frames: np.ndarray,
    vowel_grid: grids.Grid,
    vowels: Sequence[Vowel],
    *,
    order: MapOrder,
    title: str = ALL_TITLE,
) -> figures.Figure:
    """A panel for each start vowel: the ways to every end vowel, coloured by time."""
    figure, panels = figures.panels(
        len(vowels), size=(3.0, 3.0), title=title, below=map_order.caption(order, sounds="steady vowels")
    )
    # Panels are small: every second line of the mesh, and the last ones.
    thin = mesh[np.ix_(*(np.unique(np.append(np.arange(0, count, 2), count - 1)) for count in mesh.shape[:2]))]
    by_start = frames.reshape(len(vowels), len(vowels), *frames.shape[1:])
    for axes, vowel, paths in zip(panels, vowels, by_start, strict=True):
        figures.mesh(axes, thin, "#C4C4C4", linewidth=0.3, point_size=0)
        time = np.tile(front_end.frames.times(paths.shape[1])[::EVERY], len(vowels))
        x, y = paths[:, ::EVERY].reshape(-1, 2).T
        axes.scatter(x, y, c=time, cmap=figures.SEQUENTIAL, s=3, linewidths=0, zorder=3)
        figures.as_map(axes, f"from {vowel_chart.ipa(vowel)}")
    figures.colour_bar(panels, "Time (s)", (0, DURATION))
    for axes in panels:
        figures.labels(axes, vowel_chart.vowel_labels(mesh, vowel_grid, vowels), fontsize=8)
    return figure


if __name__ == "__main__":
    flags.launch(run, vowels=vowel_flags.chosen)
