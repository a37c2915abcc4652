"""Figures as files, next to the results that they are of."""

from matplotlib.figure import Figure

from w2v_jax._src import files

from ..store.results import Results
from . import figures

_SUFFIXES = (".png", ".pdf", ".svg")


def save(results: Results, experiment: str, name: str, figure: Figure) -> None:
    """Writes `EXPERIMENT/NAME.png`, `.pdf` and `.svg` (the first process does); small pictures in a smoke run."""
    if not results.share.is_first:
        return
    png_dpi = 20 if results.size == "smoke" else figures.PNG_DPI
    for suffix in _SUFFIXES:
        with files.atomic_path(results.path(experiment, name + suffix)) as temporary:
            figures.save(figure, temporary, png_dpi=png_dpi)
    results.add_drawn(experiment, name)
