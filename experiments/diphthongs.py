"""Diphthongs (in the authors' code, not in the paper): where do gliding sounds go on the map of steady vowels?

Writes the sweep `diphthongs` (frame by frame), and its frames placed on a UMAP picture of the vowel space (the
`vowel_space` of `experiments.formants`, which this reads or makes). At an f0 that is no multiple of the frame rate the
frames of even a steady sound see many phases, and their ways zigzag: so the closing diphthongs are made at such a
multiple, too (`diphthongs_at_frame_rate`).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import jax
import numpy as np

from w2v_jax import grids, similarity, source_filter, stimuli
from w2v_jax._src.arguments import Scalar
from w2v_jax.front_end import Frames
from w2v_jax.grids import VOWELS, Grid, Vowel

from .draw import figures, vowel_chart
from .experiment import Experiment, Figure, Map, Points, Setting, Sounds, Sweep
from .hearing import Heard
from .launch import flags
from .measures import map_order
from .measures.map_order import MapOrder
from .sentences import listed
from .store import rows
from .store.results import Results, file_part
from .store.rows import Measurements, Row
from .vowels import space

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
CLOSING_TITLE = "Closing diphthongs on the vowel space"
EVERY = 2  # frames: so many are drawn where all diphthongs are
ALL_TITLE = "All diphthongs by start vowel, on the vowel space, every second frame"

# Quantities. `tenth` of a diphthong is its "first" or its "last", `to` its "start" or its "end" vowel.
COSINE = "cosine of a diphthong to a steady vowel"
BEGIN = "diphthongs that begin nearer to their start vowel, share"
END = "diphthongs that end nearer to their end vowel, share"
FRAMES = "frames of a diphthong"
ONE_FRAME = "there is one frame of each"
ONE_VOWEL = "there is one vowel"

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
    for _, speaker, vowels, chosen in _speakers(heard.results, lambda vowels: len(vowels) ** 2):
        cosines += measure_ends(frames[chosen], steady, grid, vowels, speaker=speaker)
    return [
        *cosines,
        *measure_shares(cosines, one_frame=frames.shape[1] == 1),
        rows.number(FRAMES, frames.shape[1]),
        *_measure_order(heard, MOVING, STEADY),
        *(_measure_order(heard, MOVING_AT_FRAME_RATE, STEADY_AT_FRAME_RATE) if _at_frame_rate(heard) else ()),
    ]


def _measure_order(heard: Heard, moving: str, steady: str) -> list[Row]:
    positions, _ = _placed(heard, moving, steady)
    points, bootstrap = heard.grid(steady).points(), heard.results.bootstrap
    return map_order.measure(heard.features(steady), positions, points, sweep=steady, bootstrap=bootstrap).rows()


def _placed(heard: Heard, moving: str, steady: str) -> tuple[np.ndarray, np.ndarray]:
    """The map of steady vowels, (n, 2), and the frames of diphthongs on it, (diphthongs, frames, 2)."""

    def compute() -> tuple[np.ndarray, np.ndarray]:
        return heard.umap_onto(moving, heard.features(steady), heard.features(moving))

    both: tuple[np.ndarray, np.ndarray] = heard.remembered(moving, compute)
    return both


def _drawn(heard: Heard, moving: str, steady: str) -> tuple[np.ndarray, np.ndarray]:
    """The same turned as phoneticians draw vowels: a mesh, (F1, F2, 2), and ways, (diphthongs, frames, 2)."""
    return vowel_chart.oriented_with(*_placed(heard, moving, steady), heard.grid(steady))


def _at_frame_rate(heard: Heard) -> bool:
    return MOVING_AT_FRAME_RATE in heard.sweeps


def notes(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """What a reader must know, and of whom there is too little to tell."""
    return [
        *NOTES,
        *(
            f"{row.encoder} makes one frame of a diphthong: where it begins and where it ends is undefined."
            for row in measured.select(FRAMES)
            if row.value == 1
        ),
    ]


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


def vowels_of(results: Results) -> dict[str, tuple[Vowel, ...]]:
    """By speaker, the vowels to join; the paper's are under an empty name."""
    if results.vowels.is_papers:
        return {"": _THIN.get(results.size, VOWELS)}
    return {speaker: results.vowels.of(speaker, quick=results.quick) for speaker in results.vowels.speakers}


