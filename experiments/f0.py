"""Section 3.3: fundamental frequency and bias.

Writes the sweeps `bias`, `pure_tones` and `scale_tones`, the bias heat map, the UMAP picture of pure tones, and the
frequency scale that the front end has learned, next to known ones: the paper's two curves, and one by angles over small
steps, from `--lowest` to `--highest`.
"""

from collections.abc import Sequence

import jax
import numpy as np

from w2v_jax import grids, scales, similarity, stimuli
from w2v_jax._src.arguments import Scalar
from w2v_jax.scores import Bootstrap

from .draw import figures, lettering
from .experiment import Experiment, Figure, Map, Parameter, Points, Published, Setting, Sweep
from .front_ends.paper import model_of, prints_as
from .hearing import Heard
from .launch import flags
from .measures import learned_scale, map_order
from .sentences import listed
from .store import rows
from .store.rows import Measurements, Row

BIAS = grids.BIAS
BIAS_AMPLITUDE = 0.5
PURE_TONES = grids.PURE_TONES
_THINNED = {"smoke": grids.PURE_TONES.thinned(frequency=17), "quick": grids.PURE_TONES.thinned(frequency=80)}
MARKED_KHZ = range(1, 8)
UNMOVED = 0.005  # cosine distance, below which a DC offset counts as leaving a tone where it is

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

# Quantities, and the values of their parameter `tones`.
BIAS_COSINE = "cosine of a tone with a DC offset to the same tone without"
BIAS_DISTANCE = "cosine distance of a tone with a DC offset to the same tone without"
BIAS_LEAST = "lowest cosine of a tone with a DC offset to the same tone without"
STEP = "cosine distance to the next tone"
STEP_MEDIAN = "cosine distance to the next tone, median"
STEP_LAST = "cosine distance to the next tone, of the last step"
REFERENCE = "known frequency scale"
SCALE = "learned frequency scale"
RMS = "learned frequency scale: rms difference from a known scale"
ALL, BELOW_NYQUIST = "all", "below Nyquist"

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


def pure_tones(setting: Setting) -> grids.Grid:
    """The paper's pure tones, as far as the front end's sample rate holds them."""
    grid = _THINNED.get(setting.results.size, PURE_TONES)
    return grid.limited("frequency", highest=setting.front_end.frames.nyquist)


def sweeps(setting: Setting) -> tuple[Sweep, ...]:
    """What a front end hears."""
    return (
        Sweep(BIAS.name, BIAS, biased_tone),
        Sweep(PURE_TONES.name, pure_tones, tone),
        learned_scale.sweep_for(setting),
    )


def measure(heard: Heard) -> list[Row]:
    """What a DC offset does, the learned scale in three ways, and the numbers under the map of tones."""
    frequency = heard.grid(PURE_TONES.name).axis("frequency")
    tones, nyquist = heard.features(PURE_TONES.name), heard.frames.nyquist
    steps = learned_scale.SWEEP
    return [
        *measure_bias(heard.features(BIAS.name)),
        *measure_scale(tones, frequency, nyquist=nyquist),
        *learned_scale.measure(heard.features(steps), heard.grid(steps), bootstrap=heard.results.bootstrap),
        *measure_order(
            tones, heard.umap(PURE_TONES.name), frequency, nyquist=nyquist, bootstrap=heard.results.bootstrap
        ).rows(),
    ]


