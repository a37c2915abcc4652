"""Figures and the map of pure tones."""

import numpy as np

from w2v_jax import scales
from w2v_jax.scores.frequency_scale import SCALES

from ..draw import figures, lettering
from ..hearing import Heard, Points
from ..measures import learned_scale, map_order
from ..store.rows import Measurements
from .measuring import ALL, BELOW_NYQUIST, BIAS, BIAS_DISTANCE, PURE_TONES, REFERENCE, SCALE, VERSIONS

MARKED_KHZ = range(1, 8)
_DRAWN = {
    "Hz": ("black", ":"),
    "Mel": (figures.BLUE, "-"),
    "Bark": (figures.ORANGE, "-"),
    "log Hz": ("black", (0, (5, 2))),
}


def draw_bias(heard: Heard, measured: Measurements) -> figures.Figure:
    """How far a DC offset moves each tone: cosine distances, which tell cells apart where all cosines are 1."""
    figure, (axes,) = figures.panels(1, size=(5.6, 4.2))
    figures.heat_map(
        axes,
        measured.array(BIAS_DISTANCE, encoder=heard.name).reshape(BIAS.shape),
        rows=[f"{frequency:g}" for frequency in BIAS.axis("frequency")],
        columns=[f"{bias:g}" for bias in BIAS.axis("bias")],
        limits=(0, 2),
        colour_label="Cosine distance (0: the same direction)",
        least=1e-6,
    )
    axes.set_title(f"How far a DC offset moves a tone: {heard.name}", fontsize=11)
    axes.set_xlabel("DC offset, added to a tone of amplitude 0.5")
    axes.set_ylabel("Tone (Hz)")
    return figure


def draw_pure_tones(heard: Heard, measured: Measurements) -> figures.Figure:
    frequency, positions = heard.grid(PURE_TONES.name).axis("frequency"), heard.umap(PURE_TONES.name)
    figure, (axes,) = figures.panels(1, size=(5.8, 5.4))
    x, y = positions.T
    axes.scatter(x, y, c=frequency / 1000, cmap=figures.SEQUENTIAL, s=22, linewidths=0)
    khz_shown = [khz for khz in MARKED_KHZ if 1000 * khz <= frequency[-1]]
    marked = [int(np.argmin(np.abs(frequency - 1000 * khz))) for khz in khz_shown]
    x, y = positions[marked].T
    axes.scatter(x, y, s=45, color=figures.ORANGE, edgecolors="white", linewidths=0.6, zorder=3)
    names = [f"{khz} kHz" for khz in khz_shown]
    if frequency[-1] >= heard.frames.nyquist:
        x, y = positions[-1]
        axes.scatter(x, y, s=90, color="black", marker="X", edgecolors="white", linewidths=0.8, zorder=4)
        marked.append(len(frequency) - 1)
        names.append(f"{frequency[-1] / 1000:g} kHz (Nyquist)")
    of = f"{len(frequency)} tones, {frequency[0]:,.0f} to {frequency[-1]:,.0f} Hz"
    figures.as_map(
        axes,
        f"Pure tones: {heard.name}",
        of=figures.map_of(of, heard.results.size),
        below=map_order.below(measured, heard.name, PURE_TONES.name, sounds="tones"),
    )
    figures.colour_bar(axes, "Frequency (kHz)", (frequency[0] / 1000, frequency[-1] / 1000))
    figures.labels(axes, [figures.Label(*each) for each in zip(names, positions[marked], strict=True)], fontsize=9)
    return figure


