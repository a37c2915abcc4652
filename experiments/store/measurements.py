"""The measurements of an experiment, kept in its folder: those of others stay when some are measured again."""

import contextlib
import dataclasses

import jax

from w2v_jax import _version

from ..front_ends.named import NamedFrontEnd
from . import locks, measurements_file
from .results import Results
from .rows import About, Measurements, names_in
from .sweeping import ReplacementError

VOWELS = "vowels"  # the entry of `settings` that says which vowels were asked about


def about(front_end: NamedFrontEnd, *, control_of: tuple[str, ...] = (), compared_with: tuple[str, ...] = ()) -> About:
    """What a reader of numbers must know of the front end that they are of."""
    frames = front_end.frames
    return About(
        name=front_end.name,
        kind=front_end.kind,
        source=front_end.source,
        frames={"sample_rate": frames.sample_rate, "receptive_field": frames.receptive_field, "hop": frames.hop},
        revision=front_end.revision,
        assumed=front_end.assumed,
        precision=front_end.precision,
        step=front_end.step,
        group=front_end.group,
        control_of=control_of,
        compared_with=compared_with,
    )


def made_with() -> dict[str, str]:
    """Versions and device."""
    return {"w2v_jax": _version.__version__, "jax": jax.__version__, "device": jax.local_devices()[0].device_kind}


def save(results: Results, measured: Measurements) -> None:
    """Writes `metrics.json` and `metrics.csv`. Two runs that end together write one after the other.

    Raises:
        ReplacementError: what is there cannot be read, or is of other vowels and may not be replaced.
    """
    path = results.path(measured.experiment, measurements_file.NAME)
    with locks.alone(path, label=f"{measured.experiment}/{measurements_file.NAME}"):
        check_vowels(results, measured.experiment, needed=VOWELS in measured.settings)
        earlier = results.measurements(measured.experiment)
        merged = measured if earlier is None else together(measured, earlier)
        results.save_text(measured.experiment, measurements_file.NAME, measurements_file.json_text(merged))
        results.save_text(measured.experiment, measurements_file.TABLE, measurements_file.csv_text(merged))


def together(measured: Measurements, earlier: Measurements) -> Measurements:
    """What was found, and of what was there before, the rows and notes of front ends that were not measured again.

    Nothing of before stays where it is of other vowels.
    """
    if measured.settings.get(VOWELS) != earlier.settings.get(VOWELS):
        return measured
    others = {name: each for name, each in earlier.encoders.items() if name not in measured.encoders}
    if not others:
        return measured
    rows = [row for row in earlier.rows if (names := list(names_in(row))) and all(name in others for name in names)]
    return dataclasses.replace(
        measured,
        rows=(*measured.rows, *rows),
        encoders={**measured.encoders, **others},
        notes=tuple(dict.fromkeys([*measured.notes, *earlier.notes])),
        settings={**earlier.settings, **measured.settings},
    )


def check_vowels(results: Results, experiment: str, *, needed: bool = True) -> None:
    """To be called before anything is done by an experiment that asks about vowels.

    Raises:
        ReplacementError: what the file has cannot be read, or is of other vowels and may not be replaced. Sweeps tell
            of themselves that they were made on another grid, but not before another front end's stand next to them
            in one table.
    """
    if not needed or results.overwrite or results.recompute:
        return
    earlier = results.measurements(experiment)
    if earlier is None or earlier.settings.get(VOWELS) == as_json(results.vowels.as_numbers()):
        return
    named = (earlier.settings.get(VOWELS) or {}).get("table", "the paper's vowels")
    raise ReplacementError(
        f"{results.path(experiment, measurements_file.NAME)}: made with other vowels or another grid of them "
        f"({named}); choose another --output_dir, or give --overwrite to replace it"
    )


def as_json(value: object) -> object:
    """Plain lists, numbers and texts, as they will be read back."""
    if isinstance(value, dict):
        return {str(name): as_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(each) for each in value]
    with contextlib.suppress(AttributeError):
        return as_json(value.tolist())  # type: ignore[attr-defined]
    return value
