"""Run an experiment of your own, from a file or a package.

    w2v-jax run mine.py:EXPERIMENT --encoders=formant-base,untrained

`EXPERIMENT` is the name of an `Experiment` in the file, or in a module (`package.module:EXPERIMENT`) that Python finds
from the current folder. It takes the flags that all experiments share, measures and draws as they do, and ends with the
page of results, `index.html` in the folder, where it has its section. `docs/extending.md` has an example in full.
"""

import contextlib
import importlib
import importlib.util
import pathlib
import re
import sys
import traceback
import types
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from w2v_jax._src.quoting import first_line

from . import catalog
from .commands import COMMANDS
from .help import answer, end_with

if TYPE_CHECKING:
    from .experiment import Experiment
    from .store.results import Results

EXPECTED = "expected FILE.py:EXPERIMENT or package.module:EXPERIMENT"


class RunError(ValueError):
    """The experiment to run is missing, or is not one. The message is one line."""


def load(target: str) -> "Experiment":
    """The experiment that `FILE.py:NAME` or `package.module:NAME` says.

    Raises:
        RunError: there is no such file, module or name, its module fails, or it is not an experiment that can be run.
        ModuleNotFoundError: w2v_jax itself lacks a package.
    """
    from . import experiment as contract  # what w2v_jax lacks is not the fault of the user's module

    place, colon, name = target.rpartition(":")
    if not (place and colon and name):
        raise RunError(f"{target!r}; {EXPECTED}")
    module = _imported(place)
    record: Any = getattr(module, name, None)
    # In a clone this package may be imported under two names: `experiments`, and that of the installed one.
    several = [sys.modules.get(each, contract) for each in ("experiments.experiment", "w2v_jax.experiments.experiment")]
    kinds = tuple(each.Experiment for each in (contract, *several))
    if not isinstance(record, kinds):
        there = [each for each, value in vars(module).items() if isinstance(value, kinds)]
        said = f"is a {type(record).__name__}" if hasattr(module, name) else "is not there"
        known = f"; it has {', '.join(there)}" if there else ""
        raise RunError(f"{target}: {name} {said}; expected an Experiment{known}")
    checked: Experiment = record
    _check(checked, target)
    return checked


def _imported(place: str) -> types.ModuleType:
    path = pathlib.Path(place)
    if path.suffix == ".py":
        if not path.is_file():
            raise RunError(f"{place}: there is no such file; {EXPECTED}")
        sys.path.insert(0, str(path.resolve().parent))  # what lies next to it can be imported, as for `python FILE`
        called = path.stem if path.stem not in sys.modules else f"{path.stem}_to_run"
        finder = importlib.util.spec_from_file_location(called, path)
        assert finder is not None
        assert finder.loader is not None
        module = importlib.util.module_from_spec(finder)
        sys.modules[called] = module  # dataclasses and pickles look for it there
        with _in_one_line(place):
            finder.loader.exec_module(module)
        return module
    if not all(part.isidentifier() for part in place.split(".")):
        raise RunError(f"{place!r} is neither a Python file nor the name of a module; {EXPECTED}")
    sys.path.insert(0, "")  # the current folder, as for `python -m`
    with _in_one_line(place):
        return importlib.import_module(place)


@contextlib.contextmanager
def _in_one_line(place: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the user's code may raise: it may even exit
        lines = [each.lineno for each in traceback.extract_tb(error.__traceback__) if each.filename.endswith(place)]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else None)
        at = f", line {line}" if line else ""
        raise RunError(f"{place}{at}: it cannot be imported ({type(error).__name__}: {first_line(error)})") from error


def _check(record: "Experiment", target: str) -> None:
    from .store.results import SIZES  # imports JAX, which help does without

    if record.name in (*COMMANDS, *SIZES):  # folders of results are called so
        raise RunError(f"{target}: its name is {record.name!r}, which w2v-jax uses itself; give it another")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", record.name):
        raise RunError(
            f"{target}: its name is {record.name[:80]!r}; expected one for a folder: a letter, then letters, digits, "
            "_ or -"
        )
    known = {path.stem for path in (pathlib.Path(__file__).parent / "options").glob("[a-z]*.py")}
    if strange := [each for each in record.options if each not in known]:
        raise RunError(f"{target}: it has the options {strange[0]!r}; expected some of {', '.join(sorted(known))}")


def main(arguments: Sequence[str], *, program: str) -> None:
    """The program."""
    if not arguments or arguments[0].startswith("-"):
        names = ("process", "common")
        end_with(answer(names, __doc__ or "", arguments, program=f"{program} FILE.py:EXPERIMENT"))
        sys.exit(f"error: nothing to run; {EXPECTED}")
    target, *rest = arguments
    try:
        experiment = load(target)
    except RunError as error:
        sys.exit(f"error: {error}")
    about = f"{experiment.title}: {experiment.question}"
    started_as = f"{program} {target}"
    # The package whose record it is: its flags are those that count.
    home = type(experiment).__module__.rpartition(".")[0]
    home_help, launch = (importlib.import_module(f"{home}.{each}") for each in ("help", "launch.flags"))
    end_with(
        home_help.answer(
            catalog.options_of(experiment.options, asks_vowels=experiment.asks_vowels), about, rest, program=started_as
        )
    )
    sys.argv = [started_as, *rest]
    page = importlib.import_module(f"{home}.page.page")
    launch.launch(experiment, afterwards=lambda results: _page(results, experiment, page))


def _page(results: "Results", experiment: "Experiment", page: types.ModuleType) -> list[str]:
    """Writes the page; where it is, and what it lacks."""
    lines: list[str] = page.written(results.folder, own=[experiment])
    return ["", *lines]


if __name__ == "__main__":
    main(sys.argv[1:], program=f"python -m {__package__}.run")