def draw_scale(heard: Heard, measured: Measurements) -> figures.Figure:
    """As published, corrected, and by angles: known scales and the encoder's own, with and without Nyquist's tone."""
    name, own = heard.name, lettering.name(heard.name)
    frequency = heard.grid(PURE_TONES.name).axis("frequency")
    inside = frequency[frequency < heard.frames.nyquist]
    highest = f"{frequency[-1] / 1000:g} kHz"
    figure, panels = figures.panels(
        3, size=(4.2, 3.9), title=f"Learned frequency scale: {name} ({len(frequency)} tones)"
    )
    for axes, (version, title) in zip(panels[:2], VERSIONS.items(), strict=True):
        for scale, (colour, dashes) in _DRAWN.items():
            known = measured.array(REFERENCE, encoder=name, scale=scale, tones=BELOW_NYQUIST)
            axes.plot(inside, known, color=colour, linestyle=dashes, linewidth=1.2, label=scale)
        has_nyquist = any(measured.select(SCALE, encoder=name, sum=version, tones=ALL))
        if has_nyquist:
            with_nyquist = measured.array(SCALE, encoder=name, sum=version, tones=ALL)
            axes.plot(frequency, with_nyquist, color=figures.GREY, linewidth=2.5, label=own)
            step = f"step to {highest} (Nyquist)"
            axes.plot(frequency[-2:], with_nyquist[-2:], "kx-", linewidth=1, markersize=5, label=step)
        learned = measured.array(SCALE, encoder=name, sum=version, tones=BELOW_NYQUIST)
        label = own + (f", below {highest}" if has_nyquist else "")
        axes.plot(inside, learned, color=figures.GREEN, linestyle="--", label=label)
        if not np.isfinite(learned).any():
            _say_undefined(axes)
        axes.set_title(title, fontsize=11)
        axes.set_xlabel("Frequency (Hz)")
        axes.set_ylabel("Normalised scale")
        axes.set_xticks(range(0, int(frequency[-1]) + 1, 2000))
    _draw_by_angles(panels[2], name, measured)
    handles, names = panels[0].get_legend_handles_labels()
    figures.legend(figure, handles, names=names, columns=3)
    return figure


def _say_undefined(axes: figures.Axes) -> None:
    axes.text(0.5, 0.5, "undefined", ha="center", transform=axes.transAxes)


def _draw_by_angles(axes: figures.Axes, name: str, measured: Measurements) -> None:
    axes.set_title("By angles, over small steps", fontsize=11)
    axes.set_xlabel("Frequency (Hz)")
    if measured.value(learned_scale.SMALL_STEPS, encoder=name) is None:
        _say_undefined(axes)
        return
    frequency = np.array(measured.parameter("frequency", learned_scale.NAME, encoder=name))
    for scale, (colour, dashes) in _DRAWN.items():
        known = scales.normalise(SCALES[scale](frequency))
        axes.plot(frequency, known, color=colour, linestyle=dashes, linewidth=1.2)
    curve = measured.array(learned_scale.NAME, encoder=name)
    axes.plot(frequency, curve, color=figures.GREEN, linestyle="--", label=name)
    axes.set_title(f"By angles, {frequency[0]:,.0f} to {frequency[-1]:,.0f} Hz", fontsize=11)
    fits = measured.select(learned_scale.FIT, encoder=name)
    told = ", ".join(f"{dict(fit.parameters)['scale']} {fit.value:.3f}" for fit in fits)
    step = measured.value(f"{learned_scale.NAME}: step", encoder=name)
    axes.set_xlabel(f"Frequency (Hz), steps of {step:.0f} cents\nR²: {told}", fontsize=8)
    if learned_scale.is_saturated(measured, name):
        axes.set_title("By angles: SATURATED, take a smaller --step", fontsize=10)


def place_tones(heard: Heard) -> tuple[Points, np.ndarray]:
    return heard.grid(PURE_TONES.name).points(), heard.umap(PURE_TONES.name)


def caption(points: Points) -> str:
    frequency = points["frequency"]
    return f"{len(frequency):,} tones, {frequency.min():,.0f} to {frequency.max():,.0f} Hz"


def labels(points: Points, measured: Measurements) -> list[dict[str, object]]:
    frequency = points["frequency"]
    heard = [khz for khz in range(1, 9) if 1000 * khz <= frequency.max()]
    return [{"text": f"{khz} kHz", "row": int(np.argmin(np.abs(frequency - 1000 * khz)))} for khz in heard]


def silent(points: Points, measured: Measurements) -> list[int]:
    """Tones at a Nyquist frequency: with zero phase they are silence."""
    nyquist = {each.frames["sample_rate"] / 2 for each in measured.encoders.values()}
    return [row for row, frequency in enumerate(points["frequency"]) if frequency in nyquist]
