"""Section 3.2: are steady sounds steady in the features, and how short a change do they show?

Writes the sweeps `stationarity` and `bursts` (frame by frame) and `burst_tones`, the stationarity heat map, the example
burst, six bursts frame by frame, and the paper's UMAP picture of them.
"""

from collections.abc import Mapping, Sequence

import jax
import numpy as np

from w2v_jax import grids, projection, similarity, stimuli
from w2v_jax._src.arguments import Scalar
from w2v_jax.front_end import Frames

from .draw import figures
from .front_ends.named import NamedFrontEnd
from .launch import flags
from .sentences import compared, listed
from .store import maps, metrics
from .store.metrics import Metrics
from .store.results import Results

NAME = "temporal"

STATIONARITY = grids.STATIONARITY
BURSTS = grids.BURSTS
BURST_TONES = grids.BURST_TONES
EXAMPLE_BURST = (10.0, 40.0, 0.2)  # Hz of the tone, Hz of the burst, its share
DURATION = 1.0  # seconds, of every sound
LEAST_DIFFERENCE = 0.01  # of cosines, from which on a burst counts as standing out


def tone(frequency: Scalar, *, sample_rate: int) -> jax.Array:
    return stimuli.sine_mixture([frequency], duration=DURATION, sample_rate=sample_rate)


def burst(burst_fraction: Scalar, *, sample_rate: int) -> jax.Array:
    base, burst_tone = BURST_TONES.axis("frequency")
    return stimuli.burst(base, burst_tone, burst_fraction, duration=DURATION, sample_rate=sample_rate)


def run(front_ends: Sequence[NamedFrontEnd], results: Results) -> Metrics:
    """Runs the section for every front end and returns its metrics."""
    results.save_figure(NAME, "example_burst", draw_example())
    measured = {}
    zeros = {}
    for each in front_ends:
        steady = results.sweep(NAME, each, STATIONARITY, tone, pooling="none")
        tones = results.sweep(NAME, each, BURST_TONES, tone)
        frames = results.sweep(NAME, each, BURSTS, burst, pooling="none")
        measured[each] = {
            "stationarity": measure_stationarity(steady),
            "bursts": measure_bursts(frames, tones, each.frames),
        }
        zeros[each.name] = sum(int((~_with_direction(found)).sum()) for found in (steady, frames))
        results.save_figure(NAME, f"stationarity.{each.name}", draw_stationarity(each, measured[each]))
        results.save_figure(NAME, f"bursts.{each.name}", draw_bursts(each, measured[each]))
        with_tones = np.stack([np.concatenate([of_burst, tones]) for of_burst in frames])
        if with_tones.shape[1] < projection.LEAST_POINTS:
            continue
        positions = maps.umap(results, NAME, each, BURSTS.name, with_tones)
        maps.save_csv(results, NAME, each, BURSTS.name, _parameters(positions, each.frames), positions)
        results.save_figure(NAME, f"bursts_map.{each.name}", draw_bursts_map(each, positions, measured[each]))
    return metrics.save(
        results,
        NAME,
        measured,
        summary=summary,
        conclusion=conclude({each.name: found for each, found in measured.items()}),
        notes=[*notes(front_ends), *_too_few_frames(front_ends), *_without_direction(zeros)],
    )


def notes(front_ends: Sequence[NamedFrontEnd]) -> list[str]:
    """What the frame rates of the front ends make of the tones."""
    said = []
    for frames, names in _by_frames(front_ends).items():
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


def _too_few_frames(front_ends: Sequence[NamedFrontEnd]) -> list[str]:
    """What is undefined of front ends that make one frame of a sound."""
    return [
        f"{each.name} makes one frame of {DURATION:g} s: how steady the frames of a tone are is undefined, the "
        "diagonal of its stationarity figure is 1 by construction, no frame is without the burst, and there is no map "
        f"of bursts, for which UMAP needs {projection.LEAST_POINTS} points."
        for each in front_ends
        if each.frames.num_frames(round(DURATION * each.frames.sample_rate)) == 1
    ]


def _without_direction(zeros: Mapping[str, int]) -> list[str]:
    return [
        f"{name}: {count} frames are vectors of zeros, which have no direction; the means of cosines are without them."
        for name, count in zeros.items()
        if count
    ]


def _with_direction(frames: np.ndarray) -> np.ndarray:
    """Which frames, (..., channels), are no vectors of zeros, as a front end that ends in a ReLU may return them."""
    return np.asarray(frames.any(axis=-1))


def _by_frames(front_ends: Sequence[NamedFrontEnd]) -> dict[Frames, list[str]]:
    found: dict[Frames, list[str]] = {}
    for each in front_ends:
        found.setdefault(each.frames, []).append(each.name)
    return found


