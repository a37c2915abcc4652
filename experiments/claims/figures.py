"""The figures of `experiments.claims`: scores next to their controls, scores by layer, filters, and tuning."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from w2v_jax import scales, tuning
from w2v_jax.front_end import FRAMES
from w2v_jax.scores import Score

from ..draw import figures
from ..front_ends.controls import Controls
from ..front_ends.named import NamedFrontEnd
from ..front_ends.populations import Population
from ..vowels.choice import PAPERS, VowelChoice
from ..vowels.synthesis import SYNTHESES
from .questions import CLAIMS, with_synthesis
from .table import Columns

LEAST = -0.25  # scores below it are drawn at the edge
OFFSETS = {"encoder": -0.09, "untrained": 0.09, "log-mel": -0.27, "stft": 0.27}  # from the middle of a row
# Scores followed through the layers: claim and name.
BY_LAYER = (
    ("metric space, with sines", "RSA of vowels with f0, F1, F2, span"),
    ("metric space, with voices", "RSA of vowels with f0, F1, F2, span"),
    ("metric space, with sines", "nearest 10 of vowels, by f0, F1, F2, overlap"),
    ("metric space, with voices", "nearest 10 of vowels, by f0, F1, F2, overlap"),
    ("formants, with sines", "RSA of vowels of one f0 with F1, F2, ERB"),
    ("formants, with voices", "RSA of vowels of one f0 with F1, F2, ERB"),
    ("formants, with sines", "ABX of F1 across f0, mean of the steps"),
    ("formants, with voices", "ABX of F1 across f0, mean of the steps"),
    ("fundamental frequency, with voices", "ABX of f0 across vowels, mean of the steps"),
    ("fundamental frequency", "RSA of tones with their frequency, semitones"),
    ("amplitude", "same under level, relative, other tones"),
    ("temporal detail", "burst of 10 ms, AUC, other tones"),
    ("temporal detail", "steadiness, other tones"),
    ("temporal detail", "same under shift, relative, multiples of the frame rate"),
    ("bias", "same under bias, relative, other tones"),
    ("formants, with voices", "ABX of F2 across f0, mean of the steps"),
)
TUNED_LAYERS = 4  # panels of tuning curves, spread over the layers


def draw_claims(
    population: Population, controls: Controls, columns: Columns, *, quick: bool, vowels: VowelChoice = PAPERS
) -> Figure:
    """Main scores of the final frames and those beside them: encoders, untrained encoders and spectrograms."""
    asked = columns[population.members[0]][FRAMES]
    # Errors, in cents and dB, have a figure of their own.
    primary = {
        claim: [name for name in found if (question := CLAIMS[claim][name]).leads and question.unit is None]
        for claim, found in asked.items()
    }
    primary = {claim: names for claim, names in primary.items() if names}
    heights = [len(names) for names in primary.values()]
    figure = Figure(figsize=(9.0, 0.24 * sum(heights) + 2.4), layout="constrained")
    panels = figure.subplots(len(primary), 1, sharex=True, gridspec_kw={"height_ratios": [h + 0.6 for h in heights]})
    shown = [*(("encoder", each) for each in population.members), *(("untrained", each) for each in controls.untrained)]
    shown += controls.spectrograms.items()
    for axes, (claim, names) in zip(panels, primary.items(), strict=True):
        rows = np.arange(len(names))
        axes.hlines(rows, LEAST - 0.05, 1.05, color="#E4E4E4", linewidth=0.8, zorder=0)
        # The encoders last, so that they lie on top.
        for kind, each in reversed(shown):
            offset = OFFSETS[kind]
            for row, name in zip(rows, names, strict=True):
                cell = columns[each][FRAMES][claim][name]
                if isinstance(cell, Score):
                    _interval(axes, cell, row + offset, kind)
        axes.axvline(0, color="black", linewidth=0.6)
        axes.set_yticks(rows, names, fontsize=8)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(LEAST - 0.05, 1.05)
        axes.set_title(claim, loc="left", fontsize=10, fontweight="bold", pad=3)
        axes.tick_params(axis="y", length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
    panels[-1].set_xlabel(f"Score, 95% interval over sounds (below {LEAST:g}: hollow, at the edge)")
    figure.suptitle(title(f"The claims as numbers: {population.name}, final frames", quick, vowels), fontsize=12)
    add_legend(figure, population, controls, spectrograms_marked=True)
    return figure


# By axis of a panel: the scores of reading off that are drawn in it, by the claim without its synthesis.
READ_OFF = {
    "cents": (
        ("fundamental frequency", "f0 read off across vowels, cents", 8.6),
        ("formants", "F1 read off across f0 and F2, cents", 68.0),
        ("formants", "F2 read off across f0 and F1, cents", 68.0),
    ),
}


def draw_read_off(
    population: Population, controls: Controls, columns: Columns, *, quick: bool, vowels: VowelChoice = PAPERS
) -> Figure:
    """How far off parameters are read, in cents, through the layers: a panel per parameter and synthesis."""
    heard = columns[population.members[0]]
    drawn = [
        (with_synthesis(claim, synthesis), name, noticeable)
        for synthesis in SYNTHESES
        for claim, name, noticeable in READ_OFF["cents"]
        if with_synthesis(claim, synthesis) in heard[FRAMES]
    ]
    said = title(f"Read off in contexts that were not heard: {population.name}", quick, vowels)
    figure, panels = figures.panels(max(len(drawn), 1), size=(3.1, 2.6), columns=3, title=said)
    layers = list(heard)
    places = np.arange(len(layers))
    asked = tuple(each for each in controls.untrained if len(columns[each]) == len(layers))
    for axes, (claim, name, noticeable) in zip(panels, drawn, strict=False):
        for kind, control in controls.spectrograms.items():
            cell = columns[control][FRAMES][claim][name]
            if isinstance(cell, Score):
                style = figures.STYLES[kind]
                axes.axhline(max(cell.value, 1.0), linewidth=1.4, color=style["color"], linestyle=figures.LINES[kind])
        for kind, several in (("untrained", asked), ("encoder", population.members)):
            style = figures.STYLES[kind]
            for each in several:
                cells = [column[claim][name] for column in columns[each].values()]
                values = [max(cell.value, 1.0) if isinstance(cell, Score) else np.nan for cell in cells]
                axes.plot(places[: len(values)], values, color=style["color"], marker=style["marker"], markersize=4)
        axes.axhline(noticeable, color="black", linewidth=0.8, linestyle=(0, (4, 2)))
        figures.logarithmic(axes, "y")
        axes.set_title(f"{claim}:\n{name}", fontsize=8)
        axes.set_xticks(places, [layer.removeprefix("conv ") for layer in layers], fontsize=8)
        axes.tick_params(axis="y", labelsize=8)
    panels[0].set_ylabel("Median error (cents; lower is better)", fontsize=9)
    line = figures.Line2D(
        [], [], color="black", linewidth=0.8, linestyle=(0, (4, 2)), label="a listener's just noticeable difference"
    )
    shown = dataclasses.replace(controls, untrained=asked)
    add_legend(figure, population, shown, spectrograms_marked=False, others=[line])
    return figure


def title(text: str, quick: bool, vowels: VowelChoice) -> str:
    """A title that says so where sounds are few, or vowels not the paper's."""
    text = f"{text} (quick: a handful of sounds)" if quick else text
    return text if vowels.is_papers else f"{text}\n{vowels.caption_by_f0}"


