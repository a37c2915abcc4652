"""How long sounds will take, from what the first ones took on this machine."""

import math
import pathlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

import jax

import w2v_jax
from w2v_jax.grids import Grid

from .experiment import Experiment
from .front_ends.named import NamedFrontEnd
from .hearing import Setting, Sweep
from .sentences import listed
from .store.results import AtRate, Results

FIRST = 32  # sounds that are timed


def forecast(
    experiments: Sequence[Experiment],
    front_ends: Sequence[NamedFrontEnd],
    results: Results,
    options: Mapping[str, Any] | None = None,
) -> str:
    """How many sounds experiments have yet to give each front end, and how long they will take, in a sentence.

    It is empty where all sounds were heard before: then nothing is timed.

    Args:
        experiments: those that will run.
        front_ends: those that will hear the sounds.
        results: says how many sounds there are, and how many are computed together.
        options: the values of the experiments' own flags, by name.
    """
    seconds, counts, told = 0.0, [], []
    for each in front_ends:
        setting = Setting(results, each, options or {}, tuple(front_ends), tuple(front_ends))
        sweeps = [
            (sweep, sweep.grid_for(setting))
            for experiment in experiments
            for sweep in experiment.sweeps_for(setting)
            if sweep.folder in ("", experiment.name)  # those of another folder are heard once
            if results.recompute or not _path(results, experiment, sweep, each).exists()
        ]
        counts.append(sum(len(grid) for _, grid in sweeps))
        if not sweeps:
            continue
        samples = [len(grid) * samples_of_one(sweep, grid, setting) for sweep, grid in sweeps]
        most = samples.index(max(samples))
        # Sounds of other lengths take as much longer or shorter as they are.
        expected = seconds_of_one(*sweeps[most], setting) * len(sweeps[most][1]) * sum(samples) / samples[most]
        seconds += expected
        told.append(f"{expected / counts[-1]:.2g} s for {each.name}")
    if not any(counts):
        return ""
    count = f"{min(counts):,}" if min(counts) == max(counts) else f"{min(counts):,} to {max(counts):,}"
    return (
        f"{count} sounds for each front end: {_rounded(seconds)} on this machine, at the pace of the first (a sound "
        f"takes {listed(told)}, on average). Controls that an experiment adds, maps, scores and figures come on top. "
        "Sounds kept from an earlier run are not counted."
    )


def _path(results: Results, experiment: Experiment, sweep: Sweep, front_end: NamedFrontEnd) -> pathlib.Path:
    return results.path(experiment.name, f"{sweep.name}.{front_end.name}.safetensors")


def samples_of_one(sweep: Sweep, grid: Grid, setting: Setting) -> int:
    """How many samples a sound of a sweep has, of all its waveforms where it has several; nothing is computed."""
    synthesize = AtRate(sweep.stimulus, setting.front_end.frames.sample_rate)
    point = {name: jax.ShapeDtypeStruct(values.shape[1:], "float32") for name, values in grid.points().items()}
    return math.prod(jax.eval_shape(lambda given: synthesize(**given), point).shape)


def seconds_of_one(sweep: Sweep, grid: Grid, setting: Setting) -> float:
    """How long a sound of a sweep takes, once its program is compiled: the mean of the first ones."""
    front_end = setting.front_end
    points = {name: values[:FIRST] for name, values in grid.points().items()}
    synthesize = AtRate(sweep.stimulus, front_end.frames.sample_rate)
    for _ in ("compiled", "timed"):
        start = time.perf_counter()
        w2v_jax.sweep(
            front_end.front_end,
            synthesize,
            points,
            pooling=sweep.pooling,
            batch_size=setting.results.batch_size,
        )
        taken = time.perf_counter() - start
    return taken / len(next(iter(points.values())))


def _rounded(seconds: float) -> str:
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} minutes" if seconds < 5400 else f"about {seconds / 3600:.1f} hours"
