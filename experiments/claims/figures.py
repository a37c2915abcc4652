"""The figures of `experiments.claims`: scores next to their controls, scores by layer, filters, and tuning."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from w2v_jax import scales, tuning
from w2v_jax.front_end import FRAMES

from ..draw import figures
from ..front_ends.controls import seed_of
from ..sentences import listed
from ..store.populations import Population
from ..store.rows import Measurements, Row
from ..vowel_choice import PAPERS, VowelChoice
from .questions import CLAIMS, placed
from .sounds import SEEDS_ASKED_ALL
from .table import is_saturated, layers_in, score_names, score_of

LEAST = -0.25  # scores below it are drawn at the edge
OFFSETS = {"encoder": -0.09, "untrained": 0.09, "log-mel": -0.27, "stft": 0.27}  # from the middle of a row
_SATURATED = "†"  # beside a score whose sounds are farther apart than the tuning
_MOST_NAMED = 4
TUNED_LAYERS = 4  # panels of tuning curves, spread over the layers


def draw_claims(population: Population, measured: Measurements, *, vowels: VowelChoice = PAPERS) -> Figure:
    """Main scores of the final frames and those to read with them: encoders, untrained encoders and spectrograms."""
    primary: dict[str, list[str]] = {}
    for claim, name in score_names(measured):
        question = CLAIMS[claim][name]
        if question.leads and question.unit is None:  # errors, in cents and dB, have a figure of their own
            primary.setdefault(claim, []).append(name)
    heights = [len(names) for names in primary.values()]
    figure = Figure(figsize=(9.0, 0.24 * sum(heights) + 2.4), layout="constrained")
    panels = figure.subplots(len(primary), 1, sharex=True, gridspec_kw={"height_ratios": [h + 0.6 for h in heights]})
    shown = [("encoder", each) for each in population.members]
    shown += [*(("untrained", each) for each in population.untrained), *population.spectrograms.items()]
    saturated: set[str] = set()
    for axes, (claim, names) in zip(panels, primary.items(), strict=True):
        rows = np.arange(len(names))
        axes.hlines(rows, LEAST - 0.05, 1.05, color="#E4E4E4", linewidth=0.8, zorder=0)
        # The encoders last, so that they lie on top.
        for kind, each in reversed(shown):
            offset = OFFSETS[kind]
            for row, name in zip(rows, names, strict=True):
                score = score_of(measured, each, claim, name)
                if score is not None and score.value is not None:
                    _interval(axes, score, row + offset, kind)
        axes.axvline(0, color="black", linewidth=0.6)
        too_far = {name: [each for _, each in shown if is_saturated(measured, each, claim, name)] for name in names}
        saturated.update(*too_far.values())
        axes.set_yticks(rows, [f"{name} {_SATURATED}" if too_far[name] else name for name in names], fontsize=8)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(LEAST - 0.05, 1.05)
        axes.set_title(claim, loc="left", fontsize=10, fontweight="bold", pad=3)
        axes.tick_params(axis="y", length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
    caption = [f"Score, 95% interval over sounds (below {LEAST:g}: hollow, at the edge)"]
    if saturated:
        several = listed(sorted(saturated)) if len(saturated) <= _MOST_NAMED else f"{len(saturated)} of these"
        caption.append(f"{_SATURATED}: saturated, the sounds are farther apart than the tuning of {several}")
    panels[-1].set_xlabel("\n".join(caption))
    said = title(f"The claims as numbers: {population.name}, final frames", measured.quick, vowels)
    figure.suptitle(said, fontsize=12)
    add_legend(figure, population, spectrograms_marked=True)
    return figure


def draw_read_off(population: Population, measured: Measurements, *, vowels: VowelChoice = PAPERS) -> Figure:
    """How far off parameters are read, in cents, through the layers: a panel per parameter and synthesis."""
    first = population.members[0]
    drawn = [(claim, name) for claim, name in score_names(measured) if CLAIMS[claim][name].noticeable is not None]
    said = title(f"Read off in new contexts: {population.name}", measured.quick, vowels)
    figure, panels = figures.panels(max(len(drawn), 1), size=(3.1, 2.6), columns=3, title=said)
    layers = layers_in(measured, first)
    places = np.arange(len(layers))
    seeds = _in_all_layers(population, measured)
    for axes, (claim, name) in zip(panels, drawn, strict=False):
        for kind, control in population.spectrograms.items():
            row = score_of(measured, control, claim, name)
            if row is not None and row.value is not None:
                style = figures.STYLES[kind]
                axes.axhline(max(row.value, 1.0), linewidth=1.4, color=style["color"], linestyle=figures.LINES[kind])
        for kind, several in (("untrained", seeds), ("encoder", population.members)):
            style = figures.STYLES[kind]
            for each in several:
                values = values_at([score_of(measured, each, claim, name, at) for at in layers_in(measured, each)])
                drawn_at = places[: len(values)]
                axes.plot(drawn_at, np.maximum(values, 1.0), color=style["color"], marker=style["marker"], markersize=4)
        noticeable = CLAIMS[claim][name].noticeable
        assert noticeable is not None
        axes.axhline(noticeable, color="black", linewidth=0.8, linestyle=(0, (4, 2)))
        figures.logarithmic(axes, "y")
        axes.set_title(f"{claim}:\n{name}", fontsize=8)
        axes.set_xticks(places, [layer.removeprefix("conv ") for layer in layers], fontsize=8)
        axes.tick_params(axis="y", labelsize=8)
    panels[0].set_ylabel("Median error (cents; lower is better)", fontsize=9)
    line = figures.Line2D(
        [], [], color="black", linewidth=0.8, linestyle=(0, (4, 2)), label="a listener's just noticeable difference"
    )
    add_legend(figure, population, seeds=len(seeds), spectrograms_marked=False, others=[line])
    return figure


def title(text: str, quick: bool, vowels: VowelChoice) -> str:
    """A title that says so where sounds are few, or vowels not the paper's."""
    text = f"{text} (few sounds)" if quick else text
    return text if vowels.is_papers else f"{text}\n{vowels.caption_by_f0}"