def _interval(axes: Axes, score: Score, row: float, kind: str) -> None:
    style = figures.STYLES[kind]
    clipped = score.value < LEAST
    axes.hlines(
        row, max(score.low, LEAST), max(score.high, LEAST), color=style["color"], linewidth=1.4, alpha=0.7, zorder=2
    )
    axes.scatter(
        max(score.value, LEAST),
        row,
        s=26 if kind == "encoder" else 18,
        marker=style["marker"],
        facecolors="white" if clipped else style["color"],
        edgecolors=style["color"],
        linewidths=0.8,
        zorder=4 if kind == "encoder" else 3,
    )


def add_legend(
    figure: Figure,
    population: Population,
    controls: Controls,
    *,
    spectrograms_marked: bool,
    others: Sequence[figures.Line2D] = (),
) -> None:
    """Below a figure: what each kind of mark is, and what `others` are."""
    handles = [*_legend(population, controls, spectrograms_marked=spectrograms_marked), *others]
    figures.legend(figure, handles)


def _legend(population: Population, controls: Controls, *, spectrograms_marked: bool) -> list[figures.Line2D]:
    """One entry per kind. Spectrograms have no layers: through the layers they are lines without marks."""
    several = f", {len(population.members)} trainings" if population.is_group else ""
    names = {"encoder": f"{population.name}{several}"}
    if controls.untrained:
        names["untrained"] = f"random weights, {len(controls.untrained)} seeds"
    names |= {kind: control.name for kind, control in controls.spectrograms.items()}
    entries = []
    for kind, name in names.items():
        style = figures.STYLES[kind]
        marked = spectrograms_marked or kind in ("encoder", "untrained")
        drawn = {"marker": style["marker"], "markersize": 6} if marked else {"linestyle": figures.LINES[kind]}
        entries.append(figures.Line2D([], [], color=style["color"], label=name, **drawn))
    return entries


