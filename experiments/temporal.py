"""Section 3.2: are steady sounds steady in the features, and how short a change do they show?

Writes the sweeps `stationarity` and `bursts` (frame by frame) and `burst_tones`, the stationarity heat map, the example
burst, six bursts frame by frame, and the paper's UMAP picture of them.
"""

from collections.abc import Iterable, Sequence

import jax
import numpy as np

from w2v_jax import grids, projection, similarity, stimuli
from w2v_jax._src.arguments import Scalar
from w2v_jax.front_end import Frames

from .draw import figures
from .experiment import Experiment, Figure, Map, Points, Published, Sweep
from .front_ends.paper import model_of, prints_as
from .hearing import Heard
from .launch import flags
from .sentences import compared, listed
from .store import rows
from .store.rows import Measurements, Row

STATIONARITY = grids.STATIONARITY
BURSTS = grids.BURSTS
BURST_TONES = grids.BURST_TONES
EXAMPLE_BURST = (10.0, 40.0, 0.2)  # Hz of the tone, Hz of the burst, its share
DURATION = 1.0  # seconds, of every sound
LEAST_DIFFERENCE = 0.01  # of cosines, from which on a burst counts as standing out

# Quantities. The parameter `frames` says which: those that overlap a burst, or others.
COSINE = "cosine of a tone's mean to single frames"
STEADIEST = "cosine of a tone's mean to its own frames, lowest"
OTHERS = "cosine of a tone's mean to frames of another tone, highest"
NEARER = "cosine to the burst's tone minus cosine to the tone around it"
MEAN_COSINE = "cosine of frames to a tone, mean"
COUNT = "frames that overlap a burst"
SHORTEST = "shortest burst that stands out"
ZEROS = "frames of zeros"
OVERLAPPING, OTHER = "overlapping", "other"

# Why something is undefined.
ONE_FRAME = "there is one frame of a sound"
NO_DIRECTION = "a vector of zeros has no direction"
NO_FRAMES = "no such frame has a direction"
NONE_STANDS_OUT = "none stands out"

# Section 3.2, first figure: Base, 100 ... 500 Hz. Numbers are kept as printed: their digits matter.
PUBLISHED = (
    ("1", "0.36", "0.25", "0.14", "-0.076"),
    ("0.36", "1", "0.15", "0.039", "-0.23"),
    ("0.25", "0.15", "1", "0.37", "0.22"),
    ("0.14", "0.039", "0.37", "1", "0.32"),
    ("-0.076", "-0.23", "0.22", "0.32", "1"),
)


def tone(frequency: Scalar, *, sample_rate: int) -> jax.Array:
    return stimuli.sine_mixture([frequency], duration=DURATION, sample_rate=sample_rate)


def burst(burst_fraction: Scalar, *, sample_rate: int) -> jax.Array:
    base, burst_tone = BURST_TONES.axis("frequency")
    return stimuli.burst(base, burst_tone, burst_fraction, duration=DURATION, sample_rate=sample_rate)


def measure(heard: Heard) -> list[Row]:
    """How steady tones are, what each frame of a burst is nearer to, and the shortest burst that stands out."""
    steady, bursts = heard.features(STATIONARITY.name), heard.features(BURSTS.name)
    zeros = sum(int((~_with_direction(frames)).sum()) for frames in (steady, bursts))
    return [
        *measure_stationarity(steady),
        *measure_bursts(bursts, heard.features(BURST_TONES.name), heard.frames),
        rows.number(ZEROS, zeros),
    ]


def measure_stationarity(frames: np.ndarray) -> list[Row]:
    """The matrix of `similarity.stationarity`, for frames (tones, t, channels), without those of zeros."""
    chosen = _with_direction(frames)
    if chosen.all():
        matrix = np.asarray(similarity.stationarity(frames))
    else:
        averaged = frames.mean(axis=1)
        heard = _with_direction(averaged)
        matrix = np.full((len(frames), len(frames)), np.nan)
        for column, (each, kept) in enumerate(zip(frames, chosen, strict=True)):
            if kept.any():
                matrix[heard, column] = similarity.cosine_similarity(averaged[heard], each[kept]).mean(axis=1)
    frequency = STATIONARITY.axis("frequency")
    steadiest, others = np.diag(matrix).min(), matrix[~np.eye(len(matrix), dtype=bool)].max()
    one_frame = frames.shape[1] == 1
    return [
        *rows.curve(COSINE, matrix, undefined=NO_DIRECTION, frequency=frequency[:, None], frames_of=frequency),
        _number(STEADIEST, np.nan if one_frame else steadiest, ONE_FRAME if one_frame else NO_DIRECTION),
        _number(OTHERS, others, NO_DIRECTION),
    ]