def first_seeds(population: Population) -> tuple[str, ...]:
    """The encoders with random weights that are asked about everything."""
    return tuple(each for each in population.untrained if (seed_of(each) or 0) <= SEEDS_ASKED_ALL)


def values_at(several: Sequence[Row | None], end: Callable[[Row], float | None] = lambda row: row.value) -> np.ndarray:
    """Values of rows, or their ends; NaN where there is none."""
    values = [None if row is None else end(row) for row in several]
    return np.array([np.nan if each is None else each for each in values])


def _in_all_layers(population: Population, measured: Measurements) -> tuple[str, ...]:
    """Those with random weights that were asked in every layer; of the others there are the final frames only."""
    count = len(layers_in(measured, population.members[0]))
    return tuple(each for each in population.untrained if len(layers_in(measured, each)) == count)


def _interval(axes: Axes, score: Row, row: float, kind: str) -> None:
    style = figures.STYLES[kind]
    value, low, high = (LEAST if each is None else each for each in (score.value, score.low, score.high))
    axes.hlines(row, max(low, LEAST), max(high, LEAST), color=style["color"], linewidth=1.4, alpha=0.7, zorder=2)
    axes.scatter(
        max(value, LEAST),
        row,
        s=26 if kind == "encoder" else 18,
        marker=style["marker"],
        facecolors="white" if value < LEAST else style["color"],
        edgecolors=style["color"],
        linewidths=0.8,
        zorder=4 if kind == "encoder" else 3,
    )


