"""Linear CKA of front ends, and of what it must be set against: random weights, and a log-mel spectrogram.

Two encoders hear the same sounds, often through the same architecture. So even random ones are much alike, and a
number without such a baseline says nothing of what was learned.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from w2v_jax import scores, similarity
from w2v_jax.grids import Grid
from w2v_jax.scores import Bootstrap

from ..draw import figures, lettering
from ..front_ends import controls
from ..front_ends.named import NamedFrontEnd
from ..sentences import compared, listed
from ..store import rows
from ..store.rows import Measurements, Row
from ..vowel_choice import PAPERS, VowelChoice

ASKED, RANDOM, LOG_MEL = "front end", "random weights", "log-mel"
TWO_RANDOM = f"{RANDOM} and {RANDOM}"
TWO_ASKED = f"{ASKED} and {ASKED}"
LINEAR, DEBIASED = "linear CKA", "debiased linear CKA"
ROLES = "pair"  # the parameter that says what the two of a pair are
MOST_RANDOM = 2  # of an architecture
MOST_THINNED = 10  # values of F1 and of F2 in the sounds of baselines, which cost two sweeps more

NOTE = (
    "Debiased linear CKA is linear CKA without the bias that many channels over few sounds give; its interval "
    "resamples half of the vowels, a vowel at all its f0 together. Pairs with random weights or log-mel are baselines, "
    "of a ninth of the vowels."
)

Pair = tuple[NamedFrontEnd, NamedFrontEnd]
Baselines = Mapping[NamedFrontEnd, tuple[NamedFrontEnd, ...]]  # of each front end that was asked about


def baselines_of(front_ends: Sequence[NamedFrontEnd]) -> Baselines:
    """The baselines of each front end: encoders with random weights in its architecture, and log-mel."""
    baselines = {}
    for each, theirs in controls.controls_of(front_ends).items():
        spectrogram = theirs.spectrograms.get(LOG_MEL)
        baselines[each] = (*theirs.untrained[:MOST_RANDOM], *([spectrogram] if spectrogram else []))
    return baselines


def beside(baselines: Baselines) -> list[NamedFrontEnd]:
    """Those that were not asked about themselves, each once, log-mel last."""
    others = dict.fromkeys(each for several in baselines.values() for each in several if each not in baselines)
    return sorted(others, key=lambda each: each.kind == "spectrogram")


def thinned(grid: Grid) -> tuple[Grid, np.ndarray]:
    """Part of the vowels, (n,) in grid order, for baselines, and which they are of all: (all,) bool."""
    part = grid.thinned(f1=MOST_THINNED, f2=MOST_THINNED)
    points = grid.points()
    chosen = np.all([np.isin(values, part.axis(name)) for name, values in points.items()], axis=0)
    return Grid(f"{grid.name}_thinned", part.axes), chosen


def with_baselines(baselines: Baselines) -> list[Pair]:
    """Each front end with each of its baselines, and those with each other; without pairs that were asked about."""
    pairs: dict[frozenset[NamedFrontEnd], Pair] = {}
    for each, several in baselines.items():
        for pair in (*((each, other) for other in several), *itertools.combinations(several, 2)):
            if not set(pair) <= baselines.keys():
                pairs.setdefault(frozenset(pair), pair)
    return list(pairs.values())


def measure(
    pairs: Iterable[Pair],
    features: Mapping[NamedFrontEnd, np.ndarray],
    grid: Grid,
    *,
    roles: Callable[[Pair], str] = lambda pair: TWO_ASKED,
    bootstrap: Bootstrap | None = None,
) -> list[Row]:
    """Linear CKA of each pair, as the paper has it and debiased.

    Args:
        pairs: of front ends.
        features: (n, channels) each, of a grid of vowels.
        grid: theirs.
        roles: what the two of a pair are.
        bootstrap: as for the scores.
    """
    points = grid.points()
    _, vowel = np.unique(np.stack([points["f1"], points["f2"]], axis=1), axis=0, return_inverse=True)
    vowel = vowel.reshape(-1)
    measured: list[Row] = []
    for pair in pairs:
        first, second = pair
        a, b = features[first], features[second]
        try:
            linear = rows.number(LINEAR, float(similarity.linear_cka(a, b)))
            cell = rows.attempted(lambda a=a, b=b: scores.cka(a, b, groups=vowel, bootstrap=bootstrap))  # type: ignore[misc]
            debiased = rows.score(DEBIASED, cell)
        except ValueError as error:
            linear, debiased = (rows.number(each, None, undefined=str(error)) for each in (LINEAR, DEBIASED))
        parameters = ((rows.WITH, second.name), (ROLES, roles(pair)))
        measured += [
            dataclasses.replace(each, encoder=first.name, parameters=parameters) for each in (linear, debiased)
        ]
    return measured


def measure_baselines(
    baselines: Baselines,
    features: Mapping[NamedFrontEnd, np.ndarray],
    grid: Grid,
    *,
    bootstrap: Bootstrap | None = None,
) -> list[Row]:
    """`measure` for `with_baselines`."""

    def roles(pair: Pair) -> str:
        return " and ".join(_role(each, baselines) for each in pair)

    return measure(with_baselines(baselines), features, grid, roles=roles, bootstrap=bootstrap)


def _role(front_end: NamedFrontEnd, baselines: Baselines) -> str:
    if front_end.kind == "random":
        return RANDOM
    is_baseline = any(front_end in several for several in baselines.values())
    return LOG_MEL if is_baseline and front_end.kind == "spectrogram" else ASKED


def undefined_notes(measured: Measurements) -> list[str]:
    """Why pairs have no CKA."""
    return [
        f"CKA of {' and '.join(rows.names_in(row))}: {row.undefined}."
        for row in measured.select(LINEAR)
        if row.value is None
    ]


def said(measured: Measurements) -> str:
    """What came out, as a sentence; nothing where there is no pair."""
    pairs = [row for row in measured.select(LINEAR) if row.value is not None]
    likeness = {" and ".join(rows.names_in(row)): row.value or 0.0 for row in pairs if _roles(row) == TWO_ASKED}
    parts = []
    if of_two := _values(pairs, TWO_RANDOM):
        parts.append(f"two encoders with random weights reach {max(of_two):.3f}")
    for baseline in (RANDOM, LOG_MEL):
        of_encoders = [row for row in pairs if _roles(row) == f"{ASKED} and {baseline}"]
        for name in dict.fromkeys(row.encoder for row in of_encoders):
            highest = max(row.value or 0.0 for row in of_encoders if row.encoder == name)
            parts.append(f"{baseline} with {name} {highest:.3f}")
    if of_random := _values(pairs, f"{RANDOM} and {LOG_MEL}"):
        parts.append(f"log-mel with random weights {max(of_random):.3f}")
    if likeness:
        said = f"Linear CKA is {compared(likeness, better='higher', means='more alike', spec='.3f')}"
        return f"{said}; for comparison, {listed(parts)}." if parts else f"{said}."
    return f"Linear CKA (higher is more alike): {listed(parts)}." if parts else ""


def _roles(row: Row) -> str:
    return str(dict(row.parameters)[ROLES])


def _values(pairs: Iterable[Row], roles: str) -> list[float]:
    return [row.value or 0.0 for row in pairs if _roles(row) == roles]


def draw(
    baselines: Baselines,
    measured: Measurements,
    vowels: VowelChoice = PAPERS,
    *,
    quick: bool = False,
) -> Figure:
    """Every pair in a cell: linear CKA below the diagonal, debiased above it; baselines beyond a line."""
    further = [each.name for each in beside(baselines)]
    names = [*(each.name for each in baselines), *further]
    matrix = np.full((len(names), len(names)), np.nan)
    np.fill_diagonal(matrix, 1)
    for quantity in (LINEAR, DEBIASED):
        for row in measured.select(quantity):
            low, high = sorted(names.index(name) for name in rows.names_in(row))
            place = (high, low) if quantity == LINEAR else (low, high)
            matrix[place] = np.nan if row.value is None else row.value
    size = 3.0 + 0.55 * len(names)
    _, told = lettering.beside_axis(names)
    figure, (axes,) = figures.panels(1, size=(size + 1.2, size + 0.5), below=told)
    figures.heat_map(
        axes,
        np.round(matrix, 3) + 0.0,  # no "-0"
        rows=names,
        columns=names,
        limits=(0, 1),
        colour_label="Linear CKA",
        digits=3,
    )
    title = figures.quick_mark("Similarity of vowel spaces by f0", quick=quick)
    lines = [title, "below the diagonal: linear CKA, as in the paper; above: debiased"]
    if further:
        edge = len(baselines) - 0.5
        axes.axhline(edge, color="black", linewidth=1.5)
        axes.axvline(edge, color="black", linewidth=1.5)
        random = [each.name for each in beside(baselines) if each.kind == "random"]
        others = [name for name in further if name not in random]
        shown = [f"random weights ({listed(random)})"] if random else []
        lines.append(f"beyond the line, baselines: {' and '.join([*shown, *([listed(others)] if others else [])])}")
    axes.set_title("\n".join(lines if vowels.is_papers else [*lines, vowels.caption_by_f0]), fontsize=10)
    return figure
