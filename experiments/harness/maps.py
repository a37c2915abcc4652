"""UMAP's maps of features, kept on disk."""

import dataclasses
import importlib.metadata
import json
import time
from collections.abc import Callable

import jax
import numpy as np

from w2v_jax import checkpoint, projection
from w2v_jax.projection import UmapSettings

from .front_ends import NamedFrontEnd
from .results import Results, Tensors


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
        positions = np.stack([projection.project(each, settings=settings) for each in maps])
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
        positions, placed = projection.project_onto(features, others.reshape(-1, others.shape[-1]), settings=settings)
        return {"positions": positions, "placed": placed.reshape(*others.shape[:-1], 2)}

    inputs = {"features": features, "others": others}
    found = _kept(results, experiment, front_end, sweep, inputs, settings, compute)
    return found["positions"], found["placed"]


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
        print(f"{front_end.name}: {sweep}: UMAP ...", end=" ", flush=True)
        start = time.perf_counter()
        if jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined, unused-ignore]
            projection.keep_compiled()
        tensors = compute()
        print(f"{time.perf_counter() - start:.1f} s")
        return tensors

    made_with = {
        "features": checkpoint.tensors_digest(inputs),
        "UMAP settings": json.dumps(dataclasses.asdict(settings)),
        "umap-learn": _installed_version("umap-learn"),
    }
    return results.kept(experiment, f"{sweep}.{front_end.name}.umap.safetensors", made_with, timed)


def _installed_version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