def measure_stationarity(frames: np.ndarray) -> Metrics:
    """The matrix of `similarity.stationarity`, for frames (tones, t, channels), without those of zeros."""
    chosen = _with_direction(frames)
    if chosen.all():
        matrix = np.asarray(similarity.stationarity(frames))
    else:
        averaged = frames.mean(axis=1)
        by_tone = [each[kept] for each, kept in zip(frames, chosen, strict=True)]
        matrix = np.stack([similarity.cosine_similarity(averaged, each).mean(axis=1) for each in by_tone], axis=1)
    return {"frequency": STATIONARITY.axis("frequency"), "matrix": matrix}


def overlap(burst_fraction: float, frames: Frames) -> np.ndarray:
    """Which frames see any of the burst's samples: (frames,) bool."""
    num_samples = round(DURATION * frames.sample_rate)
    start, stop = (int(edge) for edge in stimuli.burst_span(burst_fraction, num_samples=num_samples))
    return frames.seeing(start, stop, num_samples=num_samples)


def measure_bursts(features: np.ndarray, tones: np.ndarray, frames: Frames) -> list[Metrics]:
    """Per burst: are the frames that overlap it like the burst's tone, and the others like the base tone?

    Args:
        features: (bursts, t, channels); frames of zeros are left out of the means.
        tones: (2, channels), the base tone and the burst's tone, averaged over time.
        frames: how the front end frames a waveform.
    """
    measured = []
    for fraction, of_burst in zip(BURSTS.axis("burst_fraction"), features, strict=True):
        overlaps = overlap(fraction, frames)
        chosen = _with_direction(of_burst)
        cosines = np.asarray(similarity.cosine_similarity(of_burst[chosen], tones))
        nearer = np.full(len(of_burst), np.nan)
        nearer[chosen] = cosines[:, 1] - cosines[:, 0]
        measured.append(
            {
                "burst_fraction": fraction,
                "duration_ms": round(1000 * DURATION * float(fraction), 3),
                "overlaps": overlaps,
                "frames_overlapping": int(overlaps.sum()),
                "nearer_to_800_hz": [float(each) if np.isfinite(each) else None for each in nearer],
                "mean_cosine": {
                    "overlapping": _named(cosines[overlaps[chosen]]),
                    "not_overlapping": _named(cosines[~overlaps[chosen]]),
                },
            }
        )
    return measured


def _named(cosines: np.ndarray) -> Metrics | None:
    if not len(cosines):
        return None
    base, tone_of_burst = cosines.mean(axis=0)
    return {"to_200_hz": base, "to_800_hz": tone_of_burst}


def _parameters(positions: np.ndarray, frames: Frames) -> dict[str, np.ndarray]:
    """What each point of the map of bursts is: the frames of a burst, then the two tones, averaged over time."""
    num_frames = positions.shape[1] - 2
    kinds = ["frame"] * num_frames + [f"{hertz:g} Hz" for hertz in BURST_TONES.axis("frequency")]
    return {
        "burst_fraction": BURSTS.axis("burst_fraction")[:, None],
        "sound": np.array(kinds)[None],
        "time": np.append(frames.times(num_frames), [DURATION / 2] * 2)[None],
    }


def shortest_burst(bursts: Sequence[Metrics]) -> float | None:
    """The shortest burst, in ms, that stands out, as all longer ones do; None where the longest does not.

    It stands out: the frames that overlap it are, on average, moved from the tone around it towards its own tone
    farther than any other frame.
    """
    shortest = None
    for each in sorted(bursts, key=lambda burst: -burst["duration_ms"]):
        nearer = np.array(each["nearer_to_800_hz"], np.float64)
        overlaps = np.array(each["overlaps"])
        known = np.isfinite(nearer)
        if not (known & overlaps).any() or not (known & ~overlaps).any():
            break
        if nearer[known & overlaps].mean() <= nearer[known & ~overlaps].max() + LEAST_DIFFERENCE:
            break
        shortest = float(each["duration_ms"])
    return shortest


def summary(measured: Metrics) -> dict[str, float]:
    """The few numbers of an encoder that fit in a table."""
    matrix = np.array(measured["stationarity"]["matrix"])
    off_diagonal = matrix[~np.eye(len(matrix), dtype=bool)]
    found = {"stationarity: cosine to other tones, largest": float(off_diagonal.max())}
    if several_frames(measured):
        found = {"stationarity: cosine to the same tone, least": float(np.diag(matrix).min())} | found
    shortest = measured["bursts"][-1]
    if cosines := shortest["mean_cosine"]["overlapping"]:
        found |= {
            f"{shortest['duration_ms']:g} ms burst: cosine of its frames to 800 Hz": cosines["to_800_hz"],
            f"{shortest['duration_ms']:g} ms burst: cosine of its frames to 200 Hz": cosines["to_200_hz"],
        }
    return found


def several_frames(measured: Metrics) -> bool:
    """Whether a sound has several frames: of one alone the mean is itself."""
    return len(measured["bursts"][0]["overlaps"]) > 1


