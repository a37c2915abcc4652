"""Linear CKA of front ends, and of what it must be set against: random weights, and a log-mel spectrogram.

Two encoders hear the same sounds, often through the same architecture. So even random ones are much alike, and a
number without such a baseline says nothing of what was learned.
"""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from w2v_jax import scores, similarity
from w2v_jax.grids import Grid

from ..draw import figures, lettering
from ..front_ends import controls
from ..front_ends.named import NamedFrontEnd
from ..sentences import compared, listed
from ..store import cells
from ..store.metrics import Metrics
from ..vowels.choice import PAPERS, VowelChoice

ASKED, RANDOM, LOG_MEL = "front end", "random weights", "log-mel"
TWO_RANDOM = f"{RANDOM} and {RANDOM}"
MOST_RANDOM = 2  # of an architecture
MOST_THINNED = 10  # values of F1 and of F2 in the sounds of baselines, which cost two sweeps more

NOTE = (
    "`debiased_linear_cka` is linear CKA without the bias that many channels over few sounds give; its interval is of "
    "half of the vowels drawn again and again, a vowel at all its f0 together. `baselines` has the same numbers for "
    "encoders of random weights and log-mel, with each encoder and with each other, of a ninth of the vowels."
)

Pair = tuple[NamedFrontEnd, NamedFrontEnd]
Baselines = Mapping[NamedFrontEnd, tuple[NamedFrontEnd, ...]]  # of each front end that was asked about


def baselines_of(front_ends: Sequence[NamedFrontEnd]) -> Baselines:
    """Of each front end, encoders of random weights in its architecture, and log-mel; without itself."""
    found = {}
    for each, theirs in controls.controls_of(front_ends).items():
        spectrogram = theirs.spectrograms.get(LOG_MEL)
        found[each] = (*theirs.untrained[:MOST_RANDOM], *([spectrogram] if spectrogram else []))
    return found


def beside(baselines: Baselines) -> list[NamedFrontEnd]:
    """Those that were not asked about themselves, each once, log-mel last."""
    found = dict.fromkeys(each for several in baselines.values() for each in several if each not in baselines)
    return sorted(found, key=lambda each: each.kind == "spectrogram")


def thinned(grid: Grid) -> tuple[Grid, np.ndarray]:
    """Part of the vowels, (n,) in grid order, for baselines, and which they are of all: (all,) bool."""
    part = grid.thinned(f1=MOST_THINNED, f2=MOST_THINNED)
    points = grid.points()
    rows = np.all([np.isin(values, part.axis(name)) for name, values in points.items()], axis=0)
    return Grid(f"{grid.name}_thinned", part.axes), rows


def with_baselines(baselines: Baselines) -> list[Pair]:
    """Each front end with each of its baselines, and those with each other; without pairs that were asked about."""
    pairs: dict[frozenset[NamedFrontEnd], Pair] = {}
    for each, several in baselines.items():
        for pair in (*((each, other) for other in several), *itertools.combinations(several, 2)):
            if not set(pair) <= baselines.keys():
                pairs.setdefault(frozenset(pair), pair)
    return list(pairs.values())


def measure(pairs: Iterable[Pair], features: Mapping[NamedFrontEnd, np.ndarray], grid: Grid) -> list[Metrics]:
    """Linear CKA of each pair, as the paper has it and debiased, of features (n, channels) of a grid of vowels.

    A pair whose linear CKA is undefined has no numbers, but says why.
    """
    points = grid.points()
    _, vowel = np.unique(np.stack([points["f1"], points["f2"]], axis=1), axis=0, return_inverse=True)
    vowel = vowel.reshape(-1)
    found: list[Metrics] = []
    for first, second in pairs:
        a, b = features[first], features[second]
        names = {"encoders": [first.name, second.name]}
        try:
            linear = float(similarity.linear_cka(a, b))
        except ValueError as error:
            found.append({**names, "undefined": str(error)})
            continue
        debiased = cells.number(cells.attempted(lambda a=a, b=b: scores.cka(a, b, groups=vowel)))  # type: ignore[misc]
        found.append({**names, "linear_cka": linear, "debiased_linear_cka": debiased})
    return found


def measure_baselines(baselines: Baselines, features: Mapping[NamedFrontEnd, np.ndarray], grid: Grid) -> list[Metrics]:
    """`measure` for `with_baselines`; `baseline` says what the two of a pair are."""
    pairs = with_baselines(baselines)
    found = measure(pairs, features, grid)
    return [
        {**each, "baseline": f"{_role(first, baselines)} and {_role(second, baselines)}"}
        for (first, second), each in zip(pairs, found, strict=True)
    ]


def _role(front_end: NamedFrontEnd, baselines: Baselines) -> str:
    if front_end.kind == "random":
        return RANDOM
    is_baseline = any(front_end in several for several in baselines.values())
    return LOG_MEL if is_baseline and front_end.kind == "spectrogram" else ASKED


def defined(pairs: Iterable[Metrics]) -> list[Metrics]:
    """The pairs that have numbers."""
    return [pair for pair in pairs if "linear_cka" in pair]


def undefined_notes(pairs: Iterable[Metrics]) -> list[str]:
    """Why the others have none."""
    return [f"CKA of {' and '.join(pair['encoders'])}: {pair['undefined']}." for pair in pairs if "undefined" in pair]


def conclude(between: Collection[Metrics], baselines: Collection[Metrics]) -> str:
    """What came out, as a part of a sentence; nothing where there is no pair."""
    likeness = {" and ".join(pair["encoders"]): pair["linear_cka"] for pair in between}
    parts = []
    if of_two := _values(baselines, TWO_RANDOM):
        parts.append(f"two encoders of random weights reach {max(of_two):.3f}")
    for baseline in (RANDOM, LOG_MEL):
        of_encoders = [pair for pair in baselines if pair["baseline"] == f"{ASKED} and {baseline}"]
        for name in dict.fromkeys(pair["encoders"][0] for pair in of_encoders):
            highest = max(pair["linear_cka"] for pair in of_encoders if pair["encoders"][0] == name)
            parts.append(f"{baseline} with {name} {highest:.3f}")
    if of_random := _values(baselines, f"{RANDOM} and {LOG_MEL}"):
        parts.append(f"log-mel with random weights {max(of_random):.3f}")
    if likeness:
        said = f"linear CKA is {compared(likeness, better='higher', means='more alike', spec='.3f')}"
        return f"{said}; for comparison, {listed(parts)}" if parts else said
    return f"of linear CKA (higher is more alike), {listed(parts)}" if parts else ""


def _values(baselines: Iterable[Metrics], baseline: str) -> list[float]:
    return [pair["linear_cka"] for pair in baselines if pair["baseline"] == baseline]


def draw(
    baselines: Baselines,
    pairs: Collection[Metrics],
    vowels: VowelChoice = PAPERS,
    *,
    quick: bool = False,
) -> Figure:
    """Every pair in a cell: linear CKA below the diagonal, debiased above it; baselines beyond a line."""
    further = [each.name for each in beside(baselines)]
    names = [*(each.name for each in baselines), *further]
    matrix = np.full((len(names), len(names)), np.nan)
    np.fill_diagonal(matrix, 1)
    for pair in pairs:
        low, high = sorted(names.index(name) for name in pair["encoders"])
        matrix[high, low] = pair["linear_cka"]
        matrix[low, high] = pair["debiased_linear_cka"].get("value", np.nan)
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
