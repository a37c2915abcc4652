"""Section 3.3: fundamental frequency and bias.

Writes the sweeps `bias`, `pure_tones` and `scale_tones`, the bias heat map, the UMAP picture of pure tones, and the
frequency scale that the front end has learned, next to known ones: the paper's two curves, and one by angles over small
steps, from `--lowest` to `--highest`.
"""

from collections.abc import Mapping, Sequence

import jax
import numpy as np

from w2v_jax import grids, scales, similarity, stimuli
from w2v_jax._src.arguments import Scalar

from .draw import figures, lettering
from .front_ends.named import NamedFrontEnd
from .launch import flags
from .measures import learned_scale, map_order
from .measures.map_order import MapOrder
from .options import learned_scale as options
from .sentences import compared, listed
from .store import maps, metrics
from .store.metrics import Metrics
from .store.results import Results

NAME = "f0"

BIAS = grids.BIAS
BIAS_AMPLITUDE = 0.5
PURE_TONES = grids.PURE_TONES
QUICK_PURE_TONES = grids.PURE_TONES.thinned(frequency=80)
MARKED_KHZ = range(1, 8)

SCALES = {"Hz": scales.hz, "Mel": scales.mel, "Bark": scales.bark, "ERB": scales.erb, "log Hz": scales.log_hz}
_DRAWN = {
    "Hz": ("black", ":"),
    "Mel": (figures.BLUE, "-"),
    "Bark": (figures.ORANGE, "-"),
    "log Hz": ("black", (0, (5, 2))),
}
VERSIONS: dict[scales.Version, str] = {
    "published": "As published: sum of 2 − cos",
    "corrected": "Corrected: sum of 1 − cos",
}

NOTES = (
    "In the figure of the frequency scale, the curve as published adds up 2 - cos as the paper's figure does: a "
    "constant 1 per step makes it a straight line almost whatever the encoder does. The corrected curve adds up the "
    "cosine distance 1 - cos that the paper's text defines: squares of small steps, ones of coarse ones, so that it "
    "shows the scale of the steps as much as that of the encoder.",
    learned_scale.NOTE,
    f"{map_order.note('log frequency')} A tone at the Nyquist frequency is left out of these numbers.",
)


def tone(frequency: Scalar, *, sample_rate: int) -> jax.Array:
    return stimuli.sine_mixture([frequency], sample_rate=sample_rate)


def biased_tone(frequency: Scalar, bias: Scalar, *, sample_rate: int) -> jax.Array:
    return stimuli.sine_mixture([frequency], BIAS_AMPLITUDE, bias=bias, sample_rate=sample_rate)


def pure_tones(front_end: NamedFrontEnd, *, quick: bool) -> grids.Grid:
    """The paper's pure tones, as far as the front end's sample rate holds them."""
    return (QUICK_PURE_TONES if quick else PURE_TONES).limited("frequency", highest=front_end.frames.nyquist)


def run(
    front_ends: Sequence[NamedFrontEnd], results: Results, *, scale_range: learned_scale.Range = learned_scale.USUAL
) -> Metrics:
    """Runs the section for every front end and returns its metrics; the learned scale is asked in `scale_range`."""
    measured = {}
    asked = {each: learned_scale.tones(each, scale_range, quick=results.quick) for each in front_ends}
    for each in front_ends:
        grid = pure_tones(each, quick=results.quick)
        frequency = grid.axis("frequency")
        biased = results.sweep(NAME, each, BIAS, biased_tone)
        tones = results.sweep(NAME, each, grid, tone)
        small_steps = learned_scale.sweep(results, NAME, each, asked[each])
        positions = maps.umap(results, NAME, each, grid.name, tones)
        maps.save_csv(results, NAME, each, grid.name, grid.points(), positions)
        order = measure_order(tones, positions, frequency, nyquist=each.frames.nyquist)
        measured[each] = {
            "bias": measure_bias(biased),
            "frequency_scale": measure_scale(tones, frequency, nyquist=each.frames.nyquist),
            "learned_scale": learned_scale.measure(small_steps, asked[each])[1],
            map_order.KEY: {grid.name: order.as_numbers()},
        }
        results.save_figure(NAME, f"bias.{each.name}", draw_bias(each, measured[each]))
        drawn = draw_pure_tones(each, positions, frequency, order=order, quick=results.quick)
        results.save_figure(NAME, f"pure_tones.{each.name}", drawn)
        results.save_figure(NAME, f"frequency_scale.{each.name}", draw_scale(each, measured[each]))
    return metrics.save(
        results,
        NAME,
        measured,
        summary=summary,
        conclusion=conclude({each.name: found for each, found in measured.items()}),
        notes=notes(front_ends),
    )


