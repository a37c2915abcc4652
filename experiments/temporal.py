"""Section 3.2: are steady sounds steady in the features, and how short a change do they show?

Writes the sweeps `stationarity` and `bursts` (frame by frame) and `burst_tones`, the stationarity heat map, the example
burst, and a UMAP picture of six bursts.
"""

from collections.abc import Sequence

import numpy as np

from w2v_jax import grids, projection, similarity, stimuli
from w2v_jax.encoder import EncoderConfig

from .harness import figures, flags
from .harness.front_ends import NamedEncoder
from .harness.workspace import Metrics, Workspace

NAME = "temporal"

STATIONARITY = grids.STATIONARITY
BURSTS = grids.BURSTS
BURST_TONES = grids.BURST_TONES
EXAMPLE_BURST = {"base_frequency": 10.0, "burst_frequency": 40.0, "burst_fraction": 0.2}

NOTES = (
    "The tones of `stationarity` are multiples of 50 Hz, the frame rate of wav2vec 2.0: all frames see one phase, "
    "so they are stationary by construction. At other frequencies frames cycle through phases.",
)


def tone(frequency):
    return stimuli.sine_mixture([frequency])


def burst(burst_fraction):
    return stimuli.burst(BURST_TONES.axis("frequency")[0], BURST_TONES.axis("frequency")[1], burst_fraction)


def run(encoders: Sequence[NamedEncoder], workspace: Workspace) -> Metrics:
    """Runs the section for every encoder and returns its metrics."""
    workspace.save_figure(NAME, "example_burst", draw_example())
    measured = {}
    for encoder in encoders:
        steady = workspace.sweep(NAME, encoder, STATIONARITY, tone, pooling="none")
        measured[encoder] = {"stationarity": measure_stationarity(steady)}
        workspace.save_figure(NAME, f"stationarity.{encoder.name}", draw_stationarity(encoder, measured[encoder]))
        tones = workspace.sweep(NAME, encoder, BURST_TONES, tone)
        frames = workspace.sweep(NAME, encoder, BURSTS, burst, pooling="none")
        positions = workspace.positions(
            NAME,
            encoder,
            BURSTS.name,
            [frames, tones],
            lambda frames=frames, tones=tones: burst_maps(frames, tones),
            settings=projection.LOCAL,
        )
        measured[encoder]["bursts"] = measure_bursts(frames, tones, encoder.config)
        workspace.save_figure(NAME, f"bursts.{encoder.name}", draw_bursts(encoder, positions, measured[encoder]))
    return workspace.save_metrics(NAME, measured, summary=summary, notes=NOTES)


def measure_stationarity(frames: np.ndarray) -> Metrics:
    """The matrix of `similarity.stationarity`, for frames (tones, t, channels)."""
    matrix = np.asarray(similarity.stationarity(frames))
    return {"frequency": STATIONARITY.axis("frequency"), "matrix": matrix}


def overlap(burst_fraction: float, *, num_samples: int, num_frames: int, config: EncoderConfig) -> np.ndarray:
    """Which frames see any of the burst's samples: (num_frames,) bool."""
    start, stop = (int(edge) for edge in stimuli.burst_span(burst_fraction, num_samples=num_samples))
    first_sample = np.arange(num_frames) * config.hop
    return (first_sample < stop) & (first_sample + config.receptive_field > start)


def measure_bursts(frames: np.ndarray, tones: np.ndarray, config: EncoderConfig) -> list[Metrics]:
    """Per burst: are the frames that overlap it like the burst's tone, and the others like the base tone?

    Args:
        frames: (bursts, t, channels).
        tones: (2, channels), the base tone and the burst's tone, step-averaged.
        config: the encoder's frame geometry.
    """
    measured = []
    for fraction, burst_frames in zip(BURSTS.axis("burst_fraction"), frames, strict=True):
        num_samples = stimuli.SAMPLE_RATE  # one second
        overlaps = overlap(fraction, num_samples=num_samples, num_frames=len(burst_frames), config=config)
        cosines = np.asarray(similarity.cosine_similarity(burst_frames, tones))
        measured.append(
            {
                "burst_fraction": fraction,
                "duration_ms": round(1000 * float(fraction), 3),
                "overlaps": overlaps,
                "frames_overlapping": int(overlaps.sum()),
                "mean_cosine": {
                    "overlapping": _named(cosines[overlaps]),
                    "not_overlapping": _named(cosines[~overlaps]),
                },
            }
        )
    return measured


def _named(cosines: np.ndarray) -> Metrics | None:
    if not len(cosines):
        return None
    base, tone_of_burst = cosines.mean(axis=0)
    return {"to_200_hz": base, "to_800_hz": tone_of_burst}


def burst_maps(frames: np.ndarray, tones: np.ndarray) -> dict[str, np.ndarray]:
    """One map per burst, of its t frames and then the two tones: (bursts, t + 2, 2)."""
    return {"positions": np.stack([projection.project(np.concatenate([each, tones])) for each in frames])}


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


def draw_example() -> figures.Figure:
    waveform = np.asarray(stimuli.burst(**EXAMPLE_BURST))
    figure, (axes,) = figures.panels(1, size=(5.5, 2.8))
    axes.plot(np.arange(len(waveform)) / stimuli.SAMPLE_RATE, waveform, color=figures.BLUE, linewidth=1.2)
    axes.set_title("Example burst: 10 Hz tone, 200 ms of 40 Hz")
    axes.set_xlabel("Time (s)")
    axes.set_ylabel("Amplitude")
    return figure


def draw_stationarity(encoder: NamedEncoder, measured: Metrics) -> figures.Figure:
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
    axes.set_title(f"Stationarity of tones: {encoder.name}")
    axes.set_xlabel("Step-wise frames of tone (kHz)")
    axes.set_ylabel("Step-averaged tone (kHz)")
    return figure


def draw_bursts(encoder: NamedEncoder, positions: dict[str, np.ndarray], measured: Metrics) -> figures.Figure:
    figure, panels = figures.panels(
        len(BURSTS), size=(2.5, 2.6), columns=3, title=f"200 Hz tone with an 800 Hz burst: {encoder.name}"
    )
    for axes, points, burst_measures in zip(panels, positions["positions"], measured["bursts"], strict=True):
        overlaps = np.asarray(burst_measures["overlaps"])
        frames, tones = points[:-2], points[-2:]
        for tone_position, colour, label in zip(
            tones,
            (figures.BLUE, figures.ORANGE),
            ("200 Hz tone, step-averaged", "800 Hz tone, step-averaged"),
            strict=True,
        ):
            axes.scatter(*tone_position, s=130, color=colour, alpha=0.4, edgecolors="black", linewidths=1, label=label)
        axes.scatter(*frames[~overlaps].T, s=9, color=figures.BLUE, label="frame without burst")
        axes.scatter(*frames[overlaps].T, s=16, color=figures.ORANGE, marker="^", label="frame overlapping the burst")
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
