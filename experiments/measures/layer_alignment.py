"""The layer curve: how alike each layer of a front end is to a log-mel spectrogram of the same vowels."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.typing import ColorType

from w2v_jax import front_end as library
from w2v_jax import layer_pooling, scores
from w2v_jax.grids import Grid

from ..draw import figures, lettering, vowel_chart
from ..front_ends import controls
from ..front_ends.named import NamedFrontEnd
from ..store import cells
from ..store.metrics import Metrics
from ..store.results import Results
from ..vowels.choice import PAPERS, VowelChoice
from . import alignment

EXPERIMENT = "formants"  # whose folder has the sweeps
GRID = "vowel_space_by_layer"
MOST_OF_A_FORMANT = 17  # 289 vowels

NOTE = (
    "`cka_with_log_mel` is debiased linear CKA between each layer, averaged over time, and a log-mel spectrogram with "
    "the same frames, of vowels of one f0; of each architecture with one encoder of random weights, too. It says where "
    "a layer has the spectrogram's arrangement of the vowels, not whether that is good."
)

_FEW = (figures.ORANGE, figures.BLUE, figures.GREEN)


def vowels_of(results: Results) -> Grid:
    """The vowels of one f0, fewer than for the maps."""
    return Grid(GRID, vowel_chart.vowel_space(results).thinned(f1=MOST_OF_A_FORMANT, f2=MOST_OF_A_FORMANT).axes)


def with_random(front_ends: Sequence[NamedFrontEnd]) -> list[tuple[NamedFrontEnd, NamedFrontEnd]]:
    """Front ends of several layers, and for each architecture one of random weights; each with its log-mel."""
    found: dict[NamedFrontEnd, NamedFrontEnd] = {}
    for each, theirs in controls.controls_of(front_ends).items():
        log_mel = theirs.spectrograms.get(alignment.LOG_MEL)
        if log_mel is None or len(library.layers(each.front_end)) < 2:
            continue
        for other in (each, *theirs.untrained[:1]):
            found[other] = log_mel
    asked = [each for each in front_ends if each in found]
    return [(each, found[each]) for each in (*asked, *(each for each in found if each not in asked))]


def measure(results: Results, front_ends: Sequence[NamedFrontEnd]) -> list[Metrics]:
    """Debiased CKA with log-mel, an entry for each layer of each of `with_random`."""
    grid = vowels_of(results)
    entries: list[Metrics] = []
    for each, log_mel in with_random(front_ends):
        spectra = results.sweep(EXPERIMENT, log_mel, grid, vowel_chart.vowel)
        for layer, features in _sweep(results, each, grid).items():
            cell = cells.attempted(lambda features=features, spectra=spectra: scores.cka(features, spectra))  # type: ignore[misc]
            entries.append({"encoders": [each.name], "layer": layer, "debiased_linear_cka": cells.number(cell)})
    return entries


def _sweep(results: Results, front_end: NamedFrontEnd, grid: Grid) -> dict[str, np.ndarray]:
    """By layer, features averaged over time, (n, channels)."""
    features = results.sweep(EXPERIMENT, front_end, grid, vowel_chart.vowel, pooling=layer_pooling.layer_means)
    channels = layer_pooling.layer_channels(front_end.front_end, num_samples=front_end.frames.sample_rate)
    return {name: found.mean for name, found in layer_pooling.split_means(features, channels).items()}


def draw(
    entries: Sequence[Metrics],
    front_ends: Sequence[NamedFrontEnd],
    grid: Grid,
    vowels: VowelChoice = PAPERS,
    *,
    quick: bool = False,
) -> Figure:
    """A line for each front end, with its interval; random weights that nobody asked for are grey."""
    curves: dict[str, dict[str, Metrics]] = {}
    for entry in entries:
        curves.setdefault(entry["encoders"][0], {})[entry["layer"]] = entry["debiased_linear_cka"]
    figure, (axes,) = figures.panels(1, size=(6.4, 4.2))
    asked = [each.name for each in front_ends if each.name in curves]
    for name, curve in reversed(curves.items()):  # what was asked about on top
        control = name not in asked
        colour = figures.GREY if control else _colour(asked.index(name), len(asked))
        marker, label = ("d", f"{name} (random weights)") if control else ("o", name)
        low, value, high = (_ends(curve, end) for end in ("low", "value", "high"))
        axes.fill_between(range(len(value)), low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(value, color=colour, marker=marker, markersize=4, linewidth=1.0 if control else 1.8)
        axes.lines[-1].set_label(lettering.name(label))
    longest = max((list(curve) for curve in curves.values()), key=len)
    alike = all(list(curve) == longest for curve in curves.values())  # else one's names would stand under another's
    names = [layer.removeprefix("conv ") for layer in longest] if alike else [f"{i + 1}" for i in range(len(longest))]
    axes.set_xticks(range(len(longest)), names)
    convolutions = alike and all(layer.startswith("conv ") for layer in longest[:-1])
    after = "the last of each is its final frames"
    axes.set_xlabel("Layer: convolutions, then final frames" if convolutions else f"Layer, from the input; {after}")
    axes.set_ylabel("Debiased linear CKA with log-mel")
    axes.set_ylim(min(0, axes.get_ylim()[0]), 1.02)
    axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    figures.legend(figure, handles[::-1], names=labels[::-1], columns=2)
    f0 = grid.axis("f0")[0]
    title = f"Likeness to log-mel, layer by layer\n{len(grid):,} vowels, f0 {f0:g} Hz; shaded: 95% interval"
    title = figures.quick_mark(title, quick=quick)
    axes.set_title(title if vowels.is_papers else f"{title}\n{vowels.caption}", fontsize=10)
    return figure


def _colour(place: int, count: int) -> ColorType:
    return _FEW[place] if count <= len(_FEW) else figures.SEQUENTIAL(0.9 * place / (count - 1))


def _ends(curve: Mapping[str, Metrics], end: str) -> np.ndarray:
    return np.array([cell.get(end, np.nan) for cell in curve.values()], np.float64)
