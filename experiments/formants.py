"""Section 3.4: formants.

Writes the sweeps `vowel_space`, `vowel_space_by_f0` and `vowel_space_source_filter` (and `vowel_space_fine` with
`--fine`), the vowel space of each encoder drawn by UMAP, the same at six fundamental frequencies, the vowel space of
resonances next to that of the paper's bare sines, and the linear CKA between encoders, with its baselines: encoders of
random weights, and log-mel. `vowel_space_by_layer` asks each layer how alike it is to log-mel.
"""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes

from w2v_jax import grids, scores, similarity
from w2v_jax.scores import Bootstrap, Score

from .draw import figures, vowel_chart
from .experiment import Experiment, Figure, Map, Points, Published, Setting, Sounds, Sweep
from .front_ends.named import NamedFrontEnd
from .front_ends.paper import model_of, prints_as
from .hearing import Heard
from .launch import flags
from .measures import alignment, layer_alignment, map_order
from .measures.map_order import MapOrder
from .sentences import INTERVALS, next_to_controls
from .store import rows
from .store.rows import Measurements, Row
from .vowels import space, vowel_maps
from .vowels.choice import PAPERS, VowelChoice
from .vowels.space import BY_F0, ONE_F0, RESONANCES

FINE = grids.VOWEL_SPACE_FINE.name
FINE_SWEEP = Sweep(FINE, lambda setting: space.fine(setting.results), space.vowel)
_KINDS = {"sines": ONE_F0, "resonances": RESONANCES}  # the sweep of one f0 of each synthesis

# Quantities. The parameter `sounds` is "sines" or "resonances", `along` a formant or f0, `map` a sweep.
STEP = "mean cosine distance to the neighbouring vowel"
ORDER = "distance and F1–F2 distance, Spearman"
NEIGHBOURS = "neighbours in F1–F2, share"
LINEAR_PROBE = "linear probe, R²"
BOTH_KINDS = "linear CKA of the vowels as sines and as resonances"

_STEP_NOTE = (
    "The mean cosine distances between neighbours, in the table, are those along one parameter, the others fixed."
)
_RESONANCES_NOTE = (
    "`vowel_space_source_filter` has the grid of `vowel_space` with resonances: harmonics of f0, of a glottal pulse, "
    "through ten formants. Vowels of one f0 have the same scores for both kinds of sound."
)
_MAP_NOTE = map_order.note("F1 and F2 (and f0 where it varies)")

# Section 3.4: linear CKA on the vowel space by f0, as printed.
PAPERS_CKA = {
    frozenset({"Base", "Large"}): "0.9350568",
    frozenset({"Base", "XLS-R"}): "0.8245917",
    frozenset({"Large", "XLS-R"}): "0.8295691",
}
_CKA_DIGITS = 7


def syntheses(setting: Setting) -> tuple[str, ...]:
    """How vowels are made: what `--synthesis` says, both by default."""
    chosen = setting.options.get("synthesis")
    return tuple(each for each in _KINDS if chosen in (None, "both", each))


def sweeps(setting: Setting) -> list[Sweep]:
    """What a front end hears; of controls, what CKA needs."""
    kinds = syntheses(setting)
    several: list[Sweep] = []
    if setting.front_end in setting.named:
        several += [space.SINES_SWEEP, space.BY_F0_SWEEP] if "sines" in kinds else []
        several += [space.RESONANCES_SWEEP] if "resonances" in kinds else []
        several += (
            [Sweep(FINE, lambda each: space.fine(each.results), space.vowel)] if setting.options.get("fine") else []
        )
    elif "sines" in kinds and setting.front_end in alignment.beside(alignment.baselines_of(setting.named)):
        grid, _ = alignment.thinned(space.by_f0(setting.results))
        several.append(Sweep(grid.name, grid, space.vowel, of_controls=True))
    return [*several, *(layer_alignment.sweeps_for(setting) if "sines" in kinds else [])]


