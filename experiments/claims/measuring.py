"""What is measured of a front end: every score of every layer, its tuning, the shortest burst that it tells apart."""

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from w2v_jax import tuning
from w2v_jax.front_end import FRAMES
from w2v_jax.scores import UndefinedScoreError
from w2v_jax.scores.frequency_scale import SCALES

from ..hearing import Heard
from ..progress import progress_bar
from ..store import rows
from ..store.rows import Cell, Row, attempted
from . import curves, small_changes
from .asking import WHERE, Question
from .layers import Layer, layers_of
from .questions import questions
from .sounds import FRACTIONS, is_asked_less
from .table import SATURATION
from .verdicts import Column

SEPARATED = 0.95  # AUC from which on a burst counts as told apart
SHORTEST = "shortest burst told apart"
_QUARTILES = (25, 50, 75)

Asked = Sequence[tuple[str, str, Question]]  # claim, name and question


def measure(heard: Heard) -> list[Row]:
    """All rows of one front end: of controls, no tuning."""
    # Of most seeds the final frames are enough: layers are drawn, and not compared.
    is_one_of_many = is_asked_less(heard.setting)
    by_layer = layers_of(heard, only_frames=is_one_of_many)
    final = by_layer[FRAMES]
    all_rows = score_rows(heard, by_layer, list(questions(final.grids.syntheses)))
    if not is_one_of_many:
        all_rows += [*curves.noise_rows(final), *small_changes.growth_rows(final)]
    if not heard.is_control:
        all_rows += shortest_bursts(by_layer)
        all_rows += _tuning_rows(heard, by_layer)
        all_rows += [rows.number("sounds heard", len(grid), sweep=name) for name, grid in final.grids.items().items()]
    for layer, each in by_layer.items():
        all_rows += [
            rows.number(SATURATION, share, layer=layer, sounds=name) for name, share in each.saturations().items()
        ]
    return all_rows


def score_rows(heard: Heard, by_layer: Mapping[str, Layer], entries: Asked) -> list[Row]:
    """A row for every score of every layer; those of the final frames are remembered for `final_scores`."""
    all_rows = []
    for layer, each in _with_progress(heard.name, by_layer):
        column: dict[str, dict[str, Cell]] = {}
        for claim, name, question in entries:
            if layer != FRAMES and not (question.by_layer if heard.is_control else question.of_layers):
                continue
            if not each.heard >= set(question.hears):
                continue
            cell = attempted(functools.partial(question.score, each))
            column.setdefault(claim, {})[name] = cell
            unit = "" if question.unit in (None, "share") else question.unit
            all_rows.append(rows.score(name, cell, unit=unit, better=question.better, layer=layer, claim=claim))
        if layer == FRAMES:
            heard.memory[FRAMES] = column
    return all_rows


def final_scores(several: Sequence[Heard]) -> dict[str, Column]:
    """By front end the scores of the final frames with their replicates, which rows do not have."""
    return {heard.name: heard.memory[FRAMES] for heard in several}


def _with_progress(name: str, by_layer: Mapping[str, Layer]) -> Iterator[tuple[str, Layer]]:
    with progress_bar(f"{name}: scores", len(by_layer), unit=" layers") as bar:
        for layer, each in by_layer.items():
            yield layer, each
            bar.update()


def shortest_bursts(by_layer: Mapping[str, Layer]) -> list[Row]:
    """By layer, the shortest burst such that it and all longer ones have an AUC whose interval is above `SEPARATED`."""
    all_rows = []
    for layer, each in by_layer.items():
        for at_rate, where in WHERE.items():
            shortest = None
            for fraction in FRACTIONS:  # longest first
                cell = attempted(functools.partial(each.burst_separation, fraction=float(fraction), at_rate=at_rate))
                if isinstance(cell, str) or cell.low < SEPARATED:
                    break
                shortest = float(fraction)
            in_units = {
                "ms": None if shortest is None else round(1000 * shortest),
                "frames": None if shortest is None else round(shortest * each.frames.rate, 3),
            }
            why = "not even the longest burst is told apart"
            for unit, length in in_units.items():
                quantity = SHORTEST if unit == "ms" else f"{SHORTEST}, {unit}"
                all_rows.append(
                    rows.number(quantity, length, unit=unit, better="lower", layer=layer, undefined=why, tones=where)
                )
    return all_rows


def tuning_of(heard: Heard, by_layer: Mapping[str, Layer] | None = None) -> dict[str, tuning.TuningCurves]:
    """Tuning curves of the channels of every layer that has any, from the pure tones."""

    def compute() -> dict[str, tuning.TuningCurves]:
        tunings = {}
        for layer, each in (by_layer or layers_of(heard)).items():
            with contextlib.suppress(UndefinedScoreError):
                tunings[layer] = tuning.tuning_curves(each.mean["tones"], each.points("tones")["frequency"])
        return tunings

    curves_of: dict[str, tuning.TuningCurves] = heard.remembered("tuning", compute)
    return curves_of


def _tuning_rows(heard: Heard, by_layer: Mapping[str, Layer]) -> list[Row]:
    all_rows = []
    for layer, tuned in tuning_of(heard, by_layer).items():
        lowest, highest = float(tuned.frequency[0]), float(tuned.frequency[-1])
        all_rows.append(rows.number("channels tuned", len(tuned.channel), layer=layer))
        for quantity, values in {
            "best frequency of the channels": tuned.best_frequency,
            "bandwidth of the channels": tuned.bandwidth,
        }.items():
            quartiles = np.percentile(values, _QUARTILES)
            all_rows += rows.curve(quantity, quartiles, unit="Hz", layer=layer, percentile=_QUARTILES)
        for name, scale in SCALES.items():
            spread = functools.partial(tuning.spread_along, tuned.best_frequency, scale, lowest=lowest, highest=highest)
            quantity = "distance of best frequencies from an even spread"
            all_rows.append(rows.score(quantity, attempted(spread), layer=layer, scale=name))
    return all_rows