def _number(quantity: str, value: float, undefined: str) -> Row:
    return rows.number(quantity, value if np.isfinite(value) else None, better=_BETTER[quantity], undefined=undefined)


_BETTER: dict[str, rows.Better] = {STEADIEST: "higher", OTHERS: ""}


def _with_direction(frames: np.ndarray) -> np.ndarray:
    """Which frames, (..., channels), are no vectors of zeros, as a front end that ends in a ReLU may return them."""
    return np.asarray(frames.any(axis=-1))


def overlap(burst_fraction: float, frames: Frames) -> np.ndarray:
    """Which frames see any of the burst's samples: (frames,) bool."""
    num_samples = round(DURATION * frames.sample_rate)
    start, stop = (int(edge) for edge in stimuli.burst_span(burst_fraction, num_samples=num_samples))
    return frames.seeing(start, stop, num_samples=num_samples)


def duration_ms(burst_fraction: float) -> float:
    """How long a burst is."""
    return round(1000 * DURATION * float(burst_fraction), 3)


def measure_bursts(features: np.ndarray, tones: np.ndarray, frames: Frames) -> list[Row]:
    """Per burst: are the frames that overlap it like the burst's tone, and the others like the base tone?

    Args:
        features: (bursts, t, channels); frames of zeros are left out of the means.
        tones: (2, channels), the base tone and the burst's tone, averaged over time.
        frames: how the front end frames a waveform.
    """
    measured = []
    by_length: dict[float, tuple[np.ndarray, np.ndarray]] = {}
    time = frames.times(features.shape[1])
    for fraction, of_burst in zip(BURSTS.axis("burst_fraction"), features, strict=True):
        overlaps, length = overlap(fraction, frames), duration_ms(fraction)
        chosen = _with_direction(of_burst)
        cosines = np.asarray(similarity.cosine_similarity(of_burst[chosen], tones))
        nearer = np.full(len(of_burst), np.nan)
        nearer[chosen] = cosines[:, 1] - cosines[:, 0]
        by_length[length] = nearer, overlaps
        which = np.where(overlaps, OVERLAPPING, OTHER)
        measured += [
            rows.number(COUNT, overlaps.sum(), burst_ms=length, burst_fraction=float(fraction)),
            *rows.curve(NEARER, nearer, undefined=NO_DIRECTION, burst_ms=length, frames=which, time=time),
        ]
        for name, some in ((OVERLAPPING, overlaps[chosen]), (OTHER, ~overlaps[chosen])):
            means = cosines[some].mean(axis=0) if some.any() else np.full(len(tones), np.nan)
            frequency = BURST_TONES.axis("frequency")
            measured += rows.curve(
                MEAN_COSINE, means, undefined=NO_FRAMES, burst_ms=length, frames=name, frequency=frequency
            )
    shortest = shortest_burst(by_length)
    why = ONE_FRAME if features.shape[1] == 1 else NONE_STANDS_OUT
    return [*measured, rows.number(SHORTEST, shortest, unit="ms", better="lower", undefined=why)]


def shortest_burst(bursts: dict[float, tuple[np.ndarray, np.ndarray]]) -> float | None:
    """The shortest burst, in ms, that stands out, as all longer ones do; None where the longest does not.

    It stands out: the frames that overlap it are, on average, moved from the tone around it towards its own tone
    farther than any other frame.

    Args:
        bursts: by length in ms, how much nearer each frame is to the burst's tone, (frames,), NaN where that is
            undefined; and which frames overlap the burst, (frames,) bool.
    """
    shortest = None
    for length in sorted(bursts, reverse=True):
        nearer, overlaps = bursts[length]
        known = np.isfinite(nearer)
        if not (known & overlaps).any() or not (known & ~overlaps).any():
            break
        if nearer[known & overlaps].mean() <= nearer[known & ~overlaps].max() + LEAST_DIFFERENCE:
            break
        shortest = length
    return shortest


