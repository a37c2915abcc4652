"""Section 3.2: are steady sounds steady in the features, and how short a change do they show?

Writes the sweeps `stationarity` and `bursts` (frame by frame) and `burst_tones`, the stationarity heat map, the example
burst, and a UMAP picture of six bursts.
"""

from collections.abc import Mapping, Sequence

import jax
import numpy as np

from w2v_jax import grids, similarity, stimuli
from w2v_jax.arguments import Scalar
from w2v_jax.front_end import Frames

from .harness import figures, flags, maps, metrics
from .harness.conclusions import compared, listed
from .harness.front_ends import NamedFrontEnd
from .harness.metrics import Metrics
from .harness.results import Results

NAME = "temporal"

STATIONARITY = grids.STATIONARITY
BURSTS = grids.BURSTS
BURST_TONES = grids.BURST_TONES
EXAMPLE_BURST = (10.0, 40.0, 0.2)  # Hz of the tone, Hz of the burst, its share
DURATION = 1.0  # seconds, of every sound


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
        with_tones = np.stack([np.concatenate([of_burst, tones]) for of_burst in frames])
        positions = maps.umap(results, NAME, each, BURSTS.name, with_tones)
        measured[each] = {
            "stationarity": measure_stationarity(steady),
            "bursts": measure_bursts(frames, tones, each.frames),
        }
        zeros[each.name] = sum(int((~_with_direction(found)).sum()) for found in (steady, frames))
        results.save_figure(NAME, f"stationarity.{each.name}", draw_stationarity(each, measured[each]))
        results.save_figure(NAME, f"bursts.{each.name}", draw_bursts(each, positions, measured[each]))
    return metrics.save(
        results,
        NAME,
        measured,
        summary=summary,
        conclusion=conclude({each.name: found for each, found in measured.items()}),
        notes=[*notes(front_ends), *_without_direction(zeros)],
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
        measured.append(
            {
                "burst_fraction": fraction,
                "duration_ms": round(1000 * DURATION * float(fraction), 3),
                "overlaps": overlaps,
                "frames_overlapping": int(overlaps.sum()),
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


def summary(measured: Metrics) -> dict[str, float]:
    """The few numbers of an encoder that fit in a table."""
    matrix = np.array(measured["stationarity"]["matrix"])
    off_diagonal = matrix[~np.eye(len(matrix), dtype=bool)]
    found = {
        "stationarity: cosine to the same tone, least": float(np.diag(matrix).min()),
        "stationarity: cosine to other tones, largest": float(off_diagonal.max()),
    }
    shortest = measured["bursts"][-1]
    if cosines := shortest["mean_cosine"]["overlapping"]:
        found |= {
            f"{shortest['duration_ms']:g} ms burst: cosine of its frames to 800 Hz": cosines["to_800_hz"],
            f"{shortest['duration_ms']:g} ms burst: cosine of its frames to 200 Hz": cosines["to_200_hz"],
        }
    return found


def conclude(measured: Mapping[str, Metrics]) -> str:
    """What came out, in a sentence; by name of the front end."""
    steadiest, nearer = {}, {}
    for name, found in measured.items():
        steadiest[name] = float(np.diag(np.array(found["stationarity"]["matrix"])).min())
        shortest = found["bursts"][-1]
        if cosines := shortest["mean_cosine"]["overlapping"]:
            nearer[name] = cosines["to_800_hz"] - cosines["to_200_hz"]
    steady = compared(steadiest, better="higher", means="steadier")
    said = f"The least cosine between a steady tone's frames and their mean is {steady}"
    if nearer:
        clearer = compared(nearer, better="higher", means="clearer")
        said += (
            f"; the frames that overlap a burst of {shortest['duration_ms']:g} ms are nearer to its 800 Hz than to the "
            f"200 Hz around it by {clearer}"
        )
    return said + "."


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
    axes.set_xlabel("Step-wise frames of tone (kHz)")
    axes.set_ylabel("Step-averaged tone (kHz)")
    return figure


def draw_bursts(front_end: NamedFrontEnd, positions: np.ndarray, measured: Metrics) -> figures.Figure:
    figure, panels = figures.panels(
        len(BURSTS), size=(2.5, 2.6), columns=3, title=f"200 Hz tone with an 800 Hz burst: {front_end.name}"
    )
    for axes, points, burst_measures in zip(panels, positions, measured["bursts"], strict=True):
        overlaps = np.asarray(burst_measures["overlaps"])
        frames, tones = points[:-2], points[-2:]
        for tone_position, colour, label in zip(
            tones,
            (figures.BLUE, figures.ORANGE),
            ("200 Hz tone, step-averaged", "800 Hz tone, step-averaged"),
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
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    return figure


if __name__ == "__main__":
    flags.launch(run)