def notes(front_ends: Sequence[NamedFrontEnd]) -> list[str]:
    """What a reader must know, which depends on what the sample rates hold."""
    said = list(NOTES)
    highest = float(PURE_TONES.axis("frequency")[-1])
    at_nyquist = [each.name for each in front_ends if each.frames.nyquist == highest]
    if at_nyquist:
        said.insert(
            0,
            f"The last pure tone, {highest:,.0f} Hz, is at the Nyquist frequency of {listed(at_nyquist)}: with zero "
            "phase its samples are 0 but for rounding, so its features are those of silence. The dashed curves of the "
            "frequency scale leave it out.",
        )
    for each in front_ends:
        if each.frames.nyquist < highest:
            said.append(
                f"{each.name} hears {each.frames.sample_rate:,} samples a second: the pure tones above "
                f"{each.frames.nyquist:,.0f} Hz, which that rate cannot hold, are left out."
            )
    return said


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
        "cosine_distance": np.asarray(distance).reshape(BIAS.shape),  # with digits that 1 - distance has not
    }


def measure_order(features: np.ndarray, positions: np.ndarray, frequency: np.ndarray, *, nyquist: float) -> MapOrder:
    """The numbers under the map of tones; those of silence, at Nyquist, are left out.

    Args:
        features: (tones, channels).
        positions: (tones, 2), on the map.
        frequency: (tones,) in Hz.
        nyquist: Hz.
    """
    below = frequency < nyquist
    return map_order.measure(features[below], positions[below], {"log frequency": scales.log_hz(frequency[below])})