def conclude(measured: Mapping[str, Metrics]) -> str:
    """What came out, in a sentence; by name of the front end."""
    steadiest, nearer = {}, {}
    for name, found in measured.items():
        if several_frames(found):
            steadiest[name] = float(np.diag(np.array(found["stationarity"]["matrix"])).min())
        shortest = found["bursts"][-1]
        if cosines := shortest["mean_cosine"]["overlapping"]:
            nearer[name] = cosines["to_800_hz"] - cosines["to_200_hz"]
    parts = []
    if steadiest:
        steady = compared(steadiest, better="higher", means="steadier")
        parts.append(f"the least cosine between a steady tone's frames and their mean is {steady}")
    if nearer:
        clearer = compared(nearer, better="higher", means="clearer")
        parts.append(
            f"the frames that overlap a burst of {shortest['duration_ms']:g} ms are nearer to its 800 Hz than to the "
            f"200 Hz around it by {clearer}"
        )
    said = "; ".join(parts) or "how steady tones are, and whether a burst stands out, is undefined"
    return f"{said[0].upper()}{said[1:]}."


def draw_example() -> figures.Figure:
    waveform = np.asarray(stimuli.burst(*EXAMPLE_BURST))
    figure, (axes,) = figures.panels(1, size=(5.5, 2.8))
    axes.plot(np.arange(len(waveform)) / stimuli.SAMPLE_RATE, waveform, color=figures.BLUE, linewidth=1.2)
    axes.set_title("Example burst: 10 Hz tone, 200 ms of 40 Hz")
    axes.set_xlabel("Time (s)")
    axes.set_ylabel("Amplitude")
    return figure


def draw_stationarity(front_end: NamedFrontEnd, measured: Metrics) -> figures.Figure:
    figure, (axes,) = figures.panels(1, size=(5.2, 4.2))
    khz = [f"{frequency / 1000:g}" for frequency in STATIONARITY.axis("frequency")]
    figures.heat_map(
        axes,
        measured["stationarity"]["matrix"],
        rows=khz,
        columns=khz,
        limits=(-1, 1),
        colour_label="Mean cosine similarity",
    )
    axes.set_title(f"Stationarity of tones: {front_end.name}")
    axes.set_xlabel("Single frames of the tone (kHz)")
    axes.set_ylabel("Tone averaged over time (kHz)")
    return figure


def draw_bursts(front_end: NamedFrontEnd, measured: Metrics) -> figures.Figure:
    """A panel per burst: whether each frame is nearer to the burst's tone, or to the tone around it."""
    title = f"200 Hz tone with an 800 Hz burst in its middle: {front_end.name}"
    figure, panels = figures.panels(len(BURSTS), size=(2.8, 2.2), columns=3, title=title)
    several = [np.array(each["nearer_to_800_hz"], np.float64) for each in measured["bursts"]]
    limit = 1.1 * max(0.1, *(float(np.nanmax(np.abs(each))) for each in several if np.isfinite(each).any()))
    for axes, nearer, burst_measures in zip(panels, several, measured["bursts"], strict=True):
        overlaps = np.asarray(burst_measures["overlaps"])
        time = front_end.frames.times(len(nearer))
        half = DURATION * float(burst_measures["burst_fraction"]) / 2
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
        counts = f"{burst_measures['frames_overlapping']} of {len(nearer)} frames"
        axes.set_title(f"{burst_measures['duration_ms']:g} ms ({counts})", fontsize=10)
        axes.tick_params(labelsize=8)
    for axes in panels[::3]:
        axes.set_ylabel("cos to 800 Hz\n− cos to 200 Hz", fontsize=9)
    for axes in panels[3:]:
        axes.set_xlabel("Time (s)", fontsize=9)
    handles, names = panels[0].get_legend_handles_labels()
    figures.legend(figure, handles, names=names, columns=3)
    return figure


def draw_bursts_map(front_end: NamedFrontEnd, positions: np.ndarray, measured: Metrics) -> figures.Figure:
    """The paper's picture: a UMAP of the frames of each burst, with both tones."""
    title = f"200 Hz tone with an 800 Hz burst, each a UMAP of its own: {front_end.name}"
    figure, panels = figures.panels(len(BURSTS), size=(2.5, 2.6), columns=3, title=title)
    for axes, points, burst_measures in zip(panels, positions, measured["bursts"], strict=True):
        overlaps = np.asarray(burst_measures["overlaps"])
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
        figures.as_map(
            axes,
            f"{burst_measures['duration_ms']:g} ms ({burst_measures['frames_overlapping']} of {len(frames)} frames)",
        )
        axes.title.set_fontsize(10)
    handles, names = panels[0].get_legend_handles_labels()
    figures.legend(figure, handles, names=names, columns=2)
    return figure


if __name__ == "__main__":
    flags.launch(run)
