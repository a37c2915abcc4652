"""Vowel spaces drawn as meshes: shared by all experiments that ask about vowels."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from w2v_jax import projection
from w2v_jax.grids import VOWELS, Grid, Vowel

from ..vowel_choice import PAPERS, VowelChoice
from . import figures


def oriented(positions: np.ndarray, grid: Grid) -> np.ndarray:
    """Map positions, (n, 2), turned as phoneticians draw vowels: F2 grows to the left, F1 downwards.

    Returns:
        (*grid.shape, 2), rotated and perhaps mirrored, distances unchanged.
    """
    turn = projection.orientation(positions, _chart_axes(grid))
    return (positions @ turn).reshape(*grid.shape, 2)


def oriented_with(positions: np.ndarray, others: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """`oriented` for one f0, and `others`, (..., 2), on the same map, turned alike: (F1, F2, 2) and (..., 2)."""
    turn = projection.orientation(positions, _chart_axes(grid))
    return (positions @ turn).reshape(*grid.shape[-2:], 2), others @ turn


def _chart_axes(grid: Grid) -> np.ndarray:
    points = grid.points()
    return np.stack([-points["f2"], -points["f1"]], axis=1)


def draw_spaces(
    maps: Mapping[str, np.ndarray],
    grid: Grid,
    *,
    below: Mapping[str, Sequence[str]],
    vowels: VowelChoice = PAPERS,
    size: tuple[float, float] = (5.6, 5.4),
    columns: int = 3,
    grids: str = "usual",
) -> figures.Figure:
    """A panel per map, and per speaker where there are several: the mesh, coloured by F1, with the vowels.

    Args:
        maps: by title, positions (n, 2) on UMAP's map.
        grid: their parameters, of one f0.
        below: by title, the lines under each map.
        vowels: those to mark.
        size: of a panel, inches.
        columns: panels in a row, at most; the speakers of a map stand in one row.
        grids: the size of grids, which the caption says where they are thin.
    """
    shown = [(title, speaker) for title in maps for speaker in vowels.speakers]
    columns = columns if len(vowels.speakers) == 1 else len(vowels.speakers)
    figure, panels = figures.panels(
        len(shown), size=size, columns=columns, title=None if vowels.is_papers else vowels.caption_at_one_f0
    )
    f1 = grid.axis("f1")
    colours = figures.SEQUENTIAL((f1 - f1[0]) / (f1[-1] - f1[0]))[:, None, :]
    meshes = {title: oriented(positions, grid)[0] for title, positions in maps.items()}
    for axes, (title, speaker) in zip(panels, shown, strict=True):
        figures.mesh(axes, meshes[title], colours)
        formant_arrows(axes, meshes[title])
        figures.as_map(
            axes,
            ", ".join(filter(None, (title, speaker))),
            of=of_vowels(grid, grids),
            below=below[title],
        )
    figures.colour_bar(panels, "F1 (Hz)", (f1[0], f1[-1]))
    figures.legend(figure, arrow_legend(), columns=2)
    for axes, (title, speaker) in zip(panels, shown, strict=True):
        mesh = meshes[title]
        figures.labels(axes, vowel_labels(mesh, grid, vowels.of(speaker)), avoid=along_arrows(mesh))
    return figure


def of_vowels(grid: Grid, size: str) -> str:
    """What is on a map of vowels, for its caption."""
    f0 = grid.axis("f0")
    at = f"f0 {f0[0]:g} Hz" if len(f0) == 1 else f"f0 {', '.join(f'{each:g}' for each in f0)} Hz"
    return figures.map_of(f"{len(grid):,} vowels, {at}", size)


def formant_arrows(axes: Axes, mesh: np.ndarray, *, width: float = 2.5) -> None:
    """Arrows from the lowest F1 and F2 of `mesh`, (F1, F2, 2), to the highest of each."""
    figures.arrow(axes, mesh[0, 0], mesh[-1, 0], figures.BLUE, width=width)
    figures.arrow(axes, mesh[0, 0], mesh[0, -1], figures.ORANGE, width=width)


def along_arrows(mesh: np.ndarray) -> np.ndarray:
    """Positions along those arrows, (n, 2), for labels to avoid."""
    return np.concatenate([figures.along(mesh[0, 0], mesh[-1, 0]), figures.along(mesh[0, 0], mesh[0, -1])])


def arrow_legend() -> list[figures.Line2D]:
    """What those arrows are, for a legend."""
    return [
        figures.line(figures.BLUE, "arrow: F1, low to high", width=2.5),
        figures.line(figures.ORANGE, "arrow: F2, low to high", width=2.5),
    ]


def vowel_labels(mesh: np.ndarray, grid: Grid, vowels: Sequence[Vowel] = VOWELS) -> list[figures.Label]:
    """Labels with the vowels' symbols where they lie on `mesh`, (F1, F2, 2)."""
    positions = vowel_positions(mesh, grid, vowels)
    return [figures.Label(ipa(vowel), position) for vowel, position in zip(vowels, positions, strict=True)]


def vowel_positions(mesh: np.ndarray, grid: Grid, vowels: Sequence[Vowel] = VOWELS) -> np.ndarray:
    """Where vowels lie on `mesh`, (F1, F2, 2): between the four grid points around their formants. (vowels, 2)."""
    row = np.interp([vowel.f1 for vowel in vowels], grid.axis("f1"), np.arange(mesh.shape[0]))
    column = np.interp([vowel.f2 for vowel in vowels], grid.axis("f2"), np.arange(mesh.shape[1]))
    row_0 = np.minimum(row.astype(int), mesh.shape[0] - 2)
    column_0 = np.minimum(column.astype(int), mesh.shape[1] - 2)
    down = (row - row_0)[:, None]
    across = (column - column_0)[:, None]
    upper = (1 - across) * mesh[row_0, column_0] + across * mesh[row_0, column_0 + 1]
    lower = (1 - across) * mesh[row_0 + 1, column_0] + across * mesh[row_0 + 1, column_0 + 1]
    return (1 - down) * upper + down * lower


def ipa(vowel: Vowel) -> str:
    """The vowel's symbol as phoneticians write a sound: [a]."""
    return f"[{vowel.symbol}]"
