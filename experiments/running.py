"""Runs an experiment: its sweeps, then what is measured, said, drawn and kept of them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure as Drawing

from .draw import figure_files
from .experiment import Experiment, Map, Setting
from .front_ends import controls
from .front_ends.named import NamedFrontEnd, by_step
from .hearing import Heard
from .store import maps, measurements
from .store.measurements import VOWELS
from .store.results import Results
from .store.rows import Measurements, Row


def run(
    experiment: Experiment,
    front_ends: Sequence[NamedFrontEnd],
    results: Results,
    options: Mapping[str, Any] | None = None,
) -> Measurements:
    """Runs an experiment for front ends and the controls that it adds, and returns what was measured of them.

    Processes that share the work hear; the first one measures, draws and writes. Other processes return no rows.

    Args:
        experiment: what is asked.
        front_ends: who is asked.
        results: where results are kept.
        options: the values of the experiment's own flags, by name.

    Raises:
        ReplacementError: results of other settings are in the way.
        OSError, FloatingPointError: as `sweeping.run` does.
    """
    several = listen(experiment, front_ends, results, options)
    measured = measure(experiment, several, results)
    if not results.share.is_first:
        return measured
    # The numbers first: what is drawn may need a package, or patience, and all else is there then.
    measurements.save(results, measured)
    draw(experiment, several, measured)
    if experiment.finish is not None:
        measured = dataclasses.replace(measured, said=tuple(experiment.finish(several, measured)))
    return measured


def listen(
    experiment: Experiment,
    front_ends: Sequence[NamedFrontEnd],
    results: Results,
    options: Mapping[str, Any] | None = None,
) -> list[Heard]:
    """What front ends, and the controls that the experiment adds, hear. Raises as `run` does."""
    measurements.check_vowels(results, experiment.name, needed=experiment.asks_vowels)
    named = tuple(by_step(front_ends))
    added = [each for each in _controls(experiment, named, results) if each not in front_ends]
    everyone = (*named, *added)
    settings = [Setting(results, each, options or {}, everyone, named) for each in everyone]
    several = [experiment.heard_by(each, is_control=each.front_end in added) for each in settings]
    if experiment.prepare is not None:
        experiment.prepare(several)
    for heard in several:
        hear(experiment, heard)
    return several


def measure(experiment: Experiment, several: Sequence[Heard], results: Results) -> Measurements:
    """What is measured of what they heard, and said of it; no rows in a process that is not the first."""
    named = several[0].setting.named
    wanted = {each.name: of for each, of in _controls(experiment, named, results).items()}
    abouts = {
        each.name: measurements.about(
            each.front_end,
            control_of=wanted.get(each.name, ()) if each.is_control else (),
            compared_with=tuple(control for control, of in wanted.items() if each.name in of),
        )
        for each in several
    }
    empty = Measurements(experiment.name, (), abouts, size=results.size, made_with=measurements.made_with())
    if not results.share.is_first:
        return empty
    rows = [row for heard in several for row in measured(experiment, heard)]
    so_far = dataclasses.replace(empty, rows=tuple(rows))
    so_far = dataclasses.replace(so_far, rows=(*rows, *experiment.compare(several, so_far)))
    so_far = dataclasses.replace(so_far, settings=_settings(experiment, several, results))
    so_far = dataclasses.replace(so_far, notes=tuple(dict.fromkeys(_notes(experiment, several, so_far, results))))
    return dataclasses.replace(so_far, headline=experiment.headline(so_far))


def _controls(
    experiment: Experiment, named: Sequence[NamedFrontEnd], results: Results
) -> Mapping[NamedFrontEnd, tuple[str, ...]]:
    """The controls that it asks for, with the names of those they are compared with."""
    wanted = experiment.controls(named)
    return controls.few(wanted) if results.size == "smoke" else wanted


def hear(experiment: Experiment, heard: Heard) -> None:
    """Computes, or reads back, what a front end hears."""
    if experiment.hear is not None:
        experiment.hear(heard)
    for name in heard.sweeps:
        heard.features(name)


def measured(experiment: Experiment, heard: Heard) -> list[Row]:
    """The rows of one front end, under its name."""
    return [dataclasses.replace(row, encoder=heard.name) for row in experiment.measure(heard)]


def draw(experiment: Experiment, several: Sequence[Heard], measured: Measurements) -> None:
    """Writes every figure and map."""
    results = several[0].results
    named = [each for each in several if not each.is_control]
    for each in named:
        for map_ in experiment.maps:
            write_map(map_, each)
    for figure in experiment.figures:
        if figure.joint:
            if len(named) >= figure.at_least:
                _save(results, experiment.name, figure.stem, "", figure.draw(several, measured))
            continue
        for each in named:
            _save(results, experiment.name, figure.stem, f".{each.name}", figure.draw(each, measured))


def write_map(map_: Map, heard: Heard) -> None:
    """Writes where a map's points lie, as drawn."""
    placed = map_.positions(heard)
    if placed is not None:
        maps.save_csv(heard.results, heard.experiment, heard.front_end, map_.sweep, *placed)


def _save(
    results: Results, experiment: str, stem: str, end: str, drawn: Drawing | Mapping[str, Drawing] | None
) -> None:
    parts = drawn if isinstance(drawn, Mapping) else {"": drawn}
    for part, drawing in parts.items():
        if drawing is not None:
            figure_files.save(results, experiment, f"{stem}{f'.{part}' if part else ''}{end}", drawing)


def _settings(experiment: Experiment, several: Sequence[Heard], results: Results) -> dict[str, Any]:
    which = {VOWELS: results.vowels.as_numbers()} if experiment.asks_vowels else {}
    further = experiment.settings(several) if experiment.settings is not None else {}
    settings = measurements.as_json({**which, **further})
    assert isinstance(settings, dict)
    return settings


def _notes(experiment: Experiment, several: Sequence[Heard], measured: Measurements, results: Results) -> Sequence[str]:
    own = experiment.notes(several, measured) if callable(experiment.notes) else experiment.notes
    of_vowels = results.vowels.notes(quick=results.quick) if experiment.asks_vowels else []
    return [*of_vowels, *own]
