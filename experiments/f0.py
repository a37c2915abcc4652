"""Section 3.3: fundamental frequency and bias.

Writes the sweeps `bias` and `pure_tones`, the bias heat map, the UMAP picture of pure tones, and the frequency scale
that the encoder has learned beside Mel and Bark.
"""

from collections.abc import Sequence

import numpy as np

from w2v_jax import grids, projection, scales, similarity, stimuli

from .harness import figures, flags
from .harness.front_ends import NamedEncoder
from .harness.workspace import Metrics, Workspace

NAME = "f0"

BIAS = grids.BIAS
BIAS_AMPLITUDE = 0.5
PURE_TONES = grids.PURE_TONES
QUICK_PURE_TONES = grids.PURE_TONES.thinned(frequency=80)
MARKED_KHZ = range(1, 8)

NYQUIST = stimuli.SAMPLE_RATE / 2
SCALES = {"Hz": scales.hz, "Mel": scales.mel, "Bark": scales.bark}
VERSIONS: dict[scales.Version, str] = {
    "published": "As published: sum of 2 − cos",
    "corrected": "Corrected: sum of 1 − cos",
}

NOTES = (
    "The last pure tone, 8,000 Hz, is the Nyquist frequency: with zero phase its samples are 0 but for rounding, "
    "so its features are those of silence. `without_nyquist` leaves it out.",
    "`published` accumulates 2 - cos as the paper's figure does: a constant 1 per step makes it a straight line almost "
    "whatever the encoder does. `corrected` accumulates the cosine distance 1 - cos that the text defines.",
)


def tone(frequency):
    return stimuli.sine_mixture([frequency])


def biased_tone(frequency, bias):
    return stimuli.sine_mixture([frequency], BIAS_AMPLITUDE, bias=bias)


def run(encoders: Sequence[NamedEncoder], workspace: Workspace) -> Metrics:
    """Runs the section for every encoder and returns its metrics."""
    grid = workspace.grid(PURE_TONES, QUICK_PURE_TONES)
    frequency = grid.axis("frequency")
    measured = {}
    for encoder in encoders:
        biased = workspace.sweep(NAME, encoder, BIAS, biased_tone)
        tones = workspace.sweep(NAME, encoder, grid, tone)
        positions = workspace.positions(
            NAME,
            encoder,
            grid.name,
            [tones],
            lambda tones=tones: {"positions": projection.project(tones)},
            settings=projection.LOCAL,
        )["positions"]
        measured[encoder] = {"bias": measure_bias(biased), "frequency_scale": measure_scale(tones, frequency)}
        workspace.save_figure(NAME, f"bias.{encoder.name}", draw_bias(encoder, measured[encoder]))
        workspace.save_figure(NAME, f"pure_tones.{encoder.name}", draw_pure_tones(encoder, positions, frequency))
        workspace.save_figure(NAME, f"frequency_scale.{encoder.name}", draw_scale(encoder, measured[encoder]))
    return workspace.save_metrics(NAME, measured, summary=summary, notes=NOTES)


def measure_bias(features: np.ndarray) -> Metrics:
    """cos(r(f, b), r(f, 0)), for features (frequencies * biases, channels) in grid order."""
    bias = BIAS.axis("bias")
    features = features.reshape(*BIAS.shape, -1)
    unbiased = np.broadcast_to(features[:, bias == 0], features.shape)
    distance = similarity.paired_cosine_distance(*(each.reshape(-1, each.shape[-1]) for each in (features, unbiased)))
    return {
        "frequency": BIAS.axis("frequency"),
        "bias": bias,
        "matrix": 1 - np.asarray(distance).reshape(BIAS.shape),
    }


def measure_scale(features: np.ndarray, frequency: np.ndarray) -> Metrics:
    """The learned scale with and without the tone at Nyquist, and how far it is from known scales.

    Args:
        features: (tones, channels).
        frequency: (tones,) in Hz, ascending, the last at Nyquist.
    """
    below = frequency < NYQUIST
    return {
        "frequency": frequency,
        # Silence may have no features at all, and so no distance to anything.
        "with_nyquist": _scales(features, frequency) if features[-1].any() else None,
        "without_nyquist": _scales(features[below], frequency[below]),
    }


