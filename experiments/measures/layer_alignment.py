"""The layer curve: how alike each layer of a front end is to a log-mel spectrogram of the same vowels."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.typing import ColorType

from w2v_jax import front_end as library
from w2v_jax import layer_pooling, scores
from w2v_jax.grids import Grid

from ..draw import figures, lettering
from ..front_ends import controls
from ..front_ends.named import NamedFrontEnd, once_for
from ..hearing import Heard, Setting, Sweep
from ..store import rows
from ..store.results import Results
from ..store.rows import Measurements, Row
from ..vowel_choice import PAPERS, VowelChoice
from ..vowels import space
from . import alignment

QUANTITY = "debiased linear CKA with log-mel"
GRID = "vowel_space_by_layer"
MOST_OF_A_FORMANT = 17  # 289 vowels

NOTE = (
    "Debiased linear CKA with log-mel is between each layer, averaged over time, and a log-mel spectrogram with "
    "the same frames, of vowels of one f0; of each architecture with one encoder of random weights, too. It says where "
    "a layer has the spectrogram's arrangement of the vowels, not whether that is good."
)

_FEW = (figures.ORANGE, figures.BLUE, figures.GREEN)


def vowels_of(results: Results) -> Grid:
    """The vowels of one f0, fewer than for the maps."""
    return Grid(GRID, space.one_f0(results).thinned(f1=MOST_OF_A_FORMANT, f2=MOST_OF_A_FORMANT).axes)


@once_for
def partners(front_ends: Sequence[NamedFrontEnd]) -> Mapping[NamedFrontEnd, NamedFrontEnd]:
    """Front ends of several layers, and for each architecture one of random weights; each with its log-mel."""
    log_mel_of: dict[NamedFrontEnd, NamedFrontEnd] = {}
    for each, theirs in controls.controls_of(front_ends).items():
        log_mel = theirs.spectrograms.get(alignment.LOG_MEL)
        if log_mel is None or len(library.layers(each.front_end)) < 2:
            continue
        for other in (each, *theirs.untrained[:1]):
            log_mel_of[other] = log_mel
    named = [each for each in front_ends if each in log_mel_of]
    return {each: log_mel_of[each] for each in (*named, *(each for each in log_mel_of if each not in named))}


def sweeps_for(setting: Setting) -> list[Sweep]:
    """What a front end hears for the curve: all layers of one that has a curve, the frames of a log-mel."""
    curves = partners(setting.named)
    if setting.front_end in curves:
        return [Sweep(GRID, _grid, space.vowel, pooling=layer_pooling.layer_means, of_controls=True)]
    if setting.front_end in curves.values():
        return [Sweep(GRID, _grid, space.vowel, of_controls=True)]
    return []


def _grid(setting: Setting) -> Grid:
    return vowels_of(setting.results)


def measure(several: Sequence[Heard]) -> list[Row]:
    """Debiased CKA with log-mel, a row for each layer of each of `partners`."""
    heard = {each.front_end: each for each in several}
    measured = []
    for each, log_mel in partners(several[0].setting.named).items():
        spectra = heard[log_mel].features(GRID)
        channels = layer_pooling.layer_channels(each.front_end, num_samples=each.frames.sample_rate)
        for layer, features in layer_pooling.split_means(heard[each].features(GRID), channels).items():
            bootstrap = heard[each].results.bootstrap
            cell = rows.attempted(lambda mean=features.mean: scores.cka(mean, spectra, bootstrap=bootstrap))  # type: ignore[misc] # noqa: B023
            measured.append(dataclasses.replace(rows.score(QUANTITY, cell, layer=layer), encoder=each.name))
    return measured


def draw(
    measured: Measurements,
    grid: Grid,
    vowels: VowelChoice = PAPERS,
    *,
    quick: bool = False,
) -> Figure | None:
    """A line for each front end, with its interval; random weights that nobody asked for are grey."""
    curves: dict[str, dict[str, Row]] = {}
    for row in measured.select(QUANTITY, layer=None):
        curves.setdefault(row.encoder, {})[row.layer] = row
    if not curves:
        return None
    figure, (axes,) = figures.panels(1, size=(6.4, 4.2))
    named = [name for name, about in measured.encoders.items() if name in curves and not about.control_of]
    for name, curve in reversed(curves.items()):  # what was asked about on top
        control = name not in named
        colour = figures.GREY if control else _colour(named.index(name), len(named))
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


def _ends(curve: Mapping[str, Row], end: str) -> np.ndarray:
    values = (getattr(row, end) for row in curve.values())
    return np.array([np.nan if value is None else value for value in values])