def headline(measured: Measurements) -> str:
    """How steady tones are, and how short a burst stands out."""
    parts = []
    steadiest = {name: row.value for name, row in measured.known(STEADIEST).items() if row.value is not None}
    if steadiest:
        said = compared(steadiest, better="higher", means="steadier")
        parts.append(f"The frames of a steady tone agree with their mean by a cosine of at least {said}.")
    stands_out: dict[str, list[str]] = {}
    of_one_frame = []
    for row in measured.select(SHORTEST):
        if row.undefined == ONE_FRAME:
            of_one_frame.append(row.encoder)
            continue
        length = "at no length" if row.value is None else f"down to {row.value:g} ms"
        stands_out.setdefault(length, []).append(row.encoder)
    if stands_out:
        base, burst_tone = BURST_TONES.axis("frequency")
        tried = ", ".join(f"{length:g}" for length in sorted(map(duration_ms, BURSTS.axis("burst_fraction"))))
        told = listed([f"{length} for {listed(names)}" for length, names in stands_out.items()])
        parts.append(
            f"A burst of {burst_tone:g} Hz in a tone of {base:g} Hz stands out {told} (lengths tried: {tried} ms)."
        )
    if of_one_frame:
        parts.append(f"One frame of a sound shows neither, for {listed(of_one_frame)}.")
    return " ".join(parts)


RULE = (
    "A burst stands out where the frames that overlap it are, on average, moved from the tone's direction towards the "
    f"burst's (by cosines) farther than any other frame of the sound, by more than {LEAST_DIFFERENCE:g}, and all "
    "longer bursts are, too."
)


