"""How far neighbouring vowels lie apart, and whether features have a map of them."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from w2v_jax import grids, scores, similarity
from w2v_jax.scores import Bootstrap, Score

from ..hearing import Heard, Setting, Sweep
from ..measures import alignment, layer_alignment, map_order
from ..store import rows
from ..store.rows import Measurements, Row
from ..vowels import space
from ..vowels.space import BY_F0, ONE_F0, RESONANCES
from ..vowels.synthesis import Synthesis, syntheses_of

FINE = grids.VOWEL_SPACE_FINE.name
FINE_SWEEP = Sweep(FINE, lambda setting: space.fine(setting.results), space.vowel)
KINDS: dict[Synthesis, str] = {"sines": ONE_F0, "resonances": RESONANCES}  # the sweep of one f0 of each synthesis

# Quantities. The parameter `sounds` is "sines" or "resonances", `along` a formant or f0, `map` a sweep.
STEP = "mean cosine distance to the neighbouring vowel"
ORDER = "distance and F1–F2 distance, Spearman"
NEIGHBOURS = "neighbours in F1–F2, share"
LINEAR_PROBE = "linear probe, R²"
BOTH_KINDS = "linear CKA of the vowels as sines and as resonances"


def syntheses(setting: Setting) -> tuple[Synthesis, ...]:
    """How vowels are made: what `--synthesis` says, both by default."""
    return syntheses_of(setting.options.get("synthesis"))


def sweeps(setting: Setting) -> list[Sweep]:
    """What a front end hears; of controls, what CKA needs."""
    kinds = syntheses(setting)
    several: list[Sweep] = []
    if setting.front_end in setting.named:
        several += [space.SINES_SWEEP, space.BY_F0_SWEEP] if "sines" in kinds else []
        several += [space.RESONANCES_SWEEP] if "resonances" in kinds else []
        several += [FINE_SWEEP] if setting.options.get("fine") else []
    elif "sines" in kinds and setting.front_end in alignment.beside(alignment.baselines_of(setting.named)):
        grid, _ = alignment.thinned(space.by_f0(setting.results))
        several.append(Sweep(grid.name, grid, space.vowel, of_controls=True))
    return [*several, *(layer_alignment.sweeps_for(setting) if "sines" in kinds else [])]


def measure(heard: Heard) -> list[Row]:
    """How far neighbours lie apart, and whether the vowels of one f0 have a map."""
    measured: list[Row] = []
    if heard.is_control:
        return measured
    for sweep in heard.sweeps:
        if sweep != layer_alignment.GRID:
            measured += measure_neighbours(heard.features(sweep), heard.grid(sweep))
    kinds = syntheses(heard.setting)
    of_one_f0: dict[str, np.ndarray] = {kind: heard.features(KINDS[kind]) for kind in kinds}
    measured += measure_map(of_one_f0, heard.grid(KINDS[kinds[0]]), bootstrap=heard.results.bootstrap)
    for sweep in _mapped(heard):
        points = heard.grid(sweep).points()
        bootstrap = heard.results.bootstrap
        order = map_order.measure(heard.features(sweep), heard.umap(sweep), points, sweep=sweep, bootstrap=bootstrap)
        measured += order.rows()
    return measured


def _mapped(heard: Heard) -> list[str]:
    """The sweeps of which there is a map."""
    return [sweep for sweep in (ONE_F0, BY_F0, RESONANCES) if sweep in heard.sweeps]


def compare(several: Sequence[Heard], measured: Measurements) -> list[Row]:
    """CKA of front ends and of their baselines, and of each layer with log-mel."""
    named = [each for each in several if not each.is_control]
    if BY_F0 not in named[0].sweeps:
        return []
    front_ends = [each.front_end for each in named]
    baselines = alignment.baselines_of(front_ends)
    grid = named[0].grid(BY_F0)
    thinned, chosen = alignment.thinned(grid)
    features = {each.front_end: each.features(BY_F0) for each in named}
    of_thinned = {each: values[chosen] for each, values in features.items()}
    of_thinned |= {each.front_end: each.features(thinned.name) for each in several if thinned.name in each.sweeps}
    bootstrap = named[0].results.bootstrap
    return [
        *alignment.measure(itertools.combinations(front_ends, 2), features, grid, bootstrap=bootstrap),
        *alignment.measure_baselines(baselines, of_thinned, thinned, bootstrap=bootstrap),
        *layer_alignment.measure(several),
    ]


def measure_neighbours(features: np.ndarray, grid: grids.Grid) -> list[Row]:
    """Mean cosine distance of features, (n, channels), between neighbours along each parameter that varies."""
    zeros = int((~features.any(axis=1)).sum())
    distances = [None] * len(grid.shape) if zeros else similarity.grid_distances(features, grid.shape)
    return [
        rows.number(
            STEP,
            distance,
            undefined=f"the features of {zeros} vowels are zeros, which have no direction",
            vowels=grid.name,
            along=name if name == "f0" else name.upper(),
        )
        for (name, *_), count, distance in zip(grid.axes, grid.shape, distances, strict=True)
        if count > 1
    ]


def measure_map(
    features: Mapping[str, np.ndarray], grid: grids.Grid, *, bootstrap: Bootstrap | None = None
) -> list[Row]:
    """Whether a front end has a map of the vowels, of sines and of resonances, and how alike the two are.

    Args:
        features: (n, channels) each, of the same grid.
        grid: of one f0.
        bootstrap: as for the scores.
    """
    points = {name: values for name, values in grid.points().items() if name != "f0"}
    measured = [row for kind, each in features.items() for row in map_scores(each, points, kind, bootstrap=bootstrap)]
    if len(features) == 2:
        measured.append(rows.number(BOTH_KINDS, float(similarity.linear_cka(*features.values())), better="higher"))
    return measured


def map_scores(
    features: np.ndarray, points: Mapping[str, np.ndarray], kind: str, *, bootstrap: Bootstrap | None = None
) -> list[Row]:
    """The scores of a vowel map: those of `claims` for F1 and F2, at one f0."""
    read: Mapping[str, Score] | str
    try:
        read = scores.decodability(features, points, bootstrap=bootstrap)
    except scores.UndefinedScoreError as error:
        read = str(error)
    order = rows.attempted(lambda: scores.rsa(features, points, bootstrap=bootstrap))
    near = rows.attempted(lambda: scores.neighbour_overlap(features, points, bootstrap=bootstrap))
    return [
        *(
            rows.score(
                LINEAR_PROBE,
                read if isinstance(read, str) else read[name],
                better="higher",
                sounds=kind,
                of=name.upper(),
            )
            for name in points
        ),
        rows.score(ORDER, order, better="higher", sounds=kind),
        rows.score(NEIGHBOURS, near, better="higher", sounds=kind),
    ]
