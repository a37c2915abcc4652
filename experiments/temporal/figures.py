"""Figures of steady tones and of bursts."""

from collections.abc import Sequence

import jax
import numpy as np

from w2v_jax import projection, stimuli

from ..draw import figures
from ..hearing import Heard, Points
from ..store.rows import Measurements
from .measuring import BURST_TONES, BURSTS, COSINE, DURATION, NEARER, OVERLAPPING, STATIONARITY, duration_ms

EXAMPLE_BURST = (10.0, 40.0, 0.2)  # Hz of the tone, Hz of the burst, its share


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


def place_bursts(heard: Heard) -> tuple[Points, np.ndarray] | None:
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
    waveform = np.asarray(jax.jit(stimuli.burst)(*EXAMPLE_BURST))  # one program: else each step of it is compiled
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