def notes(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """What the frames of the front ends make of the sounds."""
    zeros = {name: row.value for name, row in measured.known(ZEROS).items() if row.value}
    return [
        *phases_seen(several),
        *(
            f"{each.name} makes one frame of {DURATION:g} s: how steady the frames of a tone are is undefined, the "
            "diagonal of its stationarity figure is 1 by construction, no frame is without the burst, and there is no "
            f"map of bursts, for which UMAP needs {projection.LEAST_POINTS} points."
            for each in several
            if each.frames.num_frames(round(DURATION * each.frames.sample_rate)) == 1
        ),
        *(
            f"{name}: {count:g} frames are vectors of zeros, which have no direction; the means of cosines are without "
            "them."
            for name, count in zeros.items()
        ),
    ]


def phases_seen(several: Iterable[Heard]) -> list[str]:
    """What the frame rates of the front ends make of the tones."""
    by_frames: dict[Frames, list[str]] = {}
    for each in several:
        by_frames.setdefault(each.frames, []).append(each.name)
    said = []
    for frames, names in by_frames.items():
        phases = {float(hertz): frames.phases(hertz) for hertz in STATIONARITY.axis("frequency")}
        if set(phases.values()) == {1}:
            said.append(
                f"The tones of the stationarity figure are multiples of {frames.rate:g} Hz, the frame rate of "
                f"{listed(names)}: all frames of a tone see the same phase, so these tones are stationary by "
                "construction. At other frequencies the frames cycle through phases."
            )
        else:
            cycles = ", ".join(f"{count} at {hertz:g} Hz" for hertz, count in phases.items())
            said.append(
                f"At {frames.rate:g} frames a second ({listed(names)}), the frames of a tone in the stationarity "
                f"figure see this many different phases: {cycles}."
            )
    return said


def published(measured: Measurements) -> list[Published]:
    """The paper's matrix next to that of its model Base, two significant digits, of which 0.996 is a "1"."""
    compared_with = []
    for name, about in measured.encoders.items():
        if model_of(about.source) != "Base":
            continue
        printed = [cell for line in PUBLISHED for cell in line]
        for row, cell in zip(measured.select(COSINE, encoder=name), printed, strict=True):
            if row.value is None:
                continue
            tones = dict(row.parameters)
            khz, of_khz = (float(tones[each]) / 1000 for each in ("frequency", "frames_of"))
            agrees = prints_as(row.value, cell, digits=2)
            quantity = f"stationarity, {khz:g} and {of_khz:g} kHz"
            compared_with.append(Published(name, quantity, cell, row.value, agrees))
    return compared_with


def map_of_bursts(heard: Heard) -> np.ndarray | None:
    """Positions of the frames of each burst, then of the two tones, (bursts, frames + 2, 2); None of too few frames."""
    tones = heard.features(BURST_TONES.name)
    frames = heard.features(BURSTS.name)
    if frames.shape[1] + len(tones) < projection.LEAST_POINTS:
        return None

    def compute() -> np.ndarray:
        return heard.umap(BURSTS.name, np.stack([np.concatenate([of_burst, tones]) for of_burst in frames]))

    positions: np.ndarray = heard.remembered("map of bursts", compute)
    return positions


def _map(heard: Heard) -> tuple[Points, np.ndarray] | None:
    """Where frames and tones lie, and what they are."""
    positions = map_of_bursts(heard)
    if positions is None:
        return None
    num_frames = positions.shape[1] - 2
    kinds = ["frame"] * num_frames + [f"{hertz:g} Hz" for hertz in BURST_TONES.axis("frequency")]
    columns = {
        "burst_fraction": BURSTS.axis("burst_fraction")[:, None],
        "sound": np.array(kinds)[None],
        "time": np.append(heard.frames.times(num_frames), [DURATION / 2] * 2)[None],
    }
    shape = positions.shape[:-1]
    return {name: np.broadcast_to(each, shape).ravel() for name, each in columns.items()}, positions.reshape(-1, 2)


def draw_example(several: Sequence[Heard], measured: Measurements) -> figures.Figure:
    """The waveform of a burst, which no front end has a part in."""
    waveform = np.asarray(stimuli.burst(*EXAMPLE_BURST))
    figure, (axes,) = figures.panels(1, size=(5.5, 2.8))
    axes.plot(np.arange(len(waveform)) / stimuli.SAMPLE_RATE, waveform, color=figures.BLUE, linewidth=1.2)
    axes.set_title("Example burst: 10 Hz tone, 200 ms of 40 Hz")
    axes.set_xlabel("Time (s)")
    axes.set_ylabel("Amplitude")
    return figure


def draw_stationarity(heard: Heard, measured: Measurements) -> figures.Figure:
    figure, (axes,) = figures.panels(1, size=(5.2, 4.2))
    khz = [f"{frequency / 1000:g}" for frequency in STATIONARITY.axis("frequency")]
    figures.heat_map(
        axes,
        measured.array(COSINE, encoder=heard.name).reshape(len(khz), len(khz)),
        rows=khz,
        columns=khz,
        limits=(-1, 1),
        colour_label="Mean cosine similarity",
    )
    axes.set_title(f"Stationarity of tones: {heard.name}")
    axes.set_xlabel("Single frames of the tone (kHz)")
    axes.set_ylabel("Tone averaged over time (kHz)")
    return figure


def _bursts(heard: Heard, measured: Measurements) -> list[tuple[float, np.ndarray, np.ndarray]]:
    """Of each burst its share of the sound, how much nearer each frame is to its tone, and which frames overlap it."""
    several = []
    for fraction in BURSTS.axis("burst_fraction"):
        length = duration_ms(fraction)
        nearer = measured.array(NEARER, encoder=heard.name, burst_ms=length)
        which = measured.parameter("frames", NEARER, encoder=heard.name, burst_ms=length)
        several.append((float(fraction), nearer, np.array(which) == OVERLAPPING))
    return several


def _title(fraction: float, overlaps: np.ndarray) -> str:
    return f"{duration_ms(fraction):g} ms ({int(overlaps.sum())} of {len(overlaps)} frames)"


def draw_bursts(heard: Heard, measured: Measurements) -> figures.Figure:
    """A panel per burst: whether each frame is nearer to the burst's tone, or to the tone around it."""
    title = f"200 Hz tone with an 800 Hz burst in its middle: {heard.name}"
    figure, panels = figures.panels(len(BURSTS), size=(2.8, 2.2), columns=3, title=title)
    several = _bursts(heard, measured)
    limit = 1.1 * max(0.1, *(float(np.nanmax(np.abs(each))) for _, each, _ in several if np.isfinite(each).any()))
    for axes, (fraction, nearer, overlaps) in zip(panels, several, strict=True):
        time = heard.frames.times(len(nearer))
        half = DURATION * fraction / 2
        axes.axvspan(DURATION / 2 - half, DURATION / 2 + half, color=figures.ORANGE, alpha=0.25, label="the burst")
        axes.axhline(0, color="black", linewidth=0.6)
        axes.plot(time, nearer, color="#B0B0B0", linewidth=0.8, zorder=2)
        axes.scatter(time[~overlaps], nearer[~overlaps], s=10, color=figures.BLUE, zorder=3, label="other frames")
        axes.scatter(
            *(time[overlaps], nearer[overlaps]),
            s=24,
            color=figures.ORANGE,
            marker="^",
            zorder=4,
            label="frames that overlap the burst",
        )
        axes.set_ylim(-limit, limit)
        axes.set_title(_title(fraction, overlaps), fontsize=10)
        axes.tick_params(labelsize=8)
    for axes in panels[::3]:
        axes.set_ylabel("cos to 800 Hz\n− cos to 200 Hz", fontsize=9)
    for axes in panels[3:]:
        axes.set_xlabel("Time (s)", fontsize=9)
    handles, names = panels[0].get_legend_handles_labels()
    figures.legend(figure, handles, names=names, columns=3)
    return figure


def draw_bursts_map(heard: Heard, measured: Measurements) -> figures.Figure | None:
    """The paper's picture: a UMAP of the frames of each burst, with both tones."""
    positions = map_of_bursts(heard)
    if positions is None:
        return None
    title = f"200 Hz tone with an 800 Hz burst, each a UMAP of its own: {heard.name}"
    figure, panels = figures.panels(len(BURSTS), size=(2.5, 2.6), columns=3, title=title)
    for axes, points, (fraction, _, overlaps) in zip(panels, positions, _bursts(heard, measured), strict=True):
        frames, tones = points[:-2], points[-2:]
        for tone_position, colour, label in zip(
            tones,
            (figures.BLUE, figures.ORANGE),
            ("200 Hz tone, averaged over time", "800 Hz tone, averaged over time"),
            strict=True,
        ):
            x, y = tone_position
            axes.scatter(x, y, s=130, color=colour, alpha=0.4, edgecolors="black", linewidths=1, label=label)
        x, y = frames[~overlaps].T
        axes.scatter(x, y, s=9, color=figures.BLUE, label="frame without burst")
        x, y = frames[overlaps].T
        axes.scatter(x, y, s=16, color=figures.ORANGE, marker="^", label="frame overlapping the burst")
        figures.as_map(axes, _title(fraction, overlaps))
        axes.title.set_fontsize(10)
    handles, names = panels[0].get_legend_handles_labels()
    figures.legend(figure, handles, names=names, columns=2)
    return figure


EXPERIMENT = Experiment(
    name="temporal",
    title="Timing",
    question="Are steady sounds steady in the frames, and how short a change do they show?",
    in_paper=True,
    sweeps=(
        Sweep(STATIONARITY.name, STATIONARITY, tone, pooling="none"),
        Sweep(BURST_TONES.name, BURST_TONES, tone),
        Sweep(BURSTS.name, BURSTS, burst, pooling="none"),
    ),
    measure=measure,
    headline=headline,
    rule=RULE,
    figures=(
        Figure(
            "bursts",
            "Bursts of 800 Hz in a tone of 200 Hz",
            "Each dot is a frame. Above zero it is nearer to the tone of the burst, below to the tone around it. A "
            "burst is seen where the triangles stand out; with very short ones they need not cross zero.",
            draw_bursts,
        ),
        Figure(
            "stationarity",
            "Steady tones",
            "Each cell is the mean cosine of a tone averaged over time (row) with the single frames of one (column). "
            "1 on the diagonal means that a steady tone is steady, and low values elsewhere that tones are told apart.",
            draw_stationarity,
        ),
        Figure(
            "bursts_map",
            "The paper's picture of the bursts",
            "Each panel is a map of its own, of the frames of one sound: orange triangles near the orange circle would "
            "be frames near the burst's tone.",
            draw_bursts_map,
            folded=True,
        ),
        Figure(
            "example_burst", "What a burst is", "A waveform of such a sound.", draw_example, joint=True, folded=True
        ),
    ),
    maps=(
        Map(
            BURSTS.name,
            "Bursts",
            "The frames of each burst, and the two tones averaged over time; each burst has a map of its own.",
            _map,
            on_page=False,
        ),
    ),
    table=(STEADIEST, OTHERS, SHORTEST),
    notes=notes,
    published=published,
)


if __name__ == "__main__":
    flags.launch(EXPERIMENT)