def _scales(features: np.ndarray, frequency: np.ndarray) -> Metrics:
    distances = np.asarray(similarity.adjacent_distance(features))
    references = {name: scales.normalise(scale(frequency)) for name, scale in SCALES.items()}
    measured: Metrics = {
        "adjacent_distance": distances,
        "median_adjacent_distance": float(np.median(distances)),
        "last_adjacent_distance": float(distances[-1]),
        "references": references,
    }
    for version in VERSIONS:
        learned = scales.learned(distances, version=version)
        measured[version] = {
            "scale": learned,
            "rms_difference": {
                name: float(np.sqrt(np.mean((learned - reference) ** 2))) for name, reference in references.items()
            },
        }
    return measured


def summary(measured: Metrics) -> dict[str, float]:
    """The few numbers of an encoder that fit in a table."""
    found = {"bias: cosine to no bias, least": float(np.min(measured["bias"]["matrix"]))}
    for version in VERSIONS:
        differences = measured["frequency_scale"]["without_nyquist"][version]["rms_difference"]
        for name, difference in differences.items():
            found[f"frequency scale, {version}: rms difference from {name}"] = difference
    return found


def draw_bias(encoder: NamedEncoder, measured: Metrics) -> figures.Figure:
    figure, (axes,) = figures.panels(1, size=(5.2, 4.2))
    figures.heat_map(
        axes,
        measured["bias"]["matrix"],
        rows=[f"{frequency / 1000:g}" for frequency in BIAS.axis("frequency")],
        columns=[f"{bias:g}" for bias in BIAS.axis("bias")],
        limits=(-1, 1),
        colour_label="Cosine similarity to no bias",
    )
    axes.set_title(f"Tones with a bias: {encoder.name}")
    axes.set_xlabel("Bias b")
    axes.set_ylabel("Frequency (kHz)")
    return figure


def draw_pure_tones(encoder: NamedEncoder, positions: np.ndarray, frequency: np.ndarray) -> figures.Figure:
    figure, (axes,) = figures.panels(1, size=(5.8, 5.0))
    axes.scatter(*positions.T, c=frequency / 1000, cmap=figures.SEQUENTIAL, s=22, linewidths=0)
    marked = [int(np.argmin(np.abs(frequency - 1000 * khz))) for khz in MARKED_KHZ]
    axes.scatter(*positions[marked].T, s=45, color=figures.ORANGE, edgecolors="white", linewidths=0.6, zorder=3)
    names = [f"{khz} kHz" for khz in MARKED_KHZ]
    if frequency[-1] >= NYQUIST:
        axes.scatter(*positions[-1], s=90, color="black", marker="X", edgecolors="white", linewidths=0.8, zorder=4)
        marked.append(len(frequency) - 1)
        names.append("8 kHz (Nyquist)")
    figures.as_map(axes, f"Pure tones: {encoder.name}")
    figures.colour_bar(axes, "Frequency (kHz)", (frequency[0] / 1000, frequency[-1] / 1000))
    figures.labels(axes, [figures.Label(*each) for each in zip(names, positions[marked], strict=True)], fontsize=9)
    return figure


def draw_scale(encoder: NamedEncoder, measured: Metrics) -> figures.Figure:
    """As published and corrected: Mel, Bark and the encoder's own scale, with and without the tone at Nyquist."""
    scale = measured["frequency_scale"]
    frequency = np.asarray(scale["frequency"])
    inside = frequency[frequency < NYQUIST]
    figure, panels = figures.panels(
        2, size=(4.6, 3.9), title=f"Learned frequency scale: {encoder.name} ({len(frequency)} tones)"
    )
    for axes, (version, title) in zip(panels, VERSIONS.items(), strict=True):
        references = scale["without_nyquist"]["references"]
        axes.plot(inside, references["Hz"], color="black", linewidth=1, linestyle=":", label="Hz")
        axes.plot(inside, references["Mel"], color=figures.BLUE, label="Mel")
        axes.plot(inside, references["Bark"], color=figures.ORANGE, label="Bark")
        if scale["with_nyquist"]:
            learned = scale["with_nyquist"][version]["scale"]
            axes.plot(frequency, learned, color=figures.GREY, linewidth=2.5, label=encoder.name)
            axes.plot(frequency[-2:], learned[-2:], "kx-", linewidth=1, markersize=5, label="step to 8 kHz (Nyquist)")
        axes.plot(
            inside,
            scale["without_nyquist"][version]["scale"],
            color=figures.GREEN,
            linestyle="--",
            label=f"{encoder.name}, without 8 kHz",
        )
        axes.set_title(title, fontsize=11)
        axes.set_xlabel("Frequency (Hz)")
        axes.set_ylabel("Normalised scale")
        axes.set_xticks(range(0, 8001, 2000))
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    return figure


if __name__ == "__main__":
    flags.launch(run)