def controls(front_ends: Sequence[NamedFrontEnd]) -> dict[NamedFrontEnd, tuple[str, ...]]:
    """The baselines of CKA, each with the names of those that it is a baseline of."""
    of: dict[NamedFrontEnd, tuple[str, ...]] = {}
    for each, several in alignment.baselines_of(front_ends).items():
        for control in several:
            of[control] = (*of.get(control, ()), each.name)
    return of


def measure(heard: Heard) -> list[Row]:
    """How far neighbours lie apart, and whether the vowels of one f0 have a map."""
    measured: list[Row] = []
    if heard.is_control:
        return measured
    for sweep in heard.sweeps:
        if sweep != layer_alignment.GRID:
            measured += measure_neighbours(heard.features(sweep), heard.grid(sweep))
    kinds = syntheses(heard.setting)
    of_one_f0 = {kind: heard.features(_KINDS[kind]) for kind in kinds}
    measured += measure_map(of_one_f0, heard.grid(_KINDS[kinds[0]]), bootstrap=heard.results.bootstrap)
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
    asked = [each for each in several if not each.is_control]
    if BY_F0 not in asked[0].sweeps:
        return []
    front_ends = [each.front_end for each in asked]
    baselines = alignment.baselines_of(front_ends)
    grid = asked[0].grid(BY_F0)
    thinned, chosen = alignment.thinned(grid)
    features = {each.front_end: each.features(BY_F0) for each in asked}
    of_thinned = {each: values[chosen] for each, values in features.items()}
    of_thinned |= {each.front_end: each.features(thinned.name) for each in several if thinned.name in each.sweeps}
    bootstrap = asked[0].results.bootstrap
    return [
        *alignment.measure(itertools.combinations(front_ends, 2), features, grid, bootstrap=bootstrap),
        *alignment.measure_baselines(baselines, of_thinned, thinned, bootstrap=bootstrap),
        *layer_alignment.measure(several),
    ]


def notes(several: Sequence[Heard], measured: Measurements) -> list[str]:
    """What a reader must know, and what was left out."""
    kinds = syntheses(several[0].setting)
    without = [f"Vowels as {each} were left out (--synthesis)." for each in _KINDS if each not in kinds]
    resonances = [_RESONANCES_NOTE] if "resonances" in kinds else []
    if "sines" not in kinds:
        return [*without, _STEP_NOTE, *resonances, _MAP_NOTE]
    of_cka = [alignment.NOTE, layer_alignment.NOTE]
    return [*without, space.NOTE, _STEP_NOTE, *resonances, *of_cka, _MAP_NOTE, *alignment.undefined_notes(measured)]


