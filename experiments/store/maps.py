"""UMAP's maps of features, kept on disk."""

import dataclasses
import functools
import importlib.metadata
import json
import math
import sys
import time
from collections.abc import Callable, Mapping

import jax
import numpy as np

from w2v_jax import checkpoint, projection
from w2v_jax.projection import UmapSettings

from ..front_ends.named import NamedFrontEnd
from . import spreadsheet
from .results import Results, Tensors, projection_name


def umap(
    results: Results,
    experiment: str,
    front_end: NamedFrontEnd,
    sweep: str,
    features: np.ndarray,
    *,
    settings: UmapSettings = projection.LOCAL,
) -> np.ndarray:
    """Positions on UMAP's map, kept in `EXPERIMENT/SWEEP.ENCODER.umap.safetensors`.

    Args:
        results: where results are kept.
        experiment: whose folder it is.
        front_end: whose features they are.
        sweep: name of the sweep that is pictured.
        features: (n, d); or (maps, n, d), each a map of its own.
        settings: of UMAP.

    Returns:
        (n, 2), or (maps, n, 2), float32.
    """

    def compute() -> Tensors:
        maps = features.reshape(-1, *features.shape[-2:])
        project = (
            principal_axes if results.size == "smoke" else functools.partial(projection.project, settings=settings)
        )
        positions = np.stack([project(each) for each in maps])
        return {"positions": positions.reshape(*features.shape[:-1], 2)}

    return _kept(results, experiment, front_end, sweep, {"features": features}, settings, compute)["positions"]


def umap_onto(
    results: Results,
    experiment: str,
    front_end: NamedFrontEnd,
    sweep: str,
    features: np.ndarray,
    others: np.ndarray,
    *,
    settings: UmapSettings = projection.LOCAL,
) -> tuple[np.ndarray, np.ndarray]:
    """A map of `features`, (n, d), and `others`, (..., d), placed on it; see `umap`.

    Returns:
        (n, 2) and (..., 2), float32.
    """

    def compute() -> Tensors:
        several = others.reshape(-1, others.shape[-1])
        if results.size == "smoke":
            both = principal_axes(np.concatenate([features, several]))
            positions, placed = both[: len(features)], both[len(features) :]
        else:
            positions, placed = projection.project_onto(features, several, settings=settings)
        return {"positions": positions, "placed": placed.reshape(*others.shape[:-1], 2)}

    inputs = {"features": features, "others": others}
    tensors = _kept(results, experiment, front_end, sweep, inputs, settings, compute)
    return tensors["positions"], tensors["placed"]


def principal_axes(features: np.ndarray) -> np.ndarray:
    """Positions (n, 2) of features (n, d) on their two principal axes: quick, where no map is looked at."""
    centred = features.astype(np.float64) - features.mean(axis=0)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    positions = np.zeros((len(features), 2), np.float32)
    positions[:, : min(2, len(lengths))] = (left * lengths)[:, :2]
    return positions


def save_csv(
    results: Results,
    experiment: str,
    front_end: NamedFrontEnd,
    sweep: str,
    parameters: Mapping[str, np.ndarray],
    positions: np.ndarray,
) -> None:
    """Writes `EXPERIMENT/SWEEP.ENCODER.map.csv`: a row per point, its parameters and its place on the map as drawn.

    Args:
        results: where results are kept.
        experiment: whose folder it is.
        front_end: whose map it is.
        sweep: name of the sweep that is pictured.
        parameters: columns, each of a shape that broadcasts to that of the points.
        positions: (..., 2), turned as in the figure.
    """
    if not results.share.is_first:
        return
    shape = positions.shape[:-1]
    columns = {name: np.broadcast_to(values, shape).ravel().tolist() for name, values in parameters.items()}
    x, y = positions.reshape(-1, 2).T.tolist()
    rows = (
        [*map(_cell, row), f"{at_x:.4f}", f"{at_y:.4f}"]
        for *row, at_x, at_y in zip(*columns.values(), x, y, strict=True)
    )
    text = spreadsheet.csv_text([*columns, "x", "y"], rows)
    results.save_text(experiment, f"{sweep}.{front_end.name}.map.csv", text)


def _cell(value: object) -> object:
    if not isinstance(value, float):
        return value
    return f"{value:.6g}" if math.isfinite(value) else ""  # which R reads as NA


def _kept(
    results: Results,
    experiment: str,
    front_end: NamedFrontEnd,
    sweep: str,
    inputs: Tensors,
    settings: UmapSettings,
    compute: Callable[[], Tensors],
) -> Tensors:
    def timed() -> Tensors:
        print(f"{front_end.name}: {sweep}: {projection_name(results.size)} ...", end=" ", flush=True, file=sys.stderr)
        start = time.perf_counter()
        if results.size != "smoke":
            _tell_of_compiling()
        tensors = compute()
        print(f"{time.perf_counter() - start:.1f} s", file=sys.stderr)
        return tensors

    made_with = {
        "features": checkpoint.tensors_digest(inputs),
        "UMAP settings": json.dumps(dataclasses.asdict(settings)),
        "umap-learn": _installed_version("umap-learn"),
    }
    return results.kept(experiment, f"{sweep}.{front_end.name}.umap.safetensors", made_with, timed)


@functools.cache
def _tell_of_compiling() -> None:
    """Says, at the first map of a process, that it takes longer because UMAP is compiled."""
    keeps = bool(jax.config.jax_compilation_cache_dir)  # type: ignore[attr-defined, unused-ignore]
    if not (keeps and projection.keep_compiled()):
        once = ", once on this machine" if keeps else ""
        print(f"compiling UMAP{once} ...", end=" ", flush=True, file=sys.stderr)


def _installed_version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