def draw_layers(
    front_end: NamedFrontEnd, controls: Controls, columns: Columns, *, quick: bool, vowels: VowelChoice = PAPERS
) -> Figure:
    """Some scores through the layers: the encoder's, each untrained one's, and the spectrograms' as lines."""
    drawn = [(claim, name) for claim, name in BY_LAYER if claim in columns[front_end][FRAMES]]
    figure, panels = figures.panels(
        len(drawn),
        size=(3.1, 2.3),
        columns=4,
        title=title(f"Scores layer by layer: {front_end.name}", quick, vowels),
    )
    layers = list(columns[front_end])
    asked = tuple(each for each in controls.untrained if len(columns[each]) == len(layers))
    controls = dataclasses.replace(controls, untrained=asked)  # of the others there are the final frames only
    places = np.arange(len(layers))
    for index, (axes, (claim, name)) in enumerate(zip(panels, drawn, strict=True)):
        for kind, control in controls.spectrograms.items():
            cell = columns[control][FRAMES][claim][name]
            if isinstance(cell, Score):
                colour, dashes = figures.STYLES[kind]["color"], figures.LINES[kind]
                axes.axhline(max(cell.value, LEAST), linewidth=1.4, color=colour, linestyle=dashes)
        for each in controls.untrained:
            low, value, high = _through_layers(columns[each], claim, name)
            axes.plot(places, value, color=figures.STYLES["untrained"]["color"], linewidth=1, marker="d", markersize=3)
        low, value, high = _through_layers(columns[front_end], claim, name)
        axes.fill_between(places, low, high, color=figures.ORANGE, alpha=0.25, linewidth=0)
        axes.plot(places, value, color=figures.ORANGE, linewidth=1.8, marker="o", markersize=4)
        axes.set_title(f"{claim}:\n{name}", fontsize=8)
        axes.set_ylim(LEAST - 0.05, 1.05)
        axes.set_xticks(places, [layer.removeprefix("conv ") for layer in layers], fontsize=8)
        axes.tick_params(axis="y", labelsize=8)
        axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
        if index >= len(drawn) - 4:
            axes.set_xlabel("Convolution, then final frames", fontsize=8)
    figure.supylabel(f"Score (below {LEAST:g}: drawn there)", fontsize=9)
    add_legend(figure, Population(front_end.name, (front_end,)), controls, spectrograms_marked=False)
    return figure


def _through_layers(by_layer: Mapping, claim: str, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cells = [column[claim][name] for column in by_layer.values()]
    values = [(c.low, c.value, c.high) if isinstance(c, Score) else (np.nan,) * 3 for c in cells]
    low, value, high = np.maximum(np.array(values).T, LEAST)
    return low, value, high


def draw_filters(front_end: NamedFrontEnd, filters: np.ndarray) -> Figure:
    """The frequency responses of the first layer's filters, sorted by peak, and the peaks next to known scales."""
    found = tuning.frequency_responses(filters, sample_rate=front_end.frames.sample_rate)
    figure, (image_axes, axes) = figures.panels(
        2, size=(4.6, 4.2), title=f"First layer: {len(found.peak)} filters of {front_end.name}"
    )
    figures.filter_images([image_axes], [found])
    image_axes.set_title("Frequency responses, sorted by peak", fontsize=10)
    _spread(axes, {"peaks of the filters": (found.peak, figures.ORANGE)}, 0.0, float(found.frequency[-1]))
    axes.set_title("Peaks next to even spreads", fontsize=10)
    axes.set_xlabel("Share of filters")
    axes.set_ylabel("Frequency (kHz)")
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    return figure


def draw_tuning(front_end: NamedFrontEnd, tuned: Mapping[str, tuning.TuningCurves]) -> Figure:
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
        bottom.set_xlim(0, front_end.frames.nyquist / 1000)
        bottom.set_ylim(0, front_end.frames.nyquist / 1000)
        for axes in (top, middle, bottom):
            axes.tick_params(labelsize=8)
    for axes, label in zip(
        panels[:, 0],
        ("Frequency of the tone (kHz)", "Best frequency (kHz)", "Bandwidth at half height (kHz)"),
        strict=True,
    ):
        axes.set_ylabel(label, fontsize=9)
    panels[1, 0].legend(fontsize=8, frameon=False, loc="upper left")
    figure.colorbar(images[-1], ax=panels[0].tolist(), label="Response, least to largest", shrink=0.9)
    figure.suptitle(f"Tuning to pure tones: {front_end.name}")
    return figure


def _spread(axes: Axes, found: Mapping[str, tuple[np.ndarray, str]], lowest: float, highest: float) -> None:
    """Sorted frequencies over their share, and how they would lie if spread evenly in Hz or in Mel."""
    even = np.linspace(0, 1, 200)
    mel = np.linspace(scales.mel(lowest), scales.mel(highest), 200)
    in_hz = np.interp(mel, scales.mel(np.linspace(lowest, highest, 2000)), np.linspace(lowest, highest, 2000))
    axes.plot(even, (lowest + even * (highest - lowest)) / 1000, color="black", linestyle=":", label="even in Hz")
    axes.plot(even, in_hz / 1000, color=figures.BLUE, label="even in Mel")
    for label, (frequency, colour) in found.items():
        share = (np.arange(len(frequency)) + 0.5) / len(frequency)
        axes.plot(share, np.sort(frequency) / 1000, color=colour, linewidth=2, label=label)