def _speakers(
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
    first = np.asarray(similarity.cosine_similarity(frames[:, :tenth].mean(axis=1), vowel_space[nearest]))
    last = np.asarray(similarity.cosine_similarity(frames[:, -tenth:].mean(axis=1), vowel_space[nearest]))
    measured = []
    for row, pair in enumerate(np.ndindex(len(vowels), len(vowels))):
        start, end = (vowels[each].symbol for each in pair)
        whose: dict[str, Any] = {"speaker": speaker} if speaker else {}
        for name, cosines in (("first", first), ("last", last)):
            for to, vowel in zip(("start", "end"), pair, strict=True):
                cosine = cosines[row, vowel]
                measured.append(rows.number(COSINE, cosine, **whose, start=start, end=end, tenth=name, to=to))
    return measured


def measure_shares(cosines: Sequence[Row], *, one_frame: bool = False) -> list[Row]:
    """The shares of diphthongs that begin and end where they should, given the rows of `measure_ends`."""
    of = [(dict(row.parameters), row.value or 0.0) for row in cosines]
    gliding = [(each["tenth"], each["to"], cosine) for each, cosine in of if each["start"] != each["end"]]

    def share(quantity: str, tenth: str, near: str, far: str) -> Row:
        nearer, farther = (
            np.array([cosine for at, to, cosine in gliding if (at, to) == (tenth, which)]) for which in (near, far)
        )
        defined = len(nearer) > 0 and not one_frame
        value = float(np.mean(nearer > farther)) if defined else None
        return rows.number(quantity, value, better="higher", undefined=ONE_FRAME if one_frame else ONE_VOWEL)

    return [share(BEGIN, "first", "start", "end"), share(END, "last", "end", "start")]


def _nearest(points: grids.Points, vowel: Vowel) -> int:
    spans = {name: float(np.ptp(points[name])) for name in ("f1", "f2")}
    distance = ((points["f1"] - vowel.f1) / spans["f1"]) ** 2 + ((points["f2"] - vowel.f2) / spans["f2"]) ** 2
    return int(np.argmin(distance))


def headline(measured: Measurements) -> str:
    """How many diphthongs begin and end where they should."""
    begin, end = (
        {name: row.value for name, row in measured.known(quantity).items() if row.value is not None}
        for quantity in (BEGIN, END)
    )
    if not begin:
        why = next((row.undefined for row in measured.select(BEGIN)), ONE_FRAME)
        return f"Where diphthongs begin and end is undefined: {why}."
    name = next(iter(begin))
    of = (dict(row.parameters) for row in measured.select(COSINE, encoder=name, tenth="first", to="start"))
    count = sum(each["start"] != each["end"] for each in of)
    began, ended = (listed([f"{share:.0%} for {name}" for name, share in shares.items()]) for shares in (begin, end))
    return (
        f"Diphthongs ({count}) begin nearer to their start vowel than to their end vowel in {began}. They end nearer "
        f"to their end vowel in {ended} (50% by chance)."
    )


RULE = (
    "Shares of the diphthongs whose first tenth is nearer by cosine to the steady vowel that they start on than to the "
    "one that they end on; and whose last tenth is nearer to that one."
)


def sounds(setting: Setting, wanted: Literal["some", "all"]) -> list[Sounds]:
    """Every diphthong, or those that are drawn by themselves."""
    names: list[tuple[str, str]] = []
    keep: list[int] = []
    for _, speaker, vowels, _ in _speakers(setting.results, lambda vowels: len(vowels) ** 2):
        drawn = set(closing(vowels))
        for start, end in np.ndindex(len(vowels), len(vowels)):
            if wanted == "all" or (start, end) in drawn:
                keep.append(len(names))
            names.append((speaker, f"{vowels[start].symbol}-{vowels[end].symbol}"))
    grid = join(list(vowels_of(setting.results).values()), f0=setting.results.vowels.one_f0)
    points = {name: values[keep] for name, values in grid.points().items()}
    return [Sounds(MOVING, points, diphthong, tuple(names[row] for row in keep))]


def _map(moving: str, steady: str) -> Map:
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
    if not _at_frame_rate(heard):
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
    grid, order = heard.grid(steady), map_order.of(measured, heard.name, steady)
    drawn = {}

    def count(vowels: Sequence[Vowel]) -> int:
        return len(closing(vowels)) if only_closing else len(vowels) ** 2

    for part, speaker, vowels, chosen in _speakers(heard.results, count):
        if pairs := closing(vowels):
            who = ", ".join(filter(None, (heard.name, speaker)))
            whole = f"{heard.vowels.titled(f'{title}: {who}', f0=f0)}\n{phases_seen(heard.frames, f0)}"
            own = ways[chosen]
            if not only_closing:
                own = own[[start * len(vowels) + end for start, end in pairs]]
            drawn[part] = draw_closing(heard.frames, mesh, own, grid, vowels, title=whole, order=order)
    return drawn


def draw_diphthongs(heard: Heard, measured: Measurements) -> dict[str, figures.Figure]:
    """All diphthongs of each speaker."""
    mesh, ways = _drawn(heard, MOVING, STEADY)
    grid, order = heard.grid(STEADY), map_order.of(measured, heard.name, STEADY)
    drawn = {}
    for part, speaker, vowels, chosen in _speakers(heard.results, lambda vowels: len(vowels) ** 2):
        who = ", ".join(filter(None, (heard.name, speaker)))
        title = heard.vowels.titled(f"{ALL_TITLE}: {who}")
        drawn[part] = draw_all(heard.frames, mesh, ways[chosen], grid, vowels, title=title, order=order)
    return drawn


def _caption(order: MapOrder | None) -> tuple[str, ...]:
    return map_order.caption(order, sounds="steady vowels") if order else ()


def draw_closing(
    frames: Frames,
    mesh: np.ndarray,
    paths: np.ndarray,
    vowel_grid: Grid,
    vowels: Sequence[Vowel],
    *,
    order: MapOrder | None,
    title: str = CLOSING_TITLE,
) -> figures.Figure:
    """A panel for each closing diphthong: its frames on the mesh, coloured by time.

    Args:
        frames: how the front end frames a waveform.
        mesh: of the vowel space.
        paths: of `closing(vowels)`, (diphthongs, frames, 2).
        vowel_grid: the vowel space's.
        vowels: those that they join.
        order: the numbers of the map of steady vowels.
        title: of the figure.
    """
    chosen = closing(vowels)
    figure, panels = figures.panels(len(chosen), size=(3.0, 3.0), title=title, below=_caption(order))
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
    order: MapOrder | None,
    title: str = ALL_TITLE,
) -> figures.Figure:
    """A panel for each start vowel: the ways to every end vowel, coloured by time."""
    figure, panels = figures.panels(len(vowels), size=(3.0, 3.0), title=title, below=_caption(order))
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