def measure_neighbours(features: np.ndarray, grid: grids.Grid) -> list[Row]:
    """Mean cosine distance of features, (n, channels), between neighbours along each parameter that varies."""
    distances = similarity.grid_distances(features, grid.shape)
    named = {next(iter(axis)): distance for axis, distance in zip(grid.axes, distances, strict=True)}
    return [
        rows.number(STEP, distance, vowels=grid.name, along=name.upper() if name != "f0" else name)
        for name, distance in named.items()
        if distance is not None
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


def headline(measured: Measurements) -> str:
    """Whether distances follow F1 and F2, next to the controls, and how alike front ends are."""
    sentences: list[str] = []
    for kind, words in (("sines", "sums of sines"), ("resonances", "voices")):
        told = next_to_controls(measured, ORDER, above="more closely than", below="less closely than", sounds=kind)
        what = (
            "the rank correlation is"
            if sentences
            else ("distances between vowels of one f0 follow distances in F1 and F2 with a rank correlation of")
        )
        sentences += [f"For {words}, {what} {told}."] if told else []
    return " ".join(filter(None, [*sentences, alignment.said(measured)]))


def published(measured: Measurements) -> list[Published]:
    """The paper's CKA, of its own vowels: next to that of others it would mislead."""
    if measured.settings.get("vowels"):
        return []
    compared = []
    for row in measured.select(alignment.LINEAR):
        names = list(rows.names_in(row))
        models = frozenset(model for name in names if (model := model_of(measured.encoders[name].source)))
        printed = PAPERS_CKA.get(models)
        if printed is not None and row.value is not None:
            agrees = None if measured.quick else prints_as(row.value, printed, digits=_CKA_DIGITS)
            compared.append(Published(", ".join(names), "linear CKA", printed, row.value, agrees))
    return compared


def sounds(setting: Setting, which: Literal["some", "all"]) -> list[Sounds]:
    """All that is heard; or the vowels of the table, as sines and as resonances, at every f0 that was asked for, else
    each at its own, where the table has one."""
    if which == "all":
        several = (space.SINES_SWEEP, space.BY_F0_SWEEP, space.RESONANCES_SWEEP)
        return [Sounds(each.name, each.grid_for(setting).points(), each.stimulus) for each in several]
    choice = setting.results.vowels
    vowels = [vowel for speaker in choice.speakers for vowel in choice.of(speaker)]
    each_at = [(vowel, f0) for vowel in vowels for f0 in choice.f0 or (vowel.f0 or choice.one_f0,)]
    points = {
        "f0": np.array([f0 for _, f0 in each_at], np.float32),
        "f1": np.array([vowel.f1 for vowel, _ in each_at], np.float32),
        "f2": np.array([vowel.f2 for vowel, _ in each_at], np.float32),
    }
    names = tuple((vowel.speaker, vowel.symbol) for vowel, _ in each_at)
    return [
        Sounds("vowels", points, space.vowel, names),
        Sounds("vowels_source_filter", points, space.source_filter_vowel, names),
    ]


def _orders(several: Sequence[Heard], measured: Measurements, sweep: str) -> dict[NamedFrontEnd, MapOrder]:
    orders = {each.front_end: map_order.of(measured, each.name, sweep) for each in several}
    return {each: order for each, order in orders.items() if order is not None}


def _asked(heard: "Heard | Sequence[Heard]", *sweeps: str) -> list[Heard]:
    """Those that are drawn: one, or all that are no controls, if they heard these sweeps."""
    several = [heard] if isinstance(heard, Heard) else [each for each in heard if not each.is_control]
    return [each for each in several if all(sweep in each.sweeps for sweep in sweeps)]


def _vowel_space(heard: "Heard | Sequence[Heard]", measured: Measurements) -> figures.Figure | None:
    if not (several := _asked(heard, ONE_F0)):
        return None
    first = several[0]
    maps = {each.front_end: each.umap(ONE_F0) for each in several}
    orders = _orders(several, measured, ONE_F0)
    return draw_vowel_spaces(maps, first.grid(ONE_F0), first.vowels, orders=orders, quick=first.quick)


def _by_f0_figure(heard: "Heard | Sequence[Heard]", measured: Measurements) -> figures.Figure | None:
    if not (several := _asked(heard, BY_F0)):
        return None
    first = several[0]
    maps = {each.front_end: each.umap(BY_F0) for each in several}
    return draw_by_f0(
        maps, first.grid(BY_F0), first.vowels, orders=_orders(several, measured, BY_F0), quick=first.quick
    )


def _both(heard: "Heard | Sequence[Heard]", measured: Measurements) -> figures.Figure | None:
    if not (several := _asked(heard, ONE_F0, RESONANCES)):
        return None
    first = several[0]
    sines, resonances = ({each.front_end: each.umap(sweep) for each in several} for sweep in (ONE_F0, RESONANCES))
    orders = {sweep: _orders(several, measured, sweep) for sweep in (ONE_F0, RESONANCES)}
    grid, vowels = first.grid(ONE_F0), first.vowels
    return draw_sines_and_resonances(sines, resonances, grid, vowels, orders=orders, quick=first.quick)


def _cka(several: Sequence[Heard], measured: Measurements) -> figures.Figure | None:
    if not any(row.value is not None for row in measured.select(alignment.LINEAR)):
        return None
    first = several[0]
    baselines = alignment.baselines_of([each.front_end for each in several if not each.is_control])
    return alignment.draw(baselines, measured, first.vowels, quick=first.quick)


def _cka_layers(several: Sequence[Heard], measured: Measurements) -> figures.Figure | None:
    first = several[0]
    return layer_alignment.draw(measured, layer_alignment.vowels_of(first.results), first.vowels, quick=first.quick)


def draw_vowel_spaces(
    maps: dict[NamedFrontEnd, np.ndarray],
    grid: grids.Grid,
    vowels: VowelChoice = PAPERS,
    *,
    orders: Mapping[NamedFrontEnd, MapOrder],
    quick: bool = False,
) -> figures.Figure:
    """A panel per encoder (and speaker): the mesh, coloured by F1, with the vowels."""
    titles = {each: f"Vowel space: {each.name}" for each in maps}
    return vowel_chart.draw_spaces(
        {titles[each]: positions for each, positions in maps.items()},
        grid,
        orders={titles[each]: orders[each] for each in maps},
        vowels=vowels,
        quick=quick,
    )


def draw_sines_and_resonances(
    sines: dict[NamedFrontEnd, np.ndarray],
    resonances: dict[NamedFrontEnd, np.ndarray],
    grid: grids.Grid,
    vowels: VowelChoice = PAPERS,
    *,
    orders: Mapping[str, Mapping[NamedFrontEnd, MapOrder]],
    quick: bool = False,
) -> figures.Figure:
    """Two panels per encoder: the vowel space of bare sines, and that of resonances; `orders` are by sweep."""
    of_sines, of_resonances = orders["vowel_space"], orders["vowel_space_source_filter"]
    titled: dict[str, np.ndarray] = {}
    numbers: dict[str, MapOrder] = {}
    for each in sines:
        as_sines, as_resonances = f"{each.name}: sines at F1 and F2", f"{each.name}: resonances"
        titled |= {as_sines: sines[each], as_resonances: resonances[each]}
        numbers |= {as_sines: of_sines[each], as_resonances: of_resonances[each]}
    return vowel_chart.draw_spaces(titled, grid, orders=numbers, vowels=vowels, columns=2, quick=quick)


def draw_by_f0(
    maps: dict[NamedFrontEnd, np.ndarray],
    grid: grids.Grid,
    vowels: VowelChoice = PAPERS,
    *,
    orders: Mapping[NamedFrontEnd, MapOrder],
    quick: bool = False,
) -> figures.Figure:
    """A panel per encoder: one mesh per fundamental frequency, with its F1 and F2 arrows."""
    figure, panels = figures.panels(
        len(maps), size=(5.4, 5.6), columns=3, title=None if vowels.is_papers else vowels.caption
    )
    names = []
    for axes, (each, positions) in zip(panels, maps.items(), strict=True):
        names.append(_by_f0(axes, vowel_chart.oriented(positions, grid), grid, vowels))
        of = figures.quick_mark(f"{len(grid):,} vowels, all f0 on one map", quick=quick)
        below = map_order.caption(orders[each], sounds="vowels")
        figures.as_map(axes, f"Vowel spaces by f0: {each.name}", of=of, below=below)
    handles = [
        *(figures.line(_f0_colour(i, grid), vowels.named_f0(f0)) for i, f0 in enumerate(grid.axis("f0"))),
        *vowel_chart.arrow_legend(),
    ]
    figures.legend(figure, handles)
    for axes, chosen in zip(panels, names, strict=True):
        figures.labels(axes, chosen, fontsize=9)
    return figure


def _by_f0(axes: Axes, meshes: np.ndarray, grid: grids.Grid, vowels: VowelChoice) -> list[figures.Label]:
    """Draws a mesh per f0, and returns their names, at the ends of the highest formants."""
    names = []
    for i, (mesh, f0) in enumerate(zip(meshes, grid.axis("f0"), strict=True)):
        colour = _f0_colour(i, grid)
        figures.mesh(axes, mesh, np.array(colour), linewidth=0.5, point_size=0)
        vowel_chart.formant_arrows(axes, mesh, width=1.8)
        names.append(figures.Label(vowels.named_f0(f0), mesh[-1, -1], colour))
    return names


def _f0_colour(index: int, grid: grids.Grid) -> tuple[float, float, float, float]:
    # Not up to the end of the map: its light greens and yellow are hard to read on white.
    return figures.SEQUENTIAL(0.72 * index / max(1, grid.shape[0] - 1))


def _map(sweep: str, title: str, reading: str, sound: Callable[[Points], dict[str, Any]]) -> Map:
    """A map of the vowels of a sweep, coloured by F1, with their symbols."""

    def positions(heard: Heard) -> tuple[Points, np.ndarray] | None:
        if sweep not in heard.sweeps:
            return None
        grid = heard.grid(sweep)
        return grid.points(), vowel_chart.oriented(heard.umap(sweep), grid).reshape(-1, 2)

    return Map(
        sweep,
        title,
        reading,
        positions,
        parameters=vowel_maps.PARAMETERS,
        colour="f1",
        colour_title="F1 (Hz)",
        sounds="vowels",
        of=vowel_maps.caption,
        sound=sound,
        labels=vowel_maps.labels,
    )


EXPERIMENT = Experiment(
    name="formants",
    title="Formants",
    question="Where do vowels lie, and are neighbours neighbours?",
    options=("formants", "synthesis"),
    asks_vowels=True,
    in_paper=True,
    sweeps=sweeps,
    measure=measure,
    compare=compare,
    headline=headline,
    rule=f"More closely or less closely: the intervals of the two do not overlap. {INTERVALS}",
    controls=controls,
    figures=(
        Figure(
            "cka",
            "How alike two encoders are",
            "Linear CKA of the vowels of several f0: 1 is alike but for rotation and scale; above the diagonal without "
            "the bias of many channels. Two encoders with random weights are alike, too, so that a high number alone "
            "says nothing of training: compare with the baselines, beyond the line.",
            _cka,
            joint=True,
        ),
        Figure(
            "cka_layers",
            "How alike each layer is to log-mel",
            "Debiased linear CKA of each layer with a log-mel spectrogram of the same vowels, and the same of an "
            "encoder with random weights.",
            _cka_layers,
            joint=True,
        ),
        Figure(ONE_F0, "Vowels of one f0, as a figure", figures.AS_A_FIGURE, _vowel_space, folded=True),
        Figure(BY_F0, "Vowels of several f0, as a figure", figures.AS_A_FIGURE, _by_f0_figure, folded=True, wide=True),
        Figure(RESONANCES, "Sines and resonances, as a figure", figures.AS_A_FIGURE, _both, folded=True, wide=True),
        *(
            Figure(stem, "All encoders", figures.AS_A_FIGURE, draw, joint=True, at_least=2, on_page=False)
            for stem, draw in ((ONE_F0, _vowel_space), (BY_F0, _by_f0_figure), (RESONANCES, _both))
        ),
    ),
    maps=(
        _map(
            ONE_F0,
            "Vowels of one f0, as sums of sines",
            "Each point is a vowel: three sines, at f0, F1 and F2. If an encoder keeps the order of vowels, the map "
            "looks like a vowel chart: F2 grows to the left, F1 downwards.",
            vowel_maps.sines,
        ),
        dataclasses.replace(
            _map(
                BY_F0,
                "Vowels of several f0, as sums of sines",
                "The same vowels at several f0, each a colour. Sheets that lie apart mean that the encoder tells f0 "
                "before it tells vowels.",
                vowel_maps.sines,
            ),
            colour="f0",
            colour_title="f0 (Hz)",
            labels=None,
        ),
        _map(
            RESONANCES,
            "Vowels of one f0, as resonances",
            "The same vowels as a voice makes them: harmonics of f0 through resonances at F1, F2 and above.",
            vowel_maps.resonances,
        ),
    ),
    table=(STEP, LINEAR_PROBE, ORDER, NEIGHBOURS, BOTH_KINDS),
    notes=notes,
    published=published,
    sounds=sounds,
)


if __name__ == "__main__":
    flags.launch(EXPERIMENT)