def measure_scale(features: np.ndarray, frequency: np.ndarray, *, nyquist: float) -> Metrics:
    """The learned scale with and without the tone at Nyquist, and how far it is from known scales.

    Args:
        features: (tones, channels).
        frequency: (tones,) in Hz, ascending.
        nyquist: Hz; of a tone there, with zero phase, nothing is left.
    """
    below = frequency < nyquist
    return {
        "frequency": frequency,
        # None where no tone is there, or where silence has no features at all, and so no distance to anything.
        "with_nyquist": _scales(features, frequency) if not below[-1] and features[-1].any() else None,
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
    for name, fit in measured["learned_scale"].get("r2", {}).items():
        found[f"learned scale by angles: R² with {name}"] = fit["value"]
    return found


def conclude(measured: Mapping[str, Metrics]) -> str:
    """What came out, in a sentence; by name of the front end."""
    unmoved = {name: float(np.min(found["bias"]["matrix"])) for name, found in measured.items()}
    nearest = [learned_scale.said(name, found["learned_scale"]) for name, found in measured.items()]
    least = compared(unmoved, better="higher", means="moved less")
    return (
        f"The least cosine of a tone with a DC offset to the same tone without is {least}; of {listed(list(SCALES))}, "
        f"the learned scale of tones, by angles, is {listed(nearest)}."
    )


def draw_bias(front_end: NamedFrontEnd, measured: Metrics) -> figures.Figure:
    """How far a DC offset moves each tone: cosine distances, which tell cells apart where all cosines are 1."""
    figure, (axes,) = figures.panels(1, size=(5.6, 4.2))
    figures.heat_map(
        axes,
        measured["bias"]["cosine_distance"],
        rows=[f"{frequency:g}" for frequency in BIAS.axis("frequency")],
        columns=[f"{bias:g}" for bias in BIAS.axis("bias")],
        limits=(0, 2),
        colour_label="Cosine distance (0: the same direction)",
    )
    axes.set_title(f"How far a DC offset moves a tone: {front_end.name}", fontsize=11)
    axes.set_xlabel("DC offset, added to a tone of amplitude 0.5")
    axes.set_ylabel("Tone (Hz)")
    return figure


def draw_pure_tones(
    front_end: NamedFrontEnd, positions: np.ndarray, frequency: np.ndarray, *, order: MapOrder, quick: bool = False
) -> figures.Figure:
    figure, (axes,) = figures.panels(1, size=(5.8, 5.4))
    x, y = positions.T
    axes.scatter(x, y, c=frequency / 1000, cmap=figures.SEQUENTIAL, s=22, linewidths=0)
    heard = [khz for khz in MARKED_KHZ if 1000 * khz <= frequency[-1]]
    marked = [int(np.argmin(np.abs(frequency - 1000 * khz))) for khz in heard]
    x, y = positions[marked].T
    axes.scatter(x, y, s=45, color=figures.ORANGE, edgecolors="white", linewidths=0.6, zorder=3)
    names = [f"{khz} kHz" for khz in heard]
    if frequency[-1] >= front_end.frames.nyquist:
        x, y = positions[-1]
        axes.scatter(x, y, s=90, color="black", marker="X", edgecolors="white", linewidths=0.8, zorder=4)
        marked.append(len(frequency) - 1)
        names.append(f"{frequency[-1] / 1000:g} kHz (Nyquist)")
    of = f"{len(frequency)} tones, {frequency[0]:,.0f} to {frequency[-1]:,.0f} Hz"
    figures.as_map(
        axes,
        f"Pure tones: {front_end.name}",
        of=figures.quick_mark(of, quick=quick),
        below=map_order.caption(order, sounds="tones"),
    )
    figures.colour_bar(axes, "Frequency (kHz)", (frequency[0] / 1000, frequency[-1] / 1000))
    figures.labels(axes, [figures.Label(*each) for each in zip(names, positions[marked], strict=True)], fontsize=9)
    return figure


def draw_scale(front_end: NamedFrontEnd, measured: Metrics) -> figures.Figure:
    """As published, corrected, and by angles: known scales and the encoder's own, with and without Nyquist's tone."""
    scale = measured["frequency_scale"]
    frequency = np.asarray(scale["frequency"])
    inside = frequency[frequency < front_end.frames.nyquist]
    highest = f"{frequency[-1] / 1000:g} kHz"
    figure, panels = figures.panels(
        3, size=(4.2, 3.9), title=f"Learned frequency scale: {front_end.name} ({len(frequency)} tones)"
    )
    for axes, (version, title) in zip(panels[:2], VERSIONS.items(), strict=True):
        references = scale["without_nyquist"]["references"]
        for name, (colour, dashes) in _DRAWN.items():
            axes.plot(inside, references[name], color=colour, linestyle=dashes, linewidth=1.2, label=name)
        if scale["with_nyquist"]:
            learned = scale["with_nyquist"][version]["scale"]
            axes.plot(frequency, learned, color=figures.GREY, linewidth=2.5, label=lettering.name(front_end.name))
            axes.plot(
                frequency[-2:], learned[-2:], "kx-", linewidth=1, markersize=5, label=f"step to {highest} (Nyquist)"
            )
        axes.plot(
            inside,
            scale["without_nyquist"][version]["scale"],
            color=figures.GREEN,
            linestyle="--",
            label=lettering.name(front_end.name) + (f", without {highest}" if scale["with_nyquist"] else ""),
        )
        axes.set_title(title, fontsize=11)
        axes.set_xlabel("Frequency (Hz)")
        axes.set_ylabel("Normalised scale")
        axes.set_xticks(range(0, int(frequency[-1]) + 1, 2000))
    _draw_by_angles(panels[2], front_end, measured["learned_scale"])
    handles, names = panels[0].get_legend_handles_labels()
    figures.legend(figure, handles, names=names, columns=3)
    return figure


def _draw_by_angles(axes: figures.Axes, front_end: NamedFrontEnd, learned: Metrics) -> None:
    axes.set_title("By angles, over small steps", fontsize=11)
    axes.set_xlabel("Frequency (Hz)")
    if "undefined" in learned:
        axes.text(0.5, 0.5, "undefined", ha="center", transform=axes.transAxes)
        return
    frequency = np.asarray(learned["frequency"])
    for name, (colour, dashes) in _DRAWN.items():
        known = scales.normalise(SCALES[name](frequency))
        axes.plot(frequency, known, color=colour, linestyle=dashes, linewidth=1.2)
    axes.plot(frequency, learned["scale"], color=figures.GREEN, linestyle="--", label=front_end.name)
    told = ", ".join(f"{name} {fit['value']:.3f}" for name, fit in learned["r2"].items())
    axes.set_xlabel(f"Frequency (Hz), steps of {learned['step_cents']:.0f} cents\nR²: {told}", fontsize=8)
    if learned["saturated"]:
        axes.set_title("By angles: SATURATED, take a smaller --step", fontsize=10)


if __name__ == "__main__":
    flags.launch(
        lambda front_ends, results: run(front_ends, results, scale_range=learned_scale.chosen()),
        errors=(learned_scale.RangeError,),
        own=(options,),
    )