EXPERIMENT = Experiment(
    name="diphthongs",
    title="Diphthongs",
    question="Where do gliding vowels go on the map of steady ones?",
    asks_vowels=True,
    in_paper=True,
    sweeps=sweeps,
    measure=measure,
    headline=headline,
    rule=RULE,
    figures=(
        Figure(
            "closing_at_frame_rate",
            "Closing diphthongs at a multiple of the frame rate",
            "The grey net is the map of steady vowels; the dots are the frames of one gliding vowel, from dark to "
            "light. At this f0 every frame sees the same phase.",
            draw_closing_at_frame_rate,
            wide=True,
        ),
        Figure(
            "closing",
            "The same at the f0 of the vowels",
            "Where f0 is no multiple of the frame rate, frames see several phases in turn, and the ways zigzag between "
            "them.",
            draw_closing_at_own_f0,
            folded=True,
            wide=True,
        ),
        Figure(
            "diphthongs",
            "All diphthongs",
            "A panel for each start vowel: the ways from it to every end vowel, from dark to light.",
            draw_diphthongs,
            folded=True,
            wide=True,
        ),
    ),
    maps=(_map(MOVING, STEADY), _map(MOVING_AT_FRAME_RATE, STEADY_AT_FRAME_RATE)),
    table=(BEGIN, END),
    notes=notes,
    sounds=sounds,
)


if __name__ == "__main__":
    flags.launch(EXPERIMENT)