def add_legend(
    figure: Figure,
    population: Population,
    *,
    spectrograms_marked: bool,
    seeds: int | None = None,
    others: Sequence[figures.Line2D] = (),
) -> None:
    """Below a figure: what each kind of mark is, and what `others` are. Spectrograms without marks are lines.

    Args:
        figure: the figure.
        population: what is drawn, with its controls.
        spectrograms_marked: whether they have marks: through the layers they have none.
        seeds: how many with random weights are drawn; by default all.
        others: further entries.
    """
    seeds = len(population.untrained) if seeds is None else seeds
    names = {"encoder": f"{population.name}, {population.counted}" if population.is_group else population.name}
    if seeds:
        names["untrained"] = f"random weights, {seeds} seeds"
    names |= population.spectrograms
    entries = []
    for kind, name in names.items():
        style = figures.STYLES[kind]
        marked = spectrograms_marked or kind in ("encoder", "untrained")
        drawn = {"marker": style["marker"], "markersize": 6} if marked else {"linestyle": figures.LINES[kind]}
        entries.append(figures.Line2D([], [], color=style["color"], label=name, **drawn))
    figures.legend(figure, [*entries, *others])


def draw_layers(population: Population, measured: Measurements, *, vowels: VowelChoice = PAPERS) -> Figure:
    """Some scores through the layers: the encoder's, each untrained one's, and the spectrograms' as lines."""
    (encoder,) = population.members
    several = set(score_names(measured))
    drawn = [(claim, name) for claim, name, _ in placed("through_layers") if (claim, name) in several]
    figure, panels = figures.panels(
        len(drawn),
        size=(3.1, 2.3),
        columns=4,
        title=title(f"Scores layer by layer: {encoder}", measured.quick, vowels),
    )
    layers = layers_in(measured, encoder)
    seeds = _in_all_layers(population, measured)
    places = np.arange(len(layers))
    for index, (axes, (claim, name)) in enumerate(zip(panels, drawn, strict=True)):
        for kind, control in population.spectrograms.items():
            row = score_of(measured, control, claim, name)
            if row is not None and row.value is not None:
                colour, dashes = figures.STYLES[kind]["color"], figures.LINES[kind]
                axes.axhline(max(row.value, LEAST), linewidth=1.4, color=colour, linestyle=dashes)
        for each in seeds:
            at = [score_of(measured, each, claim, name, layer) for layer in layers_in(measured, each)]
            value = np.maximum(values_at(at), LEAST)
            axes.plot(places, value, color=figures.STYLES["untrained"]["color"], linewidth=1, marker="d", markersize=3)
        at = [score_of(measured, encoder, claim, name, layer) for layer in layers]
        low, high = (np.maximum(values_at(at, end), LEAST) for end in (lambda row: row.low, lambda row: row.high))
        value = np.maximum(values_at(at), LEAST)
        axes.fill_between(places, low, high, color=figures.ORANGE, alpha=0.25, linewidth=0)
        axes.plot(places, value, color=figures.ORANGE, linewidth=1.8, marker="o", markersize=4)
        too_far = [place for place in places if is_saturated(measured, encoder, claim, name, layers[place])]
        axes.plot(places[too_far], value[too_far], "o", color=figures.ORANGE, markerfacecolor="white", zorder=4)
        axes.set_title(f"{claim}:\n{name}", fontsize=8)
        axes.set_ylim(LEAST - 0.05, 1.05)
        axes.set_xticks(places, [layer.removeprefix("conv ") for layer in layers], fontsize=8)
        axes.tick_params(axis="y", labelsize=8)
        axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
        if index >= len(drawn) - 4:
            axes.set_xlabel("Convolution, then final frames", fontsize=8)
    figure.supylabel(f"Score (below {LEAST:g}: drawn at {LEAST:g}; hollow: saturated)", fontsize=9)
    add_legend(figure, population, seeds=len(seeds), spectrograms_marked=False)
    return figure