def notes(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """What a reader must know, which depends on what the sample rates hold."""
    highest = float(PURE_TONES.axis("frequency")[-1])
    at_nyquist = [each.name for each in several if each.frames.nyquist == highest]
    first = []
    if at_nyquist:
        first.append(
            f"The last pure tone, {highest:,.0f} Hz, is at the Nyquist frequency of {listed(at_nyquist)}: with zero "
            "phase its samples are 0 but for rounding, so its features are those of silence. The dashed curves of the "
            "frequency scale leave it out."
        )
    return [
        *first,
        *NOTES,
        *(
            f"{each.name} hears {each.frames.sample_rate:,} samples a second: the pure tones above "
            f"{each.frames.nyquist:,.0f} Hz, which that rate cannot hold, are left out."
            for each in several
            if each.frames.nyquist < highest
        ),
    ]


def measure_bias(features: np.ndarray) -> list[Row]:
    """cos(r(f, b), r(f, 0)), for features (frequencies * biases, channels) in grid order."""
    frequency, bias = BIAS.axis("frequency"), BIAS.axis("bias")
    features = features.reshape(*BIAS.shape, -1)
    unbiased = np.broadcast_to(features[:, bias == 0], features.shape)
    pairs = (each.reshape(-1, each.shape[-1]) for each in (features, unbiased))
    distance = np.asarray(similarity.paired_cosine_distance(*pairs)).reshape(BIAS.shape)
    frequency = frequency[:, None]
    return [
        *rows.curve(BIAS_COSINE, 1 - distance, frequency=frequency, bias=bias),
        # With digits that 1 - distance has not.
        *rows.curve(BIAS_DISTANCE, distance, frequency=frequency, bias=bias),
        rows.number(BIAS_LEAST, np.min(1 - distance), better="higher"),
    ]


def measure_order(
    features: np.ndarray,
    positions: np.ndarray,
    frequency: np.ndarray,
    *,
    nyquist: float,
    bootstrap: Bootstrap | None = None,
) -> map_order.MapOrder:
    """The numbers under the map of tones; those of silence, at Nyquist, are left out.

    Args:
        features: (tones, channels).
        positions: (tones, 2), on the map.
        frequency: (tones,) in Hz.
        nyquist: Hz.
        bootstrap: as for the scores.
    """
    below = frequency < nyquist
    log_frequency = {"log frequency": scales.log_hz(frequency[below])}
    return map_order.measure(
        features[below], positions[below], log_frequency, sweep=PURE_TONES.name, bootstrap=bootstrap
    )


def measure_scale(features: np.ndarray, frequency: np.ndarray, *, nyquist: float) -> list[Row]:
    """The learned scale with and without the tone at Nyquist, and how far it is from known scales.

    Args:
        features: (tones, channels).
        frequency: (tones,) in Hz, ascending.
        nyquist: Hz; of a tone there, with zero phase, nothing is left.
    """
    below = frequency < nyquist
    # Nothing with it where no tone is there, or where silence has no features at all, and so no distance to anything.
    with_nyquist = _scales(features, frequency, tones=ALL) if not below[-1] and features[-1].any() else []
    return [*with_nyquist, *_scales(features[below], frequency[below], tones=BELOW_NYQUIST)]


def _scales(features: np.ndarray, frequency: np.ndarray, *, tones: str) -> list[Row]:
    distances = np.asarray(similarity.adjacent_distance(features))
    references = {name: scales.normalise(scale(frequency)) for name, scale in SCALES.items()}
    measured = [
        *rows.curve(STEP, distances, frequency=frequency[:-1], tones=tones),
        rows.number(STEP_MEDIAN, np.median(distances), tones=tones),
        rows.number(STEP_LAST, distances[-1], tones=tones),
    ]
    for name, reference in references.items():
        measured += rows.curve(REFERENCE, reference, frequency=frequency, scale=name, tones=tones)
    for version in VERSIONS:
        learned = scales.learned(distances, version=version)
        measured += rows.curve(SCALE, learned, frequency=frequency, sum=version, tones=tones)
        for name, reference in references.items():
            difference = float(np.sqrt(np.mean((learned - reference) ** 2)))
            measured.append(rows.number(RMS, difference, better="lower", sum=version, scale=name, tones=tones))
    return measured


def headline(measured: Measurements) -> str:
    """Whether a DC offset moves tones, and which frequency scale their spacing is nearest to."""
    least = {name: row.value for name, row in measured.known(BIAS_LEAST).items() if row.value is not None}
    still = {name: cosine for name, cosine in least.items() if 1 - cosine < UNMOVED}
    parts = []
    if still:
        parts.append(
            f"Adding a DC offset does not change a tone's features for {listed(list(still))} (lowest cosine "
            f"{min(still.values()):.2f})."
        )
    if moved := [f"{name} (lowest cosine {cosine:.2f})" for name, cosine in least.items() if name not in still]:
        parts.append(f"Adding a DC offset changes a tone's features for {listed(moved)}.")
    nearest: dict[str, list[str]] = {}
    for name in measured.encoders:
        nearest.setdefault(learned_scale.said(measured, name), []).append(name)
    said = [f"{words} for {listed(names)}" for words, names in nearest.items()]
    parts.append(f"The spacing of tones a small step apart is {listed(said)}, of {listed(list(SCALES))}.")
    return " ".join(parts)


RULE = (
    f"An offset does not change a tone's features if every cosine distance is below {UNMOVED:g}. An encoder with a "
    "group norm removes an offset, trained or not. The spacing adds up the angles between neighbouring tones; a "
    f"known scale is the nearest if the next one leaves {learned_scale.CLEARLY:g} times as much of it "
    "unexplained (1 - R²). What is nearest need not be near. Too coarse to tell: more than one step in ten is too "
    "large; take a smaller --step."
)


def published(measured: Measurements) -> list[Published]:
    """The paper's heat map of DC offsets (section 3.3, first figure: Base, all 25 cells are 1) next to ours."""
    compared = []
    for name, about in measured.encoders.items():
        if model_of(about.source) == "Base":
            cosines = measured.array(BIAS_COSINE, encoder=name).tolist()
            farthest = max(cosines, key=lambda cosine: abs(cosine - 1))
            agrees = all(prints_as(cosine, "1", digits=2) for cosine in cosines)
            quantity = f"bias, {len(cosines)} cells (ours: the farthest)"
            compared.append(Published(name, quantity, "1", farthest, agrees))
    return compared


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
    order = map_order.of(measured, heard.name, PURE_TONES.name)
    figures.as_map(
        axes,
        f"Pure tones: {heard.name}",
        of=figures.quick_mark(of, quick=heard.quick),
        below=map_order.caption(order, sounds="tones") if order else (),
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
        axes.plot(
            inside,
            measured.array(SCALE, encoder=name, sum=version, tones=BELOW_NYQUIST),
            color=figures.GREEN,
            linestyle="--",
            label=own + (f", without {highest}" if has_nyquist else ""),
        )
        axes.set_title(title, fontsize=11)
        axes.set_xlabel("Frequency (Hz)")
        axes.set_ylabel("Normalised scale")
        axes.set_xticks(range(0, int(frequency[-1]) + 1, 2000))
    _draw_by_angles(panels[2], name, measured)
    handles, names = panels[0].get_legend_handles_labels()
    figures.legend(figure, handles, names=names, columns=3)
    return figure


def _draw_by_angles(axes: figures.Axes, name: str, measured: Measurements) -> None:
    axes.set_title("By angles, over small steps", fontsize=11)
    axes.set_xlabel("Frequency (Hz)")
    if measured.value(learned_scale.SMALL_STEPS, encoder=name) is None:
        axes.text(0.5, 0.5, "undefined", ha="center", transform=axes.transAxes)
        return
    frequency = np.array(measured.parameter("frequency", learned_scale.NAME, encoder=name))
    for scale, (colour, dashes) in _DRAWN.items():
        known = scales.normalise(SCALES[scale](frequency))
        axes.plot(frequency, known, color=colour, linestyle=dashes, linewidth=1.2)
    curve = measured.array(learned_scale.NAME, encoder=name)
    axes.plot(frequency, curve, color=figures.GREEN, linestyle="--", label=name)
    fits = measured.select(learned_scale.FIT, encoder=name)
    told = ", ".join(f"{dict(fit.parameters)['scale']} {fit.value:.3f}" for fit in fits)
    step = measured.value(f"{learned_scale.NAME}: step", encoder=name)
    axes.set_xlabel(f"Frequency (Hz), steps of {step:.0f} cents\nR²: {told}", fontsize=8)
    if learned_scale.is_saturated(measured, name):
        axes.set_title("By angles: SATURATED, take a smaller --step", fontsize=10)


def _map(heard: Heard) -> tuple[Points, np.ndarray]:
    return heard.grid(PURE_TONES.name).points(), heard.umap(PURE_TONES.name)


def _on_map(points: Points) -> str:
    frequency = points["frequency"]
    return f"{len(frequency):,} tones, {frequency.min():,.0f} to {frequency.max():,.0f} Hz"


def _labels(points: Points, measured: Measurements) -> list[dict[str, object]]:
    frequency = points["frequency"]
    heard = [khz for khz in range(1, 9) if 1000 * khz <= frequency.max()]
    return [{"text": f"{khz} kHz", "row": int(np.argmin(np.abs(frequency - 1000 * khz)))} for khz in heard]


def _silent(points: Points, measured: Measurements) -> list[int]:
    """Tones at a Nyquist frequency: with zero phase they are silence."""
    nyquist = {each.frames["sample_rate"] / 2 for each in measured.encoders.values()}
    return [row for row, frequency in enumerate(points["frequency"]) if frequency in nyquist]


EXPERIMENT = Experiment(
    name="f0",
    title="Frequency and DC offset",
    question="How is frequency laid out, and does a DC offset matter?",
    options=("learned_scale",),
    in_paper=True,
    sweeps=sweeps,
    measure=measure,
    headline=headline,
    rule=RULE,
    figures=(
        Figure(
            "frequency_scale",
            "The frequency scale",
            "How far tones lie apart, added up along frequency and scaled to end at 1. A curve on top of Mel or Bark "
            "would be an encoder that spaces tones as ears do; the left panel adds a constant, as the paper does.",
            draw_scale,
            wide=True,
        ),
        Figure(
            "bias",
            "A DC offset",
            "Each cell is the cosine distance of a tone with a DC offset to the same tone without: 0 means that the "
            "offset does nothing.",
            draw_bias,
        ),
        Figure("pure_tones", "Pure tones, as a figure", figures.AS_A_FIGURE, draw_pure_tones, folded=True),
    ),
    maps=(
        Map(
            "pure_tones",
            "Pure tones",
            "Each point is a pure tone. Neighbours on a smooth line are tones that the encoder hears as similar; where "
            "the line folds or breaks, tones far apart in frequency are alike, or near ones are not.",
            _map,
            parameters=(Parameter("frequency", "Frequency", "Hz"),),
            colour="frequency",
            colour_title="Frequency (Hz)",
            sounds="tones",
            of=_on_map,
            sound=lambda points: {"kind": "sines", "frequencies": ["frequency"], "amplitudes": [1.0]},
            labels=_labels,
            silent=_silent,
        ),
    ),
    table=(BIAS_LEAST, RMS, learned_scale.FIT),
    notes=notes,
    published=published,
    errors=(learned_scale.RangeError,),
)


if __name__ == "__main__":
    flags.launch(EXPERIMENT)