def draw_filters(name: str, filters: np.ndarray, *, sample_rate: int) -> Figure:
    """The frequency responses of the first layer's filters, sorted by peak, and the peaks next to known scales."""
    responses = tuning.frequency_responses(filters, sample_rate=sample_rate)
    figure, (image_axes, axes) = figures.panels(
        2, size=(4.6, 4.2), title=f"First layer: {len(responses.peak)} filters of {name}"
    )
    figures.filter_images([image_axes], [responses])
    image_axes.set_title("Frequency responses, sorted by peak", fontsize=10)
    _spread(axes, {"peaks of the filters": (responses.peak, figures.ORANGE)}, 0.0, float(responses.frequency[-1]))
    axes.set_title("Peaks next to even spreads", fontsize=10)
    axes.set_xlabel("Share of filters")
    axes.set_ylabel("Frequency (kHz)")
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    return figure


def draw_tuning(encoder: str, tuned: Mapping[str, tuning.TuningCurves], *, nyquist: float) -> Figure:
    """Tuning curves of some layers, sorted by best frequency; best frequencies next to scales; and bandwidths."""
    names = list(tuned)
    chosen = [names[i] for i in np.unique(np.linspace(0, len(names) - 1, TUNED_LAYERS).round().astype(int))]
    figure = Figure(figsize=(3.3 * len(chosen), 8.4), layout="constrained")
    panels = figure.subplots(3, len(chosen), squeeze=False)
    images = []
    for column, name in enumerate(chosen):
        curves = tuned[name]
        khz = curves.frequency / 1000
        order = np.argsort(curves.best_frequency, kind="stable")
        top, middle, bottom = panels[:, column]
        image = top.imshow(
            curves.response[order].T,
            origin="lower",
            aspect="auto",
            cmap=figures.SEQUENTIAL,
            vmin=0,
            vmax=1,
            extent=(0, len(order), khz[0], khz[-1]),
        )
        images.append(image)
        top.set_title(name if name != FRAMES else "final frames", fontsize=10)
        top.set_xlabel(f"Channel ({len(order)}, sorted)", fontsize=9)
        colour = figures.ORANGE
        _spread(
            middle, {"best frequencies": (curves.best_frequency, colour)}, curves.frequency[0], curves.frequency[-1]
        )
        middle.set_xlabel("Share of channels", fontsize=9)
        bottom.scatter(
            curves.best_frequency / 1000, curves.bandwidth / 1000, s=5, color=colour, alpha=0.5, linewidths=0
        )
        bottom.set_xlabel("Best frequency (kHz)", fontsize=9)
        bottom.set_xlim(0, nyquist / 1000)
        bottom.set_ylim(0, nyquist / 1000)
        for axes in (top, middle, bottom):
            axes.tick_params(labelsize=8)
    for axes, label in zip(
        panels[:, 0],
        ("Frequency of the tone (kHz)", "Best frequency (kHz)", "Bandwidth at half height (kHz)"),
        strict=True,
    ):
        axes.set_ylabel(label, fontsize=9)
    panels[1, 0].legend(fontsize=8, frameon=False, loc="upper left")
    figure.colorbar(images[-1], ax=panels[0].tolist(), label="Response, smallest to largest", shrink=0.9)
    figure.suptitle(f"Tuning to pure tones: {encoder}")
    return figure


def _spread(axes: Axes, frequencies: Mapping[str, tuple[np.ndarray, str]], lowest: float, highest: float) -> None:
    """Sorted frequencies over their share, and how they would lie if spread evenly in Hz or in Mel."""
    even = np.linspace(0, 1, 200)
    mel = np.linspace(scales.mel(lowest), scales.mel(highest), 200)
    in_hz = np.interp(mel, scales.mel(np.linspace(lowest, highest, 2000)), np.linspace(lowest, highest, 2000))
    axes.plot(even, (lowest + even * (highest - lowest)) / 1000, color="black", linestyle=":", label="even in Hz")
    axes.plot(even, in_hz / 1000, color=figures.BLUE, label="even in Mel")
    for label, (frequency, colour) in frequencies.items():
        share = (np.arange(len(frequency)) + 0.5) / len(frequency)
        axes.plot(share, np.sort(frequency) / 1000, color=colour, linewidth=2, label=label)
